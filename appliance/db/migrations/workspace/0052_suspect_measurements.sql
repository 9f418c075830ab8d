-- The measurements of an instrument in the order in which lists go on, and its inspections by when they measured.

CREATE INDEX measurement_by_instrument ON measurement (instrument_id, id, measured_at);
CREATE INDEX inspection_of_instrument ON inspection (instrument_id, measured_at);
