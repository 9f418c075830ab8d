-- Workspaces: which there are, and the key of each, wrapped by the master key.

CREATE TABLE workspace (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('creating', 'active')),
    data_key BLOB NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);
