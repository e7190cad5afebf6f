//! MB/s of the reader by format, on generated feeds and, where they are at hand, on real ones.
//!
//! `cargo run --release -p carewire-feeds --example feeds-bench`

use carewire_feeds::{Context, Parsed, lint, page, parse};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn main() {
    println!("{:<28}{:>8}{:>10}{:>10}{:>10}{:>8}", "corpus", "files", "MB", "entries", "problems", "MB/s");
    for (name, make) in GENERATED {
        let files: Vec<Vec<u8>> = (0..40).map(make).collect();
        row(name, &files);
    }
    around();
    let real = shared().join("feeds/real");
    let mut by_format: std::collections::BTreeMap<String, Vec<Vec<u8>>> = std::collections::BTreeMap::new();
    for path in walk(&real) {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let parsed = parse(&bytes, &Context::default());
        by_format.entry(format!("real {}", parsed.format.name())).or_default().push(bytes);
    }
    if by_format.is_empty() {
        eprintln!("SKIPPED: real feeds, {} is absent", real.display());
    }
    let all: Vec<Vec<u8>> = by_format.values().flatten().cloned().collect();
    for (name, files) in &by_format {
        row(name, files);
    }
    if !all.is_empty() {
        row("real, all", &all);
    }
}

fn row(name: &str, files: &[Vec<u8>]) {
    let (mut entries, mut problems) = (0, 0);
    for f in files {
        let p = parse(f, &Context::default());
        entries += p.entries.len();
        problems += p.problems.len();
    }
    let what = Counts { entries, problems };
    measured(name, files, &what, |f| drop(std::hint::black_box(parse(f, &Context::default()))));
}

struct Counts {
    entries: usize,
    problems: usize,
}

fn measured(name: &str, files: &[Vec<u8>], counts: &Counts, work: impl Fn(&[u8])) {
    let bytes: usize = files.iter().map(Vec::len).sum();
    let Counts { entries, problems } = counts;
    // CPU time, as the machine is shared; over many rounds, as it is told only at the scheduler's ticks
    let (started, mut rounds) = (Instant::now(), 0u32);
    let before = cpu_time(started);
    while started.elapsed() < Duration::from_millis(1000) {
        for f in files {
            work(f);
        }
        rounds += 1;
    }
    let each = cpu_time(started).saturating_sub(before) / rounds;
    let mb = bytes as f64 / 1e6;
    println!("{name:<28}{:>8}{mb:>10.2}{entries:>10}{problems:>10}{:>8.0}", files.len(), mb / each.as_secs_f64());
}

/// Time this thread has spent on a CPU, or, where the system does not tell, since `started`.
fn cpu_time(started: Instant) -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().next().and_then(|n| n.parse().ok());
    nanos.map_or_else(|| started.elapsed(), Duration::from_nanos)
}

type Make = fn(usize) -> Vec<u8>;
const GENERATED: [(&str, Make); 11] = [
    ("RSS 2.0, escaped HTML", |i| rss(i).into_bytes()),
    ("RSS 1.0 (RDF)", |i| rdf(i).into_bytes()),
    ("Podcast (RSS 2.0, iTunes)", |i| podcast(i).into_bytes()),
    ("Atom 1.0, XHTML", |i| atom(i).into_bytes()),
    ("YouTube", |i| youtube(i).into_bytes()),
    ("JSON Feed 1.1", |i| json(i).into_bytes()),
    ("repaired: RSS 2.0", |i| broken(i).into_bytes()),
    ("repaired: RSS 1.0", |i| broken_markup(&rdf(i)).into_bytes()),
    ("repaired: Atom 1.0", |i| broken_markup(&atom(i)).into_bytes()),
    ("repaired: JSON Feed, cut", |i| cut(json(i)).into_bytes()),
    ("repaired: unstated encoding", |i| latin(&rss(i))),
];

/// What is done around reading: the linter over what was read, and pages.
fn around() {
    let files: Vec<Vec<u8>> = (0..40).map(|i| rss(i).into_bytes()).collect();
    let now = "2026-11-24T00:00:00Z".parse().expect("a time");
    let read: std::collections::HashMap<Vec<u8>, Parsed> =
        files.iter().map(|f| (f.clone(), parse(f, &Context::default()))).collect();
    let entries = read.values().map(|p| p.entries.len()).sum();
    let problems = read.values().map(|p| lint::lint(p, None, now).len()).sum();
    measured("linter, over RSS 2.0", &files, &Counts { entries, problems }, |f| {
        drop(std::hint::black_box(lint::lint(&read[f], None, now)));
    });
    let url = url::Url::parse("https://clinic.example/a").expect("an address");
    let pages: Vec<Vec<u8>> = (0..40).map(|i| page_of(i).into_bytes()).collect();
    measured("pages, JSON-LD", &pages, &Counts { entries: pages.len(), problems: 0 }, |f| {
        drop(std::hint::black_box(page::read(f, Some("text/html"), &url)));
    });
}

fn page_of(seed: usize) -> String {
    let data = serde_json::json!({"@context": "https://schema.org", "@type": "NewsArticle", "headline": format!("Part {seed}"), "datePublished": "2026-01-01", "author": {"@type": "Person", "name": "Ann"}});
    let menu = "<li><a href=\"/x\">Menu</a></li>".repeat(100);
    format!(
        "<!doctype html><html lang=\"en\"><head><title>Part {seed} | Clinic</title><meta property=\"og:site_name\" content=\"Clinic\"><script type=\"application/ld+json\">{data}</script></head><body><ul>{menu}</ul><main><article><p>{}</p></article></main></body></html>",
        PARAGRAPH.repeat(30)
    )
}

const PARAGRAPH: &str = "People who measured their blood sugar at home three times a day were asked how they slept, what they ate and \
    whether they felt that the clinic had explained the results; most of them would do it again. ";

fn rss(seed: usize) -> String {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel><title>Clinic</title><link>https://clinic.example/</link><description>News</description>";
    document(head, 40, "</channel></rss>", |i| {
        format!(
            "<item><title>Measuring at home &amp; sleeping well, part {i}</title><link>https://clinic.example/{seed}/{i}</link><guid isPermaLink=\"false\">c-{seed}-{i}</guid><pubDate>Thu, 0{} Jan 2026 19:48:21 GMT</pubDate><dc:creator>A. Author</dc:creator><category>diabetes</category><description>&lt;p&gt;{PARAGRAPH}&lt;/p&gt;</description><content:encoded><![CDATA[<p>{}</p><p>{PARAGRAPH}<a href=\"https://clinic.example/x\">more</a></p>]]></content:encoded></item>",
            i % 9 + 1,
            PARAGRAPH.repeat(4)
        )
    })
}

fn broken(seed: usize) -> String {
    rss(seed)
        .replace("&amp;", "&")
        .replace("</category>", "")
        .replace("dc:creator", "foo:creator")
        .replace("part 3", "part \u{1} 3 &nbsp; < 4")
}

/// Ampersands, undeclared entities and prefixes, a control character, a bare `<`, elements not closed.
fn broken_markup(good: &str) -> String {
    good.replace("&amp;", "&")
        .replace("dc:creator", "foo:creator")
        .replace("part 3", "part \u{1} 3 &nbsp; < 4")
        .replace("</summary>", "")
        .replace("</dc:subject>", "")
}

fn cut(mut good: String) -> String {
    good.truncate(good.floor_char_boundary(good.len() * 9 / 10));
    good
}

/// windows-1252 that nobody states.
fn latin(good: &str) -> Vec<u8> {
    let mut bytes = good.replace(" encoding=\"UTF-8\"", "").into_bytes();
    for i in (0..bytes.len()).filter(|i| i % 97 == 96) {
        if bytes[i] == b'e' {
            bytes[i] = 0xE9;
        }
    }
    bytes
}

/// A document of so many items between its head and its tail.
fn document(head: &str, items: usize, tail: &str, item: impl Fn(usize) -> String) -> String {
    let mut text = head.to_owned();
    text.extend((0..items).map(item));
    text + tail
}

fn rdf(seed: usize) -> String {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns=\"http://purl.org/rss/1.0/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel rdf:about=\"https://clinic.example/\"><title>Clinic</title><link>https://clinic.example/</link><description>News</description></channel>";
    document(head, 40, "</rdf:RDF>", |i| {
        format!(
            "<item rdf:about=\"https://clinic.example/{seed}/{i}\"><title>Measuring at home &amp; sleeping well, part {i}</title><link>https://clinic.example/{seed}/{i}</link><dc:date>2026-01-0{}T10:14:55Z</dc:date><dc:creator>A. Author</dc:creator><dc:subject>diabetes</dc:subject><description>&lt;p&gt;{}&lt;/p&gt;</description></item>",
            i % 9 + 1,
            PARAGRAPH.repeat(5)
        )
    })
}

fn podcast(seed: usize) -> String {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" xmlns:podcast=\"https://podcastindex.org/namespace/1.0\"><channel><title>Sleep</title><link>https://sleep.example/</link><itunes:author>Sleep Society</itunes:author><itunes:category text=\"Health\"/>";
    document(head, 40, "</channel></rss>", |i| {
        format!(
            "<item><title>Episode {i}</title><guid isPermaLink=\"false\">e-{seed}-{i}</guid><pubDate>Thu, 0{} Jan 2026 19:48:21 GMT</pubDate><enclosure url=\"https://sleep.example/{seed}/{i}.mp3\" length=\"1000000\" type=\"audio/mpeg\"/><itunes:duration>31:02</itunes:duration><itunes:episode>{i}</itunes:episode><itunes:explicit>no</itunes:explicit><itunes:summary>{}</itunes:summary><podcast:transcript url=\"https://sleep.example/{i}.vtt\" type=\"text/vtt\"/><description><![CDATA[<p>{}</p>]]></description></item>",
            i % 9 + 1,
            PARAGRAPH,
            PARAGRAPH.repeat(2)
        )
    })
}

fn atom(seed: usize) -> String {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\"><title>Clinic</title><id>urn:x</id><updated>2026-01-01T00:00:00Z</updated><link rel=\"self\" href=\"https://clinic.example/feed\"/>";
    document(head, 40, "</feed>", |i| {
        format!(
            "<entry><title type=\"html\">Measuring &amp;amp; sleeping {i}</title><id>urn:{seed}:{i}</id><link href=\"https://clinic.example/{seed}/{i}\"/><updated>2026-01-0{}T10:14:55Z</updated><author><name>A. Author</name></author><category term=\"diabetes\"/><summary>{PARAGRAPH}</summary><content type=\"xhtml\"><div xmlns=\"http://www.w3.org/1999/xhtml\"><p>{}</p><p>{PARAGRAPH}<a href=\"https://clinic.example/x\">more</a></p></div></content></entry>",
            i % 9 + 1,
            PARAGRAPH.repeat(4)
        )
    })
}

fn youtube(seed: usize) -> String {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" xmlns:media=\"http://search.yahoo.com/mrss/\" xmlns=\"http://www.w3.org/2005/Atom\"><id>yt:channel:abc</id><yt:channelId>abc</yt:channelId><title>Clinic</title>";
    document(head, 15, "</feed>", |i| {
        format!(
            "<entry><id>yt:video:v{seed}-{i}</id><yt:videoId>v{seed}-{i}</yt:videoId><yt:channelId>UCabc</yt:channelId><title>Talk {i}</title><link rel=\"alternate\" href=\"https://www.youtube.com/watch?v=v{seed}-{i}\"/><author><name>Clinic</name><uri>https://www.youtube.com/channel/UCabc</uri></author><published>2026-01-01T10:14:55+00:00</published><updated>2026-01-02T10:14:55+00:00</updated><media:group><media:title>Talk {i}</media:title><media:content url=\"https://www.youtube.com/v/v{i}?version=3\" type=\"application/x-shockwave-flash\" width=\"640\" height=\"390\"/><media:thumbnail url=\"https://i.example/{i}.jpg\" width=\"480\" height=\"360\"/><media:description>{}</media:description><media:community><media:starRating count=\"7\" average=\"5.00\" min=\"1\" max=\"5\"/><media:statistics views=\"99\"/></media:community></media:group></entry>",
            PARAGRAPH.repeat(3)
        )
    })
}

fn json(seed: usize) -> String {
    let items: Vec<_> = (0..40).map(|i| serde_json::json!({"id": format!("{seed}-{i}"), "url": format!("https://clinic.example/{i}"), "title": "Measuring", "content_html": format!("<p>{}</p>", PARAGRAPH.repeat(6)), "date_published": "2026-01-01T10:14:55Z"})).collect();
    serde_json::json!({"version": "https://jsonfeed.org/version/1.1", "title": "Clinic", "items": items}).to_string()
}

fn shared() -> PathBuf {
    std::env::var_os("CAREWIRE_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from)
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { out.extend(walk(&path)) } else { out.push(path) }
    }
    out.sort();
    out
}
