//! Subscriptions at hubs and what hubs delivered.

use std::{collections::HashSet, time::Duration};

use carewire_store::{FeedState, NewPing, PushTurn, Store, Subscription, SubscriptionState as State};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    harness::{Kit, conformance, feed, organization},
    hosts::done,
};

const HUB: &str = "https://hub.example/";
const TOPIC: &str = "https://a.example/feed";
const MINUTE: Duration = Duration::from_secs(60);
const LEASE: Option<(Duration, Duration)> = Some((MINUTE, MINUTE));

async fn offered(store: &Store) -> carewire_store::Feed {
    let organization = organization(store, "a").await;
    let feed = feed(store, organization.id, TOPIC).await;
    store.offer_hub(feed.id, Some((&[HUB.to_owned()], TOPIC)), "token", "secret").await.unwrap();
    feed
}

async fn claim(store: &Store) -> Vec<Subscription> {
    store.claim_subscriptions(10, MINUTE).await.unwrap()
}

fn ping(body: &[u8]) -> NewPing {
    let mut digest = [0; 32];
    digest[..body.len()].copy_from_slice(body);
    NewPing { token: "token".into(), content_type: Some("text/xml".into()), digest, body: body.to_vec(), thin: false }
}

async fn a_subscription_is_asked_for_by_one_worker_and_verified_by_its_hub(kit: Kit) {
    let (store, other) = (&kit.store, kit.again().await);
    let feed = offered(store).await;
    // The same offer again changes nothing.
    store.offer_hub(feed.id, Some((&[HUB.to_owned()], TOPIC)), "token-2", "secret-2").await.unwrap();
    let (mine, others) = tokio::join!(claim(store), claim(&other));
    assert_eq!(mine.len() + others.len(), 1, "claimed once");
    let claimed = mine.into_iter().chain(others).next().unwrap();
    assert_eq!((claimed.state, claimed.token.as_str(), claimed.tries), (State::Asked, "token", 0));
    for (token, topic) in [("token", "https://a.example/other"), ("token-2", TOPIC)] {
        assert!(!store.verify_subscription(token, topic, LEASE).await.unwrap(), "{token} {topic}");
    }
    assert!(!store.verify_subscription("token", TOPIC, None).await.unwrap(), "nobody wanted to leave");
    assert!(store.verify_subscription("token", TOPIC, LEASE).await.unwrap());
    // The answer to the request came after the verification: it changes nothing.
    assert!(!store.subscription_asked(&claimed, State::Asked, Some("late"), MINUTE).await.unwrap());
    let active = store.feed_subscription(feed.id).await.unwrap().unwrap();
    assert_eq!((active.state, active.error), (State::Active, None));
    let push = store.feed(feed.id).await.unwrap().unwrap().push_until;
    assert_eq!(push, active.lease_until, "polled rarely until then");
    assert!(store.subscriptions_due().await.unwrap().unwrap() > Timestamp::now());
    assert_eq!(store.subscription_counts().await.unwrap(), [(State::Active, 1)]);

    assert!(store.deny_subscription("token", TOPIC, "no", MINUTE).await.unwrap());
    let denied = store.feed_subscription(feed.id).await.unwrap().unwrap();
    assert_eq!((denied.state, denied.error.as_deref(), denied.lease_until), (State::Denied, Some("no"), None));
    assert_eq!(store.feed(feed.id).await.unwrap().unwrap().push_until, None);
}

async fn subscriptions_are_brought_in_line_with_their_feeds(kit: Kit) {
    let store = &kit.store;
    let feed = offered(store).await;
    claim(store).await;
    store.verify_subscription("token", TOPIC, LEASE).await.unwrap();
    let state = async || store.subscription("token").await.unwrap().map(|one| one.state);
    store.sweep_subscriptions().await.unwrap();
    assert_eq!(state().await, Some(State::Active));
    store.set_feed_state(feed.id, FeedState::Paused).await.unwrap();
    store.sweep_subscriptions().await.unwrap();
    assert_eq!(state().await, Some(State::Leaving));
    let leaving = claim(store).await;
    assert_eq!(leaving[0].state, State::Leaving);
    assert!(store.verify_subscription("token", TOPIC, None).await.unwrap());
    assert_eq!(state().await, Some(State::Left));
    assert!(!store.store_ping(ping(b"late")).await.unwrap());
    store.set_feed_state(feed.id, FeedState::Active).await.unwrap();
    store.sweep_subscriptions().await.unwrap();
    assert_eq!(state().await, Some(State::Wanted));
    // An ended lease is wanted anew.
    claim(store).await;
    store.verify_subscription("token", TOPIC, Some((Duration::ZERO, MINUTE))).await.unwrap();
    store.sweep_subscriptions().await.unwrap();
    assert_eq!(state().await, Some(State::Wanted));
    // Another hub: the old one is left, the new one wanted; none at all: both are left.
    claim(store).await;
    store.verify_subscription("token", TOPIC, LEASE).await.unwrap();
    store.offer_hub(feed.id, Some((&["https://new.example/".to_owned()], TOPIC)), "token-2", "secret-2").await.unwrap();
    store.sweep_subscriptions().await.unwrap();
    let states: HashSet<_> = claim(store).await.into_iter().map(|one| (one.token, one.state)).collect();
    assert_eq!(states, HashSet::from([("token".into(), State::Leaving), ("token-2".into(), State::Asked)]));
    store.offer_hub(feed.id, None, "", "").await.unwrap();
    assert_eq!(store.feed_subscription(feed.id).await.unwrap(), None);
    store.sweep_subscriptions().await.unwrap();
    assert!(claim(store).await.iter().any(|one| one.token == "token-2" && one.state == State::Leaving));
}

async fn pings_of_a_feed_are_read_one_after_another(kit: Kit) {
    let (store, other) = (&kit.store, kit.again().await);
    let feed = offered(store).await;
    assert!(!store.store_ping(ping(b"1")).await.unwrap(), "nobody asked the hub yet");
    claim(store).await;
    for body in [b"1", b"2", b"1"] {
        assert!(store.store_ping(ping(body)).await.unwrap());
    }
    assert!(store.pings_due().await.unwrap().unwrap() <= Timestamp::now());
    let (mine, others) = tokio::join!(store.claim_pings(10, MINUTE), other.claim_pings(10, MINUTE));
    let first: Vec<_> = mine.unwrap().into_iter().chain(others.unwrap()).collect();
    assert_eq!(first.len(), 1, "the others come after it");
    assert_eq!((&*first[0].body, first[0].thin, first[0].tries, &*first[0].topic), (&b"1"[..], false, 0, TOPIC));
    assert!(store.claim_pings(10, MINUTE).await.unwrap().is_empty());
    store.ping_later(first[0].id, Duration::ZERO).await.unwrap();
    let again = store.claim_pings(10, MINUTE).await.unwrap();
    assert_eq!((again[0].id, again[0].tries), (first[0].id, 0), "putting it off is no try");
    store.ping_done(again[0].id).await.unwrap();
    let second = store.claim_pings(10, MINUTE).await.unwrap();
    assert_eq!(&*second[0].body, b"2");
    store.ping_done(second[0].id).await.unwrap();
    let third = store.claim_pings(10, MINUTE).await.unwrap();
    assert_eq!(
        (third[0].thin, third[0].body.len()),
        (true, 0),
        "a body that came before says only that something changed"
    );
    store.ping_done(third[0].id).await.unwrap();
    assert_eq!(store.pings_due().await.unwrap(), None);
    assert_eq!(store.feed_subscription(feed.id).await.unwrap().unwrap().pings, 3);
}

async fn a_ping_and_a_poll_never_share_a_turn(kit: Kit) {
    let store = &kit.store;
    let feed = offered(store).await;
    let claims = store.claim_hosts(Uuid::new_v4(), 10, 10, MINUTE).await.unwrap();
    let polled = claims[0].feeds[0].clone();
    assert_eq!(store.push_turn(feed.id).await.unwrap(), PushTurn::Busy);
    assert!(!store.poll_pushed(feed.id).await.unwrap(), "the poll under way may have come too early");
    assert_eq!(store.finish_polls(vec![done(&polled)]).await.unwrap(), [true]);
    store.release_host(&claims[0].lease).await.unwrap();
    let PushTurn::Taken(pushed) = store.push_turn(feed.id).await.unwrap() else { panic!("the feed is free") };
    assert_eq!(pushed.turn, polled.turn + 1);
    assert_eq!(store.finish_polls(vec![done(&polled)]).await.unwrap(), [false], "an older turn");
    assert!(store.poll_pushed(feed.id).await.unwrap());
    let due = store.claim_hosts(Uuid::new_v4(), 10, 10, MINUTE).await.unwrap();
    assert_eq!(due[0].feeds[0].next_reason, "pinged");
    assert_eq!(store.finish_polls(vec![done(&pushed)]).await.unwrap(), [false], "polled meanwhile");
    store.set_feed_state(feed.id, FeedState::Paused).await.unwrap();
    assert_eq!(store.push_turn(feed.id).await.unwrap(), PushTurn::Off);
}

async fn a_silent_hub_is_told_once_and_a_ping_ends_it(kit: Kit) {
    let store = &kit.store;
    let feed = offered(store).await;
    claim(store).await;
    store.verify_subscription("token", TOPIC, LEASE).await.unwrap();
    assert!(store.silent_hubs(Duration::ZERO).await.unwrap().is_empty());
    store.note_missed("token", 2).await.unwrap();
    assert!(store.silent_hubs(MINUTE).await.unwrap().is_empty(), "the ping may still come");
    let silent = store.silent_hubs(Duration::ZERO).await.unwrap();
    assert_eq!((silent.len(), silent[0].missed), (1, 2));
    assert!(store.silent_hubs(Duration::ZERO).await.unwrap().is_empty());
    let told = store.feed(feed.id).await.unwrap().unwrap();
    assert_eq!((told.problems[0].code.as_str(), told.problems[0].count, told.push_until), ("silent-hub", 2, None));
    assert!(store.store_ping(ping(b"1")).await.unwrap());
    let one = store.feed_subscription(feed.id).await.unwrap().unwrap();
    assert_eq!((one.missed, one.silent_at), (0, None));
    assert_eq!(store.feed(feed.id).await.unwrap().unwrap().push_until, one.lease_until);
}

async fn a_hub_that_fails_gives_way_to_the_next_and_all_wait_when_all_failed(kit: Kit) {
    let store = &kit.store;
    let organization = organization(store, "a").await;
    let feed = feed(store, organization.id, TOPIC).await;
    let hubs = ["https://a.example/", "https://b.example/", "https://c.example/"].map(str::to_owned);
    store.offer_hub(feed.id, Some((&hubs, TOPIC)), "token-a", "secret").await.unwrap();
    for (n, next) in [("a", "b"), ("b", "c")] {
        let one = claim(store).await.remove(0);
        assert_eq!(one.hub, format!("https://{n}.example/"));
        let (token, failed) = (format!("token-{next}"), one.token);
        let answer = store.fall_back(&failed, "it failed", (&token, "secret"), MINUTE).await.unwrap();
        assert_eq!(answer, Some(format!("https://{next}.example/")));
        assert_eq!(store.subscription(&failed).await.unwrap().unwrap().state, State::Left);
        assert_eq!(store.fall_back(&failed, "late", ("x", "y"), MINUTE).await.unwrap(), None, "once");
    }
    // The same offer changes nothing; in another order it is still the same.
    let turned = [hubs[1].clone(), hubs[2].clone(), hubs[0].clone()];
    store.offer_hub(feed.id, Some((&turned, TOPIC)), "token-x", "secret").await.unwrap();
    let one = claim(store).await.remove(0);
    assert_eq!(
        (one.hub.as_str(), one.tries, one.error.as_deref()),
        ("https://c.example/", 2, Some("https://b.example/: it failed"))
    );
    store.fall_back(&one.token, "it failed", ("token-d", "secret"), MINUTE).await.unwrap();
    let round = store.feed_subscription(feed.id).await.unwrap().unwrap();
    assert_eq!(round.hub, hubs[0], "from the first again");
    assert!(claim(store).await.is_empty() && round.next_try > Timestamp::now(), "all failed: later");
    // One that is offered no more is left.
    store.offer_hub(feed.id, Some((&hubs[1..], TOPIC)), "token-e", "secret").await.unwrap();
    let now = store.feed_subscription(feed.id).await.unwrap().unwrap();
    assert_eq!((now.hub, now.others, now.tries), (hubs[1].clone(), vec![hubs[2].clone()], 0));
}

conformance!(
    a_hub_that_fails_gives_way_to_the_next_and_all_wait_when_all_failed,
    a_subscription_is_asked_for_by_one_worker_and_verified_by_its_hub,
    subscriptions_are_brought_in_line_with_their_feeds,
    pings_of_a_feed_are_read_one_after_another,
    a_ping_and_a_poll_never_share_a_turn,
    a_silent_hub_is_told_once_and_a_ping_ends_it,
);
