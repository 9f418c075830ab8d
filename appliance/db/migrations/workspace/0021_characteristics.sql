-- Characteristics get a lasting identity over plans, revisions and sources; measurements say in which unit they are,
-- where they come from, and everything that is asked of them later, so that nothing has to be joined for it.
-- A key counts the characters of the zone, because names may hold any sign.

CREATE TABLE characteristic (
    id TEXT PRIMARY KEY,
    part_id TEXT NOT NULL REFERENCES part (id),
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    zone TEXT NOT NULL,
    quantity TEXT NOT NULL,
    unit TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (part_id, key)
);
INSERT INTO characteristic (id, part_id, key, name, zone, quantity, unit, created_at)
SELECT 'cha' || substr(MIN(m.id), 4), i.part_id, m.quantity || ':' || length(m.zone) || ':' || m.zone || ':' || m.name,
    m.name, m.zone, m.quantity, 'mm', MIN(m.measured_at)
FROM measurement m JOIN inspection i ON i.id = m.inspection_id
GROUP BY i.part_id, m.quantity, m.zone, m.name;
CREATE INDEX characteristic_of_part ON characteristic (part_id, id);

ALTER TABLE measurement RENAME TO measurement_before;
CREATE TABLE measurement (
    id TEXT PRIMARY KEY,
    inspection_id TEXT NOT NULL REFERENCES inspection (id),
    position INTEGER NOT NULL,
    characteristic_id TEXT NOT NULL REFERENCES characteristic (id),
    part_id TEXT NOT NULL REFERENCES part (id),
    asset_id TEXT NOT NULL REFERENCES asset (id),
    serial TEXT NOT NULL,
    cad_revision_id TEXT REFERENCES cad_revision (id),
    instrument_id TEXT REFERENCES instrument (id),
    operator_id TEXT,
    source TEXT NOT NULL CHECK (source IN ('scan', 'import')),
    name TEXT NOT NULL,
    zone TEXT NOT NULL,
    quantity TEXT NOT NULL,
    unit TEXT NOT NULL,
    value DOUBLE PRECISION,
    u DOUBLE PRECISION,
    expanded DOUBLE PRECISION,
    k DOUBLE PRECISION,
    lower DOUBLE PRECISION,
    upper DOUBLE PRECISION,
    coverage DOUBLE PRECISION,
    coverage_required DOUBLE PRECISION,
    conformance_probability DOUBLE PRECISION,
    decision TEXT NOT NULL,
    source_decision TEXT,
    disagrees INTEGER NOT NULL DEFAULT 0,
    measured_at TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    superseded_by TEXT REFERENCES inspection (id),
    UNIQUE (inspection_id, characteristic_id)
);
INSERT INTO measurement (
    id, inspection_id, position, characteristic_id, part_id, asset_id, serial, cad_revision_id, instrument_id,
    operator_id, source, name, zone, quantity, unit, value, u, expanded, k, lower, upper, coverage, coverage_required,
    conformance_probability, decision, measured_at, recorded_at, superseded_by
)
SELECT m.id, m.inspection_id, m.position, c.id, i.part_id, m.asset_id, a.serial, i.cad_revision_id,
    (SELECT MIN(t.id) FROM instrument t WHERE t.statement_object = i.instrument_object),
    s.operator_person_id, 'scan', m.name, m.zone, m.quantity, 'mm', m.value_mm, m.u_mm, m.expanded_mm, m.k, m.lower_mm,
    m.upper_mm, m.coverage, m.coverage_required, m.conformance_probability, m.decision, m.measured_at, m.measured_at,
    (SELECT MAX(n.id) FROM inspection n WHERE n.amends_id = i.id AND n.state = 'recorded')
FROM measurement_before m
JOIN inspection i ON i.id = m.inspection_id
JOIN asset a ON a.id = m.asset_id
JOIN scan s ON s.id = i.scan_id
JOIN characteristic c ON c.part_id = i.part_id
    AND c.key = m.quantity || ':' || length(m.zone) || ':' || m.zone || ':' || m.name;
DROP TABLE measurement_before;
CREATE INDEX measurement_by_characteristic ON measurement (characteristic_id, asset_id, measured_at);
CREATE INDEX measurement_of_characteristic ON measurement (characteristic_id, id);
CREATE INDEX measurement_of_asset ON measurement (asset_id, id);
CREATE INDEX measurement_by_name ON measurement (name, id);
CREATE INDEX measurement_by_decision ON measurement (decision, id);
CREATE INDEX measurement_by_moment ON measurement (measured_at, id);
CREATE INDEX measurement_by_disagreement ON measurement (disagrees, id);
