//! Two ingest workers, killed in turn while 500 feeds change: nothing is lost or doubled, and no host notices that anybody died. On
//! SQLite with the embedded log, and on PostgreSQL with Kafka.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::sandbox::{
    eventually,
    feeds::{self, Entry},
    network::{Network, Pair, QUICK, Stage},
    outputs,
    publisher::Publisher,
    servers::Servers,
    when,
};

const HOSTS: usize = 50;
const FEEDS: usize = 10;
/// Entries of a feed at the start, and in the end.
const FIRST: usize = 2;
const LAST: usize = 4;
/// What the publishers ask for: nobody comes back to a feed before.
const FRESH: Duration = Duration::from_secs(3);
/// The pause between two requests to one host, as configured.
const PAUSE: Duration = Duration::from_millis(10);

/// When the entries say that they were published: one time, for a date that moves would change every entry with every poll.
static PUBLISHED: LazyLock<String> = LazyLock::new(|| feeds::hours_ago(48));

fn entry(host: usize, feed: usize, number: usize) -> Entry {
    let seed = (host * 10_000 + feed * 100 + number) as u64;
    let mut entry = Entry::new(
        &format!("t-{host}-{feed}-{number}"),
        &format!("Takeover {host}/{feed}/{number} {}", feeds::words(seed, 4)),
        &format!("<p>{}</p>", feeds::words(seed + 7_000_000, 40)),
    );
    entry.published.clone_from(&PUBLISHED);
    entry
}

fn publishers(shown: &Arc<AtomicUsize>) -> Vec<Publisher> {
    let start = |host: usize| {
        let shown = shown.clone();
        Publisher::start(move |asked| {
            let feed: usize = asked.path.trim_start_matches("/feed").parse().unwrap_or(0);
            let entries: Vec<Entry> =
                (0..shown.load(Ordering::SeqCst)).map(|number| entry(host, feed, number)).collect();
            let site = format!("https://h{host}.example/{feed}");
            let body = feeds::rss2(&site, &format!("Feed {host}/{feed}"), &entries);
            feeds::conditional(asked, "application/rss+xml", body)
                .with("cache-control", &format!("max-age={}", FRESH.as_secs()))
        })
    };
    (0..HOSTS).map(start).collect()
}

fn register(network: &Network, publishers: &[Publisher]) {
    let mut list = String::from("<opml version=\"2.0\"><body>");
    for (host, publisher) in publishers.iter().enumerate() {
        for feed in 0..FEEDS {
            let url = publisher.url(&format!("/feed{feed}"));
            list.push_str(&format!("<outline type=\"rss\" text=\"Host {host}\" xmlUrl=\"{url}\"/>"));
        }
    }
    list.push_str("</body></opml>");
    let file = network.folder().join("takeover.opml");
    std::fs::write(&file, list).unwrap();
    let report = network.json(&["import", "opml", &file.display().to_string(), "--trusted"]);
    assert_eq!(report["registered"], HOSTS * FEEDS, "{report}");
}

/// Titles of all that came out, with how often.
fn came_out(stage: &Stage) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for value in outputs::curated(stage) {
        if let Some(title) = value["title"].as_str() {
            *count.entry(title.to_owned()).or_default() += 1;
        }
    }
    count
}

#[test]
fn two_workers_killed_in_turn_while_500_feeds_change() {
    scenario(&Pair::Embedded);
}

#[test]
fn two_workers_killed_in_turn_on_postgresql_and_kafka() {
    if let Some(servers) = Servers::start() {
        scenario(servers.pair());
    }
}

fn scenario(pair: &Pair) {
    // What a killed worker had asked for and not written is asked for again when its lease ends. A lease with less than a request's
    // time left (3 s) is lengthened before the next request, so that is never sooner than the publishers want.
    let settings =
        QUICK.replace("max_interval = \"3s\"", "max_interval = \"4s\"").replace("lease = \"5s\"", "lease = \"7s\"");
    let network = Network::new(pair, &settings);
    let shown = Arc::new(AtomicUsize::new(FIRST));
    let publishers = publishers(&shown);
    let others: Vec<Stage> = ["process", "publish", "serve"].iter().map(|stage| network.start(stage)).collect();
    let mut workers = vec![network.start("ingest"), network.start("ingest")];
    for stage in others.iter().chain(&workers) {
        stage.ready(Duration::from_secs(120));
    }
    register(&network, &publishers);
    let requests = || publishers.iter().map(|publisher| publisher.asked().len()).sum::<usize>();
    for round in 0..4 {
        // A kill in mid-work: some hundred requests after the one before.
        let before = requests();
        let limit = Instant::now() + Duration::from_secs(20);
        while requests() < before + 200 && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(20));
        }
        if round == 1 || round == 3 {
            shown.fetch_add(1, Ordering::SeqCst);
        }
        workers.remove(0).kill9();
        workers.push(network.start("ingest"));
    }
    assert_eq!(shown.load(Ordering::SeqCst), LAST);

    let serve = &others[2];
    let all = HOSTS * FEEDS * LAST;
    eventually("every entry came out", Duration::from_secs(240), || {
        let got = came_out(serve).len();
        when(got >= all, format!("{got} of {all}"))
    });
    let count = came_out(serve);
    let twice: Vec<_> = count.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "came out more than once: {twice:?}");
    let mut expected: Vec<String> = Vec::with_capacity(all);
    for host in 0..HOSTS {
        for feed in 0..FEEDS {
            expected.extend((0..LAST).map(|number| entry(host, feed, number).title));
        }
    }
    expected.sort();
    assert!(count.keys().eq(expected.iter()), "not what was published");
    outputs::assert_no_gap(&network);

    for publisher in &publishers {
        assert_eq!(publisher.most_in_flight(), 1, "two requests at once at {}", publisher.address());
        let asked = publisher.asked();
        for pair in asked.windows(2) {
            let gap = pair[1].at - pair[0].at;
            // Both times are taken when the request has come; what the network adds may shorten the pause a little.
            assert!(gap + Duration::from_millis(2) >= PAUSE, "{gap:?} between two requests at {}", publisher.address());
        }
        let mut last: HashMap<&str, Instant> = HashMap::new();
        for asked in &asked {
            if let Some(before) = last.insert(&asked.path, asked.at) {
                let gap = asked.at - before;
                assert!(gap + Duration::from_millis(50) >= FRESH, "{} was asked for again after {gap:?}", asked.path);
            }
        }
    }
    for stage in others.into_iter().chain(workers) {
        let name = stage.name.clone();
        let (status, took) = stage.stop();
        assert!(status.success() && took < Duration::from_secs(25), "{name}: {status} after {took:?}");
    }
}
