//! One entry of a feed.

use super::{Category, Itunes, Link, Media, Person, Source, Text, Transcript, Video};
use crate::reviewed::Reviewed;
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
    /// Who reviewed it (schema.org `reviewedBy`); among the contributors as well.
    pub reviewed_by: Vec<Person>,
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

impl Entry {
    /// The text: the content, else the summary, else what the film is described by.
    fn body(&self) -> Option<&str> {
        let text = self.content.as_ref().or(self.summary.as_ref()).map(|t| t.value.as_str());
        text.or_else(|| self.video.as_ref()?.description.as_deref())
    }

    /// When the content was reviewed and is to be reviewed next: as the feed states it, else as the text says it
    /// ([`crate::reviewed::in_text`]). Looks through the text, so it is not done for every entry of every reading.
    #[must_use]
    pub fn review(&self) -> Reviewed {
        let stated = Reviewed { last: self.reviewed, next: self.next_review };
        if stated.last.is_some() && stated.next.is_some() {
            return stated;
        }
        let written = self.body().map(crate::reviewed::in_text).unwrap_or_default();
        Reviewed { last: stated.last.or(written.last), next: stated.next.or(written.next) }
    }

    /// The title as plain text, and whether it was made ([`Entry::made_title`]); none where there is nothing to make it of.
    #[must_use]
    pub fn shown_title(&self) -> Option<(String, bool)> {
        let Some(title) = &self.title else { return self.made_title().map(|made| (made, true)) };
        let plain = match title.kind {
            super::TextKind::Plain => title.value.clone(),
            _ => crate::html::plain(&title.value),
        };
        Some((plain.split_whitespace().collect::<Vec<_>>().join(" "), false))
    }

    /// A title for an entry that has none, as short posts have (Mastodon, Bluesky): the first sentence of its text, at most
    /// [`MADE_TITLE`] characters. None for an entry with a title, and where there is no text. Whoever shows it says that it was made.
    #[must_use]
    pub fn made_title(&self) -> Option<String> {
        if self.title.is_some() {
            return None;
        }
        let text = self.content.as_ref().or(self.summary.as_ref())?;
        let plain = match text.kind {
            super::TextKind::Plain => text.value.trim().to_owned(),
            _ => crate::html::plain(&text.value),
        };
        first_sentence(&plain)
    }
}

/// Longest made title, in characters.
pub const MADE_TITLE: usize = 120;

fn first_sentence(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let ends = line.match_indices(['.', '!', '?', '。', '！', '？']).map(|(at, mark)| at + mark.len());
    // "Dr. Smith", "2.5 mg": a sentence of fewer than 20 characters is none, nor one without a blank after it, but in scripts
    // that write none.
    let is_end = |end: &usize| {
        *end >= 20
            && (line[*end..].is_empty() || line[*end..].starts_with(' ') || line[..*end].ends_with(['。', '！', '？']))
    };
    let sentence = line[..ends.into_iter().find(is_end).unwrap_or(line.len())].trim_end_matches('.');
    if sentence.chars().count() <= MADE_TITLE {
        return Some(sentence.to_owned()).filter(|s| !s.is_empty());
    }
    let cut: String = sentence.chars().take(MADE_TITLE - 1).collect();
    // Between words, where there are any near the end.
    let at = cut.rfind(' ').filter(|at| *at * 2 > cut.len()).unwrap_or(cut.len());
    Some(format!("{}…", cut[..at].trim_end()))
}
