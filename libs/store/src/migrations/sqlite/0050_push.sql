-- Deliveries: what is followed, who follows it, and requests to the hub that are to be verified.
CREATE TABLE push_topics (
    -- hub: the feed's canonical address below ours; webhook: the canonical question.
    kind TEXT NOT NULL,
    topic TEXT NOT NULL,
    -- The last change that concerns it.
    last BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, topic)
) WITHOUT ROWID;

CREATE TABLE push_subscriptions (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    topic TEXT NOT NULL,
    -- The topic as the subscriber wrote it.
    given TEXT NOT NULL,
    callback TEXT NOT NULL,
    host TEXT NOT NULL,
    secret TEXT,
    -- The secret before this one, and until when it signs too.
    secret_before TEXT,
    secret_until BIGINT,
    state TEXT NOT NULL,
    -- Everything up to this number was delivered, or did not concern it.
    cursor BIGINT NOT NULL,
    -- A delivery up to this number was begun and has not ended.
    sending BIGINT,
    next_try BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    failing_since BIGINT,
    error TEXT,
    lease_until BIGINT,
    name TEXT,
    owner BLOB,
    notify TEXT,
    created_at BIGINT NOT NULL,
    delivered BIGINT NOT NULL DEFAULT 0,
    delivered_at BIGINT,
    -- Deliveries that a crash may have sent twice.
    repeats BIGINT NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX push_callbacks ON push_subscriptions (callback, topic) WHERE kind = 'hub';
CREATE INDEX push_behind ON push_subscriptions (kind, topic, cursor);
CREATE INDEX push_leases ON push_subscriptions (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX push_sending ON push_subscriptions (sending) WHERE sending IS NOT NULL;

CREATE TABLE hub_requests (
    id BLOB PRIMARY KEY,
    subscribe BIGINT NOT NULL,
    callback TEXT NOT NULL,
    host TEXT NOT NULL,
    topic TEXT NOT NULL,
    given TEXT NOT NULL,
    secret TEXT,
    lease_s BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    next_try BIGINT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX hub_requests_callback ON hub_requests (callback, topic);
CREATE INDEX hub_requests_due ON hub_requests (next_try);
CREATE INDEX hub_requests_host ON hub_requests (host);
