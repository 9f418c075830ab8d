-- Inspections: one row carries one scan from its evidence to its recorded verdict.

CREATE TABLE inspection (
    id TEXT PRIMARY KEY,
    scan_id TEXT NOT NULL REFERENCES scan (id),
    asset_id TEXT NOT NULL REFERENCES asset (id),
    part_id TEXT NOT NULL REFERENCES part (id),
    cad_revision_id TEXT NOT NULL REFERENCES cad_revision (id),
    characteristic_set_id TEXT NOT NULL REFERENCES characteristic_set (id),
    instrument_object TEXT,
    alignment_object TEXT,
    start_object TEXT,
    parameters TEXT NOT NULL,
    context TEXT NOT NULL,
    priority TEXT NOT NULL,
    amends_id TEXT REFERENCES inspection (id),
    reason TEXT NOT NULL DEFAULT '',
    inspected_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    state TEXT NOT NULL,
    step TEXT NOT NULL DEFAULT '',
    progress DOUBLE PRECISION NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    lease_token INTEGER NOT NULL DEFAULT 0,
    lease_until TEXT,
    not_before TEXT,
    started_at TEXT,
    finished_at TEXT,
    engine TEXT,
    verdict TEXT,
    error_code TEXT,
    error_message TEXT,
    error_hint TEXT,
    report_number TEXT,
    issued_at TEXT,
    log_index INTEGER,
    result_object TEXT,
    envelope_object TEXT,
    envelope_sha256 TEXT,
    proof_object TEXT,
    pdf_object TEXT,
    tiles_object TEXT,
    field_object TEXT
);
CREATE INDEX inspection_by_scan ON inspection (scan_id);
CREATE INDEX inspection_by_asset ON inspection (asset_id, created_at);
CREATE INDEX inspection_by_state ON inspection (state, created_at);

CREATE TABLE measurement (
    id TEXT PRIMARY KEY,
    inspection_id TEXT NOT NULL REFERENCES inspection (id),
    asset_id TEXT NOT NULL REFERENCES asset (id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    zone TEXT NOT NULL,
    quantity TEXT NOT NULL,
    value_mm DOUBLE PRECISION,
    u_mm DOUBLE PRECISION,
    expanded_mm DOUBLE PRECISION,
    k DOUBLE PRECISION,
    lower_mm DOUBLE PRECISION,
    upper_mm DOUBLE PRECISION,
    coverage DOUBLE PRECISION NOT NULL,
    coverage_required DOUBLE PRECISION NOT NULL,
    conformance_probability DOUBLE PRECISION,
    decision TEXT NOT NULL,
    measured_at TEXT NOT NULL,
    UNIQUE (inspection_id, name)
);
CREATE INDEX measurement_by_asset ON measurement (asset_id, name, measured_at);

CREATE TABLE replay (
    id TEXT PRIMARY KEY,
    inspection_id TEXT NOT NULL REFERENCES inspection (id),
    state TEXT NOT NULL,
    requested_at TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    lease_token INTEGER NOT NULL DEFAULT 0,
    lease_until TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    finished_at TEXT,
    reproduced INTEGER,
    same_engine INTEGER,
    engine TEXT,
    differences TEXT,
    error_code TEXT,
    error_message TEXT
);
CREATE INDEX replay_by_inspection ON replay (inspection_id);
