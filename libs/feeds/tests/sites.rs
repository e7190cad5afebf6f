//! Pages and sitemaps read as entries: own samples with their whole result as a snapshot, and a table of cases.

use carewire_feeds::{page, sitemap};
use serde_json::{Value, json};
use std::path::PathBuf;
use url::Url;

fn url(text: &str) -> Url {
    Url::parse(text).expect("an address")
}

/// Without what is empty.
fn lean(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().map(|(k, v)| (k, lean(v)));
            let said = |v: &Value| !matches!(v, Value::Null | Value::Bool(false)) && *v != json!([]) && *v != json!({});
            Value::Object(kept.filter(|(_, v)| said(v)).collect())
        }
        Value::Array(list) => list.into_iter().map(lean).collect(),
        value => value,
    }
}

#[test]
fn every_page_reads_as_before() {
    for name in ["article.html", "video.html", "plain.html", "copy.html"] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pages").join(name);
        let bytes = std::fs::read(path).expect("a page of the repository");
        let read = page::read(&bytes, None, &url(&format!("https://lakeside.example/{name}?utm_source=x")));
        insta::assert_json_snapshot!(name, lean(serde_json::to_value(read).expect("JSON")));
    }
}

#[test]
fn pages_that_say_little_or_nonsense() {
    let at = url("https://lakeside.example/a");
    for (name, html, title, is_article) in [
        ("nothing", "", None, false),
        ("no page", "\u{0}\u{1}<<<>>>&&&", None, false),
        ("a title only", "<title> A \n b </title>", Some("A b"), false),
        ("a title that never ends", "<title>A b", None, false),
        ("a script hides a title", "<script>'<title>no</title>'</script><title>yes</title>", Some("yes"), false),
        (
            "an array of objects",
            r#"<script type="application/ld+json">[{"@type":"WebPage","name":"p"},{"@type":"Article","headline":"a"}]</script>"#,
            Some("a"),
            true,
        ),
        (
            "a type that is no page",
            r#"<script type="application/ld+json">{"@type":"BreadcrumbList","name":"no"}</script><title>t</title>"#,
            Some("t"),
            false,
        ),
        (
            "types with prefixes",
            r#"<script type="application/ld+json">{"@type":"schema:Article","schema:headline":"a"}</script>"#,
            Some("a"),
            true,
        ),
        (
            "a reference to itself",
            r##"<script type="application/ld+json">{"@type":"Article","@id":"#a","headline":"a","author":{"@id":"#a"}}</script>"##,
            Some("a"),
            true,
        ),
        (
            "numbers for texts",
            r#"<script type="application/ld+json">{"@type":"Article","headline":5,"author":7,"image":9}</script>"#,
            Some("5"),
            true,
        ),
        (
            "a site's name before the title",
            r#"<meta property="og:site_name" content="Clinic"><title>Clinic – Sleep</title>"#,
            Some("Sleep"),
            false,
        ),
    ] {
        let read = page::read(html.as_bytes(), Some("text/html"), &at);
        assert_eq!(read.entry.title.as_ref().map(|t| t.value.as_str()), title, "{name}");
        assert_eq!(read.is_article, is_article, "{name}");
        assert_eq!(read.entry.url.as_deref(), Some(at.as_str()), "{name}");
    }
}

#[test]
fn sitemaps_by_kind() {
    let base = url("https://www.clinic.example/sitemap.xml");
    let cases: &[(&str, &str)] = &[
        (
            "urlset",
            "<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc> https://clinic.example/a?x=1&amp;y=2 </loc><lastmod>2026-01-02</lastmod></url><url><loc>/b</loc><lastmod>never</lastmod></url><url><loc>https://clinic.example/a?x=1&amp;y=2</loc></url><url><loc>https://other.example/</loc></url><url><loc>mailto:x@y</loc></url></urlset>",
        ),
        (
            "index",
            "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><sitemap><loc><![CDATA[https://clinic.example/s1.xml.gz]]></loc><lastmod>2026-01-02T03:04:05+01:00</lastmod></sitemap></sitemapindex>",
        ),
        (
            "news, images, languages",
            "<urlset xmlns:n='http://www.google.com/schemas/sitemap-news/0.9' xmlns:news='x'><url><loc>https://clinic.example/n</loc><news:news><news:publication><news:name>Clinic News</news:name><news:language>es</news:language></news:publication><news:publication_date>2026-01-02T08:00Z</news:publication_date><news:title>Vacuna &amp; fiebre</news:title><news:keywords>fiebre, vacuna</news:keywords></news:news><image:image><image:loc>/i.jpg</image:loc><image:title>no title of the page</image:title></image:image><xhtml:link rel='alternate' hreflang='en' href='https://clinic.example/en/n'/></url></urlset>",
        ),
        (
            "video",
            "<urlset><url><loc>https://clinic.example/v</loc><video:video><video:thumbnail_loc>https://clinic.example/t.jpg</video:thumbnail_loc><video:title>Inhalers</video:title><video:description>How</video:description><video:content_loc>https://clinic.example/v.mp4</video:content_loc><video:duration>120</video:duration><video:publication_date>2026-03-01</video:publication_date></video:video></url></urlset>",
        ),
        (
            "broken: elements not closed, cut off",
            "<urlset><url><loc>https://clinic.example/1</loc><url><loc>https://clinic.example/2</loc></url><url><loc>https://clinic.example/3</lo",
        ),
        ("plain text", "https://clinic.example/1\r\n\r\nhttps://clinic.example/2\nnonsense\n"),
        ("a page", "<!doctype html><html><body>Not found</body></html>"),
        ("nothing", ""),
        ("other text", "User-agent: *\nDisallow: /"),
    ];
    let read: Vec<_> = cases
        .iter()
        .map(|(name, text)| {
            let map = sitemap::parse(text.as_bytes(), None, &base);
            let entries: Vec<_> = map.pages.iter().map(|p| p.entry()).collect();
            lean(json!({"name": name, "map": map, "entries": entries}))
        })
        .collect();
    insta::assert_json_snapshot!("sitemaps", read);
}
