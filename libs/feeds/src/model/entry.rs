//! One entry of a feed.

use super::{Category, Itunes, Link, Media, Person, Source, Text, Transcript, Video};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One entry.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// guid or id as given.
    pub id: Option<String>,
    /// Whether `id` is also the entry's address (RSS `isPermaLink`).
    pub id_is_permalink: bool,
    /// Title.
    pub title: Option<Text>,
    /// Address, absolute where a base was known.
    pub url: Option<String>,
    /// All links.
    pub links: Vec<Link>,
    /// First publication.
    pub published: Option<Timestamp>,
    /// Last change.
    pub updated: Option<Timestamp>,
    /// Creation (`dcterms:created`, Atom 0.3).
    pub created: Option<Timestamp>,
    /// When it ceases to hold (`expirationDate`, `dcterms:valid`).
    pub expires: Option<Timestamp>,
    /// From when on it holds (`dcterms:valid`).
    pub valid_from: Option<Timestamp>,
    /// When its content was last reviewed (schema.org `lastReviewed`).
    pub reviewed: Option<Timestamp>,
    /// When it is to be reviewed again.
    pub next_review: Option<Timestamp>,
    /// Authors.
    pub authors: Vec<Person>,
    /// Contributors.
    pub contributors: Vec<Person>,
    /// `dc:publisher`.
    pub publisher: Option<Person>,
    /// Summary, excerpt or description.
    pub summary: Option<Text>,
    /// Full content.
    pub content: Option<Text>,
    /// Address of content that stands elsewhere (RFC 4287, 4.1.3.2).
    pub content_src: Option<String>,
    /// Language, a BCP 47 tag as given.
    pub language: Option<String>,
    /// Categories.
    pub categories: Vec<Category>,
    /// Enclosures, Media RSS objects, pictures.
    pub media: Vec<Media>,
    /// The video that this entry is.
    pub video: Option<Video>,
    /// Address of a licence.
    pub licence: Option<String>,
    /// Rights in words.
    pub rights: Option<Text>,
    /// Where it was taken from.
    pub source: Option<Source>,
    /// Page of comments.
    pub comments_url: Option<String>,
    /// Feed of comments (`wfw:commentRss`, `rel=replies`).
    pub comments_feed: Option<String>,
    /// Number of comments (`slash:comments`, `thr:total`).
    pub comments_count: Option<u32>,
    /// What it answers (RFC 4685).
    pub in_reply_to: Vec<String>,
    /// What iTunes' tags say.
    pub itunes: Itunes,
    /// Transcripts.
    pub transcripts: Vec<Transcript>,
    /// Position, latitude and longitude in degrees (georss, W3C geo).
    pub location: Option<(f64, f64)>,
    /// Dates as written, by the name of their element.
    pub raw_dates: Vec<(String, String)>,
}
