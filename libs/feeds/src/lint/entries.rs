//! The entries, one by one, and between two readings.

use super::Findings;
use crate::{Entry, MediaKind, Text, TextKind, html};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;

/// A clock that is ahead by less is only a clock.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);
/// A text of fewer characters without a full content beside it is an excerpt.
const EXCERPT: usize = 600;
/// From so many entries on equal dates say something.
const SEVERAL: usize = 3;

pub(super) fn check(found: &mut Findings, entries: &[Entry], now: Timestamp) {
    let dated = entries.iter().any(|e| date(e).is_some());
    let mut excerpts = 0;
    let mut with_text = 0;
    for (i, e) in entries.iter().enumerate() {
        let place = || place(i, e);
        if e.title.is_none() {
            found.at("title-missing", place, || "no title".into());
        }
        match &e.url {
            None if e.video.is_none() => found.at("link-missing", place, || "no link".into()),
            Some(url) if url.starts_with("http://") => found.at("link-not-https", place, || url.clone()),
            _ => {}
        }
        match date(e) {
            // A feed without any date is a finding of its own.
            None if dated => found.at("date-missing", place, || "no date".into()),
            Some(date) if date > now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX) => {
                found.at("date-in-future", place, || date.to_string());
            }
            _ => {}
        }
        let is_media =
            e.video.is_some() || e.media.iter().any(|m| matches!(m.kind, MediaKind::Audio | MediaKind::Video));
        match text(e) {
            None if !is_media => found.at("no-text", place, || "neither summary nor content".into()),
            None => {}
            Some(text) => {
                with_text += usize::from(!is_media);
                excerpts += usize::from(!is_media && is_excerpt(e, text));
                markup(found, text, i, e);
            }
        }
        for media in e.media.iter().filter(|m| m.is_enclosure) {
            if media.mime.is_none() || media.length_bytes.is_none() {
                let lacks = if media.mime.is_none() { "no type" } else { "no length" };
                found.at("enclosure-incomplete", place, || lacks.into());
            }
        }
        let spoken = e.media.iter().any(|m| m.is_enclosure && m.kind == MediaKind::Audio);
        if spoken && e.transcripts.is_empty() {
            found.at("transcript-missing", place, || "sound without a transcript".into());
        }
        if e.next_review.is_some_and(|next| next < now) {
            found.at("review-overdue", place, || e.next_review.map(|n| n.to_string()).unwrap_or_default());
        }
        if e.expires.is_some_and(|end| end < now) {
            found.at("entry-expired", place, || e.expires.map(|n| n.to_string()).unwrap_or_default());
        }
    }
    if excerpts * 2 > with_text {
        found.add("excerpt-only", format!("{excerpts} of {with_text} entries have a short text only"));
    }
    let first = entries.first().and_then(date);
    if entries.len() >= SEVERAL && first.is_some() && entries.iter().all(|e| date(e) == first) {
        found.add(
            "dates-equal",
            format!("all {} entries are dated {}", entries.len(), first.map(|d| d.to_string()).unwrap_or_default()),
        );
    }
}

/// `entry 3 “Living with …”`.
fn place(i: usize, e: &Entry) -> String {
    let name = e.title.as_ref().map(|t| t.value.as_str()).or(e.url.as_deref()).or(e.id.as_deref()).unwrap_or_default();
    let short: String = name.chars().take(60).collect();
    let more = if short.len() < name.len() { "…" } else { "" };
    if short.is_empty() { format!("entry {}", i + 1) } else { format!("entry {} “{}{more}”", i + 1, short.trim()) }
}

fn date(e: &Entry) -> Option<Timestamp> {
    e.published.or(e.updated)
}

fn text(e: &Entry) -> Option<&Text> {
    e.content.as_ref().or(e.summary.as_ref())
}

/// What marks the end of a text that goes on elsewhere.
const CUT: [&str; 11] = [
    "…",
    "[…]",
    "[...]",
    "read more",
    "continue reading",
    "weiterlesen",
    "mehr lesen",
    "leer más",
    "seguir leyendo",
    "lire la suite",
    "leggi tutto",
];

fn is_excerpt(e: &Entry, text: &Text) -> bool {
    let end = &text.value[text.value.ceil_char_boundary(text.value.len().saturating_sub(400))..];
    let end = html::plain(end).to_lowercase();
    let end = end.trim_end_matches([' ', '»', '>', '→']);
    let dots = end.ends_with("...") || CUT.iter().any(|mark| end.trim_end_matches('.').ends_with(mark));
    dots || (e.content.is_none() && plain_len(text) < EXCERPT)
}

/// Characters of a text without its tags.
fn plain_len(text: &Text) -> usize {
    match text.kind {
        TextKind::Plain => text.value.chars().count(),
        _ => html::plain(&text.value).chars().count(),
    }
}

/// Pictures without a text alternative, scripts, tracking pixels.
fn markup(found: &mut Findings, text: &Text, i: usize, e: &Entry) {
    if text.kind == TextKind::Plain {
        return;
    }
    let (value, bytes) = (text.value.as_str(), text.value.as_bytes());
    for at in memchr::memchr_iter(b'<', bytes) {
        let name = |n: &[u8]| {
            bytes.get(at + 1..at + 1 + n.len()).is_some_and(|b| b.eq_ignore_ascii_case(n))
                && bytes.get(at + 1 + n.len()).is_none_or(|b| !b.is_ascii_alphanumeric())
        };
        match bytes.get(at + 1).map(u8::to_ascii_lowercase) {
            Some(b'i') if name(b"img") => {
                let end = memchr::memchr(b'>', &bytes[at..]).map_or(bytes.len(), |n| at + n);
                let tag = &value[at..end];
                let has = |n: &str| html::attribute_value(tag, n);
                let (width, height) = (has("width"), has("height"));
                if matches!((width.as_deref(), height.as_deref()), (Some("0" | "1"), _) | (_, Some("0" | "1"))) {
                    found.at(
                        "tracking-pixel",
                        || place(i, e),
                        || has("src").unwrap_or_default().chars().take(200).collect(),
                    );
                } else if has("alt").is_none() {
                    found.at(
                        "image-without-alternative",
                        || place(i, e),
                        || has("src").unwrap_or_default().chars().take(200).collect(),
                    );
                }
            }
            Some(b's') if name(b"script") => found.at("script-in-text", || place(i, e), || "script".into()),
            Some(b'i') if name(b"iframe") => found.at("frame-in-text", || place(i, e), || "iframe".into()),
            _ => {}
        }
    }
}

pub(super) fn compare(found: &mut Findings, before: &[Entry], after: &[Entry]) {
    // The link is what stays when ids do not; one that several entries share says nothing.
    let mut by_link: HashMap<String, Option<&Entry>> = HashMap::new();
    for e in before {
        if let Some(link) = e.url.as_deref().and_then(crate::canonical_url) {
            by_link.entry(link).and_modify(|old| *old = None).or_insert(Some(e));
        }
    }
    for (i, e) in after.iter().enumerate() {
        let link = e.url.as_deref().and_then(crate::canonical_url);
        let Some(old) = link.and_then(|link| by_link.get(&link).copied().flatten()) else { continue };
        if let (Some(was), Some(is)) = (&old.id, &e.id)
            && was != is
        {
            found.at("id-changes", || place(i, e), || format!("{was:?} became {is:?}"));
        }
        if let (Some(was), Some(is)) = (old.published, e.published)
            && was != is
        {
            found.at("date-changes", || place(i, e), || format!("{was} became {is}"));
        }
    }
}
