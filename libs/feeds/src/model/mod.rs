//! What a feed says, as values: the one shape that every format is read into.
//!
//! All text keeps the markup its feed declared ([`Text::kind`]); entities are decoded once. All addresses are absolute
//! where a base was known. All times are instants in UTC.

mod entry;
mod feed;

pub use entry::{Entry, MADE_TITLE};
pub use feed::Feed;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The format of a document, as precisely as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// RSS 0.90 (Netscape, RDF).
    Rss090,
    /// RSS 0.91.
    Rss091,
    /// RSS 0.92 (0.93 and 0.94 too, which nobody tells apart).
    Rss092,
    /// RSS 1.0 (RDF).
    Rss10,
    /// RSS 2.0, and RSS of no or an unknown version.
    Rss20,
    /// Atom 0.3.
    Atom03,
    /// Atom 1.0 (RFC 4287).
    Atom10,
    /// JSON Feed 1.0.
    JsonFeed10,
    /// JSON Feed 1.1.
    JsonFeed11,
    /// Channel Definition Format (W3C note of 1997).
    Cdf,
    /// A web page, which may advertise feeds ([`crate::discover::links`]).
    Html,
    /// None of these.
    Unknown,
}

impl Format {
    /// Whether a document of this format is a feed at all.
    pub fn is_feed(self) -> bool {
        !matches!(self, Format::Html | Format::Unknown)
    }

    /// The usual name, such as `RSS 2.0`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Rss090 => "RSS 0.90",
            Format::Rss091 => "RSS 0.91",
            Format::Rss092 => "RSS 0.92",
            Format::Rss10 => "RSS 1.0",
            Format::Rss20 => "RSS 2.0",
            Format::Atom03 => "Atom 0.3",
            Format::Atom10 => "Atom 1.0",
            Format::JsonFeed10 => "JSON Feed 1.0",
            Format::JsonFeed11 => "JSON Feed 1.1",
            Format::Cdf => "CDF",
            Format::Html => "HTML",
            Format::Unknown => "unknown",
        }
    }
}

/// Everything that was found in one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parsed {
    /// The document's format.
    pub format: Format,
    /// The encoding the bytes were read in, as a lower-case label of the WHATWG Encoding Standard (plus `us-ascii`,
    /// `iso-8859-1`, `utf-32be` and `utf-32le`, which name what was declared).
    #[serde(skip_deserializing, default = "utf8")]
    pub encoding: &'static str,
    /// What the document says of itself.
    pub feed: Feed,
    /// The entries in document order.
    pub entries: Vec<Entry>,
    /// Entries that the feed declares deleted (RFC 6721).
    pub deleted: Vec<DeletedEntry>,
    /// Whatever was wrong, or was repaired.
    pub problems: Vec<Problem>,
}

fn utf8() -> &'static str {
    "utf-8"
}

/// How a [`Text`] is to be read (RFC 4287, 3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextKind {
    /// Text without markup: `<` is a character.
    #[default]
    Plain,
    /// HTML as one would put it into a page's body. Not sanitised.
    Html,
    /// Well-formed XHTML, without the wrapping `div`. Not sanitised.
    Xhtml,
}

/// A text with the markup that its feed declared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Text {
    /// How `value` is to be read.
    pub kind: TextKind,
    /// The text, entities of the feed's own syntax decoded once.
    pub value: String,
    /// The media type as declared, where it was neither text, HTML nor XHTML by name (Atom 0.3, 1.0 `content`).
    pub mime: Option<String>,
    /// BCP 47 tag in force (`xml:lang`).
    pub language: Option<String>,
    /// Base address in force (`xml:base`, the feed's own address).
    pub base: Option<String>,
}

impl Text {
    /// A text without markup.
    #[must_use]
    pub fn plain(value: String) -> Text {
        Text { kind: TextKind::Plain, value, ..Text::default() }
    }
}

/// A link as the feed gives it (RFC 4287, 4.2.7).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Link {
    /// Absolute address; empty where the feed gave a link without one, which is kept only to be told of.
    pub href: String,
    /// Relation; `alternate` where none was given.
    pub rel: Option<String>,
    /// Media type.
    #[serde(rename = "type")]
    pub mime: Option<String>,
    /// Language of the target.
    pub hreflang: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Length in bytes.
    pub length: Option<u64>,
}

/// A person or organization.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// Name.
    pub name: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// Page of the person.
    pub url: Option<String>,
    /// Picture (JSON Feed).
    pub avatar: Option<String>,
}

impl Person {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.name.is_none() && self.email.is_none() && self.url.is_none() && self.avatar.is_none()
    }
}

/// A category, tag or subject.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Category {
    /// The term.
    pub term: String,
    /// The scheme it belongs to (RSS `domain`).
    pub scheme: Option<String>,
    /// The label for people.
    pub label: Option<String>,
}

/// What kind of thing a [`Media`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A film.
    Video,
    /// A document such as a PDF.
    Document,
    /// Anything else, or unknown.
    #[default]
    Other,
}

/// An enclosure, attachment, Media RSS object or picture.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Media {
    /// Absolute address.
    pub url: String,
    /// Media type.
    pub mime: Option<String>,
    /// Kind, by medium, media type or file name.
    pub kind: MediaKind,
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
    /// Duration in seconds.
    pub duration_s: Option<f64>,
    /// Length in bytes.
    pub length_bytes: Option<u64>,
    /// Title.
    pub title: Option<String>,
    /// Description or text alternative.
    pub description: Option<String>,
    /// Whether it only stands for something else (`media:thumbnail`).
    pub is_thumbnail: bool,
    /// Language.
    pub language: Option<String>,
    /// Whether it came as an RSS enclosure or an Atom link of that relation.
    pub is_enclosure: bool,
}

/// A video on a platform that is known by name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Video {
    /// The platform; `youtube` is the only one so far.
    pub site: String,
    /// The platform's id of the video.
    pub id: String,
    /// The platform's id of the channel.
    pub channel_id: Option<String>,
    /// Picture that stands for it.
    pub thumbnail: Option<String>,
    /// Plain description.
    pub description: Option<String>,
    /// Duration in seconds; unknown in YouTube's own feeds.
    pub duration_s: Option<f64>,
}

/// The feed an entry was taken from (RFC 4287, 4.2.11; RSS `source`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// Title.
    pub title: Option<Text>,
    /// Subtitle.
    pub subtitle: Option<Text>,
    /// Address: of the feed in RSS, of the site in Atom.
    pub url: Option<String>,
    /// Id.
    pub id: Option<String>,
    /// All links.
    pub links: Vec<Link>,
    /// Authors.
    pub authors: Vec<Person>,
    /// Contributors.
    pub contributors: Vec<Person>,
    /// Categories.
    pub categories: Vec<Category>,
    /// Last change.
    pub updated: Option<Timestamp>,
    /// Rights.
    pub rights: Option<Text>,
    /// Icon.
    pub icon: Option<String>,
    /// Logo.
    pub logo: Option<String>,
    /// Program that made it.
    pub generator: Option<Generator>,
}

/// The program that made a feed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Generator {
    /// Name.
    pub name: String,
    /// Address.
    pub url: Option<String>,
    /// Version.
    pub version: Option<String>,
}

/// A picture with its frame (RSS `image`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Image {
    /// Address of the picture.
    pub url: Option<String>,
    /// Title or text alternative.
    pub title: Option<String>,
    /// Page it leads to.
    pub link: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
}

/// RSS `textInput`, kept because checks of a feed name it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TextInput {
    /// Label of the button.
    pub title: Option<String>,
    /// Explanation.
    pub description: Option<String>,
    /// Name of the field.
    pub name: Option<String>,
    /// Address of the script.
    pub link: Option<String>,
}

/// RSS `cloud`: the publish-subscribe interface before WebSub.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cloud {
    /// Host.
    pub domain: Option<String>,
    /// Port as given.
    pub port: Option<String>,
    /// Path.
    pub path: Option<String>,
    /// Procedure to call.
    pub register_procedure: Option<String>,
    /// Protocol.
    pub protocol: Option<String>,
}

/// A transcript of an episode (`podcast:transcript`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Transcript {
    /// Absolute address.
    pub url: String,
    /// Media type.
    pub mime: Option<String>,
    /// Language.
    pub language: Option<String>,
    /// Relation, such as `captions`.
    pub rel: Option<String>,
}

/// What iTunes' tags say of an episode or a channel.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Itunes {
    /// `itunes:subtitle`.
    pub subtitle: Option<String>,
    /// `itunes:summary`.
    pub summary: Option<String>,
    /// `itunes:duration` in seconds.
    pub duration_s: Option<f64>,
    /// `itunes:episode`.
    pub episode: Option<u32>,
    /// `itunes:season`.
    pub season: Option<u32>,
    /// `itunes:episodeType`, `itunes:type`.
    pub kind: Option<String>,
    /// `itunes:explicit`: yes, or said to be clean.
    pub explicit: Option<bool>,
    /// `itunes:block`.
    pub block: Option<bool>,
    /// `itunes:image`.
    pub image: Option<String>,
    /// `itunes:keywords`, separated.
    pub keywords: Vec<String>,
    /// `itunes:owner`.
    pub owner: Option<Person>,
}

impl Itunes {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        *self == Itunes::default()
    }
}

/// A declared deletion (RFC 6721).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeletedEntry {
    /// Id of the entry that is gone.
    #[serde(rename = "ref")]
    pub ref_: String,
    /// When it went.
    pub when: Option<Timestamp>,
    /// Who removed it.
    pub by: Option<Person>,
    /// Why.
    pub comment: Option<String>,
    /// Address it had.
    pub url: Option<String>,
}

/// Something wrong with a feed, or something that was repaired. The codes are listed at [`crate::parse`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What, in kebab-case.
    #[serde(skip_deserializing)]
    pub code: &'static str,
    /// What, in words.
    pub message: String,
    /// Where: `line 12`, `entry 3, pubDate`.
    #[serde(rename = "where")]
    pub where_: String,
}
