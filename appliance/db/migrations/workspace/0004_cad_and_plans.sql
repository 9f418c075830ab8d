-- What parts are compared with: CAD revisions and characteristic sets.  Rows are added and never changed; which one is
-- current stands on the part.

CREATE TABLE cad_revision (
    id TEXT PRIMARY KEY,
    part_id TEXT NOT NULL REFERENCES part (id),
    label TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    object TEXT NOT NULL,
    format TEXT NOT NULL,
    unit TEXT NOT NULL,
    zones_sha256 TEXT NOT NULL DEFAULT '',
    zones_object TEXT,
    zone_names TEXT NOT NULL,
    triangles INTEGER NOT NULL CHECK (triangles > 0),
    diagonal_mm DOUBLE PRECISION NOT NULL,
    findings TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (part_id, label),
    UNIQUE (part_id, sha256, zones_sha256, unit)
);

CREATE TABLE characteristic_set (
    id TEXT PRIMARY KEY,
    part_id TEXT NOT NULL REFERENCES part (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    sha256 TEXT NOT NULL,
    object TEXT NOT NULL,
    characteristics INTEGER NOT NULL CHECK (characteristics > 0),
    notes TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (part_id, version),
    UNIQUE (part_id, sha256)
);
