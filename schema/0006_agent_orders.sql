-- What operators want of agents (src/model/agent.h). Conventions as in 0001_initial.sql.
CREATE TABLE agent_orders (
  agent        TEXT    NOT NULL PRIMARY KEY,
  hostname     TEXT    NOT NULL,
  kind         TEXT    NOT NULL,  -- 'disable', 'drain'
  deadline_ms  INTEGER,           -- NULL: none
  requested_by TEXT    NOT NULL,
  at_ms        INTEGER NOT NULL,
  reason       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
