-- Attempts that were denied and whose window is open: the first of each is an entry of the log, the others are counted
-- here, and become one entry when the window closes.

CREATE TABLE denied_attempt (
    principal_id TEXT NOT NULL,
    route TEXT NOT NULL,
    reason TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    entry INTEGER NOT NULL,
    began_at TEXT NOT NULL,
    closes_at TEXT NOT NULL,
    repeats INTEGER NOT NULL,
    PRIMARY KEY (principal_id, route, reason, workspace_id)
);
CREATE INDEX denied_attempt_by_close ON denied_attempt (closes_at);
