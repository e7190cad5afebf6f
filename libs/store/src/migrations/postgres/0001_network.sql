-- The network database on PostgreSQL. Times are milliseconds since the epoch, flags 0 or 1. The tables and columns are
-- those of SQLite; texts are compared byte by byte ("C"), as SQLite does, so that pages come in the same order.

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
);

CREATE TABLE organizations (
    id UUID PRIMARY KEY,
    slug TEXT COLLATE "C" NOT NULL UNIQUE,
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
    organization UUID NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE hosts (
    host TEXT COLLATE "C" PRIMARY KEY,
    concurrency BIGINT NOT NULL DEFAULT 1,
    pause_ms BIGINT NOT NULL DEFAULT 250,
    -- When the first of its active feeds is due; the largest number: none is.
    next_due BIGINT NOT NULL DEFAULT 9223372036854775807,
    not_before BIGINT NOT NULL DEFAULT 0,
    reason TEXT,
    ready_at BIGINT GENERATED ALWAYS AS (GREATEST(next_due, not_before)) STORED
);
CREATE INDEX hosts_ready ON hosts (ready_at);

CREATE TABLE host_leases (
    host TEXT COLLATE "C" NOT NULL,
    slot BIGINT NOT NULL,
    owner UUID NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (host, slot)
);

CREATE TABLE feeds (
    id UUID PRIMARY KEY,
    organization UUID NOT NULL REFERENCES organizations (id),
    url TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    title TEXT,
    site_url TEXT,
    host TEXT COLLATE "C" NOT NULL,
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
    feed UUID NOT NULL,
    id UUID NOT NULL,
    hash BIGINT NOT NULL,
    version BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    PRIMARY KEY (feed, id)
);

CREATE TABLE revisions (
    entry UUID PRIMARY KEY,
    data BYTEA NOT NULL
);

CREATE TABLE group_sources (
    entry UUID PRIMARY KEY,
    item UUID NOT NULL,
    feed UUID NOT NULL,
    version BIGINT NOT NULL,
    run BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    body BYTEA NOT NULL
);
CREATE INDEX group_sources_item ON group_sources (item);
CREATE INDEX group_sources_feed ON group_sources (feed);

CREATE TABLE group_identities (
    key BYTEA PRIMARY KEY,
    item UUID NOT NULL
);

CREATE TABLE group_items (
    item UUID PRIMARY KEY,
    version BIGINT NOT NULL,
    story UUID NOT NULL,
    relation TEXT NOT NULL,
    published BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    body BYTEA NOT NULL,
    idx BYTEA NOT NULL
);
CREATE INDEX group_items_published ON group_items (published, item);

CREATE TABLE group_stories (
    story UUID PRIMARY KEY,
    merged_into UUID
);

CREATE TABLE items (
    id UUID PRIMARY KEY,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    first BIGINT,
    seq BIGINT,
    story UUID NOT NULL,
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
    seq BIGINT PRIMARY KEY,
    item UUID NOT NULL,
    at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    withdrawn BIGINT NOT NULL,
    before TEXT,
    after TEXT
);

CREATE TABLE decisions (
    number BIGINT PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    item UUID NOT NULL,
    pending BIGINT NOT NULL,
    decision TEXT NOT NULL
);
CREATE INDEX decisions_item ON decisions (item, number);
CREATE INDEX decisions_pending ON decisions (item) WHERE pending = 1;

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner UUID NOT NULL,
    epoch BIGINT NOT NULL,
    until BIGINT NOT NULL
);

CREATE TABLE positions (
    consumer TEXT NOT NULL,
    topic TEXT NOT NULL,
    part BIGINT NOT NULL,
    next_offset BIGINT NOT NULL,
    PRIMARY KEY (consumer, topic, part)
);

CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    n BIGINT NOT NULL
);

CREATE TABLE tokens (
    id UUID PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    organization UUID REFERENCES organizations (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

CREATE TABLE users (
    id UUID PRIMARY KEY,
    email TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    organization UUID REFERENCES organizations (id),
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE mail (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);

-- These come compressed already.
ALTER TABLE revisions ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE group_sources ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE group_items ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE group_items ALTER COLUMN idx SET STORAGE EXTERNAL;

-- The one row that every numbered transaction updates: room for its new versions on the same page.
ALTER TABLE sequence SET (fillfactor = 10, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
