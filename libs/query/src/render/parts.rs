//! What Atom and RSS have in common: extension elements that say the same in both.

use carewire_schemas::{CuratedV1, Media, MediaKind};

use super::{FeedMeta, scheme, web_address, xml::Writer};

/// Namespaces of both formats beside their own.
pub(super) const NAMESPACES: &str = concat!(
    " xmlns:dc=\"http://purl.org/dc/elements/1.1/\"",
    " xmlns:media=\"http://search.yahoo.com/mrss/\"",
    " xmlns:fh=\"http://purl.org/syndication/history/1.0\""
);

/// The links of a feed, in Atom's vocabulary; `name` is the element (`link`, or `atom:link` in RSS).
pub(super) fn feed_links(xml: &mut Writer, name: &str, meta: &FeedMeta, own_type: &str) {
    xml.empty(name, &[("rel", "self"), ("type", own_type), ("href", &meta.self_url)]);
    for (format, url) in &meta.alternates {
        let media_type = format.media_type().split(';').next().unwrap_or_default();
        xml.empty(name, &[("rel", "alternate"), ("type", media_type), ("href", url)]);
    }
    let paging = &meta.paging;
    for (rel, url) in [
        ("hub", &meta.hub),
        ("current", &paging.current),
        ("prev-archive", &paging.prev_archive),
        ("first", &paging.first),
        ("previous", &paging.previous),
        ("next", &paging.next),
    ] {
        if let Some(url) = url {
            xml.empty(name, &[("rel", rel), ("href", url)]);
        }
    }
    if paging.archive {
        xml.raw("<fh:archive/>\n");
    }
}

/// Conditions as pairs for a category: scheme, code with its prefix, name.
pub(super) fn categories(item: &CuratedV1) -> impl Iterator<Item = (&'static str, &str, &str)> {
    item.conditions.iter().filter(|tag| !tag.negated).map(|tag| {
        let (system, _) = scheme(tag.code.as_str());
        (system, tag.code.as_str(), tag.name.as_str())
    })
}

/// Media RSS (rssboard.org/media-rss): pictures, sound and video of an item.
pub(super) fn media(xml: &mut Writer, item: &CuratedV1) {
    let mut previews: Vec<&str> = Vec::new();
    let of_video = item.video.as_ref().and_then(|video| video.thumbnail.as_deref());
    let of_media = item.media.iter().filter(|media| media.thumbnail).map(|media| media.url.as_str());
    for url in of_video.into_iter().chain(of_media).filter_map(web_address) {
        if !previews.contains(&url) {
            previews.push(url);
        }
    }
    for media in item.media.iter().filter(|media| !media.thumbnail) {
        media_content(xml, media);
    }
    for url in previews {
        xml.empty("media:thumbnail", &[("url", url)]);
    }
}

fn media_content(xml: &mut Writer, media: &Media) {
    let Some(url) = web_address(&media.url) else { return };
    let (duration, length) = (media.duration.map(|n| n.to_string()), media.length.map(|n| n.to_string()));
    let mut attributes = vec![("url", url)];
    if let Some(mime) = mime(media) {
        attributes.push(("type", mime));
    }
    if let Some(length) = &length {
        attributes.push(("fileSize", length));
    }
    attributes.push((
        "medium",
        match media.kind {
            MediaKind::Image => "image",
            MediaKind::Audio => "audio",
            MediaKind::Video => "video",
            MediaKind::Document | MediaKind::Other => "document",
        },
    ));
    if let Some(duration) = &duration {
        attributes.push(("duration", duration));
    }
    match media.title.as_deref().filter(|title| !title.is_empty()) {
        None => {
            xml.empty("media:content", &attributes);
        }
        Some(title) => {
            xml.tag("media:content", &attributes, false);
            xml.element_with("media:title", &[("type", "plain")], title).raw("</media:content>\n");
        }
    }
}

/// The media type, if it has the form of one (RFC 6838 §4.2).
pub(super) fn mime(media: &Media) -> Option<&str> {
    let text = media.mime.as_deref()?;
    let token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    let (kind, sub) = text.split(';').next().unwrap_or_default().trim().split_once('/')?;
    (token(kind) && token(sub)).then(|| text.split(';').next().unwrap_or_default().trim())
}

/// A language tag that may stand in `xml:lang`: letters, digits and hyphens (RFC 5646 §2.1).
pub(super) fn language(tag: Option<&str>) -> Option<&str> {
    tag.filter(|tag| {
        (2..=35).contains(&tag.len())
            && tag
                .split('-')
                .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
            && tag.as_bytes()[0].is_ascii_alphabetic()
    })
}

/// A title that is never empty: some readers drop entries without one.
pub(crate) fn title(item: &CuratedV1) -> &str {
    match (item.title.trim(), item.url.as_deref()) {
        ("", Some(url)) => url,
        ("", None) => "Untitled",
        (title, _) => title,
    }
}
