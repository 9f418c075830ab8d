-- Accounts of the appliance's own, beside those of directories.  ``wrapped`` is a hash of the password, sealed by the
-- master key: a copy of the rows alone cannot even be guessed at.  ``used_at`` is of a break-glass account alone: when
-- it was used since its password was made.

CREATE TABLE local_password (
    user_id TEXT PRIMARY KEY REFERENCES user_account (id),
    wrapped BLOB NOT NULL,
    changed_at TEXT NOT NULL,
    is_break_glass INTEGER NOT NULL DEFAULT 0,
    used_at TEXT
);

-- One-time links: to an account that is to be made (its login, name and roles), or to another password for one.
CREATE TABLE invitation (
    id TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    user_id TEXT REFERENCES user_account (id),
    login TEXT NOT NULL,
    name TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    closed_at TEXT
);

-- ``last_step``: the time step of the last code that was taken; none is taken twice.
CREATE TABLE second_factor (
    user_id TEXT PRIMARY KEY REFERENCES user_account (id),
    wrapped BLOB NOT NULL,
    last_step INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    confirmed_at TEXT
);

CREATE TABLE recovery_code (
    user_id TEXT NOT NULL REFERENCES user_account (id),
    sha256 TEXT NOT NULL,
    used_at TEXT,
    PRIMARY KEY (user_id, sha256)
);

-- Whoever showed the password and still owes the code.
CREATE TABLE pending_login (
    sha256 TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user_account (id),
    method TEXT NOT NULL,
    expires_at TEXT NOT NULL
);

-- Attempts to sign in that failed or are under way, by a keyed hash of the name that was tried.
CREATE TABLE login_attempt (
    login_hash TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at TEXT NOT NULL,
    locked_until TEXT
);

ALTER TABLE console_session ADD COLUMN confirmed_at TEXT;
