use carewire_schemas::{
    ConditionCode, ConditionTag, ItemKind, Media, OrganizationRef, Person, PublicSource, PublicState, Role, StoryId,
    Video,
};
use proptest::prelude::*;
use quick_xml::events::Event;
use uuid::Uuid;

use super::*;

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn tag(code: &str, name: &str, role: Role) -> ConditionTag {
    ConditionTag {
        code: ConditionCode(code.to_owned()),
        name: name.to_owned(),
        role,
        score: 0.9,
        negated: false,
        qualifier: None,
        topic: false,
        evidence: Vec::new(),
    }
}

fn source(slug: &str, name: &str, url: Option<&str>) -> PublicSource {
    let organization = OrganizationRef { slug: slug.to_owned(), name: name.to_owned() };
    PublicSource { organization, url: url.map(str::to_owned) }
}

fn article() -> CuratedV1 {
    CuratedV1 {
        id: ItemId(Uuid::from_u128(1)),
        version: 2,
        state: PublicState::Curated,
        title: "Walking & type 2 diabetes: what <30 minutes do".to_owned(),
        url: Some("https://clinic.example/walk?a=1&b=2".to_owned()),
        summary: "Half an hour a day lowers blood sugar.".to_owned(),
        html: "<p>Half an hour a day &amp; more.</p>".to_owned(),
        language: Some("en".to_owned()),
        kind: ItemKind::Article,
        traits: Default::default(),
        published: instant("2026-11-01T08:00:00Z"),
        updated: instant("2026-11-02T09:30:00.5Z"),
        authors: vec![Person { name: "Ana Díaz".to_owned(), url: Some("https://clinic.example/diaz".to_owned()) }],
        media: vec![Media {
            url: "https://clinic.example/walk.mp3".to_owned(),
            kind: MediaKind::Audio,
            mime: Some("audio/mpeg".to_owned()),
            duration: Some(61),
            length: Some(12_345),
            title: Some("Listen".to_owned()),
            thumbnail: false,
        }],
        video: None,
        licence: Some("https://creativecommons.org/licenses/by/4.0/".to_owned()),
        conditions: vec![
            tag("D003924", "Type 2 Diabetes Mellitus", Role::About),
            tag("doid:9970", "obesity", Role::Mentioned),
            ConditionTag { negated: true, ..tag("D009369", "Neoplasms", Role::Mentioned) },
        ],
        sources: vec![
            source("clinic", "Lakeside Clinic", Some("https://clinic.example/walk")),
            source("league", "Diabetes League", Some("https://league.example/n/1")),
        ],
        story: StoryId(Uuid::from_u128(9)),
        withdrawn: None,
    }
}

fn video() -> CuratedV1 {
    CuratedV1 {
        id: ItemId(Uuid::from_u128(2)),
        version: 1,
        title: String::new(),
        url: Some("https://www.youtube.com/watch?v=abc".to_owned()),
        summary: String::new(),
        html: String::new(),
        language: Some("not a tag".to_owned()),
        kind: ItemKind::Video,
        traits: Default::default(),
        authors: Vec::new(),
        media: Vec::new(),
        video: Some(Video {
            site: "youtube".to_owned(),
            id: "abc".to_owned(),
            channel: None,
            thumbnail: Some("https://i.ytimg.com/vi/abc/hq.jpg".to_owned()),
            duration: Some(95),
        }),
        licence: Some("All rights reserved".to_owned()),
        conditions: Vec::new(),
        ..article()
    }
}

fn bare() -> CuratedV1 {
    CuratedV1 {
        id: ItemId(Uuid::from_u128(3)),
        url: Some("javascript:alert(1)".to_owned()),
        title: "No links".to_owned(),
        sources: vec![source("clinic", "Lakeside Clinic", Some("not an address"))],
        media: vec![Media { url: "data:text/html,x".to_owned(), ..article().media.remove(0) }],
        ..video()
    }
}

fn meta(format: Format) -> FeedMeta {
    let url = |format: Format| format!("https://net.example/feeds/all.{}", format.extension());
    FeedMeta {
        id: feed_id(&url(Format::Atom)),
        title: "Carewire: everything".to_owned(),
        description: "Health content & more".to_owned(),
        picture: None,
        podcast: false,
        base: "https://net.example/".to_owned(),
        self_url: url(format),
        page_url: "https://net.example/".to_owned(),
        alternates: Format::ALL.into_iter().filter(|f| *f != format).map(|f| (f, url(f))).collect(),
        language: "en".to_owned(),
        updated: instant("2026-11-03T00:00:00Z"),
        hub: Some("https://net.example/hub".to_owned()),
        paging: Paging { prev_archive: Some(format!("{}?archive=64-127", url(format))), ..Paging::default() },
        deleted: vec![Deleted {
            id: ItemId(Uuid::from_u128(8)),
            at: instant("2026-11-02T00:00:00Z"),
            reason: Some("retracted <by> its publisher".to_owned()),
        }],
    }
}

fn items() -> Vec<FeedItem> {
    [article(), video(), bare()].into_iter().map(|value| FeedItem { value }).collect()
}

fn text(format: Format) -> String {
    String::from_utf8(render(format, &meta(format), &items())).expect("UTF-8")
}

#[test]
fn atom_snapshot() {
    insta::assert_snapshot!(text(Format::Atom));
}

#[test]
fn rss_snapshot() {
    insta::assert_snapshot!(text(Format::Rss));
}

#[test]
fn json_snapshot() {
    let value: serde_json::Value = serde_json::from_str(&text(Format::Json)).expect("JSON");
    insta::assert_json_snapshot!(value);
}

#[test]
fn an_archive_says_that_it_is_one() {
    let paging =
        Paging { archive: true, current: Some("https://net.example/feeds/all.atom".to_owned()), ..Paging::default() };
    let meta = FeedMeta { paging, deleted: Vec::new(), ..meta(Format::Atom) };
    let text = String::from_utf8(atom(&meta, &[])).expect("UTF-8");
    assert!(text.contains("<fh:archive/>") && text.contains("rel=\"current\""));
}

/// Reads XML to its end; the texts of elements with that local name.
fn texts(xml: &[u8], wanted: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_reader(xml);
    reader.config_mut().check_end_names = true;
    let (mut out, mut inside, mut depth) = (Vec::new(), false, 0_i32);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) => {
                depth += 1;
                for attribute in start.attributes() {
                    let attribute = attribute.expect("a good attribute");
                    attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).expect("a good value");
                }
                inside = start.local_name().as_ref() == wanted;
                if inside {
                    out.push(String::new());
                }
            }
            Event::Empty(start) => {
                for attribute in start.attributes() {
                    attribute.expect("a good attribute");
                }
            }
            Event::End(_) => {
                depth -= 1;
                inside = false;
            }
            Event::Text(piece) if inside => {
                out.last_mut().expect("begun").push_str(&piece);
            }
            Event::GeneralRef(reference) if inside => {
                let c = match reference.resolve_char_ref().expect("a good reference") {
                    Some(c) => c,
                    None => match &*reference {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        other => panic!("&{other};"),
                    },
                };
                out.last_mut().expect("begun").push(c);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    out
}

/// What XML can carry of a text.
fn carried(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}'))
        .collect()
}

fn any_text() -> impl Strategy<Value = String> {
    let hostile = prop::sample::select(vec![
        "]]>",
        "<!--",
        "<![CDATA[",
        "&amp;",
        "&#0;",
        "\u{0}",
        "\u{b}",
        "\r\n",
        "\u{fffe}",
        "\u{ffff}",
        "\u{85}",
        "<script>",
        "\"'",
        "&",
        "🩺",
    ]);
    prop::collection::vec(prop_oneof![any::<String>(), hostile.prop_map(str::to_owned)], 0..5)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_item_gives_well_formed_output(title in any_text(), html in any_text(), name in any_text(), url in any_text()) {
        let value = CuratedV1 {
            title: title.clone(),
            html: html.clone(),
            summary: name.clone(),
            url: Some(format!("https://x/{url}")),
            licence: Some(url.clone()),
            language: Some(name.clone()),
            authors: vec![Person { name: name.clone(), url: Some(url.clone()) }],
            conditions: vec![tag(&url, &name, Role::About)],
            media: vec![Media { url: format!("http://x/{url}"), title: Some(name.clone()), mime: Some(url.clone()), ..article().media.remove(0) }],
            sources: vec![source(&name, &title, Some(&url))],
            ..article()
        };
        let items = [FeedItem { value }];
        let expected = if title.trim().is_empty() { None } else { Some(carried(title.trim())) };
        for format in [Format::Atom, Format::Rss] {
            let meta = FeedMeta { title: name.clone(), self_url: url.clone(), ..meta(format) };
            let xml = render(format, &meta, &items);
            let titles = texts(&xml, "title");
            if let Some(expected) = &expected {
                prop_assert!(titles.contains(expected), "{titles:?} {expected:?}");
            }
            if !html.is_empty() {
                let body = texts(&xml, if format == Format::Atom { "content" } else { "encoded" });
                prop_assert!(body.contains(&carried(&html)), "{body:?}");
            }
        }
        let json: serde_json::Value = serde_json::from_slice(&render(Format::Json, &meta(Format::Json), &items)).expect("JSON");
        prop_assert_eq!(json["items"][0]["content_html"].as_str().unwrap_or_default(), html.as_str());
    }
}

#[test]
fn a_podcast_has_what_players_want() {
    let picture = Some("https://net.example/p.png".to_owned());
    let meta = FeedMeta { podcast: true, picture, ..meta(Format::Rss) };
    let xml = String::from_utf8(rss(&meta, &[FeedItem { value: article() }])).expect("UTF-8");
    for part in [
        "<itunes:category text=\"Health &amp; Fitness\"/>",
        "<itunes:image href=\"https://net.example/p.png\"/>",
        "<itunes:duration>61</itunes:duration>",
        "<enclosure url=\"https://clinic.example/walk.mp3\" length=\"12345\" type=\"audio/mpeg\"/>",
        "<podcast:guid>",
        "<image><url>https://net.example/p.png</url>",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    let plain = String::from_utf8(rss(&self::meta(Format::Rss), &[FeedItem { value: article() }])).expect("UTF-8");
    assert!(!plain.contains("itunes"));
}

#[test]
fn a_page_of_a_feed_is_escaped_and_links_only_to_addresses() {
    let hostile = CuratedV1 { title: "<script>alert(1)</script>".to_owned(), ..bare() };
    let html =
        String::from_utf8(view(&meta(Format::Atom), &[FeedItem { value: hostile }, FeedItem { value: article() }]));
    let html = html.expect("UTF-8");
    assert!(!html.contains("<script") && !html.contains("javascript:"), "{html}");
    for part in [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "href=\"https://clinic.example/walk?a=1&amp;b=2\"",
        "<code>https://net.example/feeds/all.atom</code>",
        "Lakeside Clinic",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}
