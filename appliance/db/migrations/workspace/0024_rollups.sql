-- Roll-ups: what is known of many measurements without reading them.  Whole numbers only, so that they are the same
-- whatever the order in which measurements came, were amended and went.
-- A series is one characteristic of one member of a dimension; a bucket is named by its first second since 1970.

CREATE TABLE rollup_state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,
    time_zone TEXT NOT NULL,
    built_at TEXT NOT NULL
);

CREATE TABLE rollup_series (
    id INTEGER PRIMARY KEY,
    characteristic_id TEXT NOT NULL REFERENCES characteristic (id),
    dimension TEXT NOT NULL CHECK (dimension IN ('part', 'asset', 'instrument', 'operator', 'cad_revision')),
    member TEXT NOT NULL,
    UNIQUE (characteristic_id, dimension, member)
);
CREATE INDEX rollup_series_of_member ON rollup_series (dimension, member, characteristic_id);

CREATE TABLE rollup (
    series INTEGER NOT NULL REFERENCES rollup_series (id),
    grain INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    measured INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    inconclusive INTEGER NOT NULL,
    not_measured INTEGER NOT NULL,
    below INTEGER NOT NULL,
    above INTEGER NOT NULL,
    total_high INTEGER NOT NULL,
    total_low INTEGER NOT NULL,
    squares_high INTEGER NOT NULL,
    squares_low INTEGER NOT NULL,
    lowest INTEGER,
    highest INTEGER,
    PRIMARY KEY (series, grain, bucket)
);

CREATE TABLE rollup_quantile (
    series INTEGER NOT NULL REFERENCES rollup_series (id),
    grain INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    place INTEGER NOT NULL,
    tally INTEGER NOT NULL,
    PRIMARY KEY (series, grain, bucket, place)
);

-- The straight line through the life of an asset: what is screened for trends.  The score is null of lives that ended.
CREATE TABLE rollup_line (
    series INTEGER NOT NULL REFERENCES rollup_series (id),
    bucket INTEGER NOT NULL,
    measured INTEGER NOT NULL,
    seconds_high INTEGER NOT NULL,
    seconds_low INTEGER NOT NULL,
    seconds_squares_high INTEGER NOT NULL,
    seconds_squares_low INTEGER NOT NULL,
    products_high INTEGER NOT NULL,
    products_low INTEGER NOT NULL,
    score DOUBLE PRECISION,
    PRIMARY KEY (series, bucket)
);
CREATE INDEX rollup_line_by_score ON rollup_line (score, series);

-- Against what and with what an asset was measured, and since when: where its series break.
CREATE TABLE rollup_condition (
    asset_id TEXT NOT NULL REFERENCES asset (id),
    cad_revision_id TEXT NOT NULL,
    instrument_id TEXT NOT NULL,
    entries INTEGER NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    PRIMARY KEY (asset_id, cad_revision_id, instrument_id)
);

-- What happened to an asset: after a repair it begins another life.
CREATE TABLE asset_event (
    id TEXT PRIMARY KEY,
    asset_id TEXT NOT NULL REFERENCES asset (id),
    kind TEXT NOT NULL CHECK (kind IN ('repair')),
    happened_at TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE INDEX asset_event_of_asset ON asset_event (asset_id, kind, happened_at);
