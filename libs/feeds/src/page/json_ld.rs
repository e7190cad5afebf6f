//! JSON-LD with schema.org's vocabulary: articles, medical pages, films, episodes. Read as it is found: objects, arrays, `@graph`,
//! references by `@id` within the page; never fetched from elsewhere.

use super::{named, one_line};
use crate::{Category, Entry, Media, MediaKind, Person, Text, Transcript, Video, dates, html, read};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::HashMap;
use url::Url;

/// What the blocks of a page say.
#[derive(Default)]
pub(super) struct Data {
    pub entry: Entry,
    pub types: Vec<String>,
    pub is_article: bool,
    pub site_name: Option<String>,
}

/// Objects looked at in one page, and how deep.
const MAX_NODES: usize = 2_000;
const MAX_DEPTH: usize = 12;
/// Longest block that is read, in bytes.
const MAX_BLOCK: usize = 1 << 20;
/// Persons, pictures, keywords kept.
const MAX_LIST: usize = 100;

type Object = Map<String, Value>;

/// How well an object of this type describes the page: the higher the better; none if it is about something else.
fn rank(kind: &str) -> Option<u8> {
    Some(match kind {
        "MedicalScholarlyArticle"
        | "ScholarlyArticle"
        | "NewsArticle"
        | "ReportageNewsArticle"
        | "AnalysisNewsArticle"
        | "OpinionNewsArticle"
        | "ReviewNewsArticle"
        | "BackgroundNewsArticle"
        | "LiveBlogPosting" => 9,
        "Article"
        | "BlogPosting"
        | "TechArticle"
        | "Report"
        | "AdvertiserContentArticle"
        | "SatiricalArticle"
        | "SocialMediaPosting"
        | "DiscussionForumPosting" => 8,
        "VideoObject" | "PodcastEpisode" | "RadioEpisode" | "AudioObject" | "Episode" | "Clip" => 7,
        "MedicalWebPage" | "HealthTopicContent" | "MedicalGuideline" | "MedicalTrial" | "MedicalStudy" => 6,
        "Event"
        | "EducationEvent"
        | "JobPosting"
        | "FAQPage"
        | "QAPage"
        | "HowTo"
        | "Course"
        | "SpecialAnnouncement" => 5,
        "AboutPage" | "ItemPage" | "WebPage" | "CreativeWork" => 2,
        _ => return None,
    })
}

/// Types by which a page says that it is something published, not only a page.
const ARTICLE_FROM: u8 = 5;

/// Reads all blocks; what cannot be read as JSON is mended where that is simple, else left.
pub(super) fn read(blocks: &[&str], url: &Url) -> Data {
    let values: Vec<Value> = blocks.iter().filter(|b| b.len() <= MAX_BLOCK).filter_map(|b| json(b)).collect();
    let mut nodes: Vec<&Object> = Vec::new();
    for value in &values {
        gather(value, 0, &mut nodes);
    }
    let by_id: HashMap<&str, &Object> =
        nodes.iter().filter(|o| o.len() > 1).filter_map(|o| Some((o.get("@id")?.as_str()?, *o))).collect();
    let reader = Reader { by_id, url };
    let mut data = Data::default();
    let mut ranked: Vec<(u8, &Object)> = Vec::new();
    for node in &nodes {
        let best = types(node).filter_map(rank).max();
        for kind in types(node).filter(|kind| rank(kind).is_some()) {
            if data.types.len() < 20 && !data.types.iter().any(|t| t == kind) {
                data.types.push(kind.to_owned());
            }
        }
        ranked.extend(best.map(|best| (best, *node)));
        if types(node).any(|kind| kind == "WebSite") {
            data.site_name = data.site_name.take().or(string(node, "name"));
        }
    }
    // The first of equals is the page's own; lists of further articles come after it. A film within an article adds to it.
    ranked.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    let Some((best, main)) = ranked.first().copied() else { return data };
    data.is_article = best >= ARTICLE_FROM;
    reader.fill(&mut data.entry, main);
    for (rank, node) in ranked.iter().skip(1).filter(|(rank, _)| *rank != best && matches!(*rank, 2 | 6)) {
        // The page around the article knows its review and language.
        let _ = rank;
        reader.fill_page(&mut data.entry, node);
    }
    if data.site_name.is_none() {
        data.site_name = data.entry.publisher.as_ref().and_then(|p| p.name.clone());
    }
    data
}

/// A block's JSON: as it is, else without the comment or CDATA marks and the line breaks within strings that templates leave.
fn json(block: &str) -> Option<Value> {
    let block = block.trim();
    if let Ok(value) = serde_json::from_str(block) {
        return Some(value);
    }
    let bare = block
        .trim_start_matches("//")
        .trim_start_matches("<![CDATA[")
        .trim_start_matches("<!--")
        .trim_end_matches("-->")
        .trim_end_matches("]]>")
        .trim_end_matches("//")
        .trim()
        .trim_end_matches(';');
    let mended: String = bare.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    serde_json::from_str(&mended).ok()
}

/// All objects, outermost first.
fn gather<'v>(value: &'v Value, depth: usize, nodes: &mut Vec<&'v Object>) {
    if depth > MAX_DEPTH || nodes.len() >= MAX_NODES {
        return;
    }
    match value {
        Value::Object(object) => {
            nodes.push(object);
            for inner in object.values().filter(|v| v.is_object() || v.is_array()) {
                gather(inner, depth + 1, nodes);
            }
        }
        Value::Array(list) => {
            for inner in list.iter().filter(|v| v.is_object() || v.is_array()) {
                gather(inner, depth + 1, nodes);
            }
        }
        _ => {}
    }
}

/// The types of an object without the vocabulary's address.
fn types(object: &Object) -> impl Iterator<Item = &str> {
    let list = match object.get("@type") {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    list.iter().filter_map(Value::as_str).map(|t| t.rsplit(['/', '#', ':']).next().unwrap_or(t))
}

/// The property, with the vocabulary's prefix or without.
fn get<'v>(object: &'v Object, key: &str) -> Option<&'v Value> {
    object.get(key).or_else(|| object.get(&format!("schema:{key}")))
}

/// A property as text in one line, character references of HTML undone: templates escape what need not be.
fn string(object: &Object, key: &str) -> Option<String> {
    text_of(get(object, key)?)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => one_line(&crate::xml::unescape_html(s)),
        Value::Number(n) => Some(n.to_string()),
        Value::Array(list) => list.iter().find_map(text_of),
        Value::Object(o) => o.get("@value").or_else(|| o.get("name")).and_then(text_of),
        _ => None,
    }
}

fn date(object: &Object, key: &str) -> Option<Timestamp> {
    string(object, key).and_then(|text| dates::parse(&text))
}

/// The elements of a list, or the one value.
fn list<'v>(object: &'v Object, key: &str) -> &'v [Value] {
    match get(object, key) {
        Some(Value::Array(list)) => &list[..list.len().min(MAX_LIST)],
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

struct Reader<'v, 'u> {
    by_id: HashMap<&'v str, &'v Object>,
    url: &'u Url,
}

impl<'v> Reader<'v, '_> {
    /// The object that a value is or refers to.
    fn object(&self, value: &'v Value) -> Option<&'v Object> {
        let object = value.as_object()?;
        let id = object.get("@id").and_then(Value::as_str);
        Some(id.filter(|_| object.len() == 1).and_then(|id| self.by_id.get(id)).copied().unwrap_or(object))
    }

    /// An address: text, or an object's `url`, `contentUrl` or `@id`.
    fn address(&self, value: &'v Value) -> Option<String> {
        let text = match value {
            Value::String(s) => Some(s.as_str()),
            _ => {
                let object = self.object(value)?;
                ["url", "contentUrl", "@id"].iter().find_map(|key| get(object, key)?.as_str())
            }
        }?;
        let absolute = html::absolute(text, Some(self.url));
        (absolute.starts_with("http://") || absolute.starts_with("https://")).then_some(absolute)
    }

    fn persons(&self, object: &'v Object, key: &str) -> Vec<Person> {
        let one = |value: &'v Value| match value {
            Value::String(name) if !html::has_scheme(name) => named(&crate::xml::unescape_html(name)),
            _ => {
                let object = self.object(value)?;
                let url = get(object, "url").and_then(|u| self.address(u));
                let person = Person { name: string(object, "name"), url, ..Person::default() };
                person.name.is_some().then_some(person)
            }
        };
        list(object, key).iter().filter_map(one).collect()
    }

    fn fill(&self, entry: &mut Entry, main: &'v Object) {
        let text = |key: &str| string(main, key).map(Text::plain);
        entry.title = text("headline").or_else(|| text("name")).or_else(|| text("alternativeHeadline"));
        entry.summary = text("description").or_else(|| text("abstract"));
        let body = ["articleBody", "text"].iter().find_map(|key| get(main, key)?.as_str());
        entry.content = body.map(str::trim).filter(|b| !b.is_empty()).map(|body| {
            let kind = if html::looks_like_html(body) { crate::TextKind::Html } else { crate::TextKind::Plain };
            Text { kind, value: body.to_owned(), ..Text::default() }
        });
        entry.published =
            date(main, "datePublished").or_else(|| date(main, "uploadDate")).or_else(|| date(main, "datePosted"));
        entry.created = date(main, "dateCreated");
        entry.updated = date(main, "dateModified");
        entry.authors = self.persons(main, "author");
        if entry.authors.is_empty() {
            entry.authors = self.persons(main, "creator");
        }
        entry.contributors = self.persons(main, "contributor");
        entry.publisher = self.persons(main, "publisher").into_iter().next();
        let places = ["url", "mainEntityOfPage"];
        entry.url = places.iter().find_map(|key| self.address(get(main, key)?));
        entry.comments_url = get(main, "discussionUrl").and_then(|u| self.address(u));
        self.fill_page(entry, main);
        self.categories(entry, main);
        for image in list(main, "image") {
            self.image(entry, image, false);
        }
        for image in list(main, "thumbnailUrl").iter().chain(list(main, "thumbnail")) {
            self.image(entry, image, true);
        }
        if types(main).any(|kind| matches!(kind, "VideoObject" | "Clip")) {
            self.film(entry, main);
        }
        for key in ["video", "audio", "associatedMedia", "encoding"] {
            for value in list(main, key) {
                if let Some(object) = self.object(value) {
                    self.medium(entry, object);
                }
            }
        }
        if types(main).any(|kind| kind.ends_with("Episode") || kind == "AudioObject") {
            self.medium(entry, main);
        }
    }

    /// What a page around an article knows as well: language, licence, review, end.
    fn fill_page(&self, entry: &mut Entry, page: &'v Object) {
        entry.reviewed = entry.reviewed.or_else(|| date(page, "lastReviewed"));
        // schema.org has no property for it; these are what sites write.
        let next = ["nextReview", "nextReviewDate", "reviewDue"].iter().find_map(|key| date(page, key));
        entry.next_review = entry.next_review.or(next);
        entry.expires = entry.expires.or_else(|| date(page, "expires")).or_else(|| date(page, "validThrough"));
        entry.language = entry.language.take().or_else(|| {
            let value = get(page, "inLanguage")?;
            let code = value.as_object().and_then(|o| string(o, "alternateName"));
            code.or_else(|| text_of(value)).map(|l| l.replace('_', "-")).filter(|l| l.len() <= 35)
        });
        entry.licence = entry.licence.take().or_else(|| self.address(get(page, "license")?));
        for person in self.persons(page, "reviewedBy") {
            if !entry.contributors.contains(&person) {
                entry.contributors.push(person.clone());
            }
            if !entry.reviewed_by.contains(&person) {
                entry.reviewed_by.push(person);
            }
        }
    }

    fn categories(&self, entry: &mut Entry, main: &'v Object) {
        let mut add = |term: &str, scheme: Option<String>| {
            let Some(term) = one_line(&crate::xml::unescape_html(term)) else { return };
            if entry.categories.len() < MAX_LIST && !entry.categories.iter().any(|c| c.term.eq_ignore_ascii_case(&term))
            {
                entry.categories.push(Category { term, scheme, label: None });
            }
        };
        for key in ["articleSection", "keywords", "genre", "specialty"] {
            for value in list(main, key) {
                match value {
                    Value::String(words) => words.split(',').for_each(|word| add(word, None)),
                    other => {
                        if let Some(name) = self.object(other).and_then(|o| string(o, "name")) {
                            add(&name, None);
                        }
                    }
                }
            }
        }
        // `about` a MedicalCondition with its codes (schema.org/MedicalCode).
        for value in list(main, "about").iter().chain(list(main, "mainEntity")) {
            let Some(about) = self.object(value) else { continue };
            let medical =
                types(about).any(|kind| kind.starts_with("Medical") || kind == "InfectiousDisease" || kind == "Drug");
            if let Some(name) =
                string(about, "name").filter(|_| medical || get(main, "about").is_some_and(|a| std::ptr::eq(a, value)))
            {
                add(&name, None);
            }
            for code in list(about, "code").iter().filter_map(|code| self.object(code)) {
                if let Some(term) = string(code, "codeValue").or_else(|| string(code, "code")) {
                    add(&term, string(code, "codingSystem"));
                }
            }
        }
    }

    fn image(&self, entry: &mut Entry, value: &'v Value, is_thumbnail: bool) {
        let Some(url) = self.address(value) else { return };
        if entry.media.iter().any(|m| m.url == url) || entry.media.len() >= MAX_LIST {
            return;
        }
        let object = self.object(value);
        let number =
            |key: &str| object.and_then(|o| string(o, key)).and_then(|n| n.trim_end_matches("px").trim().parse().ok());
        let described = object.and_then(|o| string(o, "caption").or_else(|| string(o, "description")));
        entry.media.push(Media {
            url,
            kind: MediaKind::Image,
            width: number("width"),
            height: number("height"),
            description: described,
            is_thumbnail,
            ..Media::default()
        });
    }

    fn medium(&self, entry: &mut Entry, object: &'v Object) {
        let url = ["contentUrl", "embedUrl", "url"].iter().find_map(|key| self.address(get(object, key)?));
        let Some(url) = url else { return };
        if entry.media.iter().any(|m| m.url == url) || entry.media.len() >= MAX_LIST {
            return;
        }
        let kind = match types(object).next() {
            Some("VideoObject" | "Clip") => MediaKind::Video,
            Some("AudioObject" | "PodcastEpisode" | "RadioEpisode") => MediaKind::Audio,
            Some("ImageObject") => MediaKind::Image,
            _ => MediaKind::Other,
        };
        entry.media.push(Media {
            url,
            kind,
            mime: string(object, "encodingFormat").filter(|m| m.contains('/')),
            duration_s: string(object, "duration").and_then(|d| read::seconds(&d)),
            title: string(object, "name"),
            description: string(object, "description"),
            ..Media::default()
        });
    }

    /// A page that is a film: on YouTube by its id, elsewhere as a medium.
    fn film(&self, entry: &mut Entry, object: &'v Object) {
        self.medium(entry, object);
        let addresses = ["embedUrl", "contentUrl", "url"].iter().filter_map(|key| self.address(get(object, key)?));
        if let Some(id) = addresses.filter_map(|a| Url::parse(&a).ok()).find_map(|a| crate::youtube::video_id(&a)) {
            entry.video = Some(Video {
                site: "youtube".to_owned(),
                id,
                thumbnail: entry.media.iter().find(|m| m.is_thumbnail).map(|m| m.url.clone()),
                description: string(object, "description"),
                duration_s: string(object, "duration").and_then(|d| read::seconds(&d)),
                ..Video::default()
            });
        }
        // A transcript in words is the film's text.
        if let Some(words) = string(object, "transcript") {
            match html::has_scheme(&words) {
                true => entry.transcripts.push(Transcript { url: words, ..Transcript::default() }),
                false => entry.content = entry.content.take().or(Some(Text::plain(words))),
            }
        }
    }
}
