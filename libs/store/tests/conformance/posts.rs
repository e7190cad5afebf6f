//! What organizations post themselves.

use std::time::Duration;

use carewire_schemas::OrganizationId;
use carewire_store::{FeedKind, FeedState, Proof, StoreError};
use jiff::Timestamp;
use uuid::Uuid;

use crate::harness::{Kit, conformance, organization};

const HOUR: Duration = Duration::from_secs(3600);

async fn each_organization_has_one_feed_for_it_which_is_never_due(kit: Kit) {
    let (store, other) = (&kit.store, kit.again().await);
    let (a, b) = (organization(store, "a").await, organization(store, "b").await);
    let (first, second) = tokio::join!(store.posted_feed(a.id), other.posted_feed(a.id));
    let feed = first.unwrap();
    assert_eq!(second.unwrap().id, feed.id);
    assert_ne!(store.posted_feed(b.id).await.unwrap().id, feed.id);
    assert_eq!((feed.organization, feed.kind, feed.proof), (a.id, FeedKind::Posted, Proof::Proven));
    assert_eq!(store.feed_counts().await.unwrap(), [(FeedState::Active, 2)]);
    let nobody = store.posted_feed(OrganizationId(Uuid::now_v7())).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(_))), "{nobody:?}");
    // Nothing makes it due: no hand, no pause, no ping.
    assert!(matches!(store.poll_now(feed.id).await, Err(StoreError::Invalid(_))));
    store.set_feed_state(feed.id, FeedState::Paused).await.unwrap();
    store.set_feed_state(feed.id, FeedState::Active).await.unwrap();
    assert!(store.poll_pushed(feed.id).await.unwrap());
    assert!(store.claim_hosts(Uuid::now_v7(), 10, 10, HOUR).await.unwrap().is_empty());
    assert!(store.next_due().await.unwrap().is_none_or(|due| due > Timestamp::now() + HOUR));
}

async fn what_is_posted_waits_durably_and_in_bounds(kit: Kit) {
    let store = &kit.store;
    let organization = organization(store, "a").await;
    let feed = store.posted_feed(organization.id).await.unwrap();
    assert!(store.post(feed.id, b"<feed/>".to_vec()).await.unwrap());
    let read = kit.again().await.claim_pings(10, HOUR).await.unwrap();
    assert_eq!((read.len(), read[0].feed, &*read[0].body), (1, feed.id, &b"<feed/>"[..]));
    assert_eq!(read[0].topic, "", "no hub delivered it");
    for _ in 1..500 {
        assert!(store.post(feed.id, Vec::new()).await.unwrap());
    }
    assert!(!store.post(feed.id, Vec::new()).await.unwrap(), "too much waits");
    store.ping_done(read[0].id).await.unwrap();
    assert!(store.post(feed.id, Vec::new()).await.unwrap());
    store.set_feed_state(feed.id, FeedState::Paused).await.unwrap();
    assert!(matches!(store.post(feed.id, Vec::new()).await, Err(StoreError::Invalid(_))));
    let polled = crate::harness::feed(store, organization.id, "https://a.example/feed").await;
    assert!(matches!(store.post(polled.id, Vec::new()).await, Err(StoreError::NotFound(_))));
}

conformance!(each_organization_has_one_feed_for_it_which_is_never_due, what_is_posted_waits_durably_and_in_bounds);
