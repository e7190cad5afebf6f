//! A result in the shape that the feedparser cases ask for. Every key that there is a field for is present, null where
//! nothing was found; a key that is absent means that there is no field.

use carewire_feeds::{Category, Entry, Feed, Format, Link, Parsed, Person, Source, Text, TextKind};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Codes that feedparser would call `bozo`: the document is broken, not merely odd.
const BROKEN: [&str; 28] = [
    "invalid-bytes",
    "encoding-mismatch",
    "encoding-detected",
    "unknown-encoding",
    "control-character",
    "bare-ampersand",
    "bare-less-than",
    "undeclared-entity",
    "external-entity",
    "entity-limit",
    "undeclared-prefix",
    "unclosed-tag",
    "unclosed-quote",
    "unclosed-comment",
    "unclosed-cdata",
    "unknown-declaration",
    "unclosed-element",
    "unclosed-entry",
    "wrong-nesting",
    "unmatched-end-tag",
    "truncated",
    "several-roots",
    "no-root",
    "too-deep",
    "not-a-feed",
    "empty",
    "bad-json",
    "junk-before-document",
];

pub fn view(p: &Parsed) -> Value {
    // the cases stand after a comment, which makes the XML declaration illegal; that alone is not counted
    let bozo = p.problems.iter().any(|x| BROKEN.contains(&x.code) && x.code != "junk-before-document");
    json!({
        "bozo": bozo,
        "encoding": p.encoding,
        "version": match p.format {
            Format::Rss090 => "rss090",
            Format::Rss091 => "rss091u",
            Format::Rss092 => "rss092",
            Format::Rss10 => "rss10",
            Format::Rss20 => "rss20",
            Format::Atom03 => "atom03",
            Format::Atom10 => "atom10",
            Format::Cdf => "cdf",
            _ => "",
        },
        "feed": feed(&p.feed),
        "entries": p.entries.iter().map(entry).collect::<Vec<_>>(),
    })
}

fn detail(t: Option<&Text>) -> Value {
    match t {
        None => Value::Null,
        Some(t) => json!({
            "value": t.value,
            "type": t.mime.clone().unwrap_or_else(|| match t.kind {
                TextKind::Plain => "text/plain".to_owned(),
                TextKind::Html => "text/html".to_owned(),
                TextKind::Xhtml => "application/xhtml+xml".to_owned(),
            }),
            "language": t.language,
            "base": t.base,
        }),
    }
}

fn value(t: Option<&Text>) -> Value {
    t.map_or(Value::Null, |t| json!(t.value))
}

fn date(t: Option<Timestamp>) -> Value {
    let Some(t) = t else { return Value::Null };
    let text = t.to_string();
    let part = |a: usize, b: usize| text[a..b].parse::<f64>().expect("digits of a timestamp");
    let days = t.as_second().div_euclid(86_400);
    let new_year: Timestamp = format!("{}-01-01T00:00:00Z", &text[..4]).parse().expect("a timestamp");
    let day_of_year = days - new_year.as_second().div_euclid(86_400) + 1;
    let weekday = (days + 3).rem_euclid(7);
    json!([part(0, 4), part(5, 7), part(8, 10), part(11, 13), part(14, 16), part(17, 19), weekday, day_of_year, 0])
}

fn person(p: &Person) -> Value {
    json!({"name": p.name, "email": p.email, "href": p.url, "url": p.url})
}

fn person_line(p: Option<&Person>) -> Value {
    match p {
        None => Value::Null,
        Some(Person { name: Some(n), email: Some(e), .. }) => json!(format!("{n} ({e})")),
        Some(p) => json!(p.name.clone().or(p.email.clone())),
    }
}

fn link(l: &Link) -> Value {
    json!({
        "href": l.href, "rel": l.rel.clone().unwrap_or_else(|| "alternate".into()),
        "type": l.mime.clone().unwrap_or_else(|| {
            if l.rel.as_deref() == Some("self") { "application/atom+xml".into() } else { "text/html".into() }
        }), "title": l.title, "hreflang": l.hreflang,
        "length": l.length.map(|n| n.to_string()),
    })
}

fn tag(c: &Category) -> Value {
    json!({"term": c.term, "scheme": c.scheme, "label": c.label})
}

fn feed(f: &Feed) -> Value {
    let image = f.image.as_ref().map(|i| {
        json!({"href": i.url, "url": i.url, "title": i.title, "link": i.link, "description": i.description,
            "width": i.width.map(f64::from), "height": i.height.map(f64::from)})
    });
    let image = image.or_else(|| f.itunes.image.as_ref().map(|u| json!({"href": u})));
    let input = f
        .text_input
        .as_ref()
        .map(|t| json!({"title": t.title, "description": t.description, "name": t.name, "link": t.link}));
    let cloud = f.cloud.as_ref().map(|c| {
        json!({"domain": c.domain, "port": c.port, "path": c.path, "registerprocedure": c.register_procedure, "protocol": c.protocol})
    });
    let generator =
        f.generator.as_ref().map(|g| json!({"name": g.name, "href": g.url, "url": g.url, "version": g.version}));
    let subtitle = f.subtitle.as_ref();
    json!({
        "title": value(f.title.as_ref()), "title_detail": detail(f.title.as_ref()),
        "subtitle": value(subtitle), "subtitle_detail": detail(subtitle),
        "tagline": value(subtitle), "tagline_detail": detail(subtitle),
        "description": value(subtitle.or(f.info.as_ref())), "description_detail": detail(subtitle),
        "info": value(f.info.as_ref()), "info_detail": detail(f.info.as_ref()),
        "summary": f.itunes.summary,
        "link": f.url, "links": f.links.iter().map(link).collect::<Vec<_>>(),
        "id": f.id, "guid": f.id, "language": f.language,
        "updated_parsed": date(f.updated), "modified_parsed": date(f.updated), "published_parsed": date(f.published),
        "author": person_line(f.authors.first()), "author_detail": f.authors.first().map(person),
        "authors": f.authors.iter().map(person).collect::<Vec<_>>(),
        "contributors": f.contributors.iter().map(person).collect::<Vec<_>>(),
        "publisher": person_line(f.publisher.as_ref()), "publisher_detail": f.publisher.as_ref().map(person),
        "tags": f.categories.iter().map(tag).collect::<Vec<_>>(), "category": f.categories.first().map(|c| &c.term),
        "generator": f.generator.as_ref().map(|g| &g.name), "generator_detail": generator,
        "rights": value(f.rights.as_ref()), "rights_detail": detail(f.rights.as_ref()),
        "copyright": value(f.rights.as_ref()), "copyright_detail": detail(f.rights.as_ref()),
        "license": f.licence, "ttl": f.ttl_minutes.map(|n| n.to_string()), "docs": f.docs,
        "image": image, "icon": f.icon, "logo": f.image.as_ref().and_then(|i| i.url.clone()),
        "textinput": input, "cloud": cloud,
        "itunes_block": f.itunes.block.map(f64::from), "itunes_explicit": f.itunes.explicit,
        "newlocation": f.new_feed_url,
    })
}

fn source(s: &Source) -> Value {
    let generator = s.generator.as_ref().map(|g| json!({"name": g.name, "href": g.url, "version": g.version}));
    json!({
        "title": value(s.title.as_ref()), "title_detail": detail(s.title.as_ref()), "value": value(s.title.as_ref()),
        "subtitle": value(s.subtitle.as_ref()), "subtitle_detail": detail(s.subtitle.as_ref()),
        "id": s.id, "href": s.url, "url": s.url, "link": s.url, "icon": s.icon, "logo": s.logo,
        "links": s.links.iter().map(link).collect::<Vec<_>>(), "updated_parsed": date(s.updated),
        "author": person_line(s.authors.first()), "author_detail": s.authors.first().map(person),
        "authors": s.authors.iter().map(person).collect::<Vec<_>>(),
        "contributors": s.contributors.iter().map(person).collect::<Vec<_>>(),
        "tags": s.categories.iter().map(tag).collect::<Vec<_>>(),
        "rights": value(s.rights.as_ref()), "rights_detail": detail(s.rights.as_ref()),
        "generator": s.generator.as_ref().map(|g| &g.name), "generator_detail": generator,
    })
}

fn entry(e: &Entry) -> Value {
    let raw = |names: &[&str]| {
        e.raw_dates.iter().find(|(n, _)| names.contains(&n.rsplit(':').next().unwrap_or(n))).map(|(_, v)| v.clone())
    };
    let content = e.content.as_ref();
    let summary = e.summary.as_ref().or(content);
    let mut contents: Vec<Value> = content.map(|c| detail(Some(c))).into_iter().collect();
    if let (Some(src), Some(c)) = (&e.content_src, contents.first_mut()) {
        c["src"] = json!(src);
    }
    let media = |thumb: bool| -> Vec<Value> {
        e.media.iter().filter(|m| m.is_thumbnail == thumb && !m.is_enclosure).map(|m| {
            json!({"url": m.url, "type": m.mime, "width": m.width.map(|n| n.to_string()), "height": m.height.map(|n| n.to_string()),
                "medium": m.kind})
        }).collect()
    };
    let enclosures: Vec<Value> = e.media.iter().filter(|m| m.is_enclosure).map(|m| {
        json!({"url": m.url, "href": m.url, "type": m.mime, "length": m.length_bytes.map(|n| n.to_string()), "rel": "enclosure"})
    }).collect();
    json!({
        "title": value(e.title.as_ref()), "title_detail": detail(e.title.as_ref()),
        "summary": value(summary), "summary_detail": detail(summary),
        "description": value(summary), "description_detail": detail(summary),
        "content": contents,
        "link": e.url, "links": e.links.iter().map(link).chain(enclosures.clone()).collect::<Vec<_>>(),
        "id": e.id, "guid": e.id, "guidislink": e.id_is_permalink && e.links.is_empty(),
        "updated": raw(&["updated", "modified", "date", "LASTMOD"]).or_else(|| raw(&["pubDate", "published", "issued"])),
        "published": raw(&["pubDate", "published", "issued"]), "created": raw(&["created"]), "expired": raw(&["expirationDate"]),
        "updated_parsed": date(e.updated.or(e.published)), "modified_parsed": date(e.updated),
        "published_parsed": date(e.published), "created_parsed": date(e.created), "expired_parsed": date(e.expires),
        "validity_start_parsed": date(e.valid_from), "validity_end_parsed": date(e.expires),
        "author": person_line(e.authors.first()), "author_detail": e.authors.first().map(person),
        "authors": e.authors.iter().map(person).collect::<Vec<_>>(),
        "contributors": e.contributors.iter().map(person).collect::<Vec<_>>(),
        "publisher": person_line(e.publisher.as_ref()), "publisher_detail": e.publisher.as_ref().map(person),
        "tags": e.categories.iter().map(tag).collect::<Vec<_>>(), "category": e.categories.first().map(|c| &c.term),
        "language": e.language, "license": e.licence,
        "rights": value(e.rights.as_ref()), "rights_detail": detail(e.rights.as_ref()),
        "copyright": value(e.rights.as_ref()),
        "comments": e.comments_url, "wfw_comment": e.comments_url, "wfw_commentrss": e.comments_feed,
        "source": e.source.as_ref().map(source), "enclosures": enclosures,
        "media_thumbnail": media(true), "media_content": media(false),
        "image": e.itunes.image.as_ref().map(|u| json!({"href": u})),
        "itunes_block": e.itunes.block.map(f64::from), "itunes_explicit": e.itunes.explicit,
        "itunes_duration": e.itunes.duration_s, "subtitle": e.itunes.subtitle,
        "where": e.location.map(|(lat, long)| json!({"type": "Point", "coordinates": [long, lat]})),
    })
}
