//! What takes more than one address, or time: moves, archives, dead feeds, reports, pushes.

use std::time::Duration;

use carewire_schemas::Change;
use carewire_store::{FeedState, ProposalReason};
use tokio_util::sync::CancellationToken;

use super::{feed, plain, with};
use crate::common::{
    Sandbox, eventually,
    publisher::{Page, YESTERDAY, item, rss},
};

#[tokio::test]
async fn a_document_that_names_its_new_address_is_followed_there_when_it_is_the_same_feed() {
    let mut sandbox = Sandbox::new().await;
    (sandbox.config.move_after, sandbox.config.move_polls) = (Duration::ZERO, 2);
    let moved = |path: &str| {
        let tag = format!(
            "<itunes:new-feed-url xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\">{path}</itunes:new-feed-url>"
        );
        with(&plain(&["A", "B"]), &tag)
    };
    let own = |path: &str| {
        with(
            &plain(&["A", "B"]),
            &format!("<a:link xmlns:a=\"http://www.w3.org/2005/Atom\" rel=\"self\" href=\"{path}\"/>"),
        )
    };
    let publisher = &sandbox.publisher;
    let url = |host, path: &str| publisher.url(host, path);
    publisher.set("/podcast", moved(&url(21, "/podcast-new")));
    publisher.set("/podcast-new", plain(&["B", "C"]));
    publisher.set("/liar", moved(&url(22, "/other")));
    publisher.set("/other", plain(&["X", "Y"]));
    publisher.set("/self", own(&url(3, "/canonical")));
    publisher.set("/canonical", own(&url(3, "/canonical")));
    publisher.set("/mirror", own(&url(24, "/source")));
    publisher.set("/source", plain(&["A", "B"]));
    let podcast = sandbox.add(1, "/podcast").await;
    let liar = sandbox.add(2, "/liar").await;
    let own = sandbox.add(3, "/self").await;
    let mirror = sandbox.add(4, "/mirror").await;
    let worker = sandbox.worker();
    for id in [podcast, liar, own, mirror] {
        sandbox.polled(id).await;
        sandbox.poll(id).await;
    }
    for (id, to) in [(podcast, url(21, "/podcast-new")), (own, url(3, "/canonical"))] {
        let feed = eventually("the move", || async {
            let feed = sandbox.feed(id).await;
            (feed.url == to && feed.last_status == Some(200) && feed.next_reason != "moved").then_some(feed)
        })
        .await;
        assert_eq!(feed.last_error, None);
    }
    eventually("the look at the other feed", || async { (!publisher.asked("/other").is_empty()).then_some(()) }).await;
    let stays = sandbox.poll(liar).await;
    assert_eq!(
        (stays.url.as_str(), stays.entries),
        (url(2, "/liar").as_str(), 2),
        "another feed's address moves nothing"
    );
    assert_eq!(publisher.asked("/other").len(), 1, "and is not looked at again");
    let proposed = sandbox.store.proposals(mirror).await.unwrap();
    assert_eq!((proposed[0].url.clone(), proposed[0].reason), (url(24, "/source"), ProposalReason::NamesItself));
    assert!(publisher.asked("/source").is_empty(), "another host's address is for the owner to accept");
    let told: Vec<_> = sandbox.events(podcast).await.into_iter().map(|event| event.change).collect();
    assert_eq!(told, [Change::New; 3], "A and B, then C");
    worker.end().await;
}

#[tokio::test]
async fn archives_are_walked_once_as_history_and_go_on_after_a_stop() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.archive_pages = 3;
    let link =
        |rel: &str, to: &str| format!("<a:link xmlns:a=\"http://www.w3.org/2005/Atom\" rel=\"{rel}\" href=\"{to}\"/>");
    let publisher = &sandbox.publisher;
    let url = |path: &str| publisher.url(1, path);
    publisher.set("/feed", with(&plain(&["E", "D"]), &link("prev-archive", &url("/3"))));
    // The archive has an older revision of D, which is left alone.
    let old = item("D", "D as it was", 1);
    publisher.set("/3", with(&Page::feed(rss(&[old, item("C", "C", 1)])), &link("prev-archive", &url("/2"))));
    publisher.script("/2", vec![Page::status(404), with(&plain(&["B"]), &link("prev-archive", &url("/1")))]);
    publisher.set("/1", with(&plain(&["A"]), &link("prev-archive", &url("/0"))));
    publisher.set("/0", plain(&["Z"]));
    // A paged feed whose last page leads back to its first.
    publisher.set("/paged", with(&plain(&["P2"]), &link("next", &url("/page2"))));
    publisher.set("/page2", with(&plain(&["P1"]), &link("next", &url("/page2"))));
    let paged = sandbox.add(1, "/paged").await;
    let worker = sandbox.worker();
    sandbox.polled(paged).await;
    eventually("both pages", || async { (sandbox.feed(paged).await.entries == 2).then_some(()) }).await;
    worker.end().await;

    publisher.set("/2", with(&plain(&["B"]), &link("prev-archive", &url("/1"))));
    let id = sandbox.add(1, "/feed").await;
    let worker = sandbox.worker();
    eventually("the first page", || async { (sandbox.feed(id).await.entries >= 3).then_some(()) }).await;
    worker.end().await;
    // What was cut short is claimed again when its claim ends; here by hand.
    let worker = sandbox.worker();
    eventually("the limit", || async { (sandbox.feed(id).await.entries >= 5).then_some(()) }).await;
    eventually("the walk's end", || async { sandbox.store.next_task().await.unwrap().is_none().then_some(()) }).await;
    sandbox.poll(id).await;
    worker.end().await;
    let events = sandbox.events(id).await;
    let mut told: Vec<_> =
        events.iter().map(|e| (e.content.title.clone().unwrap().value, e.history, e.change)).collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = ["A", "B", "C", "D", "E"].map(|title| (title.to_owned(), true, Change::New));
    assert_eq!(told, expected, "each once, as history; not more pages than configured");
    assert_eq!((publisher.asked("/3").len(), publisher.asked("/1").len(), publisher.asked("/0").len()), (1, 1, 0));
    assert_eq!(publisher.asked("/page2").len(), 1, "a circle ends");
    assert!(publisher.log().iter().all(|asked| asked.at_once == 1), "under the host's lease");
}

/// Killed with a request under way, the walk goes on at the page where it was, when the dead worker's claim ends.
#[tokio::test]
async fn an_archive_is_walked_on_after_a_kill() {
    let mut sandbox = Sandbox::new().await;
    sandbox.fetch.total_timeout = Duration::from_millis(800);
    sandbox.fetch.header_timeout = Duration::from_millis(800);
    sandbox.fetch.idle_timeout = Duration::from_millis(800);
    sandbox.config.lease = Duration::from_secs(2);
    let publisher = &sandbox.publisher;
    let link = |path: &str| {
        let to = publisher.url(1, path);
        format!("<a:link xmlns:a=\"http://www.w3.org/2005/Atom\" rel=\"prev-archive\" href=\"{to}\"/>")
    };
    publisher.set("/feed", with(&plain(&["D"]), &link("/3")));
    publisher.set("/3", with(&plain(&["C"]), &link("/2")));
    publisher.set("/2", Page { hang: true, ..Page::default() });
    publisher.set("/1", plain(&["A"]));
    let id = sandbox.add(1, "/feed").await;
    let killed = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let deps = sandbox.ingest();
    killed.spawn(carewire_ingest::run(deps, CancellationToken::new()));
    eventually("the request that never ends", || async { (!publisher.asked("/2").is_empty()).then_some(()) }).await;
    killed.shutdown_background();
    publisher.set("/2", with(&plain(&["B"]), &link("/1")));
    let worker = sandbox.worker();
    eventually("the rest", || async { (sandbox.feed(id).await.entries == 4).then_some(()) }).await;
    eventually("the walk's end", || async { sandbox.store.next_task().await.unwrap().is_none().then_some(()) }).await;
    worker.end().await;
    let mut told: Vec<_> =
        sandbox.events(id).await.into_iter().map(|event| event.content.title.unwrap().value).collect();
    told.sort();
    assert_eq!(told, ["A", "B", "C", "D"], "each once");
    let asked = ["/3", "/2", "/1"].map(|path| publisher.asked(path).len());
    assert_eq!(asked, [1, 2, 1], "the pages before were not walked again");
}

#[tokio::test]
async fn a_dead_feed_whose_site_has_another_one_gets_it_proposed_and_accepted() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.gone_after = Duration::ZERO;
    let publisher = &sandbox.publisher;
    let page = |head: &str| Page::feed(format!("<!doctype html><html><head>{head}</head><body>Welcome</body></html>"));
    publisher.set("/ended", Page::status(410));
    publisher.set(
        "/",
        page("<link rel=alternate type='application/atom+xml' href='/news.atom' title='All news'>")
            .header("content-type", "text/html"),
    );
    publisher.set("/news.atom", plain(&["A"]));
    // A page that advertises nothing, on a site with a feed in a usual place.
    publisher.set("/start", page("").header("content-type", "text/html"));
    publisher.set("/atom.xml", plain(&["B"]));
    let ended = sandbox.add(1, "/ended").await;
    let start = sandbox.add(2, "/start").await;
    let worker = sandbox.worker();
    sandbox.polled(ended).await;
    sandbox.polled(start).await;
    sandbox.store.poll_now(ended).await.unwrap();
    let first = |id| {
        let store = &sandbox.store;
        move || async move { store.proposals(id).await.unwrap().into_iter().next() }
    };
    let found = eventually("a proposal for the ended feed", first(ended)).await;
    assert_eq!((found.reason, found.title.as_deref()), (ProposalReason::Site, Some("All news")));
    let usual = eventually("a proposal for the page", first(start)).await;
    assert_eq!((usual.reason, usual.url), (ProposalReason::UsualPath, publisher.url(2, "/atom.xml")));
    assert_eq!(sandbox.feed(ended).await.state, FeedState::Gone);

    sandbox.store.accept_proposal(ended, &found.url).await.unwrap();
    let feed = eventually("the poll of the accepted address", || async {
        let feed = sandbox.feed(ended).await;
        (feed.entries == 1).then_some(feed)
    })
    .await;
    assert_eq!((feed.state, feed.url), (FeedState::Active, publisher.url(1, "/news.atom")));
    worker.end().await;
}

#[tokio::test]
async fn weeks_and_findings_tell_how_a_feed_fared_and_who_owes_its_delays() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.freshness_target = Duration::from_secs(600);
    let dated = |title: &str, minutes: u64| {
        let date = (jiff::Timestamp::now() - Duration::from_secs(60 * minutes))
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string();
        item(title, title, 1).replace(&format!("{} 01:00:00 GMT", *YESTERDAY), &date)
    };
    let publisher = &sandbox.publisher;
    let old = dated("Old", 3000);
    publisher.set("/feed", Page::feed(rss(&[old.clone(), old.clone()])));
    let id = sandbox.add(1, "/feed").await;
    let worker = sandbox.worker();
    sandbox.polled(id).await;
    // One that was dated an hour before it was shown, one just now; the first poll was history.
    publisher.set("/feed", Page::feed(rss(&[dated("Now", 0), dated("Late", 60), old])));
    sandbox.poll(id).await;
    publisher.set("/feed", Page::status(500));
    sandbox.poll(id).await;
    let weeks = sandbox.store.feed_weeks(id, 4).await.unwrap();
    let week = weeks[0];
    assert_eq!((week.polls, week.failed, week.entries, week.timed, week.in_target), (3, 1, 2, 2, 1));
    assert!((3_590_000..3_700_000).contains(&week.publisher_ms), "{week:?}");
    assert!(week.hub_ms == 0 && week.delay_ms >= week.publisher_ms, "{week:?}");
    let findings = sandbox.store.feed_findings(id).await.unwrap();
    let open: Vec<_> = findings.iter().filter(|f| f.gone_at.is_none()).map(|f| f.code.as_str()).collect();
    assert!(open.contains(&"failed-server-error") && open.contains(&"no-validators"), "{open:?}");
    assert!(
        findings.iter().any(|finding| finding.gone_at.is_some()),
        "that an entry stood there twice has ended: {findings:?}"
    );
    worker.end().await;
}

#[tokio::test]
async fn a_feed_that_is_pushed_is_polled_rarely() {
    let sandbox = Sandbox::new().await;
    sandbox.publisher.set("/feed", feed("\"1\""));
    let id = sandbox.add(1, "/feed").await;
    let worker = sandbox.worker();
    sandbox.polled(id).await;
    let until = jiff::Timestamp::now() + Duration::from_secs(10 * 86_400);
    sandbox.store.set_push(id, Some(until)).await.unwrap();
    let feed = sandbox.poll(id).await;
    let wait = feed.next_poll.duration_since(feed.last_poll.unwrap()).as_secs();
    assert_eq!(feed.next_reason, "push");
    assert!((6 * 3600..7 * 3600).contains(&wait), "{wait}");
    sandbox.store.set_push(id, None).await.unwrap();
    let feed = sandbox.feed(id).await;
    assert!(feed.next_poll <= jiff::Timestamp::now() + Duration::from_secs(1801), "the safety net is no longer enough");
    worker.end().await;
}
