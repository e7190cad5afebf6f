-- WebSub: what we subscribe to at hubs, and what hubs delivered.
CREATE TABLE websub_subscriptions (
    -- Last part of the callback's address; known to us and the hub.
    token TEXT PRIMARY KEY,
    feed BLOB NOT NULL,
    hub TEXT NOT NULL,
    topic TEXT NOT NULL,
    secret TEXT NOT NULL,
    state TEXT NOT NULL,
    -- Whether the feed still announces this hub.
    offered BIGINT NOT NULL DEFAULT 1,
    lease_until BIGINT,
    next_try BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    error TEXT,
    asked_at BIGINT,
    verified_at BIGINT,
    last_ping BIGINT,
    pings BIGINT NOT NULL DEFAULT 0,
    -- Entries that a poll found and no ping had brought, since when, and when the hub was found silent for it.
    missed BIGINT NOT NULL DEFAULT 0,
    missed_since BIGINT,
    silent_at BIGINT,
    created_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX websub_offered ON websub_subscriptions (feed) WHERE offered = 1;
CREATE INDEX websub_due ON websub_subscriptions (next_try);

CREATE TABLE websub_pings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL,
    feed BLOB NOT NULL,
    content_type TEXT,
    digest BLOB NOT NULL,
    -- Emptied once it was read.
    body BLOB NOT NULL,
    -- Says that something changed, not what: the feed is polled.
    thin BIGINT NOT NULL,
    at BIGINT NOT NULL,
    ready_at BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    done_at BIGINT
);
CREATE INDEX websub_pings_waiting ON websub_pings (feed, id) WHERE done_at IS NULL;
CREATE INDEX websub_pings_digest ON websub_pings (token, digest);
CREATE INDEX websub_pings_done ON websub_pings (done_at) WHERE done_at IS NOT NULL;
