//! Whole feeds as captured from live sites (`../shared/data/feeds/real`), carried to the bus: every entry is there, or the reason is named.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use crate::common::{Sandbox, publisher::Page};
use carewire_feeds::{Context, parse};
use carewire_schemas::{EntryV1, FeedId};

fn shared_data() -> PathBuf {
    std::env::var_os("CAREWIRE_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from)
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files_below(&path, files),
            false => files.push(path),
        }
    }
}

#[tokio::test]
async fn every_entry_of_real_feeds_is_accounted_for() {
    let folder = shared_data().join("feeds/real");
    if !folder.is_dir() {
        eprintln!("SKIPPED: {} is not there", folder.display());
        return;
    }
    let mut files = Vec::new();
    files_below(&folder, &mut files);
    let sandbox = Sandbox::new().await;
    let mut feeds = Vec::new();
    for (n, file) in files.into_iter().enumerate() {
        let body = std::fs::read(&file).unwrap();
        let path = format!("/{n}");
        let url = sandbox.publisher.url(1, &path).parse().unwrap();
        let parsed =
            parse(&body, &Context { content_type: Some("application/xml"), url: Some(&url), ..Context::default() });
        sandbox.publisher.set(&path, Page::feed(body));
        let id = sandbox.add(1 + (n % 40) as u8, &path).await;
        feeds.push((file, id, parsed.entries.len(), parsed.format.is_feed()));
    }
    assert!(!feeds.is_empty());
    let worker = sandbox.worker();
    for (_, id, ..) in &feeds {
        sandbox.polled(*id).await;
    }
    let mut events: HashMap<FeedId, usize> = HashMap::new();
    for record in sandbox.records().await {
        let event: EntryV1 = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        *events.entry(event.feed).or_default() += 1;
    }
    let (mut entries, mut repeated) = (0, 0);
    for (file, id, in_document, is_feed) in &feeds {
        let name = file.display();
        let feed = sandbox.feed(*id).await;
        if !is_feed {
            assert!(feed.last_error.is_some(), "{name}");
            continue;
        }
        assert_eq!(feed.last_error, None, "{name}");
        let events = events.get(id).copied().unwrap_or_default();
        assert_eq!(usize::try_from(feed.entries).unwrap(), events, "{name}");
        // What is missing stood in the document twice, and the feed's page says so.
        let told = feed.problems.iter().find(|problem| problem.code == "repeated-entry");
        let told: usize = told.map_or(0, |problem| problem.message.split(' ').next().unwrap().parse().unwrap());
        assert_eq!(events + told, *in_document, "{name}");
        entries += events;
        repeated += told;
    }
    worker.end().await;
    // Some of them are web pages, on whose site a feed is looked for in the usual places.
    let log = sandbox.publisher.log();
    let asked = log.iter().filter(|asked| asked.path[1..].parse::<usize>().is_ok()).count();
    assert_eq!(asked, feeds.len(), "one request a feed");
    eprintln!("{} feeds, {entries} entries, {repeated} repeated within their documents", feeds.len());
}
