-- What people decided about tasks that run in our name without a record (src/model/orphan.h). Undecided ones are not
-- stored: the master shows them again.
CREATE TABLE orphans (
  task          TEXT    NOT NULL PRIMARY KEY,
  agent         TEXT    NOT NULL,
  hostname      TEXT    NOT NULL,
  state         TEXT    NOT NULL,  -- as Mesos spells it
  first_seen_ms INTEGER NOT NULL,
  decision      TEXT    NOT NULL,  -- 'waiting', 'leave', 'kill'
  reason        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
