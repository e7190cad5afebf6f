//! The feed itself.

use super::{Category, Cloud, Generator, Image, Itunes, Link, Media, Person, Text, TextInput};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a feed says of itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Feed {
    /// `atom:id`, `rdf:about`.
    pub id: Option<String>,
    /// Title.
    pub title: Option<Text>,
    /// Subtitle or description.
    pub subtitle: Option<Text>,
    /// Long description where there is one beside the subtitle (Atom 0.3 `info`).
    pub info: Option<Text>,
    /// Address of the site.
    pub url: Option<String>,
    /// Address the feed gives for itself (`rel=self`, `feed_url`).
    pub self_url: Option<String>,
    /// WebSub hubs.
    pub hubs: Vec<String>,
    /// All links.
    pub links: Vec<Link>,
    /// Next page of a paged feed (RFC 5005, 3), JSON Feed's `next_url`.
    pub next_url: Option<String>,
    /// Previous page of a paged feed (RFC 5005, 3).
    pub previous_url: Option<String>,
    /// Archive before this document (RFC 5005, 4).
    pub prev_archive: Option<String>,
    /// Archive after this document (RFC 5005, 4).
    pub next_archive: Option<String>,
    /// The current document, from an archive (RFC 5005, 4).
    pub current_url: Option<String>,
    /// `fh:complete`: what is not in here does not exist (RFC 5005, 2).
    pub complete: bool,
    /// `fh:archive` (RFC 5005, 4).
    pub archive: bool,
    /// `itunes:new-feed-url`.
    pub new_feed_url: Option<String>,
    /// Language, a BCP 47 tag as given.
    pub language: Option<String>,
    /// Last change.
    pub updated: Option<Timestamp>,
    /// Publication.
    pub published: Option<Timestamp>,
    /// Authors.
    pub authors: Vec<Person>,
    /// Contributors.
    pub contributors: Vec<Person>,
    /// `dc:publisher`, RSS `webMaster`.
    pub publisher: Option<Person>,
    /// Small square picture.
    pub icon: Option<String>,
    /// Picture of the feed.
    pub image: Option<Image>,
    /// RSS `textInput`.
    pub text_input: Option<TextInput>,
    /// RSS `cloud`.
    pub cloud: Option<Cloud>,
    /// Program that made it.
    pub generator: Option<Generator>,
    /// Address of a licence.
    pub licence: Option<String>,
    /// Rights in words.
    pub rights: Option<Text>,
    /// Minutes for which the feed may be kept (RSS `ttl`).
    pub ttl_minutes: Option<u32>,
    /// Hours in UTC (0–23) in which the feed asks not to be read.
    pub skip_hours: Vec<u8>,
    /// Days in English on which the feed asks not to be read.
    pub skip_days: Vec<String>,
    /// `sy:updatePeriod`: hourly, daily, weekly, monthly, yearly.
    pub update_period: Option<String>,
    /// `sy:updateFrequency`: times in a period.
    pub update_frequency: Option<u32>,
    /// `podcast:guid`.
    pub podcast_guid: Option<String>,
    /// `podcast:txt purpose="verify"`: the tokens given.
    pub verify_tokens: Vec<String>,
    /// Every `podcast:txt`: its purpose, where it has one, and its text.
    pub podcast_txt: Vec<(Option<String>, String)>,
    /// `podcast:locked`.
    pub podcast_locked: Option<bool>,
    /// YouTube's id of the channel.
    pub youtube_channel_id: Option<String>,
    /// YouTube's id of the playlist.
    pub youtube_playlist_id: Option<String>,
    /// Categories.
    pub categories: Vec<Category>,
    /// RSS `docs`.
    pub docs: Option<String>,
    /// RSS `rating`.
    pub rating: Option<String>,
    /// JSON Feed's `expired`: there will be nothing new.
    pub expired: bool,
    /// What iTunes' tags say.
    pub itunes: Itunes,
    /// Errors page (`admin:errorReportsTo`).
    pub error_reports_to: Option<String>,
    /// Pictures and the like of the feed itself.
    pub media: Vec<Media>,
}
