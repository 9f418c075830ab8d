-- Tickets for live events: each opens one connection, once, for seconds.  The ticket itself is known by hash alone.

CREATE TABLE live_ticket (
    sha256 TEXT PRIMARY KEY,
    key_id TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
