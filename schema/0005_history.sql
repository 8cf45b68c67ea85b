-- What is remembered about changes (src/model/history.h), the steps of tasks (src/model/task.h), and what Titus calls a
-- job's processes. Conventions as in 0001_initial.sql.

ALTER TABLE jobs ADD COLUMN increase_disabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN decrease_disabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN history TEXT NOT NULL DEFAULT '';  -- JSON; '': nothing was kept

CREATE TABLE audits (
  number  INTEGER NOT NULL PRIMARY KEY,
  at_ms   INTEGER NOT NULL,
  user    TEXT    NOT NULL,
  address TEXT    NOT NULL,
  action  TEXT    NOT NULL,
  job     TEXT    NOT NULL,  -- no reference: an audit outlives its job
  task    TEXT    NOT NULL,
  detail  TEXT    NOT NULL,
  fields  TEXT    NOT NULL   -- JSON
) STRICT;

CREATE TABLE job_versions (
  job               TEXT    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  version           INTEGER NOT NULL,
  at_ms             INTEGER NOT NULL,
  user              TEXT    NOT NULL,
  what              TEXT    NOT NULL,
  instances_desired INTEGER NOT NULL,
  instances_min     INTEGER NOT NULL,
  instances_max     INTEGER NOT NULL,
  in_service        INTEGER NOT NULL,
  spec              TEXT,  -- JSON; NULL: as in the next version that is kept, and of the newest: as in jobs
  PRIMARY KEY (job, version)
) STRICT;

CREATE TABLE receipts (
  key         TEXT    NOT NULL PRIMARY KEY,
  fingerprint TEXT    NOT NULL,
  answer      TEXT    NOT NULL,
  at_ms       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
