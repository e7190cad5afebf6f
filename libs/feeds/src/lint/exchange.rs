//! How the server answered (RFC 9110, RFC 9111).

use super::Findings;
use crate::{Format, Parsed};
use std::time::Duration;
use url::Url;

/// The facts of an exchange that a finding can rest on.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The address that was asked for.
    pub asked: Url,
    /// The address that answered, after redirects.
    pub url: Url,
    /// The status of the last answer.
    pub status: u16,
    /// The redirects on the way.
    pub redirects: Vec<Redirect>,
    /// `ETag`, as sent.
    pub etag: Option<String>,
    /// `Last-Modified`, as sent.
    pub last_modified: Option<String>,
    /// `Cache-Control`, all of them, joined by commas.
    pub cache_control: Option<String>,
    /// `Expires`, as sent.
    pub expires: Option<String>,
    /// `Content-Type`, as sent.
    pub content_type: Option<String>,
    /// `Content-Encoding`, as sent.
    pub content_encoding: Option<String>,
    /// `Link` headers, as sent (RFC 8288).
    pub links: Vec<String>,
    /// How long the answer may be kept by what the header says, in seconds; `None` where it says nothing.
    pub fresh_s: Option<u64>,
    /// Bytes of the body as sent.
    pub wire_bytes: u64,
    /// Bytes of the body, expanded.
    pub body_bytes: u64,
    /// Whether the whole body came.
    pub complete: bool,
    /// How long it took.
    pub elapsed: Duration,
    /// What the same request with the validators got, where that was tried.
    pub again: Option<Again>,
}

/// One redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// Its status.
    pub status: u16,
    /// From where.
    pub from: Url,
    /// Where to.
    pub to: Url,
}

/// What a conditional request got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// 304: as it should be.
    NotModified,
    /// The same body once more.
    SameBody,
    /// Another body: it changed meanwhile, or differs at each request.
    OtherBody,
    /// No answer, or an error.
    Failed,
}

/// Larger bodies are worth a remark.
const LARGE: u64 = 2 << 20;
/// Smaller ones need no compression.
const SMALL: u64 = 8 << 10;
/// An answer that may be kept longer hides news.
const LONG_FRESHNESS_S: u64 = 24 * 3600;
/// Answers that take longer are slow.
const SLOW: Duration = Duration::from_secs(5);

pub(super) fn check(found: &mut Findings, x: &Exchange, parsed: &Parsed) {
    addresses(found, x);
    if !(200..300).contains(&x.status) {
        found.add("status", format!("{} answered with status {}", x.url, x.status));
        return;
    }
    if !x.complete {
        found.add("body-incomplete", format!("after {} bytes", x.wire_bytes));
    }
    if x.elapsed > SLOW {
        found.add("slow", format!("{:.1} s", x.elapsed.as_secs_f64()));
    }
    if parsed.format.is_feed() {
        caching(found, x);
        content_type(found, x.content_type.as_deref(), parsed.format);
        size(found, x);
    }
}

fn addresses(found: &mut Findings, x: &Exchange) {
    if x.url.scheme() == "http" {
        found.add("no-https", x.url.as_str());
    }
    if let Some(hop) = x.redirects.iter().find(|r| r.from.scheme() == "https" && r.to.scheme() == "http") {
        found.add("https-downgrade", format!("{} leads to {}", hop.from, hop.to));
    }
    if x.redirects.len() > 1 {
        let way: Vec<String> = x.redirects.iter().map(|r| format!("{} → {}", r.status, r.to)).collect();
        found.add("redirect-chain", way.join(", "));
    }
    if let Some(last) = x.redirects.last() {
        // One temporary hop makes the whole way temporary.
        let lasting = x.redirects.iter().all(|r| matches!(r.status, 301 | 308));
        let code = if lasting { "moved-permanently" } else { "moved-temporarily" };
        found.add(code, format!("{} → {}", x.asked, last.to));
    }
}

fn caching(found: &mut Findings, x: &Exchange) {
    let directives = x.cache_control.as_deref().unwrap_or_default().to_ascii_lowercase();
    let says = |name: &str| directives.split(',').any(|d| d.trim() == name);
    if x.etag.is_none() && x.last_modified.is_none() {
        found.add("no-validators", "neither ETag nor Last-Modified");
    } else if x.again == Some(Again::SameBody) {
        found.add("validators-ignored", "the same body came again with status 200");
    }
    if x.etag.as_deref().is_some_and(|tag| !well_formed_tag(tag)) {
        found.add("bad-etag", x.etag.clone().unwrap_or_default());
    }
    if says("no-store") {
        found.add("no-store", directives.as_str());
    }
    match x.fresh_s {
        None => found.add("no-freshness", "neither max-age nor Expires"),
        Some(s) if s > LONG_FRESHNESS_S => found.add("long-freshness", format!("{} hours", s / 3600)),
        Some(_) => {}
    }
}

/// RFC 9110, 8.8.3: `W/` or nothing, then quoted.
fn well_formed_tag(tag: &str) -> bool {
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    quoted.len() >= 2 && quoted.starts_with('"') && quoted.ends_with('"') && !quoted[1..quoted.len() - 1].contains('"')
}

fn content_type(found: &mut Findings, given: Option<&str>, format: Format) {
    let Some(given) = given.map(str::trim).filter(|g| !g.is_empty()) else {
        found.add("content-type-missing", "no Content-Type");
        return;
    };
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let xml = ["application/xml", "text/xml"];
    let (own, right): (&[&str], &str) = match format {
        Format::Atom03 | Format::Atom10 => (&["application/atom+xml"], "application/atom+xml"),
        Format::JsonFeed10 | Format::JsonFeed11 => {
            (&["application/feed+json", "application/json"], "application/feed+json")
        }
        Format::Rss090 | Format::Rss10 => (&["application/rdf+xml", "application/rss+xml"], "application/rdf+xml"),
        _ => (&["application/rss+xml", "application/x-rss+xml", "text/rss+xml"], "application/rss+xml"),
    };
    let json = matches!(format, Format::JsonFeed10 | Format::JsonFeed11);
    if !own.contains(&essence.as_str()) && (json || !xml.contains(&essence.as_str())) {
        found.add("content-type-wrong", format!("{given}; it should be {right}"));
    }
}

fn size(found: &mut Findings, x: &Exchange) {
    if x.body_bytes > LARGE {
        found.add("too-large", format!("{:.1} MiB", x.body_bytes as f64 / f64::from(1 << 20)));
    }
    let encoded = x
        .content_encoding
        .as_deref()
        .is_some_and(|e| !e.trim().is_empty() && !e.trim().eq_ignore_ascii_case("identity"));
    if !encoded && x.body_bytes > SMALL {
        found.add("not-compressed", format!("{} KiB", x.body_bytes / 1024));
    }
}
