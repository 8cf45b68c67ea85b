-- Changes of reservations and volumes that operators asked for (src/model/operation.h). Conventions as in
-- 0001_initial.sql.

CREATE TABLE operations (
  number          INTEGER NOT NULL PRIMARY KEY,
  id              TEXT    NOT NULL UNIQUE,
  type            TEXT    NOT NULL,
  agent           TEXT    NOT NULL,
  role            TEXT    NOT NULL,
  amounts         TEXT    NOT NULL,  -- JSON
  volume          TEXT    NOT NULL,
  path            TEXT    NOT NULL,
  requested_by    TEXT    NOT NULL,
  state           TEXT    NOT NULL,
  attempt         INTEGER NOT NULL,
  feedback        INTEGER NOT NULL,
  reserved_before TEXT    NOT NULL,  -- JSON
  created_at_ms   INTEGER NOT NULL,
  sent_at_ms      INTEGER NOT NULL,
  updated_at_ms   INTEGER NOT NULL,
  message         TEXT    NOT NULL
) STRICT;
