-- Where a task runs and how it is, as its executor tells (src/model/task.h). An empty executor is one of the task's own:
-- all were, before this.

ALTER TABLE tasks ADD COLUMN executor           TEXT    NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN pid                INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN container_id       TEXT    NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN ip                 TEXT    NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN executor_version   TEXT    NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN healthy            INTEGER;
ALTER TABLE tasks ADD COLUMN ready              INTEGER;
ALTER TABLE tasks ADD COLUMN healthy_at_ms      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN unhealthy_since_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN health_message     TEXT    NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN memory_limit       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN memory_peak_bytes  INTEGER;
