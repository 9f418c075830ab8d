-- Results from elsewhere: the file as it came, and inspections whose evidence it is.  Such an inspection has neither
-- scan nor CAD revision nor plan of ours.  A file that was refused may come again; another one comes once.

CREATE TABLE results_file (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    object TEXT NOT NULL,
    format TEXT NOT NULL,
    options TEXT NOT NULL,
    laboratory TEXT NOT NULL DEFAULT '',
    notes TEXT NOT NULL DEFAULT '[]',
    inspections INTEGER NOT NULL DEFAULT 0,
    measurements INTEGER NOT NULL DEFAULT 0,
    amends_id TEXT REFERENCES results_file (id),
    reason TEXT NOT NULL DEFAULT '',
    received_at TEXT NOT NULL,
    received_by TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    lease_token INTEGER NOT NULL DEFAULT 0,
    lease_until TEXT,
    not_before TEXT,
    finished_at TEXT,
    error_code TEXT,
    error_message TEXT,
    error_hint TEXT
);
CREATE UNIQUE INDEX results_file_by_content ON results_file (sha256) WHERE state <> 'failed';
CREATE INDEX results_file_by_state ON results_file (state, id);

DROP INDEX inspection_by_scan;
ALTER TABLE inspection RENAME COLUMN scan_id TO scan_id_before;
ALTER TABLE inspection RENAME COLUMN cad_revision_id TO cad_revision_id_before;
ALTER TABLE inspection RENAME COLUMN characteristic_set_id TO characteristic_set_id_before;
ALTER TABLE inspection ADD COLUMN scan_id TEXT REFERENCES scan (id);
ALTER TABLE inspection ADD COLUMN cad_revision_id TEXT REFERENCES cad_revision (id);
ALTER TABLE inspection ADD COLUMN characteristic_set_id TEXT REFERENCES characteristic_set (id);
ALTER TABLE inspection ADD COLUMN results_file_id TEXT REFERENCES results_file (id);
ALTER TABLE inspection ADD COLUMN file_position INTEGER;
UPDATE inspection SET scan_id = scan_id_before, cad_revision_id = cad_revision_id_before,
    characteristic_set_id = characteristic_set_id_before;
ALTER TABLE inspection DROP COLUMN scan_id_before;
ALTER TABLE inspection DROP COLUMN cad_revision_id_before;
ALTER TABLE inspection DROP COLUMN characteristic_set_id_before;
CREATE INDEX inspection_by_scan ON inspection (scan_id);
CREATE UNIQUE INDEX inspection_of_file ON inspection (results_file_id, file_position);
