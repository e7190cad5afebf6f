//! OPML: lists of subscriptions, read loosely and written strictly (OPML 2.0, opml.org/spec2.opml).

use crate::Problem;
use crate::html::has_scheme;
use crate::problems::line_of;
use crate::tidy;
use crate::xml::{Scanner, Tag, Token};
use rustc_hash::FxHashMap;
use std::fmt::Write as _;

/// One subscription of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Subscription {
    /// Title of the feed.
    pub title: Option<String>,
    /// Address of the feed; absent where a list gives only the site.
    pub xml_url: Option<String>,
    /// Address of the site.
    pub html_url: Option<String>,
    /// The outlines around it, outermost first.
    pub category: Vec<String>,
    /// Language.
    pub language: Option<String>,
    /// Description.
    pub description: Option<String>,
}

/// A list of subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opml {
    /// Title of the list.
    pub title: Option<String>,
    /// Subscriptions in document order, each feed once.
    pub outlines: Vec<Subscription>,
    /// Whatever was wrong, or was repaired: those of [`crate::parse`], and `duplicate-feed`, `outline-without-feed`
    /// (only the site's address is given), `bad-url`, `not-opml`.
    pub problems: Vec<Problem>,
}

/// Reads a list, nested or flat, whole or broken. Never panics.
pub fn parse(bytes: &[u8]) -> Opml {
    let decoded = crate::decode::decode(bytes, None);
    let (text, mut problems) = tidy::clean(decoded.text, decoded.problems);
    let mut scan = Scanner::new(&text);
    let mut out = Opml::default();
    let mut path: Vec<String> = Vec::new();
    let mut seen: FxHashMap<String, usize> = FxHashMap::default();
    let (mut is_opml, mut title_open, mut body) = (false, false, false);
    loop {
        match scan.next() {
            Token::Start(tag) => {
                let name = tag.name.to_ascii_lowercase();
                match name.as_str() {
                    "opml" => is_opml = true,
                    "body" => (is_opml, body) = (true, true),
                    "title" => title_open = !body && out.title.is_none(),
                    "outline" => {
                        is_opml = true;
                        outline(&mut scan, &tag, &mut path, &mut out, &mut seen);
                    }
                    _ => {}
                }
            }
            Token::End { name, .. } => {
                if name.eq_ignore_ascii_case("outline") {
                    path.pop();
                }
                title_open = false;
            }
            Token::Text(raw) if title_open => {
                let text = scan.unescape(raw);
                if !text.trim().is_empty() {
                    out.title = Some(text.trim().to_owned());
                }
            }
            Token::CData(raw) if title_open => out.title = Some(raw.trim().to_owned()),
            Token::Eof => break,
            _ => {}
        }
    }
    if !is_opml {
        scan.problems.found("not-opml", "no OPML".into(), "document".into());
    }
    problems.append(&mut std::mem::take(&mut scan.problems).into_vec());
    out.problems = problems;
    out
}

/// Deepest nesting that is kept as a category.
const MAX_DEPTH: usize = 50;

fn outline<'a>(
    scan: &mut Scanner<'a>,
    tag: &Tag<'a>,
    path: &mut Vec<String>,
    out: &mut Opml,
    seen: &mut FxHashMap<String, usize>,
) {
    let mut s = Subscription::default();
    let (mut text, mut title, mut url) = (None, None, None);
    for (key, value) in tag.raw_attrs() {
        let value = scan.unescape_attr(value).trim().to_owned();
        if value.is_empty() {
            continue;
        }
        match key.to_ascii_lowercase().as_str() {
            "text" => text = Some(value),
            "title" => title = Some(value),
            "xmlurl" | "feedurl" => s.xml_url = Some(value),
            "htmlurl" => s.html_url = Some(value),
            "url" => url = Some(value),
            "language" => s.language = Some(value),
            "description" => s.description = Some(value),
            _ => {}
        }
    }
    // `url` without `xmlUrl` is a link or an inclusion in OPML 2.0, in older lists it was the site
    s.html_url = s.html_url.or(url);
    s.title = title.or(text);
    let place = || line_of(scan.text, tag.start);
    let name = s.title.clone();
    if s.xml_url.is_some() || s.html_url.is_some() {
        s.category.clone_from(path);
        if let Some(feed) = s.xml_url.as_deref().filter(|u| !has_scheme(u)) {
            // a host and path without a scheme can only be meant as a web address
            let mended = format!("http://{}", feed.trim_start_matches('/'));
            match url::Url::parse(&mended).ok().filter(|u| u.host_str().is_some_and(|h| h.contains('.'))) {
                Some(_) => s.xml_url = Some(mended),
                None => {
                    let message = format!("{feed:?} is no address");
                    scan.problems.found("bad-url", message, place());
                    s.xml_url = None;
                }
            }
        }
        if s.xml_url.is_none() && s.html_url.is_none() {
            push(scan, tag, path, name);
            return;
        }
        let key = s.xml_url.clone().or_else(|| s.html_url.clone()).unwrap_or_default();
        match seen.get(&key) {
            Some(first) => {
                let message = format!("{key} is listed again, first as outline {}", first + 1);
                scan.problems.found("duplicate-feed", message, place());
            }
            None => {
                if s.xml_url.is_none() {
                    scan.problems.found("outline-without-feed", format!("only the site is given: {key}"), place());
                }
                seen.insert(key, out.outlines.len());
                out.outlines.push(s);
            }
        }
    }
    push(scan, tag, path, name);
}

/// An outline that holds others is a category.
fn push(scan: &mut Scanner<'_>, tag: &Tag<'_>, path: &mut Vec<String>, name: Option<String>) {
    if !tag.empty {
        if path.len() < MAX_DEPTH {
            path.push(name.unwrap_or_default());
        } else {
            scan.repair("too-deep", "outlines nested too deeply", tag.start);
        }
    }
}

/// Writes a list as OPML 2.0; categories become nested outlines, each once, in the order of their first feed.
pub fn write(title: &str, subscriptions: &[Subscription]) -> String {
    let mut root = Node::default();
    for s in subscriptions {
        let mut node = &mut root;
        for name in &s.category {
            let at = match node.children.iter().position(|(n, _)| n == name) {
                Some(at) => at,
                None => {
                    node.children.push((name.clone(), Node::default()));
                    node.children.len() - 1
                }
            };
            node = &mut node.children[at].1;
        }
        node.feeds.push(s);
    }
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\">\n  <head>\n    <title>");
    out.push_str(&attribute(title));
    out.push_str("</title>\n  </head>\n  <body>\n");
    root.write(&mut out, 2);
    out.push_str("  </body>\n</opml>\n");
    out
}

/// A category with what is in it.
#[derive(Default)]
struct Node<'s> {
    feeds: Vec<&'s Subscription>,
    children: Vec<(String, Node<'s>)>,
}

impl Node<'_> {
    fn write(&self, out: &mut String, depth: usize) {
        let pad = "  ".repeat(depth);
        for s in &self.feeds {
            let text = s.title.as_deref().or(s.xml_url.as_deref()).or(s.html_url.as_deref()).unwrap_or("");
            // writing to a String cannot fail
            let _ = write!(out, "{pad}<outline");
            let fields = [
                ("text", Some(text)),
                ("title", s.title.as_deref()),
                ("type", s.xml_url.as_deref().map(|_| "rss")),
                ("xmlUrl", s.xml_url.as_deref()),
                ("htmlUrl", s.html_url.as_deref()),
                ("language", s.language.as_deref()),
                ("description", s.description.as_deref()),
            ];
            for (key, value) in fields {
                if let Some(value) = value {
                    let _ = write!(out, " {key}=\"{}\"", attribute(value));
                }
            }
            out.push_str("/>\n");
        }
        for (name, node) in &self.children {
            let _ = writeln!(out, "{pad}<outline text=\"{}\">", attribute(name));
            node.write(out, depth + 1);
            let _ = writeln!(out, "{pad}</outline>");
        }
    }
}

/// Escapes for text and attributes; characters that XML forbids are left out, line ends are kept by reference.
fn attribute(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => {}
            c => out.push(c),
        }
    }
    out
}
