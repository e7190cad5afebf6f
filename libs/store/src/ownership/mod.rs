//! What proves that feeds are their organizations' own: tokens, checks and their outcomes.
//!
//! A feed that somebody asked about has one row. Its `next_check` is when it is looked at; whoever claims it moves that
//! on. A proof is about the host that served the feed then: a feed that moved is checked anew.

mod codes;

use std::time::Duration;

use carewire_schemas::{FeedId, OrganizationId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use codes::CodeAnswer;

use crate::{
    AuditEntry, FeedProblem, Proof, Result, Store, StoreError,
    db::{Kind, Row, Tx, args, later, transaction},
    named::named_enum,
};

named_enum! {
    /// How a feed's proof stands.
    OwnershipState {
        /// It is to be checked.
        Asked = "asked",
        /// Nothing was found.
        Failed = "failed",
        /// The organization's proven home page links to it: a curator looks.
        Linked = "linked",
        /// It is proven.
        Proven = "proven",
        /// The proof was there and is no more; trust ends after a grace.
        Lost = "lost",
    }
}

/// What was found at one place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnershipFinding {
    /// By which way it was looked for.
    pub way: String,
    /// Where: an address, or a name in the DNS.
    pub place: String,
    /// Whether it stands there; none where that could not be found out.
    pub found: Option<bool>,
    /// In words.
    pub message: String,
}

/// How the proof of a feed stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ownership {
    /// The feed.
    pub feed: FeedId,
    /// How it stands.
    pub state: OwnershipState,
    /// By which way it was proven.
    pub way: Option<String>,
    /// Where the proof stood.
    pub place: Option<String>,
    /// What was found when it was last checked.
    pub findings: Vec<OwnershipFinding>,
    /// When somebody last asked for a check.
    pub asked_at: Timestamp,
    /// When it was last checked.
    pub checked_at: Option<Timestamp>,
    /// Since when it is proven; by mail, since the last code was given back.
    pub proven_at: Option<Timestamp>,
    /// Since when the proof is not there any more.
    pub lost_at: Option<Timestamp>,
    /// When it is checked next; none: when somebody asks.
    pub next_check: Option<Timestamp>,
}

/// What a check came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OwnershipOutcome {
    /// The proof stands there.
    Proven {
        /// By which way.
        way: String,
        /// Where.
        place: String,
    },
    /// The proven home page links to it.
    Linked {
        /// The home page.
        place: String,
    },
    /// It is nowhere.
    Nothing,
    /// Some places could not be looked at: nothing changes.
    Unreachable,
}

/// How often proofs are looked at, and how long a lost one still holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwnershipTimes {
    /// Between two checks of a proof.
    pub recheck: Duration,
    /// From the loss of a proof to the end of trust.
    pub grace: Duration,
}

const DAY: Duration = Duration::from_secs(86_400);
/// A code that was mailed proves for so long: it cannot be looked at again.
const MAIL_HOLDS: Duration = Duration::from_secs(365 * 86_400);

macro_rules! columns {
    () => {
        "feed, state, way, place, findings, asked_at, checked_at, proven_at, lost_at, next_check"
    };
}

fn ownership(row: &Row) -> Result<Ownership> {
    Ok(Ownership {
        feed: FeedId(row.uuid(0)?),
        state: row.named(1)?,
        way: row.opt_text(2)?,
        place: row.opt_text(3)?,
        findings: row.json(4)?,
        asked_at: row.time(5)?,
        checked_at: row.opt_time(6)?,
        proven_at: row.opt_time(7)?,
        lost_at: row.opt_time(8)?,
        next_check: row.opt_time(9)?,
    })
}

async fn audit(tx: &mut Tx, now: Timestamp, entry: &AuditEntry) -> Result<()> {
    let sql = "INSERT INTO audit (at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5)";
    let AuditEntry { actor, action, subject, detail } = entry;
    tx.execute(sql, args![now, &**actor, &**action, &**subject, &**detail]).await.map(drop)
}

fn entry(actor: &str, action: &str, feed: FeedId, detail: String) -> AuditEntry {
    AuditEntry { actor: actor.to_owned(), action: action.to_owned(), subject: format!("feed/{feed}"), detail }
}

impl Store {
    /// An organization's token; made at the first call.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ownership_token(&self, organization: OrganizationId) -> Result<String> {
        let sql = "SELECT token FROM ownership_tokens WHERE organization = $1";
        if let Some(row) = self.inner.db.fetch_opt(sql, args![organization.0]).await? {
            return row.text(0);
        }
        let token = format!("carewire-{}", codes::random_hex::<20>()?);
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let insert = "INSERT INTO ownership_tokens (organization, token, created_at) VALUES ($1, $2, $3) \
                          ON CONFLICT (organization) DO NOTHING";
            tx.execute(insert, args![organization.0, &*token, now]).await?;
            let row = tx.fetch_opt(sql, args![organization.0]).await?;
            row.ok_or_else(|| StoreError::NotFound(format!("organization {organization}")))?.text(0)
        })
    }

    /// How the proof of a feed stands; none where nobody asked yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ownership(&self, feed: FeedId) -> Result<Option<Ownership>> {
        let sql = concat!("SELECT ", columns!(), " FROM ownership WHERE feed = $1");
        self.inner.db.fetch_opt(sql, args![feed.0]).await?.as_ref().map(ownership).transpose()
    }

    /// Asks for a check at once. What is proven or lost stays so until then.
    ///
    /// # Errors
    /// `NotFound` when there is no such feed.
    pub async fn ask_ownership(&self, feed: FeedId, by: &str) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "INSERT INTO ownership (feed, state, host, asked_at, next_check) \
                       SELECT id, 'asked', host, $2, $2 FROM feeds WHERE id = $1 \
                       ON CONFLICT (feed) DO UPDATE SET asked_at = excluded.asked_at, next_check = excluded.next_check, \
                       state = CASE WHEN ownership.state = 'failed' THEN 'asked' ELSE ownership.state END";
            if tx.execute(sql, args![feed.0, now]).await? == 0 {
                return Err(StoreError::NotFound(format!("feed {feed}")));
            }
            audit(&mut tx, now, &entry(by, "ask-ownership", feed, String::new())).await?;
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    /// When the next proof is to be looked at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ownership_due(&self) -> Result<Option<Timestamp>> {
        let sql = "SELECT MIN(next_check) FROM ownership WHERE next_check IS NOT NULL";
        let row = self.inner.db.fetch_opt(sql, vec![]).await?;
        row.map(|row| row.opt_time(0)).transpose().map(Option::flatten)
    }

    /// Makes proofs due whose feeds have moved to another host since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn moved_ownership(&self) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "UPDATE ownership SET next_check = $1, host = (SELECT f.host FROM feeds f WHERE f.id = ownership.feed), \
                       way = CASE WHEN way IN ('mail', 'curator') THEN NULL ELSE way END \
                       WHERE EXISTS (SELECT 1 FROM feeds f WHERE f.id = ownership.feed AND f.host <> ownership.host)";
            tx.execute(sql, args![now]).await.map(drop)
        })
    }

    /// Proofs that are to be looked at, held for `hold`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_ownership(&self, limit: usize, hold: Duration) -> Result<Vec<Ownership>> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let mut sql = tx.sql("SELECT feed FROM ownership WHERE next_check <= ");
            sql.bind(now).push(" ORDER BY next_check, feed LIMIT ").bind(limit);
            sql.push_on(Kind::Postgres, " FOR UPDATE SKIP LOCKED");
            let feeds = tx.rows(sql).await?.iter().map(|row| row.uuid(0)).collect::<Result<Vec<_>>>()?;
            if feeds.is_empty() {
                return Ok(Vec::new());
            }
            let mut sql = tx.sql("UPDATE ownership SET next_check = ");
            sql.bind(later(now, hold)).push(" WHERE feed").ids(&feeds).push(concat!(" RETURNING ", columns!()));
            tx.rows(sql).await?.iter().map(ownership).collect()
        })
    }

    /// Writes what a check came to, with all that follows from it: the feed's proof, the audit log, the feed's problems.
    /// Answers how it stands now.
    ///
    /// # Errors
    /// `NotFound` when nobody asked about the feed.
    pub async fn ownership_checked(
        &self,
        feed: FeedId,
        outcome: &OwnershipOutcome,
        findings: &[OwnershipFinding],
        times: OwnershipTimes,
        by: &str,
    ) -> Result<OwnershipState> {
        let state = transaction!(self, |tx| {
            let now = tx.now().await?;
            let before = Self::locked_ownership(&mut tx, feed).await?;
            let mut after = Ownership { findings: findings.to_vec(), checked_at: Some(now), ..before.clone() };
            match outcome {
                OwnershipOutcome::Proven { way, place } => {
                    let next = if way == "mail" { MAIL_HOLDS } else { times.recheck };
                    // A code that was given back begins its time anew.
                    let since = before.proven_at.filter(|_| before.state != OwnershipState::Failed && way != "mail");
                    after.proven_at = since.or(Some(now));
                    after.lost_at = None;
                    (after.way, after.place) = (Some(way.clone()), Some(place.clone()));
                    (after.state, after.next_check) = (OwnershipState::Proven, Some(later(now, next)));
                }
                // Nobody need find at a place what a code proves, as long as it holds.
                _ if mail_until(&before).is_some_and(|until| until > now) => after.next_check = mail_until(&before),
                OwnershipOutcome::Unreachable if before.state == OwnershipState::Asked => {
                    (after.state, after.next_check) = (OwnershipState::Failed, None);
                }
                // A server that is down has not taken its word back.
                OwnershipOutcome::Unreachable => {
                    after.next_check = before.next_check.map(|_| later(now, DAY.min(times.recheck)));
                }
                OwnershipOutcome::Linked { place } => match before.state {
                    // A curator looked, and the link is still there.
                    OwnershipState::Proven | OwnershipState::Lost if before.way.as_deref() == Some("curator") => {
                        after.lost_at = None;
                        (after.state, after.next_check) = (OwnershipState::Proven, Some(later(now, times.recheck)));
                    }
                    OwnershipState::Proven | OwnershipState::Lost => lose(&mut after, &before, now, times),
                    _ => {
                        after.place = Some(place.clone());
                        (after.state, after.next_check) = (OwnershipState::Linked, None);
                    }
                },
                OwnershipOutcome::Nothing => match before.state {
                    OwnershipState::Proven | OwnershipState::Lost => lose(&mut after, &before, now, times),
                    _ => (after.state, after.next_check) = (OwnershipState::Failed, None),
                },
            }
            Self::write_ownership(&mut tx, &after).await?;
            Self::follow_ownership(&mut tx, now, &before, &after, by).await?;
            Ok(after.state)
        })?;
        self.inner.signals.stir();
        Ok(state)
    }

    /// A curator looked at a channel to which the organization's home page links, and found that it is its own.
    ///
    /// # Errors
    /// `Invalid` when no check found such a link; `NotFound` when nobody asked about the feed.
    pub async fn ownership_looked(&self, feed: FeedId, times: OwnershipTimes, by: &str) -> Result<()> {
        let before =
            self.ownership(feed).await?.ok_or_else(|| StoreError::NotFound(format!("a check of feed {feed}")))?;
        let Some(place) = before.place.filter(|_| before.state == OwnershipState::Linked) else {
            return Err(StoreError::Invalid(
                "no check has found a link from the organization's proven home page yet".to_owned(),
            ));
        };
        let outcome = OwnershipOutcome::Proven { way: "curator".to_owned(), place };
        self.ownership_checked(feed, &outcome, &before.findings, times, by).await.map(drop)
    }

    async fn locked_ownership(tx: &mut Tx, feed: FeedId) -> Result<Ownership> {
        let mut sql = tx.sql(concat!("SELECT ", columns!(), " FROM ownership WHERE feed = "));
        sql.bind(feed.0).for_update();
        let rows = tx.rows(sql).await?;
        rows.first().map(ownership).transpose()?.ok_or_else(|| StoreError::NotFound(format!("a check of feed {feed}")))
    }

    async fn write_ownership(tx: &mut Tx, one: &Ownership) -> Result<()> {
        let sql = "UPDATE ownership SET state = $2, way = $3, place = $4, findings = $5, checked_at = $6, proven_at = $7, \
                   lost_at = $8, next_check = $9 WHERE feed = $1";
        let findings = serde_json::to_string(&one.findings).map_err(StoreError::unreadable)?;
        let args = args![
            one.feed.0,
            one.state.as_str(),
            one.way.clone(),
            one.place.clone(),
            findings,
            one.checked_at,
            one.proven_at,
            one.lost_at,
            one.next_check
        ];
        tx.execute(sql, args).await.map(drop)
    }

    /// What follows from a change of state. The operator's word is never touched.
    async fn follow_ownership(
        tx: &mut Tx,
        now: Timestamp,
        before: &Ownership,
        after: &Ownership,
        by: &str,
    ) -> Result<()> {
        let place = || format!("{} at {}", after.way.as_deref().unwrap_or("-"), after.place.as_deref().unwrap_or("-"));
        match (before.state, after.state) {
            (old, OwnershipState::Proven) => {
                Self::change_proof(tx, after.feed, Proof::None, Proof::Proven).await?;
                if old != OwnershipState::Proven || before.way != after.way {
                    audit(tx, now, &entry(by, "prove-feed", after.feed, place())).await?;
                }
            }
            (OwnershipState::Proven, OwnershipState::Lost) => {
                audit(tx, now, &entry(by, "lose-proof", after.feed, place())).await?;
                let problem = FeedProblem {
                    code: "proof-lost".to_owned(),
                    message: format!("the proof is not there any more: {}", place()),
                    where_: None,
                    count: 1,
                };
                Self::add_problem(tx, after.feed, problem).await?;
            }
            (OwnershipState::Lost, OwnershipState::Failed) => {
                Self::change_proof(tx, after.feed, Proof::Proven, Proof::None).await?;
                audit(tx, now, &entry(by, "end-proof", after.feed, place())).await?;
            }
            _ => {}
        }
        Self::note_activity(tx).await
    }

    /// Changes a feed's proof where it is `from`, and has its items looked at again.
    async fn change_proof(tx: &mut Tx, feed: FeedId, from: Proof, to: Proof) -> Result<()> {
        let sql = "UPDATE feeds SET proof = $3 WHERE id = $1 AND proof = $2 RETURNING organization";
        match tx.fetch_opt(sql, args![feed.0, from.as_str(), to.as_str()]).await? {
            Some(row) => Self::note_standing_change(tx, OrganizationId(row.uuid(0)?)).await,
            None => Ok(()),
        }
    }
}

/// Until when a code that was mailed proves; none where something else does, or nothing.
fn mail_until(one: &Ownership) -> Option<Timestamp> {
    let by_mail = one.state == OwnershipState::Proven && one.way.as_deref() == Some("mail");
    one.proven_at.filter(|_| by_mail).map(|since| later(since, MAIL_HOLDS))
}

/// A proof that stood is not there: lost at first, ended when the grace is over.
fn lose(after: &mut Ownership, before: &Ownership, now: Timestamp, times: OwnershipTimes) {
    let since = before.lost_at.unwrap_or(now);
    after.lost_at = Some(since);
    if before.state == OwnershipState::Lost && later(since, times.grace) <= now {
        (after.state, after.next_check) = (OwnershipState::Failed, None);
    } else {
        let end = later(since, times.grace);
        (after.state, after.next_check) = (OwnershipState::Lost, Some(later(now, DAY.min(times.recheck)).min(end)));
    }
}
