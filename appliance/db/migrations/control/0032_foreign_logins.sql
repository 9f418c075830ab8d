-- Logins that were sent to a provider elsewhere and are not back yet; ``sha256`` is of what the browser holds meanwhile.
-- Each comes back once.

CREATE TABLE foreign_login (
    sha256 TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    nonce TEXT NOT NULL,
    verifier BLOB NOT NULL,
    expires_at TEXT NOT NULL
);
