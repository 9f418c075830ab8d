-- People who sign in: known by the directory that vouches for them and its own name of them, which outlives a change of
-- the login.  ``appliance_role`` is theirs in the appliance as a whole, a membership in one workspace.

CREATE TABLE user_account (
    id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    subject TEXT NOT NULL,
    login TEXT NOT NULL,
    name TEXT NOT NULL,
    appliance_role TEXT,
    created_at TEXT NOT NULL,
    last_login_at TEXT,
    disabled_at TEXT,
    disabled_by TEXT,
    UNIQUE (source, subject)
);

CREATE TABLE membership (
    user_id TEXT NOT NULL REFERENCES user_account (id),
    workspace_id TEXT NOT NULL REFERENCES workspace (id),
    role TEXT NOT NULL,
    PRIMARY KEY (user_id, workspace_id)
);
CREATE INDEX membership_by_workspace ON membership (workspace_id);

-- Sessions of the console: found by the hash of what the browser holds; of a person or of an API key.
CREATE TABLE console_session (
    id TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    principal_id TEXT NOT NULL,
    method TEXT NOT NULL,
    peer TEXT NOT NULL,
    agent TEXT NOT NULL,
    began_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    ended_at TEXT,
    ended_by TEXT
);
CREATE INDEX console_session_by_principal ON console_session (principal_id, ended_at);
CREATE INDEX console_session_by_expiry ON console_session (expires_at);

-- Which group of a directory gives which role; without a workspace, in the appliance as a whole.
CREATE TABLE group_role (
    id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    group_key TEXT NOT NULL,
    group_name TEXT NOT NULL,
    workspace_id TEXT REFERENCES workspace (id),
    role TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE INDEX group_role_by_group ON group_role (source, group_key);

-- How a directory is reached; ``secret`` is wrapped by the master key.
CREATE TABLE directory (
    source TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    secret BLOB,
    changed_at TEXT NOT NULL,
    changed_by TEXT NOT NULL
);
