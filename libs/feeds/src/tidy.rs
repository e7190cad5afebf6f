//! What is done to the whole text before reading, and what is looked at in the whole result after it.

use crate::problems::{Problems, line_of};
use crate::{Context, Format, Parsed, Problem, html};
use rustc_hash::FxHashSet;
use std::borrow::Cow;
use url::Url;

/// Removes characters that XML 1.0 forbids (2.2) and makes line ends single (2.11).
pub(crate) fn clean<'t>(text: Cow<'t, str>, mut problems: Vec<Problem>) -> (Cow<'t, str>, Vec<Problem>) {
    let bytes = text.as_bytes();
    // one pass that vectorises: forbidden controls are told from the common case by a count
    let controls = bytes.iter().filter(|b| **b < 0x20).count();
    if controls == 0 {
        return (text, problems);
    }
    let allowed = bytes.iter().filter(|b| matches!(**b, b'\n' | b'\t')).count();
    if allowed == controls {
        return (text, problems);
    }
    let forbidden = bytes.iter().position(|b| *b < 0x20 && !matches!(*b, b'\n' | b'\t' | b'\r'));
    if let Some(at) = forbidden {
        let where_ = line_of(&text, at);
        problems.push(Problem { code: "control-character", message: "control characters, left out".into(), where_ });
    }
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (i, b) in bytes.iter().enumerate() {
        if *b >= 0x20 || matches!(*b, b'\n' | b'\t') {
            continue;
        }
        out.push_str(&text[copied..i]);
        copied = i + 1;
        if *b == b'\r' && bytes.get(i + 1) != Some(&b'\n') {
            out.push('\n');
        }
    }
    out.push_str(&text[copied..]);
    (Cow::Owned(out), problems)
}

/// Takes back UTF-8 that was read as windows-1252 and encoded again (`â€™` for `’`); None where there is none. Only whole
/// sequences are taken back, so a text that merely holds one of these letters stays.
pub(crate) fn undo_double_encoding(text: &str) -> Option<String> {
    let b = text.as_bytes();
    // Â, Ã, â: what the lead bytes of Latin, Greek, punctuation look like
    let suspect = |i: &usize| matches!(b.get(i + 1), Some(0x82 | 0x83 | 0xA2));
    memchr::memchr_iter(0xC3, b).find(suspect)?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(c) = rest.chars().next() {
        let len = match c {
            'Â' | 'Ã' => 2,
            'â' => 3,
            _ => 0,
        };
        let mut bytes = [0u8; 3];
        let mut chars = rest.chars();
        let whole = len > 0
            && (0..len).all(|i| chars.next().and_then(windows_1252_byte).map(|x| bytes[i] = x).is_some())
            && !(len == 2 && matches!(bytes[1], 0xAB | 0xBB));
        if whole && let Ok(s) = std::str::from_utf8(&bytes[..len]) {
            out.push_str(s);
            rest = chars.as_str();
            changed = true;
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    changed.then_some(out)
}

/// The byte that a character above U+007F is in windows-1252, or was as a control.
fn windows_1252_byte(c: char) -> Option<u8> {
    match u32::from(c) {
        n @ 0x80..=0xFF => Some(n as u8),
        _ => (0x80..=0x9F).find(|b| {
            let (s, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(std::slice::from_ref(b));
            s.starts_with(c)
        }),
    }
}

/// Looks at the result as a whole.
pub(crate) fn check(parsed: &mut Parsed, start: &str, ctx: &Context<'_>) {
    let mut problems = Problems::default();
    if parsed.format == Format::Unknown && html_page(start) {
        parsed.format = Format::Html;
    }
    match parsed.format {
        Format::Html if start.contains("<opml") => {}
        Format::Html => problems.found("html", "a web page, not a feed".into(), "document".into()),
        Format::Unknown if start.is_empty() => problems.found("empty", "there is nothing".into(), "document".into()),
        Format::Unknown if parsed.problems.iter().all(|p| !matches!(p.code, "not-a-feed" | "bad-json")) => {
            problems.found("not-a-feed", "neither RSS, Atom nor JSON Feed".into(), "document".into());
        }
        _ => {}
    }
    if parsed.format == Format::Html && start.contains("<opml") {
        parsed.format = Format::Unknown;
        problems.found("not-a-feed", "a list of subscriptions (OPML), not a feed".into(), "document".into());
    }
    let base = match ctx.url {
        Some(_) => None,
        None => parsed.feed.url.as_deref().and_then(|u| Url::parse(u).ok()),
    };
    let mut seen = FxHashSet::default();
    let feed_language = parsed.feed.language.clone();
    for (i, e) in parsed.entries.iter_mut().enumerate() {
        let place = || format!("entry {}", i + 1);
        if e.language.is_none() {
            e.language.clone_from(&feed_language);
        }
        if let Some(url) = &mut e.url
            && !html::has_scheme(url)
        {
            // the feed's own address is unknown: the site's is the next best
            match &base {
                Some(_) => *url = html::absolute(url, base.as_ref()),
                None => problems.repair("relative-url", "an address that stays relative", place),
            }
        }
        match &e.id {
            Some(id) if !seen.insert(id.as_str()) => {
                problems.found("duplicate-id", format!("the id {id:?} was used before"), place());
            }
            Some(_) => {}
            None if !matches!(parsed.format, Format::JsonFeed10 | Format::JsonFeed11) => {
                problems.repair("entry-without-id", "an entry without guid or id", place);
            }
            None => {}
        }
    }
    if !parsed.entries.is_empty() && parsed.entries.iter().all(|e| e.published.is_none() && e.updated.is_none()) {
        problems.found("entry-without-date", "no entry has a date".into(), "feed".into());
    }
    parsed.problems.append(&mut problems.into_vec());
}

/// Whether a document that is no feed is a web page.
fn html_page(start: &str) -> bool {
    let mut end = start.len().min(2048);
    while !start.is_char_boundary(end) {
        end -= 1;
    }
    let head = start[..end].to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.contains("<html") || head.contains("<head") || head.contains("<body")
}
