-- Scans that came under a key that was in other hands: they stay, and say so.

ALTER TABLE scan ADD COLUMN suspect_since TEXT;
ALTER TABLE scan ADD COLUMN suspect_reason TEXT;
