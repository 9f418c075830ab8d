-- Limits of phase I as they were frozen, version by version, and the artefacts that watch the instruments.

CREATE TABLE control_limits (
    id TEXT PRIMARY KEY,
    characteristic_id TEXT NOT NULL REFERENCES characteristic (id),
    asset_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    limits TEXT NOT NULL,
    made_since TEXT NOT NULL,
    made_until TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (characteristic_id, asset_id, version)
);
CREATE TRIGGER control_limits_no_update BEFORE UPDATE ON control_limits
BEGIN SELECT RAISE(ABORT, 'frozen limits are never changed'); END;

CREATE TABLE reference_artefact (
    asset_id TEXT PRIMARY KEY REFERENCES asset (id),
    reason TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);
