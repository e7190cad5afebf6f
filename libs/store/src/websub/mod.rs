//! WebSub subscriptions at hubs, and the pings that hubs delivered (W3C Recommendation, 23 January 2018).
//!
//! Each row has one time, `next_try`, at which somebody has to look at it: to ask the hub, to renew, to ask again
//! because no verification came. Whoever claims it moves that time on, so several workers share the rows.

mod hubs;
mod pings;

use std::time::Duration;

use carewire_schemas::FeedId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use pings::{NewPing, Ping, PushTurn};

use crate::{
    FeedProblem, Result, Store, StoreError,
    db::{Kind, Row, Tx, args, later, transaction},
    named::named_enum,
};

named_enum! {
    /// How a subscription stands.
    SubscriptionState {
        /// The hub is to be asked.
        Wanted = "wanted",
        /// The hub was asked; it has not verified our intent yet.
        Asked = "asked",
        /// The hub verified it: pings come until the lease ends.
        Active = "active",
        /// The hub is to be asked to end it.
        Leaving = "leaving",
        /// It has ended.
        Left = "left",
        /// The hub denied it.
        Denied = "denied",
    }
}

/// A subscription of one feed at its hub.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subscription {
    /// Last part of the callback's address; unguessable.
    #[serde(skip)]
    pub token: String,
    /// The feed.
    pub feed: FeedId,
    /// The hub's address.
    pub hub: String,
    /// The topic's address, as the feed names itself.
    pub topic: String,
    /// `hub.secret`.
    #[serde(skip)]
    pub secret: String,
    /// How it stands.
    pub state: SubscriptionState,
    /// Whether the feed still announces this hub.
    pub offered: bool,
    /// Until when the hub delivers.
    pub lease_until: Option<Timestamp>,
    /// When somebody looks at it next.
    pub next_try: Timestamp,
    /// Requests that failed or stayed without verification, in a row.
    pub tries: i64,
    /// Why the last one failed, or why the hub denied it.
    pub error: Option<String>,
    /// When the hub was last asked.
    pub asked_at: Option<Timestamp>,
    /// When the hub last verified our intent.
    pub verified_at: Option<Timestamp>,
    /// When the last valid ping came.
    pub last_ping: Option<Timestamp>,
    /// Valid pings so far.
    pub pings: i64,
    /// Entries that polls found and no ping had brought, since the last ping.
    pub missed: i64,
    /// Since when the hub counts as silent.
    pub silent_at: Option<Timestamp>,
    /// The feed's other hubs, in the order in which they are tried when this one fails.
    pub others: Vec<String>,
}

macro_rules! columns {
    () => {
        "token, feed, hub, topic, secret, state, offered, lease_until, next_try, tries, error, asked_at, verified_at, \
         last_ping, pings, missed, silent_at, others"
    };
}

use columns;

fn subscription(row: &Row) -> Result<Subscription> {
    Ok(Subscription {
        token: row.text(0)?,
        feed: FeedId(row.uuid(1)?),
        hub: row.text(2)?,
        topic: row.text(3)?,
        secret: row.text(4)?,
        state: row.named(5)?,
        offered: row.flag(6)?,
        lease_until: row.opt_time(7)?,
        next_try: row.time(8)?,
        tries: row.int(9)?,
        error: row.opt_text(10)?,
        asked_at: row.opt_time(11)?,
        verified_at: row.opt_time(12)?,
        last_ping: row.opt_time(13)?,
        pings: row.int(14)?,
        missed: row.int(15)?,
        silent_at: row.opt_time(16)?,
        others: row.json(17)?,
    })
}

/// Ended and withdrawn rows, and pings that were read, are kept so long: repeats are told by them.
const KEPT: Duration = Duration::from_secs(24 * 3600);

impl Store {
    /// The subscription of the hub that a feed announces.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_subscription(&self, feed: FeedId) -> Result<Option<Subscription>> {
        let sql = concat!("SELECT ", columns!(), " FROM websub_subscriptions WHERE feed = $1 AND offered = 1");
        self.inner.db.fetch_opt(sql, args![feed.0]).await?.as_ref().map(subscription).transpose()
    }

    /// The subscription with that callback.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn subscription(&self, token: &str) -> Result<Option<Subscription>> {
        let sql = concat!("SELECT ", columns!(), " FROM websub_subscriptions WHERE token = $1");
        self.inner.db.fetch_opt(sql, args![token]).await?.as_ref().map(subscription).transpose()
    }

    /// Brings subscriptions in line with their feeds: those of feeds that are paused, gone or announce the hub no more
    /// are left, those of feeds that are active again are wanted. Ended leases are noticed. What is long over is deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_subscriptions(&self) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let wanted = "offered = 1 AND EXISTS (SELECT 1 FROM feeds f WHERE f.id = websub_subscriptions.feed \
                          AND f.state = 'active')";
            for (change, state, holds) in [
                ("state = 'leaving', tries = 0, next_try = $1", "state IN ('asked', 'active')", false),
                ("state = 'left', next_try = $1", "state IN ('wanted', 'denied')", false),
                ("state = 'wanted', tries = 0, error = NULL, next_try = $1", "state IN ('left', 'leaving')", true),
                (
                    "state = 'wanted', next_try = $1, error = 'the lease ended'",
                    "state = 'active' AND lease_until <= $1",
                    true,
                ),
            ] {
                let mut sql = tx.sql("UPDATE websub_subscriptions SET ");
                let (before, after) = change.split_once("$1").unwrap_or((change, ""));
                sql.push(before).bind(now).push(after).push(" WHERE ");
                match state.split_once("$1") {
                    Some((state, _)) => sql.push(state).bind(now),
                    None => sql.push(state),
                };
                sql.push(if holds { " AND (" } else { " AND NOT (" }).push(wanted).push(")");
                tx.run(sql).await?;
            }
            // In whole milliseconds since the epoch; far from the beginning of time.
            let before = now.as_millisecond() - i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
            let sql = "DELETE FROM websub_subscriptions WHERE state = 'left' AND offered = 0 AND next_try <= $1";
            tx.execute(sql, args![before]).await?;
            tx.execute("DELETE FROM websub_pings WHERE done_at <= $1", args![before]).await.map(drop)
        })
    }

    /// Subscriptions at which somebody has to look, moved on by `hold`: those to be asked for are `Asked` from here on,
    /// so that a hub may verify before it has answered. `next_try` of the rows is what [`Store::subscription_asked`] wants.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_subscriptions(&self, limit: usize, hold: Duration) -> Result<Vec<Subscription>> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let mut sql = tx.sql("SELECT token FROM websub_subscriptions WHERE state <> 'left' AND next_try <= ");
            sql.bind(now).push(" ORDER BY next_try, token LIMIT ").bind(limit);
            sql.push_on(Kind::Postgres, " FOR UPDATE SKIP LOCKED");
            let tokens = tx.rows(sql).await?.iter().map(|row| row.text(0)).collect::<Result<Vec<_>>>()?;
            if tokens.is_empty() {
                return Ok(Vec::new());
            }
            let mut sql = tx.sql(
                "UPDATE websub_subscriptions SET state = CASE WHEN state IN ('wanted', 'denied') THEN 'asked' ELSE state END, \
                 asked_at = ",
            );
            sql.bind(now).push(", next_try = ").bind(later(now, hold)).push(" WHERE token").texts(&tokens);
            sql.push(concat!(" RETURNING ", columns!()));
            tx.rows(sql).await?.iter().map(subscription).collect()
        })
    }

    /// Notes what came of a request: the next look is at `next_try`. Nothing happens when the hub verified meanwhile, or
    /// somebody else claimed the row.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn subscription_asked(
        &self,
        claimed: &Subscription,
        state: SubscriptionState,
        error: Option<&str>,
        wait: Duration,
    ) -> Result<bool> {
        transaction!(self, |tx| {
            let next = later(tx.now().await?, wait);
            let sql = "UPDATE websub_subscriptions SET state = $3, error = $4, tries = tries + 1, next_try = $5 \
                       WHERE token = $1 AND next_try = $2";
            let args = args![&*claimed.token, claimed.next_try, state.as_str(), error, next];
            Ok(tx.execute(sql, args).await? > 0)
        })
    }

    /// The hub's verification of intent (section 5.3): whether it is ours. Subscribing gives the lease, which is looked
    /// at again after `renew_after`; unsubscribing ends it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verify_subscription(
        &self,
        token: &str,
        topic: &str,
        lease: Option<(Duration, Duration)>,
    ) -> Result<bool> {
        let verified = transaction!(self, |tx| {
            let now = tx.now().await?;
            let row = match lease {
                Some((lease, renew_after)) => {
                    let sql = "UPDATE websub_subscriptions SET state = 'active', lease_until = $3, next_try = $4, tries = 0, \
                               error = NULL, verified_at = $5 WHERE token = $1 AND topic = $2 \
                               AND state IN ('asked', 'active') RETURNING feed, lease_until";
                    let args = args![token, topic, later(now, lease), later(now, renew_after), now];
                    tx.fetch_opt(sql, args).await?
                }
                None => {
                    let sql = "UPDATE websub_subscriptions SET state = 'left', lease_until = NULL, next_try = $3, tries = 0, \
                               error = NULL WHERE token = $1 AND topic = $2 AND state = 'leaving' RETURNING feed, lease_until";
                    tx.fetch_opt(sql, args![token, topic, now]).await?
                }
            };
            let Some(row) = row else { return Ok(false) };
            Self::push_in(&mut tx, FeedId(row.uuid(0)?), row.opt_time(1)?).await?;
            Ok(true)
        })?;
        Ok(verified)
    }

    /// The hub denies the subscription (section 5.2): whether there was one. It is asked again after `retry`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deny_subscription(&self, token: &str, topic: &str, reason: &str, retry: Duration) -> Result<bool> {
        transaction!(self, |tx| {
            let next = later(tx.now().await?, retry);
            let sql = "UPDATE websub_subscriptions SET state = 'denied', error = $3, lease_until = NULL, next_try = $4 \
                       WHERE token = $1 AND topic = $2 AND state IN ('asked', 'active', 'denied') RETURNING feed";
            let Some(row) = tx.fetch_opt(sql, args![token, topic, reason, next]).await? else { return Ok(false) };
            Self::push_in(&mut tx, FeedId(row.uuid(0)?), None).await?;
            Ok(true)
        })
    }

    /// When the next subscription is to be looked at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn subscriptions_due(&self) -> Result<Option<Timestamp>> {
        let sql = "SELECT MIN(next_try) FROM websub_subscriptions WHERE state <> 'left'";
        let row = self.inner.db.fetch_opt(sql, vec![]).await?;
        row.map(|row| row.opt_time(0)).transpose().map(Option::flatten)
    }

    /// A poll found entries that no ping had brought.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_missed(&self, token: &str, entries: usize) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "UPDATE websub_subscriptions SET missed = missed + $2, \
                       missed_since = COALESCE(missed_since, $3) WHERE token = $1 AND state = 'active'";
            tx.execute(sql, args![token, entries, now]).await.map(drop)
        })
    }

    /// Hubs that stayed silent about entries for `patience`: each is told once, its feed is polled as usual again and
    /// has the problem `silent-hub`, and the hub is asked to subscribe anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn silent_hubs(&self, patience: Duration) -> Result<Vec<Subscription>> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let before = now.as_millisecond() - i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
            let sql = concat!(
                "UPDATE websub_subscriptions SET silent_at = $1, next_try = $1 WHERE state = 'active' \
                 AND silent_at IS NULL AND missed_since <= $2 RETURNING ",
                columns!()
            );
            let rows = tx.fetch(sql, args![now, before]).await?;
            let silent = rows.iter().map(subscription).collect::<Result<Vec<_>>>()?;
            for one in &silent {
                Self::push_in(&mut tx, one.feed, None).await?;
                Self::add_problem(&mut tx, one.feed, one.silent_problem()).await?;
            }
            Ok(silent)
        })
    }

    /// Adds a problem to those of a feed's last poll, where it is not among them; the next that reads a body drops it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_problem(&self, feed: FeedId, problem: FeedProblem) -> Result<()> {
        transaction!(self, |tx| { Self::add_problem(&mut tx, feed, problem.clone()).await })
    }

    /// Adds a problem to those of a feed's last poll, where it is not among them.
    pub(crate) async fn add_problem(tx: &mut Tx, feed: FeedId, problem: FeedProblem) -> Result<()> {
        let mut sql = tx.sql("SELECT problems FROM feeds WHERE id = ");
        sql.bind(feed.0).for_update();
        let rows = tx.rows(sql).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let mut problems: Vec<FeedProblem> = row.json(0)?;
        if problems.iter().any(|known| known.code == problem.code) {
            return Ok(());
        }
        problems.push(problem);
        let text = serde_json::to_string(&problems).map_err(StoreError::unreadable)?;
        tx.execute("UPDATE feeds SET problems = $2 WHERE id = $1", args![feed.0, text]).await.map(drop)
    }

    /// How many subscriptions are in each state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn subscription_counts(&self) -> Result<Vec<(SubscriptionState, i64)>> {
        let sql = "SELECT state, COUNT(*) FROM websub_subscriptions GROUP BY state";
        let rows = self.inner.db.fetch(sql, vec![]).await?;
        rows.iter().map(|row| Ok((row.named(0)?, row.int(1)?))).collect()
    }
}

impl Subscription {
    /// What a feed's owner is told of a hub that does not deliver.
    #[must_use]
    pub fn silent_problem(&self) -> FeedProblem {
        FeedProblem {
            code: "silent-hub".to_owned(),
            message: format!(
                "the hub {} did not tell of {} new entries: does the site tell the hub when it publishes?",
                self.hub,
                self.missed.max(1)
            ),
            where_: None,
            count: u32::try_from(self.missed.max(1)).unwrap_or(u32::MAX),
        }
    }
}
