-- Lists of inspections come newest first, by id: one index answers each filter, its page and its order.

DROP INDEX inspection_by_asset;
DROP INDEX inspection_by_state;
CREATE INDEX inspection_by_asset ON inspection (asset_id, id);
CREATE INDEX inspection_by_state ON inspection (state, id);
CREATE INDEX inspection_by_verdict ON inspection (verdict, id);
