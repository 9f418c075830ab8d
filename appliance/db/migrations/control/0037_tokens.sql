-- Personal access tokens: of a person, for one workspace, under scopes, until an end.  What they open follows from the
-- person's role there now.

CREATE TABLE personal_token (
    id TEXT PRIMARY KEY,
    prefix TEXT NOT NULL UNIQUE,
    secret_sha256 TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES user_account (id),
    workspace_id TEXT NOT NULL REFERENCES workspace (id),
    scopes TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    last_used_at TEXT,
    revoked_at TEXT,
    revoked_by TEXT
);
CREATE INDEX personal_token_by_user ON personal_token (user_id, id);
CREATE INDEX personal_token_by_workspace ON personal_token (workspace_id, id);

-- Grants: the family of access and refresh tokens that a key, a personal token or a session was exchanged for.
CREATE TABLE token_grant (
    id TEXT PRIMARY KEY,
    holder_id TEXT NOT NULL,
    principal_id TEXT NOT NULL,
    scopes TEXT,
    created_at TEXT NOT NULL,
    idle_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT,
    revoked_by TEXT
);
CREATE INDEX token_grant_by_holder ON token_grant (holder_id, id);
CREATE INDEX token_grant_by_principal ON token_grant (principal_id, id);
CREATE INDEX token_grant_by_end ON token_grant (idle_at);

-- Every refresh token of a grant, by hash; of one that was used, for a few seconds, the token after it, sealed so that
-- the one that was used opens it.
CREATE TABLE refresh_token (
    sha256 TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES token_grant (id),
    issued_at TEXT NOT NULL,
    used_at TEXT,
    successor_sha256 TEXT,
    sealed BLOB
);
CREATE INDEX refresh_token_by_grant ON refresh_token (grant_id);

-- Keys that sign access tokens: the latest without an end signs; one that has an end is believed until then.
CREATE TABLE token_key (
    kid TEXT PRIMARY KEY,
    public TEXT NOT NULL,
    wrapped BLOB,
    created_at TEXT NOT NULL,
    ends_at TEXT
);
