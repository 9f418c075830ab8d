-- A suspended workspace keeps everything and lets nobody in.  Of a destroyed one stay this row, without its key, and what
-- the control log says about it; its name is never given again, because reports and logs bear it.

ALTER TABLE workspace ADD COLUMN suspended_at TEXT;
ALTER TABLE workspace ADD COLUMN destroyed_at TEXT;
ALTER TABLE workspace ADD COLUMN cleared_at TEXT;
CREATE INDEX workspace_by_destruction ON workspace (destroyed_at, cleared_at);
