-- Versions of the twin of an asset: rows are written once; the last two columns alone are filled later, once, by the
-- version that makes this one count no longer. Versions name each other by id and hash, and no order of their ids is
-- promised, so what is restored may name what comes later. Reads as of a moment follow measured_at and recorded_at.

CREATE TABLE twin_version (
    id TEXT PRIMARY KEY,
    asset_id TEXT NOT NULL REFERENCES asset (id),
    number INTEGER NOT NULL,
    parent_id TEXT,
    parent_sha256 TEXT NOT NULL DEFAULT '',
    part_id TEXT NOT NULL REFERENCES part (id),
    cad_revision_id TEXT NOT NULL REFERENCES cad_revision (id),
    cad_sha256 TEXT NOT NULL,
    inspection_id TEXT NOT NULL REFERENCES inspection (id),
    envelope_sha256 TEXT NOT NULL,
    verdict TEXT NOT NULL,
    amends_id TEXT,
    restores_id TEXT,
    reason TEXT NOT NULL DEFAULT '',
    measured_at TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    cells INTEGER NOT NULL,
    coverage DOUBLE PRECISION NOT NULL,
    cells_sha256 TEXT NOT NULL,
    zones_sha256 TEXT NOT NULL,
    field_sha256 TEXT NOT NULL,
    field_object TEXT NOT NULL,
    skin_sha256 TEXT NOT NULL,
    skin_object TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    superseded_by TEXT,
    superseded_at TEXT,
    UNIQUE (asset_id, number)
);
CREATE INDEX twin_version_by_moment ON twin_version (asset_id, measured_at, number);
CREATE INDEX twin_version_of_inspection ON twin_version (inspection_id);
CREATE INDEX twin_version_by_cells ON twin_version (cells_sha256, zones_sha256);
