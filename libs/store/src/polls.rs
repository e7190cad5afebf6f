//! What comes back from polls: write-backs of many feeds in one transaction.

use carewire_schemas::{EntryId, FeedId};
use jiff::Timestamp;

use crate::{FeedKind, FeedProblem, FeedState, Result, Store};

/// By what a feed's next poll can be answered shortly.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Validators {
    /// `ETag`, as sent.
    pub etag: Option<String>,
    /// `Last-Modified`, as sent.
    pub last_modified: Option<String>,
    /// Hash of the body.
    pub body_hash: Option<i64>,
}

/// What a feed says of itself; `None` leaves a field as it is.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct FeedMeta {
    /// Title.
    pub title: Option<String>,
    /// Site.
    pub site_url: Option<String>,
    /// Language.
    pub language: Option<String>,
    /// Format.
    pub format: Option<String>,
    /// WebSub hub.
    pub hub: Option<String>,
    /// What it turned out to be.
    pub kind: Option<FeedKind>,
}

/// An entry as it is to be remembered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryWrite {
    /// The entry.
    pub entry: EntryId,
    /// Hash of its content.
    pub hash: i64,
    /// Its version: the feed's turn.
    pub version: i64,
    /// Declared deleted.
    pub deleted: bool,
    /// The raw revision, compressed (zstd). Empty: none is kept, and the one there is stays.
    pub revision: Vec<u8>,
}

/// The end of one claimed feed.
#[derive(Clone, PartialEq, Debug)]
pub struct PollDone {
    /// The feed.
    pub feed: FeedId,
    /// The turn it was claimed in; when the feed has a newer one, nothing is written.
    pub turn: i64,
    /// When it was polled.
    pub at: Timestamp,
    /// Whether the poll succeeded (304 included).
    pub ok: bool,
    /// HTTP status of the answer.
    pub status: Option<i32>,
    /// What went wrong.
    pub error: Option<String>,
    /// What the next request may be made conditional on; `None` keeps what is there.
    pub validators: Option<Validators>,
    /// When it is due next (not taken when somebody asked for a poll meanwhile).
    pub next_poll: Timestamp,
    /// Why then.
    pub next_reason: String,
    /// Seconds between polls from now on.
    pub interval_s: i64,
    /// Failures in a row.
    pub failures: i64,
    /// What the feed says of itself.
    pub meta: FeedMeta,
    /// Problems found; `None` keeps what is there (304).
    pub problems: Option<Vec<FeedProblem>>,
    /// Where it moved to for good, with the host (name or address without port) of that address. Not taken when
    /// another feed is registered there.
    pub new_url: Option<(String, String)>,
    /// A new state.
    pub state: Option<FeedState>,
    /// Entries new, changed or deleted.
    pub entries: Vec<EntryWrite>,
}

impl Store {
    /// Writes back the ends of many polls in one transaction. `false` stands where the feed has a newer turn:
    /// nothing of that poll was written.
    ///
    /// # Errors
    /// When the database fails; nothing is written then.
    pub async fn finish_polls(&self, done: Vec<PollDone>) -> Result<Vec<bool>> {
        todo!("{done:?}")
    }
}
