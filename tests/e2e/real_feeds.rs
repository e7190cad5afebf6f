//! Captured feeds of live sites, served by local servers and registered through OPML: every entry is accounted for.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    time::Duration,
};

use carewire_query::public;
use carewire_store::ItemState;
use serde_json::Value;

use crate::sandbox::{
    block_on, eventually,
    network::{Network, Pair, QUICK},
    outputs,
    publisher::{Publisher, Reply},
    shared_data, when,
};

const HOSTS: usize = 24;

fn mime(file: &str) -> &'static str {
    if file.ends_with(".json") { "application/feed+json" } else { "application/xml" }
}

/// What became of the entries of one file.
#[derive(Default)]
struct Account {
    file: String,
    /// Entries that the reader finds in it.
    read: usize,
    /// Entries that ingest knows of its feed.
    known: usize,
    /// Named problems: the last error, and problems' codes.
    named: Vec<String>,
}

#[test]
fn every_entry_of_real_feeds_is_accounted_for() {
    let Some(folder) = shared_data().map(|data| data.join("feeds/real")).filter(|folder| folder.is_dir()) else {
        eprintln!("SKIPPED: captured feeds are not at hand (CAREWIRE_SHARED_DATA)");
        return;
    };
    let files = files_below(&folder);
    let publishers: Vec<Publisher> = (0..HOSTS)
        .map(|host| {
            let own: HashMap<String, PathBuf> = files
                .iter()
                .enumerate()
                .filter(|(n, _)| n % HOSTS == host)
                .map(|(n, file)| (format!("/f{n}"), file.clone()))
                .collect();
            Publisher::start(move |asked| match own.get(&asked.path) {
                Some(file) => Reply::ok(mime(&file.display().to_string()), std::fs::read(file).unwrap()),
                None => Reply::status(404),
            })
        })
        .collect();
    // One poll of each: what is looked at is the first.
    let settings = QUICK
        .replace("max_body = 4000000", "max_body = 50000000")
        .replace("default_interval = \"1s\"", "default_interval = \"1h\"")
        .replace("max_interval = \"3s\"", "max_interval = \"2h\"");
    let network = Network::new(&Pair::Embedded, &settings);
    let mut list = String::from("<opml version=\"2.0\"><body>");
    for number in 0..files.len() {
        list.push_str(&format!(
            "<outline type=\"rss\" text=\"Captured {number}\" xmlUrl=\"{}\"/>",
            publishers[number % HOSTS].url(&format!("/f{number}"))
        ));
    }
    std::fs::write(network.folder().join("real.opml"), list + "</body></opml>").unwrap();
    let report =
        network.json(&["import", "opml", &network.folder().join("real.opml").display().to_string(), "--trusted"]);
    assert_eq!(report["registered"], files.len(), "{report}");
    let stage = network.start_ready("up");
    let feeds: Vec<Value> = eventually("every feed was polled", Duration::from_secs(120), || {
        let feeds = network.json(&["feed", "list"]).as_array().unwrap().clone();
        let waiting = feeds.iter().filter(|feed| feed["last_poll"].is_null()).count();
        if waiting == 0 { Ok(feeds) } else { Err(format!("{waiting} wait")) }
    });

    let mut accounts = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let url = publishers[number % HOSTS].url(&format!("/f{number}"));
        let feed = feeds.iter().find(|feed| feed["url"] == url).unwrap();
        let parsed = carewire_feeds::parse(
            &std::fs::read(file).unwrap(),
            &carewire_feeds::Context { content_type: Some(mime(&name)), ..Default::default() },
        );
        let mut named: Vec<String> = feed["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| problem["code"].as_str().unwrap().to_owned())
            .collect();
        named.extend(feed["last_error"].as_str().map(str::to_owned));
        accounts.push(Account {
            file: name,
            read: parsed.entries.len(),
            known: usize::try_from(feed["entries"].as_i64().unwrap()).unwrap(),
            named,
        });
    }
    let known: usize = accounts.iter().map(|account| account.known).sum();
    let store = outputs::store(&network);
    let (states, carried) = eventually("every entry that ingest knows is in an item", Duration::from_secs(120), || {
        // By item: one that changes while the pages are read stands on two of them.
        let mut items = HashMap::new();
        let (mut entries, mut after) = (HashSet::new(), 0);
        loop {
            let rows = block_on(store.items_by_seq(after, 1000)).unwrap();
            let Some(last) = rows.last() else { break };
            after = last.seq.unwrap();
            for row in &rows {
                items.insert(row.id, row.state);
                entries.extend(public::meta(row).unwrap().sources.iter().map(|source| source.entry));
                assert!(row.state == ItemState::Curated || row.state == ItemState::Withdrawn, "{:?}", row.state);
            }
        }
        let left = dead_letters(&stage);
        if entries.len() + left >= known {
            let mut states: BTreeMap<String, usize> = BTreeMap::new();
            for state in items.values() {
                *states.entry(state.as_str().to_owned()).or_default() += 1;
            }
            Ok((states, entries.len()))
        } else {
            Err(format!("{} of {known}, {left} dead letters", entries.len()))
        }
    });

    let read: usize = accounts.iter().map(|account| account.read).sum();
    let items: usize = states.values().sum();
    eprintln!(
        "{} feeds, {read} entries read, {known} known to ingest, {carried} in {items} items ({states:?}): {} are copies of others; {} dead letters",
        files.len(),
        carried - items,
        dead_letters(&stage)
    );
    let mut unexplained = Vec::new();
    for account in accounts.iter().filter(|account| account.read != account.known || account.known == 0) {
        eprintln!("{}: {} read, {} known; named: {:?}", account.file, account.read, account.known, account.named);
        if account.named.is_empty() && account.read > 0 {
            unexplained.push(account.file.clone());
        }
    }
    assert!(unexplained.is_empty(), "entries that nobody accounts for: {unexplained:?}");
    assert_eq!(dead_letters(&stage), 0);
    let curated = outputs::curated(&stage).len();
    assert_eq!(Some(&curated), states.get("curated"));
    when(outputs::feed(&stage, "/feeds/all.atom").is_ok_and(|feed| !feed.entries.is_empty()), "no entries").unwrap();
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for found in std::fs::read_dir(folder).unwrap() {
        let path = found.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

fn dead_letters(stage: &crate::sandbox::network::Stage) -> usize {
    let metrics = stage.get("/metrics").body;
    let lines = metrics.lines().filter(|line| line.starts_with("carewire_stage_dead_letters_total"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as usize
}
