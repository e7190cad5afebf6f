//! `carewire.entries`: an entry as its feed had it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{EntryId, FeedId, OrganizationId};

/// An entry as its feed had it: new, changed or declared deleted.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EntryV1 {
    /// The entry; the record's key.
    pub entry: EntryId,
    /// The feed it came by.
    pub feed: FeedId,
    /// The organization whose feed that is.
    pub organization: OrganizationId,
    /// The feed's turn in which this was read: what is newer has the higher number.
    pub version: i64,
    /// How it came.
    pub via: Via,
    /// What happened to it.
    pub change: Change,
    /// Read at the feed's first poll or from its archive: history, not news.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub history: bool,
    /// When this revision was first seen.
    #[schemars(with = "crate::document::DateTime")]
    pub seen: Timestamp,
    /// Of a deletion: why, in words for readers, where it is not that its publisher declared it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the feed said. Empty for a deletion that names the entry only.
    pub content: Content,
}

/// How an entry came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A scheduled poll.
    Poll,
    /// A WebSub ping.
    Push,
    /// By hand: "poll now", or posted by form or API.
    Hand,
    /// A re-run over what the store keeps.
    Rerun,
}

/// What happened to an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Not seen before in this feed.
    New,
    /// Seen before, with other content.
    Changed,
    /// Declared deleted by its publisher (RFC 6721 `at:deleted-entry`, a removed video). Dropping out of the
    /// feed's window is no deletion.
    Deleted,
}

/// What a feed says of an entry. Markup is as the feed gave it and has not been cleaned.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Content {
    /// `guid` or `id`, as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    /// The address of the thing itself, absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// The summary or description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text>,
    /// The full content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Text>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<Person>,
    /// When it was published, as the feed says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::document::DateTime>")]
    pub published: Option<Timestamp>,
    /// When it was last changed, as the feed says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::document::DateTime>")]
    pub updated: Option<Timestamp>,
    /// When its content was last reviewed by somebody who knows, as the feed or the entry's page says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::document::DateTime>")]
    pub reviewed: Option<Timestamp>,
    /// When it is to be reviewed again, as the feed or the entry's page says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::document::DateTime>")]
    pub next_review: Option<Timestamp>,
    /// Who reviewed it (schema.org `reviewedBy`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviewed_by: Vec<Person>,
    /// The language that the entry declares, else its feed (BCP 47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Categories given by the publisher.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Images, audio, video, documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    /// Of a video: what its platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Video>,
    /// Address or name of the licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// The feed that it was taken from (`atom:source`, RSS `source`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

/// A text with its kind of markup.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Text {
    /// Markup or none.
    pub r#type: TextType,
    /// The text.
    pub value: String,
}

/// Markup or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TextType {
    /// Plain text: `<` is a less-than sign.
    Text,
    /// HTML.
    Html,
}

/// A person or body.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// The name.
    pub name: String,
    /// Their page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The kind of a media file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// A document.
    Document,
    /// Anything else.
    Other,
}

/// A media file that goes with an entry.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Media {
    /// Its address, absolute.
    pub url: String,
    /// Its kind.
    pub kind: MediaKind,
    /// Media type, such as `audio/mpeg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Duration in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// Size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// Title or text alternative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A preview picture of something else in the entry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub thumbnail: bool,
}

/// What a video platform says of a video.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Video {
    /// The platform: `youtube`.
    pub site: String,
    /// The video's id there.
    pub id: String,
    /// The channel's id there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Address of a preview picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<String>,
    /// Duration in seconds; none when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// Whether there are captions; none when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions: Option<bool>,
    /// That it is broadcast now, or will be; none for a film, and when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Broadcast>,
}

/// Where a broadcast stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Broadcast {
    /// It is going on.
    Live,
    /// It is announced.
    Upcoming,
}

/// A feed that an entry was taken from.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SourceRef {
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
