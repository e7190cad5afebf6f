-- Videos of channels: what the platform's API said of them, and whether they are still there.
CREATE TABLE youtube_videos (
    feed UUID NOT NULL,
    video TEXT NOT NULL,
    entry UUID NOT NULL,
    -- Of the API, erased or refreshed within 30 days.
    duration_s BIGINT,
    captions BIGINT,
    live TEXT,
    fetched_at BIGINT,
    next_fetch BIGINT NOT NULL,
    -- When it was first found gone, and when it is looked for next; none once it was withdrawn.
    gone_at BIGINT,
    next_look BIGINT,
    PRIMARY KEY (feed, video)
);
CREATE INDEX youtube_videos_entry ON youtube_videos (feed, entry);
CREATE INDEX youtube_videos_fetch ON youtube_videos (next_fetch);
CREATE INDEX youtube_videos_look ON youtube_videos (next_look) WHERE next_look IS NOT NULL;

-- Polls that found nothing of what was known: videos between may be missing.
CREATE TABLE youtube_gaps (
    feed UUID PRIMARY KEY,
    found_at BIGINT NOT NULL,
    next_try BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    filled_at BIGINT,
    videos BIGINT NOT NULL DEFAULT 0
);

-- Units of the API's quota used on each day (Pacific standard time, in days since the epoch).
CREATE TABLE youtube_quota (
    day BIGINT PRIMARY KEY,
    used BIGINT NOT NULL
);
