//! Write-backs of polls, and what is remembered of entries.

use std::time::Duration;

use carewire_store::{EntryWrite, FeedProblem, FeedState, Validators};
use uuid::Uuid;

use crate::{
    harness::{Kit, conformance, entry_id, feed, new_feed, organization},
    hosts::done,
};

fn entries(feed: carewire_schemas::FeedId, numbers: std::ops::Range<usize>, version: i64) -> Vec<EntryWrite> {
    numbers
        .map(|n| EntryWrite {
            entry: entry_id(feed, n),
            hash: n as i64 * version,
            version,
            deleted: false,
            revision: format!("{n} in {version}").into_bytes(),
            link: Some(-(n as i64)),
            page: None,
        })
        .collect()
}

async fn entries_are_remembered_and_counted(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    let id = feed(store, org.id, "https://one.example/").await.id;
    let lease = Duration::from_secs(60);
    let claimed = store.claim_hosts(Uuid::new_v4(), 1, 1, lease).await.unwrap().remove(0);
    let mut poll = done(&claimed.feeds[0]);
    poll.entries = entries(id, 0..700, 1);
    // A feed that carries an entry twice: the last counts.
    poll.entries.push(EntryWrite { hash: -1, ..poll.entries[0].clone() });
    poll.validators = Some(Validators {
        etag: Some("\"x\"".into()),
        last_modified: None,
        body_hash: Some(i64::MIN),
        url: Some("https://two.example/".into()),
    });
    let problem = FeedProblem { code: "no-date".into(), message: "no date".into(), where_: None, count: 3 };
    poll.problems = Some(vec![problem.clone()]);
    assert_eq!(store.finish_polls(vec![poll.clone()]).await.unwrap(), [true]);
    store.release_host(&claimed.lease).await.unwrap();
    store.poll_now(id).await.unwrap();
    let again = store.claim_hosts(Uuid::new_v4(), 1, 1, lease).await.unwrap().remove(0);
    assert_eq!(again.feeds[0].etag.as_deref(), Some("\"x\""));
    assert_eq!(again.feeds[0].body_hash, Some(i64::MIN));
    assert_eq!(again.feeds[0].validators_url.as_deref(), Some("https://two.example/"));
    let wanted: Vec<_> = (0..701).map(|n| entry_id(id, n)).collect();
    let known = store.known_entries(id, &wanted).await.unwrap();
    assert_eq!(known.len(), 700);
    assert_eq!(known[&entry_id(id, 0)], (-1, false));
    let mut second = done(&again.feeds[0]);
    second.entries = entries(id, 699..702, 2);
    second.entries[0].deleted = true;
    second.entries[0].revision.clear();
    assert_eq!(store.finish_polls(vec![second]).await.unwrap(), [true]);
    let known = store.known_entries(id, &wanted).await.unwrap();
    assert_eq!(known[&entry_id(id, 699)], (1398, true));
    assert_eq!(store.revision(entry_id(id, 699)).await.unwrap().unwrap(), b"699 in 1", "none given: the old one stays");
    assert_eq!(store.revision(entry_id(id, 701)).await.unwrap().unwrap(), b"701 in 2");
    assert!(store.revision(entry_id(id, 9999)).await.unwrap().is_none());
    let feed = store.feed(id).await.unwrap().unwrap();
    assert_eq!((feed.entries, feed.problems), (702, vec![problem]));
    assert_eq!(feed.etag.as_deref(), Some("\"x\""), "no validators given: the old ones stay");
    assert_eq!(store.counts().await.unwrap().entries, 702);
    let latest = store.feed_entries(id, 3).await.unwrap();
    assert!(latest.iter().all(|entry| entry.version == 2 && entry.feed == id));
    let (mut after, mut all) = (None, 0);
    loop {
        let page = store.entries_for_rerun(after, 100).await.unwrap();
        let Some(last) = page.last() else { break };
        all += page.len();
        after = Some((last.row.feed, last.row.entry));
    }
    assert_eq!(all, 702);
}

async fn feeds_move_and_end(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    store.add_feed(new_feed(org.id, "https://taken.example/")).await.unwrap();
    for n in 0..3 {
        store.add_feed(new_feed(org.id, &format!("https://old.example/{n}"))).await.unwrap();
    }
    let claims = store.claim_hosts(Uuid::new_v4(), 9, 9, Duration::from_secs(60)).await.unwrap();
    let old = claims.into_iter().find(|claim| claim.lease.host == "old.example").unwrap();
    let mut ends: Vec<_> = old.feeds.iter().map(done).collect();
    ends[0].new_url = Some(("https://new.example/".into(), "new.example".into()));
    ends[1].new_url = Some(("https://taken.example/".into(), "taken.example".into()));
    ends[2].state = Some(FeedState::Gone);
    assert_eq!(store.finish_polls(ends).await.unwrap(), [true; 3]);
    let moved = store.feed(old.feeds[0].id).await.unwrap().unwrap();
    assert_eq!((moved.url.as_str(), moved.host.as_str()), ("https://new.example/", "new.example"));
    let stayed = store.feed(old.feeds[1].id).await.unwrap().unwrap();
    assert_eq!(stayed.url, old.feeds[1].url);
    assert_eq!(store.feed(old.feeds[2].id).await.unwrap().unwrap().state, FeedState::Gone);
    assert!(store.host("new.example").await.unwrap().is_some());
    assert_eq!(store.counts().await.unwrap().feeds[&FeedState::Gone], 1);
}

conformance! {
    entries_are_remembered_and_counted,
    feeds_move_and_end,
}
