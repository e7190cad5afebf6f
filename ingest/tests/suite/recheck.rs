//! Old content: pages of entries looked at again. Days are milliseconds here; what is decided after how many of them has a table of
//! its own beside the code.

use std::time::Duration;

use carewire_ingest::recheck::RecheckConfig;
use carewire_schemas::{Change, EntryV1, FeedId};
use carewire_store::PageState;

use crate::common::{
    Sandbox, Worker, eventually,
    publisher::{Page, rss},
};

/// The host of the pages, which is not the feed's.
const SITE: u8 = 3;

async fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.recheck = RecheckConfig {
        every: Duration::from_millis(600),
        gone_after: Duration::from_millis(300),
        per_minute: 1_000_000,
        host_pause: Duration::ZERO,
        ..RecheckConfig::default()
    };
    sandbox
}

fn page(text: &str) -> Page {
    Page::feed(format!("<!doctype html><html><head><title>Page</title></head><body><p>{text}</p></body></html>"))
        .header("content-type", "text/html; charset=utf-8")
}

fn moved(to: &str) -> Page {
    Page::status(301).header("location", to)
}

fn entry(sandbox: &Sandbox, name: &str, title: &str) -> String {
    let link = sandbox.publisher.url(SITE, &format!("/p/{name}"));
    format!(
        "<item><guid isPermaLink=\"false\">{name}</guid><link>{link}</link><title>{title}</title>\
         <pubDate>Mon, 23 Nov 2026 01:00:00 GMT</pubDate><description>About {title}</description></item>"
    )
}

/// A feed of entries with these names, and a worker.
async fn begin(sandbox: &Sandbox, names: &[&str]) -> (FeedId, Worker) {
    let items: Vec<String> = names.iter().map(|name| entry(sandbox, name, name)).collect();
    sandbox.publisher.set("/feed", Page::feed(rss(&items)));
    let id = sandbox.add(2, "/feed").await;
    let worker = sandbox.worker();
    sandbox.polled(id).await;
    (id, worker)
}

/// The events of one entry after its first.
async fn later(sandbox: &Sandbox, feed: FeedId, name: &str) -> Vec<EntryV1> {
    let mut events = sandbox.events(feed).await;
    events.retain(|event| event.content.guid.as_deref() == Some(name));
    events.sort_by_key(|event| event.version);
    events.split_off(1)
}

async fn looked(sandbox: &Sandbox, path: &str, times: usize) {
    let before = sandbox.publisher.asked(path).len();
    eventually(path, || async { (sandbox.publisher.asked(path).len() >= before + times).then_some(()) }).await;
}

async fn state(sandbox: &Sandbox, event: &EntryV1) -> PageState {
    sandbox.store.entry_pages(&[event.entry]).await.unwrap()[&event.entry].state
}

#[tokio::test]
async fn a_page_missing_twice_withdraws_its_entry_and_one_that_is_there_again_brings_it_back() {
    let sandbox = sandbox().await;
    let publisher = &sandbox.publisher;
    publisher.set("/p/a", page("here"));
    publisher.script("/p/b", vec![Page::status(500), Page::status(410), Page::status(500), Page::status(404)]);
    let (id, worker) = begin(&sandbox, &["a", "b"]).await;
    let gone = eventually("the withdrawal", || async { later(&sandbox, id, "b").await.pop() }).await;
    assert_eq!((gone.change, gone.reason.as_deref()), (Change::Deleted, Some("page gone")));
    assert!(gone.content.title.is_none(), "it names the entry only");
    let asked = publisher.asked("/p/b");
    assert!(asked.len() >= 4, "a server's trouble between does not count: {}", asked.len());
    assert!(asked[3].at.duration_since(asked[1].at) >= Duration::from_millis(300), "twice, and so long apart");
    eventually("noted", || async { (state(&sandbox, &gone).await == PageState::Gone).then_some(()) }).await;

    // The feed still lists it: that it did before.
    let items = [entry(&sandbox, "c", "c"), entry(&sandbox, "b", "b"), entry(&sandbox, "a", "a")];
    publisher.set("/p/c", page("here"));
    publisher.set("/feed", Page::feed(rss(&items)));
    sandbox.poll(id).await;
    assert_eq!(later(&sandbox, id, "b").await.len(), 1, "not told again");

    publisher.set("/p/b", page("here again"));
    let back = eventually("the return", || async { later(&sandbox, id, "b").await.into_iter().nth(1) }).await;
    assert_eq!((back.change, back.content.title.map(|title| title.value).as_deref()), (Change::Changed, Some("b")));
    assert!(later(&sandbox, id, "a").await.is_empty() && publisher.asked("/p/a").len() > 1);
    assert_eq!(publisher.asked("/robots.txt").len(), 1);
    let pages = publisher.log().into_iter().filter(|asked| asked.host == "127.0.0.3").collect::<Vec<_>>();
    assert!(pages.iter().all(|asked| asked.at_once == 1), "under the host's lease");
    worker.end().await;
}

#[tokio::test]
async fn a_page_that_moved_for_good_changes_the_link_and_keeps_it() {
    let sandbox = sandbox().await;
    let publisher = &sandbox.publisher;
    let to = |path: &str| publisher.url(SITE, path);
    publisher.set("/p/a", moved(&to("/new/a")));
    publisher.set("/new/a", page("here"));
    // Not a move: one for today, one to the start page, and two to one page.
    publisher.set("/p/b", Page::status(302).header("location", &to("/new/a")));
    publisher.set("/p/c", moved(&to("/")));
    publisher.set("/", page("Welcome"));
    for name in ["/p/d", "/p/e"] {
        publisher.set(name, moved(&to("/archive")));
    }
    publisher.set("/archive", page("All that was"));
    let (id, worker) = begin(&sandbox, &["a", "b", "c", "d", "e"]).await;
    let told = eventually("the new link", || async { later(&sandbox, id, "a").await.pop() }).await;
    assert_eq!((told.change, told.content.url), (Change::Changed, Some(to("/new/a"))));
    let asked = publisher.asked("/p/a");
    assert!(asked[1].at.duration_since(asked[0].at) >= Duration::from_millis(300), "seen twice");
    for name in ["/p/b", "/p/c", "/p/d", "/p/e"] {
        eventually(name, || async { (publisher.asked(name).len() >= 3).then_some(()) }).await;
    }
    for name in ["b", "c", "d", "e"] {
        assert!(later(&sandbox, id, name).await.is_empty(), "{name}");
    }
    // The feed corrects the entry and still has the old link.
    let items: Vec<String> = ["a", "b"].map(|name| entry(&sandbox, name, &format!("{name}, corrected"))).to_vec();
    publisher.set("/feed", Page::feed(rss(&items)));
    sandbox.poll(id).await;
    let last = later(&sandbox, id, "a").await.pop().unwrap();
    assert_eq!(last.content.title.unwrap().value, "a, corrected");
    assert_eq!(last.content.url, Some(to("/new/a")));
    worker.end().await;
}

#[tokio::test]
async fn what_a_page_says_of_its_review_is_told_with_its_entry() {
    let sandbox = sandbox().await;
    let data = r#"{"@context":"https://schema.org","@type":"MedicalWebPage","name":"Page","lastReviewed":"2025-05-12",
        "reviewedBy":{"@type":"Person","name":"Dr. Ada Ruiz"}}"#;
    let body = format!(
        "<html><head><title>Page</title><script type=\"application/ld+json\">{data}</script></head>\
         <body><main><p>Drink water.</p><p>Next review due: 12 May 2028</p></main></body></html>"
    );
    let page = Page::feed(body).header("content-type", "text/html").etag("\"1\"");
    sandbox.publisher.set("/p/a", page);
    let (id, worker) = begin(&sandbox, &["a"]).await;
    let told = eventually("the review", || async { later(&sandbox, id, "a").await.pop() }).await;
    let day = |at: Option<jiff::Timestamp>| at.map(|at| at.strftime("%F").to_string()).unwrap_or_default();
    assert_eq!((day(told.content.reviewed), day(told.content.next_review)), ("2025-05-12".into(), "2028-05-12".into()));
    assert_eq!(told.content.reviewed_by[0].name, "Dr. Ada Ruiz");
    // Asked again with its validator, it says nothing new.
    looked(&sandbox, "/p/a", 2).await;
    let last = sandbox.publisher.asked("/p/a").pop().unwrap();
    assert_eq!(last.headers["if-none-match"], "\"1\"");
    assert_eq!(later(&sandbox, id, "a").await.len(), 1);
    worker.end().await;
}

#[tokio::test]
async fn many_pages_missing_at_once_withdraw_nothing_and_are_reported() {
    let mut sandbox = sandbox().await;
    // So that all are looked at before the first is looked at again.
    sandbox.config.recheck.gone_after = sandbox.config.recheck.every;
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let (id, worker) = begin(&sandbox, &names).await;
    let found = |open: bool| {
        let sandbox = &sandbox;
        eventually("the finding", move || async move {
            let all = sandbox.store.feed_findings(id).await.unwrap();
            all.into_iter().find(|one| one.code == "pages-gone" && one.gone_at.is_none() == open)
        })
    };
    let held = found(true).await;
    assert!(held.message.contains("answer 404 or 410"), "{}", held.message);
    looked(&sandbox, "/p/a", 2).await;
    assert!(sandbox.events(id).await.iter().all(|event| event.change == Change::New), "none is withdrawn");
    for name in names {
        sandbox.publisher.set(&format!("/p/{name}"), page("here"));
    }
    found(false).await;
    worker.end().await;
}

#[tokio::test]
async fn pages_that_robots_txt_forbids_are_not_asked_for() {
    let sandbox = sandbox().await;
    let rules = Page::feed("User-agent: *\nDisallow: /p/b\n").header("content-type", "text/plain");
    sandbox.publisher.set("/robots.txt", rules);
    sandbox.publisher.set("/p/a", page("here"));
    let (id, worker) = begin(&sandbox, &["a", "b"]).await;
    eventually("looks at a", || async { (sandbox.publisher.asked("/p/a").len() >= 3).then_some(()) }).await;
    assert!(sandbox.publisher.asked("/p/b").is_empty());
    assert_eq!(sandbox.events(id).await.len(), 2);
    worker.end().await;
}
