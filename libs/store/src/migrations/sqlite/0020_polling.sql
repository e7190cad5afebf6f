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
    feed BLOB NOT NULL,
    url TEXT NOT NULL,
    host TEXT NOT NULL,
    reason TEXT NOT NULL,
    title TEXT,
    state TEXT NOT NULL,
    found_at BIGINT NOT NULL,
    PRIMARY KEY (feed, url)
) WITHOUT ROWID;

-- How a feed fared, by weeks since the epoch (beginning on Thursdays, as the epoch does).
CREATE TABLE feed_weeks (
    feed BLOB NOT NULL,
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
) WITHOUT ROWID;

-- What was found wrong with a feed, from when to when.
CREATE TABLE feed_findings (
    feed BLOB NOT NULL,
    code TEXT NOT NULL,
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    gone_at BIGINT,
    times BIGINT NOT NULL,
    PRIMARY KEY (feed, code)
) WITHOUT ROWID;

-- Requests to publishers beside polling, each done under the lease of its host.
CREATE TABLE tasks (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    feed BLOB NOT NULL,
    host TEXT NOT NULL,
    url TEXT NOT NULL,
    due BIGINT NOT NULL,
    turn BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (kind, feed, url)
) WITHOUT ROWID;
CREATE INDEX tasks_due ON tasks (due);
