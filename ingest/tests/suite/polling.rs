//! Polls from end to end: real store, real bus, publishers on loopback.

use crate::common::{
    Sandbox, eventually,
    publisher::{Page, item, rss},
};
use carewire_schemas::{Change, Via, topics};
use carewire_store::FeedState;

#[tokio::test]
async fn a_first_poll_is_history_and_what_follows_is_told_apart() {
    let sandbox = Sandbox::new().await;
    let items = [item("c", "Third", 3), item("b", "Second", 2), item("a", "First", 1)];
    sandbox.publisher.set("/feed", Page::feed(rss(&items)).etag("W/\"1-gzip\""));
    let id = sandbox.add(1, "/feed").await;
    let worker = sandbox.worker();

    let feed = sandbox.polled(id).await;
    assert_eq!((feed.last_status, feed.last_error.as_deref(), feed.failures, feed.entries), (Some(200), None, 0, 3));
    assert_eq!(feed.title.as_deref(), Some("Hospital news"));
    assert_eq!((feed.format.as_deref(), feed.language.as_deref()), (Some("rss-2.0"), Some("en")));
    assert_eq!(feed.site_url.as_deref(), Some("https://example.org/"));
    let mut events = sandbox.events(id).await;
    events.sort_by_key(|event| event.content.published);
    let titles: Vec<_> = events.iter().map(|event| event.content.title.clone().unwrap().value).collect();
    assert_eq!(titles, ["First", "Second", "Third"]);
    assert!(events.iter().all(|e| e.history && e.change == Change::New && e.via == Via::Poll && e.version == 1));

    // Nothing new: answered with 304, and exactly one request was ever unconditional.
    let feed = sandbox.poll(id).await;
    assert_eq!(feed.last_status, Some(304));
    let asked = sandbox.publisher.asked("/feed");
    assert_eq!(asked[0].headers.get("if-none-match"), None);
    assert_eq!(asked[1].headers["if-none-match"], "W/\"1-gzip\"");
    assert_eq!(sandbox.events(id).await.len(), 3);

    // A new validator on the same body: unchanged, and the new validator is kept.
    sandbox.publisher.set("/feed", Page::feed(rss(&items)).etag("\"2\""));
    let feed = sandbox.poll(id).await;
    assert_eq!((feed.last_status, feed.etag.as_deref()), (Some(200), Some("\"2\"")));
    assert_eq!(sandbox.events(id).await.len(), 3);

    // One new, one corrected, one declared deleted, one fallen out of the window.
    let deleted = "<at:deleted-entry ref=\"a\" when=\"2099-11-23T05:00:00Z\"/>".to_owned();
    let next = [item("d", "Fourth", 4), item("c", "Third, corrected", 3), deleted];
    sandbox.publisher.set("/feed", Page::feed(rss(&next)).etag("\"3\""));
    let feed = sandbox.poll(id).await;
    assert_eq!(feed.entries, 4);
    let news: Vec<_> = sandbox.events(id).await.into_iter().filter(|event| event.version == feed.turn).collect();
    assert!(news.iter().all(|event| !event.history && event.via == Via::Hand));
    let told: Vec<_> = sandbox.told(id).await.into_iter().filter(|((_, version), _)| *version == feed.turn).collect();
    let of = |guid: &str, change| ((guid.to_owned(), feed.turn), change);
    assert_eq!(told, [of("a", Change::Deleted), of("c", Change::Changed), of("d", Change::New)]);

    // Deleted stays deleted, and comes back as a change.
    sandbox.publisher.set("/feed", Page::feed(rss(&[item("a", "First", 1)])).etag("\"4\""));
    let feed = sandbox.poll(id).await;
    assert_eq!(sandbox.told(id).await.get(&("a".to_owned(), feed.turn)), Some(&Change::Changed));

    // The store keeps the last revision of each entry: the event's JSON.
    let rows = sandbox.store.feed_entries(id, 10).await.unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let revision = sandbox.store.revision(row.entry).await.unwrap().unwrap();
        let event: carewire_schemas::EntryV1 =
            serde_json::from_slice(&zstd::decode_all(&revision[..]).unwrap()).unwrap();
        assert_eq!((event.entry, event.version), (row.entry, row.version));
    }

    // Records are CloudEvents, keyed by the entry.
    for record in sandbox.records().await {
        let header = |name: &str| String::from_utf8(record.header(name).unwrap().to_vec()).unwrap();
        assert_eq!((header("ce_specversion"), header("ce_type")), ("1.0".to_owned(), "carewire.entry.v1".to_owned()));
        assert_eq!(header("ce_subject").as_bytes(), &record.key[..]);
        assert!(header("traceparent").parse::<carewire_schemas::TraceParent>().is_ok());
        assert_eq!(&*record.topic, topics::ENTRIES);
    }
    worker.end().await;
}

#[tokio::test]
async fn a_channel_of_videos() {
    let video = |id: &str, title: &str| {
        format!(
            "<entry><id>yt:video:{id}</id><yt:videoId>{id}</yt:videoId><yt:channelId>UCabc</yt:channelId><title>{title}</title>\
             <link rel=\"alternate\" href=\"https://www.youtube.com/watch?v={id}\"/><author><name>Clinic</name></author>\
             <published>2026-11-20T10:00:00+00:00</published><updated>2026-11-20T10:00:00+00:00</updated>\
             <media:group><media:title>{title}</media:title><media:thumbnail url=\"https://i.ytimg.com/vi/{id}/hqdefault.jpg\" width=\"480\" height=\"360\"/>\
             <media:description>About {title}</media:description><media:community><media:statistics views=\"VIEWS\"/></media:community></media:group></entry>"
        )
    };
    let channel = |entries: &str, views: &str| {
        let head = "<feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" xmlns:media=\"http://search.yahoo.com/mrss/\" \
            xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" xmlns=\"http://www.w3.org/2005/Atom\"><id>yt:channel:abc</id>\
            <yt:channelId>UCabc</yt:channelId><title>Clinic</title>";
        Page::feed(format!("<?xml version=\"1.0\"?>{head}{entries}</feed>").replace("VIEWS", views))
    };
    let sandbox = Sandbox::new().await;
    let both = video("v1", "Insulin") + &video("v2", "Stroke");
    sandbox.publisher.set("/feed", channel(&both, "1"));
    let id = sandbox.add(1, "/feed").await;
    let worker = sandbox.worker();
    let feed = sandbox.polled(id).await;
    assert_eq!((feed.kind, feed.entries), (carewire_store::FeedKind::YoutubeChannel, 2));
    let events = sandbox.events(id).await;
    let video = events.iter().find_map(|event| event.content.video.as_ref().filter(|video| video.id == "v1")).unwrap();
    assert_eq!((video.site.as_str(), video.channel.as_deref(), video.duration), ("youtube", Some("UCabc"), None));
    assert_eq!(video.thumbnail.as_deref(), Some("https://i.ytimg.com/vi/v1/hqdefault.jpg"));

    // Views are no news; a tombstone is.
    sandbox.publisher.set("/feed", channel(&both, "2000"));
    sandbox.poll(id).await;
    assert_eq!(sandbox.events(id).await.len(), 2);
    sandbox
        .publisher
        .set("/feed", channel("<at:deleted-entry ref=\"yt:video:v2\" when=\"2026-11-23T10:00:00+00:00\"/>", "1"));
    let feed = sandbox.poll(id).await;
    let told = sandbox.told(id).await;
    assert_eq!(told.get(&("yt:video:v2".to_owned(), feed.turn)), Some(&Change::Deleted), "{told:?}");
    assert_eq!(told.len(), 3, "what left the window is not deleted");
    worker.end().await;
}

#[tokio::test]
async fn bad_answers_are_named_keep_what_came_and_hold_up_nobody() {
    let sandbox = Sandbox::new().await;
    let items: Vec<String> = (0..40).map(|n| item(&format!("e{n}"), &format!("Entry {n}"), (n % 24) as u8)).collect();
    let whole = rss(&items);
    let publisher = &sandbox.publisher;
    publisher.set("/cut", Page { cut: Some(whole.len() / 2), ..Page::feed(whole.clone()).etag("\"x\"") });
    publisher.set("/hang", Page { hang: true, ..Page::default() });
    publisher.set("/large", Page::feed(vec![b' '; 17 << 20]));
    publisher.set("/error", Page::status(500));
    publisher.set("/forbidden", Page::status(403));
    publisher.set(
        "/page",
        Page::feed("<!doctype html><html><head><link rel=alternate type=\"application/rss+xml\" href=\"/real\"></head><body>Hi</body></html>")
            .header("content-type", "text/html"),
    );
    publisher.set("/garbage", Page::feed([0u8, 159, 146, 150].repeat(100)));
    publisher.set("/lies", Page::feed(whole.clone()).header("content-encoding", "gzip"));
    publisher.set("/broken", Page::feed(whole.replace("</description></item>", "</item>") + "<junk"));
    publisher.set(
        "/same-guid",
        Page::feed(rss(&[
            item("x", "One", 1),
            item("x", "Two", 2).replace("https://example.org/x", "https://example.org/y"),
        ])),
    );
    publisher.set("/internal", Page::status(302).header("location", "http://169.254.169.254/"));
    publisher.set("/good", Page::feed(rss(&[item("g", "Good", 1)])));
    let names = [
        "/cut",
        "/hang",
        "/large",
        "/error",
        "/forbidden",
        "/page",
        "/garbage",
        "/lies",
        "/broken",
        "/same-guid",
        "/internal",
        "/missing",
    ];
    let mut feeds = Vec::new();
    for (n, path) in (2..).zip(names) {
        feeds.push((path, sandbox.add(n, path).await));
    }
    let good = sandbox.add(100, "/good").await;
    let worker = sandbox.worker();
    let started = std::time::Instant::now();
    sandbox.polled(good).await;
    let took = started.elapsed();

    let mut outcomes = Vec::new();
    for (path, id) in feeds {
        let feed = sandbox.polled(id).await;
        let codes: Vec<String> = feed.problems.iter().map(|problem| problem.code.clone()).collect();
        let error = feed.last_error.as_deref().unwrap_or("").split(':').next().unwrap_or("").to_owned();
        outcomes.push((path, error, feed.entries, codes));
        assert_eq!(feed.failures > 0, feed.last_error.is_some(), "{path}");
        if path == "/cut" {
            assert_eq!((feed.etag, feed.body_hash), (None, None), "the whole must be asked for again");
        }
        if path == "/page" {
            assert!(feed.last_error.unwrap().contains("/real"), "an advertised feed is named");
        }
    }
    let outcome = |path: &str| outcomes.iter().find(|outcome| outcome.0 == path).unwrap().clone();
    for (path, error) in [
        ("/hang", "total-timeout"),
        ("/large", "body-too-large"),
        ("/error", "server-error"),
        ("/forbidden", "forbidden-by-server"),
        ("/page", "not-a-feed"),
        ("/garbage", "not-a-feed"),
        ("/internal", "forbidden-address"),
        ("/missing", "not-found"),
    ] {
        assert_eq!((outcome(path).1.as_str(), outcome(path).2), (error, 0), "{path}");
    }
    let (_, error, entries, codes) = outcome("/cut");
    assert_eq!(error, "");
    assert!((15..40).contains(&entries), "{entries} entries of half a feed");
    assert!(codes.contains(&"body-cut-off".to_owned()), "{codes:?}");
    let (_, error, entries, codes) = outcome("/lies");
    assert_eq!((error.as_str(), entries), ("", 40));
    assert!(codes.contains(&"not-encoded-as-declared".to_owned()), "{codes:?}");
    let (_, _, entries, codes) = outcome("/broken");
    assert_eq!(entries, 40);
    assert!(!codes.is_empty());
    let (_, _, entries, codes) = outcome("/same-guid");
    assert_eq!(entries, 2);
    assert!(codes.contains(&"shared-id".to_owned()), "{codes:?}");
    assert!(took < std::time::Duration::from_secs(4), "a good feed waited {took:?} for bad ones");
    worker.end().await;
}

#[tokio::test]
async fn what_a_server_asks_is_done() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.gone_after = std::time::Duration::ZERO;
    let publisher = &sandbox.publisher;
    publisher.set("/busy", Page::status(429).header("retry-after", "7200"));
    publisher.set("/fresh", Page::feed(rss(&[item("a", "A", 1)])).header("cache-control", "max-age=10800"));
    publisher.set("/gone", Page::status(410));
    publisher.set("/ttl", Page::feed(rss(&[item("a", "A", 1)]).replace("<language>", "<ttl>120</ttl><language>")));
    let busy = sandbox.add(2, "/busy").await;
    let fresh = sandbox.add(3, "/fresh").await;
    let gone = sandbox.add(4, "/gone").await;
    let ttl = sandbox.add(5, "/ttl").await;
    let worker = sandbox.worker();

    let feed = sandbox.polled(busy).await;
    let minutes = |feed: &carewire_store::Feed| feed.next_poll.duration_since(feed.last_poll.unwrap()).as_secs() / 60;
    assert_eq!((feed.last_status, feed.next_reason.as_str()), (Some(429), "retry-after"));
    assert!((120..=124).contains(&minutes(&feed)), "{}", minutes(&feed));
    // It holds for the whole host: another feed there is not asked for.
    let neighbour = sandbox.add(2, "/good").await;
    let host = sandbox.store.host("127.0.0.2").await.unwrap().unwrap();
    assert!(host.not_before.is_some_and(|until| until > jiff::Timestamp::now()), "{host:?}");

    let feed = sandbox.polled(fresh).await;
    assert_eq!(feed.next_reason, "cache");
    assert!((180..=200).contains(&minutes(&feed)), "{}", minutes(&feed));
    let feed = sandbox.polled(ttl).await;
    assert_eq!((feed.next_reason.as_str(), feed.interval_s), ("ttl", 7200));

    let feed = sandbox.polled(gone).await;
    assert_eq!((feed.state, feed.failures), (FeedState::Active, 1), "410 is believed when it is said twice");
    sandbox.store.poll_now(gone).await.unwrap();
    let feed = eventually("the feed's end", || async {
        let feed = sandbox.feed(gone).await;
        (feed.state == FeedState::Gone).then_some(feed)
    })
    .await;
    assert_eq!(feed.failures, 2);
    assert_eq!(sandbox.publisher.asked("/good").len(), 0);
    assert_eq!(sandbox.feed(neighbour).await.last_poll, None);
    worker.end().await;
}

#[tokio::test]
async fn a_poll_by_hand_reaches_the_bus_within_a_second() {
    let sandbox = Sandbox::new().await;
    sandbox.publisher.set("/feed", Page::feed(rss(&[])));
    let id = sandbox.add(1, "/feed").await;
    let worker = sandbox.worker();
    sandbox.polled(id).await;
    sandbox.publisher.set("/feed", Page::feed(rss(&[item("a", "News", 1)])));
    let started = std::time::Instant::now();
    sandbox.store.poll_now(id).await.unwrap();
    eventually("the event", || async { (!sandbox.events(id).await.is_empty()).then_some(()) }).await;
    let took = started.elapsed();
    eprintln!("from poll_now to the bus: {took:?}");
    assert!(took < std::time::Duration::from_secs(1), "{took:?}");
    assert!(!sandbox.events(id).await[0].history, "an empty first poll was the history");
    worker.end().await;
}

/// A channel registered by its handle, custom name or one of its videos: its page says which feed it is.
#[tokio::test]
async fn a_channels_page_leads_to_its_feed() {
    let sandbox = Sandbox::new().await;
    let page = "<html><head><link rel=\"canonical\" href=\"https://www.youtube.com/channel/UCabcdefghijklmnopqrstuv\"></head></html>";
    sandbox.publisher.set("/@clinic", Page::feed(page).header("content-type", "text/html"));
    let url = sandbox.publisher.url(1, "/@clinic");
    let new = carewire_store::NewFeed {
        organization: sandbox.organization,
        url,
        kind: carewire_store::FeedKind::YoutubeChannel,
        title: None,
        site_url: None,
        host: "127.0.0.1".to_owned(),
        proof: carewire_store::Proof::None,
        interval_s: 1800,
    };
    let id = sandbox.store.add_feed(new).await.unwrap().id;
    let worker = sandbox.worker();
    let feed = sandbox.polled(id).await;
    assert_eq!(feed.url, "https://www.youtube.com/feeds/videos.xml?channel_id=UCabcdefghijklmnopqrstuv");
    assert_eq!((feed.host.as_str(), feed.kind), ("www.youtube.com", carewire_store::FeedKind::YoutubeChannel));
    worker.end().await;
}
