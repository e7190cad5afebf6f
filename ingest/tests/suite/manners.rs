//! Manners that show only over time: restarts, what the `User-Agent` tells, the one unconditional request.

use std::time::Duration;

use carewire_store::NewHubRequest;

use crate::common::{
    Sandbox, eventually,
    publisher::{Page, item, rss},
};

fn page(etag: &str) -> Page {
    Page::feed(rss(&[item("a", "A", 1)])).etag(etag)
}

#[tokio::test]
async fn after_a_restart_nobody_is_asked_too_early_and_each_feed_conditionally() {
    let sandbox = Sandbox::new().await;
    sandbox.publisher.set("/early", page("\"1\"").header("cache-control", "max-age=3600"));
    sandbox.publisher.set("/neighbour", page("\"2\""));
    let early = sandbox.add(1, "/early").await;
    let worker = sandbox.worker();
    let polled = sandbox.polled(early).await;
    worker.end().await;

    // The same host has something to do, so that the host's turn comes: the other feed waits for its time all the same.
    let neighbour = sandbox.add(1, "/neighbour").await;
    let worker = sandbox.worker();
    sandbox.polled(neighbour).await;
    assert_eq!(sandbox.publisher.asked("/early").len(), 1);
    let kept = sandbox.feed(early).await;
    assert_eq!((kept.next_poll, kept.next_reason.as_str()), (polled.next_poll, "cache"));
    // When its time has come, it is asked with what it gave before the restart.
    sandbox.poll(early).await;
    worker.end().await;
    let asked = sandbox.publisher.asked("/early");
    let sent: Vec<_> = asked.iter().map(|asked| asked.headers.get("if-none-match").is_some()).collect();
    assert_eq!(sent, [false, true], "one unconditional request ever");
}

#[tokio::test]
async fn polls_tell_for_how_many_subscribers_they_are_made() {
    let mut sandbox = Sandbox::new().await;
    sandbox.fetch.subscribers = 2;
    for name in ["a", "b", "c"] {
        let asked = NewHubRequest {
            subscribe: true,
            callback: format!("https://{name}.example/callback"),
            host: format!("{name}.example"),
            topic: "feeds/all.atom".to_owned(),
            given: "https://network.example/feeds/all.atom".to_owned(),
            secret: None,
            lease: Duration::from_secs(if name == "c" { 0 } else { 3600 }),
        };
        sandbox.store.hub_request(&asked, 10, 10).await.unwrap();
    }
    for request in sandbox.store.claim_hub_requests(10, Duration::from_secs(60)).await.unwrap() {
        assert!(sandbox.store.hub_verified(&request).await.unwrap());
    }
    sandbox.publisher.set("/feed", page("\"1\""));
    let id = sandbox.add(1, "/feed").await;
    let worker = sandbox.worker();
    sandbox.polled(id).await;
    worker.end().await;
    let asked = sandbox.publisher.asked("/feed");
    let agent = asked[0].headers["user-agent"].to_str().unwrap();
    assert_eq!(
        agent, "Carewire/0.1 (4 subscribers)",
        "two of the hub whose lease runs, and two that the operator knows of"
    );
}

/// What an organization posts is read as a feed's entries are; only, it is never history and nobody is asked for it.
#[tokio::test]
async fn what_is_posted_is_told_as_news_changed_and_taken_back() {
    use carewire_feeds::{Entry, Text, atom};
    use carewire_schemas::{Change, Via};

    let sandbox = Sandbox::new().await;
    let feed = sandbox.store.posted_feed(sandbox.organization).await.unwrap();
    let worker = sandbox.worker();
    let post = async |document: String| assert!(sandbox.store.post(feed.id, document.into_bytes()).await.unwrap());
    let entry = |title: &str, text: Option<&str>| {
        atom::of_entry(&Entry {
            id: Some("flu".to_owned()),
            title: Some(Text::plain(title.to_owned())),
            content: text.map(|text| Text::plain(text.to_owned())),
            ..Entry::default()
        })
    };
    let told = async |count: usize| {
        eventually("the posts", || async {
            let events = sandbox.events(feed.id).await;
            (events.len() == count).then_some(events)
        })
        .await
    };
    post(entry("Flu", Some("Wash your hands."))).await;
    told(1).await;
    // A change that says less than before counts all the same: it is the organization's own word.
    post(entry("Flu, corrected", None)).await;
    told(2).await;
    post(entry("Flu, corrected", None)).await;
    post(atom::of_removal("flu", jiff::Timestamp::now())).await;
    let events = told(3).await;
    worker.end().await;
    let seen: Vec<_> = events.iter().map(|event| (event.change, event.via, event.history)).collect();
    assert_eq!(
        seen,
        [(Change::New, Via::Hand, false), (Change::Changed, Via::Hand, false), (Change::Deleted, Via::Hand, false)],
        "the same again is no news"
    );
    let title = events[1].content.title.as_ref().map(|title| title.value.as_str());
    assert_eq!((title, events[1].content.guid.as_deref()), (Some("Flu, corrected"), Some("flu")));
    assert!(events[0].entry == events[2].entry && sandbox.publisher.log().is_empty());
    assert_eq!(sandbox.feed(feed.id).await.entries, 1);
}
