//! What polling remembers of a feed from one poll to the next, beside what stands in columns of their own.
//!
//! One JSON value of the feed's row: it is read with every claim, and written only when something in it changes, which is
//! seldom. What others than polling set (push, target) has columns.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::named::named_enum;

/// What polling remembers of a feed.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedMemory {
    /// Hours in UTC (0–23) in which the feed asks not to be polled; they hold after a 304 too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skip_hours: Vec<u8>,
    /// Days in English on which it asks not to be polled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skip_days: Vec<String>,
    /// Where it seems to be moving to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moving: Option<Moving>,
    /// Since when it answers 410.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Timestamp>,
    /// The id by which the document names itself (`atom:id`, `podcast:guid`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_id: Option<String>,
    /// The last try to poll it over https.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https: Option<Tried>,
    /// The last look for another feed in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery: Option<Tried>,
    /// Its ids were seen to change: entries are known again by link, else by title and date.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unstable_ids: bool,
    /// Its archive was walked, or is being walked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub archive: bool,
    /// It announced a hub at the last poll that read a body: there may be a subscription.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hub: bool,
    /// What was read of it so far was cut short: what the next whole body brings is history still.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// What is wrong with it for now, by code; the history stands in `feed_findings`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
}

/// Something that was tried and may be tried again.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tried {
    /// When.
    pub at: Timestamp,
    /// How often in vain.
    #[serde(default)]
    pub failed: u32,
}

named_enum! {
    /// What says that a feed has moved.
    MoveSign {
        /// Redirects by 301 or 308.
        Redirect = "redirect",
        /// `itunes:new-feed-url`.
        NewFeedUrl = "new-feed-url",
        /// The document's own address (`rel=self`).
        SelfUrl = "self",
    }
}

/// A move that is not certain yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Moving {
    /// Where to.
    pub to: String,
    /// What says so.
    pub sign: MoveSign,
    /// Since when.
    pub since: Timestamp,
    /// At how many polls in a row.
    pub polls: u32,
    /// Whether that address gave a feed of the same identity.
    #[serde(default)]
    pub same: bool,
    /// Looked into, and not followed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}
