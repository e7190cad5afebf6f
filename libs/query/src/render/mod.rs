//! Feeds of items: Atom 1.0 (RFC 4287), RSS 2.0 and JSON Feed 1.1. Pure: from values to bytes.
//!
//! Common to all: ids are `urn:uuid:` of the item and never change; what stands in an element is escaped and cleaned
//! of characters that XML 1.0 forbids ([`xml`]); conditions are categories that carry code, system and name; addresses
//! that are no `http(s)` address are left out rather than handed on.

pub mod atom;
pub mod json;
mod parts;
pub mod rss;
mod view;
pub mod xml;

use carewire_schemas::{CuratedV1, ItemId, MediaKind};
use jiff::Timestamp;
use uuid::Uuid;

pub use atom::atom;
pub use json::json;
pub(crate) use parts::title as shown_title;
pub use rss::rss;
pub use view::{VIEW_STYLE, view};

/// The format of a feed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    /// Atom 1.0.
    Atom,
    /// RSS 2.0.
    Rss,
    /// JSON Feed 1.1.
    Json,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Atom, Self::Rss, Self::Json];

    /// The ending of addresses.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Atom => "atom",
            Self::Rss => "rss",
            Self::Json => "json",
        }
    }

    /// The format of an address's ending.
    #[must_use]
    pub fn from_extension(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.extension() == text)
    }

    /// As people say it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Atom => "Atom",
            Self::Rss => "RSS",
            Self::Json => "JSON Feed",
        }
    }

    /// The media type, with charset.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Rss => "application/rss+xml; charset=utf-8",
            Self::Json => "application/feed+json; charset=utf-8",
        }
    }
}

/// What a feed says of itself.
#[derive(Clone, Debug)]
pub struct FeedMeta {
    /// Its id, the same in all formats and for ever: `urn:uuid:…`.
    pub id: String,
    /// Plain title.
    pub title: String,
    /// Plain description.
    pub description: String,
    /// The address of its picture.
    pub picture: Option<String>,
    /// Whether it holds sound only, so that it is a podcast (RSS says so for players).
    pub podcast: bool,
    /// The network's address, for links to pages: `https://host/`, with the slash.
    pub base: String,
    /// Its own canonical address.
    pub self_url: String,
    /// The page that shows the same.
    pub page_url: String,
    /// The same feed in other formats: format and address.
    pub alternates: Vec<(Format, String)>,
    /// The language of title and description, and of items without one (BCP 47).
    pub language: String,
    /// When anything in it last changed, removals included.
    pub updated: Timestamp,
    /// A WebSub hub.
    pub hub: Option<String>,
    /// Its place among pages.
    pub paging: Paging,
    /// Items withdrawn lately that the feed may have held, newest first (Atom only: RFC 6721).
    pub deleted: Vec<Deleted>,
}

/// The links of a feed in parts (RFC 5005).
#[derive(Clone, Default, Debug)]
pub struct Paging {
    /// Whether this is an archive: it does not change, save for corrections (§4, `fh:archive`).
    pub archive: bool,
    /// The feed that an archive belongs to (`rel=current`).
    pub current: Option<String>,
    /// The archive before this (§4).
    pub prev_archive: Option<String>,
    /// The first page of a paged feed (§3).
    pub first: Option<String>,
    /// The next page of a paged feed, with older or less relevant items (§3).
    pub next: Option<String>,
    /// The page before in a paged feed (§3).
    pub previous: Option<String>,
}

/// An item of a feed.
#[derive(Clone, Debug)]
pub struct FeedItem {
    /// Its public form; one that is withdrawn has no place in a feed.
    pub value: CuratedV1,
}

/// An item that left the network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deleted {
    /// The item.
    pub id: ItemId,
    /// When.
    pub at: Timestamp,
    /// Why, where it is known.
    pub reason: Option<String>,
}

/// The feed in `format`.
#[must_use]
pub fn render(format: Format, meta: &FeedMeta, items: &[FeedItem]) -> Vec<u8> {
    match format {
        Format::Atom => atom(meta, items),
        Format::Rss => rss(meta, items),
        Format::Json => json(meta, items),
    }
}

/// The id of a feed: derived (UUID version 5, RFC 9562 §5.5) from its canonical address as Atom, so that all formats share it.
#[must_use]
pub fn feed_id(atom_url: &str) -> String {
    format!("urn:uuid:{}", Uuid::new_v5(&Uuid::NAMESPACE_URL, atom_url.as_bytes()))
}

/// What a kind of media means for feeds.
trait Attached {
    /// Whether it is something to load beside the text: sound, video, a document.
    fn is_attached(&self) -> bool;
    /// Whether it is a picture.
    fn is_image(&self) -> bool;
}

impl Attached for MediaKind {
    fn is_attached(&self) -> bool {
        matches!(self, Self::Audio | Self::Video | Self::Document)
    }
    fn is_image(&self) -> bool {
        matches!(self, Self::Image)
    }
}

/// The system that a condition's code belongs to, as an address that names it, and the code within it.
#[must_use]
pub fn scheme(code: &str) -> (&'static str, &str) {
    match code.split_once(':') {
        Some(("doid", rest)) => ("https://purl.obolibrary.org/obo/doid", rest),
        Some(("mondo", rest)) => ("https://purl.obolibrary.org/obo/mondo", rest),
        _ => ("https://id.nlm.nih.gov/mesh", code),
    }
}

/// The address, if it is one that a reader may follow: `http(s)`, without spaces, quotes, brackets and controls.
#[must_use]
pub fn web_address(url: &str) -> Option<&str> {
    let head = url.get(..8)?;
    let scheme =
        head.get(..7).is_some_and(|s| s.eq_ignore_ascii_case("http://")) || head.eq_ignore_ascii_case("https://");
    let clean = |c: char| {
        !(c.is_whitespace()
            || c.is_control()
            || matches!(c, '<' | '>' | '"' | '\\' | '^' | '`' | '{' | '|' | '}' | '\u{fffe}' | '\u{ffff}'))
    };
    (scheme && url.chars().all(clean)).then_some(url)
}

#[cfg(test)]
mod tests;
