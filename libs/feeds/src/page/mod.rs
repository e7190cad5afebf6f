//! A web page as an entry: what it says of itself in JSON-LD (schema.org), in OpenGraph and other `meta` elements, and in its
//! HTML.
//!
//! Of several statements of one thing the more exact one holds: JSON-LD, then OpenGraph and `article:*`, then `citation_*` and
//! Dublin Core, then plain HTML (`title`, `description`, `lang`). The text is JSON-LD's `articleBody`, else the page's own
//! `article` or `main` element, not sanitised.

mod json_ld;
mod meta;

use crate::discover::{self, Discovered};
use crate::xml::{Scanner, Tag, Token};
use crate::{Entry, Person, Source, Text, TextKind, decode, html, reviewed, tidy};
use url::Url;

/// Most of a page that is looked at, in bytes; beyond are no articles.
const MAX_PAGE: usize = 4 << 20;

/// What a page says of itself.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Page {
    /// The page as an entry. Its address is the canonical one where that is of the same site, else the page's own; a canonical
    /// address elsewhere is [`Entry::source`]: the page is a copy.
    pub entry: Entry,
    /// The types that its JSON-LD gives it (`NewsArticle`, `MedicalWebPage` …) and `og:type`, in order of statement.
    pub types: Vec<String>,
    /// Whether the page says that it is something published (an article, a film, a medical page), not only some page.
    pub is_article: bool,
    /// `link rel=canonical`, absolute, wherever it leads.
    pub canonical: Option<Url>,
    /// Name of the site (`og:site_name`, JSON-LD's publisher).
    pub site_name: Option<String>,
    /// Feeds that it advertises.
    pub feeds: Vec<Discovered>,
    /// `robots` meta: not to be shown in lists.
    pub noindex: bool,
    /// Hubs and the topic that it advertises by `link` (W3C WebSub, 4).
    pub hubs: Vec<Url>,
}

/// Reads a page. `url` is its address after redirects. Never panics; a page that says nothing gives an entry with its address only.
#[must_use]
pub fn read(bytes: &[u8], content_type: Option<&str>, url: &Url) -> Page {
    let bytes = &bytes[..bytes.len().min(MAX_PAGE)];
    let declared = content_type.filter(|c| c.to_ascii_lowercase().contains("charset"));
    let from_meta = || html_charset(bytes).map(|c| format!("text/html; charset={c}"));
    let label = declared.map(str::to_owned).or_else(from_meta);
    let decoded = decode::decode(bytes, label.as_deref());
    let (text, _) = tidy::clean(decoded.text, decoded.problems);
    let found = Found::of(&text, url);
    assemble(found, &text, url)
}

/// What was gathered in one pass over the page.
#[derive(Default)]
struct Found<'a> {
    title: Option<String>,
    language: Option<String>,
    metas: meta::Metas,
    /// JSON-LD blocks as they stand in the page.
    blocks: Vec<&'a str>,
    canonical: Option<Url>,
    licence: Option<String>,
    hubs: Vec<Url>,
    main: Body,
    article: Body,
    /// Articles that stand in `main` and in no other article.
    articles_in_main: u32,
}

/// The inside of the first element of a name: `main` or `article`.
#[derive(Default)]
struct Body {
    from: Option<usize>,
    to: Option<usize>,
    depth: u32,
}

impl Body {
    fn is_open(&self) -> bool {
        self.from.is_some() && self.to.is_none()
    }

    fn start(&mut self, at: usize) {
        match self.from {
            None => self.from = Some(at),
            Some(_) if self.to.is_none() => self.depth += 1,
            Some(_) => {}
        }
    }

    fn end(&mut self, at: usize) {
        if self.is_open() {
            match self.depth.checked_sub(1) {
                Some(depth) => self.depth = depth,
                None => self.to = Some(at),
            }
        }
    }

    fn range(&self, end: usize) -> Option<(usize, usize)> {
        self.from.map(|from| (from, self.to.unwrap_or(end)))
    }
}

/// Blocks of JSON-LD that are looked at.
const MAX_BLOCKS: usize = 20;

impl<'a> Found<'a> {
    fn of(text: &'a str, url: &Url) -> Found<'a> {
        let mut scan = Scanner::new(text);
        let mut found = Found::default();
        let mut base = url.clone();
        // How many articles are open: those within another are teasers.
        let mut articles = 0u32;
        loop {
            match scan.next() {
                Token::Start(tag) => {
                    let name = tag.name.to_ascii_lowercase();
                    match name.as_str() {
                        "html" => found.language = found.language.take().or(attribute(&mut scan, &tag, "lang")),
                        "base" => {
                            let href = attribute(&mut scan, &tag, "href").and_then(|h| url.join(&h).ok());
                            base = href.filter(|b| !b.cannot_be_a_base()).unwrap_or(base);
                        }
                        "title" if found.title.is_none() && !found.main.is_open() => {
                            let inside = discover::raw_inside(&mut scan, &tag);
                            let title = crate::xml::unescape_html(inside);
                            found.title = one_line(&title);
                        }
                        "script" => {
                            let kind = attribute(&mut scan, &tag, "type").unwrap_or_default().to_ascii_lowercase();
                            let inside = discover::raw_inside(&mut scan, &tag);
                            if kind.starts_with("application/ld+json") && found.blocks.len() < MAX_BLOCKS {
                                found.blocks.push(inside);
                            }
                        }
                        "style" | "textarea" | "noscript" | "template" => {
                            discover::raw_inside(&mut scan, &tag);
                        }
                        "meta" => found.metas.add(&mut scan, &tag),
                        "link" => found.link(&mut scan, &tag, &base),
                        "main" if !tag.empty => found.main.start(tag.end),
                        "article" if !tag.empty => {
                            found.articles_in_main += u32::from(articles == 0 && found.main.is_open());
                            articles += 1;
                            found.article.start(tag.end);
                        }
                        _ => {}
                    }
                }
                Token::End { name, start } => {
                    if name.eq_ignore_ascii_case("main") {
                        found.main.end(start);
                    } else if name.eq_ignore_ascii_case("article") {
                        articles = articles.saturating_sub(1);
                        found.article.end(start);
                    }
                }
                Token::Eof => break,
                _ => {}
            }
        }
        found
    }

    /// Where the page's own text stands: in the one article of its `main`, else in `main`, else in its first article.
    fn body(&self, end: usize) -> Option<(usize, usize)> {
        match (self.main.range(end), self.article.range(end)) {
            (Some(_), Some(article)) if self.articles_in_main == 1 => Some(article),
            (Some(main), _) => Some(main),
            (None, article) => article,
        }
    }

    fn link(&mut self, scan: &mut Scanner<'a>, tag: &Tag<'a>, base: &Url) {
        let Some(rel) = attribute(scan, tag, "rel").map(|r| r.to_ascii_lowercase()) else { return };
        let Some(href) = attribute(scan, tag, "href").and_then(|h| base.join(&h).ok()) else { return };
        let web = matches!(href.scheme(), "http" | "https");
        for rel in rel.split_ascii_whitespace() {
            match rel {
                "canonical" if web => {
                    self.canonical.get_or_insert_with(|| href.clone());
                }
                "license" | "licence" => {
                    self.licence.get_or_insert_with(|| href.to_string());
                }
                "hub" if web && self.hubs.len() < 10 => self.hubs.push(href.clone()),
                _ => {}
            }
        }
    }
}

fn assemble(found: Found<'_>, text: &str, url: &Url) -> Page {
    let mut page = Page::default();
    let data = json_ld::read(&found.blocks, url);
    let body = found.body(text.len());
    let metas = found.metas;
    page.types = data.types;
    page.types.extend(metas.first(&["og:type"]).map(str::to_owned));
    page.is_article = data.is_article || metas.is_article();
    page.noindex = metas.noindex();
    page.feeds = discover::links(text, url);
    page.hubs = found.hubs;
    page.site_name = metas.first(&["og:site_name"]).map(str::to_owned).or(data.site_name);

    let mut entry = data.entry;
    metas.fill(&mut entry, url);
    let html_title = found.title.map(|t| without_site(&t, page.site_name.as_deref()));
    entry.title = entry.title.take().or(html_title.map(Text::plain));
    entry.language = entry.language.take().or(found.language).or(metas.language());
    entry.licence = entry.licence.take().or(found.licence);
    if entry.content.is_none()
        && let Some((from, to)) = body
    {
        let inside = text[from..to].trim();
        if !inside.is_empty() {
            let value = html::resolve(inside, url).into_owned();
            entry.content = Some(Text { kind: TextKind::Html, value, ..Text::default() });
        }
    }
    let stated = reviewed::Reviewed { last: entry.reviewed, next: entry.next_review };
    let written = entry.content.as_ref().map_or_else(Default::default, |content| reviewed::in_text(&content.value));
    entry.reviewed = stated.last.or(written.last);
    entry.next_review = stated.next.or(written.next);
    page.canonical = found.canonical;
    let canonical = page.canonical.clone().or_else(|| entry.url.take().and_then(|u| Url::parse(&u).ok()));
    entry.url = Some(url.to_string());
    match canonical {
        Some(canonical) if same_site(&canonical, url) => entry.url = Some(canonical.into()),
        Some(elsewhere) if entry.source.is_none() => {
            entry.source = Some(Source { url: Some(elsewhere.into()), ..Source::default() });
        }
        _ => {}
    }
    crate::read::finish_media(&mut entry);
    page.entry = entry;
    page
}

/// A title without the site's name that most pages put behind or before it.
fn without_site(title: &str, site: Option<&str>) -> String {
    let Some(site) = site.map(str::trim).filter(|s| !s.is_empty()) else { return title.to_owned() };
    for mark in [" | ", " - ", " – ", " — ", " · ", " :: ", " » "] {
        let kept =
            title.rsplit_once(mark).filter(|(_, s)| s.trim().eq_ignore_ascii_case(site)).map(|(t, _)| t).or_else(
                || title.split_once(mark).filter(|(s, _)| s.trim().eq_ignore_ascii_case(site)).map(|(_, t)| t),
            );
        if let Some(kept) = kept.map(str::trim).filter(|t| !t.is_empty()) {
            return kept.to_owned();
        }
    }
    title.to_owned()
}

fn attribute<'a>(scan: &mut Scanner<'a>, tag: &Tag<'a>, name: &str) -> Option<String> {
    discover::attribute(scan, tag, name)
}

/// Text in one line; none if empty.
fn one_line(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Hosts that are one site: equal but for a leading `www.`, `m.` or `amp.`.
pub(crate) fn same_site(a: &Url, b: &Url) -> bool {
    let host = |url: &Url| {
        let host = url.host_str()?.to_ascii_lowercase();
        let bare = ["www.", "m.", "amp."].iter().find_map(|p| host.strip_prefix(p)).unwrap_or(&host).to_owned();
        Some(bare)
    };
    a.host_str().is_some() && host(a) == host(b)
}

/// The encoding that a page states in its first kilobyte (HTML Living Standard, 4.2.5.4): `meta charset` or `http-equiv`.
fn html_charset(bytes: &[u8]) -> Option<String> {
    let head = bytes[..bytes.len().min(1024)].to_ascii_lowercase();
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&head[from..], b"<meta") {
        let tag = &head[from + at..];
        let tag = &tag[..memchr::memchr(b'>', tag).unwrap_or(tag.len())];
        from += at + 5;
        let Some(at) = memchr::memmem::find(tag, b"charset") else { continue };
        let Some(value) = tag[at + 7..].trim_ascii_start().strip_prefix(b"=") else { continue };
        let value = value.trim_ascii_start();
        let value = value.strip_prefix(b"\"").or(value.strip_prefix(b"'")).unwrap_or(value);
        let end = value
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':')))
            .unwrap_or(value.len());
        if end > 0 {
            return String::from_utf8(value[..end].to_vec()).ok();
        }
    }
    None
}

/// A person of a name alone.
fn named(name: &str) -> Option<Person> {
    let name = one_line(name)?;
    Some(Person { name: Some(name), ..Person::default() })
}
