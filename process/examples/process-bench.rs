//! What an entry costs: cleaning and tagging, then grouping, in processor time of one thread; and what the window weighs.
//!
//! `cargo run --release -p carewire-process --example process-bench [entries]`. Entries are made of the headlines of
//! `../shared/data/volume` where that is there, else of numbered words: 1 KB of HTML each, of 1,000 feeds in 60 days.

use std::{
    hint::black_box,
    io::{Read, Write},
    time::Instant,
};

use carewire_conditions::{Tagger, Vocabulary};
use carewire_process::{
    group::{Grouper, Memory, Prepared, Standings},
    tag::{language, sanitise, tag_entry, text},
};
use carewire_schemas::{
    Change, Content, EntryId, EntryV1, FeedId, OrganizationId, TaggedV1, Text, TextType, TraceParent, Via,
};
use carewire_store::GroupWindowRow;
use jiff::Timestamp;
use uuid::Uuid;

/// Seconds of processor time of this process.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// Resident memory in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<usize>().ok()).unwrap_or(0) * 1024
}

fn measure<T>(what: &str, count: usize, work: impl FnOnce() -> T) -> T {
    let (used, started) = (cpu(), Instant::now());
    let result = work();
    println!(
        "{what:<46} {:>8.1} µs CPU   ({:.1} µs)",
        (cpu() - used) * 1e6 / count as f64,
        started.elapsed().as_secs_f64() * 1e6 / count as f64
    );
    result
}

fn headlines() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/volume/health-headlines.jsonl");
    let made = || (0..60_000).map(|n| format!("Study {n} finds that word{} helps word{}", n % 977, n % 1409)).collect();
    let Ok(lines) = std::fs::read_to_string(path) else { return made() };
    let title = |line: &str| -> Option<String> {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(
            value["text"]
                .as_str()?
                .split_whitespace()
                .filter(|word| !word.starts_with("http"))
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    lines.lines().filter_map(title).collect()
}

fn entries(count: usize, titles: &[String]) -> Vec<EntryV1> {
    let make = |n: usize| {
        let mut state = n as u64 + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            &titles[(state >> 33) as usize % titles.len()]
        };
        let mut body = String::new();
        while body.len() < 1024 {
            body.push_str(&format!(
                "<p>{} <a href=\"https://f{n}.example/a\">Read more</a></p>\n",
                next().replace('<', "&lt;").replace('&', "&amp;")
            ));
        }
        let feed = FeedId(Uuid::from_u128(1 + (n % 1000) as u128));
        let date = Timestamp::from_second(1_790_000_000 + (n * 130) as i64 % 5_184_000).unwrap_or_default();
        EntryV1 {
            entry: EntryId::derive(feed, &n.to_string()),
            feed,
            organization: OrganizationId(feed.0),
            version: 1,
            via: Via::Poll,
            change: Change::New,
            history: false,
            seen: Timestamp::from_second(1_796_000_000).unwrap_or_default(),
            reason: None,
            content: Content {
                guid: Some(format!("tag:example.org,2026:{n}")),
                url: Some(format!("https://f{}.example/a/{n}", n % 1000)),
                title: Some(Text {
                    r#type: TextType::Html,
                    value: format!("{} [{n}]", titles[n * 7919 % titles.len()]),
                }),
                summary: Some(Text { r#type: TextType::Html, value: body }),
                published: Some(date),
                language: Some("en".to_owned()),
                categories: vec!["health".to_owned()],
                ..Content::default()
            },
        }
    };
    (0..count).map(make).collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, file, what] = arguments.as_slice()
        && first == "--window"
    {
        return load(file, what).unwrap_or_else(|error| eprintln!("{error}"));
    }
    let count = arguments.first().and_then(|count| count.parse().ok()).unwrap_or(20_000);
    let titles = headlines();
    let entries = entries(count, &titles);
    let (tagger, vocabulary) = (Tagger::bundled(), Vocabulary::bundled());
    let body = |entry: &EntryV1| entry.content.summary.as_ref().map(|text| text.value.clone()).unwrap_or_default();
    let raw: Vec<String> = entries.iter().map(body).collect();
    let html: Vec<String> = measure("sanitise", count, || raw.iter().map(|raw| sanitise::html(raw, None)).collect());
    let plain: Vec<String> = measure("plain text", count, || html.iter().map(|html| text::plain(html)).collect());
    measure("language, declared", count, || {
        plain.iter().for_each(|text| drop(black_box(language::of(Some("en"), "", text))))
    });
    measure("language, detected", count, || {
        plain.iter().for_each(|text| drop(black_box(language::of(None, "", text))))
    });
    let tagged: Vec<TaggedV1> = measure("tag_entry, all of it", count, || {
        entries.iter().map(|entry| tag_entry(entry, tagger, vocabulary)).collect()
    });
    let json: Vec<Vec<u8>> =
        measure("write JSON", count, || tagged.iter().filter_map(|tagged| serde_json::to_vec(tagged).ok()).collect());
    let bytes: usize = json.iter().map(Vec::len).sum();
    println!("{} bytes a tagged entry", bytes / count.max(1));
    let tagged: Vec<TaggedV1> =
        measure("read JSON", count, || json.iter().filter_map(|json| serde_json::from_slice(json).ok()).collect());
    group("full texts", tagged.clone());
    let bare = tagged.into_iter().map(|mut tagged| {
        tagged.cleaned.text.clear();
        tagged.cleaned.html.clear();
        tagged
    });
    group("titles", bare.collect());
}

fn group(what: &str, tagged: Vec<TaggedV1>) {
    let count = tagged.len();
    let prepared: Vec<Prepared> = measure(&format!("{what}: read for grouping"), count, || {
        tagged.into_iter().map(|tagged| Prepared::new(tagged, TraceParent::new())).collect()
    });
    let Ok(mut grouper) = Grouper::new() else { return };
    let (mut memory, standings) = (Memory::default(), Standings::new());
    let mut batches: Vec<Vec<Prepared>> = Vec::new();
    for entry in prepared {
        match batches.last_mut() {
            Some(batch) if batch.len() < 500 => batch.push(entry),
            _ => batches.push(vec![entry]),
        }
    }
    measure(&format!("{what}: group"), count, || {
        for batch in batches {
            drop(black_box(memory.step(&mut grouper, batch, &standings)));
        }
    });
    let rows: Vec<_> = memory
        .all()
        .map(|item| GroupWindowRow {
            item: item.item,
            story: item.story,
            published: item.published,
            index: item.index.clone(),
        })
        .collect();
    let mut again = match Grouper::new() {
        Ok(grouper) => grouper,
        Err(error) => return eprintln!("{error}"),
    };
    measure(&format!("{what}: load the window"), rows.len(), || again.load(&rows));
    if let Err(error) = weigh(what, &rows) {
        eprintln!("{error}");
    }
}

/// Loads the window in a process of its own, whose memory nothing else has touched.
fn weigh(what: &str, rows: &[GroupWindowRow]) -> std::io::Result<()> {
    let file = std::env::temp_dir().join(format!("carewire-window-{}", std::process::id()));
    let mut out = std::io::BufWriter::new(std::fs::File::create(&file)?);
    for row in rows {
        out.write_all(row.item.0.as_bytes())?;
        out.write_all(row.story.0.as_bytes())?;
        out.write_all(&row.published.to_le_bytes())?;
        out.write_all(&(row.index.len() as u32).to_le_bytes())?;
        out.write_all(&row.index)?;
    }
    out.flush()?;
    let status = std::process::Command::new(std::env::current_exe()?).arg("--window").arg(&file).arg(what).status();
    std::fs::remove_file(&file)?;
    status.map(drop)
}

fn load(file: &str, what: &str) -> std::io::Result<()> {
    let mut input = std::io::BufReader::new(std::fs::File::open(file)?);
    let mut grouper = Grouper::new()?;
    let before = resident();
    let mut head = [0; 44];
    while input.read_exact(&mut head).is_ok() {
        let part = |from: usize| -> [u8; 16] { std::array::from_fn(|at| head[from + at]) };
        let number = |from: usize| -> [u8; 8] { std::array::from_fn(|at| head[from + at]) };
        let mut index = vec![0; u32::from_le_bytes([head[40], head[41], head[42], head[43]]) as usize];
        input.read_exact(&mut index)?;
        grouper.load(&[GroupWindowRow {
            item: Uuid::from_bytes(part(0)).into(),
            story: Uuid::from_bytes(part(16)).into(),
            published: i64::from_le_bytes(number(32)),
            index,
        }]);
    }
    let bytes = resident().saturating_sub(before) / grouper.window().max(1);
    println!("{what}: {} items in the window, {bytes} bytes each", grouper.window());
    Ok(())
}
