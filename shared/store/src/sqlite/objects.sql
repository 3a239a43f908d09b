-- Small objects, such as the originals of most mails: they share their write to the disk with everything else.
CREATE TABLE objects (
    key TEXT NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX objects_key ON objects (key);
