-- API keys: found by their prefix, proven by the hash of their secret.  One without a workspace is the appliance's own.

CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    prefix TEXT NOT NULL UNIQUE,
    secret_sha256 TEXT NOT NULL,
    workspace_id TEXT REFERENCES workspace (id),
    role TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    last_used_at TEXT,
    revoked_at TEXT,
    revoked_by TEXT
);
CREATE INDEX api_key_by_workspace ON api_key (workspace_id, created_at);
