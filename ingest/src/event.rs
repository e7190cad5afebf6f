//! A feed's entry as an event: a pure mapping from what the reader found to what stages and stores exchange.

use carewire_feeds as feeds;
use carewire_schemas::{
    Change, Content, EntryId, EntryV1, FeedId, Media, MediaKind, OrganizationId, Person, SourceRef, Text, TextType,
    Via, Video,
};
use jiff::Timestamp;

/// What an event says that its entry does not.
#[derive(Clone, Copy, Debug)]
pub struct EventContext<'a> {
    /// The feed.
    pub feed: FeedId,
    /// Whose feed it is.
    pub organization: OrganizationId,
    /// The feed's turn.
    pub version: i64,
    /// How the entry came.
    pub via: Via,
    /// Whether it is history, not news.
    pub history: bool,
    /// When it was read.
    pub seen: Timestamp,
    /// What the feed says of itself: language, authors and licence hold for entries that say nothing of their own.
    pub document: &'a feeds::Feed,
}

/// No reader shows more, and a hostile feed might list millions.
const MAX_LIST: usize = 100;

/// The event of a new or changed entry.
#[must_use]
pub fn entry_event(entry: feeds::Entry, id: EntryId, change: Change, context: &EventContext<'_>) -> EntryV1 {
    EntryV1 { content: content(entry, context.document), ..bare_event(id, change, context) }
}

/// The event of an entry that its feed declares deleted: it names the entry only.
#[must_use]
pub(crate) fn deletion_event(id: EntryId, guid: &str, context: &EventContext<'_>) -> EntryV1 {
    let content = Content { guid: Some(guid.to_owned()), ..Content::default() };
    EntryV1 { content, ..bare_event(id, Change::Deleted, context) }
}

fn bare_event(entry: EntryId, change: Change, context: &EventContext<'_>) -> EntryV1 {
    EntryV1 {
        entry,
        feed: context.feed,
        organization: context.organization,
        version: context.version,
        via: context.via,
        change,
        history: context.history,
        seen: context.seen,
        reason: None,
        content: Content::default(),
    }
}

fn content(entry: feeds::Entry, feed: &feeds::Feed) -> Content {
    let language = entry
        .language
        .clone()
        .or_else(|| {
            [&entry.content, &entry.summary, &entry.title].into_iter().flatten().find_map(|t| t.language.clone())
        })
        .or_else(|| feed.language.clone());
    let media = media(&entry);
    let reviewed = entry.review();
    let authors = if entry.authors.is_empty() { &feed.authors } else { &entry.authors };
    let source = entry.source.map(|source| SourceRef { title: source.title.map(|title| title.value), url: source.url });
    Content {
        authors: authors.iter().filter_map(person).take(MAX_LIST).collect(),
        categories: categories(&entry.categories),
        guid: entry.id,
        url: entry.url,
        title: entry.title.map(text),
        summary: entry.summary.map(text),
        body: entry.content.map(text),
        published: entry.published.or(entry.created),
        updated: entry.updated,
        reviewed: reviewed.last,
        next_review: reviewed.next,
        reviewed_by: entry.reviewed_by.iter().filter_map(person).take(MAX_LIST).collect(),
        language,
        media,
        video: entry.video.map(video),
        licence: entry.licence.or_else(|| feed.licence.clone()),
        source: source.filter(|source| *source != SourceRef::default()),
    }
}

fn text(text: feeds::Text) -> Text {
    let r#type = match text.kind {
        feeds::TextKind::Plain => TextType::Text,
        feeds::TextKind::Html | feeds::TextKind::Xhtml => TextType::Html,
    };
    Text { r#type, value: text.value }
}

/// A person by name, else by page. Mail addresses stay with their feed: a network need not spread them.
pub(crate) fn person(person: &feeds::Person) -> Option<Person> {
    let name = person.name.clone().or_else(|| person.url.clone())?;
    Some(Person { name, url: person.url.clone() })
}

fn categories(given: &[feeds::Category]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for category in given.iter().take(MAX_LIST) {
        let name = category.label.as_deref().unwrap_or(&category.term).trim();
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn media(entry: &feeds::Entry) -> Vec<Media> {
    let mut list: Vec<Media> = Vec::new();
    for given in entry.media.iter().take(MAX_LIST) {
        if list.iter().any(|known| known.url == given.url) {
            continue;
        }
        let kind = match given.kind {
            feeds::MediaKind::Image => MediaKind::Image,
            feeds::MediaKind::Audio => MediaKind::Audio,
            feeds::MediaKind::Video => MediaKind::Video,
            feeds::MediaKind::Document => MediaKind::Document,
            feeds::MediaKind::Other => MediaKind::Other,
        };
        // An episode's length stands beside its enclosure.
        let of_episode = (given.is_enclosure && matches!(kind, MediaKind::Audio | MediaKind::Video))
            .then_some(entry.itunes.duration_s)
            .flatten();
        list.push(Media {
            url: given.url.clone(),
            kind,
            mime: given.mime.clone(),
            duration: given.duration_s.or(of_episode).and_then(seconds),
            length: given.length_bytes.filter(|&length| length > 0),
            title: given.title.clone().or_else(|| given.description.clone()),
            thumbnail: given.is_thumbnail,
        });
    }
    if let Some(url) = entry.itunes.image.clone().filter(|url| !list.iter().any(|known| known.url == *url)) {
        let kind = MediaKind::Image;
        list.push(Media { url, kind, mime: None, duration: None, length: None, title: None, thumbnail: true });
    }
    list
}

fn video(video: feeds::Video) -> Video {
    Video {
        site: video.site,
        id: video.id,
        channel: video.channel_id,
        thumbnail: video.thumbnail,
        duration: video.duration_s.and_then(seconds),
        captions: None,
        live: None,
    }
}

/// Whole seconds; `None` for what is no length of time.
fn seconds(seconds: f64) -> Option<u32> {
    (seconds.is_finite() && seconds > 0.0 && seconds < f64::from(u32::MAX)).then(|| seconds.round().max(1.0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(value: &str) -> Option<feeds::Text> {
        Some(feeds::Text { value: value.to_owned(), ..feeds::Text::default() })
    }

    #[test]
    fn an_entry_becomes_an_event() {
        let document = feeds::Feed {
            language: Some("es".to_owned()),
            licence: Some("https://creativecommons.org/licenses/by/4.0/".to_owned()),
            authors: vec![feeds::Person { name: Some("Hospital General".to_owned()), ..feeds::Person::default() }],
            ..feeds::Feed::default()
        };
        let entry = feeds::Entry {
            id: Some("guid-1".to_owned()),
            url: Some("https://example.org/1".to_owned()),
            title: plain("Vivir con diabetes"),
            content: Some(feeds::Text {
                kind: feeds::TextKind::Xhtml,
                value: "<p>…</p>".to_owned(),
                ..feeds::Text::default()
            }),
            published: "2026-11-20T08:00:00Z".parse().ok(),
            categories: ["Diabetes", "diabetes", "Diabetes", " "]
                .map(|term| feeds::Category { term: term.to_owned(), ..feeds::Category::default() })
                .to_vec(),
            media: vec![
                feeds::Media {
                    url: "https://example.org/1.mp3".to_owned(),
                    kind: feeds::MediaKind::Audio,
                    is_enclosure: true,
                    length_bytes: Some(0),
                    ..feeds::Media::default()
                };
                2
            ],
            itunes: feeds::Itunes { duration_s: Some(61.4), ..feeds::Itunes::default() },
            ..feeds::Entry::default()
        };
        let (feed, organization) = (FeedId(uuid::Uuid::from_u128(1)), OrganizationId(uuid::Uuid::from_u128(2)));
        let context = EventContext {
            feed,
            organization,
            version: 7,
            via: Via::Poll,
            history: true,
            seen: "2026-11-23T20:00:00Z".parse().unwrap(),
            document: &document,
        };
        let event = entry_event(entry, EntryId::derive(feed, "guid-1"), Change::New, &context);
        insta::assert_json_snapshot!(event);
        let gone = deletion_event(EntryId::derive(feed, "guid-1"), "guid-1", &context);
        insta::assert_json_snapshot!(gone);
    }

    #[test]
    fn lengths_of_time_are_whole_and_positive() {
        for (given, expected) in
            [(0.0, None), (-5.0, None), (f64::NAN, None), (f64::INFINITY, None), (0.2, Some(1)), (61.6, Some(62))]
        {
            assert_eq!(seconds(given), expected, "{given}");
        }
    }
}
