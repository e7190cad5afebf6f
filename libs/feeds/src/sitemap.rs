//! Sitemaps (sitemaps.org protocol 0.9) with Google's news and video extensions, and lists of addresses in plain text.
//!
//! A site without a feed has its news here. Read as loosely as feeds are; compression is undone before.

use crate::dates;
use crate::decode;
use crate::html::has_scheme;
use crate::problems::Problems;
use crate::tidy;
use crate::xml::{Scanner, Tag, Token, local_name};
use crate::{Entry, Media, MediaKind, Problem, Text};
use jiff::Timestamp;
use url::Url;

/// Addresses read of one file; the protocol allows as many.
const MAX_PAGES: usize = 50_000;

/// What a sitemap is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SitemapKind {
    /// A list of pages (`urlset`).
    Pages,
    /// A list of sitemaps (`sitemapindex`).
    Index,
    /// Addresses in plain text, one a line.
    Text,
    /// No sitemap.
    #[default]
    Unknown,
}

/// A sitemap as read.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Sitemap {
    /// What it is.
    pub kind: SitemapKind,
    /// Its addresses in document order, each once: pages, or further sitemaps.
    pub pages: Vec<Page>,
    /// Whatever was wrong, or was repaired: codes of [`crate::parse`], and `bad-url`, `other-site`, `not-a-sitemap`.
    pub problems: Vec<Problem>,
}

/// One address of a sitemap.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Page {
    /// The absolute address (`loc`).
    pub url: String,
    /// Its last change (`lastmod`, W3C date and time).
    pub modified: Option<Timestamp>,
    /// What a news sitemap says of it.
    pub news: Option<News>,
    /// Pictures (`image:loc`).
    pub images: Vec<String>,
    /// What a video sitemap says of it.
    pub video: Option<VideoPage>,
    /// The page in other languages (`xhtml:link`): language and address.
    pub alternates: Vec<(String, String)>,
}

/// `news:news` of Google's news sitemaps.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct News {
    /// Name of the publication.
    pub publication: Option<String>,
    /// Language, a BCP 47 tag as given.
    pub language: Option<String>,
    /// Title of the article.
    pub title: Option<String>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// Keywords.
    pub keywords: Vec<String>,
}

/// `video:video` of Google's video sitemaps.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct VideoPage {
    /// Title.
    pub title: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Picture that stands for it.
    pub thumbnail: Option<String>,
    /// The file itself.
    pub file: Option<String>,
    /// Duration in seconds.
    pub duration_s: Option<f64>,
    /// When it was published.
    pub published: Option<Timestamp>,
}

impl Page {
    /// The page as an entry, as far as the sitemap tells: of a news sitemap it is a whole one, of others an address and a date,
    /// to be filled from the page itself ([`crate::page::read`]).
    #[must_use]
    pub fn entry(&self) -> Entry {
        let mut entry = Entry { url: Some(self.url.clone()), updated: self.modified, ..Entry::default() };
        if let Some(video) = &self.video {
            entry.title = video.title.clone().map(Text::plain);
            entry.summary = video.description.clone().map(Text::plain);
            entry.published = video.published;
            entry.media.extend(video.file.iter().map(|url| Media {
                url: url.clone(),
                kind: MediaKind::Video,
                duration_s: video.duration_s,
                ..Media::default()
            }));
            entry.media.extend(video.thumbnail.iter().map(|url| Media {
                url: url.clone(),
                kind: MediaKind::Image,
                is_thumbnail: true,
                ..Media::default()
            }));
        }
        if let Some(news) = &self.news {
            entry.title = news.title.clone().map(Text::plain).or(entry.title);
            entry.published = news.published.or(entry.published);
            entry.language.clone_from(&news.language);
            entry
                .categories
                .extend(news.keywords.iter().map(|word| crate::Category { term: word.clone(), ..Default::default() }));
        }
        entry.media.extend(self.images.iter().map(|url| Media {
            url: url.clone(),
            kind: MediaKind::Image,
            ..Media::default()
        }));
        entry
    }
}

/// Where the text of an element goes.
#[derive(Clone, Copy, PartialEq)]
enum Slot {
    Loc,
    Modified,
    Publication,
    Language,
    NewsTitle,
    NewsDate,
    Keywords,
    Image,
    VideoTitle,
    VideoDescription,
    Thumbnail,
    File,
    Duration,
    VideoDate,
}

/// Reads a sitemap, whole or broken. `url` is where it came from: addresses are made absolute against it, and those of other
/// hosts are left out, which a sitemap must not speak for (sitemaps.org, "Sitemap file location"). Never panics.
#[must_use]
pub fn parse(bytes: &[u8], content_type: Option<&str>, url: &Url) -> Sitemap {
    let decoded = decode::decode(bytes, content_type);
    let (text, mut problems) = tidy::clean(decoded.text, decoded.problems);
    let mut out = Reader::new(&text, url);
    if text.trim_start().starts_with('<') {
        out.xml();
    } else {
        out.plain();
    }
    let Reader { map: mut sitemap, scan, mut found, .. } = out;
    if sitemap.kind == SitemapKind::Unknown {
        found.found("not-a-sitemap", "neither a sitemap nor a list of addresses".into(), "document".into());
    }
    problems.append(&mut scan.problems.into_vec());
    problems.append(&mut found.into_vec());
    sitemap.problems = problems;
    sitemap
}

struct Reader<'a> {
    scan: Scanner<'a>,
    found: Problems,
    base: &'a Url,
    map: Sitemap,
    page: Option<Page>,
    seen: rustc_hash::FxHashSet<String>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, base: &'a Url) -> Self {
        Reader {
            scan: Scanner::new(text),
            found: Problems::default(),
            base,
            map: Sitemap::default(),
            page: None,
            seen: rustc_hash::FxHashSet::default(),
        }
    }

    fn xml(&mut self) {
        let mut slot: Option<(Slot, String)> = None;
        loop {
            match self.scan.next() {
                Token::Start(tag) => {
                    slot = None;
                    if let Some(found) = self.start(&tag)
                        && !tag.empty
                    {
                        slot = Some((found, String::new()));
                    }
                }
                Token::Text(raw) => {
                    if let Some((_, text)) = &mut slot {
                        text.push_str(&self.scan.unescape(raw));
                    }
                }
                Token::CData(raw) => {
                    if let Some((_, text)) = &mut slot {
                        text.push_str(raw);
                    }
                }
                Token::End { name, .. } => {
                    if let Some((slot, text)) = slot.take() {
                        self.value(slot, text.trim());
                    }
                    if matches!(local_name(name), "url" | "sitemap") {
                        self.close();
                    }
                }
                Token::Eof => break,
            }
        }
        self.close();
    }

    fn start(&mut self, tag: &Tag<'a>) -> Option<Slot> {
        let (prefix, name) = tag.name.split_once(':').unwrap_or(("", tag.name));
        match (prefix, name) {
            (_, "urlset") => self.map.kind = SitemapKind::Pages,
            (_, "sitemapindex") => self.map.kind = SitemapKind::Index,
            ("", "url" | "sitemap") => {
                // One that is not closed ends where the next begins.
                self.close();
                self.page = Some(Page::default());
            }
            (_, "link") => self.alternate(tag),
            _ => {}
        }
        let page = self.page.as_mut()?;
        Some(match (prefix, name) {
            ("image", "loc") => Slot::Image,
            ("image" | "xhtml", _) => return None,
            ("video", "title") => Slot::VideoTitle,
            ("video", "description") => Slot::VideoDescription,
            ("video", "thumbnail_loc") => Slot::Thumbnail,
            ("video", "content_loc") => Slot::File,
            ("video", "duration") => Slot::Duration,
            ("video", "publication_date") => Slot::VideoDate,
            ("video", "video") => {
                page.video.get_or_insert_default();
                return None;
            }
            ("video", _) => return None,
            (_, "loc") => Slot::Loc,
            (_, "lastmod") => Slot::Modified,
            (_, "publication_date") => Slot::NewsDate,
            (_, "name") => Slot::Publication,
            (_, "language") => Slot::Language,
            (_, "title") => Slot::NewsTitle,
            (_, "keywords") => Slot::Keywords,
            (_, "news") => {
                page.news.get_or_insert_default();
                return None;
            }
            _ => return None,
        })
    }

    fn alternate(&mut self, tag: &Tag<'a>) {
        let (mut language, mut href) = (None, None);
        for (key, value) in tag.raw_attrs() {
            let value = self.scan.unescape_attr(value).trim().to_owned();
            match key.to_ascii_lowercase().as_str() {
                "hreflang" => language = Some(value),
                "href" => href = Some(value),
                _ => {}
            }
        }
        if let (Some(page), Some(language), Some(href)) = (&mut self.page, language, href)
            && page.alternates.len() < 200
        {
            page.alternates.push((language, href));
        }
    }

    fn value(&mut self, slot: Slot, text: &str) {
        if text.is_empty() {
            return;
        }
        let place = || format!("address {}", self.map.pages.len() + 1);
        let date = |found: &mut Problems| {
            let date = dates::parse(text);
            if date.is_none() {
                let short: String = text.chars().take(60).collect();
                found.found("bad-date", format!("{short:?} is no date that can be read"), place());
            }
            date
        };
        let Some(page) = &mut self.page else { return };
        let own = || Some(text.to_owned());
        match slot {
            Slot::Loc => page.url = text.to_owned(),
            Slot::Modified => page.modified = date(&mut self.found),
            Slot::Publication => page.news.get_or_insert_default().publication = own(),
            Slot::Language => page.news.get_or_insert_default().language = own(),
            Slot::NewsTitle => page.news.get_or_insert_default().title = own(),
            Slot::NewsDate => page.news.get_or_insert_default().published = date(&mut self.found),
            Slot::Keywords => {
                let words = text.split(',').map(str::trim).filter(|w| !w.is_empty()).take(100);
                page.news.get_or_insert_default().keywords = words.map(str::to_owned).collect();
            }
            Slot::Image if page.images.len() < 100 => page.images.extend(web(text, self.base).map(String::from)),
            Slot::Image => {}
            Slot::VideoTitle => page.video.get_or_insert_default().title = own(),
            Slot::VideoDescription => page.video.get_or_insert_default().description = own(),
            Slot::Thumbnail => page.video.get_or_insert_default().thumbnail = web(text, self.base).map(String::from),
            Slot::File => page.video.get_or_insert_default().file = web(text, self.base).map(String::from),
            Slot::Duration => page.video.get_or_insert_default().duration_s = crate::read::seconds(text),
            Slot::VideoDate => page.video.get_or_insert_default().published = date(&mut self.found),
        }
    }

    fn close(&mut self) {
        if let Some(page) = self.page.take() {
            self.keep(page);
        }
    }

    fn keep(&mut self, mut page: Page) {
        if page.url.is_empty() {
            return;
        }
        if self.map.pages.len() >= MAX_PAGES {
            self.found
                .repair("too-many-entries", "addresses after the first 50,000 are left out", || "document".into());
            return;
        }
        let place = format!("address {}", self.map.pages.len() + 1);
        let Some(url) = web(&page.url, self.base) else {
            let short: String = page.url.chars().take(100).collect();
            self.found.found("bad-url", format!("{short:?} is no web address"), place);
            return;
        };
        if !crate::page::same_site(&url, self.base) {
            self.found.found(
                "other-site",
                format!("{} is not of this site, left out", url.host_str().unwrap_or("")),
                place,
            );
            return;
        }
        page.url = url.into();
        if self.seen.insert(page.url.clone()) {
            self.map.pages.push(page);
        }
    }

    /// One address a line (sitemaps.org, "Text file").
    fn plain(&mut self) {
        let text = self.scan.text;
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            if !line.starts_with("http") || !has_scheme(line) {
                if self.map.pages.is_empty() {
                    return;
                }
                self.found.found("bad-url", "a line that is no address".into(), format!("line {}", i + 1));
                continue;
            }
            self.map.kind = SitemapKind::Text;
            self.keep(Page { url: line.to_owned(), ..Page::default() });
        }
        if self.map.pages.is_empty() && self.map.kind == SitemapKind::Text {
            self.scan.repair("empty", "no address of this site", 0);
        }
    }
}

/// An absolute web address.
fn web(text: &str, base: &Url) -> Option<Url> {
    let url = base.join(text.trim()).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}
