-- Who measured what was not measured here: a file of results may hold inspections of several laboratories.

ALTER TABLE inspection ADD COLUMN laboratory TEXT NOT NULL DEFAULT '';
UPDATE inspection SET laboratory = (SELECT laboratory FROM results_file WHERE id = inspection.results_file_id)
    WHERE results_file_id IS NOT NULL;
CREATE INDEX inspection_by_laboratory ON inspection (laboratory, id);
