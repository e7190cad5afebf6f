//! The end of an entry and of the document: what is derived from several elements.

use super::media::kind_of;
use super::{MAX_ENTRIES, Reader};
use crate::{Entry, Feed, Format, Link, Media, MediaKind, Parsed, Text};

impl Reader<'_> {
    pub(super) fn close_entry(&mut self) {
        let Some(mut draft) = self.draft.take() else { return };
        if self.entries.len() >= MAX_ENTRIES {
            self.dropped += 1;
            return;
        }
        let e = &mut draft.entry;
        if e.title.is_none() {
            e.title = draft.other_title.or_else(|| draft.media_title.clone()).map(Text::plain);
        }
        // a date of dc:date is that of the last change where the publication is known
        match (e.published, draft.dc_date) {
            (Some(_), date) => e.updated = e.updated.or(date),
            (None, Some(date)) => {
                e.published = Some(date);
                e.updated = e.updated.or(Some(date));
            }
            (None, None) => e.published = e.created,
        }
        if let (Some(lat), Some(long)) = (draft.lat, draft.long) {
            e.location = Some((lat, long));
        }
        if let Some(video) = &mut e.video {
            video.thumbnail = e.media.iter().find(|m| m.is_thumbnail).map(|m| m.url.clone());
            video.description = draft.media_description.clone();
            video.duration_s = video.duration_s.or(draft.media_duration);
            if video.id.is_empty() {
                e.video = None;
            }
        }
        if e.summary.is_none() && e.content.is_none() {
            e.summary = draft.media_description.take().map(Text::plain);
        }
        if e.summary.is_none() && e.content.is_none() {
            e.summary = e.itunes.summary.clone().or_else(|| e.itunes.subtitle.clone()).map(Text::plain);
        }
        itunes_keywords(&e.itunes.keywords, &mut e.categories);
        finish_links(e);
        if let Some(orig) = draft.orig_link {
            e.url = Some(orig);
        }
        finish_media(e);
        if e.title.is_none() && e.id.is_none() && e.url.is_none() && e.summary.is_none() && e.content.is_none() {
            let place = format!("entry {}", self.entries.len() + 1);
            self.scan.problems.found("empty-entry", "an entry without title, address, id or text".into(), place);
        }
        self.entries.push(draft.entry);
    }

    /// The result.
    pub(super) fn finish(mut self) -> Parsed {
        if self.dropped > 0 {
            let message = format!("{} entries after the first {MAX_ENTRIES} are left out", self.dropped);
            self.scan.problems.found("too-many-entries", message, "feed".into());
        }
        let format = self.format.unwrap_or(Format::Unknown);
        finish_feed(&mut self.feed, self.site_from_rss.take(), &self.entries);
        Parsed {
            format,
            encoding: "utf-8",
            feed: self.feed,
            entries: self.entries,
            deleted: self.deleted,
            problems: self.scan.problems.into_vec(),
        }
    }
}

/// iTunes' keywords are categories too, each once.
fn itunes_keywords(words: &[String], categories: &mut Vec<crate::Category>) {
    for word in words.iter().take(MAX_LIST) {
        if !categories.iter().any(|c| c.term == *word) {
            let scheme = Some("http://www.itunes.com/".to_owned());
            categories.push(crate::Category { term: word.clone(), scheme, label: None });
        }
    }
}

fn is_rel(link: &Link, rel: &str) -> bool {
    link.rel.as_deref().is_some_and(|r| {
        r == rel || r.strip_prefix("http://www.iana.org/assignments/relation/").is_some_and(|r| r == rel)
    })
}

fn is_alternate(link: &Link) -> bool {
    !link.href.is_empty() && (link.rel.is_none() || is_rel(link, "alternate"))
}

/// The page among several links: HTML before anything else (RFC 4287, 4.2.7.2).
fn page<'l>(links: impl Iterator<Item = &'l Link> + Clone) -> Option<&'l Link> {
    let html = |l: &&Link| l.mime.as_deref().is_some_and(|m| m.contains("html"));
    links.clone().find(html).or_else(|| {
        let untyped = |l: &&Link| l.mime.is_none();
        links.clone().find(untyped).or_else(|| links.clone().next())
    })
}

fn finish_links(e: &mut Entry) {
    e.url = page(e.links.iter().filter(|l| is_alternate(l))).map(|l| l.href.clone());
    if e.url.is_none()
        && e.id_is_permalink
        && let Some(id) = &e.id
    {
        e.url = Some(id.clone());
    }
    for link in e.links.iter().filter(|l| !l.href.is_empty()) {
        if is_rel(link, "enclosure") {
            e.media.push(Media {
                url: link.href.clone(),
                mime: link.mime.clone(),
                length_bytes: link.length,
                title: link.title.clone(),
                is_enclosure: true,
                ..Media::default()
            });
        } else if is_rel(link, "license") && e.licence.is_none() {
            e.licence = Some(link.href.clone());
        } else if is_rel(link, "replies") && e.comments_feed.is_none() {
            e.comments_feed = Some(link.href.clone());
        } else if is_rel(link, "via") && e.source.is_none() {
            e.source = Some(crate::Source {
                url: Some(link.href.clone()),
                title: link.title.clone().map(Text::plain),
                ..Default::default()
            });
        }
    }
}

/// Media, links, categories and persons that one entry keeps: enough for any honest one, and few enough that looking for
/// doubles among them costs nothing.
pub(super) const MAX_LIST: usize = 500;

/// Kinds where they are unknown; each address once.
pub(crate) fn finish_media(e: &mut Entry) {
    e.media.truncate(MAX_LIST);
    e.links.truncate(MAX_LIST);
    e.categories.truncate(MAX_LIST);
    for m in &mut e.media {
        if m.kind == MediaKind::Other {
            m.kind = kind_of(m.mime.as_deref(), &m.url);
        }
        if m.is_enclosure && m.duration_s.is_none() && matches!(m.kind, MediaKind::Audio | MediaKind::Video) {
            m.duration_s = e.itunes.duration_s;
        }
    }
    if e.media.len() > 1 {
        let mut i = 1;
        while i < e.media.len() {
            let (before, rest) = e.media.split_at_mut(i);
            match before.iter_mut().find(|m| m.url == rest[0].url && m.is_thumbnail == rest[0].is_thumbnail) {
                Some(old) => {
                    let again = std::mem::take(&mut rest[0]);
                    old.is_enclosure |= again.is_enclosure;
                    old.mime = old.mime.take().or(again.mime);
                    old.title = old.title.take().or(again.title);
                    old.description = old.description.take().or(again.description);
                    old.length_bytes = old.length_bytes.or(again.length_bytes);
                    old.duration_s = old.duration_s.or(again.duration_s);
                    old.width = old.width.or(again.width);
                    old.height = old.height.or(again.height);
                    e.media.remove(i);
                }
                None => i += 1,
            }
        }
    }
}

fn finish_feed(feed: &mut Feed, rss_site: Option<String>, entries: &[Entry]) {
    for link in feed.links.iter().filter(|l| !l.href.is_empty()) {
        let slot =
            match link.rel.as_deref().map(|r| r.strip_prefix("http://www.iana.org/assignments/relation/").unwrap_or(r))
            {
                Some("self") => &mut feed.self_url,
                Some("hub") => {
                    feed.hubs.push(link.href.clone());
                    continue;
                }
                Some("next") => &mut feed.next_url,
                Some("previous" | "prev") => &mut feed.previous_url,
                Some("prev-archive") => &mut feed.prev_archive,
                Some("next-archive") => &mut feed.next_archive,
                Some("current") => &mut feed.current_url,
                Some("license") => &mut feed.licence,
                _ => continue,
            };
        slot.get_or_insert_with(|| link.href.clone());
    }
    itunes_keywords(&feed.itunes.keywords, &mut feed.categories);
    if feed.subtitle.is_none() {
        feed.subtitle = feed.itunes.summary.clone().or_else(|| feed.itunes.subtitle.clone()).map(Text::plain);
    }
    if feed.url.is_none() {
        feed.url = page(feed.links.iter().filter(|l| is_alternate(l))).map(|l| l.href.clone());
    }
    if let Some(site) = rss_site {
        feed.url = Some(site);
    }
    if feed.youtube_channel_id.is_none() && feed.id.as_deref().is_some_and(|i| i.starts_with("yt:channel:")) {
        feed.youtube_channel_id = entries.iter().find_map(|e| e.video.as_ref()?.channel_id.clone());
    }
    feed.image = feed.image.take().filter(|i| *i != crate::Image::default());
}
