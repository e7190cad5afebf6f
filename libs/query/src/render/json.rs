//! JSON Feed 1.1 (jsonfeed.org/version/1.1).

use std::borrow::Cow;

use carewire_schemas::{CuratedV1, ItemKind, Media, PublicSource, Role, StoryId};
use serde::Serialize;

use super::{
    Attached, FeedItem, FeedMeta,
    parts::{language, mime, title},
    scheme, web_address,
};

#[derive(Serialize)]
struct Feed<'a> {
    version: &'static str,
    title: &'a str,
    home_page_url: &'a str,
    feed_url: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<&'a str>,
    language: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_url: Option<&'a str>,
    authors: [Author<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hubs: Vec<Hub<'a>>,
    _carewire: FeedExtension<'a>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Hub<'a> {
    r#type: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct FeedExtension<'a> {
    about: String,
    id: &'a str,
    updated: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    archive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_archive: Option<&'a str>,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: String,
    url: Cow<'a, str>,
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    content_html: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_text: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    date_published: String,
    date_modified: String,
    authors: Vec<Author<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment<'a>>,
    _carewire: ItemExtension<'a>,
}

#[derive(Serialize)]
struct Attachment<'a> {
    url: &'a str,
    mime_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_in_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_in_seconds: Option<u32>,
}

#[derive(Serialize)]
struct ItemExtension<'a> {
    page: String,
    version: i64,
    story: StoryId,
    kind: ItemKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<Condition<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    sources: &'a [PublicSource],
}

#[derive(Serialize)]
struct Condition<'a> {
    code: &'a str,
    scheme: &'static str,
    name: &'a str,
    role: Role,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    topic: bool,
}

/// The feed as JSON Feed. `next_url` leads to older items: the next page, or the archive before.
#[must_use]
pub fn json(meta: &FeedMeta, items: &[FeedItem]) -> Vec<u8> {
    let paging = &meta.paging;
    let feed = Feed {
        version: "https://jsonfeed.org/version/1.1",
        title: &meta.title,
        home_page_url: &meta.page_url,
        feed_url: &meta.self_url,
        description: &meta.description,
        icon: meta.picture.as_deref().and_then(web_address),
        language: &meta.language,
        next_url: paging.next.as_deref().or(paging.prev_archive.as_deref()),
        authors: [Author { name: "Carewire", url: Some(&meta.base) }],
        hubs: meta.hub.iter().map(|url| Hub { r#type: "WebSub", url }).collect(),
        _carewire: FeedExtension {
            about: format!("{}docs", meta.base),
            id: &meta.id,
            updated: meta.updated.to_string(),
            archive: paging.archive,
            current: paging.current.as_deref(),
            prev_archive: paging.prev_archive.as_deref(),
        },
        items: items.iter().map(|item| entry(meta, &item.value)).collect(),
    };
    let mut out = Vec::with_capacity(items.len() * 3_000 + 2_000);
    // Writing plain structs to memory cannot fail: there is no map with keys that are no text, and no I/O.
    let _ = serde_json::to_writer(&mut out, &feed);
    out
}

fn entry<'a>(meta: &FeedMeta, item: &'a CuratedV1) -> Item<'a> {
    let page = format!("{}items/{}", meta.base, item.id);
    let named = item.authors.iter().filter(|person| !person.name.trim().is_empty());
    let mut authors: Vec<_> =
        named.map(|person| Author { name: &person.name, url: person.url.as_deref().and_then(web_address) }).collect();
    if let (true, Some(origin)) = (authors.is_empty(), item.sources.first()) {
        authors.push(Author { name: &origin.organization.name, url: None });
    }
    let preview = item.video.as_ref().and_then(|video| video.thumbnail.as_deref());
    let image =
        item.media.iter().filter(|media| media.thumbnail || media.kind.is_image()).map(|media| media.url.as_str());
    let tags = item.conditions.iter().filter(|tag| !tag.negated);
    // The format asks for content: where there is none, the summary or the title is it.
    let text = if item.summary.is_empty() { title(item) } else { &item.summary };
    Item {
        id: format!("urn:uuid:{}", item.id),
        url: item.url.as_deref().and_then(web_address).map_or_else(|| Cow::Owned(page.clone()), Cow::Borrowed),
        title: title(item),
        content_html: &item.html,
        content_text: item.html.is_empty().then_some(text),
        summary: &item.summary,
        image: preview.into_iter().chain(image).find_map(web_address),
        date_published: item.published.to_string(),
        date_modified: item.updated.to_string(),
        authors,
        tags: tags.clone().map(|tag| tag.name.as_str()).collect(),
        language: language(item.language.as_deref()),
        attachments: item.media.iter().filter(|media| media.kind.is_attached()).filter_map(attachment).collect(),
        _carewire: ItemExtension {
            page,
            version: item.version,
            story: item.story,
            kind: item.kind,
            licence: item.licence.as_deref(),
            conditions: tags
                .map(|tag| Condition {
                    code: tag.code.as_str(),
                    scheme: scheme(tag.code.as_str()).0,
                    name: &tag.name,
                    role: tag.role,
                    topic: tag.topic,
                })
                .collect(),
            sources: &item.sources,
        },
    }
}

fn attachment(media: &Media) -> Option<Attachment<'_>> {
    Some(Attachment {
        url: web_address(&media.url)?,
        mime_type: mime(media).unwrap_or("application/octet-stream"),
        title: media.title.as_deref(),
        size_in_bytes: media.length,
        duration_in_seconds: media.duration,
    })
}
