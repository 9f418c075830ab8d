-- Lists go on behind a place: one index answers each filter or order, its page and its ties.

DROP INDEX asset_by_part;
DROP INDEX scan_by_asset;
DROP INDEX scan_by_state;
DROP INDEX replay_by_inspection;
CREATE INDEX asset_by_part ON asset (part_id, id);
CREATE INDEX asset_by_serial ON asset (serial, id);
CREATE INDEX asset_by_location ON asset (location, id);
CREATE INDEX asset_by_change ON asset (updated_at, id);
CREATE INDEX part_by_change ON part (updated_at, id);
CREATE INDEX scan_by_asset ON scan (asset_id, id);
CREATE INDEX scan_by_device ON scan (device_id, id);
CREATE INDEX scan_by_state ON scan (state, id);
CREATE INDEX scan_by_capture ON scan (captured_at, id);
CREATE INDEX scan_by_bytes ON scan (stored_bytes, id);
CREATE INDEX inspection_by_part ON inspection (part_id, id);
CREATE INDEX inspection_by_creation ON inspection (created_at, id);
CREATE INDEX measurement_of_asset ON measurement (asset_id, id);
CREATE INDEX measurement_by_name ON measurement (name, id);
CREATE INDEX measurement_by_decision ON measurement (decision, id);
CREATE INDEX measurement_by_moment ON measurement (measured_at, id);
CREATE INDEX replay_by_inspection ON replay (inspection_id, id);
