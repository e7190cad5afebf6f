//! Entries written as Atom documents (RFC 4287, RFC 6721), in the form in which [`crate::parse`] reads them: what comes to the
//! network by other ways than a feed is handed on as if a feed had said it, so that it is read, identified and judged alike.

use jiff::Timestamp;

use crate::{Entry, Person, Text, TextKind};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><feed xmlns=\"http://www.w3.org/2005/Atom\" \
    xmlns:at=\"http://purl.org/atompub/tombstones/1.0\">";

/// A document with one entry: its id, address, texts, dates, authors, categories, licence, language and media.
#[must_use]
pub fn of_entry(entry: &Entry) -> String {
    let mut out = HEAD.to_owned();
    match &entry.language {
        Some(language) => out.push_str(&format!("<entry xml:lang=\"{}\">", escaped(language))),
        None => out.push_str("<entry>"),
    }
    let mut element = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            out.push_str(&format!("<{name}>{}</{name}>", escaped(value)));
        }
    };
    element("id", entry.id.as_deref());
    element("published", entry.published.map(|date| date.to_string()).as_deref());
    element("updated", entry.updated.map(|date| date.to_string()).as_deref());
    for (name, text) in [("title", &entry.title), ("summary", &entry.summary), ("content", &entry.content)] {
        out.push_str(&text.as_ref().map(|text| text_element(name, text)).unwrap_or_default());
    }
    out.push_str(&link("alternate", entry.url.as_deref(), ""));
    out.push_str(&link("license", entry.licence.as_deref(), ""));
    for media in &entry.media {
        let mut more = String::new();
        for (name, value) in [("type", &media.mime), ("title", &media.title)] {
            if let Some(value) = value {
                more.push_str(&format!(" {name}=\"{}\"", escaped(value)));
            }
        }
        out.push_str(&link("enclosure", Some(&media.url), &more));
    }
    for category in &entry.categories {
        out.push_str(&format!("<category term=\"{}\"/>", escaped(&category.term)));
    }
    for Person { name, url, .. } in &entry.authors {
        let uri = url.as_ref().map(|url| format!("<uri>{}</uri>", escaped(url))).unwrap_or_default();
        let name = name.as_ref().map(|name| format!("<name>{}</name>", escaped(name))).unwrap_or_default();
        out.push_str(&format!("<author>{name}{uri}</author>"));
    }
    out + "</entry></feed>"
}

/// A document that declares an entry deleted (RFC 6721, section 3).
#[must_use]
pub fn of_removal(id: &str, when: Timestamp) -> String {
    format!("{HEAD}<at:deleted-entry ref=\"{}\" when=\"{when}\"/></feed>", escaped(id))
}

fn text_element(name: &str, text: &Text) -> String {
    let kind = match text.kind {
        TextKind::Plain => "text",
        TextKind::Html | TextKind::Xhtml => "html",
    };
    format!("<{name} type=\"{kind}\">{}</{name}>", escaped(&text.value))
}

fn link(rel: &str, href: Option<&str>, more: &str) -> String {
    href.map(|href| format!("<link rel=\"{rel}\" href=\"{}\"{more}/>", escaped(href))).unwrap_or_default()
}

/// A text as XML has it, in elements and attributes; characters that XML 1.0 cannot hold are left out.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Category, Context, Media, parse};

    fn text(kind: TextKind, value: &str) -> Option<Text> {
        Some(Text { kind, value: value.to_owned(), ..Text::default() })
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let entry = Entry {
            id: Some("urn:x:1?a=1&b=<2>".to_owned()),
            url: Some("https://clinic.example/a?b=1&c=2".to_owned()),
            title: text(TextKind::Plain, "Blood pressure < 140 & what \"normal\" means"),
            summary: text(TextKind::Plain, "A summary"),
            content: text(TextKind::Html, "<p>Salt &amp; sugar, <b>less</b> of both.</p>"),
            published: Some("2026-11-20T10:00:00Z".parse().unwrap()),
            updated: Some("2026-11-21T10:00:00Z".parse().unwrap()),
            language: Some("de-AT".to_owned()),
            licence: Some("https://creativecommons.org/licenses/by/4.0/".to_owned()),
            categories: vec![Category { term: "Heart & vessels".to_owned(), ..Category::default() }],
            authors: vec![Person {
                name: Some("Dr. Jane <Doe>".to_owned()),
                url: Some("https://clinic.example/jane".to_owned()),
                ..Person::default()
            }],
            media: vec![Media {
                url: "https://clinic.example/a.mp3".to_owned(),
                mime: Some("audio/mpeg".to_owned()),
                title: Some("To be heard".to_owned()),
                ..Media::default()
            }],
            ..Entry::default()
        };
        let parsed = parse(of_entry(&entry).as_bytes(), &Context::default());
        assert_eq!(parsed.problems, [], "{}", of_entry(&entry));
        let read = &parsed.entries[0];
        assert_eq!((&read.id, &read.url, &read.licence), (&entry.id, &entry.url, &entry.licence));
        assert_eq!((read.published, read.updated), (entry.published, entry.updated));
        let plain = |text: &Option<Text>| text.as_ref().map(|text| (text.kind, text.value.clone()));
        for (read, written) in
            [(&read.title, &entry.title), (&read.summary, &entry.summary), (&read.content, &entry.content)]
        {
            assert_eq!(plain(read), plain(written));
        }
        assert_eq!(read.title.as_ref().and_then(|title| title.language.as_deref()), Some("de-AT"));
        assert_eq!((&read.authors, read.categories[0].term.as_str()), (&entry.authors, "Heart & vessels"));
        let media = &read.media[0];
        assert_eq!(
            (&media.url, &media.mime, &media.title),
            (&entry.media[0].url, &entry.media[0].mime, &entry.media[0].title)
        );
    }

    #[test]
    fn a_removal_names_its_entry() {
        let when: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let parsed = parse(of_removal("urn:x:\"1\"&2", when).as_bytes(), &Context::default());
        let gone: Vec<_> = parsed.deleted.iter().map(|one| (one.ref_.as_str(), one.when)).collect();
        assert_eq!(gone, [("urn:x:\"1\"&2", Some(when))]);
    }

    proptest! {
        #[test]
        fn any_text_survives(
            id in "[!-~]{1,40}",
            title in "A[a-zA-Z0-9&<>\"'=/;#!?.,:() 漢😀-]{0,40}Z",
            body in "A[a-zA-Z0-9&<>\"'=/;#!?.,:() 漢😀-]{0,200}Z",
        ) {
            let entry = Entry {
                id: Some(id.clone()),
                title: text(TextKind::Plain, &title),
                content: text(TextKind::Plain, &body),
                ..Entry::default()
            };
            let written = of_entry(&entry);
            let parsed = parse(written.as_bytes(), &Context::default());
            let read = &parsed.entries[0];
            prop_assert_eq!(read.id.as_deref(), Some(&*id));
            // Blanks are no part of a title's words.
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(read.title.as_ref().map(|text| words(&text.value)), Some(words(&title)));
            prop_assert_eq!(read.content.as_ref().map(|text| words(&text.value)), Some(words(&body)));
        }

        #[test]
        fn nothing_makes_it_unreadable(id in ".{1,40}", title in ".{0,40}", body in "\\PC{0,200}") {
            let html = text(TextKind::Html, &body);
            let entry = Entry { id: Some(id), title: text(TextKind::Plain, &title), content: html, ..Entry::default() };
            prop_assert_eq!(parse(of_entry(&entry).as_bytes(), &Context::default()).entries.len(), 1);
        }
    }
}
