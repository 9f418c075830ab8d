-- Alerts: what a rule found that somebody should know. A rule is never changed: a new version of it counts from then on.
-- One cause has one open alert, however often and by however many processes it is found.

CREATE TABLE alert_rule (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    is_current INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (name, version)
);
CREATE UNIQUE INDEX alert_rule_current ON alert_rule (name) WHERE is_current = 1;

CREATE TABLE alert (
    id TEXT PRIMARY KEY,
    rule_id TEXT NOT NULL REFERENCES alert_rule (id),
    rule TEXT NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    evidence TEXT NOT NULL,
    asset_id TEXT REFERENCES asset (id),
    characteristic_id TEXT REFERENCES characteristic (id),
    instrument_id TEXT REFERENCES instrument (id),
    raised_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    acknowledged_at TEXT,
    acknowledged_by TEXT,
    acknowledge_reason TEXT,
    closed_at TEXT,
    closed_because TEXT
);
CREATE UNIQUE INDEX alert_of_cause ON alert (cause) WHERE closed_at IS NULL;
CREATE INDEX alert_by_state ON alert (state, id);
CREATE INDEX alert_by_rule ON alert (rule, id);
CREATE INDEX alert_of_asset ON alert (asset_id, id);

-- Up to where a rule has looked at measurements; a new version begins anew.
CREATE TABLE alert_mark (
    rule_id TEXT PRIMARY KEY REFERENCES alert_rule (id),
    looked_at TEXT NOT NULL
);
