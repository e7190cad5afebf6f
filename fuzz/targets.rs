//! What is fuzzed: one function a reader, each with what must hold of any input. The programs of cargo-fuzz call them, and so
//! does `libs/feeds/tests/fuzzing.rs` on the stable compiler, over the same corpus.

use carewire_feeds::{
    Context, IdentityKind, dates, decode as decoding, discover, lint, opml as lists, page, parse as reading, report,
    robots as rules, sitemap as maps,
};
use url::Url;

fn base() -> Url {
    match Url::parse("https://clinic.example/news/feed.xml") {
        Ok(url) => url,
        Err(_) => unreachable!("a constant address"),
    }
}

/// The first byte chooses among headers, the rest is the body.
fn with_header(data: &[u8]) -> (Option<&'static str>, &[u8]) {
    const HEADERS: [Option<&str>; 8] = [
        None,
        Some("text/xml"),
        Some("application/rss+xml; charset=utf-8"),
        Some("text/xml; charset=\"iso-8859-1\""),
        Some("text/xml; charset=utf-16"),
        Some("application/feed+json"),
        Some("text/html; charset=shift_jis"),
        Some(";;charset=;charset=x"),
    ];
    match data.split_first() {
        Some((first, rest)) if *first < 8 => (HEADERS[usize::from(*first)], rest),
        _ => (None, data),
    }
}

/// Decoding always gives text, the same each time, and names its encoding; what is valid UTF-8 and says nothing else stays.
pub fn decode(data: &[u8]) {
    let (header, body) = with_header(data);
    let first = decoding(body, header);
    let second = decoding(body, header);
    assert_eq!(first.text, second.text);
    assert!(!first.encoding.is_empty());
    // The widest expansion: a byte becomes a character of three bytes.
    assert!(first.text.len() <= body.len() * 3 + 16, "{} of {}", first.text.len(), body.len());
}

/// Reading gives the same each time; nothing it gives makes what follows fail; a feed compared with itself has not changed.
pub fn parse(data: &[u8]) {
    let (content_type, body) = with_header(data);
    let url = base();
    let context = Context { content_type, url: Some(&url), content_language: Some("en") };
    let parsed = reading(body, &context);
    assert_eq!(parsed, reading(body, &context));
    for entry in &parsed.entries {
        assert!(!entry.identity().key.is_empty());
        let _ = (entry.identity_without_id(), entry.content_hash(), entry.review());
        assert!(
            entry
                .made_title()
                .is_none_or(|title| !title.is_empty() && title.chars().count() <= carewire_feeds::MADE_TITLE)
        );
    }
    for problem in &parsed.problems {
        assert!(lint::Rule::of(problem.code).is_some(), "{} has no rule", problem.code);
        assert!(!problem.message.is_empty());
    }
    let _ = report(&parsed);
    let found = lint::lint(&parsed, None, jiff::Timestamp::UNIX_EPOCH);
    assert!(found.is_sorted_by_key(|f| f.rule.severity));
    assert_eq!(lint::compare(&parsed, &parsed), []);
}

/// A date that is read is within the years that can be written, and is read again as it is written.
pub fn dates(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(date) = dates::parse(&text) {
        assert_eq!(dates::parse(&date.to_string()), Some(date), "{text:?}");
    }
    let _ = carewire_feeds::reviewed::in_text(&text);
}

/// A page gives the same each time, an address, and only web addresses of feeds and hubs.
pub fn html(data: &[u8]) {
    let (header, body) = with_header(data);
    let url = base();
    let read = page::read(body, header, &url);
    assert_eq!(read, page::read(body, header, &url));
    let web = |url: &Url| matches!(url.scheme(), "http" | "https");
    assert!(
        read.entry.url.as_deref().and_then(|u| Url::parse(u).ok()).is_some_and(|u| web(&u)),
        "{:?}",
        read.entry.url
    );
    assert!(read.feeds.iter().all(|feed| web(&feed.url)) && read.hubs.iter().all(web));
    let text = String::from_utf8_lossy(body);
    assert!(discover::links(&text, &url).len() <= 100);
}

/// A list that was written is read again as it was.
pub fn opml(data: &[u8]) {
    let list = lists::parse(data);
    let once = lists::parse(lists::write("list", &list.outlines).as_bytes());
    let twice = lists::parse(lists::write("list", &once.outlines).as_bytes());
    assert_eq!(once.outlines, twice.outlines);
    for outline in &list.outlines {
        assert!(outline.xml_url.is_some() || outline.html_url.is_some());
    }
}

/// A sitemap speaks for its own site only, each address once.
pub fn sitemap(data: &[u8]) {
    let (header, body) = with_header(data);
    let url = base();
    let map = maps::parse(body, header, &url);
    let mut seen = std::collections::HashSet::new();
    for page in &map.pages {
        let host = Url::parse(&page.url).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_default();
        assert!(host.ends_with("clinic.example"), "{}", page.url);
        assert!(seen.insert(page.url.as_str()), "{} stands twice", page.url);
        assert_eq!(page.entry().identity().kind, IdentityKind::Link);
    }
}

/// Any file gives an answer for any address, and the file itself may always be asked for.
pub fn robots(data: &[u8]) {
    let file = rules::Robots::parse(data, "Carewire");
    let own = base().join("/robots.txt");
    assert!(own.is_ok_and(|own| file.allows(&own)));
    let path = String::from_utf8_lossy(&data[..data.len().min(200)]).replace(['\n', '\r'], "/");
    for path in ["/", "/a/b?c=d#e", &path] {
        if let Ok(url) = base().join(path) {
            let _ = file.allows(&url);
        }
    }
}
