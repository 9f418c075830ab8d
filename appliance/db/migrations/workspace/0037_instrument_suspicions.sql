-- Instruments that moved: one row says which revision since when, and by that which verdicts depend on it.  An
-- inspection says once what all of its measurements have in common.

CREATE TABLE instrument_suspicion (
    id TEXT PRIMARY KEY,
    instrument_id TEXT NOT NULL REFERENCES instrument (id),
    since TEXT NOT NULL,
    evidence TEXT NOT NULL,
    found_at TEXT NOT NULL,
    lifted_at TEXT,
    lifted_by TEXT,
    lifted_reason TEXT
);
CREATE UNIQUE INDEX instrument_suspicion_standing ON instrument_suspicion (instrument_id) WHERE lifted_at IS NULL;

ALTER TABLE inspection ADD COLUMN instrument_id TEXT REFERENCES instrument (id);
ALTER TABLE inspection ADD COLUMN measured_at TEXT;
UPDATE inspection SET
    instrument_id = (SELECT instrument_id FROM measurement WHERE inspection_id = inspection.id ORDER BY position LIMIT 1),
    measured_at = (SELECT measured_at FROM measurement WHERE inspection_id = inspection.id ORDER BY position LIMIT 1);
CREATE INDEX inspection_by_instrument ON inspection (instrument_id, measured_at);
