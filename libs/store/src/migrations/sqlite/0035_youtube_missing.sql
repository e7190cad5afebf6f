-- Since when the platform's API does not know a video, though it answered: removed, or private.
ALTER TABLE youtube_videos ADD COLUMN missing_at BIGINT;
