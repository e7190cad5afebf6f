//! What hubs delivered, until it is read.

use std::time::Duration;

use carewire_schemas::FeedId;
use jiff::Timestamp;

use crate::{
    Feed, FeedState, Result, Store,
    db::{Kind, Tx, args, later, transaction},
    feeds::{feed_columns, feed_row},
};

/// What a hub delivered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewPing {
    /// Of which subscription.
    pub token: String,
    /// `Content-Type` as sent.
    pub content_type: Option<String>,
    /// Hash of the body, by which a repeat is told.
    pub digest: [u8; 32],
    /// The body as sent.
    pub body: Vec<u8>,
    /// It says that something changed, not what.
    pub thin: bool,
}

/// A ping that is to be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ping {
    /// Its number.
    pub id: i64,
    /// Of which feed.
    pub feed: FeedId,
    /// The topic that was subscribed to.
    pub topic: String,
    /// `Content-Type` as sent.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
    /// The feed is to be polled instead.
    pub thin: bool,
    /// When it came.
    pub at: Timestamp,
    /// How often reading it was tried before.
    pub tries: i64,
}

/// How the turn of a pushed feed was taken.
#[derive(Clone, PartialEq, Debug)]
pub enum PushTurn {
    /// The feed with its turn raised; `next_reason` and `next_poll` are left as they are.
    Taken(Box<Feed>),
    /// It is being polled just now: later.
    Busy,
    /// It is not active or not there.
    Off,
}

impl Store {
    /// Keeps a ping, durably. False where its subscription is not there or has ended.
    ///
    /// A body that was delivered before counts as thin: what the feed says now decides, so a replay changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn store_ping(&self, ping: NewPing) -> Result<bool> {
        let stored = transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "UPDATE websub_subscriptions SET pings = pings + 1, last_ping = $2, missed = 0, missed_since = NULL, \
                       silent_at = NULL WHERE token = $1 AND state IN ('asked', 'active') RETURNING feed, lease_until";
            let Some(row) = tx.fetch_opt(sql, args![&*ping.token, now]).await? else { return Ok(false) };
            let feed = row.uuid(0)?;
            Self::push_in(&mut tx, FeedId(feed), row.opt_time(1)?).await?;
            let sql = "SELECT 1 FROM websub_pings WHERE token = $1 AND digest = $2 LIMIT 1";
            let repeat = tx.fetch_opt(sql, args![&*ping.token, ping.digest.to_vec()]).await?.is_some();
            let thin = ping.thin || repeat;
            let body = if thin { Vec::new() } else { ping.body.clone() };
            let sql = "INSERT INTO websub_pings (token, feed, content_type, digest, body, thin, at, ready_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
            let args = args![&*ping.token, feed, ping.content_type.clone(), ping.digest.to_vec(), body, thin, now];
            tx.execute(sql, args).await?;
            Self::note_activity(&mut tx).await?;
            Ok(true)
        })?;
        self.inner.signals.stir();
        Ok(stored)
    }

    /// The oldest waiting ping of each of some feeds, held for `hold`: pings of one feed are read one after another.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_pings(&self, limit: usize, hold: Duration) -> Result<Vec<Ping>> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let mut sql = tx.sql("SELECT id FROM websub_pings p WHERE done_at IS NULL AND ready_at <= ");
            sql.bind(now);
            sql.push(
                " AND NOT EXISTS (SELECT 1 FROM websub_pings q WHERE q.feed = p.feed AND q.done_at IS NULL AND q.id < p.id) \
                 ORDER BY id LIMIT ",
            );
            sql.bind(limit).push_on(Kind::Postgres, " FOR UPDATE SKIP LOCKED");
            let ids = tx.rows(sql).await?.iter().map(|row| row.int(0)).collect::<Result<Vec<_>>>()?;
            let mut pings = Vec::with_capacity(ids.len());
            for id in ids {
                let sql = "UPDATE websub_pings SET ready_at = $2, tries = tries + 1 WHERE id = $1 RETURNING id, feed, \
                           COALESCE((SELECT s.topic FROM websub_subscriptions s WHERE s.token = websub_pings.token), ''), \
                           content_type, body, thin, at, tries";
                if let Some(row) = tx.fetch_opt(sql, args![id, later(now, hold)]).await? {
                    pings.push(Ping {
                        id: row.int(0)?,
                        feed: FeedId(row.uuid(1)?),
                        topic: row.text(2)?,
                        content_type: row.opt_text(3)?,
                        body: row.blob(4)?,
                        thin: row.flag(5)?,
                        at: row.time(6)?,
                        tries: row.int(7)? - 1,
                    });
                }
            }
            Ok(pings)
        })
    }

    /// A ping was read; its body is dropped, its digest stays for a day.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ping_done(&self, id: i64) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "UPDATE websub_pings SET done_at = $2, body = $3 WHERE id = $1";
            tx.execute(sql, args![id, now, Vec::<u8>::new()]).await.map(drop)
        })
    }

    /// A ping is to be read later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ping_later(&self, id: i64, wait: Duration) -> Result<()> {
        transaction!(self, |tx| {
            let ready = later(tx.now().await?, wait);
            let sql = "UPDATE websub_pings SET ready_at = $2, tries = tries - 1 WHERE id = $1 AND done_at IS NULL";
            tx.execute(sql, args![id, ready]).await.map(drop)
        })
    }

    /// When the next ping is to be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pings_due(&self) -> Result<Option<Timestamp>> {
        let row =
            self.inner.db.fetch_opt("SELECT MIN(ready_at) FROM websub_pings WHERE done_at IS NULL", vec![]).await?;
        row.map(|row| row.opt_time(0)).transpose().map(Option::flatten)
    }

    /// Raises a feed's turn for a ping, unless a poll is under way.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn push_turn(&self, id: FeedId) -> Result<PushTurn> {
        self.take_turn(id, &[FeedState::Active]).await
    }

    /// Raises a feed's turn for what was found of one of its pages, unless a poll is under way. A feed that has ended still
    /// has pages.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page_turn(&self, id: FeedId) -> Result<PushTurn> {
        self.take_turn(id, &[FeedState::Active, FeedState::Gone]).await
    }

    async fn take_turn(&self, id: FeedId, states: &[FeedState]) -> Result<PushTurn> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let Some((state, claimed)) = Self::push_state(&mut tx, id, now).await? else { return Ok(PushTurn::Off) };
            if !states.contains(&state) {
                return Ok(PushTurn::Off);
            }
            if claimed {
                return Ok(PushTurn::Busy);
            }
            let sql = concat!("UPDATE feeds SET turn = turn + 1 WHERE id = $1 RETURNING ", feed_columns!());
            let row = tx.fetch_opt(sql, args![id.0]).await?;
            Ok(match row {
                Some(row) => PushTurn::Taken(Box::new(feed_row(&row)?)),
                None => PushTurn::Off,
            })
        })
    }

    /// Makes a feed due at once because its hub said that it changed (`next_reason` = `pinged`). False where it is being
    /// polled just now: that poll may have come too early.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn poll_pushed(&self, id: FeedId) -> Result<bool> {
        let done = transaction!(self, |tx| {
            let now = tx.now().await?;
            let Some(row) = tx.fetch_opt("SELECT host FROM feeds WHERE id = $1", args![id.0]).await? else {
                return Ok(true);
            };
            Self::hosts_due(&mut tx, std::iter::once((row.text(0)?, now))).await?;
            match Self::push_state(&mut tx, id, now).await? {
                Some((FeedState::Active, true)) => return Ok(false),
                Some((FeedState::Active, false)) => {}
                _ => return Ok(true),
            }
            let sql = "UPDATE feeds SET next_poll = $2, next_reason = 'pinged' WHERE id = $1 AND next_reason <> 'hand' \
                       AND kind <> 'posted'";
            tx.execute(sql, args![id.0, now]).await?;
            Self::note_activity(&mut tx).await?;
            Ok(true)
        })?;
        self.inner.signals.stir();
        Ok(done)
    }

    /// Keeps a document that no hub delivered, to be read as if the feed had said it.
    pub(crate) async fn keep_document(tx: &mut Tx, feed: FeedId, document: Vec<u8>, now: Timestamp) -> Result<()> {
        let sql = "INSERT INTO websub_pings (token, feed, content_type, digest, body, thin, at, ready_at) \
                   VALUES ('', $1, 'application/atom+xml', $2, $3, 0, $4, $4)";
        tx.execute(sql, args![feed.0, Vec::<u8>::new(), document, now]).await.map(drop)
    }

    /// State of a feed, and whether somebody polls it just now; the row is locked.
    async fn push_state(tx: &mut Tx, id: FeedId, now: Timestamp) -> Result<Option<(FeedState, bool)>> {
        let mut sql = tx.sql("SELECT state, next_reason, next_poll FROM feeds WHERE id = ");
        sql.bind(id.0).for_update();
        let rows = tx.rows(sql).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let claimed = row.text(1)?.starts_with("claimed ") && row.time(2)? > now;
        Ok(Some((row.named(0)?, claimed)))
    }
}
