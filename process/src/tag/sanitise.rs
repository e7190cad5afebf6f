//! Sanitised HTML: an allow-list of what an article needs, through ammonia (html5ever's parser, so that what browsers
//! would read is what is judged), with three things around it: what would take too long to parse is not parsed,
//! YouTube frames become links, and tracking pixels go.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::{Builder, UrlRelative};
use url::Url;

use super::text;

/// Longest HTML that is parsed, in bytes; what is longer is cut at the end of an element.
pub const MAX_HTML: usize = 200 * 1024;

/// Open elements and, for formatting ones, open elements × tags, beyond which a parser works for longer than a text is
/// worth: the tree builder looks through all open elements at many tags, and copies open formatting elements into
/// each new block.
const MAX_DEPTH: i64 = 256;
const MAX_FORMATTING: i64 = 200_000;

const TAGS: [&str; 59] = [
    "a",
    "abbr",
    "article",
    "aside",
    "audio",
    "b",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "section",
    "small",
    "source",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// More of [`TAGS`]: media and ruby.
const MORE_TAGS: [&str; 8] = ["bdi", "bdo", "rp", "rt", "ruby", "time", "video", "wbr"];

/// Elements that go with everything in them.
const DROPPED: [&str; 14] = [
    "script", "style", "template", "noscript", "iframe", "object", "embed", "form", "button", "select", "textarea",
    "svg", "math", "title",
];

/// Hosts (and what is below them) whose pictures only count readers.
const BEACONS: [&str; 22] = [
    "feeds.feedburner.com",
    "feedburner.google.com",
    "feedads.g.doubleclick.net",
    "doubleclick.net",
    "stats.wordpress.com",
    "pixel.wp.com",
    "b.wordpress.com",
    "stats.wp.com",
    "google-analytics.com",
    "googletagmanager.com",
    "pixel.quantserve.com",
    "sb.scorecardresearch.com",
    "b.scorecardresearch.com",
    "facebook.com",
    "pheedo.com",
    "pixel.newsbreak.com",
    "feedsportal.com",
    "px.ads.linkedin.com",
    "pixel.redditmedia.com",
    "bat.bing.com",
    "counter.theconversation.com",
    "analytics.twitter.com",
];

thread_local! {
    /// Base of the relative addresses of the text in hand. The builder is made once, so its resolver cannot own it.
    static BASE: RefCell<Option<Url>> = const { RefCell::new(None) };
}

static BUILDER: LazyLock<Builder<'static>> = LazyLock::new(builder);

fn builder() -> Builder<'static> {
    let attributes: [(&str, &[&str]); 15] = [
        ("a", &["href", "hreflang", "title"]),
        ("abbr", &["title"]),
        ("audio", &["src", "controls"]),
        ("blockquote", &["cite"]),
        ("col", &["span"]),
        ("colgroup", &["span"]),
        ("del", &["datetime"]),
        ("img", &["src", "alt", "title", "width", "height"]),
        ("ins", &["datetime"]),
        ("ol", &["start", "reversed", "type"]),
        ("source", &["src", "type"]),
        ("td", &["colspan", "rowspan", "headers"]),
        ("th", &["colspan", "rowspan", "headers", "scope"]),
        ("time", &["datetime"]),
        ("video", &["src", "poster", "controls", "width", "height"]),
    ];
    let attributes: HashMap<&str, HashSet<&str>> =
        attributes.into_iter().map(|(tag, names)| (tag, names.iter().copied().collect())).collect();
    let mut builder = Builder::empty();
    builder
        .tags(TAGS.into_iter().chain(MORE_TAGS).collect())
        .clean_content_tags(DROPPED.into_iter().collect())
        .tag_attributes(attributes)
        .generic_attributes(["lang", "dir"].into_iter().collect())
        .set_tag_attribute_value("audio", "controls", "")
        .set_tag_attribute_value("video", "controls", "")
        .url_schemes(["http", "https", "mailto"].into_iter().collect())
        .url_relative(UrlRelative::Custom(Box::new(resolve)))
        .attribute_filter(filter)
        .link_rel(Some("noopener nofollow ugc"))
        .strip_comments(true);
    builder
}

/// An address relative to [`BASE`], made absolute; none without a base, or where it would be no web address.
fn resolve(address: &str) -> Option<Cow<'_, str>> {
    BASE.with_borrow(|base| {
        let joined = base.as_ref()?.join(address).ok()?;
        matches!(joined.scheme(), "http" | "https").then(|| Cow::Owned(joined.into()))
    })
}

/// Judges attributes by their values: pictures and media only from the web, never from counting hosts.
fn filter<'v>(element: &str, name: &str, value: &'v str) -> Option<Cow<'v, str>> {
    let keep = match (element, name) {
        ("img" | "audio" | "video" | "source", "src" | "poster") => {
            let value = value.trim_start();
            let mail = value.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("mailto:"));
            !mail && !is_beacon(value)
        }
        (_, "width" | "height" | "span" | "colspan" | "rowspan" | "start") => {
            (1..=5).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit())
        }
        (_, "dir") => ["ltr", "rtl", "auto"].iter().any(|dir| dir.eq_ignore_ascii_case(value)),
        _ => true,
    };
    keep.then_some(Cow::Borrowed(value))
}

fn is_beacon(address: &str) -> bool {
    let Some((_, rest)) = address.split_once("//") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host =
        authority.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default().to_ascii_lowercase();
    BEACONS.iter().any(|beacon| host == *beacon || host.strip_suffix(beacon).is_some_and(|head| head.ends_with('.')))
}

/// Sanitises `html`. Relative addresses are resolved against `base`, and dropped without one. Links get
/// `rel="noopener nofollow ugc"`. The result is balanced HTML without scripts, styles, handlers, forms and frames.
#[must_use]
pub fn html(html: &str, base: Option<&Url>) -> String {
    if memchr::memchr2(b'<', b'&', html.as_bytes()).is_none() {
        return paragraphs(html);
    }
    let html = shorten(html);
    if too_deep(html) {
        return paragraphs(&text::plain(html));
    }
    let html = frames_to_links(html);
    BASE.set(base.cloned());
    let clean = BUILDER.clean(&html).to_string();
    BASE.set(None);
    trimmed(drop_pixels(clean.trim()))
}

/// Without the white space that stood around a picture which went.
fn trimmed(html: String) -> String {
    if html.trim().len() == html.len() { html } else { html.trim().to_owned() }
}

/// Plain text as HTML: escaped, a paragraph a line.
#[must_use]
pub fn paragraphs(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len() + 16);
    for line in plain[..floor(plain, MAX_HTML)].lines().map(str::trim).filter(|line| !line.is_empty()) {
        out.push_str("<p>");
        for c in line.chars() {
            match c {
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                '\0' => {}
                c => out.push(c),
            }
        }
        out.push_str("</p>");
    }
    out
}

fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

/// At most [`MAX_HTML`] bytes, cut at the end of the last element that ends there, else of the last tag or word.
fn shorten(html: &str) -> &str {
    if html.len() <= MAX_HTML {
        return html;
    }
    let head = &html[..floor(html, MAX_HTML)];
    // Only the last part is searched: an early boundary would throw away too much.
    let from = floor(head, head.len() - head.len() / 4);
    let tail = &head[from..];
    let closing = tail.rfind("</").and_then(|at| tail[at..].find('>').map(|end| at + end + 1));
    let end = closing.or_else(|| tail.rfind('<')).or_else(|| tail.rfind(char::is_whitespace)).unwrap_or(tail.len());
    &head[..from + end]
}

/// Whether parsing would take out of proportion long. Counts tags without building a tree; elements whose end tag may
/// be left out are not counted.
fn too_deep(html: &str) -> bool {
    const OPTIONAL: [&str; 26] = [
        "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "rt", "rp", "colgroup", "br",
        "img", "hr", "wbr", "col", "source", "input", "meta", "link", "embed", "area", "track",
    ];
    const FORMATTING: [&str; 14] =
        ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
    let bytes = html.as_bytes();
    let (mut depth, mut deepest, mut formatting, mut most, mut tags) = (0i64, 0i64, 0i64, 0i64, 0i64);
    for at in memchr::memchr_iter(b'<', bytes) {
        let closing = bytes.get(at + 1) == Some(&b'/');
        let start = at + 1 + usize::from(closing);
        let length = bytes[start..].iter().take(12).position(|b| !b.is_ascii_alphanumeric()).unwrap_or(12);
        let name = &bytes[start..(start + length).min(bytes.len())];
        if name.is_empty() {
            continue;
        }
        tags += 1;
        let step = if closing { -1 } else { 1 };
        if FORMATTING.iter().any(|f| f.as_bytes().eq_ignore_ascii_case(name)) {
            formatting = (formatting + step).max(0);
            most = most.max(formatting);
        }
        if !OPTIONAL.iter().any(|o| o.as_bytes().eq_ignore_ascii_case(name)) {
            depth = (depth + step).max(0);
            deepest = deepest.max(depth);
        }
    }
    deepest > MAX_DEPTH || most * tags > MAX_FORMATTING
}

/// Replaces frames that show a YouTube video by a link to it, and removes the start tags of all others: to a parser
/// all that follows an `<iframe …/>` without an end tag would be the frame's. Works on raw markup; what comes out is
/// sanitised after.
fn frames_to_links(html: &str) -> Cow<'_, str> {
    let bytes = html.as_bytes();
    let mut out = String::new();
    let mut done = 0;
    for at in memchr::memchr_iter(b'<', bytes) {
        if at < done || !bytes.get(at + 1..at + 7).is_some_and(|name| name.eq_ignore_ascii_case(b"iframe")) {
            continue;
        }
        let Some(end) = memchr::memchr(b'>', &bytes[at..]).map(|n| at + n + 1) else { break };
        out.push_str(&html[done..at]);
        if let Some(id) = youtube_id(&html[at..end]) {
            out.push_str("<p><a href=\"https://www.youtube.com/watch?v=");
            out.push_str(id);
            out.push_str("\">Video on YouTube</a></p>");
        }
        done = end;
    }
    if done == 0 {
        return Cow::Borrowed(html);
    }
    out.push_str(&html[done..]);
    Cow::Owned(out)
}

/// The video's id in the markup of a frame: 11 of `A-Za-z0-9_-` after `/embed/` on a host of YouTube.
fn youtube_id(tag: &str) -> Option<&str> {
    let (host, rest) = tag.split_once("/embed/")?;
    let host = host.rsplit('/').next()?;
    if !["www.youtube.com", "youtube.com", "www.youtube-nocookie.com", "youtube-nocookie.com"].contains(&host) {
        return None;
    }
    let id = rest.get(..11)?;
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (id.bytes().all(good) && id != "videoseries" && !rest.as_bytes().get(11).copied().is_some_and(good)).then_some(id)
}

/// Removes pictures without an address or of at most 2×2 points from sanitised HTML (whose attributes are all in
/// double quotes, with quotes and `&` in them escaped, so that a tag ends at the first `>` outside quotes).
fn drop_pixels(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find("<img") {
        out.push_str(&rest[..at]);
        let tag = &rest[at..];
        let mut quoted = false;
        let end = tag.bytes().position(|b| {
            quoted ^= b == b'"';
            b == b'>' && !quoted
        });
        let end = end.map_or(tag.len(), |end| end + 1);
        let value = |name: &str| {
            tag[..end].find(name).map(|at| &tag[at + name.len()..end]).and_then(|rest| rest.split('"').next())
        };
        let tiny = |name| value(name).and_then(|size| size.parse::<u32>().ok()).is_some_and(|size| size <= 2);
        if value(" src=\"").is_some_and(|src| !src.is_empty()) && !(tiny(" width=\"") || tiny(" height=\"")) {
            out.push_str(&tag[..end]);
        }
        rest = &tag[end..];
    }
    out.push_str(rest);
    out
}
