-- Channels: named, saved queries. `owner` is an organization; none: the network's own.
CREATE TABLE channels (
    slug TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    picture TEXT,
    query TEXT NOT NULL,
    owner BLOB,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX channels_by_owner ON channels (owner, slug);
