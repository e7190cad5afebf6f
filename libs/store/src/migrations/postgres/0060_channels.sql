-- Channels: named, saved queries. `owner` is an organization; none: the network's own.
CREATE TABLE channels (
    slug TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    picture TEXT,
    query TEXT NOT NULL,
    owner UUID,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX channels_by_owner ON channels (owner, slug);
