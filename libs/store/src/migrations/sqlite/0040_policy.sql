-- How far organizations are trusted, what outputs may show of them, and since when what came of them is withdrawn.
ALTER TABLE organizations ADD COLUMN tier TEXT NOT NULL DEFAULT 'unproven';
ALTER TABLE organizations ADD COLUMN rights TEXT NOT NULL DEFAULT 'full';
ALTER TABLE organizations ADD COLUMN withdraw_since BIGINT;

-- How many rows of feed_holds a feed has: almost always none, and then nobody looks.
ALTER TABLE feeds ADD COLUMN holds BIGINT NOT NULL DEFAULT 0;

-- What a feed is used to do, in the grouping worker's own form (JSON).
CREATE TABLE feed_habits (
    feed BLOB PRIMARY KEY,
    habit TEXT NOT NULL
) WITHOUT ROWID;

-- Times in which what came of a feed waits for a curator. Without an end: still open.
CREATE TABLE feed_holds (
    feed BLOB NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT,
    marks TEXT NOT NULL,
    why TEXT NOT NULL,
    found_at BIGINT NOT NULL,
    PRIMARY KEY (feed, since)
) WITHOUT ROWID;

-- Items that are looked at again at a time: the end of an embargo.
CREATE TABLE group_due (
    item BLOB PRIMARY KEY,
    due BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX group_due_due ON group_due (due);
