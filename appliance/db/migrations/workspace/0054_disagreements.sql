-- The index of measurements whose source disagrees holds those alone: each index costs a tenth of writing a measurement,
-- and hardly one of them disagrees.  The question says the condition in its own words, so that the index is found.

DROP INDEX measurement_by_disagreement;
CREATE INDEX measurement_by_disagreement ON measurement (id) WHERE disagrees = 1;
