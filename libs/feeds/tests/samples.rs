//! Own samples, one a format, each with its whole report as a snapshot; and that no damage to them makes the reader
//! panic.

use carewire_feeds::{Context, canonical_url, discover, opml, parse, report};
use proptest::prelude::*;
use std::path::PathBuf;
use url::Url;

const SAMPLES: [&str; 7] =
    ["rss20.xml", "atom10.xml", "youtube.xml", "rdf10.xml", "podcast.xml", "jsonfeed11.json", "broken.xml"];

fn sample(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name);
    std::fs::read(path).expect("a sample of the repository")
}

fn base() -> Url {
    Url::parse("https://lakeside.example/feed.xml").expect("an address")
}

#[test]
fn every_sample_reads_as_before() {
    for name in SAMPLES {
        let url = base();
        let parsed = parse(&sample(name), &Context { url: Some(&url), ..Context::default() });
        insta::assert_json_snapshot!(name, report(&parsed));
    }
}

#[test]
fn truncation_keeps_the_entries_before_it() {
    for name in ["rss20.xml", "atom10.xml", "jsonfeed11.json"] {
        let bytes = sample(name);
        let whole = parse(&bytes, &Context::default());
        let mut last = 0;
        for cut in 0..bytes.len() {
            let parsed = parse(&bytes[..cut], &Context::default());
            // an entry once read whole is never lost by what follows being there in part
            assert!(parsed.entries.len() + 1 >= last, "{name} cut at {cut}: {} after {last}", parsed.entries.len());
            last = last.max(parsed.entries.len());
        }
        assert!(last >= whole.entries.len() - 1, "{name}");
    }
}

#[test]
fn entities_are_no_bomb() {
    let mut doc = String::from(
        "<!DOCTYPE rss [<!ENTITY a \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\">",
    );
    for i in 0..20 {
        doc += &format!("<!ENTITY b{i} \"{}\">", format!("&b{};", i + 1).repeat(50));
    }
    doc += "]><rss version=\"2.0\"><channel><title>";
    doc += &"&a;&b0;".repeat(100_000);
    doc += "</title><item><title>kept</title></item></channel></rss>";
    let parsed = parse(doc.as_bytes(), &Context::default());
    assert_eq!(parsed.entries.len(), 1);
    assert!(parsed.feed.title.is_some_and(|t| t.value.len() < 4 << 20));
    assert!(parsed.problems.iter().any(|p| p.code == "entity-limit"));
}

#[test]
fn limits_hold() {
    let many =
        format!("<rss version=\"2.0\"><channel>{}</channel></rss>", "<item><title>x</title></item>".repeat(50_003));
    let parsed = parse(many.as_bytes(), &Context::default());
    assert_eq!(parsed.entries.len(), 50_000);
    let problem = parsed.problems.iter().find(|p| p.code == "too-many-entries").expect("told");
    assert!(problem.message.starts_with("3 entries"), "{}", problem.message);

    let deep = format!("<rss><channel>{}<item><title>x</title></item></channel></rss>", "<a>".repeat(100_000));
    assert!(parse(deep.as_bytes(), &Context::default()).problems.iter().any(|p| p.code == "too-deep"));

    let long = format!("<rss><channel><item><title>{}</title></item></channel></rss>", "é".repeat(5 << 20));
    let parsed = parse(long.as_bytes(), &Context::default());
    assert!(parsed.entries[0].title.as_ref().expect("a title").value.len() <= 8 << 20);
}

#[test]
fn an_unknown_element_without_end_hides_nothing() {
    let doc = "<rss><channel><foo><item><x:y a='1'><title>one</title><br><guid>1</guid></item><item><source><title>s</title><item><title>two</title></item></channel></rss>";
    let parsed = parse(doc.as_bytes(), &Context::default());
    let ids: Vec<_> =
        parsed.entries.iter().map(|e| (e.title.as_ref().map(|t| t.value.as_str()), e.id.as_deref())).collect();
    assert_eq!(ids, [(Some("one"), Some("1")), (None, None), (Some("two"), None)]);
}

/// What would be quadratic if a repair looked to the end of the document each time.
#[test]
fn hostile_input_stays_linear() {
    let pieces = [
        "<a \"",
        "<a b='",
        "<!--",
        "<![CDATA[",
        "<",
        "&",
        "</",
        "<?",
        "<!",
        "<a<",
        "<item>",
        "&a",
        "<title>",
        "<div",
        "</a>",
        "<a href=\"<",
        "<!DOCTYPE [",
        "Ã",
        "<media:content url='x'/>",
        "<foo>",
        "<foo></bar>",
    ];
    for piece in pieces {
        for head in ["", "<rss><channel><item><description>", "<feed xmlns='http://www.w3.org/2005/Atom'><entry>"] {
            let doc = format!("{head}{}", piece.repeat(2_000_000 / piece.len()));
            let started = std::time::Instant::now();
            let _ = parse(doc.as_bytes(), &Context::default());
            let took = started.elapsed();
            assert!(took.as_secs() < 5, "{head}{piece}…: {took:?}");
        }
    }
}

#[test]
fn identity_prefers_the_guid_and_ignores_tracking() {
    let cases = [
        ("http://www.clinic.example/a/?utm_source=x&id=3#top", Some("https://clinic.example/a?id=3")),
        ("https://clinic.example:443/a/", Some("https://clinic.example/a")),
        ("https://clinic.example:8443/", Some("https://clinic.example:8443")),
        ("mailto:a@b.example", None),
        ("nonsense", None),
    ];
    for (url, expected) in cases {
        assert_eq!(canonical_url(url).as_deref(), expected, "{url}");
    }
}

#[test]
fn content_hash_ignores_what_nobody_notices() {
    let bytes = sample("youtube.xml");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let hash = |t: &str| parse(t.as_bytes(), &Context::default()).entries[0].content_hash();
    let one = hash(&text);
    assert_eq!(one, hash(&text.replace("4321", "999999").replace("count=\"17\"", "count=\"18\"")));
    assert_eq!(one, hash(&text.replace("2026-01-03T10:00:00", "2026-02-03T10:00:00")));
    assert_ne!(one, hash(&text.replace("What a stent does", "What a stent doesn't")));
    assert_ne!(one, hash(&text.replace("cardiologist", "surgeon")));
}

#[test]
fn opml_is_read_and_written() {
    let text = r#"<?xml version="1.0"?><opml version="1.0"><head><title>My &amp; list</title></head><body>
      <outline text="Health"><outline text="Heart" title="Heart Hospital" xmlUrl="https://heart.example/feed?a=1&b=2" htmlUrl="https://heart.example/"/>
        <outline text="Nested"><outline text="Deep" xmlUrl="deep.example/rss" language="es"/></outline></outline>
      <outline text="Again" xmlUrl="https://heart.example/feed?a=1&b=2"/>
      <outline text="Site only" htmlUrl="https://site.example/"/>
      <outline text="Broken" xmlUrl="not an address"/>
      <outline text=Unquoted xmlUrl=https://u.example/feed>"#;
    let list = opml::parse(text.as_bytes());
    insta::assert_debug_snapshot!("opml", list);
    let again = opml::parse(opml::write("My & list", &list.outlines).as_bytes());
    let key = |o: &opml::Opml| {
        let mut v = o.outlines.clone();
        v.sort_by(|a, b| a.xml_url.cmp(&b.xml_url));
        v
    };
    assert_eq!(key(&list), key(&again));
    assert_eq!(list.title, again.title);
}

#[test]
fn feeds_are_discovered() {
    let html = r#"<!doctype html><html><head><base href="/de/"><link rel="stylesheet alternate" type="text/css" href="x.css">
      <link rel="alternate" type="application/rss+xml" title="Comments" href="comments/feed/">
      <link rel=alternate type=application/atom+xml title="News &amp; more" href="news.atom">
      <link rel="alternate" hreflang="en" href="/en/"><link rel="feed" href="all.json">
      <script>var x = '<link rel="alternate" type="application/rss+xml" href="/no">';</script></head>
      <body><a href="/rss">RSS</a><a href="feed:https://x.example/f.rss">x</a><a href="mailto:a@b.example">m</a></body>"#;
    let found: Vec<String> = discover::links(html, &base()).iter().map(|d| format!("{} {}", d.rel, d.url)).collect();
    assert_eq!(
        found,
        [
            "alternate https://lakeside.example/de/news.atom",
            "feed https://lakeside.example/de/all.json",
            "a https://lakeside.example/rss",
            "a https://x.example/f.rss",
            "alternate https://lakeside.example/de/comments/feed/",
        ]
    );
}

fn all_of_it(bytes: &[u8]) {
    let url = base();
    for content_type in [None, Some("text/xml; charset=utf-16"), Some("application/json")] {
        let parsed = parse(bytes, &Context { content_type, url: Some(&url), ..Context::default() });
        for e in &parsed.entries {
            let _ = (e.identity(), e.content_hash());
        }
        let _ = report(&parsed);
    }
    let _ = opml::parse(bytes);
    let _ = discover::links(&String::from_utf8_lossy(bytes), &url);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        all_of_it(&bytes);
    }

    #[test]
    fn no_damage_to_a_sample_makes_it_panic(which in 0..SAMPLES.len(), cuts in proptest::collection::vec((0usize..6000, 0usize..40, any::<Option<u8>>()), 1..8)) {
        let mut bytes = sample(SAMPLES[which]);
        for (at, len, put) in cuts {
            let at = at % (bytes.len() + 1);
            let end = (at + len).min(bytes.len());
            bytes.splice(at..end, put);
        }
        all_of_it(&bytes);
    }

    #[test]
    fn no_soup_of_markup_makes_it_panic(soup in proptest::collection::vec(prop_oneof![
        Just("<item>"), Just("</item>"), Just("<rss>"), Just("<channel>"), Just("<feed xmlns='http://www.w3.org/2005/Atom'>"), Just("<entry>"),
        Just("<title type='xhtml'>"), Just("</title>"), Just("<div>"), Just("</div>"), Just("<content type='html'>"), Just("<source>"), Just("<author>"),
        Just("<media:group>"), Just("<media:content url='x'>"), Just("<![CDATA["), Just("]]>"), Just("<!--"), Just("-->"), Just("&"), Just("&#x110000;"), Just("é"),
        Just("<"), Just(">"), Just("\""), Just("<link href='//x'/>"), Just("<a href="), Just("Ã©"), Just("<pubDate>1 Jan"), Just("<skipHours><hour>99"),
        Just("<image>"), Just("<at:deleted-entry ref='x'>"), Just("<!DOCTYPE x ["), Just("<?xml"), Just("{"), Just("\"items\":["),
    ], 0..60)) {
        all_of_it(soup.concat().as_bytes());
    }

    #[test]
    fn opml_keeps_what_it_writes(titles in proptest::collection::vec("[^\\x00-\\x1f\\x7f-\\x9f]{1,20}", 1..6)) {
        let list: Vec<opml::Subscription> = titles.iter().enumerate().map(|(i, t)| opml::Subscription {
            title: (!t.trim().is_empty()).then(|| t.trim().to_owned()),
            xml_url: Some(format!("https://x.example/{i}?a=1&b=<2>")),
            ..opml::Subscription::default()
        }).collect();
        let read = opml::parse(opml::write("t", &list).as_bytes()).outlines;
        let urls = |l: &[opml::Subscription]| l.iter().map(|s| s.xml_url.clone()).collect::<Vec<_>>();
        prop_assert_eq!(urls(&read), urls(&list));
        for (a, b) in read.iter().zip(&list) {
            if b.title.is_some() {
                prop_assert_eq!(&a.title, &b.title);
            }
        }
    }
}
