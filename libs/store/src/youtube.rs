//! Videos of channels: what the platform's API said of them, whether they are still there, and gaps in what was seen.

use std::{collections::HashMap, time::Duration};

use carewire_schemas::{EntryId, FeedId};
use jiff::Timestamp;

use crate::{
    Result, Store,
    db::{Kind, LIST, Row, args, later, transaction},
};

/// A video of a channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChannelVideo {
    /// The channel's feed.
    pub feed: FeedId,
    /// The video's id on the platform.
    pub video: String,
    /// The entry that it is.
    pub entry: EntryId,
    /// What the API said.
    pub facts: VideoFacts,
    /// When the API said so.
    pub fetched_at: Option<Timestamp>,
    /// When it was first found gone.
    pub gone_at: Option<Timestamp>,
    /// Since when the API does not know it, though it answered.
    pub missing_at: Option<Timestamp>,
}

/// What the platform's API says of a video; nothing where it was not asked.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct VideoFacts {
    /// Seconds.
    pub duration_s: Option<i64>,
    /// Whether there are captions.
    pub captions: Option<bool>,
    /// `none`, `live` or `upcoming`.
    pub live: Option<String>,
}

/// A gap that is to be filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChannelGap {
    /// The channel's feed.
    pub feed: FeedId,
    /// When it was found.
    pub found_at: Timestamp,
    /// How often filling it was tried before.
    pub tries: i64,
}

macro_rules! columns {
    () => {
        "feed, video, entry, duration_s, captions, live, fetched_at, gone_at, missing_at"
    };
}

fn video(row: &Row) -> Result<ChannelVideo> {
    Ok(ChannelVideo {
        feed: FeedId(row.uuid(0)?),
        video: row.text(1)?,
        entry: EntryId(row.uuid(2)?),
        facts: VideoFacts {
            duration_s: row.opt_int(3)?,
            captions: row.opt_int(4)?.map(|captions| captions != 0),
            live: row.opt_text(5)?,
        },
        fetched_at: row.opt_time(6)?,
        gone_at: row.opt_time(7)?,
        missing_at: row.opt_time(8)?,
    })
}

impl Store {
    /// Notes videos of a channel; those known stay as they are. They are looked for again after `look`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_videos(&self, feed: FeedId, videos: &[(String, EntryId)], look: Duration) -> Result<()> {
        if videos.is_empty() {
            return Ok(());
        }
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let look = later(now, look);
            let rows = videos.iter().flat_map(|(video, entry)| args![feed.0, &**video, entry.0, now, look]).collect();
            let head = "INSERT INTO youtube_videos (feed, video, entry, next_fetch, next_look)";
            // One that was withdrawn and is in the feed again is looked for again.
            let tail = " ON CONFLICT (feed, video) DO UPDATE SET gone_at = NULL, missing_at = NULL, \
                        next_look = excluded.next_look, next_fetch = excluded.next_fetch \
                        WHERE youtube_videos.next_look IS NULL";
            tx.insert(head, 5, tail, rows).await?;
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    /// What the API said of a channel's entries, as far as it was asked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn video_facts(&self, feed: FeedId, entries: &[EntryId]) -> Result<HashMap<EntryId, VideoFacts>> {
        let mut found = HashMap::new();
        for chunk in entries.chunks(LIST) {
            let mut sql = self.inner.db.sql(concat!("SELECT ", columns!(), " FROM youtube_videos WHERE feed = "));
            let ids: Vec<_> = chunk.iter().map(|entry| entry.0).collect();
            sql.bind(feed.0).push(" AND fetched_at IS NOT NULL AND entry").ids(&ids);
            for row in self.inner.db.rows(sql).await? {
                let one = video(&row)?;
                found.insert(one.entry, one.facts);
            }
        }
        Ok(found)
    }

    /// What is known of a video.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel_video(&self, feed: FeedId, id: &str) -> Result<Option<ChannelVideo>> {
        let sql = concat!("SELECT ", columns!(), " FROM youtube_videos WHERE feed = $1 AND video = $2");
        self.inner.db.fetch_opt(sql, args![feed.0, id]).await?.as_ref().map(video).transpose()
    }

    /// Videos of which the API is to be asked (`looks` false) or that are to be looked for (`looks` true), held for `hold`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_videos(&self, looks: bool, limit: usize, hold: Duration) -> Result<Vec<ChannelVideo>> {
        let column = if looks { "next_look" } else { "next_fetch" };
        // Most calls find nothing: that must not cost a writing transaction.
        let mut sql = self.inner.db.sql("SELECT MIN(");
        sql.push(column).push(") FROM youtube_videos");
        let first = self.inner.db.rows(sql).await?.first().map(|row| row.opt_time(0)).transpose()?.flatten();
        if first.is_none_or(|first| first > Timestamp::now()) {
            return Ok(Vec::new());
        }
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let mut sql = tx.sql(concat!("SELECT ", columns!(), " FROM youtube_videos WHERE "));
            sql.push(column).push(" <= ").bind(now);
            // What was withdrawn is of no interest to the API any more.
            sql.push(if looks { "" } else { " AND (next_look IS NOT NULL OR fetched_at IS NOT NULL)" });
            sql.push(" ORDER BY ").push(column).push(", feed, video LIMIT ").bind(limit);
            sql.push_on(Kind::Postgres, " FOR UPDATE SKIP LOCKED");
            let videos = tx.rows(sql).await?.iter().map(video).collect::<Result<Vec<_>>>()?;
            for one in &videos {
                let mut sql = tx.sql("UPDATE youtube_videos SET ");
                sql.push(column).push(" = ").bind(later(now, hold));
                sql.push(" WHERE feed = ").bind(one.feed.0).push(" AND video = ").bind(&*one.video);
                tx.run(sql).await?;
            }
            Ok(videos)
        })
    }

    /// Keeps what the API said (or erases it), and asks again after `next`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn video_fetched(&self, one: &ChannelVideo, facts: Option<&VideoFacts>, next: Duration) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let empty = VideoFacts::default();
            let said = facts.unwrap_or(&empty);
            let sql = "UPDATE youtube_videos SET duration_s = $3, captions = $4, live = $5, fetched_at = $6, next_fetch = $7, \
                       missing_at = NULL WHERE feed = $1 AND video = $2";
            let args = args![
                one.feed.0,
                &*one.video,
                said.duration_s,
                said.captions.map(i64::from),
                said.live.clone(),
                facts.map(|_| now),
                later(now, next)
            ];
            tx.execute(sql, args).await.map(drop)
        })
    }

    /// Notes whether a video was found gone; it is looked for again after `next`, or never again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn video_looked(&self, one: &ChannelVideo, gone: bool, next: Option<Duration>) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "UPDATE youtube_videos SET next_look = $3, \
                       gone_at = CASE WHEN $4 = 1 THEN COALESCE(gone_at, $5) ELSE NULL END WHERE feed = $1 AND video = $2";
            let next = next.map(|next| later(now, next));
            tx.execute(sql, args![one.feed.0, &*one.video, next, gone, now]).await.map(drop)
        })
    }

    /// The API answered and does not know a video: what it said before is erased, and it is asked again after `next`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn video_missing(&self, one: &ChannelVideo, next: Duration) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "UPDATE youtube_videos SET duration_s = NULL, captions = NULL, live = NULL, fetched_at = NULL, \
                       next_fetch = $3, missing_at = COALESCE(missing_at, $4) WHERE feed = $1 AND video = $2";
            tx.execute(sql, args![one.feed.0, &*one.video, later(now, next), now]).await.map(drop)
        })
    }

    /// The API is asked of a video again after `wait`; what it said stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn video_soon(&self, one: &ChannelVideo, wait: Duration) -> Result<()> {
        transaction!(self, |tx| {
            let next = later(tx.now().await?, wait);
            let sql = "UPDATE youtube_videos SET next_fetch = $3 WHERE feed = $1 AND video = $2";
            tx.execute(sql, args![one.feed.0, &*one.video, next]).await.map(drop)
        })
    }

    /// A video is looked for again after `wait`; what was found stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn video_soon_looked(&self, one: &ChannelVideo, wait: Duration) -> Result<()> {
        transaction!(self, |tx| {
            let next = later(tx.now().await?, wait);
            let sql = "UPDATE youtube_videos SET next_look = $3 WHERE feed = $1 AND video = $2";
            tx.execute(sql, args![one.feed.0, &*one.video, next]).await.map(drop)
        })
    }

    /// A poll found nothing of what was known of a channel.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_gap(&self, feed: FeedId) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "INSERT INTO youtube_gaps (feed, found_at, next_try) VALUES ($1, $2, $2) ON CONFLICT (feed) DO UPDATE \
                       SET found_at = excluded.found_at, next_try = excluded.next_try, tries = 0, filled_at = NULL, videos = 0";
            tx.execute(sql, args![feed.0, now]).await?;
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    /// Whether a channel has a gap that is not filled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_gap(&self, feed: FeedId) -> Result<bool> {
        let sql = "SELECT 1 FROM youtube_gaps WHERE feed = $1 AND filled_at IS NULL";
        Ok(self.inner.db.fetch_opt(sql, args![feed.0]).await?.is_some())
    }

    /// A gap that is to be filled, held for `hold`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_gap(&self, hold: Duration) -> Result<Option<ChannelGap>> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let mut sql = tx.sql("SELECT feed FROM youtube_gaps WHERE filled_at IS NULL AND next_try <= ");
            sql.bind(now).push(" ORDER BY next_try LIMIT 1").push_on(Kind::Postgres, " FOR UPDATE SKIP LOCKED");
            let Some(row) = tx.rows(sql).await?.into_iter().next() else { return Ok(None) };
            let sql =
                "UPDATE youtube_gaps SET next_try = $2, tries = tries + 1 WHERE feed = $1 RETURNING found_at, tries";
            let feed = row.uuid(0)?;
            let row = tx.fetch_opt(sql, args![feed, later(now, hold)]).await?;
            row.map(|row| Ok(ChannelGap { feed: FeedId(feed), found_at: row.time(0)?, tries: row.int(1)? - 1 }))
                .transpose()
        })
    }

    /// Keeps a document that fills a gap or tells of a removal, to be read as if the feed had said it; a gap is then filled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fill_channel(&self, feed: FeedId, document: Option<Vec<u8>>, gap: Option<usize>) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            if let Some(body) = document.clone() {
                Self::keep_document(&mut tx, feed, body, now).await?;
            }
            if let Some(videos) = gap {
                let sql = "UPDATE youtube_gaps SET filled_at = $2, videos = $3 WHERE feed = $1";
                tx.execute(sql, args![feed.0, now, videos]).await?;
            }
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    /// Takes units of the API's quota of today; false where fewer are left of `budget`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_quota(&self, units: i64, budget: i64) -> Result<bool> {
        transaction!(self, |tx| {
            // The platform counts from midnight in its own zone.
            let day = (tx.now().await?.as_second() - 8 * 3600).div_euclid(86_400);
            tx.execute("INSERT INTO youtube_quota (day, used) VALUES ($1, 0) ON CONFLICT (day) DO NOTHING", args![day])
                .await?;
            let sql = "UPDATE youtube_quota SET used = used + $2 WHERE day = $1 AND used + $2 <= $3";
            let taken = tx.execute(sql, args![day, units, budget]).await? > 0;
            tx.execute("DELETE FROM youtube_quota WHERE day < $1", args![day - 30]).await?;
            Ok(taken)
        })
    }

    /// Units of the API's quota that were used today.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn quota_used(&self) -> Result<i64> {
        let row = self.inner.db.fetch_opt("SELECT used FROM youtube_quota ORDER BY day DESC LIMIT 1", vec![]).await?;
        row.map(|row| row.int(0)).transpose().map(Option::unwrap_or_default)
    }
}
