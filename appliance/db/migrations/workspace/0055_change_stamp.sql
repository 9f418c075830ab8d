-- A number that every transaction replaces which changed anything: whoever remembers an answer beside it knows whether
-- anything was committed since.

CREATE TABLE change_stamp (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    stamp INTEGER NOT NULL
);
INSERT INTO change_stamp (one, stamp) VALUES (1, 0);
