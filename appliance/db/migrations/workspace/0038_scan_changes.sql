-- What changed between two stored scans of an asset: asked for, computed by a worker, kept as sealed files.

CREATE TABLE scan_change (
    id TEXT PRIMARY KEY,
    asset_id TEXT NOT NULL REFERENCES asset (id),
    first_scan_id TEXT NOT NULL REFERENCES scan (id),
    second_scan_id TEXT NOT NULL REFERENCES scan (id),
    parameters TEXT NOT NULL,
    state TEXT NOT NULL,
    step TEXT NOT NULL DEFAULT '',
    progress DOUBLE PRECISION NOT NULL DEFAULT 0,
    requested_at TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    lease_token INTEGER NOT NULL DEFAULT 0,
    lease_until TEXT,
    not_before TEXT,
    finished_at TEXT,
    engine TEXT,
    summary TEXT,
    result_object TEXT,
    result_sha256 TEXT,
    laz_object TEXT,
    ply_object TEXT,
    arrays_object TEXT,
    error_code TEXT,
    error_message TEXT,
    error_hint TEXT
);
CREATE INDEX scan_change_by_asset ON scan_change (asset_id, id);
CREATE INDEX scan_change_by_state ON scan_change (state, id);
