//! How many of feedparser's own expectations the reader meets (`feeds/feedparser` of the shared data). Counted is what
//! there is a field for; everything else is listed with its reason.

#![recursion_limit = "512"]

mod common;
#[path = "common/python.rs"]
mod python;
#[path = "common/view.rs"]
mod view;

use carewire_feeds::{Context, decode, parse};
use common::{Outcome, Score};
use python::Trouble;
use serde_json::Value;
use std::path::Path;
use url::Url;

/// Whether a value found equals a value expected: numbers as numbers, markup whatever way it is quoted and spaced.
pub(crate) fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::String(a), Value::String(b)) => a == b || (b.contains('<') && markup(a) == markup(b)),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => b.iter().all(|(k, v)| a.get(k).is_some_and(|x| same(x, v))),
        (Value::Bool(a), Value::Number(b)) | (Value::Number(b), Value::Bool(a)) => {
            b.as_f64() == Some(f64::from(u8::from(*a)))
        }
        // what was not found is as good as what is empty
        (Value::Null, Value::Object(o)) => o.is_empty(),
        _ => found == expected,
    }
}

/// Markup without what serialisers differ in: quotes, ` /`, blanks, order of attributes, references for the same
/// character, percent-encoding of letters, and the `div` that XHTML is wrapped in, which is no part of the content
/// (RFC 4287, 3.1.1.3) and which feedparser keeps or not.
fn markup(text: &str) -> String {
    let inner = text.trim().strip_prefix("<div>").and_then(|t| t.strip_suffix("</div>")).unwrap_or(text);
    let mut text = inner.replace("></circle>", "/>").replace("/>", ">").replace('\'', "\"");
    for (from, to) in [
        ("&quot;", "\""),
        ("&#x26;", "&"),
        ("&#38;", "&"),
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#x27;", "\""),
    ] {
        text = text.replace(from, to);
    }
    let text = percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(i) = rest.find('<') {
        out.extend(rest[..i].split_whitespace());
        let end = rest[i..].find('>').map_or(rest.len(), |e| i + e + 1);
        let mut parts: Vec<&str> =
            rest[i..end].trim_end_matches('>').split('"').flat_map(|p| p.split_whitespace()).collect();
        parts.sort_unstable();
        out.extend(parts);
        rest = &rest[end..];
    }
    out.extend(rest.split_whitespace());
    out
}

/// The sets and what is asked of them: name, floor in percent (the last figure less a margin), goal.
const GOALS: [(&str, f64, f64); 4] =
    [("well-formed", 97.0, 97.0), ("ill-formed", 92.0, 90.0), ("encoding", 96.0, 95.0), ("entities", 98.0, 97.0)];

#[test]
fn expectations() {
    let Some(dir) = common::shared("feeds/feedparser") else { return };
    let mut score = Score::default();
    for path in common::walk(&dir) {
        let name = path.strip_prefix(&dir).expect("below it").display().to_string();
        let set = match name.split('/').next() {
            Some("wellformed") => "well-formed",
            Some("illformed") => "ill-formed",
            Some("encoding") => "encoding",
            Some("entities") => "entities",
            _ => continue,
        };
        let bytes = std::fs::read(&path).expect("a file of the data");
        let outcome = judge(&name, &bytes);
        score.add(set, name, outcome);
    }
    let below = score.report(&GOALS);
    assert!(below.is_empty(), "{below:#?}");
}

fn judge(name: &str, bytes: &[u8]) -> Outcome {
    let head = decode(bytes, None).text.into_owned();
    let comment = head.split("<!--").nth(1).unwrap_or("").split("-->").next().unwrap_or("");
    let Some(at) = comment.find("Expect:") else { return Outcome::NoField("no expectation".into()) };
    // a reader of the declared encoding sees the expectation as it is meant
    let expect = comment[at + 7..].trim();
    let header = |key: &str| {
        comment.lines().find_map(|l| {
            let rest = l.trim().strip_prefix("Header:")?.trim();
            let (k, v) = rest.split_once(':')?;
            k.trim().eq_ignore_ascii_case(key).then(|| v.trim().to_owned())
        })
    };
    // labels of encodings have no case
    let lower = expect.to_lowercase();
    let expect = if expect.contains("encoding ==") { lower.as_str() } else { expect };
    let language = header("Content-Language");
    if expect.contains("'where'") && !expect.contains("Point") && expect.contains("'type'") {
        return Outcome::NoField("positions are points only".into());
    }
    if name.contains("/sanitize/") {
        return Outcome::NoField("sanitising is the work of the processing stage".into());
    }
    let url =
        Url::parse("http://127.0.0.1:8097/").expect("an address").join(&format!("tests/{name}")).expect("an address");
    let url = match header("Content-Location") {
        Some(l) => url.join(&l).ok().filter(|u| u.scheme() == "http").unwrap_or(url),
        None => url,
    };
    let content_type = header("Content-type").unwrap_or_else(|| "application/xml".into());
    let parsed = parse(
        bytes,
        &Context { content_type: Some(&content_type), url: Some(&url), content_language: language.as_deref() },
    );
    match python::eval(expect, &view::view(&parsed)) {
        Ok((true, _)) => Outcome::Met,
        Ok((false, seen)) => {
            let codes: Vec<_> = parsed.problems.iter().map(|p| p.code).collect();
            Outcome::Missed(format!("{} -- {seen} {codes:?}", expect.chars().take(160).collect::<String>()))
        }
        Err(Trouble::NoField(key)) => Outcome::NoField(format!("`{key}`")),
        Err(Trouble::Syntax(s)) => Outcome::NoField(format!("expression not read at {s}")),
    }
}

#[test]
fn no_panic_on_any_shared_feed() {
    let Some(dir) = common::shared("feeds") else { return };
    let mut files = 0;
    for path in common::walk(Path::new(&dir)) {
        let bytes = std::fs::read(&path).expect("a file of the data");
        let parsed = parse(&bytes, &Context::default());
        for e in &parsed.entries {
            let _ = (e.identity(), e.content_hash());
        }
        let _ = carewire_feeds::report(&parsed);
        let _ = carewire_feeds::opml::parse(&bytes);
        files += 1;
    }
    assert!(files > 0);
}

/// Every real feed gives as many entries as an independent count of its item elements: start tags of that name outside
/// of comments and CDATA; JSON by its own array.
#[test]
fn real_feeds_give_all_their_entries() {
    let Some(dir) = common::shared("feeds/real") else {
        return;
    };
    let (mut feeds, mut others, mut wrong) = (0, Vec::new(), Vec::new());
    for path in common::walk(&dir) {
        let name = path.strip_prefix(&dir).expect("below it").display().to_string();
        let bytes = std::fs::read(&path).expect("a file of the data");
        let parsed = parse(&bytes, &Context::default());
        let count = count_items(&decode(&bytes, None).text);
        if !parsed.format.is_feed() && count == 0 {
            others.push(name);
            continue;
        }
        feeds += 1;
        if parsed.entries.len() != count {
            wrong.push(format!("{name}: {} of {count} {:?}", parsed.entries.len(), parsed.problems));
        }
    }
    println!("{feeds} feeds give all their entries; no feeds and without items: {others:?}");
    assert!(feeds > 0 && wrong.is_empty(), "{wrong:#?}");
}

fn count_items(text: &str) -> usize {
    if let Ok(json) = serde_json::from_str::<Value>(text) {
        return json["items"].as_array().map_or(0, Vec::len);
    }
    let mut rest = text.to_owned();
    for (open, close) in [("<![CDATA[", "]]>"), ("<!--", "-->")] {
        while let Some(i) = rest.find(open) {
            let end = rest[i..].find(close).map_or(rest.len(), |e| i + e + close.len());
            rest.replace_range(i..end, "");
        }
    }
    let is_item = |tag: &str| {
        let name = tag.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next().unwrap_or("");
        matches!(name.rsplit(':').next(), Some("item" | "entry"))
    };
    rest.split('<').skip(1).filter(|t| is_item(t)).count()
}
