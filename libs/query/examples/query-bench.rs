//! Measures rendering and the search index on made-up items.
//!
//! `cargo run --release -p carewire-query --example query-bench [ITEMS]` (40,000 by default): microseconds of rendering a
//! feed of 100 entries in each format, documents a second into the index, milliseconds of some questions.

use std::time::{Duration, Instant};

use carewire_conditions::Vocabulary;
use carewire_query::{
    Ask, Query, SearchIndex,
    index::{IndexChange, IndexedItem},
    render::{self, FeedItem, FeedMeta, Format, Paging},
};
use carewire_schemas::{
    ConditionCode, ConditionTag, CuratedV1, ItemId, ItemKind, OrganizationRef, PublicSource, PublicState, Role, StoryId,
};
use jiff::Timestamp;
use uuid::Uuid;

const WORDS: &[&str] = &[
    "patients",
    "insulin",
    "therapy",
    "study",
    "blood",
    "doctor",
    "walking",
    "hospital",
    "trial",
    "risk",
    "children",
    "vaccine",
    "heart",
    "sleep",
    "diet",
    "clinic",
    "treatment",
    "symptoms",
    "pressure",
    "sugar",
    "research",
    "the",
    "of",
    "and",
    "with",
    "for",
];

/// A number made of `n`, the same at each run.
fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn item(n: u64, codes: &[ConditionCode]) -> CuratedV1 {
    let word = |at: u64| {
        let seed = mixed(n * 1_000 + at);
        if seed.is_multiple_of(5) {
            format!("word{}", seed % 20_000)
        } else {
            WORDS[seed as usize % WORDS.len()].to_owned()
        }
    };
    let text = |from: u64, words: u64| (from..from + words).map(word).collect::<Vec<_>>().join(" ");
    let code = codes[mixed(n) as usize % codes.len()].clone();
    CuratedV1 {
        id: ItemId(Uuid::from_u64_pair(mixed(n), n)),
        version: 1,
        state: PublicState::Curated,
        title: text(0, 9),
        url: Some(format!("https://clinic{}.example/articles/{n}", n % 1_000)),
        summary: text(10, 40),
        html: format!("<p>{}</p><p>{}</p>", text(100, 80), text(200, 80)),
        language: Some(if n.is_multiple_of(7) { "es" } else { "en" }.to_owned()),
        kind: ItemKind::Article,
        traits: Default::default(),
        published: Timestamp::from_second(1_790_000_000 + n as i64).expect("in range"),
        updated: Timestamp::from_second(1_790_000_000 + n as i64).expect("in range"),
        authors: Vec::new(),
        media: Vec::new(),
        video: None,
        licence: None,
        conditions: vec![ConditionTag {
            code,
            name: "a condition".to_owned(),
            role: Role::About,
            score: 0.8,
            negated: false,
            qualifier: None,
            topic: false,
            evidence: Vec::new(),
        }],
        sources: vec![PublicSource {
            organization: OrganizationRef { slug: format!("clinic{}", n % 1_000), name: "A clinic".to_owned() },
            url: None,
        }],
        story: StoryId(Uuid::nil()),
        withdrawn: None,
    }
}

/// Shortest of several runs.
fn best<T>(runs: usize, mut work: impl FnMut() -> T) -> Duration {
    let one = |_| {
        let started = Instant::now();
        std::hint::black_box(work());
        started.elapsed()
    };
    (0..runs).map(one).min().unwrap_or_default()
}

/// Processor time of this process so far, all threads, in seconds (Linux; 0 elsewhere).
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    // Fields 14 and 15 of proc(5), in ticks of 10 ms.
    let ticks =
        |n: usize| after_name.split_whitespace().nth(n).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn main() {
    let count: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(40_000);
    let vocabulary = Vocabulary::bundled();
    let codes: Vec<ConditionCode> = vocabulary.iter().map(|condition| condition.code().clone()).take(3_000).collect();

    let entries: Vec<FeedItem> = (1..=100).map(|n| FeedItem { value: item(n, &codes) }).collect();
    let url = "https://net.example/feeds/all.atom";
    let meta = FeedMeta {
        id: render::feed_id(url),
        title: "Everything".to_owned(),
        description: String::new(),
        picture: None,
        podcast: false,
        base: "https://net.example/".to_owned(),
        self_url: url.to_owned(),
        page_url: "https://net.example/".to_owned(),
        alternates: Vec::new(),
        language: "en".to_owned(),
        updated: Timestamp::UNIX_EPOCH,
        hub: None,
        paging: Paging::default(),
        deleted: Vec::new(),
    };
    println!("{:<44}{:>12}", "what", "measured");
    for format in Format::ALL {
        let time = best(50, || render::render(format, &meta, &entries));
        let size = render::render(format, &meta, &entries).len();
        println!("{:<44}{:>9} µs  ({} KB)", format!("render 100 entries, {format:?}"), time.as_micros(), size / 1024);
    }

    let made = |n: u64| {
        let value = item(n, &codes);
        IndexedItem { id: value.id, first: n as i64, content: serde_json::to_string(&value).expect("JSON") }
    };
    let folder = std::env::temp_dir().join(format!("carewire-bench-{}", std::process::id()));
    let index = SearchIndex::open(Some(&folder)).expect("an index");
    for (what, put) in [("index, new items", false), ("index, changed items", true)] {
        let count = if put { count.min(40_000) } else { count };
        let (mut wall, mut cpu) = (Duration::ZERO, 0.0);
        for (n, first) in (1..=count).step_by(1_000).enumerate() {
            let wrap = |item| if put { IndexChange::Put(item) } else { IndexChange::Add(item) };
            let batch: Vec<IndexChange> = (first..=count.min(first + 999)).map(|n| wrap(made(n))).collect();
            let (started, before) = (Instant::now(), processor());
            index.apply(batch, vocabulary).expect("applied");
            if n % 20 == 19 {
                index.commit(n as i64).expect("committed");
            }
            wall += started.elapsed();
            cpu += processor() - before;
        }
        let (started, before) = (Instant::now(), processor());
        index.commit(1).expect("committed");
        wall += started.elapsed();
        cpu += processor() - before;
        let each = cpu * 1e6 / count as f64;
        println!("{what:<44}{:>9.0} items/s, {each:.0} µs of processor each", count as f64 / wall.as_secs_f64());
    }
    let started = Instant::now();
    for n in 0..20_u64 {
        let batch = (n * 100 + 1..=n * 100 + 100).map(|n| IndexChange::Put(made(n)));
        index.apply(batch.collect(), vocabulary).expect("applied");
        index.commit(n as i64).expect("committed");
    }
    println!("{:<44}{:>9.1} ms", "index, a commit of 100 changed items", started.elapsed().as_secs_f64() * 1e3 / 20.0);

    let read =
        |text: &str| Query::from_pairs(url::form_urlencoded::parse(text.as_bytes()), vocabulary).expect("a question");
    let code = &codes[0];
    for text in [
        String::new(),
        format!("condition={code}"),
        "q=insulin".into(),
        "q=blood pressure therapy".into(),
        "q=word77".into(),
    ] {
        let query = read(&text);
        let total = index.search(&query, None, 100).expect("an answer").total;
        let time = best(20, || index.search(&query, None, 100));
        println!("{:<44}{:>9} µs  ({total} found)", format!("search ?{text}"), time.as_micros());
    }
    // Questions as people ask them: words common and rare, one and several, conditions, filters.
    let question = |n: u64| {
        let word = WORDS[mixed(n) as usize % 20];
        let code = &codes[mixed(n + 7) as usize % codes.len()];
        match n % 8 {
            0 | 1 => format!("q={word} word{}", mixed(n) % 20_000),
            2 => format!("q={word} {}", WORDS[mixed(n + 1) as usize % 20]),
            3 => format!("q=word{}", mixed(n) % 20_000),
            4 => format!("condition={code}&language=es"),
            5 => format!("condition={code}"),
            6 => format!("q={word}&organization=clinic{}", mixed(n) % 1_000),
            _ => format!("q={word}"),
        }
    };
    for (what, facets) in [("search, 20 items", None), ("search, 20 items and facets", Some(vocabulary))] {
        let mut times: Vec<Duration> = (0..400)
            .map(|n| {
                let query = read(&question(n));
                let started = Instant::now();
                std::hint::black_box(
                    index.ask(&query, &Ask { limit: 20, facets, ..Ask::default() }).expect("an answer"),
                );
                started.elapsed()
            })
            .collect();
        times.sort_unstable();
        let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
        println!("{what:<44}{:>9.2} ms p50, {:.2} ms p99", at(50), at(99));
    }
    let q = read("q=insulim therapi").q.expect("words");
    let time = best(5, || index.did_you_mean(&q, vocabulary));
    println!("{:<44}{:>9.2} ms", "did you mean", time.as_secs_f64() * 1e3);
    drop(index);
    // A leftover of a bench in the folder for temporary files does no harm.
    let _ = std::fs::remove_dir_all(folder);
}
