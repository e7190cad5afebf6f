-- What polling learns of feeds over time.

-- What polling remembers of a feed from one poll to the next (`FeedMemory`, JSON); until when a push subscription stands
-- for polling; how soon after publication an entry should be seen.
ALTER TABLE feeds ADD COLUMN memory TEXT NOT NULL DEFAULT '{}';
ALTER TABLE feeds ADD COLUMN push_until BIGINT;
ALTER TABLE feeds ADD COLUMN target_s BIGINT;

-- Hash of the identity that an entry has without its id: by it an entry is known again whose id changed.
ALTER TABLE entries ADD COLUMN link BIGINT;

-- Addresses that stand to be put in place of a feed's own, when its owner says so.
CREATE TABLE feed_proposals (
    feed UUID NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    host TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    title TEXT,
    state TEXT NOT NULL,
    found_at BIGINT NOT NULL,
    PRIMARY KEY (feed, url)
);

-- How a feed fared, by weeks since the epoch (beginning on Thursdays, as the epoch does).
CREATE TABLE feed_weeks (
    feed UUID NOT NULL,
    week BIGINT NOT NULL,
    polls BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    timed BIGINT NOT NULL,
    in_target BIGINT NOT NULL,
    delay_ms BIGINT NOT NULL,
    publisher_ms BIGINT NOT NULL,
    hub_ms BIGINT NOT NULL,
    host_ms BIGINT NOT NULL,
    schedule_ms BIGINT NOT NULL,
    queue_ms BIGINT NOT NULL,
    PRIMARY KEY (feed, week)
);

-- What was found wrong with a feed, from when to when.
CREATE TABLE feed_findings (
    feed UUID NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    gone_at BIGINT,
    times BIGINT NOT NULL,
    PRIMARY KEY (feed, code)
);

-- Requests to publishers beside polling, each done under the lease of its host.
CREATE TABLE tasks (
    id UUID PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    feed UUID NOT NULL,
    host TEXT COLLATE "C" NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    due BIGINT NOT NULL,
    turn BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (kind, feed, url)
);
CREATE INDEX tasks_due ON tasks (due);
