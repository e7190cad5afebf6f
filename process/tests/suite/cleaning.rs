//! Cleaning: what markup stays, what text comes of it, addresses, languages, dates, kinds.

use crate::entries::{at, entry, html};
use carewire_conditions::{Tagger, Vocabulary};
use carewire_process::tag::{language, sanitise, tag_entry, text, url};
use carewire_schemas::{EntryV1, ItemKind, Media, MediaKind, Person, TaggedV1, Text, TextType, Video};
use jiff::SignedDuration;
use proptest::prelude::*;

fn tag(entry: &EntryV1) -> TaggedV1 {
    tag_entry(entry, Tagger::bundled(), Vocabulary::bundled())
}

fn with_body(body: &str) -> EntryV1 {
    let mut entry = entry(1, "g", 0);
    entry.content.url = Some("https://org1.example/news/a".to_owned());
    entry.content.body = html(body);
    entry
}

#[test]
fn markup() {
    let base = "https://org1.example/news/a".parse().ok();
    let cases = [
        ("a counting picture before text", "<img src=\"https://a.example/p.gif\" width=1>\t--> x"),
        ("plain text", "Just words.\nTwo lines."),
        (
            "article",
            "<h2>Flu</h2><p>Get <b>vaccinated</b> <a href='https://a.example/x?b=1&c=2'>now</a>.</p><ul><li>one<li>two</ul>",
        ),
        ("table", "<table><tr><th scope=col>Dose<td colspan=2 style='color:red'>5 mg</table>"),
        (
            "figure",
            "<figure><img src=/p.jpg alt='A nurse' width=600 height=400 onerror=x()><figcaption>Nurse</figcaption></figure>",
        ),
        (
            "media",
            "<audio src=https://a.example/a.mp3 autoplay></audio><video><source src=//a.example/v.mp4 type=video/mp4></video>",
        ),
        ("script", "<p onclick=alert(1)>a<script>alert('x')</script><style>p{}</style>b</p><svg onload=x()><p>c"),
        (
            "addresses",
            "<a href='javascript:alert(1)'>a</a> <a href='mailto:x@y.example'>m</a> <a href=data:text/html,x>d</a> <a href=../b>r</a>",
        ),
        (
            "pixels",
            "a<img src=https://x.example/p.gif width=1 height=1><img src=https://feeds.feedburner.com/~r/x/1><img alt=none><img src=https://pixel.wp.com/b.gif>b",
        ),
        ("form", "<form action=/x><input name=a><button>Send</button></form><p>after</p>"),
        (
            "frames",
            "<iframe src='https://www.youtube.com/embed/abcdefghijk?rel=0' width=560></iframe><p>x</p><iframe src=https://evil.example/embed/abcdefghijk />after",
        ),
        ("right to left", "<p dir=rtl lang=ar>السكري <b>مرض</b></p><p dir=sideways>x</p>"),
        ("broken", "<p>a <b>b <i>c</b> d</i> <a href=\"x>e</p> &copy &nosuch; &lt;script&gt;"),
        ("mathematics", "<p>p &lt; 0.05 & n > 3</p>"),
    ];
    let mut out = String::new();
    for (name, html) in cases {
        let clean = sanitise::html(html, base.as_ref());
        out.push_str(&format!("# {name}\n{html}\n→ {clean}\n= {:?}\n\n", text::plain(&clean)));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn titles() {
    for (title, body, want) in [
        (html("<b>Flu</b> &amp; you"), "", "Flu & you"),
        (html("Crohn&amp;#8217;s disease"), "", "Crohn’s disease"),
        (Some(Text { r#type: TextType::Text, value: "Crohn&rsquo;s R&D".to_owned() }), "", "Crohn’s R&D"),
        (Some(Text { r#type: TextType::Text, value: "Risk if p < 0.05".to_owned() }), "", "Risk if p < 0.05"),
        (Some(Text { r#type: TextType::Text, value: "<i>E. coli</i> outbreak".to_owned() }), "", "E. coli outbreak"),
        (html("  two\n lines "), "", "two lines"),
        (None, "<p>Our new clinic opens in May. More follows.</p>", "Our new clinic opens in May"),
        (html("<img src=x>"), "", "https://org1.example/news/a"),
        (html("Safe\u{202e}gnp.exe\u{0}"), "", "Safegnp.exe"),
    ] {
        let mut entry = with_body(body);
        entry.content.title = title;
        assert_eq!(tag(&entry).cleaned.title, want);
    }
    let mut nothing = entry(1, "", 0);
    nothing.content.guid = None;
    assert_eq!(tag(&nothing).cleaned.title, "(untitled)");
}

#[test]
fn summaries_are_cut_at_a_word() {
    let mut entry = with_body(&format!("<p>{}</p>", "understanding diabetes ".repeat(60)));
    let summary = tag(&entry).cleaned.summary;
    let head = summary.strip_suffix('…').unwrap();
    assert!(
        summary.chars().count() <= 500 && (head.ends_with(" diabetes") || head.ends_with(" understanding")),
        "{summary}"
    );
    entry.content.summary = html("<p>Short &amp; own.</p>");
    assert_eq!(tag(&entry).cleaned.summary, "Short & own.");
    entry.content.body = html(&"糖尿病の治療".repeat(200));
    entry.content.summary = None;
    assert_eq!(tag(&entry).cleaned.summary.chars().count(), 500);
}

#[test]
fn addresses() {
    for (address, want) in [
        ("https://Org.Example:443/a?utm_source=x&id=5&fbclid=y&b=#top", Some("https://org.example/a?id=5&b=")),
        ("http://org.example:80/a?gclid=1", Some("http://org.example/a")),
        ("https://user:secret@org.example/a", Some("https://org.example/a")),
        ("https://www.youtube.com/watch?v=abcdefghijk&si=share", Some("https://www.youtube.com/watch?v=abcdefghijk")),
        ("https://org.example/a?si=section", Some("https://org.example/a?si=section")),
        ("https://org.example/#!/news/5", Some("https://org.example/#!/news/5")),
        ("https://bücher.example/ä", Some("https://xn--bcher-kva.example/%C3%A4")),
        ("javascript:alert(1)", None),
        ("/relative", None),
        ("", None),
    ] {
        assert_eq!(url::canonical(address).map(String::from).as_deref(), want, "{address}");
    }
}

#[test]
fn languages() {
    let english = "Doctors recommend that everyone over the age of fifty has a regular check of their blood pressure.";
    let spanish =
        "Los médicos recomiendan que todas las personas mayores de cincuenta años controlen su presión arterial.";
    let japanese = "糖尿病は、血液中のブドウ糖が多くなる病気です。治療には食事療法と運動療法があり、医師と相談して薬を使うこともあります。";
    for (declared, text, want) in [
        (Some("en-us"), english, Some("en-US")),
        (Some("EN_gb"), english, Some("en-GB")),
        (Some("en"), spanish, Some("es")),
        (Some("zh-hant-tw"), "短", Some("zh-Hant-TW")),
        (Some("english"), english, Some("en")),
        (Some("und"), "short", None),
        (None, spanish, Some("es")),
        (None, japanese, Some("ja")),
        (Some("ja"), japanese, Some("ja")),
        (Some("spa"), spanish, Some("es")),
        (Some("es"), "Flu", Some("es")),
        (Some("mt"), english, Some("mt")),
        (None, "", None),
    ] {
        assert_eq!(language::of(declared, "", text).as_deref(), want, "{declared:?} {text}");
    }
}

#[test]
fn reviews_count_for_how_long_an_item_is_good_and_made_titles_are_marked() {
    let far = at(10_000_000);
    for (reviewed, next, shown, review_by) in [
        (None, None, None, Some(at(0) + SignedDuration::from_hours(24 * 3 * 365))),
        (Some(at(5)), None, Some(at(5)), Some(at(5) + SignedDuration::from_hours(24 * 3 * 365))),
        (Some(at(99)), None, Some(at(10)), Some(at(10) + SignedDuration::from_hours(24 * 3 * 365))),
        (Some(at(5)), Some(far), Some(at(5)), Some(far)),
    ] {
        let mut entry = entry(1, "g", 10);
        (entry.content.published, entry.content.reviewed, entry.content.next_review) = (Some(at(0)), reviewed, next);
        entry.content.reviewed_by =
            vec![Person { name: " Ada <b>Ruiz</b>".to_owned(), url: Some("javascript:x".to_owned()) }];
        let traits = tag(&entry).cleaned.traits;
        assert_eq!(
            (traits.reviewed, traits.next_review, traits.review_by),
            (shown, next, review_by),
            "{reviewed:?} {next:?}"
        );
        assert_eq!(traits.reviewed_by, [Person { name: "Ada Ruiz".to_owned(), url: None }]);
    }
    for (title, body, made) in
        [("Flu", "<p>Get vaccinated.</p>", false), ("", "<p>Get vaccinated.</p>", true), ("", "", true)]
    {
        let mut entry = with_body(body);
        entry.content.title = Some(Text { r#type: TextType::Text, value: title.to_owned() });
        assert_eq!(tag(&entry).cleaned.traits.title_made, made, "{title:?} {body:?}");
    }
}

#[test]
fn dates_and_kinds() {
    let mut entry = entry(1, "g", 10);
    entry.content.published = Some(at(99));
    entry.content.updated = Some(at(5));
    let tagged = tag(&entry);
    assert_eq!((tagged.cleaned.published, tagged.cleaned.updated), (Some(at(10)), Some(at(5))));
    assert_eq!(tagged.cleaned.kind, ItemKind::Article);
    let media = |kind, thumbnail| Media {
        url: "https://a.example/x".to_owned(),
        kind,
        mime: None,
        duration: None,
        length: None,
        title: None,
        thumbnail,
    };
    entry.content.published = None;
    entry.content.updated = None;
    entry.content.media =
        vec![media(MediaKind::Video, true), media(MediaKind::Audio, false), media(MediaKind::Image, false)];
    assert_eq!((tag(&entry).cleaned.kind, tag(&entry).cleaned.published), (ItemKind::Audio, None));
    entry.content.media.push(Media { url: "javascript:x()".to_owned(), ..media(MediaKind::Image, false) });
    assert_eq!(tag(&entry).cleaned.media.len(), 3);
    entry.content.video = Some(Video {
        site: "youtube".to_owned(),
        id: "abcdefghijk".to_owned(),
        channel: None,
        thumbnail: None,
        duration: None,
        captions: None,
        live: None,
    });
    assert_eq!(tag(&entry).cleaned.kind, ItemKind::Video);
}

#[test]
fn conditions_come_with_the_entry() {
    let mut entry = with_body("<p>People with <b>type 2 diabetes</b> can lower their risk.</p>");
    entry.content.title = html("Living with type 2 diabetes");
    let tagged = tag(&entry);
    let about = &tagged.cleaned.conditions[0];
    assert_eq!(about.code.as_str(), "D003924");
    let evidence = &about.evidence[0];
    let title: String = tagged.cleaned.title.chars().skip(evidence.start).take(evidence.end - evidence.start).collect();
    assert_eq!(title, evidence.text);
}

/// Texts made to keep a parser busy end soon, and small.
#[test]
fn hostile_texts() {
    let started = std::time::Instant::now();
    for hostile in [
        "<b>".repeat(100_000),
        "<div>".repeat(100_000),
        (0..40_000).map(|n| format!("<font color={n}><p>")).collect::<String>(),
        "<a href=x>".repeat(50_000),
        "<table><tr><td>".repeat(30_000),
        "<p>x</p>".repeat(1_000_000),
        "&amp;".repeat(1_000_000),
        "&".repeat(1_000_000),
        "<".repeat(1_000_000),
        "<a b=\"".repeat(200_000),
        "<iframe ".repeat(200_000),
        "<!--".repeat(200_000),
        "x".repeat(10_000_000),
        "<img ".repeat(200_000),
        "<svg><style><img title=\"</style><img src=x onerror=alert(1)>\">".repeat(1000),
        "a\u{301}".repeat(500_000),
    ] {
        let tagged = tag(&with_body(&hostile));
        assert!(
            tagged.cleaned.html.len() < 6 * sanitise::MAX_HTML,
            "{}: {}",
            &hostile[..20],
            tagged.cleaned.html.len()
        );
        assert!(!tagged.cleaned.html.contains("onerror"));
    }
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// Never panics; what comes out has nothing that runs, and stays as it is when cleaned again.
    #[test]
    fn sanitised_html_runs_nothing(html in hostile_html()) {
        let clean = sanitise::html(&html, None);
        let lower = clean.to_ascii_lowercase();
        for bad in ["<script", "<style", "<iframe", "<form", "<object", "<svg", "javascript:", "<!--"] {
            prop_assert!(!lower.contains(bad), "{bad} in {clean}");
        }
        for tag in lower.split('<').skip(1).filter_map(|tag| tag.split_once('>')).map(|(tag, _)| tag) {
            prop_assert!(!tag.split_whitespace().skip(1).any(|name| name.starts_with("on") && name.contains('=') && !tag.contains('"')), "{tag}");
        }
        prop_assert_eq!(sanitise::html(&clean, None), if clean.contains(['<', '&']) { clean.clone() } else { sanitise::html(&clean, None) });
        let plain = text::plain(&clean);
        prop_assert!(!plain.contains("  ") && plain.trim() == plain);
    }

    #[test]
    fn any_entry_is_tagged(title in ".{0,60}", body in hostile_html(), guid in ".{0,20}", address in ".{0,40}", language in "[a-zA-Z_-]{0,8}") {
        let mut entry = with_body(&body);
        entry.content.title = html(&title);
        entry.content.guid = Some(guid);
        entry.content.url = Some(address);
        entry.content.language = Some(language);
        let tagged = tag(&entry);
        prop_assert!(!tagged.cleaned.title.is_empty());
        prop_assert!(tagged.cleaned.summary.chars().count() <= 500);
        prop_assert_eq!(tagged, tag(&entry));
    }

    #[test]
    fn cut_keeps_to_its_limit(value in ".{0,200}", max in 1usize..100) {
        let cut = text::cut(&value, max);
        prop_assert!(cut.chars().count() <= max);
        prop_assert!(value.chars().count() > max || cut == value);
    }
}

/// Pieces of markup in any order.
fn hostile_html() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        ".{0,12}",
        Just("<script>alert(1)</script>".to_owned()),
        Just("<script".to_owned()),
        Just("<img src=x onerror=alert(1)>".to_owned()),
        Just("<a href='javascript:x()' onclick=\"y()\">".to_owned()),
        Just("</a>".to_owned()),
        Just("<svg><style>".to_owned()),
        Just("<math><mi>".to_owned()),
        Just("<!-- ".to_owned()),
        Just("-->".to_owned()),
        Just("<p>".to_owned()),
        Just("</p><b>".to_owned()),
        Just("<table><td>".to_owned()),
        Just("&lt;script&gt;".to_owned()),
        Just("\"'>".to_owned()),
        Just("<iframe src=https://www.youtube.com/embed/abcdefghijk>".to_owned()),
        Just("<template><noscript>".to_owned()),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}
