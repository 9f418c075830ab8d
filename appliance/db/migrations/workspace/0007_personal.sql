-- What opens the commitments of the audit log, and can be destroyed.  Nothing here names a person by itself:
-- every column that could is sealed under the person's key, and the key under the key of the workspace.

CREATE TABLE person (
    id TEXT PRIMARY KEY,
    wrapped_key BLOB,
    profile BLOB,
    records INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    held_at TEXT,
    hold_reason TEXT,
    erased_at TEXT,
    erased_entry INTEGER
);

-- place: keyed hash of entry and field.  tag: keyed hash of the person's key and a running number.  holder: whose
-- key opens it, sealed under the key of the workspace.  The last three columns are empty after an erasure.
CREATE TABLE personal_opening (
    place BLOB PRIMARY KEY CHECK (length(place) = 32),
    erased_entry INTEGER,
    tag BLOB UNIQUE,
    holder BLOB,
    sealed BLOB
);

-- Keys of this database's own, sealed: the one that places are hashed under.
CREATE TABLE personal_secret (
    name TEXT PRIMARY KEY,
    wrapped BLOB NOT NULL
);
