//! Feeds that a web page advertises (HTML Living Standard, 4.6.7.1 `rel=alternate`; RFC 4287's and JSON Feed's types).

use crate::html::has_scheme;
use crate::xml::{Scanner, Tag, Token};
use url::Url;

/// A feed found in a page.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Discovered {
    /// Absolute address.
    pub url: Url,
    /// Title given.
    pub title: Option<String>,
    /// Media type given.
    #[serde(rename = "type")]
    pub mime: Option<String>,
    /// Relation: `alternate`, `feed`, or `a` for a plain link that looks like one.
    pub rel: String,
}

/// Media types of feeds. JSON's own type is too common to mean one.
const TYPES: [&str; 8] = [
    "application/rss+xml",
    "application/atom+xml",
    "application/feed+json",
    "application/rdf+xml",
    "application/xml",
    "text/xml",
    "application/x-rss+xml",
    "text/rss+xml",
];
/// How many feeds of one page are listed.
const MAX: usize = 100;

/// Lists the feeds advertised in `html`, best first, each once: links of the head before plain links in the page, feeds
/// of comments last. `base` is the page's own address; a `<base href>` in the page is honoured.
pub fn links(html: &str, base: &Url) -> Vec<Discovered> {
    let mut scan = Scanner::new(html);
    let mut base = base.clone();
    let mut found: Vec<(u8, Discovered)> = Vec::new();
    let mut based = false;
    loop {
        let tag = match scan.next() {
            Token::Start(tag) => tag,
            Token::Eof => break,
            _ => continue,
        };
        if tag.name.eq_ignore_ascii_case("script") || tag.name.eq_ignore_ascii_case("style") {
            raw_inside(&mut scan, &tag);
        } else if tag.name.eq_ignore_ascii_case("base") && !based {
            if let Some(url) = attribute(&mut scan, &tag, "href").and_then(|h| base.join(&h).ok()) {
                (base, based) = (url, true);
            }
        } else if tag.name.eq_ignore_ascii_case("link") {
            found.extend(head_link(&mut scan, &tag, &base));
        } else if tag.name.eq_ignore_ascii_case("a") {
            found.extend(plain_link(&mut scan, &tag, &base));
        }
        if found.len() > MAX * 10 {
            break;
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    let mut out: Vec<Discovered> = Vec::new();
    for (_, d) in found {
        if out.len() < MAX && !out.iter().any(|o| o.url == d.url) {
            out.push(d);
        }
    }
    out
}

/// An attribute of a tag of HTML, decoded and trimmed; none if absent or empty.
pub(crate) fn attribute<'a>(scan: &mut Scanner<'a>, tag: &Tag<'a>, name: &str) -> Option<String> {
    let (_, value) = tag.raw_attrs().find(|(k, _)| k.eq_ignore_ascii_case(name))?;
    let value = scan.unescape_attr(value);
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn head_link<'a>(scan: &mut Scanner<'a>, tag: &Tag<'a>, base: &Url) -> Option<(u8, Discovered)> {
    let rel = attribute(scan, tag, "rel")?.to_ascii_lowercase();
    let mime = attribute(scan, tag, "type").map(|t| t.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
    let has = |r: &str| rel.split_ascii_whitespace().any(|x| x == r);
    let feed_type = mime.as_deref().is_some_and(|m| TYPES.contains(&m));
    let json = mime.as_deref() == Some("application/json");
    let href = attribute(scan, tag, "href")?;
    let rel = if has("feed") {
        "feed"
    } else if has("alternate") && !has("stylesheet") && (feed_type || (json && href.contains("feed"))) {
        "alternate"
    } else {
        return None;
    };
    let url = web(base.join(&href).ok()?)?;
    let title = attribute(scan, tag, "title");
    // comments are hardly ever what is looked for
    let comments =
        title.as_deref().is_some_and(|t| t.to_lowercase().contains("comment")) || url.path().contains("/comments/");
    let rank =
        u8::from(matches!(mime.as_deref(), Some("application/xml" | "text/xml"))) + if comments { 10 } else { 0 };
    Some((rank, Discovered { url, title, mime, rel: rel.to_owned() }))
}

fn plain_link<'a>(scan: &mut Scanner<'a>, tag: &Tag<'a>, base: &Url) -> Option<(u8, Discovered)> {
    let href = attribute(scan, tag, "href")?;
    if has_scheme(&href) && !href.starts_with("http") && !href.starts_with("feed:") {
        return None;
    }
    let declared = attribute(scan, tag, "type").filter(|t| TYPES.contains(&t.to_ascii_lowercase().as_str()));
    // feed:https://… and feed://…
    let href = match href.strip_prefix("feed:") {
        Some(rest) if rest.starts_with("//") => format!("https:{rest}"),
        Some(rest) => rest.to_owned(),
        None => href,
    };
    let url = web(base.join(&href).ok()?)?;
    let path = url.path().to_ascii_lowercase();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    let named = matches!(
        last,
        "feed" | "rss" | "atom" | "feed.xml" | "rss.xml" | "atom.xml" | "index.xml" | "index.rdf" | "feed.json"
    ) || [".rss", ".rdf", ".atom"].iter().any(|e| last.ends_with(e));
    if declared.is_none() && !named {
        return None;
    }
    let title = attribute(scan, tag, "title");
    Some((if declared.is_some() { 4 } else { 5 }, Discovered { url, title, mime: declared, rel: "a".to_owned() }))
}

fn web(url: Url) -> Option<Url> {
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// The inside of a script, style sheet or title, which is no markup, and moves on to its end tag. One without an end tag is
/// taken as empty, so that it hides nothing.
pub(crate) fn raw_inside<'a>(scan: &mut Scanner<'a>, tag: &Tag<'a>) -> &'a str {
    let text = scan.text;
    let (bytes, from) = (text.as_bytes(), scan.pos);
    if tag.empty {
        return "";
    }
    for i in memchr::memmem::find_iter(&bytes[from..], b"</") {
        let at = from + i + 2;
        if bytes.get(at..at + tag.name.len()).is_some_and(|n| n.eq_ignore_ascii_case(tag.name.as_bytes())) {
            scan.pos = at - 2;
            return &text[from..scan.pos];
        }
    }
    ""
}
