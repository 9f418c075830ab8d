-- How the cells of one CAD revision lie on those of another: computed once a pair of surfaces, named by what it depends on.

CREATE TABLE twin_projection (
    id TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    object TEXT NOT NULL
);
