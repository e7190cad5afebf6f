//! Each rule of the linter by a case that breaks it and by the feed that breaks none; that every problem of the reader has a
//! rule, and that docs/checks.md shows them all.

use carewire_feeds::lint::{self, Again, Exchange, RULES, Redirect, Severity};
use carewire_feeds::{Context, Parsed, parse};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use url::Url;

fn now() -> jiff::Timestamp {
    "2026-11-24T00:00:00Z".parse().expect("a time")
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("an address")
}

const AT: &str = "https://clinic.example/feed.xml";

/// An RSS feed that nothing is wrong with; `channel` and `item` are put into it.
fn rss(channel: &str, item: &str) -> String {
    let text = "<p>Sleep well.</p>".repeat(60);
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\" \
         xmlns:dcterms=\"http://purl.org/dc/terms/\"><channel><title>Clinic</title><link>https://clinic.example/</link>\
         <description>News</description><language>en</language><copyright>CC BY 4.0</copyright>\
         <atom:link rel=\"self\" href=\"{AT}\"/><atom:link rel=\"hub\" href=\"https://hub.example/\"/>{channel}\
         <item><title>One</title><link>https://clinic.example/1</link><guid isPermaLink=\"false\">1</guid>\
         <pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate><content:encoded><![CDATA[{text}]]></content:encoded></item>{item}\
         </channel></rss>"
    )
}

fn exchange() -> Exchange {
    Exchange {
        asked: url(AT),
        url: url(AT),
        status: 200,
        redirects: Vec::new(),
        etag: Some("\"a\"".into()),
        last_modified: None,
        cache_control: Some("max-age=900".into()),
        expires: None,
        content_type: Some("application/rss+xml; charset=utf-8".into()),
        content_encoding: Some("gzip".into()),
        links: Vec::new(),
        fresh_s: Some(900),
        wire_bytes: 900,
        body_bytes: 4000,
        complete: true,
        elapsed: Duration::from_millis(80),
        again: Some(Again::NotModified),
    }
}

fn read(text: &str) -> Parsed {
    let url = url(AT);
    parse(
        text.as_bytes(),
        &Context { content_type: Some("application/rss+xml; charset=utf-8"), url: Some(&url), ..Context::default() },
    )
}

fn codes(parsed: &Parsed, exchange: Option<&Exchange>) -> Vec<&'static str> {
    lint::lint(parsed, exchange, now()).iter().map(|f| f.rule.code).collect()
}

#[test]
fn a_good_feed_has_no_findings() {
    assert_eq!(codes(&read(&rss("", "")), Some(&exchange())), [""; 0]);
}

fn item(inside: &str) -> String {
    format!("<item>{inside}</item>")
}

/// A second item with all that one needs but `without`, and with `with`.
fn second(without: &[&str], with: &str) -> String {
    let parts = [
        ("title", "<title>Two</title>".to_owned()),
        ("link", "<link>https://clinic.example/2</link>".to_owned()),
        ("guid", "<guid isPermaLink=\"false\">2</guid>".to_owned()),
        ("date", "<pubDate>Tue, 03 Nov 2026 10:00:00 GMT</pubDate>".to_owned()),
        ("text", format!("<content:encoded><![CDATA[{}]]></content:encoded>", "<p>Walk more.</p>".repeat(60))),
    ];
    let kept: String =
        parts.iter().filter(|(name, _)| !without.contains(name)).map(|(_, part)| part.as_str()).collect();
    item(&format!("{kept}{with}"))
}

fn with_text(html: &str) -> String {
    let text = format!("{}{html}", "<p>Walk more.</p>".repeat(60));
    second(&["text"], &format!("<content:encoded><![CDATA[{text}]]></content:encoded>"))
}

#[test]
fn findings_of_documents_by_case() {
    let wrong: &[(&str, String, &[&str])] = &[
        ("no title of the feed", rss("", "").replacen("<title>Clinic</title>", "", 1), &["feed-without-title"]),
        ("no site", rss("", "").replacen("<link>https://clinic.example/</link>", "", 1), &["feed-without-site"]),
        ("no language", rss("", "").replacen("<language>en</language>", "", 1), &["language-missing"]),
        ("language in words", rss("", "").replacen(">en<", ">English (UK)<", 1), &["language-invalid"]),
        ("no rights", rss("", "").replacen("<copyright>CC BY 4.0</copyright>", "", 1), &["licence-missing"]),
        ("no hub", rss("", "").replacen("rel=\"hub\"", "rel=\"x\"", 1), &["hub-missing"]),
        ("no self", rss("", "").replacen("rel=\"self\"", "rel=\"x\"", 1), &["hub-without-self"]),
        ("another self", rss("", "").replacen(AT, "https://old.example/feed", 1), &["self-link-differs"]),
        ("moved by iTunes", rss("<itunes:new-feed-url>https://new.example/feed</itunes:new-feed-url>", ""), &["new-feed-url"]),
        ("moved to where it is", rss(&format!("<itunes:new-feed-url>{AT}</itunes:new-feed-url>"), ""), &[]),
        ("ttl of a week", rss("<ttl>10080</ttl>", ""), &["asks-to-wait"]),
        ("weekly", rss("<sy:updatePeriod>weekly</sy:updatePeriod>", ""), &["asks-to-wait"]),
        ("ten times a week", rss("<sy:updatePeriod>weekly</sy:updatePeriod><sy:updateFrequency>10</sy:updateFrequency>", ""), &[]),
        (
            "all days skipped",
            rss("<skipDays><day>Monday</day><day>Tuesday</day><day>Wednesday</day><day>Thursday</day><day>Friday</day><day>Saturday</day><day>Sunday</day></skipDays>", ""),
            &["asks-never-to-come"],
        ),
        ("no entries", "<rss version='2.0'><channel><title>C</title><link>https://clinic.example/</link><language>en</language></channel></rss>".into(), &["no-entries", "licence-missing", "hub-missing"]),
        ("RSS 0.91", rss("", "").replacen("version=\"2.0\"", "version=\"0.91\"", 1), &["old-format"]),
        ("no id", rss("", &second(&["guid"], "")), &["entry-without-id"]),
        ("one id twice", rss("", &second(&["guid"], "<guid isPermaLink=\"false\">1</guid>")), &["duplicate-id"]),
        ("no title", rss("", &second(&["title"], "")), &["title-missing"]),
        ("no link", rss("", &second(&["link"], "")), &["link-missing"]),
        ("a link over http", rss("", &second(&["link"], "<link>http://clinic.example/2</link>")), &["link-not-https"]),
        ("no date", rss("", &second(&["date"], "")), &["date-missing"]),
        ("no date at all", rss("", "").replace("<pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate>", ""), &["entry-without-date"]),
        ("a date that is none", rss("", &second(&["date"], "<pubDate>yesterday</pubDate>")), &["date-missing", "bad-date"]),
        ("a date without zone", rss("", &second(&["date"], "<pubDate>2026-11-03 10:00:00</pubDate>")), &["date-without-zone"]),
        ("a date ahead", rss("", &second(&["date"], "<pubDate>Thu, 03 Dec 2026 10:00:00 GMT</pubDate>")), &["date-in-future"]),
        ("minutes ahead", rss("", &second(&["date"], "<pubDate>Tue, 24 Nov 2026 00:05:00 GMT</pubDate>")), &[]),
        (
            "equal dates",
            rss("", &[3, 4, 5].map(|n| second(&["guid", "date"], &format!("<guid>x{n}</guid><pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate>"))).concat()),
            &["dates-equal"],
        ),
        ("no text", rss("", &second(&["text"], "")), &["no-text"]),
        ("excerpts", rss("", &[3, 4].map(|n| second(&["guid", "text", "date"], &format!("<guid>x{n}</guid><dc:date>2026-10-0{n}T00:00:00Z</dc:date><description>Short</description>"))).concat()), &["excerpt-only"]),
        ("cut texts", rss("", &[3, 4].map(|n| with_text("<p>and so […]</p>").replace(">2<", &format!(">x{n}<")).replace("03 Nov", &format!("0{n} Oct"))).concat()), &["excerpt-only"]),
        ("a picture without alt", rss("", &with_text("<IMG src=\"https://clinic.example/x.jpg\" title='alt'>")), &["image-without-alternative"]),
        ("a picture with an empty alt", rss("", &with_text("<img alt='' src=\"https://clinic.example/x.jpg\"><img alt src=\"https://clinic.example/y.jpg\">")), &[]),
        ("a tracking pixel", rss("", &with_text("<img src='https://t.example/p' width='1' height='1'>")), &["tracking-pixel"]),
        ("a script", rss("", &with_text("<script>x()</script>")), &["script-in-text"]),
        ("a frame", rss("", &with_text("<iframe src='https://v.example/'></iframe>")), &["frame-in-text"]),
        ("a relative link in the text", rss("", &with_text("<a href='/more'>more</a>")), &["relative-link-in-text"]),
        ("a relative link under a stated base", rss("", &with_text("<a href='/more'>more</a>")).replacen("<rss ", "<rss xml:base=\"https://clinic.example/\" ", 1), &[]),
        ("an enclosure without type", rss("", &second(&[], "<enclosure url='https://clinic.example/a.pdf' length='3'/>")), &["enclosure-incomplete"]),
        ("an enclosure without address", rss("", &second(&[], "<enclosure length='3'/>")), &["enclosure-without-url"]),
        ("sound without transcript", rss("", &second(&[], "<enclosure url='https://clinic.example/a.mp3' length='3' type='audio/mpeg'/>")), &["transcript-missing"]),
        ("a title escaped twice", rss("", &second(&["title"], "<title>A &amp;amp;amp; B</title>")), &["double-escaped-title"]),
        ("ended", rss("", &second(&[], "<dcterms:valid>end=2026-01-01</dcterms:valid>")), &["entry-expired"]),
        ("a web page", "<!doctype html><html><head><title>x</title></head></html>".into(), &["html"]),
        ("nothing", String::new(), &["empty"]),
        ("some text", "hello".into(), &["not-a-feed", "junk-before-document"]),
        ("broken JSON", "{\"version\": \"https://jsonfeed.org/version/1.1\", \"items\": ?}".into(), &["bad-json"]),
        ("an ampersand", rss("", &second(&["title"], "<title>A & B</title>")), &["bare-ampersand"]),
        ("a prefix", rss("<foo:bar/>", ""), &["undeclared-prefix"]),
        ("cut off", rss("", "")[..rss("", "").len() - 20].into(), &["truncated", "unclosed-tag", "unmatched-end-tag"]),
    ];
    let mut failed = String::new();
    let mut x = exchange();
    x.links = vec!["<https://clinic.example/feed.xml>; rel=\"x\"".into()];
    for (name, text, expected) in wrong {
        let found = codes(&read(text), Some(&x));
        if found != *expected {
            let _ = writeln!(failed, "{name}: {found:?} for {expected:?}");
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn findings_of_exchanges_by_section_of_rfc_9110_and_9111() {
    let hop = |status, from: &str, to: &str| Redirect { status, from: url(from), to: url(to) };
    type Change = Box<dyn Fn(&mut Exchange)>;
    let table: Vec<(&str, Change, &[&str])> = vec![
        ("4.2.2 no https", Box::new(|x| x.url = url("http://clinic.example/feed.xml")), &["no-https"]),
        (
            "4.2.2 down to http",
            Box::new(move |x| {
                x.redirects = vec![hop(301, AT, "http://clinic.example/feed.xml")];
                x.url = url("http://clinic.example/feed.xml");
            }),
            &["https-downgrade", "no-https", "moved-permanently"],
        ),
        (
            "15.4 a chain",
            Box::new(move |x| {
                x.redirects = vec![
                    hop(301, AT, "https://clinic.example/b"),
                    hop(302, "https://clinic.example/b", "https://clinic.example/c"),
                ];
            }),
            &["redirect-chain", "moved-temporarily"],
        ),
        (
            "15.4.9 moved for good",
            Box::new(move |x| x.redirects = vec![hop(308, AT, "https://clinic.example/b")]),
            &["moved-permanently"],
        ),
        ("15.5 an error", Box::new(|x| x.status = 404), &["status"]),
        ("8.8 no validators", Box::new(|x| x.etag = None), &["no-validators"]),
        (
            "8.8.2 a date alone is one",
            Box::new(|x| {
                x.etag = None;
                x.last_modified = Some("Mon, 02 Nov 2026 10:00:00 GMT".into());
            }),
            &[],
        ),
        ("8.8.3 no quotes", Box::new(|x| x.etag = Some("abc".into())), &["bad-etag"]),
        ("8.8.3 a weak tag", Box::new(|x| x.etag = Some("W/\"abc-gzip\"".into())), &[]),
        ("13.1 not honoured", Box::new(|x| x.again = Some(Again::SameBody)), &["validators-ignored"]),
        ("13.1 changed meanwhile", Box::new(|x| x.again = Some(Again::OtherBody)), &[]),
        ("5.2.2.5 no-store", Box::new(|x| x.cache_control = Some("private, no-store".into())), &["no-store"]),
        ("4.2 nothing said", Box::new(|x| x.fresh_s = None), &["no-freshness"]),
        ("5.2.2.1 two days", Box::new(|x| x.fresh_s = Some(172_800)), &["long-freshness"]),
        ("8.3 no type", Box::new(|x| x.content_type = None), &["content-type-missing"]),
        ("8.3 a page's type", Box::new(|x| x.content_type = Some("text/html".into())), &["content-type-wrong"]),
        (
            "8.3 Atom's type",
            Box::new(|x| x.content_type = Some("application/atom+xml".into())),
            &["content-type-wrong"],
        ),
        ("8.3 XML's own", Box::new(|x| x.content_type = Some("Text/XML; charset=utf-8".into())), &[]),
        (
            "8.4 not compressed",
            Box::new(|x| {
                x.content_encoding = None;
                x.body_bytes = 50_000;
            }),
            &["not-compressed"],
        ),
        ("5005, 4 large", Box::new(|x| x.body_bytes = 3 << 20), &["too-large"]),
        ("cut off", Box::new(|x| x.complete = false), &["body-incomplete"]),
        ("slow", Box::new(|x| x.elapsed = Duration::from_secs(6)), &["slow"]),
    ];
    let good = read(&rss("", ""));
    for (name, change, expected) in table {
        let mut x = exchange();
        change(&mut x);
        let found = codes(&good, Some(&x));
        // A feed read elsewhere names another address as its own.
        let found: Vec<_> = found.into_iter().filter(|code| *code != "self-link-differs").collect();
        assert_eq!(found, expected, "{name}");
    }
    let bare = read(&rss("", "").replacen("rel=\"hub\"", "rel=\"x\"", 1).replacen("rel=\"self\"", "rel=\"x\"", 1));
    let mut x = exchange();
    x.links = vec!["<https://hub.example/>; rel=hub, <https://clinic.example/feed.xml>; rel=\"self\"".into()];
    assert_eq!(codes(&bare, Some(&x)), [""; 0], "WebSub 4: Link headers count");
}

#[test]
fn what_only_two_readings_show() {
    let before = read(&rss("", &second(&[], "")));
    assert!(lint::compare(&before, &before).is_empty());
    let after = read(&rss(
        "",
        &second(
            &["guid", "date"],
            "<guid isPermaLink=\"false\">99</guid><pubDate>Tue, 03 Nov 2026 10:00:01 GMT</pubDate>",
        ),
    ));
    let found = lint::compare(&before, &after);
    assert_eq!(found.iter().map(|f| f.rule.code).collect::<Vec<_>>(), ["id-changes", "date-changes"]);
    assert_eq!(found[0].detail, "\"2\" became \"99\"");
    assert_eq!(found[0].places, ["entry 2 “Two”"]);
}

#[test]
fn findings_count_and_name_their_first_places() {
    let many: String = (0..9)
        .map(|n| second(&["guid", "title", "date"], &format!("<guid>x{n}</guid><dc:date>2026-10-0{}</dc:date>", n + 1)))
        .collect();
    let found = lint::lint(&read(&rss("", &many)), None, now());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].count, found[0].places.len()), (9, lint::MAX_PLACES));
    let json = serde_json::to_value(&found[0]).expect("JSON");
    assert_eq!(json["code"], "title-missing");
    assert_eq!(json["severity"], "warning");
    assert!(json["mend"].as_str().is_some_and(|t| !t.is_empty()));
}

#[test]
fn every_problem_of_the_reader_has_a_rule() {
    let source = include_str!("../src/lib.rs");
    let rows = source.lines().filter_map(|l| l.strip_prefix("//! | `"));
    let codes: BTreeSet<&str> = rows
        .filter_map(|row| row.split_once(" |").map(|(codes, _)| codes))
        .flat_map(|codes| codes.split('`'))
        .filter(|code| code.len() > 3 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
        .collect();
    assert!(codes.len() > 30, "{codes:?}");
    let without: Vec<_> = codes.iter().filter(|code| lint::Rule::of(code).is_none()).collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn rules_are_whole_and_each_once() {
    let codes: BTreeSet<_> = RULES.iter().map(|r| r.code).collect();
    assert_eq!(codes.len(), RULES.len(), "a code stands twice");
    for rule in RULES {
        assert!(rule.link.starts_with("https://"), "{}", rule.code);
        for text in [rule.title, rule.effect, rule.mend] {
            assert!(text.len() > 8 && !text.ends_with('.'), "{}: {text}", rule.code);
        }
    }
}

/// The page that shows the rules; `UPDATE_GENERATED=1` writes it.
#[test]
fn the_page_of_checks_is_as_the_rules_are() {
    let mut page = String::from(
        "# What is checked of a feed\n\n`carewire check URL` and `POST /v1/checks` look at a feed as a linter does. An **error** means that readers lose content, a \
         **warning** that it comes late, wrong or at a cost; a **note** says what could be better. The command ends with 1 where \
         there is an error.\n",
    );
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let _ = write!(
            page,
            "\n## {}s\n\n| code | what | for readers | how to mend it | laid down in |\n| --- | --- | --- | --- | --- |\n",
            capital(severity.name())
        );
        for r in RULES.iter().filter(|r| r.severity == severity) {
            let cell = |text: &str| {
                text.replace('|', "\\|")
                    .replace('<', "&lt;")
                    .replace("&amp;", "&amp;amp;")
                    .replace("&nbsp;", "&amp;nbsp;")
                    .replace("&#", "&amp;#")
            };
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} | [{}]({}) |",
                r.code,
                cell(r.title),
                cell(r.effect),
                cell(r.mend),
                r.spec,
                r.link
            );
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/checks.md");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &page).expect("docs/ can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(there, page, "docs/checks.md is not as the rules are: run this test with UPDATE_GENERATED=1");
}

fn capital(word: &str) -> String {
    format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..])
}
