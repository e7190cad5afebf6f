-- What proves that feeds are their organizations' own.
CREATE TABLE ownership_tokens (
    organization UUID PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE ownership (
    feed UUID PRIMARY KEY,
    state TEXT NOT NULL,
    way TEXT,
    place TEXT,
    -- The host that the proof is about.
    host TEXT NOT NULL,
    -- What was found at each place looked at, JSON.
    findings TEXT NOT NULL DEFAULT '[]',
    asked_at BIGINT NOT NULL,
    checked_at BIGINT,
    proven_at BIGINT,
    lost_at BIGINT,
    -- None: not before somebody asks.
    next_check BIGINT
);
CREATE INDEX ownership_due ON ownership (next_check) WHERE next_check IS NOT NULL;

-- Codes that were mailed.
CREATE TABLE ownership_codes (
    feed UUID PRIMARY KEY,
    address TEXT NOT NULL,
    hash BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    mails BIGINT NOT NULL DEFAULT 1,
    day BIGINT NOT NULL
);
