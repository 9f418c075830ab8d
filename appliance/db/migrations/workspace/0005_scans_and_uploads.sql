-- Scans: what was received, exactly as it came.  sha256 is of the scan file itself; stored_sha256 of the bytes that
-- were sent, which may be compressed.  sha256 is empty only where the bytes could not be decompressed.

CREATE TABLE scan (
    id TEXT PRIMARY KEY,
    sha256 TEXT,
    size_bytes BIGINT,
    encoding TEXT NOT NULL,
    stored_sha256 TEXT NOT NULL,
    stored_bytes BIGINT NOT NULL,
    object TEXT NOT NULL,
    format TEXT NOT NULL,
    asset_id TEXT NOT NULL REFERENCES asset (id),
    device_id TEXT REFERENCES device (id),
    operator_person_id TEXT,
    captured_at TEXT NOT NULL,
    received_at TEXT NOT NULL,
    received_by TEXT NOT NULL,
    clock_skew_s INTEGER,
    manifest TEXT NOT NULL,
    manifest_envelope TEXT,
    receipt TEXT NOT NULL,
    state TEXT NOT NULL,
    reason_code TEXT,
    reason TEXT,
    removed_at TEXT
);
CREATE UNIQUE INDEX scan_by_content ON scan (sha256) WHERE state <> 'discarded';
CREATE UNIQUE INDEX scan_by_stored_content ON scan (stored_sha256, encoding) WHERE state <> 'discarded';
CREATE INDEX scan_by_asset ON scan (asset_id, received_at);
CREATE INDEX scan_by_state ON scan (state, received_at);

-- Every manifest that came with a scan's content, and the receipt that was given for it.
CREATE TABLE scan_manifest (
    id TEXT PRIMARY KEY,
    scan_id TEXT NOT NULL REFERENCES scan (id),
    sha256 TEXT NOT NULL,
    manifest TEXT NOT NULL,
    manifest_envelope TEXT,
    receipt TEXT NOT NULL,
    added_at TEXT NOT NULL,
    added_by TEXT NOT NULL,
    UNIQUE (scan_id, sha256)
);

-- Uploads under way (tus).  What offset_bytes counts is synced to the disk: the sealed parts, sealed_bytes long.
CREATE TABLE upload (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    partials TEXT,
    state TEXT NOT NULL,
    length_bytes BIGINT NOT NULL,
    offset_bytes BIGINT NOT NULL DEFAULT 0,
    sealed_bytes BIGINT NOT NULL DEFAULT 0,
    parts INTEGER NOT NULL DEFAULT 0,
    metadata TEXT NOT NULL,
    manifest TEXT,
    manifest_envelope TEXT,
    content_sha256 TEXT,
    object TEXT,
    scan_id TEXT REFERENCES scan (id),
    duplicate INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE INDEX upload_by_state ON upload (state, expires_at);

CREATE TABLE upload_part (
    upload_id TEXT NOT NULL REFERENCES upload (id),
    position INTEGER NOT NULL,
    salt BLOB NOT NULL,
    plain_bytes BIGINT NOT NULL,
    PRIMARY KEY (upload_id, position)
);
