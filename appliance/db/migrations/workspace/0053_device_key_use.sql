-- When a device's key was last exchanged for a token: what tells a key that is in use from one that may go.

ALTER TABLE device_key ADD COLUMN last_used_at TEXT;
