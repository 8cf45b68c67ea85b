-- What is promised to capacity groups (src/model/group.h). Conventions as in 0001_initial.sql.

CREATE TABLE capacity_groups (
  name          TEXT    NOT NULL PRIMARY KEY,
  tier          TEXT    NOT NULL,
  weight        INTEGER NOT NULL,
  guarantee     TEXT    NOT NULL,  -- JSON
  quota         TEXT    NOT NULL,  -- JSON; '': none
  version       INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  updated_by    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
