//! Addresses proposed in place of a feed's own; its owner decides.

use carewire_schemas::FeedId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    FeedState, Result, Store, StoreError,
    counts::Tallies,
    db::{Row, Tx, args, transaction},
    named::named_enum,
};

named_enum! {
    /// Why another address is proposed.
    ProposalReason {
        /// The feed's address answers a web page, which advertises this feed.
        Page = "page",
        /// The feed is dead, and its site advertises this one.
        Site = "site",
        /// The feed's address redirects there for good, but what answers is not known to be the same feed.
        Redirect = "redirect",
        /// The feed names this address as its own (`rel=self`), at another host.
        NamesItself = "names-itself",
        /// A usual place for a feed of that site, which gave one.
        UsualPath = "usual-path",
    }
}

named_enum! {
    /// What became of a proposal.
    ProposalState {
        /// Nobody has said anything yet.
        Open = "open",
        /// The feed is polled there now.
        Accepted = "accepted",
        /// Not wanted; it is not made again.
        Dismissed = "dismissed",
    }
}

/// An address to be proposed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewProposal {
    /// Where.
    pub url: String,
    /// Host of `url`: name or address, without port.
    pub host: String,
    /// Why.
    pub reason: ProposalReason,
    /// The title that it was advertised with.
    pub title: Option<String>,
}

/// A proposed address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// Where.
    pub url: String,
    /// Why.
    pub reason: ProposalReason,
    /// The title that it was advertised with.
    pub title: Option<String>,
    /// What became of it.
    pub state: ProposalState,
    /// When it was found.
    pub found_at: Timestamp,
}

fn proposal(row: &Row) -> Result<Proposal> {
    Ok(Proposal {
        url: row.text(0)?,
        reason: row.named(1)?,
        title: row.opt_text(2)?,
        state: row.named(3)?,
        found_at: row.time(4)?,
    })
}

impl Store {
    /// Proposals for a feed, the open ones first, then the latest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn proposals(&self, feed: FeedId) -> Result<Vec<Proposal>> {
        let sql = "SELECT url, reason, title, state, found_at FROM feed_proposals WHERE feed = $1 \
                   ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END, found_at DESC, url LIMIT 100";
        self.inner.db.fetch(sql, args![feed.0]).await?.iter().map(proposal).collect()
    }

    /// Notes proposals; those noted before stay as they are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn propose(&self, feed: FeedId, proposals: &[NewProposal]) -> Result<()> {
        if proposals.is_empty() {
            return Ok(());
        }
        let rows: Vec<(FeedId, &NewProposal)> = proposals.iter().map(|proposal| (feed, proposal)).collect();
        transaction!(self, |tx| { Self::write_proposals(&mut tx, &rows).await })
    }

    pub(crate) async fn write_proposals(tx: &mut Tx, proposals: &[(FeedId, &NewProposal)]) -> Result<()> {
        if proposals.is_empty() {
            return Ok(());
        }
        let now = tx.now().await?;
        let open = ProposalState::Open.as_str();
        let rows = proposals
            .iter()
            .flat_map(|(feed, p)| args![feed.0, &*p.url, &*p.host, p.reason.as_str(), p.title.clone(), open, now]);
        tx.insert(
            "INSERT INTO feed_proposals (feed, url, host, reason, title, state, found_at)",
            7,
            " ON CONFLICT (feed, url) DO NOTHING",
            rows.collect(),
        )
        .await
        .map(drop)
    }

    /// Puts a proposed address in place of the feed's own: it is polled there at once, from the beginning.
    ///
    /// # Errors
    /// `NotFound` when there is no such open proposal; `Conflict` when another feed is registered at that address.
    pub async fn accept_proposal(&self, feed: FeedId, url: &str) -> Result<()> {
        transaction!(self, |tx| {
            let sql = "SELECT host FROM feed_proposals WHERE feed = $1 AND url = $2 AND state = 'open'";
            let host = match tx.fetch_opt(sql, args![feed.0, url]).await? {
                Some(row) => row.text(0)?,
                None => return Err(StoreError::NotFound(format!("open proposal `{url}` of feed {feed}"))),
            };
            Self::move_feed_in(&mut tx, feed, url, &host).await?;
            let sql = "UPDATE feed_proposals SET state = 'accepted' WHERE feed = $1 AND url = $2";
            tx.execute(sql, args![feed.0, url]).await?;
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    /// Says that a proposal is not wanted.
    ///
    /// # Errors
    /// `NotFound` when there is no such open proposal.
    pub async fn dismiss_proposal(&self, feed: FeedId, url: &str) -> Result<()> {
        transaction!(self, |tx| {
            let sql = "UPDATE feed_proposals SET state = 'dismissed' WHERE feed = $1 AND url = $2 AND state = 'open'";
            match tx.execute(sql, args![feed.0, url]).await? {
                0 => Err(StoreError::NotFound(format!("open proposal `{url}` of feed {feed}"))),
                _ => Ok(()),
            }
        })
    }

    /// Moves a feed to another address, after its own checks by the caller: it is active there and due at once, without validators.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when another feed is registered there.
    pub async fn move_feed(&self, feed: FeedId, url: &str, host: &str) -> Result<()> {
        transaction!(self, |tx| {
            Self::move_feed_in(&mut tx, feed, url, host).await?;
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    async fn move_feed_in(tx: &mut Tx, feed: FeedId, url: &str, host: &str) -> Result<()> {
        let taken = tx.fetch_opt("SELECT id FROM feeds WHERE url = $1", args![url]).await?;
        if taken.map(|row| row.uuid(0)).transpose()?.is_some_and(|id| id != feed.0) {
            return Err(StoreError::Conflict(format!("feed {url}")));
        }
        let now = tx.now().await?;
        let sql = "SELECT host, state FROM feeds WHERE id = $1";
        let row = tx.fetch_opt(sql, args![feed.0]).await?;
        let row = row.ok_or_else(|| StoreError::NotFound(format!("feed {feed}")))?;
        let (before, state): (String, FeedState) = (row.text(0)?, row.named(1)?);
        Self::hosts_due(tx, std::iter::once((host.to_owned(), now))).await?;
        Self::lock_hosts(tx, &[before.clone(), host.to_owned()].into()).await?;
        // Raising the turn refuses what a poll of the old address may yet write back.
        tx.execute(
            "UPDATE feeds SET url = $2, host = $3, state = 'active', turn = turn + 1, next_poll = $4, \
             next_reason = 'moved', failures = 0, etag = NULL, last_modified = NULL, body_hash = NULL, \
             validators_url = NULL, memory = '{}' WHERE id = $1",
            args![feed.0, url, host, now],
        )
        .await?;
        Self::recompute_due(tx, &[before, host.to_owned()]).await?;
        let mut tallies = Tallies::default();
        tallies.add(format!("feeds:{state}"), -1);
        tallies.add("feeds:active", 1);
        tallies.write(tx).await
    }
}
