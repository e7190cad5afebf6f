//! Whole feeds as captured from live sites (`../shared/data/feeds/real`), carried to the bus: every entry is there, or the reason is named.

mod common;

use std::path::{Path, PathBuf};

use carewire_feeds::{Context, parse};
use common::{Sandbox, publisher::Page};

fn shared_data() -> PathBuf {
    std::env::var_os("CAREWIRE_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from)
}

#[tokio::test]
async fn every_entry_of_real_feeds_is_accounted_for() {
    let folder = shared_data().join("feeds/real");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: {} is not there", folder.display());
        return;
    };
    let sandbox = Sandbox::new().await;
    let mut feeds = Vec::new();
    for (n, file) in files.map(|file| file.unwrap().path()).filter(|path| path.is_file()).enumerate() {
        let body = std::fs::read(&file).unwrap();
        let path = format!("/{n}");
        let url = sandbox.publisher.url(1, &path).parse().unwrap();
        let parsed = parse(&body, &Context { content_type: Some("application/xml"), url: Some(&url) });
        sandbox.publisher.set(&path, Page::feed(body));
        let id = sandbox.add(1 + (n % 40) as u8, &path).await;
        feeds.push((file, id, parsed.entries.len(), parsed.format.is_feed()));
    }
    assert!(!feeds.is_empty());
    let worker = sandbox.worker();
    let (mut entries, mut repeated) = (0, 0);
    for (file, id, in_document, is_feed) in &feeds {
        let name = file.display();
        let feed = sandbox.polled(*id).await;
        if !is_feed {
            assert!(feed.last_error.is_some(), "{name}");
            continue;
        }
        assert_eq!(feed.last_error, None, "{name}");
        let events = sandbox.events(*id).await.len();
        assert_eq!(usize::try_from(feed.entries).unwrap(), events, "{name}");
        // What is missing stood in the document twice, and the feed's page says so.
        let told = feed.problems.iter().find(|problem| problem.code == "repeated-entry");
        let told: usize = told.map_or(0, |problem| problem.message.split(' ').next().unwrap().parse().unwrap());
        assert_eq!(events + told, *in_document, "{name}");
        entries += events;
        repeated += told;
    }
    worker.end().await;
    let asked = sandbox.publisher.log().len();
    assert_eq!(asked, feeds.len(), "one request a feed");
    eprintln!("{} feeds, {entries} entries, {repeated} repeated within their documents", feeds.len());
}
