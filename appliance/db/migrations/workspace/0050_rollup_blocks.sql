-- Roll-ups of 16 characteristics that one inspection measures are one row: a block of whole numbers.
-- An owner is one member of a dimension, and the part; a slot is the place of a characteristic among those of its part,
-- 16 slots a chunk.  A bucket is named by its first second since 1970.

DROP TABLE rollup_line;
DROP TABLE rollup_quantile;
DROP TABLE rollup;
DROP TABLE rollup_series;
DELETE FROM rollup_state;

CREATE TABLE rollup_slot (
    characteristic_id TEXT PRIMARY KEY REFERENCES characteristic (id),
    part_id TEXT NOT NULL REFERENCES part (id),
    slot INTEGER NOT NULL,
    UNIQUE (part_id, slot)
);

CREATE TABLE rollup_owner (
    id INTEGER PRIMARY KEY,
    part_id TEXT NOT NULL REFERENCES part (id),
    dimension TEXT NOT NULL CHECK (dimension IN ('part', 'asset', 'instrument', 'operator', 'cad_revision')),
    member TEXT NOT NULL,
    UNIQUE (dimension, member, part_id)
);

-- Bit n of "present" is set where something was measured, or should have been, of slot n of the chunk.
CREATE TABLE rollup (
    owner INTEGER NOT NULL REFERENCES rollup_owner (id),
    grain INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    present INTEGER NOT NULL,
    tallies BLOB NOT NULL,
    PRIMARY KEY (owner, grain, chunk, bucket)
);

CREATE TABLE rollup_quantile (
    owner INTEGER NOT NULL REFERENCES rollup_owner (id),
    grain INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    counts PACKED BLOB NOT NULL,
    PRIMARY KEY (owner, grain, chunk, bucket)
);

-- The straight lines through the lives of an asset: what is screened for trends.  "best" is the largest score of the
-- chunk, null of lives that ended; "screened" counts those that have one.
CREATE TABLE rollup_line (
    owner INTEGER NOT NULL REFERENCES rollup_owner (id),
    grain INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    moments BLOB NOT NULL,
    scores BLOB NOT NULL,
    best DOUBLE PRECISION,
    screened INTEGER NOT NULL,
    PRIMARY KEY (owner, grain, chunk, bucket)
);
CREATE INDEX rollup_line_by_best ON rollup_line (best, owner, chunk);
