//! Stages as processes of their own, killed with SIGKILL in mid-work: every published entry comes out exactly once.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use carewire_store::Store;

use crate::sandbox::{
    block_on, eventually,
    feeds::{self, Entry},
    network::{Network, Pair, QUICK, Stage},
    outputs,
    publisher::{Publisher, Reply},
    when,
};

const HOSTS: usize = 20;
const FEEDS: usize = 2;
const ENTRIES: usize = 25;

/// Publishers whose feeds show more entries as the tests let them.
pub struct Growing {
    publishers: Vec<Publisher>,
    shown: Arc<AtomicUsize>,
}

impl Growing {
    /// Forty feeds at twenty hosts; `prefix` makes the entries unlike those of another run on the same network.
    pub fn start(prefix: &str) -> Self {
        let shown = Arc::new(AtomicUsize::new(5));
        let publishers = (0..HOSTS)
            .map(|host| {
                let publisher = Publisher::fixed(Reply::status(503));
                let (site, shown, prefix) = (publisher.url(""), shown.clone(), prefix.to_owned());
                publisher.now(move |asked| {
                    let feed: usize = asked.path.trim_start_matches("/feed").parse().unwrap_or(0);
                    let count = shown.load(Ordering::SeqCst);
                    let entries: Vec<Entry> = (0..count).map(|entry| make(&prefix, host, feed, entry)).collect();
                    feeds::conditional(asked, "application/rss+xml", feeds::rss2(&site, "Growing", &entries))
                });
                publisher
            })
            .collect();
        Self { publishers, shown }
    }

    /// Registers all by one list.
    pub fn register(&self, network: &Network) {
        let mut list = String::from("<opml version=\"2.0\"><body>");
        for (host, publisher) in self.publishers.iter().enumerate() {
            for feed in 0..FEEDS {
                list.push_str(&format!(
                    "<outline type=\"rss\" text=\"Growing {host}\" xmlUrl=\"{}\"/>",
                    publisher.url(&format!("/feed{feed}"))
                ));
            }
        }
        list.push_str("</body></opml>");
        let file = network.folder().join("growing.opml");
        std::fs::write(&file, list).unwrap();
        let report = network.json(&["import", "opml", &file.display().to_string(), "--trusted"]);
        assert_eq!(report["registered"], HOSTS * FEEDS, "{report}");
    }

    /// Lets every feed show more.
    pub fn grow(&self, entries: usize) {
        self.shown.fetch_add(entries, Ordering::SeqCst);
        self.shown.fetch_min(ENTRIES, Ordering::SeqCst);
    }

    /// Titles of all that was published in the end.
    pub fn all(prefix: &str) -> Vec<String> {
        let mut all = Vec::new();
        for host in 0..HOSTS {
            for feed in 0..FEEDS {
                all.extend((0..ENTRIES).map(|entry| make(prefix, host, feed, entry).title));
            }
        }
        all.sort();
        all
    }

    /// No host was ever asked twice at once.
    pub fn assert_one_at_a_time(&self) {
        for publisher in &self.publishers {
            assert!(
                publisher.most_in_flight() <= 1,
                "{} requests at once at {}",
                publisher.most_in_flight(),
                publisher.address()
            );
        }
    }
}

fn make(prefix: &str, host: usize, feed: usize, entry: usize) -> Entry {
    let seed = prefix.bytes().map(u64::from).sum::<u64>() * 1_000_000 + (host * 10_000 + feed * 1_000 + entry) as u64;
    let text = feeds::words(seed, 60);
    let mut made = Entry::new(
        &format!("{prefix}-{host}-{feed}-{entry}"),
        &format!("{prefix} {host}/{feed}/{entry} {}", feeds::words(seed + 500, 4)),
        &format!("<p>{text}</p>"),
    );
    // Made once: a date that moves would change every entry with every poll.
    static PUBLISHED: LazyLock<String> = LazyLock::new(|| feeds::hours_ago(48));
    made.published.clone_from(&PUBLISHED);
    made
}

/// Waits until everything published is in the output, and checks that it is there once.
pub fn assert_exactly_once(network: &Network, stage: &Stage, prefix: &str) {
    let expected = Growing::all(prefix);
    let titles = |values: Vec<serde_json::Value>| {
        let mut titles: Vec<String> = values
            .iter()
            .filter_map(|value| value["title"].as_str().map(str::to_owned))
            .filter(|title| title.starts_with(prefix))
            .collect();
        titles.sort();
        titles
    };
    eventually("every published entry is in the change log", Duration::from_secs(150), || {
        let got = titles(outputs::curated(stage));
        when(got.len() >= expected.len(), format!("{} of {}", got.len(), expected.len()))
    });
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for title in titles(outputs::curated(stage)) {
        *count.entry(title).or_default() += 1;
    }
    let twice: Vec<_> = count.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "came out more than once: {twice:?}");
    assert!(count.keys().eq(expected.iter()), "not what was published");
    outputs::assert_no_gap(network);
    eventually("carewire.curated has everything once", Duration::from_secs(60), || {
        let got = titles(outputs::curated_topic(network).into_values().collect());
        when(got == expected, format!("{} values of {}", got.len(), expected.len()))
    });
    let page = stage.json("/v1/items?limit=100");
    let mut seen: Vec<String> = titles(page["items"].as_array().unwrap().clone());
    seen.dedup();
    assert!(!seen.is_empty());
}

/// Runs the stages apart, kills each of them `rounds` times while entries come in.
pub fn scenario(network: &Network, growing: &Growing, prefix: &str, rounds: usize) -> Stage {
    let mut stages: Vec<Stage> =
        ["ingest", "process", "publish", "serve"].iter().map(|stage| network.start(stage)).collect();
    for stage in &stages {
        stage.ready(Duration::from_secs(90));
    }
    growing.register(network);
    let step = (ENTRIES - 5).div_ceil(rounds * stages.len() + 1);
    let store = outputs::store(network);
    let mut known = 0;
    for round in 0..rounds {
        for position in 0..stages.len() {
            growing.grow(step);
            moved(&store, &mut known);
            let name = stages[position].name.clone();
            if round % 2 == 0 {
                stages.remove(position).kill9();
                stages.insert(position, network.start(&name));
            } else {
                // A second one runs beside it, and takes over what the killed one held.
                let beside = network.start_ready(&name);
                std::mem::replace(&mut stages[position], beside).kill9();
            }
        }
    }
    // Not on SQLite: a process that is stopped within a write holds the file's lock, and all others wait for it.
    let servers = matches!(network.pair(), Pair::Servers { .. });
    let stand_bys = if servers { woken(network, growing, &stages, &store) } else { Vec::new() };
    growing.grow(ENTRIES);
    for stage in stages.iter().chain(&stand_bys) {
        stage.ready(Duration::from_secs(90));
    }
    let serve = stages.pop().unwrap();
    assert_exactly_once(network, &serve, prefix);
    growing.assert_one_at_a_time();
    for stage in stages.into_iter().chain(stand_bys) {
        let name = stage.name.clone();
        let (status, took) = stage.stop();
        assert!(status.success() && took < Duration::from_secs(21), "{name}: {status} after {took:?}");
    }
    serve
}

/// Stops the workers that hold leases for longer than these last. Others take over; those that wake can write no more, and
/// stand by.
fn woken(network: &Network, growing: &Growing, stages: &[Stage], store: &Store) -> Vec<Stage> {
    let stopped: Vec<&Stage> = stages.iter().filter(|stage| ["process", "publish"].contains(&&*stage.name)).collect();
    let curated = || block_on(store.cursor("carewire.curated")).unwrap_or_default();
    let beside = stopped.iter().map(|stage| network.start_ready(&stage.name)).collect();
    // At rest, so that they hold no locks of a transaction.
    let mut known = -1;
    eventually("the network is at rest", Duration::from_secs(60), || {
        let before = std::mem::replace(&mut known, block_on(store.last_seq()).unwrap());
        std::thread::sleep(Duration::from_secs(2));
        when(known == before && curated() == known, format!("{known} changes, {before} before"))
    });
    stopped.iter().for_each(|stage| stage.signal("STOP"));
    let before = block_on(store.last_seq()).unwrap();
    growing.grow(1);
    eventually("others have taken over what the stopped ones did", Duration::from_secs(90), || {
        let (last, relayed) = (block_on(store.last_seq()).unwrap_or_default(), curated());
        when(last > before && relayed > before, format!("{last} changes, {relayed} relayed, {before} before"))
    });
    stopped.iter().for_each(|stage| stage.signal("CONT"));
    beside
}

/// Waits until the output has grown, so that the next kill falls into work; or until it is clear that what was killed last
/// must first be taken over, which is a good moment too.
fn moved(store: &Store, known: &mut i64) {
    let limit = Instant::now() + Duration::from_secs(4);
    loop {
        // A database that is busy just now is asked again.
        let now = block_on(store.last_seq()).unwrap_or(*known);
        if now > *known || Instant::now() > limit {
            *known = now;
            return;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
}

#[test]
fn killed_stages_lose_and_double_nothing() {
    let network = Network::new(&Pair::Embedded, QUICK);
    let growing = Growing::start("embedded");
    let serve = scenario(&network, &growing, "embedded", 3);
    let (status, _) = serve.stop();
    assert!(status.success(), "{status}");
}
