//! Pages of entries that are looked at again.

use std::{collections::HashSet, time::Duration};

use carewire_schemas::FeedId;
use carewire_store::{EntryPage, EntryWrite, NewFinding, PageAddress, PageFacts, PagePace, PageState, Store};
use jiff::Timestamp;

use crate::harness::{Kit, conformance, entry_id, feed, organization};

const HOUR: Duration = Duration::from_secs(3600);
const PACE: PagePace = PagePace { per_minute: 1000, host_pause: Duration::ZERO, first: HOUR };

fn write(feed: FeedId, n: usize, url: &str, host: &str, version: i64) -> EntryWrite {
    EntryWrite {
        entry: entry_id(feed, n),
        hash: 1,
        version,
        deleted: false,
        revision: Vec::new(),
        link: None,
        page: Some(PageAddress { url: url.to_owned(), host: host.to_owned(), first_look: Timestamp::UNIX_EPOCH }),
    }
}

async fn one(store: &Store) -> FeedId {
    let organization = organization(store, "a").await;
    feed(store, organization.id, "https://one.example/feed").await.id
}

async fn claim(store: &Store, pace: &PagePace) -> Vec<EntryPage> {
    store.claim_pages(10, pace, HOUR).await.unwrap()
}

async fn a_page_is_claimed_by_one_worker_and_hosts_take_turns(kit: Kit) {
    let (store, other) = (&kit.store, kit.again().await);
    let feed = one(store).await;
    assert!(claim(store, &PACE).await.is_empty() && store.pages_due().await.unwrap().is_none());
    let entries =
        (0..6).map(|n| write(feed, n, &format!("https://h{}.example/{n}", n % 2), &format!("h{}.example", n % 2), 1));
    store.add_entries(feed, entries.collect()).await.unwrap();
    let mut seen = HashSet::new();
    for _ in 0..3 {
        let (mine, others) = tokio::join!(claim(store, &PACE), claim(&other, &PACE));
        let pages: Vec<_> = mine.into_iter().chain(others).collect();
        assert!(pages.len() <= 4, "one of a host at a time and a claim: {pages:?}");
        for page in pages {
            assert!(seen.insert(page.entry), "claimed once");
            assert!(store.page_looked(&page, true, Some(HOUR)).await.unwrap());
        }
    }
    eventually_all(store, &mut seen).await;
    assert_eq!(seen.len(), 6);
    assert!(claim(store, &PACE).await.is_empty());
    assert!(store.pages_due().await.unwrap().unwrap() > Timestamp::now());
}

async fn eventually_all(store: &Store, seen: &mut HashSet<carewire_schemas::EntryId>) {
    for page in claim(store, &PACE).await {
        assert!(seen.insert(page.entry), "claimed once");
        store.page_looked(&page, true, Some(HOUR)).await.unwrap();
    }
}

async fn the_pace_holds_for_a_host_and_for_all_together(kit: Kit) {
    let (store, other) = (&kit.store, kit.again().await);
    let feed = one(store).await;
    let entries = (0..20)
        .map(|n| write(feed, n, &format!("https://h{}.example/{n}", n % 10), &format!("h{}.example", n % 10), 1));
    store.add_entries(feed, entries.collect()).await.unwrap();
    let slow = PagePace { host_pause: HOUR, ..PACE };
    let first = claim(store, &slow).await;
    assert_eq!(first.len(), 10);
    assert!(claim(&other, &slow).await.is_empty(), "each host waits for an hour");
    store.delay_pages("h0.example", HOUR * 3).await.unwrap();
    assert!(store.pages_due().await.unwrap().unwrap() > Timestamp::now());
    // A new minute may begin in between: then the budget is fresh, and no more than two of them are used.
    let few = PagePace { per_minute: 3, ..PACE };
    let entries = (20..40).map(|n| write(feed, n, &format!("https://n{n}.example/"), &format!("n{n}.example"), 1));
    store.add_entries(feed, entries.collect()).await.unwrap();
    let mut taken = 0;
    for _ in 0..4 {
        taken += claim(store, &few).await.len() + claim(&other, &few).await.len();
    }
    assert!(taken <= 6, "{taken}");
}

async fn what_was_found_is_kept_and_an_older_claim_changes_nothing(kit: Kit) {
    let store = &kit.store;
    let feed = one(store).await;
    store.add_entries(feed, vec![write(feed, 1, "https://h.example/1", "h.example", 1)]).await.unwrap();
    let claimed = claim(store, &PACE).await.remove(0);
    assert_eq!((claimed.state, claimed.item, claimed.url.as_str()), (PageState::Watched, None, "https://h.example/1"));
    let facts = PageFacts { reviewed: Some(Timestamp::UNIX_EPOCH), ..PageFacts::default() };
    let mut found = claimed.clone();
    (found.state, found.status, found.facts) = (PageState::Gone, Some(404), facts);
    (found.gone_since, found.moved_since) = (Some(Timestamp::UNIX_EPOCH), Some(Timestamp::UNIX_EPOCH));
    found.moved_to = Some("https://h.example/2".to_owned());
    found.address = Some("https://h.example/3".to_owned());
    (found.etag, found.last_modified) = (Some("\"1\"".to_owned()), Some("then".to_owned()));
    assert!(store.page_looked(&found, true, Some(Duration::ZERO)).await.unwrap());
    let again = claim(store, &PACE).await.remove(0);
    let mut same = store.entry_pages(&[claimed.entry]).await.unwrap().remove(&claimed.entry).unwrap();
    assert_eq!(again, same);
    assert_eq!(
        (&same.facts, same.state, same.address.as_deref()),
        (&found.facts, PageState::Gone, Some("https://h.example/3"))
    );
    assert!(!store.page_looked(&found, true, None).await.unwrap(), "claimed again meanwhile");
    // Told again by its feed: watched again. Told at the same address while it is watched: as it was.
    store.add_entries(feed, vec![write(feed, 1, "https://h.example/1", "h.example", 2)]).await.unwrap();
    same = store.entry_pages(&[claimed.entry]).await.unwrap().remove(&claimed.entry).unwrap();
    assert_eq!((same.state, same.gone_since, &same.address), (PageState::Watched, None, &None));
    assert!(!store.page_looked(&again, true, None).await.unwrap(), "told again meanwhile");
    store.page_looked(&same, true, Some(HOUR)).await.unwrap();
    store.add_entries(feed, vec![write(feed, 1, "https://h.example/1", "h.example", 3)]).await.unwrap();
    assert!(claim(store, &PACE).await.is_empty());
}

async fn missing_pages_of_a_feed_are_counted_and_told(kit: Kit) {
    let store = &kit.store;
    let feed = one(store).await;
    let hosts = |n: usize| format!("h{n}.example");
    let entries = (0..5).map(|n| write(feed, n, &format!("https://h{n}.example/"), &hosts(n), 1));
    store.add_entries(feed, entries.collect()).await.unwrap();
    for (n, mut page) in claim(store, &PACE).await.into_iter().enumerate() {
        if n < 2 {
            page.gone_since = Some(Timestamp::now());
            page.moved_to = Some("https://elsewhere.example/".to_owned());
        }
        page.state = if n == 0 { PageState::Held } else { PageState::Watched };
        store.page_looked(&page, n != 4, Some(HOUR)).await.unwrap();
    }
    let since = Timestamp::now() - HOUR;
    assert_eq!(store.missing_pages(feed, since).await.unwrap(), (4, 2), "one was not reached");
    assert_eq!(store.missing_pages(feed, Timestamp::now() + HOUR).await.unwrap(), (0, 0));
    assert_eq!(store.held_pages(feed).await.unwrap(), 1);
    let page = EntryPage::new(entry_id(feed, 9), feed, "https://h9.example/");
    assert!(store.others_moved_to(&page, "https://elsewhere.example/").await.unwrap());
    assert!(!store.others_moved_to(&page, "https://other.example/").await.unwrap());
    let finding = NewFinding { code: "pages-gone".into(), severity: "warning".into(), message: "2 of 4".into() };
    for _ in 0..2 {
        store.begin_finding(feed, &finding).await.unwrap();
    }
    let open = store.feed_findings(feed).await.unwrap().remove(0);
    assert_eq!((open.code.as_str(), open.gone_at, open.times), ("pages-gone", None, 1));
    store.end_finding(feed, "pages-gone").await.unwrap();
    assert!(store.feed_findings(feed).await.unwrap()[0].gone_at.is_some());
}

conformance!(
    a_page_is_claimed_by_one_worker_and_hosts_take_turns,
    the_pace_holds_for_a_host_and_for_all_together,
    what_was_found_is_kept_and_an_older_claim_changes_nothing,
    missing_pages_of_a_feed_are_counted_and_told,
);
