//! Feeds: decode, repair, read, discover. Bytes in, values out; no I/O, no clock, no panics.
//!
//! | what | where |
//! | --- | --- |
//! | feeds: RSS, RDF, Atom, JSON Feed, CDF | [`parse`] |
//! | lists of subscriptions | [`opml`] |
//! | entries written as Atom | [`atom`] |
//! | feeds that a page advertises | [`discover`] |
//! | a page as an entry: JSON-LD, OpenGraph, HTML | [`page`] |
//! | sitemaps, news and video sitemaps | [`sitemap`] |
//! | `robots.txt` | [`robots`] |
//! | YouTube's addresses | [`youtube`] |
//! | what is wrong with a feed, for its owner | [`lint`] |
//! | dates in any form; dates of review | [`dates`], [`reviewed`] |
//!
//! [`parse`] takes a document of any format and gives its entries *and* whatever was wrong with it. The way through:
//! [`decode()`] finds the encoding; control characters go; the first characters tell JSON from XML from HTML; XML is
//! read in one pass by a reader of our own over a scanner that repairs as it goes. That reader stands on quick-xml's
//! parsers and not on feed-rs, which is all or nothing and leaves out much of what is read here (deletions, archives,
//! podcast, syndication and licence modules).
//!
//! # Problems
//!
//! | code | what | repaired |
//! | --- | --- | --- |
//! | `invalid-bytes` | bytes that are not of the encoding | replaced, or read as windows-1252 |
//! | `encoding-mismatch` | header, declaration and bytes disagree | what the bytes are |
//! | `encoding-detected`, `unknown-encoding` | nothing that holds is stated | detected |
//! | `double-encoded` | UTF-8 read as windows-1252 and encoded again | taken back |
//! | `control-character` | characters that XML 1.0 forbids | left out |
//! | `junk-before-document` | text before the first element or declaration | passed over |
//! | `bare-ampersand`, `bare-less-than` | not escaped | taken as text |
//! | `undeclared-entity` | a name nobody declared | kept as text |
//! | `external-entity`, `entity-limit` | entities that are not read or expand too far | left out |
//! | `undeclared-prefix` | a prefix without its namespace | taken in its usual sense |
//! | `unclosed-tag`, `unclosed-quote`, `unclosed-comment`, `unclosed-cdata`, `unknown-declaration` | broken markup | ended where it must |
//! | `unclosed-element`, `unclosed-entry`, `wrong-nesting`, `unmatched-end-tag` | elements closed wrongly or not at all | closed |
//! | `truncated` | the document ends too early | what is there is read |
//! | `several-roots`, `no-root` | not exactly one root element | all read |
//! | `too-deep`, `too-many-entries`, `text-too-long` | limits: 200 levels, 50,000 entries, 8 MiB a text | the rest left out |
//! | `bad-date`, `date-without-zone` | a date that cannot be read, or without zone | no date; UTC |
//! | `entry-without-id`, `empty-entry`, `bad-entry`, `duplicate-id` | entries that cannot be told apart, or say nothing | see [`Entry::identity`] |
//! | `entry-without-date` | no entry has a date | |
//! | `relative-url` | an address that stays relative | |
//! | `relative-link-in-text` | a relative link in the text of RSS, which states no base | against the feed's address |
//! | `double-escaped-title` | a title's entities are escaped twice | |
//! | `enclosure-without-url` | an enclosure that leads nowhere | left out |
//! | `bad-json`, `no-version` | broken JSON, JSON Feed without version | |
//! | `html`, `not-a-feed`, `empty` | a page, something else, nothing | |

pub mod atom;
pub mod dates;
pub mod decode;
pub mod discover;
mod html;
mod identity;
mod json;
pub mod lint;
mod model;
mod ns;
pub mod opml;
pub mod page;
mod problems;
mod read;
mod report;
pub mod reviewed;
pub mod robots;
pub mod sitemap;
mod tidy;
mod xml;
pub mod youtube;

pub use decode::{Decoded, decode};
pub use identity::{Identity, IdentityKind, canonical_url};
pub use model::*;
pub use report::report;

/// What is known about a document besides its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The `Content-Type` header as received.
    pub content_type: Option<&'a str>,
    /// The address the document came from, after redirects.
    pub url: Option<&'a url::Url>,
    /// The `Content-Language` header as received: the language of a feed that states none (RFC 9110, 8.5).
    pub content_language: Option<&'a str>,
}

/// Reads a document. Never panics and is never all or nothing: the good entries come with the problems found.
pub fn parse(bytes: &[u8], ctx: &Context<'_>) -> Parsed {
    let decoded = decode::decode(bytes, ctx.content_type);
    let (text, mut problems) = tidy::clean(decoded.text, decoded.problems);
    let start = text.trim_start();
    let mut parsed = match start.as_bytes().first() {
        Some(b'{' | b'[') => json::parse_json(start, ctx),
        _ => read::parse_xml(&text, ctx),
    };
    parsed.encoding = decoded.encoding;
    if parsed.format.is_feed() && parsed.feed.language.is_none() {
        parsed.feed.language = ctx.content_language.and_then(only_language);
        if let Some(language) = &parsed.feed.language {
            for entry in parsed.entries.iter_mut().filter(|entry| entry.language.is_none()) {
                for text in [&mut entry.title, &mut entry.summary, &mut entry.content].into_iter().flatten() {
                    text.language.get_or_insert_with(|| language.clone());
                }
            }
        }
    }
    tidy::check(&mut parsed, start, ctx);
    problems.append(&mut parsed.problems);
    parsed.problems = problems;
    parsed
}

/// The language of a `Content-Language` header that names one; of several none can be told to be the text's.
fn only_language(header: &str) -> Option<String> {
    let mut tags = header.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    let tag = tags.next()?;
    tags.next().is_none().then(|| tag.replace('_', "-"))
}
