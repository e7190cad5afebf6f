//! Who follows what by deliveries (the hub's subscribers, webhooks), and how far each is in the sequence.
//!
//! The queue is a pair of numbers: a topic knows the `last` change that concerns it, a subscription the `cursor` up to
//! which it was served. Who is behind is served from the change log, so nothing waits in a table of its own, and
//! a crash leaves exactly what was not acknowledged. A delivery that was begun is marked (`sending`); what still bears the
//! mark when a new worker takes over may have been sent twice, and is counted.

mod requests;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use requests::{HubRequest, NewHubRequest};

use carewire_schemas::{ChangeSeq, OrganizationId};

use crate::{
    Lease, Result, Store,
    db::{Row, Tx, Value, args, later, transaction},
    named::{named_enum, row_id},
};

row_id! {
    /// Somebody who is delivered to.
    PushId
}

named_enum! {
    /// How something is delivered.
    PushKind {
        /// By WebSub, to a subscriber of the hub.
        Hub = "hub",
        /// To a webhook.
        Webhook = "webhook",
    }
}

named_enum! {
    /// Whether a subscription is served.
    PushState {
        /// It is.
        Active = "active",
        /// It failed for too long, or asked not to be served.
        Disabled = "disabled",
    }
}

/// What is followed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PushTopic {
    /// How.
    pub kind: PushKind,
    /// The hub's: a feed's canonical address below the network's; a webhook's: the canonical question.
    pub topic: String,
    /// The last change that concerns it.
    pub last: ChangeSeq,
}

/// Somebody who is delivered to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushSubscription {
    /// Its id.
    pub id: PushId,
    /// How.
    pub kind: PushKind,
    /// What, as in [`PushTopic`].
    pub topic: String,
    /// The topic as the subscriber wrote it.
    pub given: String,
    /// Where to.
    pub callback: String,
    /// The callback's host, without port.
    pub host: String,
    /// What signs.
    #[serde(skip)]
    pub secret: Option<String>,
    /// Whether it is served.
    pub state: PushState,
    /// Everything up to this number was delivered, or did not concern it.
    pub cursor: ChangeSeq,
    /// Tries that failed, in a row.
    pub tries: i64,
    /// Since when they fail.
    pub failing_since: Option<Timestamp>,
    /// Why the last one failed.
    pub error: Option<String>,
    /// Until when a subscriber of the hub is served.
    pub lease_until: Option<Timestamp>,
    /// Whose webhook it is.
    pub owner: Option<OrganizationId>,
    /// Deliveries that were taken.
    pub delivered: i64,
    /// When the last one was.
    pub delivered_at: Option<Timestamp>,
    /// Deliveries that a crash may have sent twice.
    pub repeats: i64,
}

/// Without the secret, and without the callback's path, which may be one.
impl std::fmt::Debug for PushSubscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("PushSubscription");
        shown.field("id", &self.id).field("topic", &self.topic).field("host", &self.host).field("cursor", &self.cursor);
        shown.finish_non_exhaustive()
    }
}

macro_rules! columns {
    () => {
        "id, kind, topic, given, callback, host, secret, state, cursor, tries, failing_since, error, lease_until, \
         owner, delivered, delivered_at, repeats"
    };
}

fn subscription(row: &Row) -> Result<PushSubscription> {
    Ok(PushSubscription {
        id: PushId(row.uuid(0)?),
        kind: row.named(1)?,
        topic: row.text(2)?,
        given: row.text(3)?,
        callback: row.text(4)?,
        host: row.text(5)?,
        secret: row.opt_text(6)?,
        state: row.named(7)?,
        cursor: row.int(8)?,
        tries: row.int(9)?,
        failing_since: row.opt_time(10)?,
        error: row.opt_text(11)?,
        lease_until: row.opt_time(12)?,
        owner: row.opt_uuid(13)?.map(OrganizationId),
        delivered: row.int(14)?,
        delivered_at: row.opt_time(15)?,
        repeats: row.int(16)?,
    })
}

fn topic(row: &Row) -> Result<PushTopic> {
    Ok(PushTopic { kind: row.named(0)?, topic: row.text(1)?, last: row.int(2)? })
}

/// What came of a delivery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PushOutcome {
    /// It was taken (or there was nothing to send); the next may follow after `pause`.
    Taken {
        /// Messages that were sent.
        messages: u32,
        /// How long the subscriber is left alone.
        pause: Duration,
    },
    /// It failed, and is tried again after `wait`.
    Failed {
        /// Why.
        error: String,
        /// How long until then.
        wait: Duration,
        /// Whether that is the end: a hub's subscriber is forgotten, a webhook disabled.
        end: bool,
    },
}

/// A delivery that ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushDone {
    /// To whom.
    pub id: PushId,
    /// Everything up to this number was delivered, or does not concern it.
    pub cursor: ChangeSeq,
    /// What came of it.
    pub outcome: PushOutcome,
}

/// Which deliveries to begin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushClaim<'a> {
    /// Of what, and up to which number.
    pub topic: &'a PushTopic,
    /// At most so many.
    pub limit: usize,
    /// At most so many to one host.
    pub per_host: usize,
    /// To none of these hosts.
    pub busy: &'a [String],
}

impl Store {
    /// What is followed by anybody.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn push_topics(&self) -> Result<Vec<PushTopic>> {
        let sql = "SELECT kind, topic, last FROM push_topics t WHERE EXISTS (SELECT 1 FROM push_subscriptions s \
                   WHERE s.kind = t.kind AND s.topic = t.topic AND s.state = 'active') ORDER BY kind, topic";
        self.inner.db.fetch(sql, vec![]).await?.iter().map(topic).collect()
    }

    /// How many are delivered to: subscribers of the hub whose lease runs, and webhooks.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn subscribers(&self) -> Result<u64> {
        let mut conn = self.inner.db.reader().await?;
        let now = conn.now().await?;
        let sql = "SELECT COUNT(*) FROM push_subscriptions WHERE state = 'active' \
                   AND (lease_until IS NULL OR lease_until > $1)";
        let count = conn.fetch_opt(sql, args![now]).await?.map_or(Ok(0), |row| row.int(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// What has followers that are behind and not being served now, whether or not they wait for another try.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn push_behind(&self) -> Result<Vec<PushTopic>> {
        let sql = "SELECT kind, topic, last FROM push_topics t WHERE EXISTS (SELECT 1 FROM push_subscriptions s \
                   WHERE s.kind = t.kind AND s.topic = t.topic AND s.cursor < t.last AND s.state = 'active' \
                   AND s.sending IS NULL AND s.next_try <= $1) ORDER BY kind, topic";
        let now = self.now().await?;
        self.inner.db.fetch(sql, args![now]).await?.iter().map(topic).collect()
    }

    /// Notes up to which number changes were looked at (`cursor`), and the last one that concerns each topic.
    ///
    /// # Errors
    /// `LeaseLost`; nothing is written then.
    pub async fn push_touched(&self, topics: &[PushTopic], cursor: (&str, ChangeSeq), lease: &Lease) -> Result<()> {
        transaction!(self, |tx| {
            Self::fence(&mut tx, lease).await?;
            for touched in topics {
                let sql = "UPDATE push_topics SET last = $3 WHERE kind = $1 AND topic = $2 AND last < $3";
                tx.execute(sql, args![touched.kind.as_str(), &*touched.topic, touched.last]).await?;
            }
            Self::move_cursor(&mut tx, cursor.0, cursor.1).await
        })
    }

    /// Begins deliveries: those who are behind, the furthest first, are marked as being served.
    ///
    /// # Errors
    /// `LeaseLost`.
    pub async fn push_claim(&self, claim: &PushClaim<'_>, lease: &Lease) -> Result<Vec<PushSubscription>> {
        transaction!(self, |tx| {
            Self::fence(&mut tx, lease).await?;
            let now = tx.now().await?;
            let topic = claim.topic;
            let mut sql = tx.sql("UPDATE push_subscriptions SET sending = ");
            sql.bind(topic.last);
            sql.push(
                " WHERE id IN (SELECT id FROM (SELECT id, cursor, ROW_NUMBER() OVER (PARTITION BY host ORDER BY cursor, id) \
                 AS place FROM push_subscriptions WHERE kind = ",
            );
            sql.bind(topic.kind.as_str()).push(" AND topic = ").bind(&*topic.topic);
            sql.push(" AND cursor < ")
                .bind(topic.last)
                .push(" AND state = 'active' AND sending IS NULL AND next_try <= ");
            sql.bind(now).push(" AND (lease_until IS NULL OR lease_until > ").bind(now).push(")");
            if !claim.busy.is_empty() {
                sql.push(" AND NOT host").texts(claim.busy);
            }
            sql.push(") AS ranked WHERE place <= ").bind(claim.per_host);
            sql.push(" ORDER BY cursor, id LIMIT ").bind(claim.limit);
            sql.push(concat!(") RETURNING ", columns!()));
            tx.rows(sql).await?.iter().map(subscription).collect()
        })
    }

    /// Writes what came of deliveries, many at once.
    ///
    /// # Errors
    /// `LeaseLost`.
    pub async fn push_done(&self, done: &[PushDone], lease: &Lease) -> Result<()> {
        transaction!(self, |tx| {
            Self::fence(&mut tx, lease).await?;
            let now = tx.now().await?;
            let mut taken: Vec<Value> = Vec::with_capacity(done.len() * 5);
            for one in done {
                match &one.outcome {
                    PushOutcome::Taken { messages, pause } => {
                        taken.extend(args![one.id.0, one.cursor, *messages, later(now, *pause), now]);
                    }
                    PushOutcome::Failed { error, wait, end } => {
                        Self::push_failed(&mut tx, one, error, (now, *wait), *end).await?;
                    }
                }
            }
            if !taken.is_empty() {
                let head = "UPDATE push_subscriptions SET cursor = v.column2, sending = NULL, tries = 0, \
                            failing_since = NULL, error = NULL, delivered = delivered + v.column3, \
                            next_try = v.column4, delivered_at = CASE WHEN v.column3 > 0 THEN v.column5 \
                            ELSE delivered_at END FROM (";
                tx.insert(head, 5, ") AS v WHERE push_subscriptions.id = v.column1", taken).await?;
            }
            Ok(())
        })
    }

    async fn push_failed(
        tx: &mut Tx,
        done: &PushDone,
        error: &str,
        (now, wait): (Timestamp, Duration),
        end: bool,
    ) -> Result<()> {
        if end {
            let sql = "DELETE FROM push_subscriptions WHERE id = $1 AND kind = 'hub'";
            tx.execute(sql, args![done.id.0]).await?;
        }
        let sql = "UPDATE push_subscriptions SET cursor = $2, sending = NULL, tries = tries + 1, error = $3, \
                   failing_since = COALESCE(failing_since, $4), next_try = $5, \
                   state = CASE WHEN $6 = 1 THEN 'disabled' ELSE state END WHERE id = $1";
        tx.execute(sql, args![done.id.0, done.cursor, error, now, later(now, wait), end]).await.map(drop)
    }

    /// Frees what a worker had begun and never ended; those deliveries may be sent twice. Answers how many.
    ///
    /// # Errors
    /// `LeaseLost`.
    pub async fn push_interrupted(&self, lease: &Lease) -> Result<u64> {
        transaction!(self, |tx| {
            Self::fence(&mut tx, lease).await?;
            let sql = "UPDATE push_subscriptions SET sending = NULL, repeats = repeats + 1 WHERE sending IS NOT NULL";
            tx.execute(sql, vec![]).await
        })
    }

    /// Forgets subscribers whose lease is over, and topics that nobody follows. Answers how many subscribers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn push_sweep(&self) -> Result<u64> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "DELETE FROM push_subscriptions WHERE lease_until <= $1 AND sending IS NULL";
            let gone = tx.execute(sql, args![now]).await?;
            let sql = "DELETE FROM push_topics WHERE NOT EXISTS (SELECT 1 FROM push_subscriptions s \
                       WHERE s.kind = push_topics.kind AND s.topic = push_topics.topic)";
            tx.execute(sql, vec![]).await?;
            Ok(gone)
        })
    }

    /// Everybody who is delivered to, in order of id, after the given one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn push_subscriptions(&self, after: Option<PushId>, limit: usize) -> Result<Vec<PushSubscription>> {
        let sql = concat!("SELECT ", columns!(), " FROM push_subscriptions WHERE id > $1 ORDER BY id LIMIT $2");
        let after = after.map_or(Uuid::nil(), |id| id.0);
        self.inner.db.fetch(sql, args![after, limit]).await?.iter().map(subscription).collect()
    }

    /// How many are delivered to, by kind and state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn push_counts(&self) -> Result<Vec<(PushKind, PushState, i64)>> {
        let sql = "SELECT kind, state, COUNT(*) FROM push_subscriptions GROUP BY kind, state";
        let rows = self.inner.db.fetch(sql, vec![]).await?;
        rows.iter().map(|row| Ok((row.named(0)?, row.named(1)?, row.int(2)?))).collect()
    }
}
