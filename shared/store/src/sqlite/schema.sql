-- Text compares by bytes (BINARY), which is the order of UTF-8 and of DynamoDB's sort keys.

-- The items of all tables. With a rowid, since bodies are too large to live inside an index.
CREATE TABLE items (
    tbl INTEGER NOT NULL,
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    views_pk TEXT,
    views_sk TEXT,
    due_pk TEXT,
    due_sk TEXT,
    expires_at INTEGER, -- seconds since 1970
    version INTEGER, -- the attribute of the body that conditions compare
    body TEXT NOT NULL -- JSON
) STRICT;
CREATE UNIQUE INDEX items_key ON items (tbl, pk, sk);
CREATE INDEX items_views ON items (tbl, views_pk, views_sk) WHERE views_pk IS NOT NULL;
CREATE INDEX items_due ON items (tbl, due_pk, due_sk, pk, sk) WHERE due_pk IS NOT NULL;
CREATE INDEX items_expires_at ON items (expires_at) WHERE expires_at IS NOT NULL;

-- Items of the main table as they were inserted, until acknowledged.
CREATE TABLE changes (
    position INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    views_pk TEXT,
    views_sk TEXT,
    due_pk TEXT,
    due_sk TEXT,
    expires_at INTEGER,
    body TEXT NOT NULL
) STRICT;

-- The messages of all queues. Times are in milliseconds since 1970.
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of sending; never reused, since receipts name it
    queue TEXT NOT NULL,
    lane TEXT NOT NULL, -- the group; on standard queues the id, so that each message has a lane of its own
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    visible_at INTEGER NOT NULL DEFAULT 0 -- 0: never in hand so far
) STRICT;
CREATE INDEX messages_lane ON messages (queue, lane, seq);
CREATE INDEX messages_hidden ON messages (queue, lane, visible_at) WHERE visible_at > 0;

-- One row per lane that has messages, so that receiving never looks at messages that it cannot deliver.
CREATE TABLE lanes (
    queue TEXT NOT NULL,
    lane TEXT NOT NULL,
    first INTEGER NOT NULL, -- the lowest seq
    free_at INTEGER NOT NULL DEFAULT 0, -- when the last message in hand comes back; 0: none is in hand
    PRIMARY KEY (queue, lane)
) STRICT, WITHOUT ROWID;
CREATE INDEX lanes_free ON lanes (queue, free_at, first);

CREATE TABLE deduplications (
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX deduplications_id ON deduplications (queue, id);
CREATE INDEX deduplications_until ON deduplications (until);
