-- Pages of entries, looked at again slowly: whether they are still there, where they went, when they were reviewed.
CREATE TABLE entry_pages (
    entry UUID PRIMARY KEY,
    feed UUID NOT NULL,
    host TEXT NOT NULL,
    -- As the feed has it.
    url TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'watched',
    turn BIGINT NOT NULL DEFAULT 0,
    -- None: never again.
    next_look BIGINT,
    looked_at BIGINT,
    status BIGINT,
    -- Since when it was found missing.
    gone_since BIGINT,
    -- Where it redirects to for good, since when; and where it is, once that is certain.
    moved_to TEXT,
    moved_since BIGINT,
    address TEXT,
    -- What the page says of its review, JSON.
    facts TEXT NOT NULL DEFAULT '{}',
    etag TEXT,
    last_modified TEXT
);
CREATE INDEX entry_pages_due ON entry_pages (host, next_look) WHERE next_look IS NOT NULL;
CREATE INDEX entry_pages_feed ON entry_pages (feed, looked_at) WHERE looked_at IS NOT NULL;

-- When a host may be asked for the next of its pages.
CREATE TABLE page_hosts (
    host TEXT PRIMARY KEY,
    ready_at BIGINT NOT NULL
);
CREATE INDEX page_hosts_ready ON page_hosts (ready_at);

-- One row: looks of the running minute, of all workers together.
CREATE TABLE page_pace (
    id BIGINT PRIMARY KEY,
    minute BIGINT NOT NULL,
    used BIGINT NOT NULL
);
INSERT INTO page_pace (id, minute, used) VALUES (1, 0, 0);
