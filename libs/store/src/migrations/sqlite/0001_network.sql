-- The network database on SQLite. Times are milliseconds since the epoch, ids are UUIDs as 16 bytes, flags 0 or 1.
-- Rows with large values keep a rowid: they are appended in order of arrival, and only a small index is written at
-- random places. Small rows are clustered by their key (WITHOUT ROWID).

-- One row: the number of the last change and of the last decision, and figures that are kept while writing. Every
-- transaction that takes a number locks it last.
CREATE TABLE sequence (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    n BIGINT NOT NULL DEFAULT 0,
    decisions BIGINT NOT NULL DEFAULT 0,
    standing BIGINT NOT NULL DEFAULT 0,
    activity BIGINT NOT NULL DEFAULT 0,
    curated BIGINT NOT NULL DEFAULT 0,
    held BIGINT NOT NULL DEFAULT 0,
    refused BIGINT NOT NULL DEFAULT 0,
    hidden BIGINT NOT NULL DEFAULT 0,
    withdrawn BIGINT NOT NULL DEFAULT 0
);
INSERT INTO sequence (id) VALUES (1);

-- Other figures that are kept while writing: `entries`, `feeds:active` …, `organizations:accepted` …
CREATE TABLE tallies (
    name TEXT PRIMARY KEY,
    n BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE organizations (
    id BLOB PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    site TEXT,
    country TEXT,
    kind TEXT,
    standing TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE standing_changes (
    n BIGINT PRIMARY KEY,
    organization BLOB NOT NULL,
    at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE hosts (
    host TEXT PRIMARY KEY,
    concurrency BIGINT NOT NULL DEFAULT 1,
    pause_ms BIGINT NOT NULL DEFAULT 250,
    -- When the first of its active feeds is due; the largest number: none is.
    next_due BIGINT NOT NULL DEFAULT 9223372036854775807,
    not_before BIGINT NOT NULL DEFAULT 0,
    reason TEXT,
    ready_at BIGINT GENERATED ALWAYS AS (MAX(next_due, not_before)) STORED
) WITHOUT ROWID;
CREATE INDEX hosts_ready ON hosts (ready_at);

CREATE TABLE host_leases (
    host TEXT NOT NULL,
    slot BIGINT NOT NULL,
    owner BLOB NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (host, slot)
) WITHOUT ROWID;

CREATE TABLE feeds (
    id BLOB PRIMARY KEY,
    organization BLOB NOT NULL REFERENCES organizations (id),
    url TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    title TEXT,
    site_url TEXT,
    host TEXT NOT NULL,
    state TEXT NOT NULL,
    proof TEXT NOT NULL,
    turn BIGINT NOT NULL DEFAULT 0,
    etag TEXT,
    last_modified TEXT,
    body_hash BIGINT,
    -- The address that gave the validators, where it is not `url` (which redirected to it).
    validators_url TEXT,
    next_poll BIGINT NOT NULL,
    next_reason TEXT NOT NULL,
    interval_s BIGINT NOT NULL,
    failures BIGINT NOT NULL DEFAULT 0,
    last_poll BIGINT,
    last_success BIGINT,
    last_status BIGINT,
    last_error TEXT,
    entries BIGINT NOT NULL DEFAULT 0,
    format TEXT,
    language TEXT,
    hub TEXT,
    created_at BIGINT NOT NULL,
    problems TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX feeds_due ON feeds (host, next_poll) WHERE state = 'active';
CREATE INDEX feeds_organization ON feeds (organization, id);

CREATE TABLE entries (
    feed BLOB NOT NULL,
    id BLOB NOT NULL,
    hash BIGINT NOT NULL,
    version BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    PRIMARY KEY (feed, id)
) WITHOUT ROWID;

CREATE TABLE revisions (
    entry BLOB PRIMARY KEY,
    data BLOB NOT NULL
);

CREATE TABLE group_sources (
    entry BLOB PRIMARY KEY,
    item BLOB NOT NULL,
    feed BLOB NOT NULL,
    version BIGINT NOT NULL,
    run BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX group_sources_item ON group_sources (item);
CREATE INDEX group_sources_feed ON group_sources (feed);

CREATE TABLE group_identities (
    key BLOB PRIMARY KEY,
    item BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE group_items (
    item BLOB PRIMARY KEY,
    version BIGINT NOT NULL,
    story BLOB NOT NULL,
    relation TEXT NOT NULL,
    published BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    body BLOB NOT NULL,
    idx BLOB NOT NULL
);
CREATE INDEX group_items_published ON group_items (published, item);

CREATE TABLE group_stories (
    story BLOB PRIMARY KEY,
    merged_into BLOB
) WITHOUT ROWID;

CREATE TABLE items (
    id BLOB PRIMARY KEY,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    first BIGINT,
    seq BIGINT,
    story BLOB NOT NULL,
    published BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    rule TEXT NOT NULL,
    public_version BIGINT NOT NULL,
    decided TEXT,
    fields TEXT,
    content TEXT NOT NULL,
    meta TEXT NOT NULL
);
CREATE UNIQUE INDEX items_seq ON items (seq) WHERE seq IS NOT NULL;
CREATE UNIQUE INDEX items_first ON items (first) WHERE state = 'curated';
CREATE INDEX items_held ON items (published, id) WHERE state = 'held';

CREATE TABLE changes (
    seq INTEGER PRIMARY KEY,
    item BLOB NOT NULL,
    at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    withdrawn BIGINT NOT NULL,
    before TEXT,
    after TEXT
);

CREATE TABLE decisions (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    item BLOB NOT NULL,
    pending BIGINT NOT NULL,
    decision TEXT NOT NULL
);
CREATE INDEX decisions_item ON decisions (item, number);
CREATE INDEX decisions_pending ON decisions (item) WHERE pending = 1;

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner BLOB NOT NULL,
    epoch BIGINT NOT NULL,
    until BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE positions (
    consumer TEXT NOT NULL,
    topic TEXT NOT NULL,
    part BIGINT NOT NULL,
    next_offset BIGINT NOT NULL,
    PRIMARY KEY (consumer, topic, part)
) WITHOUT ROWID;

CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    n BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE tokens (
    id BLOB PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    organization BLOB REFERENCES organizations (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

CREATE TABLE users (
    id BLOB PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    organization BLOB REFERENCES organizations (id),
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    queued_at BIGINT NOT NULL,
    sent_at BIGINT,
    tries BIGINT NOT NULL DEFAULT 0,
    error TEXT
);
CREATE INDEX mail_unsent ON mail (id) WHERE sent_at IS NULL;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
