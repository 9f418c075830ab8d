-- Workspaces that came from another appliance: which export each was made of, so that none is imported twice.

CREATE TABLE workspace_import (
    workspace_id TEXT PRIMARY KEY REFERENCES workspace (id),
    export_id TEXT NOT NULL,
    statement_sha256 TEXT NOT NULL,
    origin TEXT NOT NULL,
    imported_at TEXT NOT NULL
);
CREATE INDEX workspace_import_by_export ON workspace_import (export_id);
