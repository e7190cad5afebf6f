//! Pings, good and bad, and what is read of them.

use axum::body::Body;
use carewire_ingest::websub::{self, WebsubConfig};
use carewire_schemas::{Change, Via};
use carewire_store::SubscriptionState;

use super::network::{Network, RSS, quick};
use crate::common::{
    eventually,
    hub::sign,
    publisher::{item, rss},
};

/// 5.1, 5.3, 7: subscribing, the challenge, a fat ping in each method, and that polling stays as it was.
#[tokio::test]
async fn a_hub_is_subscribed_to_and_its_deliveries_are_read() {
    let network = Network::new(quick()).await;
    let id = network.subscribed("/feed").await;
    let asked = network.hub.asked().remove(0);
    assert_eq!(asked["hub.mode"], "subscribe");
    assert_eq!(asked["hub.topic"], network.topic("/feed"));
    assert_eq!(asked["hub.lease_seconds"], "864000");
    assert_eq!(asked["hub.callback"], network.callback(id).await);
    assert!((60..200).contains(&asked["hub.secret"].len()) && !asked["hub.callback"].contains(&asked["hub.secret"]));
    let before = network.sandbox.feed(id).await;
    for (n, method) in ["sha1", "sha256", "sha384", "sha512"].into_iter().enumerate() {
        let guid = format!("pushed-{n}");
        let body = rss(&[item(&guid, "Pushed", 2 + u8::try_from(n).unwrap())]);
        assert_eq!(network.hub.publish(&network.topic("/feed"), &body, RSS, method).await, [202], "{method}");
        assert_eq!(network.told(id, &guid, Change::New).await, Via::Push, "{method}");
    }
    // An entry that the delivery does not hold is not deleted; one that it declares deleted is (RFC 6721).
    let gone = rss(&["<at:deleted-entry ref=\"a\" when=\"2099-11-23T05:00:00Z\"/>".to_owned()]);
    network.hub.publish(&network.topic("/feed"), &gone, RSS, "sha256").await;
    assert_eq!(network.told(id, "a", Change::Deleted).await, Via::Push);
    let events = network.sandbox.events(id).await;
    assert_eq!(events.iter().filter(|event| event.change == Change::Deleted).count(), 1);
    assert!(events.iter().filter(|event| event.via == Via::Push).all(|event| !event.history));
    let after = eventually("written back", || async {
        let feed = network.sandbox.feed(id).await;
        (feed.entries == 5).then_some(feed)
    })
    .await;
    assert_eq!(
        (after.next_poll, after.interval_s, after.etag, after.last_poll, after.last_status),
        (before.next_poll, before.interval_s, before.etag, before.last_poll, before.last_status)
    );
    assert!(after.turn >= before.turn + 5, "each delivery has a turn of its own");
    assert_eq!(network.sandbox.publisher.asked("/feed").len(), 1, "nothing was polled for it");
    assert_eq!(network.subscription(id).await.unwrap().pings, 5);
    network.end().await;
}

/// 7.1.2: what is not signed by the subscription's secret is accepted in form and ignored.
#[tokio::test]
async fn what_others_send_is_not_read() {
    let network = Network::new(quick()).await;
    let id = network.subscribed("/mine").await;
    let other = network.subscribed("/other").await;
    let (callback, topic) = (network.callback(id).await, network.topic("/mine"));
    let secret = network.subscription(id).await.unwrap().secret;
    let others = network.subscription(other).await.unwrap();
    let body = rss(&[item("forged", "Forged", 9)]);
    let good = sign("sha256", &secret, body.as_bytes());
    let large = "x".repeat(network.config.max_body + 1);
    let unknown = format!("{}websub/{}", network.callbacks, "0".repeat(64));
    for (name, to, body, signature, status) in [
        ("unsigned", &callback, &body, None, 202),
        ("not hexadecimal", &callback, &body, Some("sha256=good".to_owned()), 202),
        ("another method", &callback, &body, Some(good.replace("sha256", "sha512")), 202),
        ("an unknown method", &callback, &body, Some(good.replace("sha256", "md5")), 202),
        ("another secret", &callback, &body, Some(sign("sha256", &others.secret, body.as_bytes())), 202),
        ("replayed to another callback", &network.callback(other).await, &body, Some(good.clone()), 202),
        ("changed on the way", &callback, &body.replace("Forged", "forged"), Some(good.clone()), 202),
        ("too large", &callback, &large, Some(sign("sha256", &secret, large.as_bytes())), 413),
        ("an unknown token", &unknown, &body, Some(good.clone()), 404),
        ("no token at all", &format!("{}websub/x", network.callbacks), &body, Some(good.clone()), 404),
    ] {
        let answered = network.hub.deliver(to, &topic, body, RSS, signature.as_deref()).await;
        assert_eq!(answered, status, "{name}");
    }
    // What comes after them is read, so they would have been.
    network.hub.publish(&topic, &rss(&[item("real", "Real", 8)]), RSS, "sha256").await;
    network.told(id, "real", Change::New).await;
    for feed in [id, other] {
        let events = network.sandbox.events(feed).await;
        assert!(events.iter().all(|event| event.content.guid.as_deref() != Some("forged")), "{events:?}");
    }
    network.end().await;
}

/// Thin pings: the feed is polled at once, and what it says now came by push.
#[tokio::test]
async fn a_ping_without_content_makes_a_poll() {
    let network = Network::new(quick()).await;
    let id = network.subscribed("/feed").await;
    let topic = network.topic("/feed");
    let secret = network.subscription(id).await.unwrap().secret;
    let callback = network.callback(id).await;
    for (n, (name, body, told)) in [
        ("empty", String::new(), topic.clone()),
        ("a page", "<html><body>changed</body></html>".to_owned(), topic.clone()),
        ("of another topic", rss(&[item("elsewhere", "Elsewhere", 7)]), "http://127.0.0.1/another".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        let guid = format!("polled-{n}");
        network.sandbox.publisher.set("/feed", network.page("/feed", rss(&[item(&guid, "Polled", 3)])));
        let signature = sign("sha1", &secret, body.as_bytes());
        assert_eq!(network.hub.deliver(&callback, &told, &body, RSS, Some(&signature)).await, 202, "{name}");
        assert_eq!(network.told(id, &guid, Change::New).await, Via::Push, "{name}");
    }
    let guids: Vec<_> = network.sandbox.events(id).await.into_iter().filter_map(|event| event.content.guid).collect();
    assert!(!guids.contains(&"elsewhere".to_owned()), "{guids:?}");
    network.end().await;
}

/// A delivery that is sent again later (a replay, or a hub that repeats itself) cannot bring an old text back.
#[tokio::test]
async fn a_replayed_delivery_changes_nothing() {
    let network = Network::new(quick()).await;
    let id = network.subscribed("/feed").await;
    let topic = network.topic("/feed");
    let (old, new) = (rss(&[item("a", "Dose 10 mg", 2)]), rss(&[item("a", "Dose 1 mg", 2)]));
    network.sandbox.publisher.set("/feed", network.page("/feed", new.clone()));
    network.hub.publish(&topic, &old, RSS, "sha256").await;
    let title = |event: &carewire_schemas::EntryV1| event.content.title.clone().unwrap().value;
    let last = |events: Vec<carewire_schemas::EntryV1>| {
        events.iter().max_by_key(|event| event.version).map(title).unwrap_or_default()
    };
    eventually("the wrong dose", || async { (last(network.sandbox.events(id).await) == "Dose 10 mg").then_some(()) })
        .await;
    network.hub.publish(&topic, &new, RSS, "sha256").await;
    eventually("the right dose", || async { (last(network.sandbox.events(id).await) == "Dose 1 mg").then_some(()) })
        .await;
    let before = network.sandbox.publisher.asked("/feed").len();
    assert_eq!(network.hub.publish(&topic, &old, RSS, "sha256").await, [202]);
    eventually("a look at the feed itself", || async {
        (network.sandbox.publisher.asked("/feed").len() > before).then_some(())
    })
    .await;
    eventually("its end", || async { (network.sandbox.feed(id).await.next_reason != "pinged").then_some(()) }).await;
    assert_eq!(last(network.sandbox.events(id).await), "Dose 1 mg");
    network.end().await;
}

/// Section 7: a flood of one hub is held off; other subscriptions do not notice.
#[tokio::test]
async fn pings_have_a_rate() {
    let network = Network::new(WebsubConfig { pings_per_minute: 3, ..quick() }).await;
    let id = network.subscribed("/feed").await;
    let other = network.subscribed("/other").await;
    let callback = network.callback(id).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(network.hub.deliver(&callback, &network.topic("/feed"), "x", RSS, None).await);
    }
    assert_eq!(statuses, [202, 202, 202, 429, 429]);
    assert_eq!(network.hub.deliver(&network.callback(other).await, "", "x", RSS, None).await, 202);
    network.end().await;
}

/// YouTube's hub as it behaves: its deliveries have no description, it repeats them on edits, and tells of deletions by tombstones.
#[tokio::test]
async fn a_channel_is_pushed_as_its_platform_does() {
    let network = Network::new(quick()).await;
    let entry = |id: &str, title: &str, text: Option<&str>| {
        let group = text.map(|text| format!("<media:group><media:title>{title}</media:title><media:description>{text}</media:description></media:group>"));
        format!(
            "<entry><id>yt:video:{id}</id><yt:videoId>{id}</yt:videoId><yt:channelId>UCabc</yt:channelId><title>{title}</title>\
             <link rel=\"alternate\" href=\"https://www.youtube.com/watch?v={id}\"/><published>2026-11-20T10:00:00+00:00</published>\
             <updated>2026-11-20T10:00:00+00:00</updated>{}</entry>",
            group.unwrap_or_default()
        )
    };
    let channel = |inside: &str| {
        format!(
            "<?xml version=\"1.0\"?><feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" xmlns:media=\"http://search.yahoo.com/mrss/\" \
             xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" xmlns=\"http://www.w3.org/2005/Atom\"><yt:channelId>UCabc</yt:channelId>\
             <title>Clinic</title>{inside}</feed>"
        )
    };
    let atom = "application/atom+xml";
    let full = |videos: &[(&str, &str)]| {
        channel(&videos.iter().map(|(id, title)| entry(id, title, Some("About it"))).collect::<String>())
    };
    network.sandbox.publisher.set("/feed", network.page("/feed", full(&[("v1", "Insulin")])));
    let id = network.sandbox.add(2, "/feed").await;
    network.sandbox.polled(id).await;
    network.reaches(id, SubscriptionState::Active).await;
    let topic = network.topic("/feed");

    // A new video: told at once, and completed by a poll that follows.
    network.sandbox.publisher.set("/feed", network.page("/feed", full(&[("v2", "Stroke"), ("v1", "Insulin")])));
    let notice = channel(&entry("v2", "Stroke", None));
    network.hub.publish(&topic, &notice, atom, "sha1").await;
    assert_eq!(network.told(id, "yt:video:v2", Change::New).await, Via::Push);
    assert_eq!(network.told(id, "yt:video:v2", Change::Changed).await, Via::Push);
    // The same notice again, and an edit without the description: nothing is lost, the feed has the last word.
    network.hub.publish(&topic, &notice, atom, "sha1").await;
    network
        .sandbox
        .publisher
        .set("/feed", network.page("/feed", full(&[("v2", "Stroke: act fast"), ("v1", "Insulin")])));
    network.hub.publish(&topic, &channel(&entry("v2", "Stroke: act fast", None)), atom, "sha1").await;
    let texts = eventually("the edit", || async {
        let mut events = network.sandbox.events(id).await;
        events.retain(|event| event.content.guid.as_deref() == Some("yt:video:v2"));
        events.sort_by_key(|event| event.version);
        let last = events.last().unwrap();
        (last.content.title.as_ref().unwrap().value == "Stroke: act fast").then_some(events)
    })
    .await;
    assert_eq!(texts.len(), 3, "{texts:#?}");
    assert!(texts.iter().skip(1).all(|event| event.content.summary.is_some() || event.content.body.is_some()));
    // A removed video.
    let tombstone = "<at:deleted-entry ref=\"yt:video:v1\" when=\"2026-11-23T10:00:00+00:00\"><link href=\"https://www.youtube.com/watch?v=v1\"/></at:deleted-entry>";
    network.hub.publish(&topic, &channel(tombstone), atom, "sha1").await;
    assert_eq!(network.told(id, "yt:video:v1", Change::Deleted).await, Via::Push);
    network.end().await;
}

/// A body that comes too slowly does not hold its place for ever: the limit is on the whole of it.
#[tokio::test]
async fn a_delivery_is_taken_as_it_comes() {
    let network = Network::new(quick()).await;
    let id = network.subscribed("/feed").await;
    let body = rss(&[item("piecewise", "In pieces", 5)]);
    let secret = network.subscription(id).await.unwrap().secret;
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        body.as_bytes().chunks(100).map(|piece| Ok(piece.to_vec())).collect();
    let request = axum::http::Request::post(format!("/websub/{}", network.subscription(id).await.unwrap().token))
        .header("x-hub-signature", sign("sha256", &secret, body.as_bytes()))
        .body(Body::from_stream(futures::stream::iter(pieces)))
        .unwrap();
    let router = websub::router(network.sandbox.store.clone(), network.config.clone());
    let answer = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(answer.status().as_u16(), 202);
    network.told(id, "piecewise", Change::New).await;
    network.end().await;
}
