//! JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1).

use crate::html;
use crate::problems::Problems;
use crate::read::{MAX_ENTRIES, finish_media};
use crate::{Category, Context, Entry, Feed, Format, Image, Link, Media, MediaKind, Parsed, Person, Text, TextKind};
use serde_json::{Map, Value};
use url::Url;

/// Reads a JSON Feed; `Format::Unknown` where the JSON is none.
pub(crate) fn parse_json(text: &str, ctx: &Context<'_>) -> Parsed {
    let mut problems = Problems::default();
    let unknown = |problems: Problems| Parsed {
        format: Format::Unknown,
        encoding: "utf-8",
        feed: Feed::default(),
        entries: Vec::new(),
        deleted: Vec::new(),
        problems: problems.into_vec(),
    };
    let root = match first_value(text) {
        Ok(Value::Object(root)) => root,
        Ok(_) => {
            problems.found("not-a-feed", "JSON, but no object".into(), "document".into());
            return unknown(problems);
        }
        Err(e) => match repaired(text) {
            Some(root) => {
                problems.found(
                    "truncated",
                    format!("the JSON is broken: {e}; read up to there"),
                    format!("line {}", e.line()),
                );
                root
            }
            None => {
                problems.found("bad-json", e.to_string(), format!("line {}", e.line()));
                return unknown(problems);
            }
        },
    };
    let version = root.get("version").and_then(Value::as_str).unwrap_or("").trim_end_matches('/');
    let format = if version.contains("jsonfeed.org/version/1.1") || version == "1.1" {
        Format::JsonFeed11
    } else if version.contains("jsonfeed.org") || version.starts_with('1') {
        Format::JsonFeed10
    } else if root.get("items").is_some_and(Value::is_array) {
        problems.found("no-version", "no version of JSON Feed is stated".into(), "feed".into());
        Format::JsonFeed11
    } else {
        problems.found("not-a-feed", "JSON, but no JSON Feed".into(), "document".into());
        return unknown(problems);
    };
    let j = Json { base: ctx.url };
    let feed = j.feed(&root);
    let mut entries = Vec::new();
    let empty = Vec::new();
    let items = root.get("items").and_then(Value::as_array).unwrap_or(&empty);
    for (i, item) in items.iter().take(MAX_ENTRIES).enumerate() {
        match item {
            Value::Object(item) => entries.push(j.entry(item, &feed, i + 1, &mut problems)),
            _ => problems.found("bad-entry", "an item that is no object".into(), format!("entry {}", i + 1)),
        }
    }
    if items.len() > MAX_ENTRIES {
        let message = format!("{} entries after the first {MAX_ENTRIES} are left out", items.len() - MAX_ENTRIES);
        problems.found("too-many-entries", message, "feed".into());
    }
    Parsed { format, encoding: "utf-8", feed, entries, deleted: Vec::new(), problems: problems.into_vec() }
}

/// The first value of the text; whatever follows it is left.
fn first_value(text: &str) -> Result<Value, serde_json::Error> {
    match serde_json::Deserializer::from_str(text.trim_start()).into_iter().next() {
        Some(v) => v,
        None => serde_json::from_str(text),
    }
}

/// A document cut off in its items: closed after the last whole one.
fn repaired(text: &str) -> Option<Map<String, Value>> {
    let at = text.find("\"items\"")?;
    let open = at + text[at..].find('[')?;
    let mut stream = text[open + 1..].trim_start();
    let mut items = Vec::new();
    loop {
        let mut values = serde_json::Deserializer::from_str(stream).into_iter::<Value>();
        match values.next() {
            Some(Ok(v)) => items.push(v),
            _ => break,
        }
        stream = stream[values.byte_offset()..].trim_start();
        match stream.strip_prefix(',') {
            Some(rest) => stream = rest.trim_start(),
            None => break,
        }
    }
    let head = format!("{}[]}}", &text[..open]);
    let mut root: Map<String, Value> = serde_json::from_str(&head).ok()?;
    root.insert("items".into(), Value::Array(items));
    Some(root)
}

struct Json<'a> {
    base: Option<&'a Url>,
}

impl Json<'_> {
    /// A text or number as text; none if empty.
    fn string(&self, o: &Map<String, Value>, key: &str) -> Option<String> {
        match o.get(key)? {
            Value::String(s) if !s.trim().is_empty() => Some(s.trim().to_owned()),
            Value::Number(n) => Some(n.to_string()),
            _ => None,
        }
    }

    fn url(&self, o: &Map<String, Value>, key: &str) -> Option<String> {
        self.string(o, key).map(|u| html::absolute(&u, self.base))
    }

    fn text(&self, o: &Map<String, Value>, key: &str, kind: TextKind) -> Option<Text> {
        let value = self.string(o, key)?;
        let value = match (kind, self.base) {
            (TextKind::Html, Some(base)) => html::resolve(&value, base).into_owned(),
            _ => value,
        };
        Some(Text { kind, value, ..Text::default() })
    }

    fn persons(&self, o: &Map<String, Value>) -> Vec<Person> {
        let one = |v: &Value| {
            let o = v.as_object()?;
            let p = Person {
                name: self.string(o, "name"),
                email: None,
                url: self.url(o, "url"),
                avatar: self.url(o, "avatar"),
            };
            (!p.is_empty()).then_some(p)
        };
        let several: Vec<Person> =
            o.get("authors").and_then(Value::as_array).into_iter().flatten().filter_map(one).collect();
        if several.is_empty() { o.get("author").and_then(one).into_iter().collect() } else { several }
    }

    fn feed(&self, o: &Map<String, Value>) -> Feed {
        let url = self.url(o, "home_page_url");
        let links = url.iter().map(|href| Link { href: href.clone(), ..Link::default() }).collect();
        let hub = |h: &Value| self.url(h.as_object()?, "url");
        Feed {
            title: self.text(o, "title", TextKind::Plain),
            subtitle: self.text(o, "description", TextKind::Plain),
            self_url: self.url(o, "feed_url"),
            next_url: self.url(o, "next_url"),
            image: self.url(o, "icon").map(|url| Image { url: Some(url), ..Image::default() }),
            icon: self.url(o, "favicon"),
            language: self.string(o, "language"),
            authors: self.persons(o),
            expired: o.get("expired").and_then(Value::as_bool).unwrap_or(false),
            hubs: o.get("hubs").and_then(Value::as_array).into_iter().flatten().filter_map(hub).collect(),
            info: self.text(o, "user_comment", TextKind::Plain),
            url,
            links,
            ..Feed::default()
        }
    }

    fn entry(&self, o: &Map<String, Value>, feed: &Feed, n: usize, problems: &mut Problems) -> Entry {
        let mut date = |key: &str| {
            let value = self.string(o, key)?;
            let date = crate::dates::parse(&value);
            if date.is_none() {
                problems.found(
                    "bad-date",
                    format!("{value:?} is no date that can be read"),
                    format!("entry {n}, {key}"),
                );
            }
            date
        };
        let (published, updated) = (date("date_published"), date("date_modified"));
        let url = self.url(o, "url");
        let external = self.url(o, "external_url");
        let mut links: Vec<Link> = url.iter().map(|href| Link { href: href.clone(), ..Link::default() }).collect();
        links.extend(external.iter().map(|href| Link {
            href: href.clone(),
            rel: Some("related".into()),
            ..Link::default()
        }));
        let mut media: Vec<Media> = Vec::new();
        for (key, thumbnail) in [("image", false), ("banner_image", false)] {
            if let Some(url) = self.url(o, key) {
                media.push(Media { url, kind: MediaKind::Image, is_thumbnail: thumbnail, ..Media::default() });
            }
        }
        for a in o.get("attachments").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
            let Some(url) = self.url(a, "url") else { continue };
            media.push(Media {
                url,
                mime: self.string(a, "mime_type"),
                title: self.string(a, "title"),
                length_bytes: a.get("size_in_bytes").and_then(Value::as_f64).map(|s| s as u64),
                duration_s: a.get("duration_in_seconds").and_then(Value::as_f64),
                is_enclosure: true,
                ..Media::default()
            });
        }
        let content =
            self.text(o, "content_html", TextKind::Html).or_else(|| self.text(o, "content_text", TextKind::Plain));
        let tags = o.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut entry = Entry {
            id: self.string(o, "id"),
            title: self.text(o, "title", TextKind::Plain),
            summary: self.text(o, "summary", TextKind::Plain),
            content,
            published,
            updated,
            authors: self.persons(o),
            language: self.string(o, "language").or_else(|| feed.language.clone()),
            categories: tags
                .filter(|t| !t.trim().is_empty())
                .map(|t| Category { term: t.trim().to_owned(), ..Category::default() })
                .collect(),
            url: url.or(external),
            links,
            media,
            ..Entry::default()
        };
        if entry.id.is_none() && entry.url.is_some() {
            problems.found(
                "entry-without-id",
                "an item without its id, which JSON Feed requires".into(),
                format!("entry {n}"),
            );
        }
        finish_media(&mut entry);
        entry
    }
}
