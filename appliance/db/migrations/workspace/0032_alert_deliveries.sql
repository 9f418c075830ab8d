-- Who hears of alerts outside of the appliance, and what was sent, to whom, how often, with which answer.

CREATE TABLE alert_channel (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    secret BLOB,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    removed_at TEXT,
    removed_by TEXT
);
CREATE UNIQUE INDEX alert_channel_name ON alert_channel (name) WHERE removed_at IS NULL;

CREATE TABLE alert_delivery (
    id TEXT PRIMARY KEY,
    channel_id TEXT NOT NULL REFERENCES alert_channel (id),
    alert_id TEXT NOT NULL REFERENCES alert (id),
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before TEXT NOT NULL,
    last_answer TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    finished_at TEXT,
    UNIQUE (alert_id, channel_id, event)
);
CREATE INDEX alert_delivery_due ON alert_delivery (state, not_before);
CREATE INDEX alert_delivery_of_channel ON alert_delivery (channel_id, id);
CREATE INDEX alert_delivery_by_state ON alert_delivery (state, id);
