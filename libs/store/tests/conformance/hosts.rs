//! Claims by host, and the leases they come with.

use std::{collections::HashSet, time::Duration};

use carewire_store::{Feed, HostClaim, PollDone, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::harness::{Kit, conformance, feed, new_feed, organization, wait_for};

const MINUTE: Duration = Duration::from_secs(60);

pub fn done(feed: &Feed) -> PollDone {
    PollDone { status: Some(200), ..PollDone::of(feed, Timestamp::now()) }
}

async fn claim(store: &Store, hosts: usize, feeds: usize) -> Vec<HostClaim> {
    store.claim_hosts(Uuid::new_v4(), hosts, feeds, MINUTE).await.unwrap()
}

async fn a_host_is_claimed_by_one_until_released(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    for n in 0..3 {
        feed(store, org.id, &format!("https://one.example/{n}")).await;
    }
    feed(store, org.id, "https://two.example/").await;
    assert!(store.next_due().await.unwrap().unwrap() <= Timestamp::now());
    let claims = claim(store, 10, 2).await;
    assert_eq!(claims.len(), 2);
    let one = claims.iter().find(|claim| claim.lease.host == "one.example").unwrap();
    assert_eq!(one.feeds.len(), 2);
    assert!(one.feeds.iter().all(|feed| feed.turn == 1 && feed.next_reason == "new"));
    assert_eq!(one.pause, Duration::from_millis(250));
    // One more feed is due there, but the lease is taken.
    assert!(claim(store, 10, 2).await.is_empty());
    assert!(store.lease_alive(&one.lease).await.unwrap());
    store.release_host(&one.lease).await.unwrap();
    assert!(!store.lease_alive(&one.lease).await.unwrap());
    let rest = claim(store, 10, 2).await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].feeds.len(), 1, "what is claimed is not claimed again");
    assert!(!one.feeds.iter().any(|feed| feed.id == rest[0].feeds[0].id));
}

async fn many_workers_share_the_hosts_without_overlap(kit: Kit) {
    let org = organization(&kit.store, "a").await;
    let feeds = (0..200).map(|n| new_feed(org.id, &format!("https://h{}.example/{n}", n % 50))).collect();
    kit.store.add_feeds(feeds).await.unwrap();
    let mut workers = Vec::new();
    for _ in 0..4 {
        let store = kit.again().await;
        workers.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claims = claim(&store, 5, 2).await;
                if claims.is_empty() && store.next_due().await.unwrap().is_some_and(|due| due > Timestamp::now()) {
                    return mine;
                }
                for claim in claims {
                    mine.extend(claim.feeds.iter().map(|feed| feed.id));
                    let ends = claim.feeds.iter().map(done).collect();
                    assert!(store.finish_polls(ends).await.unwrap().into_iter().all(|written| written));
                    store.release_host(&claim.lease).await.unwrap();
                }
            }
        }));
    }
    let mut all = HashSet::new();
    for worker in workers {
        for id in worker.await.unwrap() {
            assert!(all.insert(id), "{id} was claimed twice");
        }
    }
    assert_eq!(all.len(), 200);
}

async fn a_dead_workers_claims_are_taken_over_and_its_write_back_refused(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    feed(store, org.id, "https://one.example/").await;
    let short = Duration::from_millis(150);
    let dead = store.claim_hosts(Uuid::new_v4(), 1, 5, short).await.unwrap().remove(0);
    assert!(claim(store, 10, 10).await.is_empty());
    let alive = wait_for(10, "the take-over", async || claim(store, 10, 10).await.pop()).await;
    assert_eq!(alive.feeds[0].turn, dead.feeds[0].turn + 1);
    assert!(!store.lease_alive(&dead.lease).await.unwrap());
    let mut lost = dead.lease.clone();
    assert!(matches!(store.renew_host_lease(&mut lost, MINUTE).await, Err(StoreError::LeaseLost(_))));
    let mut late = done(&dead.feeds[0]);
    late.meta.title = Some("late".into());
    let mut good = done(&alive.feeds[0]);
    good.meta.title = Some("good".into());
    assert_eq!(store.finish_polls(vec![late.clone()]).await.unwrap(), [false]);
    assert_eq!(store.finish_polls(vec![good]).await.unwrap(), [true]);
    assert_eq!(store.finish_polls(vec![late]).await.unwrap(), [false]);
    let feed = store.feed(alive.feeds[0].id).await.unwrap().unwrap();
    assert_eq!(feed.title.as_deref(), Some("good"));
    store.release_host(&dead.lease).await.unwrap();
    assert!(store.lease_alive(&alive.lease).await.unwrap(), "a lost lease releases nothing");
}

async fn renewing_a_lease_keeps_its_feeds_claimed(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    feed(store, org.id, "https://one.example/").await;
    let mut claimed = store.claim_hosts(Uuid::new_v4(), 1, 5, Duration::from_millis(400)).await.unwrap().remove(0);
    let first = claimed.lease.until;
    store.renew_host_lease(&mut claimed.lease, MINUTE).await.unwrap();
    assert!(claimed.lease.until > first);
    let feed = store.feed(claimed.feeds[0].id).await.unwrap().unwrap();
    assert_eq!(feed.next_poll, claimed.lease.until);
    assert_eq!(store.next_due().await.unwrap().unwrap(), claimed.lease.until);
}

async fn policies_hold(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    for n in 0..6 {
        feed(store, org.id, &format!("https://many.example/{n}")).await;
    }
    store.set_host_policy("many.example", 2, Duration::from_millis(10)).await.unwrap();
    let first = claim(store, 10, 2).await;
    let second = claim(store, 10, 2).await;
    assert_eq!((first[0].lease.slot, second[0].lease.slot), (1, 2));
    assert_eq!(first[0].pause, Duration::from_millis(10));
    assert!(claim(store, 10, 2).await.is_empty());
    assert!(store.acquire_host("many.example", Uuid::new_v4(), MINUTE).await.unwrap().is_none());
    store.release_host(&first[0].lease).await.unwrap();
    let other = store.acquire_host("many.example", Uuid::new_v4(), MINUTE).await.unwrap().unwrap();
    assert_eq!(other.slot, 1);
    store.release_host(&other).await.unwrap();
    let later = Timestamp::now() + SignedDuration::from_secs(3600);
    store.host_not_before("many.example", later, "Retry-After").await.unwrap();
    store.host_not_before("many.example", Timestamp::now(), "earlier").await.unwrap();
    assert!(claim(store, 10, 2).await.is_empty());
    assert!(store.acquire_host("many.example", Uuid::new_v4(), MINUTE).await.unwrap().is_none());
    let host = store.host("many.example").await.unwrap().unwrap();
    assert_eq!((host.concurrency, host.reason.as_deref()), (2, Some("Retry-After")));
    // Not seen before.
    assert!(store.acquire_host("new.example", Uuid::new_v4(), MINUTE).await.unwrap().is_some());
}

async fn a_poll_asked_for_while_polling_comes_after_it(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    let id = feed(store, org.id, "https://one.example/").await.id;
    let mut activity = store.activity();
    activity.borrow_and_update();
    let first = claim(store, 1, 1).await.remove(0);
    store.poll_now(id).await.unwrap();
    assert!(activity.has_changed().unwrap());
    assert_eq!(store.finish_polls(vec![done(&first.feeds[0])]).await.unwrap(), [true]);
    store.release_host(&first.lease).await.unwrap();
    let second = claim(store, 1, 1).await.remove(0);
    assert_eq!((second.feeds[0].turn, second.feeds[0].next_reason.as_str()), (2, "hand"));
    assert_eq!(store.finish_polls(vec![done(&second.feeds[0])]).await.unwrap(), [true]);
    store.release_host(&second.lease).await.unwrap();
    assert!(claim(store, 1, 1).await.is_empty());
    assert!(store.next_due().await.unwrap().unwrap() > Timestamp::now() + SignedDuration::from_secs(1700));
}

async fn feeds_given_back_are_due_as_before_the_claim(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    for n in 0..3 {
        feed(store, org.id, &format!("https://one.example/{n}")).await;
    }
    let claimed = claim(store, 1, 3).await.remove(0);
    assert_eq!(store.finish_polls(vec![done(&claimed.feeds[0])]).await.unwrap(), [true]);
    store.poll_now(claimed.feeds[1].id).await.unwrap();
    store.give_back(&claimed.feeds[1..]).await.unwrap();
    store.give_back(&[]).await.unwrap();
    store.release_host(&claimed.lease).await.unwrap();
    let again = claim(store, 1, 3).await.remove(0);
    let mut reasons: Vec<_> = again.feeds.iter().map(|feed| (feed.id, feed.turn, feed.next_reason.clone())).collect();
    reasons.sort();
    let mut expected = vec![(claimed.feeds[1].id, 2, "hand".to_owned()), (claimed.feeds[2].id, 2, "new".to_owned())];
    expected.sort();
    assert_eq!(reasons, expected);
    // Finished or claimed again meanwhile: an older claim gives nothing back.
    store.give_back(&claimed.feeds).await.unwrap();
    store.release_host(&again.lease).await.unwrap();
    assert!(claim(store, 1, 3).await.is_empty());
}

conformance! {
    feeds_given_back_are_due_as_before_the_claim,
    a_host_is_claimed_by_one_until_released,
    many_workers_share_the_hosts_without_overlap,
    a_dead_workers_claims_are_taken_over_and_its_write_back_refused,
    renewing_a_lease_keeps_its_feeds_claimed,
    policies_hold,
    a_poll_asked_for_while_polling_comes_after_it,
}
