-- The memory of the engine. Times are milliseconds since 1970-01-01T00:00:00Z, 0 for "never set". Enumerations are
-- stored by name. What one would query has a column; the rest of a record is JSON text (src/store/spec_json.h).

CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,  -- 'framework': the id Mesos gave us; 'next_job_number'
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  number            INTEGER NOT NULL PRIMARY KEY,
  id                TEXT    NOT NULL UNIQUE,
  state             TEXT    NOT NULL,
  outcome           TEXT    NOT NULL,
  version           INTEGER NOT NULL,
  instances_desired INTEGER NOT NULL,
  instances_min     INTEGER NOT NULL,
  instances_max     INTEGER NOT NULL,
  in_service        INTEGER NOT NULL,
  next_task_number  INTEGER NOT NULL,
  submitted_at_ms   INTEGER NOT NULL,
  ended_at_ms       INTEGER NOT NULL,
  message           TEXT    NOT NULL,
  spec              TEXT    NOT NULL   -- JSON
) STRICT;

CREATE TABLE tasks (
  id                   TEXT    NOT NULL PRIMARY KEY,
  -- Deferred: within one batch a task may come before its job.
  job                  TEXT    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  slot                 INTEGER NOT NULL,
  number               INTEGER NOT NULL,
  attempt              INTEGER NOT NULL,
  launch_failures      INTEGER NOT NULL,
  state                TEXT    NOT NULL,
  agent                TEXT    NOT NULL,
  hostname             TEXT    NOT NULL,
  agent_endpoint       TEXT    NOT NULL,
  region               TEXT    NOT NULL,
  zone                 TEXT    NOT NULL,
  allocated            TEXT    NOT NULL,  -- JSON
  queued_at_ms         INTEGER NOT NULL,
  dispatched_at_ms     INTEGER NOT NULL,
  starting_at_ms       INTEGER NOT NULL,
  running_at_ms        INTEGER NOT NULL,
  ended_at_ms          INTEGER NOT NULL,
  not_before_ms        INTEGER NOT NULL,
  unreachable_since_ms INTEGER NOT NULL,
  kill_requested       INTEGER NOT NULL,
  kill_retry_at_ms     INTEGER NOT NULL,
  kill_sends           INTEGER NOT NULL,
  replaced             INTEGER NOT NULL,
  reason               TEXT    NOT NULL,
  message              TEXT    NOT NULL,
  exit_code            INTEGER,
  exit_signal          INTEGER
) STRICT;

CREATE INDEX tasks_by_job ON tasks (job, slot, number);
