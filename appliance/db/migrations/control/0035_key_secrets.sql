-- Secrets of API keys: one that counts, and while a rotation lasts those before it, each until a stated moment.  The
-- prefix of a key is that of its latest secret.  ``scopes`` are separated by blanks; without them a key may do all that
-- its role may.

CREATE TABLE api_key_secret (
    prefix TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES api_key (id),
    secret_sha256 TEXT NOT NULL,
    made_at TEXT NOT NULL,
    ends_at TEXT
);
CREATE INDEX api_key_secret_by_key ON api_key_secret (key_id);

INSERT INTO api_key_secret (prefix, key_id, secret_sha256, made_at)
SELECT prefix, id, secret_sha256, created_at FROM api_key;

ALTER TABLE api_key DROP COLUMN secret_sha256;
ALTER TABLE api_key ADD COLUMN scopes TEXT;
ALTER TABLE api_key ADD COLUMN expires_at TEXT;
ALTER TABLE api_key ADD COLUMN rotated_at TEXT;
