-- The audit log: entries and what is derived from them.  Rows are only ever added, each at the end.

CREATE TABLE audit_entry (
    position INTEGER PRIMARY KEY CHECK (position >= 0),
    entry BLOB NOT NULL CHECK (length(entry) BETWEEN 2 AND 65535),
    leaf BLOB NOT NULL CHECK (length(leaf) = 32)
);

-- Hashes over complete subtrees of 256, 65536, ... entries: level counts in powers of 256 (1, 2, ...).
CREATE TABLE audit_node (
    level INTEGER NOT NULL CHECK (level >= 1),
    position INTEGER NOT NULL CHECK (position >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, position)
);

-- Signed notes.  ``size`` is the number of entries that they cover.
CREATE TABLE audit_checkpoint (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    size INTEGER NOT NULL CHECK (size >= 0),
    note BLOB NOT NULL,
    signed_at TEXT NOT NULL
);

CREATE TABLE audit_anchor (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    size INTEGER NOT NULL CHECK (size >= 0),
    note BLOB NOT NULL,
    added_at TEXT NOT NULL
);

-- What the log is called since a loss: ``size`` entries were left, ``base`` is the last checkpoint over them.
CREATE TABLE audit_epoch (
    number INTEGER PRIMARY KEY CHECK (number >= 2),
    size INTEGER NOT NULL CHECK (size >= 0),
    base BLOB NOT NULL,
    opened_at TEXT NOT NULL
);

CREATE INDEX audit_checkpoint_size ON audit_checkpoint (size);

CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry
BEGIN
    SELECT RAISE(ABORT, 'audit_entry is append-only');
END;

CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
BEGIN
    SELECT RAISE(ABORT, 'audit_entry is append-only');
END;

CREATE TRIGGER audit_entry_at_the_end BEFORE INSERT ON audit_entry
WHEN NEW.position <> (SELECT COALESCE(MAX(position) + 1, 0) FROM audit_entry)
BEGIN
    SELECT RAISE(ABORT, 'audit_entry grows at its end only');
END;

CREATE TRIGGER audit_node_no_update BEFORE UPDATE ON audit_node
BEGIN
    SELECT RAISE(ABORT, 'audit_node is append-only');
END;

CREATE TRIGGER audit_node_no_delete BEFORE DELETE ON audit_node
BEGIN
    SELECT RAISE(ABORT, 'audit_node is append-only');
END;

CREATE TRIGGER audit_node_at_the_end BEFORE INSERT ON audit_node
WHEN NEW.position <> (SELECT COALESCE(MAX(position) + 1, 0) FROM audit_node WHERE level = NEW.level)
BEGIN
    SELECT RAISE(ABORT, 'audit_node grows at its end only');
END;

CREATE TRIGGER audit_checkpoint_no_update BEFORE UPDATE ON audit_checkpoint
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoint is append-only');
END;

CREATE TRIGGER audit_checkpoint_no_delete BEFORE DELETE ON audit_checkpoint
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoint is append-only');
END;

CREATE TRIGGER audit_checkpoint_at_the_end BEFORE INSERT ON audit_checkpoint
WHEN NEW.number <> (SELECT COALESCE(MAX(number) + 1, 0) FROM audit_checkpoint)
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoint grows at its end only');
END;

CREATE TRIGGER audit_anchor_no_update BEFORE UPDATE ON audit_anchor
BEGIN
    SELECT RAISE(ABORT, 'audit_anchor is append-only');
END;

CREATE TRIGGER audit_anchor_no_delete BEFORE DELETE ON audit_anchor
BEGIN
    SELECT RAISE(ABORT, 'audit_anchor is append-only');
END;

CREATE TRIGGER audit_anchor_at_the_end BEFORE INSERT ON audit_anchor
WHEN NEW.number <> (SELECT COALESCE(MAX(number) + 1, 0) FROM audit_anchor)
BEGIN
    SELECT RAISE(ABORT, 'audit_anchor grows at its end only');
END;

CREATE TRIGGER audit_epoch_no_update BEFORE UPDATE ON audit_epoch
BEGIN
    SELECT RAISE(ABORT, 'audit_epoch is append-only');
END;

CREATE TRIGGER audit_epoch_no_delete BEFORE DELETE ON audit_epoch
BEGIN
    SELECT RAISE(ABORT, 'audit_epoch is append-only');
END;

CREATE TRIGGER audit_epoch_at_the_end BEFORE INSERT ON audit_epoch
WHEN NEW.number <> (SELECT COALESCE(MAX(number) + 1, 2) FROM audit_epoch)
BEGIN
    SELECT RAISE(ABORT, 'audit_epoch grows at its end only');
END;
