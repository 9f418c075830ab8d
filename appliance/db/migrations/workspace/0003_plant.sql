-- The plant: what is inspected, by which device, with which instrument, by whom.

CREATE TABLE part (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    current_cad_revision_id TEXT,
    current_characteristic_set_id TEXT,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE TABLE asset (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    part_id TEXT REFERENCES part (id),
    serial TEXT NOT NULL DEFAULT '',
    location TEXT NOT NULL DEFAULT '',
    metadata TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX asset_by_part ON asset (part_id);

CREATE TABLE device (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    vkey TEXT,
    enrolled_at TEXT NOT NULL,
    enrolled_by TEXT NOT NULL,
    revoked_at TEXT,
    revoked_by TEXT
);

-- Whoever scanned: found by a keyed hash of the badge, known by the id of a person (0007) and by nothing else.
CREATE TABLE operator (
    id TEXT PRIMARY KEY,
    badge_mac TEXT NOT NULL UNIQUE,
    person_id TEXT NOT NULL,
    created_at TEXT NOT NULL
);

-- Statements of instruments; each revision stays as it was.
CREATE TABLE instrument (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL CHECK (revision >= 1),
    serial TEXT NOT NULL,
    certificate TEXT NOT NULL,
    calibrated_on TEXT,
    due_on TEXT,
    statement_sha256 TEXT NOT NULL,
    statement_object TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (name, revision),
    UNIQUE (name, statement_sha256)
);
