//! Hosts and workers: one request at a time, the pause between two, redirects under the other host's lease, take-over.

use std::{collections::HashMap, time::Duration};

use crate::common::{
    Sandbox, eventually,
    publisher::{Page, item, rss},
};

#[tokio::test]
async fn two_workers_share_hosts_and_never_ask_one_twice_at_a_time() {
    let mut sandbox = Sandbox::new().await;
    let pause = Duration::from_millis(40);
    sandbox.fetch.min_host_pause = pause;
    sandbox.config.feeds_per_host = 2;
    let mut feeds = Vec::new();
    for host in 1..=6 {
        for n in 0..4 {
            let path = format!("/{host}/{n}");
            sandbox.publisher.set(&path, Page::feed(rss(&[item(&path, "Entry", 1)])));
            feeds.push(sandbox.add(host, &path).await);
        }
    }
    let workers = [sandbox.worker(), sandbox.worker()];
    for &feed in &feeds {
        sandbox.polled(feed).await;
    }
    for worker in workers {
        worker.end().await;
    }
    let log = sandbox.publisher.log();
    assert_eq!(log.len(), 24, "each feed was asked for once");
    let mut last: HashMap<String, std::time::Instant> = HashMap::new();
    for asked in log {
        assert_eq!(asked.at_once, 1, "{}", asked.path);
        if let Some(before) = last.insert(asked.host.clone(), asked.at) {
            let gap = asked.at - before;
            assert!(gap >= pause, "{gap:?} between two requests to {}", asked.host);
        }
    }
    for feed in feeds {
        assert_eq!(sandbox.events(feed).await.len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_goes_under_the_other_hosts_lease_and_validators_stay_there() {
    let sandbox = Sandbox::new().await;
    let there = sandbox.publisher.url(9, "/feed");
    sandbox.publisher.set("/feed", Page::feed(rss(&[item("a", "A", 1)])).etag("\"there\""));
    sandbox.publisher.set("/moved", Page::status(302).header("location", &there));
    let id = sandbox.add(8, "/moved").await;
    let other = uuid::Uuid::new_v4();
    let taken = sandbox.store.acquire_host("127.0.0.9", other, Duration::from_secs(60)).await.unwrap().unwrap();
    let worker = sandbox.worker();
    eventually("the redirect", || async { (!sandbox.publisher.asked("/moved").is_empty()).then_some(()) }).await;
    assert!(sandbox.publisher.asked("/feed").is_empty(), "somebody else has that host's lease");
    sandbox.store.release_host(&taken).await.unwrap();
    let feed = sandbox.polled(id).await;
    assert_eq!((feed.last_status, feed.entries), (Some(200), 1));
    assert_eq!((feed.etag.as_deref(), feed.validators_url.as_deref()), (Some("\"there\""), Some(&*there)));

    let feed = sandbox.poll(id).await;
    assert_eq!((feed.last_status, feed.entries), (Some(304), 1));
    let sent = |path: &str| sandbox.publisher.asked(path)[1].headers.contains_key("if-none-match");
    assert_eq!([sent("/moved"), sent("/feed")], [false, true], "a validator goes to the address that gave it");
    // Both leases were given back.
    for host in ["127.0.0.8", "127.0.0.9"] {
        let lease = eventually("a free lease", || async {
            sandbox.store.acquire_host(host, other, Duration::from_secs(1)).await.unwrap()
        })
        .await;
        sandbox.store.release_host(&lease).await.unwrap();
    }
    worker.end().await;
}

#[tokio::test]
async fn a_platform_of_many_feeds_is_asked_as_often_at_a_time_as_configured() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.feeds_per_host = 2;
    sandbox.config.drain = Duration::from_millis(100);
    let policy = carewire_ingest::HostPolicy { concurrency: 3, pause: Duration::ZERO };
    sandbox.config.hosts = [("127.0.0.1".to_owned(), policy)].into();
    for n in 0..12 {
        let path = format!("/{n}");
        sandbox.publisher.set(&path, Page { hang: true, ..Page::default() });
        sandbox.add(1, &path).await;
    }
    let worker = sandbox.worker();
    eventually("three requests", || async { (sandbox.publisher.log().len() == 3).then_some(()) }).await;
    worker.end().await;
    assert!(sandbox.publisher.log().iter().all(|asked| asked.at_once <= 3));
}

#[tokio::test]
async fn what_a_dead_worker_held_is_taken_over() {
    let mut sandbox = Sandbox::new().await;
    sandbox.fetch.total_timeout = Duration::from_secs(1);
    sandbox.config.lease = Duration::from_millis(2500);
    sandbox.publisher.set("/feed", Page { hang: true, ..Page::default() });
    let id = sandbox.add(1, "/feed").await;
    let dead = sandbox.worker();
    eventually("a request", || async { (!sandbox.publisher.asked("/feed").is_empty()).then_some(()) }).await;
    // Its tasks die with it, so nothing is released or written back.
    dead.task.abort();
    let turn = sandbox.feed(id).await.turn;
    sandbox.publisher.set("/feed", Page::feed(rss(&[item("a", "A", 1)])));
    let heir = sandbox.worker();
    let feed = eventually("the heir", || async {
        let feed = sandbox.feed(id).await;
        (feed.entries == 1).then_some(feed)
    })
    .await;
    assert!(feed.turn > turn);
    assert_eq!(sandbox.events(id).await.len(), 1);
    heir.end().await;
}

#[tokio::test]
async fn a_stop_gives_back_what_was_not_asked_for() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.drain = Duration::from_millis(400);
    sandbox.publisher.set("/a", Page { hang: true, ..Page::default() });
    sandbox.publisher.set("/b", Page::feed(rss(&[item("b", "B", 1)])));
    let first = sandbox.add(1, "/a").await;
    let second = sandbox.add(1, "/b").await;
    let worker = sandbox.worker();
    eventually("a request", || async { (!sandbox.publisher.log().is_empty()).then_some(()) }).await;
    worker.end().await;
    let now = jiff::Timestamp::now();
    for id in [first, second] {
        assert!(sandbox.feed(id).await.next_poll <= now, "due at once, not when the claim would have ended");
    }
    sandbox.publisher.set("/a", Page::feed(rss(&[item("a", "A", 1)])));
    let worker = sandbox.worker();
    for id in [first, second] {
        assert_eq!(sandbox.polled(id).await.last_error, None);
        assert_eq!(sandbox.events(id).await.len(), 1);
    }
    worker.end().await;
}
