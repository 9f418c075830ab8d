-- The newest inspections of an instrument after a moment, in the order in which lists go on.

DROP INDEX inspection_by_instrument;
CREATE INDEX inspection_by_instrument ON inspection (instrument_id, id, measured_at);
