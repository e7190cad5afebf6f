//! What readers see of an entry, but for its conditions.

use carewire_schemas::{Cleaned, Content, EntryV1, Text, TextType};
use jiff::Timestamp;
use url::Url;

use super::{embargo, entities, language, sanitise, text, traits, url as address};
use crate::metrics;

/// Longest title, summary and stand-in title, in characters.
const MAX_TITLE: usize = 300;
/// Longest summary, in characters.
const MAX_SUMMARY: usize = 500;
/// Longest stand-in for a missing title, in characters.
const MAX_SENTENCE: usize = 120;
/// Most authors, categories and media files kept of one entry.
const MAX_LIST: usize = 50;

/// Cleans the content of `entry`; `conditions` stay empty.
#[must_use]
pub fn clean(entry: &EntryV1) -> Cleaned {
    let content = &entry.content;
    let url = content.url.as_deref().and_then(address::canonical);
    let (html, plain) = body(content, url.as_ref());
    let summary = summary(content, &plain);
    let address = url.as_ref().map(Url::to_string);
    let (title, title_made) = title(content, &plain, address.as_deref());
    let language = language::of(content.language.as_deref(), &title, &plain);
    let published = not_after(content.published.or(content.updated), entry.seen);
    let updated = not_after(content.updated, entry.seen);
    let reviewed = not_after(content.reviewed, entry.seen);
    let embargo = embargo::of(&title, &plain, content.published, entry.seen);
    let (kind, mut traits) = traits::of(&traits::Looked {
        title: &title,
        text: &plain,
        html: &html,
        url: address.as_deref(),
        language: language.as_deref(),
        media: traits::media_kind(content),
        dated: updated.max(published).max(reviewed),
    });
    (traits.reviewed, traits.next_review, traits.title_made) = (reviewed, content.next_review, title_made);
    traits.reviewed_by = content.reviewed_by.iter().filter_map(person).take(MAX_LIST).collect();
    // Its publisher knows better than a rule of thumb.
    traits.review_by = content.next_review.or(traits.review_by);
    Cleaned {
        language,
        kind,
        published,
        updated,
        embargo,
        authors: content.authors.iter().filter_map(person).take(MAX_LIST).collect(),
        categories: content
            .categories
            .iter()
            .map(|name| label(name))
            .filter(|name| !name.is_empty())
            .take(MAX_LIST)
            .collect(),
        media: content.media.iter().filter(|media| is_web(&media.url)).take(MAX_LIST).cloned().collect(),
        video: content.video.clone(),
        licence: content.licence.as_deref().map(text::one_line).filter(|licence| !licence.is_empty()),
        title,
        url: address,
        summary,
        html,
        text: plain,
        conditions: Vec::new(),
        traits,
    }
}

/// Sanitised HTML and plain text: of the body, else of the summary.
fn body(content: &Content, base: Option<&Url>) -> (String, String) {
    let filled = |text: &&Text| !text.value.trim().is_empty();
    let Some(text) = content.body.as_ref().filter(filled).or(content.summary.as_ref().filter(filled)) else {
        return (String::new(), String::new());
    };
    match text.r#type {
        TextType::Html => {
            let html = sanitise::html(&text.value, base);
            let plain = text::plain(&html);
            (html, plain)
        }
        TextType::Text => {
            let plain = text::fold(&text.value[..text.value.floor_char_boundary(sanitise::MAX_HTML)]);
            (sanitise::paragraphs(&plain), plain)
        }
    }
}

fn summary(content: &Content, plain: &str) -> String {
    let own = match (&content.body, &content.summary) {
        (Some(body), Some(summary)) if !body.value.trim().is_empty() => {
            text::one_line(&as_plain(summary, MAX_SUMMARY * 40))
        }
        _ => String::new(),
    };
    if own.is_empty() {
        // Lines beyond what is shown need not be joined.
        let head = &plain[..plain.floor_char_boundary(MAX_SUMMARY * 8)];
        text::cut(&text::one_line(head), MAX_SUMMARY)
    } else {
        text::cut(&own, MAX_SUMMARY)
    }
}

/// The title as plain text; without one the first sentence of the text, else the address, else a plain statement. With it
/// whether it was made so.
fn title(content: &Content, plain: &str, url: Option<&str>) -> (String, bool) {
    let given =
        content.title.as_ref().map(|title| text::one_line(&as_plain(title, MAX_TITLE * 40))).unwrap_or_default();
    // Escaped once too often: "Crohn&amp;rsquo;s" arrives as "Crohn&rsquo;s".
    let given = if entities::any(&given) { text::one_line(&text::plain(&given)) } else { given };
    if !given.is_empty() {
        return (text::cut(&given, MAX_TITLE), false);
    }
    let sentence = text::first_sentence(plain, MAX_SENTENCE);
    if !sentence.is_empty() {
        return (sentence, true);
    }
    let made = match url.or(content.guid.as_deref()).map(text::one_line).filter(|text| !text.is_empty()) {
        Some(text) => text::cut(&text, MAX_TITLE),
        None => "(untitled)".to_owned(),
    };
    (made, true)
}

/// The plain text of at most `max` bytes of a text. Plain text that is plainly markup is read as such: feeds that do not
/// say what they send mostly send HTML.
fn as_plain(text: &Text, max: usize) -> String {
    let value = &text.value[..text.value.floor_char_boundary(max)];
    let marked =
        text.r#type == TextType::Html || value.contains("</") || value.contains("<br") || value.contains("<p>");
    if marked { text::plain(value) } else { text::fold(value) }
}

/// A date of a feed, never later than `seen`.
fn not_after(date: Option<Timestamp>, seen: Timestamp) -> Option<Timestamp> {
    date.map(|date| {
        if date > seen {
            metrics::FUTURE_DATES.inc();
        }
        date.min(seen)
    })
}

fn person(person: &carewire_schemas::Person) -> Option<carewire_schemas::Person> {
    let name = label(&person.name);
    (!name.is_empty()).then(|| carewire_schemas::Person { name, url: person.url.clone().filter(|url| is_web(url)) })
}

/// A short name (of a person, a category) as plain text.
fn label(name: &str) -> String {
    let name = &name[..name.floor_char_boundary(1000)];
    let plain = if name.contains(['<', '&']) { text::one_line(&text::plain(name)) } else { text::one_line(name) };
    text::cut(&plain, 200)
}

fn is_web(url: &str) -> bool {
    let head = |prefix: &str| url.get(..prefix.len()).is_some_and(|have| have.eq_ignore_ascii_case(prefix));
    url.len() <= 4096 && (head("https://") || head("http://"))
}
