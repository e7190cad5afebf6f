//! The JSON of `carewire parse --json`.

use crate::{Entry, Feed, Media, Parsed, Person, Text};
use serde_json::{Map, Value, json};

/// The JSON of `carewire parse --json`: `{"feed": {…}, "entries": [{"id", "title", "url", "published", "updated",
/// "authors", "summary", "content", "language", "media": […], …}], "deleted": […], "problems": [{"code", "message",
/// "where"}]}`. The named fields are always there, null where unknown; others only where they are known. Texts are
/// strings with the markup of the feed, `*_type` says which; times are RFC 3339 in UTC. `made_title` is what the network calls an
/// entry without a title.
pub fn report(parsed: &Parsed) -> Value {
    json!({
        "feed": feed(parsed),
        "entries": parsed.entries.iter().map(entry).collect::<Vec<_>>(),
        "deleted": lean(&parsed.deleted),
        "problems": parsed.problems,
    })
}

/// Puts what is known, leaves out what is not.
fn put(map: &mut Map<String, Value>, key: &str, value: impl serde::Serialize) {
    // none of the types written here can fail to serialise
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    let empty = match &value {
        Value::Null => true,
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
        Value::Bool(b) => !b,
        _ => false,
    };
    if !empty {
        map.insert(key.to_owned(), value);
    }
}

/// A struct without its empty fields.
fn lean(value: impl serde::Serialize) -> Value {
    fn strip(v: Value) -> Value {
        match v {
            Value::Object(o) => Value::Object(
                o.into_iter()
                    .map(|(k, v)| (k, strip(v)))
                    .filter(|(k, v)| {
                        // a mark that is not set goes; an answer of "no" stays
                        let unset = *v == Value::Bool(false) && k.starts_with("is_");
                        !unset && !v.is_null() && *v != json!([]) && *v != json!({})
                    })
                    .collect(),
            ),
            Value::Array(a) => Value::Array(a.into_iter().map(strip).collect()),
            v => v,
        }
    }
    strip(serde_json::to_value(value).unwrap_or(Value::Null))
}

fn text(map: &mut Map<String, Value>, key: &str, text: Option<&Text>) {
    map.insert(key.to_owned(), text.map_or(Value::Null, |t| json!(t.value)));
    if let Some(t) = text {
        map.insert(format!("{key}_type"), json!(t.kind));
    }
}

fn people(list: &[Person]) -> Value {
    list.iter().map(lean).collect()
}

fn media(list: &[Media]) -> Value {
    list.iter()
        .map(|m| {
            let mut v = lean(m);
            if let Some(o) = v.as_object_mut() {
                o.insert("kind".into(), json!(m.kind));
            }
            v
        })
        .collect()
}

fn feed(parsed: &Parsed) -> Value {
    let f: &Feed = &parsed.feed;
    let mut map = Map::new();
    map.insert("format".into(), json!(parsed.format.name()));
    map.insert("encoding".into(), json!(parsed.encoding));
    put(&mut map, "id", &f.id);
    text(&mut map, "title", f.title.as_ref());
    text(&mut map, "subtitle", f.subtitle.as_ref());
    for (key, value) in [("url", &f.url), ("language", &f.language)] {
        map.insert(key.into(), json!(value));
    }
    for (key, value) in [
        ("self_url", &f.self_url),
        ("next_url", &f.next_url),
        ("previous_url", &f.previous_url),
        ("prev_archive", &f.prev_archive),
        ("next_archive", &f.next_archive),
        ("current_url", &f.current_url),
        ("new_feed_url", &f.new_feed_url),
        ("icon", &f.icon),
        ("licence", &f.licence),
        ("update_period", &f.update_period),
        ("podcast_guid", &f.podcast_guid),
        ("youtube_channel_id", &f.youtube_channel_id),
        ("youtube_playlist_id", &f.youtube_playlist_id),
    ] {
        put(&mut map, key, value);
    }
    put(&mut map, "hubs", &f.hubs);
    map.insert("updated".into(), json!(f.updated));
    map.insert("published".into(), json!(f.published));
    map.insert("authors".into(), people(&f.authors));
    put(&mut map, "contributors", people(&f.contributors));
    put(&mut map, "publisher", f.publisher.as_ref().map(lean));
    put(&mut map, "image", f.image.as_ref().map(lean));
    put(&mut map, "generator", f.generator.as_ref().map(lean));
    put(&mut map, "rights", f.rights.as_ref().map(|r| &r.value));
    put(&mut map, "ttl_minutes", f.ttl_minutes);
    put(&mut map, "skip_hours", &f.skip_hours);
    put(&mut map, "skip_days", &f.skip_days);
    put(&mut map, "update_frequency", f.update_frequency);
    put(&mut map, "categories", lean(&f.categories));
    put(&mut map, "itunes", lean(&f.itunes));
    put(&mut map, "complete", f.complete);
    put(&mut map, "archive", f.archive);
    put(&mut map, "expired", f.expired);
    put(&mut map, "podcast_txt", &f.podcast_txt);
    Value::Object(map)
}

fn entry(e: &Entry) -> Value {
    let mut map = Map::new();
    let identity = e.identity();
    map.insert("id".into(), json!(identity.key));
    map.insert("id_from".into(), json!(identity.kind));
    text(&mut map, "title", e.title.as_ref());
    put(&mut map, "made_title", e.made_title());
    map.insert("url".into(), json!(e.url));
    map.insert("published".into(), json!(e.published));
    map.insert("updated".into(), json!(e.updated));
    map.insert("authors".into(), people(&e.authors));
    text(&mut map, "summary", e.summary.as_ref());
    text(&mut map, "content", e.content.as_ref());
    map.insert("language".into(), json!(e.language));
    map.insert("media".into(), media(&e.media));
    put(&mut map, "categories", lean(&e.categories));
    put(&mut map, "contributors", people(&e.contributors));
    put(&mut map, "links", lean(&e.links));
    put(&mut map, "video", e.video.as_ref().map(lean));
    put(&mut map, "licence", &e.licence);
    put(&mut map, "rights", e.rights.as_ref().map(|r| &r.value));
    put(&mut map, "source", e.source.as_ref().map(lean));
    put(&mut map, "comments_url", &e.comments_url);
    put(&mut map, "comments_feed", &e.comments_feed);
    put(&mut map, "in_reply_to", &e.in_reply_to);
    put(&mut map, "expires", e.expires);
    put(&mut map, "valid_from", e.valid_from);
    let review = e.review();
    put(&mut map, "reviewed", review.last);
    put(&mut map, "next_review", review.next);
    put(&mut map, "itunes", lean(&e.itunes));
    put(&mut map, "transcripts", lean(&e.transcripts));
    put(&mut map, "location", e.location);
    Value::Object(map)
}
