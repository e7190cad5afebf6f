//! What the feed says of itself.

use super::{Exchange, Findings};
use crate::{Format, Parsed, canonical_url};

/// Waiting longer than this between two readings makes news old, in minutes.
const LONG_WAIT_MIN: u32 = 24 * 60;

pub(super) fn check(found: &mut Findings, parsed: &Parsed, exchange: Option<&Exchange>) {
    let f = &parsed.feed;
    let format = parsed.format;
    if matches!(format, Format::Rss090 | Format::Rss091 | Format::Rss092 | Format::Atom03 | Format::Cdf) {
        found.add("old-format", format.name());
    }
    if !matches!(parsed.encoding, "utf-8" | "us-ascii") {
        found.add("not-utf8", parsed.encoding);
    }
    if parsed.entries.is_empty() {
        found.add("no-entries", "0 entries");
    }
    if f.title.is_none() {
        found.add("feed-without-title", "no title");
    }
    if f.url.is_none() {
        found.add("feed-without-site", "no link to the site");
    }
    if f.id.is_none() && matches!(format, Format::Atom03 | Format::Atom10) {
        found.add("feed-without-id", "no id");
    }
    language(found, parsed);
    if f.licence.is_none()
        && f.rights.is_none()
        && parsed.entries.iter().all(|e| e.licence.is_none() && e.rights.is_none())
    {
        found.add("licence-missing", "neither licence nor rights");
    }
    if let Some(new) = &f.new_feed_url
        && exchange.is_none_or(|x| !same(new, x.url.as_str()))
    {
        found.add("new-feed-url", new.as_str());
    }
    if f.expired {
        found.add("feed-ended", "expired");
    }
    waiting(found, parsed);
    pushing(found, parsed, exchange);
}

fn language(found: &mut Findings, parsed: &Parsed) {
    let given = parsed.feed.language.as_deref();
    match given {
        Some(tag) if !well_formed_language(tag) => found.add("language-invalid", format!("{tag:?}")),
        Some(_) => {}
        None if parsed.entries.iter().any(|e| e.language.is_none()) || parsed.entries.is_empty() => {
            found.add("language-missing", "no language");
        }
        None => {}
    }
}

/// The shape of a language tag (RFC 5646, 2.1): two or three letters, then parts of up to eight letters and digits.
fn well_formed_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let head = ((2..=3).contains(&first.len()) || first.eq_ignore_ascii_case("x") || first.eq_ignore_ascii_case("i"))
        && first.bytes().all(|b| b.is_ascii_alphabetic());
    head && parts.all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn waiting(found: &mut Findings, parsed: &Parsed) {
    let f = &parsed.feed;
    let period = match f.update_period.as_deref() {
        Some("daily") => 24 * 60,
        Some("weekly") => 7 * 24 * 60,
        Some("monthly") => 30 * 24 * 60,
        Some("yearly") => 365 * 24 * 60,
        _ => 0,
    } / f.update_frequency.unwrap_or(1).max(1);
    let wait = f.ttl_minutes.unwrap_or(0).max(period);
    if wait > LONG_WAIT_MIN {
        found.add("asks-to-wait", format!("{} hours between readings", wait / 60));
    }
    if f.skip_hours.len() >= 24 || f.skip_days.len() >= 7 {
        found.add("asks-never-to-come", "every hour or day is to be skipped");
    }
}

/// WebSub, and the feed's own address that it needs (W3C Recommendation WebSub, 4).
fn pushing(found: &mut Findings, parsed: &Parsed, exchange: Option<&Exchange>) {
    let f = &parsed.feed;
    let in_header = |rel: &str| exchange.is_some_and(|x| x.links.iter().any(|l| has_rel(l, rel)));
    let hub = !f.hubs.is_empty() || in_header("hub");
    let own = f.self_url.is_some() || in_header("self");
    match (hub, own) {
        (false, _) => found.add("hub-missing", "no link of relation hub"),
        (true, false) => {
            found.add("hub-without-self", f.hubs.first().map_or("a hub in the Link header", String::as_str))
        }
        _ => {}
    }
    match (&f.self_url, exchange) {
        (None, _) if !in_header("self") && matches!(parsed.format, Format::Atom10) => {
            found.add("self-link-missing", "no link of relation self");
        }
        (Some(own), Some(x)) if !same(own, x.url.as_str()) && !same(own, x.asked.as_str()) => {
            found.add("self-link-differs", format!("{own}, but it was read at {}", x.url));
        }
        _ => {}
    }
}

fn same(a: &str, b: &str) -> bool {
    a == b || canonical_url(a).is_some_and(|a| canonical_url(b) == Some(a))
}

/// Whether a `Link` header has a link of that relation (RFC 8288, 3.3).
fn has_rel(header: &str, rel: &str) -> bool {
    header.split([';', ',']).filter_map(|p| p.trim().split_once('=')).any(|(key, value)| {
        key.trim().eq_ignore_ascii_case("rel")
            && value.trim().trim_matches('"').split_ascii_whitespace().any(|r| r.eq_ignore_ascii_case(rel))
    })
}
