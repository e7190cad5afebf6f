//! Feeds: what is registered, and how each of them fares.

use carewire_schemas::{FeedId, OrganizationId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Result, Store, named::named_enum};

named_enum! {
    /// What a registered address is.
    FeedKind {
        /// A feed in RSS, Atom or JSON.
        Feed = "feed",
        /// A channel's feed on YouTube.
        YoutubeChannel = "youtube-channel",
    }
}

named_enum! {
    /// Whether a feed is polled.
    FeedState {
        /// It is.
        Active = "active",
        /// Not for now.
        Paused = "paused",
        /// Its publisher has ended it (410, or failures for long).
        Gone = "gone",
    }
}

named_enum! {
    /// What shows that a feed is its organization's own.
    Proof {
        /// Nothing yet.
        None = "none",
        /// A check of ours.
        Proven = "proven",
        /// The operator's word.
        Vouched = "vouched",
    }
}

/// Something wrong with a feed, as found at its last poll.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeedProblem {
    /// Stable name, kebab-case.
    pub code: String,
    /// In words.
    pub message: String,
    /// Where: an entry, a line, a header.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub where_: Option<String>,
    /// How often.
    #[serde(default)]
    pub count: u32,
}

/// A registered feed or channel.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Feed {
    /// Its id.
    pub id: FeedId,
    /// Whose it is said to be.
    pub organization: OrganizationId,
    /// Where it is polled; unique.
    pub url: String,
    /// What it is.
    pub kind: FeedKind,
    /// Its title, as it says itself (or was registered with).
    pub title: Option<String>,
    /// The site it belongs to.
    pub site_url: Option<String>,
    /// Its host: name or address, without port.
    pub host: String,
    /// Whether it is polled.
    pub state: FeedState,
    /// What shows that it is its organization's own.
    pub proof: Proof,
    /// Raised with each claim; the version of what is read in that turn.
    pub turn: i64,
    /// `ETag` of the last body, as sent.
    pub etag: Option<String>,
    /// `Last-Modified` of the last body, as sent.
    pub last_modified: Option<String>,
    /// Hash of the last body.
    pub body_hash: Option<i64>,
    /// When it is due. In a claim: when it was due.
    pub next_poll: Timestamp,
    /// Why then; `hand` when somebody asked for it. In a claim: as it was before the claim.
    pub next_reason: String,
    /// Seconds between polls for now.
    pub interval_s: i64,
    /// Failures in a row.
    pub failures: i64,
    /// When it was last polled.
    pub last_poll: Option<Timestamp>,
    /// When a poll last succeeded (304 included).
    pub last_success: Option<Timestamp>,
    /// HTTP status of the last answer.
    pub last_status: Option<i32>,
    /// What went wrong at the last poll.
    pub last_error: Option<String>,
    /// Entries known.
    pub entries: i64,
    /// Problems found at the last poll that read a body.
    pub problems: Vec<FeedProblem>,
    /// Format, such as `rss-2.0`.
    pub format: Option<String>,
    /// Language (BCP 47).
    pub language: Option<String>,
    /// Its WebSub hub.
    pub hub: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// What a feed is registered with.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NewFeed {
    /// Whose it is.
    pub organization: OrganizationId,
    /// Where it is.
    pub url: String,
    /// What it is.
    pub kind: FeedKind,
    /// Title, where known beforehand.
    pub title: Option<String>,
    /// Site, where known beforehand.
    pub site_url: Option<String>,
    /// Host of `url`: name or address, without port.
    pub host: String,
    /// What shows that it is the organization's own.
    pub proof: Proof,
    /// Seconds between polls to begin with.
    pub interval_s: i64,
}

/// Which feeds.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct FeedFilter {
    /// Of this organization.
    pub organization: Option<OrganizationId>,
    /// In this state.
    pub state: Option<FeedState>,
}

impl Store {
    /// Registers a feed; it is due at once.
    ///
    /// # Errors
    /// `Conflict` when the address is registered, `NotFound` when the organization is not there.
    pub async fn add_feed(&self, new: NewFeed) -> Result<Feed> {
        todo!("{new:?}")
    }

    /// Registers many; each result stands at the place of its feed (`Conflict` for an address that is registered or
    /// stands in the list before).
    ///
    /// # Errors
    /// When the database fails as a whole.
    pub async fn add_feeds(&self, new: Vec<NewFeed>) -> Result<Vec<Result<FeedId>>> {
        todo!("{new:?}")
    }

    /// The feed with that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed(&self, id: FeedId) -> Result<Option<Feed>> {
        todo!("{id}")
    }

    /// The feed with that address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_by_url(&self, url: &str) -> Result<Option<Feed>> {
        todo!("{url}")
    }

    /// Feeds in order of id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feeds(
        &self,
        filter: &FeedFilter,
        after: Option<FeedId>,
        limit: usize,
    ) -> Result<Vec<Feed>> {
        todo!("{filter:?} {after:?} {limit}")
    }

    /// Changes whether a feed is polled; one that becomes active is due at once.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_feed_state(&self, id: FeedId, state: FeedState) -> Result<()> {
        todo!("{id} {state}")
    }

    /// Changes what shows that a feed is its organization's own, and notes that for the grouping worker in the same
    /// transaction.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_proof(&self, id: FeedId, proof: Proof) -> Result<()> {
        todo!("{id} {proof}")
    }

    /// Makes a feed due at once, with `next_reason` = `hand`. Asked for while it is being polled, it is polled again.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when the feed is not active.
    pub async fn poll_now(&self, id: FeedId) -> Result<()> {
        todo!("{id}")
    }

    /// How many feeds are in each state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_counts(&self) -> Result<Vec<(FeedState, i64)>> {
        todo!()
    }
}
