//! RSS 2.0 (rssboard.org/rss-specification), with `content:encoded`, Dublin Core, Media RSS, and Atom's links.

use carewire_schemas::CuratedV1;
use jiff::Timestamp;

use super::{
    Attached, FeedItem, FeedMeta,
    parts::{NAMESPACES, categories, feed_links, language, media, mime, title},
    web_address,
    xml::Writer,
};

/// The feed in RSS.
#[must_use]
pub fn rss(meta: &FeedMeta, items: &[FeedItem]) -> Vec<u8> {
    let size: usize = items.iter().map(|item| item.value.html.len() + 2_000).sum();
    let mut xml = Writer::new(size + 4_000);
    xml.raw("<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\"");
    xml.raw(" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"").raw(NAMESPACES);
    if meta.podcast {
        xml.raw(PODCAST_NAMESPACES);
    }
    xml.raw(">\n<channel>\n");
    xml.element("title", &meta.title).element("link", &meta.page_url);
    xml.element("description", if meta.description.is_empty() { &meta.title } else { &meta.description });
    xml.element("language", &meta.language).element("lastBuildDate", &date(meta.updated));
    xml.element("generator", "Carewire").raw("<docs>https://www.rssboard.org/rss-specification</docs>\n");
    feed_links(&mut xml, "atom:link", meta, "application/rss+xml");
    let picture = meta.picture.as_deref().and_then(web_address);
    if let Some(url) = picture {
        xml.raw("<image>").element("url", url).element("title", &meta.title).element("link", &meta.page_url);
        xml.raw("</image>\n");
    }
    if meta.podcast {
        podcast(&mut xml, meta, picture);
    }
    for item in items {
        entry(&mut xml, meta, &item.value);
    }
    xml.raw("</channel>\n</rss>\n");
    xml.finish()
}

/// Namespaces of podcasts.
const PODCAST_NAMESPACES: &str = concat!(
    " xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\"",
    " xmlns:podcast=\"https://podcastindex.org/namespace/1.0\""
);

/// What players want of a podcast (Apple's "Podcast RSS feed requirements"; Podcast namespace: `guid`, `medium`).
fn podcast(xml: &mut Writer, meta: &FeedMeta, picture: Option<&str>) {
    xml.element("itunes:author", "Carewire").element("itunes:explicit", "false");
    xml.raw("<itunes:category text=\"Health &amp; Fitness\"/>\n");
    if let Some(url) = picture {
        xml.empty("itunes:image", &[("href", url)]);
    }
    xml.element("podcast:guid", meta.id.trim_start_matches("urn:uuid:")).element("podcast:medium", "podcast");
}

/// What players want of an episode.
fn episode(xml: &mut Writer, item: &CuratedV1) {
    let sound = item.media.iter().find(|media| media.kind.is_attached());
    if let Some(seconds) = sound.and_then(|media| media.duration) {
        xml.element("itunes:duration", &seconds.to_string());
    }
    if let Some(origin) = item.sources.first() {
        xml.element("itunes:author", &origin.organization.name);
    }
    let preview = item.media.iter().filter(|media| media.thumbnail || media.kind.is_image());
    if let Some(url) = preview.filter_map(|media| web_address(&media.url)).next() {
        xml.empty("itunes:image", &[("href", url)]);
    }
}

/// RFC 9110 §5.6.7, which is a form of RFC 822's dates that RSS asks for.
fn date(instant: Timestamp) -> String {
    // Years before 0 cannot be written so; nothing was published then.
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&instant)
        .unwrap_or_else(|_| "Thu, 01 Jan 1970 00:00:00 GMT".to_owned())
}

fn entry(xml: &mut Writer, meta: &FeedMeta, item: &CuratedV1) {
    xml.raw("<item>\n");
    xml.element("title", title(item));
    let page = format!("{}items/{}", meta.base, item.id);
    xml.element("link", item.url.as_deref().and_then(web_address).unwrap_or(&page));
    xml.raw("<guid isPermaLink=\"false\">urn:uuid:").raw(&item.id.to_string()).raw("</guid>\n");
    xml.element("pubDate", &date(item.published)).element("atom:updated", &item.updated.to_string());
    let mut any = false;
    for person in item.authors.iter().filter(|person| !person.name.trim().is_empty()) {
        any = true;
        xml.element("dc:creator", &person.name);
    }
    if let Some(origin) = item.sources.first() {
        let organization = &origin.organization;
        if !any {
            xml.element("dc:creator", &organization.name);
        }
        let url = format!("{}feeds/organizations/{}.rss", meta.base, organization.slug);
        xml.element_with("source", &[("url", &url)], &organization.name);
    }
    for source in &item.sources {
        if let Some(url) = source.url.as_deref().and_then(web_address) {
            xml.empty("atom:link", &[("rel", "via"), ("href", url), ("title", &source.organization.name)]);
        }
    }
    for (system, code, name) in categories(item) {
        // RSS has no label: the name for people, the code for programs, each as a category of its own.
        xml.element_with("category", &[("domain", system)], code).element("category", name);
    }
    if let Some(tag) = language(item.language.as_deref()) {
        xml.element("dc:language", tag);
    }
    if let Some(licence) = &item.licence {
        xml.element("dc:rights", licence);
    }
    xml.element("description", if item.summary.is_empty() { title(item) } else { &item.summary });
    if !item.html.is_empty() {
        xml.element("content:encoded", &item.html);
    }
    // One enclosure an item is what readers understand; the others stand in `media:content`.
    let attached = item.media.iter().find(|media| media.kind.is_attached() && web_address(&media.url).is_some());
    if let Some(media) = attached {
        let length = media.length.unwrap_or(0).to_string();
        let mime = mime(media).unwrap_or("application/octet-stream");
        xml.empty("enclosure", &[("url", &media.url), ("length", &length), ("type", mime)]);
    }
    if meta.podcast {
        episode(xml, item);
    }
    media(xml, item);
    xml.raw("</item>\n");
}
