//! Who follows what, how far each is, and what a crash leaves.

use std::time::Duration;

use carewire_store::{
    Lease, NewHubRequest, PushClaim, PushDone, PushKind, PushOutcome, PushState, PushSubscription, PushTopic, Store,
};
use uuid::Uuid;

use crate::harness::{Kit, conformance, item_id, put, row};

const HOUR: Duration = Duration::from_secs(3600);

fn asked(name: &str, subscribe: bool) -> NewHubRequest {
    NewHubRequest {
        subscribe,
        callback: format!("https://{name}/cb"),
        host: name.split('/').next().unwrap_or_default().to_owned(),
        topic: "feeds/all.atom".into(),
        given: "https://net.example/feeds/all.atom".into(),
        secret: Some("s".into()),
        lease: HOUR,
    }
}

async fn request(store: &Store, new: NewHubRequest) {
    store.hub_request(&new, 10, 10).await.unwrap();
    for request in store.claim_hub_requests(10, HOUR).await.unwrap() {
        assert!(store.hub_verified(&request).await.unwrap());
    }
}

async fn lease(store: &Store) -> Lease {
    store.acquire_lease("push", Uuid::now_v7(), Duration::ZERO).await.unwrap().unwrap()
}

async fn all(store: &Store) -> Vec<PushSubscription> {
    store.push_subscriptions(None, 100).await.unwrap()
}

fn topic(last: i64) -> PushTopic {
    PushTopic { kind: PushKind::Hub, topic: "feeds/all.atom".into(), last }
}

async fn claim(store: &Store, last: i64, per_host: usize, busy: &[String], lease: &Lease) -> Vec<PushSubscription> {
    let topic = topic(last);
    store.push_claim(&PushClaim { topic: &topic, limit: 100, per_host, busy }, lease).await.unwrap()
}

async fn requests_wait_for_their_verification(kit: Kit) {
    let store = &kit.store;
    put(store, &[row(item_id(1), carewire_store::ItemState::Curated, "{}")]).await;
    store.hub_request(&asked("a.example", true), 1, 1).await.unwrap();
    // The same callback and topic again replaces it; another of that host is too much.
    store.hub_request(&NewHubRequest { secret: None, ..asked("a.example", true) }, 1, 1).await.unwrap();
    let more = NewHubRequest { callback: "https://a.example/other".into(), ..asked("a.example", true) };
    assert!(store.hub_request(&more, 1, 1).await.is_err());
    let claimed = store.claim_hub_requests(10, HOUR).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].tries, claimed[0].asked.secret.as_deref()), (1, 1, None));
    assert!(store.claim_hub_requests(10, HOUR).await.unwrap().is_empty(), "held");
    store.hub_unverified(claimed[0].id, Some(Duration::ZERO)).await.unwrap();
    let again = store.claim_hub_requests(10, HOUR).await.unwrap();
    assert_eq!(again[0].tries, 2);
    assert!(all(store).await.is_empty());
    assert!(store.hub_verified(&again[0]).await.unwrap());
    assert!(!store.hub_verified(&again[0]).await.unwrap(), "once");
    let served = all(store).await;
    assert_eq!((served.len(), served[0].cursor, served[0].state), (1, 1, PushState::Active), "from now on");
    // Renewal keeps the place and takes the new secret.
    put(store, &[row(item_id(2), carewire_store::ItemState::Curated, "{}")]).await;
    request(store, asked("a.example", true)).await;
    let renewed = all(store).await;
    assert_eq!((renewed.len(), renewed[0].id, renewed[0].cursor), (1, served[0].id, 1));
    assert_eq!(renewed[0].secret.as_deref(), Some("s"));
    assert_eq!(store.push_counts().await.unwrap(), [(PushKind::Hub, PushState::Active, 1)]);
    request(store, asked("a.example", false)).await;
    assert!(all(store).await.is_empty());
    store.hub_request(&asked("a.example", true), 10, 10).await.unwrap();
    let claimed = store.claim_hub_requests(10, HOUR).await.unwrap();
    store.hub_unverified(claimed[0].id, None).await.unwrap();
    assert!(!store.hub_verified(&claimed[0]).await.unwrap(), "forgotten");
    store.push_sweep().await.unwrap();
    assert!(store.push_topics().await.unwrap().is_empty());
}

async fn who_is_behind_is_served_once_and_a_crash_is_seen(kit: Kit) {
    let store = &kit.store;
    for name in ["a.example", "a.example/2", "a.example/3", "b.example"] {
        request(store, asked(name, true)).await;
    }
    let lease = lease(store).await;
    assert_eq!(store.push_topics().await.unwrap(), [topic(0)]);
    assert!(store.push_behind().await.unwrap().is_empty());
    store.push_touched(&[topic(7)], ("push", 9), &lease).await.unwrap();
    assert_eq!(store.cursor("push").await.unwrap(), 9);
    assert_eq!(store.push_behind().await.unwrap(), [topic(7)]);
    // At most two to a host, none to a busy one, nobody twice.
    assert_eq!(claim(store, 7, 2, &["a.example".to_owned()], &lease).await.len(), 1);
    assert_eq!(claim(store, 7, 2, &[], &lease).await.len(), 2);
    let last = claim(store, 7, 2, &[], &lease).await;
    assert_eq!(last.len(), 1);
    assert!(store.push_behind().await.unwrap().is_empty(), "all are being served");
    let taken = PushOutcome::Taken { messages: 1, pause: Duration::ZERO };
    let done = PushDone { id: last[0].id, cursor: 7, outcome: taken.clone() };
    store.push_done(&[done], &lease).await.unwrap();
    // The worker is gone; another frees what it had begun.
    assert_eq!(store.push_interrupted(&lease).await.unwrap(), 3);
    let again = claim(store, 7, 100, &[], &lease).await;
    assert_eq!((again.len(), again.iter().map(|one| one.repeats).sum::<i64>()), (3, 3));
    let failed = |wait, end| PushOutcome::Failed { error: "no".into(), wait, end };
    let done = [
        PushDone { id: again[0].id, cursor: 7, outcome: taken },
        PushDone { id: again[1].id, cursor: 0, outcome: failed(HOUR, false) },
        PushDone { id: again[2].id, cursor: 0, outcome: failed(HOUR, true) },
    ];
    store.push_done(&done, &lease).await.unwrap();
    let left = all(store).await;
    assert_eq!(left.len(), 3, "who is given up is forgotten");
    let waits = left.iter().find(|one| one.id == again[1].id).unwrap();
    assert_eq!((waits.tries, waits.error.as_deref(), waits.cursor), (1, Some("no"), 0));
    assert!(waits.failing_since.is_some());
    assert_eq!(
        left.iter().filter(|one| one.cursor == 7 && one.delivered == 1 && one.delivered_at.is_some()).count(),
        2
    );
    assert!(store.push_behind().await.unwrap().is_empty(), "its next try has not come");
    assert!(claim(store, 7, 100, &[], &lease).await.is_empty());
    // Who has lost the lease writes nothing.
    let other = self::lease(store).await;
    assert!(store.push_touched(&[topic(8)], ("push", 10), &lease).await.is_err());
    assert!(store.push_done(&[], &lease).await.is_err());
    assert!(store.push_interrupted(&other).await.is_ok());
    assert_eq!(store.cursor("push").await.unwrap(), 9);
}

async fn leases_end(kit: Kit) {
    let store = &kit.store;
    request(store, NewHubRequest { lease: Duration::ZERO, ..asked("a.example", true) }).await;
    request(store, asked("b.example", true)).await;
    let lease = lease(store).await;
    store.push_touched(&[topic(1)], ("push", 1), &lease).await.unwrap();
    let served = claim(store, 1, 10, &[], &lease).await;
    assert_eq!(served.iter().map(|one| one.host.as_str()).collect::<Vec<_>>(), ["b.example"]);
    assert_eq!(store.subscribers().await.unwrap(), 1, "whose lease is over is none");
    assert_eq!(store.push_sweep().await.unwrap(), 1);
    assert_eq!(all(store).await.len(), 1);
}

conformance!(requests_wait_for_their_verification, who_is_behind_is_served_once_and_a_crash_is_seen, leases_end);
