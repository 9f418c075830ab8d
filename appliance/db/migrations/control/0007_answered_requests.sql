-- Requests that were answered under an Idempotency-Key, for a day: who repeats one gets the same answer.
-- Key and request are known by keyed hashes alone; an answer that holds a secret is not kept.

CREATE TABLE answered_request (
    key_mac TEXT PRIMARY KEY,
    request_mac TEXT NOT NULL,
    status INTEGER NOT NULL,
    answer TEXT,
    location TEXT,
    answered_at TEXT NOT NULL
);

CREATE INDEX answered_request_at ON answered_request (answered_at);
