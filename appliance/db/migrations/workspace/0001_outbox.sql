-- Events for whoever watches a workspace, numbered in the order of their commits.  AUTOINCREMENT: a number that was
-- told is never given again, even after old events were removed.
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TRIGGER outbox_no_update BEFORE UPDATE ON outbox
BEGIN
    SELECT RAISE(ABORT, 'an event is never changed');
END;
