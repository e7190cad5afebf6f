//! Atom 1.0 (RFC 4287), with deletions (RFC 6721), archives (RFC 5005), licences (RFC 4946) and Media RSS.

use carewire_schemas::CuratedV1;

use super::{
    Attached, FeedItem, FeedMeta,
    parts::{NAMESPACES, categories, feed_links, language, media, mime, title},
    web_address,
    xml::Writer,
};

/// The feed in Atom.
#[must_use]
pub fn atom(meta: &FeedMeta, items: &[FeedItem]) -> Vec<u8> {
    let size: usize = items.iter().map(|item| item.value.html.len() + 2_000).sum();
    let mut xml = Writer::new(size + 4_000);
    xml.raw("<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\"");
    xml.raw(NAMESPACES).raw(" xml:lang=\"").text(&meta.language).raw("\">\n");
    xml.element("id", &meta.id).element("title", &meta.title);
    if !meta.description.is_empty() {
        xml.element("subtitle", &meta.description);
    }
    xml.element("updated", &meta.updated.to_string());
    xml.raw("<author><name>Carewire</name><uri>").text(&meta.base).raw("</uri></author>\n");
    xml.raw("<generator uri=\"").text(&meta.base).raw("\">Carewire</generator>\n");
    if let Some(picture) = meta.picture.as_deref().and_then(web_address) {
        xml.element("logo", picture);
    }
    feed_links(&mut xml, "link", meta, "application/atom+xml");
    xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &meta.page_url)]);
    for deleted in &meta.deleted {
        let (id, at) = (format!("urn:uuid:{}", deleted.id), deleted.at.to_string());
        let attributes = [("ref", id.as_str()), ("when", at.as_str())];
        match &deleted.reason {
            None => {
                xml.empty("at:deleted-entry", &attributes);
            }
            Some(reason) => {
                xml.tag("at:deleted-entry", &attributes, false);
                xml.element("at:comment", reason).raw("</at:deleted-entry>\n");
            }
        }
    }
    for item in items {
        entry(&mut xml, meta, &item.value);
    }
    xml.raw("</feed>\n");
    xml.finish()
}

fn entry(xml: &mut Writer, meta: &FeedMeta, item: &CuratedV1) {
    match language(item.language.as_deref()) {
        Some(tag) => xml.tag("entry", &[("xml:lang", tag)], false),
        None => xml.tag("entry", &[], false),
    };
    let page = format!("{}items/{}", meta.base, item.id);
    xml.raw("\n<id>urn:uuid:").raw(&item.id.to_string()).raw("</id>\n");
    xml.element("title", title(item));
    xml.element("published", &item.published.to_string()).element("updated", &item.updated.to_string());
    links(xml, item, &page);
    authors(xml, item);
    for (system, code, name) in categories(item) {
        xml.empty("category", &[("scheme", system), ("term", code), ("label", name)]);
    }
    if let Some(licence) = &item.licence {
        match web_address(licence) {
            Some(url) => xml.empty("link", &[("rel", "license"), ("href", url)]),
            None => xml.element("rights", licence),
        };
    }
    source(xml, meta, item);
    if !item.summary.is_empty() {
        xml.element_with("summary", &[("type", "text")], &item.summary);
    }
    if !item.html.is_empty() {
        xml.element_with("content", &[("type", "html")], &item.html);
    } else if item.summary.is_empty() {
        // RFC 4287 §4.1.2 asks for a summary or an alternate link; both are better than either.
        xml.element_with("summary", &[("type", "text")], title(item));
    }
    media(xml, item);
    xml.raw("</entry>\n");
}

/// The thing itself is the alternate; who carries it stands in `via`; our own page is `related`.
fn links(xml: &mut Writer, item: &CuratedV1, page: &str) {
    match item.url.as_deref().and_then(web_address) {
        Some(url) => {
            xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", url)]);
            xml.empty("link", &[("rel", "related"), ("type", "text/html"), ("href", page)]);
        }
        None => {
            xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", page)]);
        }
    }
    for source in &item.sources {
        if let Some(url) = source.url.as_deref().and_then(web_address) {
            xml.empty("link", &[("rel", "via"), ("href", url), ("title", &source.organization.name)]);
        }
    }
    for media in item.media.iter().filter(|media| media.kind.is_attached()) {
        let Some(url) = web_address(&media.url) else { continue };
        let length = media.length.map(|length| length.to_string());
        let mut attributes = vec![("rel", "enclosure"), ("href", url)];
        attributes.extend(mime(media).map(|mime| ("type", mime)));
        attributes.extend(length.as_deref().map(|length| ("length", length)));
        xml.empty("link", &attributes);
    }
}

/// RFC 4287 §4.1.2: an author each; where none is known, the organization is.
fn authors(xml: &mut Writer, item: &CuratedV1) {
    let mut any = false;
    for person in item.authors.iter().filter(|person| !person.name.trim().is_empty()) {
        any = true;
        xml.raw("<author><name>").text(&person.name).raw("</name>");
        if let Some(url) = person.url.as_deref().and_then(web_address) {
            xml.raw("<uri>").text(url).raw("</uri>");
        }
        xml.raw("</author>\n").element("dc:creator", &person.name);
    }
    if let (false, Some(source)) = (any, item.sources.first()) {
        xml.raw("<author><name>").text(&source.organization.name).raw("</name></author>\n");
    }
}

/// RFC 4287 §4.2.11: the feed that the entry comes from, here the network's feed of its origin.
fn source(xml: &mut Writer, meta: &FeedMeta, item: &CuratedV1) {
    let Some(origin) = item.sources.first() else { return };
    let slug = &origin.organization.slug;
    let own = format!("{}feeds/organizations/{slug}.atom", meta.base);
    let page = format!("{}organizations/{slug}", meta.base);
    xml.raw("<source>").element("id", &super::feed_id(&own)).element("title", &origin.organization.name);
    xml.element("updated", &item.updated.to_string());
    xml.empty("link", &[("rel", "self"), ("type", "application/atom+xml"), ("href", &own)]);
    xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &page)]).raw("</source>\n");
}
