//! Measures rendering and the search index on made-up items.
//!
//! `cargo run --release -p carewire-query --example query-bench [ITEMS]` (40,000 by default): microseconds of rendering a
//! feed of 100 entries in each format, documents a second into the index, milliseconds of some questions.

use std::time::{Duration, Instant};

use carewire_conditions::Vocabulary;
use carewire_query::{
    Query, SearchIndex,
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

    let items: Vec<IndexedItem> = (1..=count)
        .map(|n| {
            let value = item(n, &codes);
            IndexedItem { id: value.id, first: n as i64, content: serde_json::to_string(&value).expect("JSON") }
        })
        .collect();
    let folder = std::env::temp_dir().join(format!("carewire-bench-{}", std::process::id()));
    let index = SearchIndex::open(Some(&folder)).expect("an index");
    for (what, put) in [("index, new items", false), ("index, changed items", true)] {
        let (started, before) = (Instant::now(), processor());
        for (n, batch) in items.chunks(1_000).enumerate() {
            let wrap =
                |item: &IndexedItem| if put { IndexChange::Put(item.clone()) } else { IndexChange::Add(item.clone()) };
            index.apply(batch.iter().map(wrap).collect(), vocabulary).expect("applied");
            if n % 20 == 19 {
                index.commit(n as i64).expect("committed");
            }
        }
        index.commit(1).expect("committed");
        let (wall, cpu) = (started.elapsed().as_secs_f64(), processor() - before);
        let each = cpu * 1e6 / count as f64;
        println!("{what:<44}{:>9.0} items/s, {each:.0} µs of processor each", count as f64 / wall);
    }
    let started = Instant::now();
    for (n, batch) in items.chunks(100).take(20).enumerate() {
        index.apply(batch.iter().map(|item| IndexChange::Put(item.clone())).collect(), vocabulary).expect("applied");
        index.commit(n as i64).expect("committed");
    }
    println!("{:<44}{:>9.1} ms", "index, a commit of 100 changed items", started.elapsed().as_secs_f64() * 1e3 / 20.0);

    let code = &codes[0];
    for text in [
        String::new(),
        format!("condition={code}"),
        "q=insulin".into(),
        "q=blood pressure therapy".into(),
        "q=word77".into(),
    ] {
        let query = Query::from_pairs(url::form_urlencoded::parse(text.as_bytes()), vocabulary).expect("a question");
        let total = index.search(&query, None, 100).expect("an answer").total;
        let time = best(20, || index.search(&query, None, 100));
        println!("{:<44}{:>9} µs  ({total} found)", format!("search ?{text}"), time.as_micros());
    }
    drop(index);
    // A leftover of a bench in the folder for temporary files does no harm.
    let _ = std::fs::remove_dir_all(folder);
}
