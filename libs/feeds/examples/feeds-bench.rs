//! MB/s of the reader by format, on generated feeds and, where they are at hand, on real ones.
//!
//! `cargo run --release -p carewire-feeds --example feeds-bench`

use carewire_feeds::{Context, parse};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn main() {
    println!("{:<28}{:>8}{:>10}{:>10}{:>10}{:>8}", "corpus", "files", "MB", "entries", "problems", "MB/s");
    for (name, make) in GENERATED {
        let files: Vec<Vec<u8>> = (0..40).map(|i| make(i).into_bytes()).collect();
        row(name, &files);
    }
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
    let bytes: usize = files.iter().map(Vec::len).sum();
    let (mut entries, mut problems) = (0, 0);
    for f in files {
        let p = parse(f, &Context::default());
        entries += p.entries.len();
        problems += p.problems.len();
    }
    // CPU time, as the machine is shared; over many rounds, as it is told only at the scheduler's ticks
    let (started, mut rounds) = (Instant::now(), 0u32);
    let before = cpu_time(started);
    while started.elapsed() < Duration::from_millis(1000) {
        for f in files {
            std::hint::black_box(parse(f, &Context::default()));
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

type Make = fn(usize) -> String;
const GENERATED: [(&str, Make); 5] = [
    ("RSS 2.0, escaped HTML", rss),
    ("RSS 2.0, broken", broken),
    ("Atom 1.0, XHTML", atom),
    ("YouTube", youtube),
    ("JSON Feed 1.1", json),
];

const PARAGRAPH: &str = "People who measured their blood sugar at home three times a day were asked how they slept, what they ate and \
    whether they felt that the clinic had explained the results; most of them would do it again. ";

fn rss(seed: usize) -> String {
    let mut s = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel><title>Clinic</title><link>https://clinic.example/</link><description>News</description>",
    );
    for i in 0..40 {
        let _ = write!(
            s,
            "<item><title>Measuring at home &amp; sleeping well, part {i}</title><link>https://clinic.example/{seed}/{i}</link><guid isPermaLink=\"false\">c-{seed}-{i}</guid><pubDate>Thu, 0{} Jan 2026 19:48:21 GMT</pubDate><dc:creator>A. Author</dc:creator><category>diabetes</category><description>&lt;p&gt;{PARAGRAPH}&lt;/p&gt;</description><content:encoded><![CDATA[<p>{}</p><p>{PARAGRAPH}<a href=\"https://clinic.example/x\">more</a></p>]]></content:encoded></item>",
            i % 9 + 1,
            PARAGRAPH.repeat(4)
        );
    }
    s + "</channel></rss>"
}

fn broken(seed: usize) -> String {
    rss(seed)
        .replace("&amp;", "&")
        .replace("</category>", "")
        .replace("dc:creator", "foo:creator")
        .replace("part 3", "part \u{1} 3 &nbsp; < 4")
}

fn atom(seed: usize) -> String {
    let mut s = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\"><title>Clinic</title><id>urn:x</id><updated>2026-01-01T00:00:00Z</updated><link rel=\"self\" href=\"https://clinic.example/feed\"/>",
    );
    for i in 0..40 {
        let _ = write!(
            s,
            "<entry><title type=\"html\">Measuring &amp;amp; sleeping {i}</title><id>urn:{seed}:{i}</id><link href=\"https://clinic.example/{seed}/{i}\"/><updated>2026-01-0{}T10:14:55Z</updated><author><name>A. Author</name></author><category term=\"diabetes\"/><summary>{PARAGRAPH}</summary><content type=\"xhtml\"><div xmlns=\"http://www.w3.org/1999/xhtml\"><p>{}</p><p>{PARAGRAPH}<a href=\"https://clinic.example/x\">more</a></p></div></content></entry>",
            i % 9 + 1,
            PARAGRAPH.repeat(4)
        );
    }
    s + "</feed>"
}

fn youtube(seed: usize) -> String {
    let mut s = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" xmlns:media=\"http://search.yahoo.com/mrss/\" xmlns=\"http://www.w3.org/2005/Atom\"><id>yt:channel:abc</id><yt:channelId>abc</yt:channelId><title>Clinic</title>",
    );
    for i in 0..15 {
        let _ = write!(
            s,
            "<entry><id>yt:video:v{seed}-{i}</id><yt:videoId>v{seed}-{i}</yt:videoId><yt:channelId>UCabc</yt:channelId><title>Talk {i}</title><link rel=\"alternate\" href=\"https://www.youtube.com/watch?v=v{seed}-{i}\"/><author><name>Clinic</name><uri>https://www.youtube.com/channel/UCabc</uri></author><published>2026-01-01T10:14:55+00:00</published><updated>2026-01-02T10:14:55+00:00</updated><media:group><media:title>Talk {i}</media:title><media:content url=\"https://www.youtube.com/v/v{i}?version=3\" type=\"application/x-shockwave-flash\" width=\"640\" height=\"390\"/><media:thumbnail url=\"https://i.example/{i}.jpg\" width=\"480\" height=\"360\"/><media:description>{}</media:description><media:community><media:starRating count=\"7\" average=\"5.00\" min=\"1\" max=\"5\"/><media:statistics views=\"99\"/></media:community></media:group></entry>",
            PARAGRAPH.repeat(3)
        );
    }
    s + "</feed>"
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
