//! What organizations post themselves, without a feed: kept durably, read by ingest as if a feed had said it.
//!
//! Each organization that posts has one feed of its own for that ([`FeedKind::Posted`]), which is never due: its entries have ids,
//! versions, a report and a standing as those of other feeds have.

use carewire_schemas::{FeedId, OrganizationId};
use jiff::Timestamp;

use crate::{
    Feed, FeedKind, FeedState, Proof, Result, Store, StoreError,
    counts::Tallies,
    db::{args, transaction},
};

/// Host of the feeds of what is posted; nothing is ever fetched from it (RFC 6761, 6.4).
const NO_HOST: &str = "posted.invalid";
/// When a posted feed is due, in seconds since the epoch: the year 9999.
const NEVER: i64 = 253_370_764_800;
/// What waits of one organization at most: whoever posts more in a burst is told to wait.
const MOST_WAITING: i64 = 500;

/// The address by which the feed of what an organization posts is known; nothing is there.
fn address(organization: OrganizationId) -> String {
    format!("urn:uuid:{organization}")
}

impl Store {
    /// The feed of what an organization posts; made at the first call. It counts as the organization's own: only who holds its
    /// token, or a curator, posts.
    ///
    /// # Errors
    /// `NotFound` when there is no such organization.
    pub async fn posted_feed(&self, organization: OrganizationId) -> Result<Feed> {
        let url = address(organization);
        if let Some(feed) = self.feed_by_url(&url).await? {
            return Ok(feed);
        }
        transaction!(self, |tx| {
            let now = tx.now().await?;
            if tx.fetch_opt("SELECT 1 FROM organizations WHERE id = $1", args![organization.0]).await?.is_none() {
                return Err(StoreError::NotFound(format!("organization {organization}")));
            }
            let sql = "INSERT INTO feeds (id, organization, url, kind, title, host, state, proof, next_poll, next_reason, \
                       interval_s, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'posted', $10, $11) \
                       ON CONFLICT (url) DO NOTHING";
            let args = args![
                FeedId::random().0,
                organization.0,
                &*url,
                FeedKind::Posted.as_str(),
                "Posted",
                NO_HOST,
                FeedState::Active.as_str(),
                Proof::Proven.as_str(),
                Timestamp::from_second(NEVER).map_err(StoreError::unreadable)?,
                86_400_i64,
                now
            ];
            let mut tallies = Tallies::default();
            tallies.add("feeds:active", i64::try_from(tx.execute(sql, args).await?).unwrap_or_default());
            tallies.write(&mut tx).await
        })?;
        self.feed_by_url(&url).await?.ok_or_else(|| StoreError::NotFound(format!("feed {url}")))
    }

    /// Keeps a document of a posted feed, durably, to be read at once. False where too much of it waits already.
    ///
    /// # Errors
    /// `NotFound` when it is no such feed; `Invalid` when it is paused.
    pub async fn post(&self, feed: FeedId, document: Vec<u8>) -> Result<bool> {
        let taken = transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "SELECT state FROM feeds WHERE id = $1 AND kind = 'posted'";
            let row = tx.fetch_opt(sql, args![feed.0]).await?;
            let state: FeedState = row.ok_or_else(|| StoreError::NotFound(format!("feed {feed}")))?.named(0)?;
            if state != FeedState::Active {
                return Err(StoreError::Invalid(format!("what the organization posts is {state}: nothing is taken")));
            }
            let sql = "SELECT COUNT(*) FROM websub_pings WHERE feed = $1 AND done_at IS NULL";
            let waiting = tx.fetch_opt(sql, args![feed.0]).await?.map_or(Ok(0), |row| row.int(0))?;
            if waiting >= MOST_WAITING {
                return Ok(false);
            }
            Self::keep_document(&mut tx, feed, document.clone(), now).await?;
            Self::note_activity(&mut tx).await?;
            Ok(true)
        })?;
        self.inner.signals.stir();
        Ok(taken)
    }
}
