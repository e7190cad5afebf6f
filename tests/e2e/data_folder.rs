//! What is kept in the data folder: a backup of a running network, and the network that goes on from it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::sandbox::{
    SOON, eventually,
    feeds::{self, Entry},
    network::{Network, Pair, QUICK},
    outputs,
    publisher::{Publisher, Reply},
    when,
};

fn entry(number: usize) -> Entry {
    let seed = 900_000 + number as u64;
    Entry::new(
        &format!("kept-{number}"),
        &format!("Kept {number} {}", feeds::words(seed, 3)),
        &format!("<p>{}</p>", feeds::words(seed + 7_000, 50)),
    )
}

fn expected(count: usize) -> Vec<String> {
    let mut all: Vec<String> = (0..count).map(|number| entry(number).title).collect();
    all.sort();
    all
}

#[test]
fn a_backup_of_a_running_network_goes_on_elsewhere() {
    let shown = Arc::new(AtomicUsize::new(20));
    let publisher = Publisher::fixed(Reply::status(503));
    let (site, count) = (publisher.url(""), shown.clone());
    publisher.now(move |asked| {
        let entries: Vec<Entry> = (0..count.load(Ordering::SeqCst)).map(entry).collect();
        feeds::conditional(asked, "application/atom+xml", feeds::atom(&site, "Kept", &entries, &[]))
    });
    let network = Network::new(&Pair::Embedded, QUICK);
    let stage = network.start_ready("up");
    network.publish("kept", "Kept", &publisher.url("/atom"));
    eventually("some are in the output", SOON, || when(!outputs::curated(&stage).is_empty(), "none"));
    // More come in while the backup is made.
    shown.store(40, Ordering::SeqCst);
    let backup = network.folder().join("backup");
    let made = network.json(&["backup", &backup.display().to_string()]);
    assert!(made["store_bytes"].as_u64().unwrap() > 0 && made["log_bytes"].as_u64().unwrap() > 0, "{made}");
    let twice = network.cli(&["backup", &backup.display().to_string()]);
    assert!(twice.code == Some(1) && twice.err.contains("there already"), "{}", twice.err);
    eventually("all are in the output", SOON, || {
        let got = outputs::curated(&stage).len();
        when(got == 40, got)
    });
    let titles = outputs::titles(&stage, "/feeds/all.atom").unwrap();
    assert_eq!(titles, expected(40));
    let before = outputs::changes(&stage);
    stage.kill9();

    // Nothing is overwritten.
    let taken = network.cli(&["restore", &backup.display().to_string()]);
    assert!(taken.code == Some(1) && taken.err.contains("not empty"), "{}", taken.err);
    let elsewhere = network.folder().join("restored");
    let network = network.on(elsewhere);
    network.json(&["restore", &backup.display().to_string()]);
    shown.store(45, Ordering::SeqCst);
    let stage = network.start_ready("up");
    eventually("everything is in the restored network's output, once", SOON, || {
        let got = outputs::titles(&stage, "/feeds/all.atom")?;
        when(got == expected(45), format!("{} items", got.len()))
    });
    outputs::assert_no_gap(&network);
    // What both knew has the same ids.
    let after = outputs::changes(&stage);
    let id = |lines: &[serde_json::Value], title: &str| {
        lines.iter().find(|line| line["value"]["title"] == title).map(|line| line["item"].clone())
    };
    for title in expected(40) {
        assert_eq!(id(&before, &title), id(&after, &title), "{title}");
    }
}

#[test]
fn a_restart_keeps_everything() {
    let entries: Vec<Entry> = (100..110).map(entry).collect();
    let publisher = Publisher::fixed(Reply::status(503));
    let site = publisher.url("");
    publisher.now(move |asked| feeds::conditional(asked, "text/xml", feeds::rss2(&site, "Restart", &entries)));
    let network = Network::new(&Pair::Embedded, QUICK);
    let stage = network.start_ready("up");
    network.publish("restart", "Restart", &publisher.url("/feed"));
    eventually("all ten are there", SOON, || when(outputs::curated(&stage).len() == 10, "fewer"));
    let (changes, atom) = (outputs::changes(&stage), outputs::titles(&stage, "/feeds/all.atom").unwrap());
    stage.kill9();
    let asked = publisher.asked().len();
    let stage = network.start_ready("up");
    assert_eq!(outputs::changes(&stage), changes);
    eventually("the feed is as it was", SOON, || {
        let got = outputs::titles(&stage, "/feeds/all.atom")?;
        when(got == atom, format!("{got:?}"))
    });
    // The search index is there again too.
    let words = &atom[0];
    eventually("search finds", SOON, || {
        let query = words.replace(' ', "+");
        let got = outputs::titles(&stage, &format!("/feeds/search.atom?q={query}"))?;
        when(got.contains(words), format!("{got:?}"))
    });
    // The first request after the restart is conditional, and nothing comes twice.
    eventually("it is polled again", SOON, || when(publisher.asked().len() > asked + 1, "not yet"));
    assert!(publisher.asked()[asked].header("if-none-match").is_some(), "{:?}", publisher.asked()[asked]);
    assert_eq!(network.feed(&publisher.url("/feed"))["last_status"], 304);
    assert_eq!(outputs::changes(&stage), changes);
}
