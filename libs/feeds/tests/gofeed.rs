//! How many of gofeed's own expectations the reader meets (`feeds/gofeed` of the shared data): every leaf of the
//! expected JSON is one. Counted is what there is a field for; the others are listed with their reason.

#![recursion_limit = "512"]

mod common;

use carewire_feeds::{
    Category, Context, Format, Generator, Link, MediaKind, Parsed, Person, Source, Text, TextKind, parse,
};
use common::{Outcome, Score};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;

/// Name, floor in percent (the last figure less a margin), goal.
const GOALS: [(&str, f64, f64); 1] = [("gofeed", 97.2, 97.0)];

#[test]
fn expectations() {
    let Some(dir) = common::shared("feeds/gofeed") else { return };
    let mut score = Score::default();
    for path in common::walk(&dir) {
        let name = path.strip_prefix(&dir).expect("below it").display().to_string();
        if name.starts_with("parser/universal/") {
            score.add("gofeed", name.clone(), universal_format(&name, &path));
        } else if let Some((input, expected)) = pair(&path) {
            let parsed = parse(&std::fs::read(&input).expect("a file of the data"), &Context::default());
            let view = match name.split('/').nth(1) {
                Some("atom") => atom(&parsed),
                Some("rss") => rss(&parsed),
                Some("json") => json_feed(&parsed),
                _ => universal(&parsed),
            };
            leaves(&name, "", &expected, &view, &mut score);
        }
    }
    let below = score.report(&GOALS);
    assert!(below.is_empty(), "{below:#?}");
}

/// A case's input and its expected result.
fn pair(path: &Path) -> Option<(std::path::PathBuf, Value)> {
    let stem = path.file_stem()?.to_str()?;
    let expected = match path.extension()?.to_str()? {
        "xml" => path.with_extension("json"),
        "json" => path.with_file_name(format!("{stem}_expected.json")),
        _ => return None,
    };
    let text = std::fs::read_to_string(expected).ok()?;
    Some((path.to_owned(), serde_json::from_str(&text).ok()?))
}

fn universal_format(name: &str, path: &Path) -> Outcome {
    let parsed = parse(&std::fs::read(path).expect("a file of the data"), &Context::default());
    let file = name.rsplit('/').next().unwrap_or("");
    let ok = match file {
        f if f.starts_with("atom03") => parsed.format == Format::Atom03,
        f if f.starts_with("atom10") => parsed.format == Format::Atom10,
        f if f.starts_with("json10") => parsed.format == Format::JsonFeed10,
        f if f.starts_with("json11") || f == "sample.json" => {
            matches!(parsed.format, Format::JsonFeed11 | Format::JsonFeed10)
        }
        f if f.starts_with("rdf") => parsed.format == Format::Rss10 || parsed.format == Format::Rss090,
        f if f.starts_with("rss") => parsed.format == Format::Rss20,
        _ => !parsed.format.is_feed(),
    };
    if ok { Outcome::Met } else { Outcome::Missed(format!("{:?}", parsed.format)) }
}

fn leaves(name: &str, path: &str, expected: &Value, found: &Value, score: &mut Score) {
    let full = format!("{name} {path}");
    match (expected, found) {
        (Value::Object(e), Value::Object(f)) => {
            for (key, e) in e {
                let path = format!("{path}.{key}");
                match f.get(key) {
                    Some(f) => leaves(name, &path, e, f, score),
                    None => score.add("gofeed", format!("{name} {path}"), Outcome::NoField(format!("`{key}`"))),
                }
            }
        }
        (Value::Array(e), Value::Array(f)) => {
            for (i, e) in e.iter().enumerate() {
                leaves(name, &format!("{path}[{i}]"), e, f.get(i).unwrap_or(&Value::Null), score);
            }
        }
        // a whole branch that was not found: each of its leaves is missed
        (Value::Object(e), _) => {
            for (key, e) in e {
                leaves(name, &format!("{path}.{key}"), e, &Value::Null, score);
            }
        }
        (Value::Array(e), _) => {
            for e in e {
                leaves(name, &format!("{path}[]"), e, &Value::Null, score);
            }
        }
        _ => {
            let empty = expected.as_str() == Some("") && found.is_null();
            let outcome = if empty || expected == found || numbers(expected, found) || words(path, expected, found) {
                Outcome::Met
            } else {
                Outcome::Missed(format!("{found} for {expected}"))
            };
            score.add("gofeed", full, outcome);
        }
    }
}

fn numbers(a: &Value, b: &Value) -> bool {
    a.is_number() && a.as_f64() == b.as_f64()
}

/// A person in one line, in whichever order.
fn words(path: &str, a: &Value, b: &Value) -> bool {
    let set = |v: &Value| {
        let text = v.as_str().unwrap_or("").to_owned();
        let mut words: Vec<String> = text
            .split(|c: char| c.is_whitespace() || "()<>".contains(c))
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect();
        words.sort();
        words
    };
    let person = ["managingEditor", "webMaster", "author"].iter().any(|p| path.ends_with(p));
    person && a.is_string() && b.is_string() && set(a) == set(b)
}

fn value(t: Option<&Text>) -> Value {
    t.map_or(Value::Null, |t| json!(t.value))
}
fn date(t: Option<Timestamp>) -> Value {
    t.map_or(Value::Null, |t| json!(t.to_string()))
}
fn line(p: Option<&Person>) -> Value {
    p.map_or(Value::Null, |p| {
        json!([p.name.as_deref().unwrap_or(""), p.email.as_deref().unwrap_or("")].join(" ").trim())
    })
}
fn version(f: Format) -> &'static str {
    match f {
        Format::Rss090 => "0.9",
        Format::Rss091 => "0.91",
        Format::Rss092 => "0.92",
        Format::Rss10 | Format::Atom10 => "1.0",
        Format::Rss20 => "2.0",
        Format::Atom03 => "0.3",
        _ => "",
    }
}
fn raw(list: &[(String, String)], names: &[&str]) -> Value {
    list.iter().find(|(n, _)| names.contains(&n.as_str())).map_or(Value::Null, |(_, v)| json!(v))
}
fn rss_category(c: &Category) -> Value {
    json!({"domain": c.scheme, "value": c.term})
}

fn rss(p: &Parsed) -> Value {
    let f = &p.feed;
    let items: Vec<Value> = p.entries.iter().map(|e| {
        let enclosures: Vec<Value> = e.media.iter().filter(|m| m.is_enclosure)
            .map(|m| json!({"url": m.url, "type": m.mime, "length": m.length_bytes.map(|l| l.to_string())})).collect();
        json!({
            "title": value(e.title.as_ref()), "link": e.url, "links": e.links.iter().map(|l| &l.href).collect::<Vec<_>>(),
            "description": value(e.summary.as_ref()), "content": value(e.content.as_ref()), "author": line(e.authors.first()),
            "categories": e.categories.iter().map(rss_category).collect::<Vec<_>>(), "comments": e.comments_url,
            "enclosure": enclosures.first(), "enclosures": enclosures,
            "guid": e.id.as_ref().map(|id| json!({"value": id, "isPermalink": e.id_is_permalink.to_string()})),
            "pubDate": raw(&e.raw_dates, &["pubDate"]), "pubDateParsed": date(e.published),
            "source": e.source.as_ref().map(|s| json!({"title": value(s.title.as_ref()), "url": s.url})),
        })
    }).collect();
    json!({
        "title": value(f.title.as_ref()), "link": f.url, "links": f.links.iter().map(|l| &l.href).collect::<Vec<_>>(),
        "description": value(f.subtitle.as_ref()), "language": f.language, "copyright": value(f.rights.as_ref()),
        "managingEditor": line(f.authors.first()), "webMaster": line(f.publisher.as_ref()),
        "pubDateParsed": date(f.published), "lastBuildDateParsed": date(f.updated),
        "categories": f.categories.iter().map(rss_category).collect::<Vec<_>>(),
        "generator": f.generator.as_ref().map(|g| &g.name), "docs": f.docs, "ttl": f.ttl_minutes.map(|t| t.to_string()),
        "rating": f.rating, "skipHours": f.skip_hours.iter().map(u8::to_string).collect::<Vec<_>>(), "skipDays": f.skip_days,
        "image": f.image.as_ref().map(|i| json!({"title": i.title, "url": i.url, "link": i.link, "description": i.description,
            "width": i.width.map(|n| n.to_string()), "height": i.height.map(|n| n.to_string())})),
        "textInput": f.text_input.as_ref().map(|t| json!({"title": t.title, "description": t.description, "name": t.name, "link": t.link})),
        "cloud": f.cloud.as_ref().map(|c| json!({"domain": c.domain, "port": c.port, "path": c.path,
            "registerProcedure": c.register_procedure, "protocol": c.protocol})),
        "items": items, "version": version(p.format),
    })
}

fn person(p: &Person) -> Value {
    json!({"name": p.name, "email": p.email, "uri": p.url, "url": p.url, "avatar": p.avatar})
}
fn people(list: &[Person]) -> Value {
    list.iter().map(person).collect()
}
fn link(l: &Link) -> Value {
    json!({"href": l.href, "rel": l.rel.clone().unwrap_or_else(|| "alternate".into()), "type": l.mime, "hreflang": l.hreflang,
        "title": l.title, "length": l.length.map(|n| n.to_string())})
}
fn atom_category(c: &Category) -> Value {
    json!({"term": c.term, "scheme": c.scheme, "label": c.label})
}
fn generator(g: Option<&Generator>) -> Value {
    g.map_or(Value::Null, |g| json!({"value": g.name, "uri": g.url, "version": g.version}))
}
fn source(s: &Source) -> Value {
    json!({"title": value(s.title.as_ref()), "subtitle": value(s.subtitle.as_ref()), "id": s.id, "icon": s.icon, "logo": s.logo,
        "links": s.links.iter().map(link).collect::<Vec<_>>(), "updatedParsed": date(s.updated), "rights": value(s.rights.as_ref()),
        "generator": generator(s.generator.as_ref()), "authors": people(&s.authors), "contributors": people(&s.contributors),
        "categories": s.categories.iter().map(atom_category).collect::<Vec<_>>()})
}

fn atom(p: &Parsed) -> Value {
    let f = &p.feed;
    let entries: Vec<Value> = p.entries.iter().map(|e| {
        let content = e.content.as_ref().map(|c| {
            let kind = match c.kind {
                TextKind::Plain => "text",
                TextKind::Html => "html",
                TextKind::Xhtml => "xhtml",
            };
            json!({"type": c.mime.as_deref().unwrap_or(kind), "value": c.value, "src": e.content_src})
        }).or_else(|| e.content_src.as_ref().map(|s| json!({"src": s, "type": e.media.first().and_then(|m| m.mime.clone())})));
        json!({
            "title": value(e.title.as_ref()), "id": e.id, "summary": value(e.summary.as_ref()), "content": content,
            "updated": raw(&e.raw_dates, &["updated", "modified"]), "updatedParsed": date(e.updated),
            "published": raw(&e.raw_dates, &["published", "issued"]), "publishedParsed": date(e.published),
            "authors": people(&e.authors), "contributors": people(&e.contributors), "rights": value(e.rights.as_ref()),
            "categories": e.categories.iter().map(atom_category).collect::<Vec<_>>(),
            "links": e.links.iter().map(link).collect::<Vec<_>>(), "source": e.source.as_ref().map(source),
        })
    }).collect();
    json!({
        "title": value(f.title.as_ref()), "id": f.id, "subtitle": value(f.subtitle.as_ref()), "rights": value(f.rights.as_ref()),
        "updatedParsed": date(f.updated), "icon": f.icon, "logo": f.image.as_ref().and_then(|i| i.url.clone()), "language": f.language,
        "generator": generator(f.generator.as_ref()), "authors": people(&f.authors), "contributors": people(&f.contributors),
        "categories": f.categories.iter().map(atom_category).collect::<Vec<_>>(),
        "links": f.links.iter().map(link).collect::<Vec<_>>(), "entries": entries, "version": version(p.format),
    })
}

fn json_feed(p: &Parsed) -> Value {
    let f = &p.feed;
    let items: Vec<Value> = p.entries.iter().map(|e| {
        let pictures: Vec<&str> = e.media.iter().filter(|m| !m.is_enclosure && m.kind == MediaKind::Image).map(|m| m.url.as_str()).collect();
        let attachments: Vec<Value> = e.media.iter().filter(|m| m.is_enclosure)
            .map(|m| json!({"url": m.url, "mime_type": m.mime, "title": m.title, "size_in_bytes": m.length_bytes, "duration_in_seconds": m.duration_s})).collect();
        json!({
            "id": e.id, "url": e.url, "title": value(e.title.as_ref()), "content_html": value(e.content.as_ref()),
            "summary": value(e.summary.as_ref()), "image": pictures.first(), "banner_image": pictures.get(1),
            "external_url": e.links.iter().find(|l| l.rel.as_deref() == Some("related")).map(|l| &l.href),
            "author": e.authors.first().map(person), "authors": people(&e.authors),
            "tags": e.categories.iter().map(|c| &c.term).collect::<Vec<_>>(), "attachments": attachments,
        })
    }).collect();
    json!({
        "title": value(f.title.as_ref()), "home_page_url": f.url, "feed_url": f.self_url, "description": value(f.subtitle.as_ref()),
        "user_comment": value(f.info.as_ref()), "next_url": f.next_url, "icon": f.image.as_ref().and_then(|i| i.url.clone()),
        "favicon": f.icon, "author": f.authors.first().map(person), "authors": people(&f.authors), "expired": f.expired, "items": items,
        "version": match p.format { Format::JsonFeed10 => "1.0", _ => "1.1" },
    })
}

fn universal(p: &Parsed) -> Value {
    let f = &p.feed;
    let image = |list: &[carewire_feeds::Media]| {
        list.iter().find(|m| m.kind == MediaKind::Image).map(|m| json!({"url": m.url}))
    };
    let items: Vec<Value> = p.entries.iter().map(|e| {
        json!({
            "title": value(e.title.as_ref()), "description": value(e.summary.as_ref()), "updatedParsed": date(e.updated),
            "publishedParsed": date(e.published), "published": raw(&e.raw_dates, &["pubDate", "dc:date"]), "updated": raw(&e.raw_dates, &["dc:date"]),
            "author": e.authors.first().map(person), "authors": people(&e.authors),
            "categories": e.categories.iter().map(|c| &c.term).collect::<Vec<_>>(), "image": image(&e.media),
        })
    }).collect();
    json!({
        "title": value(f.title.as_ref()), "description": value(f.subtitle.as_ref()), "language": f.language,
        "copyright": value(f.rights.as_ref()), "updatedParsed": date(f.updated), "author": f.authors.first().map(person),
        "authors": people(&f.authors), "categories": f.categories.iter().map(|c| &c.term).collect::<Vec<_>>(),
        "image": image(&f.media), "items": items, "feedType": "rss", "feedVersion": version(p.format),
    })
}
