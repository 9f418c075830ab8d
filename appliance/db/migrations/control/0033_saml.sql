-- Messages of a SAML provider that were believed: none is believed twice; ``sha256`` is of provider and id.  Each is kept
-- until it could not be believed any more anyway.

CREATE TABLE saml_message (
    sha256 TEXT PRIMARY KEY,
    expires_at TEXT NOT NULL
);
CREATE INDEX saml_message_by_expiry ON saml_message (expires_at);

-- What the provider calls the session of a person there: whoever signs out in one place is signed out in the other.
ALTER TABLE console_session ADD COLUMN foreign_session TEXT;
