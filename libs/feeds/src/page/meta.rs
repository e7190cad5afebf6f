//! `meta` elements: OpenGraph (ogp.me), `article:*`, `citation_*` as scholarly sites write them, Dublin Core, and HTML's own.

use super::{named, one_line};
use crate::xml::{Scanner, Tag};
use crate::{Category, Entry, Media, MediaKind, Text, dates, html};
use jiff::Timestamp;
use url::Url;

/// `meta` elements kept of one page.
const MAX_METAS: usize = 500;

/// Names in lower case, with their contents, in document order.
#[derive(Default)]
pub(super) struct Metas(Vec<(String, String)>);

impl Metas {
    pub(super) fn add<'a>(&mut self, scan: &mut Scanner<'a>, tag: &Tag<'a>) {
        if self.0.len() >= MAX_METAS {
            return;
        }
        let (mut name, mut content) = (None, None);
        for (key, value) in tag.raw_attrs() {
            match key.to_ascii_lowercase().as_str() {
                "name" | "property" | "itemprop" | "http-equiv" if name.is_none() => {
                    name = Some(value.trim().to_ascii_lowercase());
                }
                "content" => content = one_line(&scan.unescape_attr(value)),
                _ => {}
            }
        }
        if let (Some(name), Some(content)) = (name, content) {
            self.0.push((name, content));
        }
    }

    /// The first content of the first of these names that there is.
    pub(super) fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.all(name).next())
    }

    fn all<'m, 'n>(&'m self, name: &'n str) -> impl Iterator<Item = &'m str> + use<'m, 'n> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, c)| c.as_str())
    }

    fn date(&self, names: &[&str]) -> Option<Timestamp> {
        names.iter().flat_map(|name| self.all(name)).find_map(dates::parse)
    }

    pub(super) fn is_article(&self) -> bool {
        self.first(&["og:type"]).is_some_and(|t| {
            matches!(
                t.to_ascii_lowercase().as_str(),
                "article" | "news" | "blog" | "video.other" | "video.episode" | "video"
            )
        }) || self.first(&["article:published_time", "citation_title"]).is_some()
    }

    pub(super) fn noindex(&self) -> bool {
        let says = |c: &str| c.to_ascii_lowercase().split(',').any(|w| matches!(w.trim(), "noindex" | "none"));
        self.all("robots").chain(self.all("carewire")).any(says)
    }

    pub(super) fn language(&self) -> Option<String> {
        let given =
            self.first(&["og:locale", "content-language", "citation_language", "dc.language", "dcterms.language"]);
        given.map(|l| l.split(',').next().unwrap_or_default().trim().replace('_', "-")).filter(|l| !l.is_empty())
    }

    /// Fills what is still unknown of an entry.
    pub(super) fn fill(&self, entry: &mut Entry, url: &Url) {
        let text = |names: &[&str]| self.first(names).map(|t| Text::plain(t.to_owned()));
        let take = |slot: &mut Option<Text>, names: &[&str]| *slot = slot.take().or_else(|| text(names));
        take(&mut entry.title, &["og:title", "citation_title", "dc.title", "dcterms.title", "twitter:title"]);
        take(
            &mut entry.summary,
            &["og:description", "description", "citation_abstract", "dc.description", "twitter:description"],
        );
        entry.published = entry.published.or_else(|| {
            self.date(&[
                "article:published_time",
                "og:article:published_time",
                "citation_publication_date",
                "citation_online_date",
                "datepublished",
                "dcterms.issued",
                "dc.date.issued",
                "dcterms.created",
                "dc.date",
                "date",
                "pubdate",
            ])
        });
        entry.updated = entry.updated.or_else(|| {
            self.date(&[
                "article:modified_time",
                "og:updated_time",
                "datemodified",
                "dcterms.modified",
                "last-modified",
            ])
        });
        entry.expires = entry.expires.or_else(|| self.date(&["article:expiration_time", "unavailable_after"]));
        entry.reviewed = entry.reviewed.or_else(|| {
            self.date(&[
                "lastreviewed",
                "dc.date.reviewed",
                "dcterms.reviewed",
                "last-reviewed",
                "date-reviewed",
                "article:reviewed_time",
            ])
        });
        entry.next_review = entry.next_review.or_else(|| {
            self.date(&["next-review", "dc.date.nextreview", "dcterms.nextreview", "review-due", "next-review-date"])
        });
        if entry.authors.is_empty() {
            // `article:author` is often the address of a profile, which names nobody.
            let names = ["author", "citation_author", "dc.creator", "dcterms.creator", "article:author"];
            let found = names.iter().map(|name| self.all(name).filter(|a| !html::has_scheme(a)).collect::<Vec<_>>());
            let found = found.into_iter().find(|list| !list.is_empty()).unwrap_or_default();
            entry.authors = found.into_iter().take(50).filter_map(named).collect();
        }
        entry.licence =
            entry.licence.take().or_else(|| self.first(&["dcterms.license", "dc.rights.license"]).map(str::to_owned));
        let keywords = self.first(&["news_keywords", "keywords", "citation_keywords"]).into_iter();
        let keywords = keywords.flat_map(|words| words.split([',', ';'])).map(str::trim).filter(|w| !w.is_empty());
        let terms = self.all("article:section").chain(self.all("article:tag")).chain(keywords).take(100);
        for term in terms {
            if !entry.categories.iter().any(|c| c.term.eq_ignore_ascii_case(term)) {
                entry.categories.push(Category { term: term.to_owned(), ..Category::default() });
            }
        }
        self.media(entry, url);
    }

    /// `og:image`, `og:video`, `og:audio` with their structured properties: those that follow one belong to it (ogp.me, "Arrays").
    fn media(&self, entry: &mut Entry, url: &Url) {
        let mut last: Option<(&str, usize)> = None;
        for (name, content) in &self.0 {
            let Some(rest) = name.strip_prefix("og:") else { continue };
            let (kind, part) = rest.split_once(':').unwrap_or((rest, "url"));
            let media_kind = match kind {
                "image" => MediaKind::Image,
                "video" => MediaKind::Video,
                "audio" => MediaKind::Audio,
                _ => continue,
            };
            let address = || html::absolute(content, Some(url));
            match (part, last) {
                ("url" | "secure_url", Some((same, at))) if same == kind && part == "secure_url" => {
                    entry.media[at].url = address();
                }
                ("url" | "secure_url", _) => {
                    let found = address();
                    let at = match entry.media.iter().position(|m| m.url == found) {
                        Some(at) => at,
                        None if entry.media.len() < 100 => {
                            entry.media.push(Media { url: found, kind: media_kind, ..Media::default() });
                            entry.media.len() - 1
                        }
                        None => return,
                    };
                    last = Some((kind, at));
                }
                (part, Some((same, at))) if same == kind => {
                    let media = &mut entry.media[at];
                    match part {
                        "type" => media.mime = Some(content.clone()),
                        "width" => media.width = content.parse().ok(),
                        "height" => media.height = content.parse().ok(),
                        "alt" => media.description = Some(content.clone()),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }
}
