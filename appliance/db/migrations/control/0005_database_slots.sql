-- Schemas that an administrator made ahead in PostgreSQL, for workspaces to come: the running appliance cannot make any.
-- ``password`` of the schema's login role is wrapped by the master key.  Empty where databases are files.

CREATE TABLE database_slot (
    workspace_id TEXT PRIMARY KEY,
    password BLOB NOT NULL,
    provisioned_at TEXT NOT NULL,
    taken_at TEXT
);
