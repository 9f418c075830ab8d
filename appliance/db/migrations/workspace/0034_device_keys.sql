-- Keys that devices made themselves: the codes that let them in, the keys, and what short-lived tokens are known by.

-- A code is known by its first signs and by what it opens, sealed; never as it was typed.
CREATE TABLE device_code (
    id TEXT PRIMARY KEY,
    locator TEXT NOT NULL UNIQUE,
    sealed_key BLOB NOT NULL,
    device_name TEXT,
    device_id TEXT REFERENCES device (id),
    reason TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    closed_at TEXT,
    closed_by TEXT,
    device_key_id TEXT
);

CREATE TABLE device_key (
    id TEXT PRIMARY KEY,
    device_id TEXT NOT NULL REFERENCES device (id),
    public_key TEXT NOT NULL UNIQUE,
    enrolled_at TEXT NOT NULL,
    enrolled_by TEXT NOT NULL,
    replaced_at TEXT,
    expires_at TEXT,
    revoked_at TEXT,
    revoked_by TEXT,
    reason TEXT NOT NULL DEFAULT '',
    stolen_since TEXT
);
CREATE INDEX device_key_by_device ON device_key (device_id);

-- A proof is taken once: its hash stays longer than its time counts.
CREATE TABLE device_token (
    sha256 TEXT PRIMARY KEY,
    device_key_id TEXT NOT NULL REFERENCES device_key (id),
    proof_sha256 TEXT NOT NULL UNIQUE,
    expires_at TEXT NOT NULL
);
CREATE INDEX device_token_by_key ON device_token (device_key_id);
