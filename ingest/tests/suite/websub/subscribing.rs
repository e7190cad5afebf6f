//! Asking hubs, verification, leases, refusals, silent hubs.

use std::time::Duration;

use carewire_bus::Health;
use carewire_fetch::Client;
use carewire_ingest::websub::{self, WebSub};
use carewire_schemas::{Change, Via};
use carewire_store::{FeedState, SubscriptionState};
use tokio_util::sync::CancellationToken;

use super::network::{Network, RSS, quick};
use crate::common::{
    eventually,
    hub::{Hub, Mood},
    publisher::{Page, item, rss},
};

/// 5.3: a verification of something that nobody asked for is refused, and changes nothing.
#[tokio::test]
async fn verifications_of_what_we_do_not_want_are_refused() {
    let network = Network::new(quick()).await;
    let id = network.subscribed("/feed").await;
    let (callback, topic) = (network.callback(id).await, network.topic("/feed"));
    let unknown = format!("{}websub/{}", network.callbacks, "f".repeat(64));
    for (name, to, mode, topic, status) in [
        ("wrong topic", &callback, "subscribe", "http://127.0.0.1/another", 404),
        ("leaving without wanting to", &callback, "unsubscribe", &*topic, 404),
        ("unknown token", &unknown, "subscribe", &*topic, 404),
        ("denied with another topic", &callback, "denied", "http://127.0.0.1/another", 404),
        ("unknown mode", &callback, "publish", &*topic, 400),
    ] {
        assert_eq!(network.hub.verify(to, mode, topic, Some(10)).await, (status, false), "{name}");
    }
    let bare = reqwest::get(format!("{callback}?hub.mode=subscribe&hub.topic={topic}")).await.unwrap();
    assert_eq!(bare.status().as_u16(), 400, "no challenge");
    let script = format!("{callback}?hub.mode=subscribe&hub.topic={topic}&hub.challenge=%3Cscript%3E");
    let answer = reqwest::get(script).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert_eq!(network.subscription(id).await.unwrap().state, SubscriptionState::Active);
    network.end().await;
}

/// The hub verifies another topic: nothing becomes active, and it is asked again.
#[tokio::test]
async fn a_hub_that_confuses_topics_is_not_believed() {
    let network = Network::new(quick()).await;
    network.hub.mood(Mood::WrongTopic);
    network.sandbox.publisher.set("/feed", network.page("/feed", rss(&[item("a", "First", 1)])));
    let id = network.sandbox.add(2, "/feed").await;
    network.sandbox.polled(id).await;
    eventually("two requests", || async { (network.hub.verified().len() >= 2).then_some(()) }).await;
    assert!(network.hub.verified().iter().all(|(_, status)| *status == 404));
    network.hub.mood(Mood::Synchronous);
    let active = network.reaches(id, SubscriptionState::Active).await;
    assert_eq!((active.tries, active.error), (0, None), "verified before the answer to the request");
    network.end().await;
}

/// 5.1: a lease is renewed before it ends; one that ended all the same is wanted anew.
#[tokio::test]
async fn leases_are_renewed_before_they_end() {
    let network = Network::new(quick()).await;
    network.hub.lease(Duration::from_secs(3));
    let id = network.subscribed("/feed").await;
    let first = network.subscription(id).await.unwrap();
    let renewed = eventually("a renewal", || async {
        let one = network.subscription(id).await.unwrap();
        (one.lease_until > first.lease_until).then_some(one)
    })
    .await;
    assert!(renewed.verified_at < first.lease_until, "before the end");
    assert_eq!((&renewed.token, &renewed.secret), (&first.token, &first.secret));
    network.hub.mood(Mood::Forgetful);
    eventually("the end", || async {
        let one = network.subscription(id).await.unwrap();
        (one.state == SubscriptionState::Asked && one.error.is_some() || one.tries > 1).then_some(())
    })
    .await;
    network.hub.mood(Mood::Kind);
    network.reaches(id, SubscriptionState::Active).await;
    network.end().await;
}

/// 5.2 and the field's habits: what hubs say when they do not want to.
#[tokio::test]
async fn refusals_denials_and_overload() {
    for (mood, state, part) in [
        (Mood::Refusing, SubscriptionState::Denied, "the hub answered 403: this topic is not ours"),
        (Mood::Denying, SubscriptionState::Denied, "the hub denied it: not in our list"),
        (Mood::Overloaded, SubscriptionState::Asked, "the hub answered 503"),
    ] {
        let network = Network::new(quick()).await;
        network.hub.mood(mood.clone());
        network.sandbox.publisher.set("/feed", network.page("/feed", rss(&[item("a", "First", 1)])));
        let id = network.sandbox.add(2, "/feed").await;
        let told = eventually(part, || async {
            network.subscription(id).await.filter(|one| one.error.as_deref().is_some_and(|error| error.contains(part)))
        })
        .await;
        assert_eq!(told.state, state, "{mood:?}");
        if mood == Mood::Overloaded {
            let host = network.sandbox.store.host("127.0.0.1").await.unwrap().unwrap();
            assert!(host.not_before.is_some(), "the hub's whole host is left alone");
            network.hub.mood(Mood::Kind);
            network.reaches(id, SubscriptionState::Active).await;
        } else {
            let hours = told.next_try.duration_since(jiff::Timestamp::now()).as_hours();
            assert!(hours >= 12, "not asked again soon: {hours} h");
        }
        network.end().await;
    }
}

/// A feed that is paused is left at its hub, one that is resumed is subscribed to again; so is one whose hub changed.
#[tokio::test]
async fn subscriptions_follow_their_feeds() {
    let network = Network::new(quick()).await;
    let id = network.subscribed("/feed").await;
    let topic = network.topic("/feed");
    let callback = network.callback(id).await;
    network.sandbox.store.set_feed_state(id, FeedState::Paused).await.unwrap();
    eventually("unsubscribed", || async { network.hub.subscribers(&topic).is_empty().then_some(()) }).await;
    network.reaches(id, SubscriptionState::Left).await;
    let late = network.hub.deliver(&callback, &topic, "x", RSS, None).await;
    assert_eq!(late, 410, "the hub is told that there is nobody");
    network.sandbox.store.set_feed_state(id, FeedState::Active).await.unwrap();
    network.reaches(id, SubscriptionState::Active).await;

    let elsewhere = Hub::start().await;
    let link = format!("<{}>; rel=hub", elsewhere.url());
    network.sandbox.publisher.set("/feed", Page::feed(rss(&[item("b", "Second", 2)])).header("link", &link));
    network.sandbox.poll(id).await;
    eventually("the new hub", || async { (elsewhere.subscribers(&topic).len() == 1).then_some(()) }).await;
    eventually("the old hub left", || async { network.hub.subscribers(&topic).is_empty().then_some(()) }).await;
    assert_ne!(network.callback(id).await, callback, "another hub never learns the old callback");
    network.end().await;
}

/// Of several hubs the next is asked when one refuses, denies, does not verify or fails (section 4 lets a subscriber choose).
#[tokio::test]
async fn the_next_hub_takes_the_place_of_one_that_fails() {
    let network = Network::new(quick()).await;
    for (n, mood, why) in [
        (1, Mood::Refusing, "answered 403"),
        (2, Mood::Denying, "denied"),
        (3, Mood::Forgetful, "did not verify"),
        (4, Mood::Overloaded, "answered 503"),
    ] {
        let first = Hub::start().await;
        first.mood(mood.clone());
        let (path, topic) = (format!("/feed{n}"), network.topic(&format!("/feed{n}")));
        let link =
            format!("<{}>; rel=\"hub\", <{}>; rel=\"hub\", <{topic}>; rel=\"self\"", first.url(), network.hub.url());
        network.sandbox.publisher.set(&path, Page::feed(rss(&[item("a", "First", 1)])).header("link", &link));
        let id = network.sandbox.add(2, &path).await;
        eventually("the second hub", || async { (network.hub.subscribers(&topic).len() == 1).then_some(()) }).await;
        let one = network.reaches(id, SubscriptionState::Active).await;
        assert_eq!((one.hub, one.others), (network.hub.url(), vec![first.url()]), "{mood:?}");
        let left = first.asked().pop().unwrap();
        let token = left["hub.callback"].rsplit('/').next().unwrap().to_owned();
        let left = network.sandbox.store.subscription(&token).await.unwrap().unwrap();
        assert!(left.error.as_deref().unwrap().contains(why), "{mood:?}: {left:?}");
        // The feed names both as before: that is no reason to begin anew.
        network.sandbox.poll(id).await;
        assert_eq!(network.subscription(id).await.unwrap().token, one.token);
        assert!(network.sandbox.feed(id).await.memory.hub);
    }
    network.end().await;
}

/// A poll finds what no ping had told of: the hub is silent, the owner is told, and a ping ends it.
#[tokio::test]
async fn a_silent_hub_is_noticed_by_the_safety_poll() {
    let mut network = Network::new(quick()).await;
    network.sandbox.config.min_interval = Duration::from_millis(300);
    network.sandbox.config.default_interval = Duration::from_millis(300);
    network.sandbox.config.push_interval = Duration::from_millis(300);
    network.sandbox.config.adaptive = false;
    let worker = std::mem::replace(&mut network.worker, network.sandbox.worker());
    worker.end().await;
    let id = network.subscribed("/feed").await;
    eventually("a poll under the subscription", || async {
        let one = network.subscription(id).await.unwrap();
        network.sandbox.feed(id).await.last_success.filter(|last| Some(*last) > one.verified_at)
    })
    .await;
    network
        .sandbox
        .publisher
        .set("/feed", network.page("/feed", rss(&[item("b", "Untold", 2), item("a", "First", 1)])));
    assert_eq!(network.told(id, "b", Change::New).await, Via::Poll);
    let silent =
        eventually("silence", || async { network.subscription(id).await.filter(|one| one.silent_at.is_some()) }).await;
    assert_eq!(silent.missed, 1);
    let problem = |feed: carewire_store::Feed| feed.problems.into_iter().find(|problem| problem.code == "silent-hub");
    let told = eventually("the problem", || async { problem(network.sandbox.feed(id).await) }).await;
    assert!(told.message.contains(&network.hub.url()), "{told:?}");
    eventually("asked anew", || async { (network.hub.asked().len() > 1).then_some(()) }).await;
    network.hub.publish(&network.topic("/feed"), &rss(&[item("c", "Told", 3)]), RSS, "sha256").await;
    network.told(id, "c", Change::New).await;
    let one = network.subscription(id).await.unwrap();
    assert_eq!((one.silent_at, one.missed), (None, 0));
    network.end().await;
}

/// Without an address under which hubs reach us, nothing is asked of them.
#[tokio::test]
async fn without_public_url_nothing_is_subscribed_to() {
    let mut network = Network::new(quick()).await;
    network.subscriber.take().unwrap().end().await;
    network.sandbox.publisher.set("/feed", network.page("/feed", rss(&[item("a", "First", 1)])));
    let id = network.sandbox.add(2, "/feed").await;
    network.sandbox.polled(id).await;
    eventually("the offer", || async { network.subscription(id).await }).await;
    let stop = CancellationToken::new();
    let deps = WebSub {
        store: network.sandbox.store.clone(),
        client: Client::new(&network.sandbox.fetch).unwrap(),
        config: network.config.clone(),
        public_url: None,
        health: Health::new("websub"),
    };
    let task = tokio::spawn(websub::run(deps, stop.clone()));
    network.sandbox.poll(id).await;
    stop.cancel();
    task.await.unwrap().unwrap();
    assert!(network.hub.asked().is_empty());
    assert_eq!(network.subscription(id).await.unwrap().state, SubscriptionState::Wanted);
    network.worker.end().await;
}
