//! Visits to a real server on loopback, under leases in a real store.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use carewire_feeds::lint::Severity;
use carewire_fetch::{Client, FetchConfig, GateError, HostGate, OpenGate};
use carewire_store::{Store, StoreConfig, Target};
use carewire_visit::{Check, LeaseGate, PauseGate, Site, check, look, preview};
use url::Url;

/// What a path answers: the n-th request gets the n-th answer, further ones the last.
#[derive(Clone, Default)]
struct Page {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<String>,
}

#[derive(Default)]
struct Site0 {
    pages: HashMap<&'static str, Page>,
    asked: Vec<(String, HeaderMap, Instant)>,
}

#[derive(Clone, Default)]
struct Publisher(Arc<Mutex<Site0>>, u16);

impl Publisher {
    async fn start() -> Publisher {
        let site = Arc::new(Mutex::new(Site0::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(answer).with_state(site.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Publisher(site, port)
    }

    fn set(&self, path: &'static str, status: u16, headers: &[(&'static str, &'static str)], body: &[&str]) {
        let body = body.iter().map(|b| (*b).to_owned()).collect();
        self.0.lock().unwrap().pages.insert(path, Page { status, headers: headers.to_vec(), body });
    }

    fn url(&self, path: &str) -> Url {
        format!("http://127.0.0.1:{}{path}", self.1).parse().unwrap()
    }

    fn asked(&self, path: &str) -> Vec<(HeaderMap, Instant)> {
        let site = self.0.lock().unwrap();
        site.asked.iter().filter(|(p, ..)| p == path).map(|(_, h, at)| (h.clone(), *at)).collect()
    }
}

async fn answer(State(site): State<Arc<Mutex<Site0>>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let mut site = site.lock().unwrap();
    let before = site.asked.iter().filter(|(p, ..)| *p == path).count();
    site.asked.push((path.clone(), request.headers().clone(), Instant::now()));
    let mut response = Response::builder();
    let Some(page) = site.pages.get(path.as_str()) else {
        return response.status(StatusCode::NOT_FOUND).body(Body::empty()).unwrap();
    };
    let tag = page.headers.iter().find(|(name, _)| *name == "etag").map(|(_, value)| *value);
    let known = request.headers().get("if-none-match").and_then(|v| v.to_str().ok());
    if let Some(tag) = tag
        && known == Some(tag)
        && !page.headers.contains(&("x-ignores", "validators"))
    {
        return response.status(304).header("etag", tag).body(Body::empty()).unwrap();
    }
    for (name, value) in &page.headers {
        response = response.header(*name, *value);
    }
    let body = page.body.get(before).or(page.body.last()).cloned().unwrap_or_default();
    response.status(page.status).body(Body::from(body)).unwrap()
}

fn config() -> FetchConfig {
    let allow = vec!["127.0.0.0/8".parse().unwrap()];
    FetchConfig { allow, min_host_pause: Duration::from_millis(100), ..FetchConfig::default() }
}

async fn store() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreConfig::new(Target::Sqlite(folder.path().join("store.db")))).await.unwrap();
    (store, folder)
}

fn feed(id: u32) -> String {
    format!(
        "<rss version=\"2.0\"><channel><title>Clinic</title><link>https://clinic.example/</link><description>d</description>\
         <item><title>One</title><link>https://clinic.example/1</link><guid isPermaLink=\"false\">{id}</guid>\
         <pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate><description>text</description></item></channel></rss>"
    )
}

fn codes(check: &Check) -> Vec<&'static str> {
    check.findings.iter().map(|f| f.rule.code).collect()
}

const RSS: (&str, &str) = ("content-type", "application/rss+xml");

#[tokio::test]
async fn a_check_asks_twice_and_echoes_the_validators() {
    let publisher = Publisher::start().await;
    let client = Client::new(&config()).unwrap();
    publisher.set("/good", 200, &[RSS, ("etag", "W/\"a\""), ("cache-control", "max-age=600")], &[&feed(1)]);
    publisher.set("/deaf", 200, &[RSS, ("etag", "\"a\""), ("x-ignores", "validators")], &[&feed(1)]);
    publisher.set("/changing", 200, &[RSS], &[&feed(1), &feed(2)]);
    publisher.set("/moved", 301, &[("location", "/good")], &[]);

    let good = check(&client, &OpenGate, &publisher.url("/good")).await.unwrap();
    let asked = publisher.asked("/good");
    assert_eq!(asked.len(), 2);
    assert!(asked[0].0.get("if-none-match").is_none());
    assert_eq!(asked[1].0["if-none-match"], "W/\"a\"");
    for code in ["no-validators", "validators-ignored", "no-freshness", "content-type-wrong"] {
        assert!(!codes(&good).contains(&code), "{code}: {:?}", codes(&good));
    }
    assert!(good.ok && good.count(Severity::Error) == 0, "{:?}", codes(&good));
    assert_eq!(good.feed.as_ref().map(|f| (f.format.as_str(), f.entries)), Some(("RSS 2.0", 1)));
    assert_eq!(good.status, Some(200));

    let deaf = check(&client, &OpenGate, &publisher.url("/deaf")).await.unwrap();
    assert!(codes(&deaf).contains(&"validators-ignored"), "{:?}", codes(&deaf));
    let changing = check(&client, &OpenGate, &publisher.url("/changing")).await.unwrap();
    assert!(codes(&changing).contains(&"id-changes") && !changing.ok, "{:?}", codes(&changing));
    assert_eq!(codes(&changing)[0], "id-changes", "errors come first");
    let moved = check(&client, &OpenGate, &publisher.url("/moved")).await.unwrap();
    assert!(codes(&moved).contains(&"moved-permanently"), "{:?}", codes(&moved));
    assert_eq!(moved.answered, Some(publisher.url("/good")));
}

#[tokio::test]
async fn what_is_no_feed_is_a_finding() {
    let publisher = Publisher::start().await;
    let client = Client::new(&config()).unwrap();
    let page = "<!doctype html><html><head><link rel=alternate type='application/rss+xml' href='/f.xml'></head></html>";
    publisher.set("/page", 200, &[("content-type", "text/html")], &[page]);
    let page = check(&client, &OpenGate, &publisher.url("/page")).await.unwrap();
    assert_eq!((page.ok, page.feed), (false, None));
    assert_eq!(page.advertised.first().map(|f| f.url.clone()), Some(publisher.url("/f.xml")));
    assert_eq!(publisher.asked("/page").len(), 1, "a page is asked for once");
    let none = check(&client, &OpenGate, &publisher.url("/none")).await.unwrap();
    assert!(codes(&none).contains(&"status") && !none.ok, "{:?}", codes(&none));
    let closed = check(&client, &OpenGate, &"http://10.1.2.3/feed".parse().unwrap()).await.unwrap();
    assert_eq!(codes(&closed), ["unreachable"]);
    assert!(closed.findings[0].detail.contains("nothing may be fetched from"));
}

#[tokio::test]
async fn a_site_shows_its_feeds() {
    let publisher = Publisher::start().await;
    let client = Client::new(&config()).unwrap();
    publisher.set("/", 200, &[("content-type", "text/html")], &["<html><a href='/feed.xml'>f</a></html>"]);
    publisher.set("/feed.xml", 200, &[RSS], &[&feed(1)]);
    publisher.set("/text", 200, &[("content-type", "text/plain")], &["hello"]);
    let seen = look(&client, &OpenGate, &publisher.url("/")).await.unwrap();
    assert!(
        matches!(&seen, Site::Page(feeds) if feeds.len() == 1 && feeds[0].url == publisher.url("/feed.xml")),
        "{seen:?}"
    );
    let feed = publisher.url("/feed.xml");
    assert_eq!(look(&client, &OpenGate, &feed).await.unwrap(), Site::Feed(feed));
    assert_eq!(look(&client, &OpenGate, &publisher.url("/gone")).await.unwrap(), Site::Refused(404));
    assert_eq!(look(&client, &OpenGate, &publisher.url("/text")).await.unwrap(), Site::Other);
}

#[tokio::test]
async fn a_host_is_asked_by_one_at_a_time_with_its_pause() {
    let publisher = Publisher::start().await;
    let (client, (store, _folder)) = (Client::new(&config()).unwrap(), store().await);
    publisher.set("/good", 200, &[RSS, ("etag", "\"a\"")], &[&feed(1)]);
    let url = publisher.url("/good");
    let gate = LeaseGate::take(store.clone(), &url, client.config(), Duration::ZERO).await.unwrap();
    let second = LeaseGate::take(store.clone(), &url, client.config(), Duration::ZERO).await;
    assert!(matches!(second, Err(GateError::Busy { .. })), "the lease is taken");
    check(&client, &gate, &url).await.unwrap();
    let asked = publisher.asked("/good");
    assert!(asked[1].1 - asked[0].1 >= Duration::from_millis(100), "{:?}", asked[1].1 - asked[0].1);
    gate.close().await;
    let third = LeaseGate::take(store.clone(), &url, client.config(), Duration::ZERO).await.unwrap();
    third.close().await;
    // A host that asked to be left alone is.
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60);
    store.host_not_before("127.0.0.1", later, "retry-after").await.unwrap();
    let fourth = LeaseGate::take(store, &url, client.config(), Duration::ZERO).await;
    assert!(matches!(fourth, Err(GateError::Busy { .. })), "Retry-After holds for checks too");
}

/// The lease is asked for before each request, by the database: a holder that was held up notices that it is another's now.
#[tokio::test]
async fn a_lease_that_another_took_lets_no_request_through() {
    let (store, _folder) = store().await;
    let owner = uuid::Uuid::new_v4();
    let lease = store.acquire_host("127.0.0.1", owner, Duration::from_secs(60)).await.unwrap().unwrap();
    let taken = lease.clone();
    let (long, pause) = (Duration::from_secs(60), Duration::from_millis(250));
    let gate =
        LeaseGate::new(store.clone(), owner, lease, tokio::time::Instant::now(), long, Duration::from_secs(1), pause);
    gate.may_send("127.0.0.1").await.unwrap();
    gate.ended().await;
    gate.may_send("127.0.0.1").await.unwrap();
    gate.ended().await;
    store.release_host(&taken).await.unwrap();
    let other = store.acquire_host("127.0.0.1", uuid::Uuid::new_v4(), Duration::from_secs(60)).await.unwrap();
    assert!(other.is_some());
    assert!(matches!(gate.may_send("127.0.0.1").await, Err(GateError::Lost { .. })));
    assert!(!gate.holds_own().await);
}

#[tokio::test]
async fn pauses_hold_without_a_network() {
    let publisher = Publisher::start().await;
    let client = Client::new(&config()).unwrap();
    publisher.set("/good", 200, &[RSS], &[&feed(1)]);
    check(&client, &PauseGate::new(Duration::from_millis(100)), &publisher.url("/good")).await.unwrap();
    let asked = publisher.asked("/good");
    assert!(asked[1].1 - asked[0].1 >= Duration::from_millis(100), "{:?}", asked[1].1 - asked[0].1);
}

#[tokio::test]
async fn a_preview_shows_what_a_feed_or_a_site_map_would_give() {
    let publisher = Publisher::start().await;
    let page = |kind: &str, head: &str| {
        format!("<html><head><title>About {kind}</title>{head}</head><body><main><p>Text.</p></main></body></html>")
    };
    let data = r#"<script type="application/ld+json">{"@type":"MedicalWebPage","name":"Flu","lastReviewed":"2025-05-12"}</script>"#;
    let html = [("content-type", "text/html")];
    publisher.set("/robots.txt", 200, &[], &["User-agent: *\nDisallow: /private\n"]);
    publisher.set("/flu", 200, &html, &[&page("flu", data)]);
    publisher.set("/contact", 200, &html, &[&page("us", "")]);
    publisher.set("/hidden", 200, &html, &[&page("it", &format!("{data}<meta name=robots content=noindex>"))]);
    let url = |path: &str| publisher.url(path).to_string();
    let rows: String = ["/gone", "/private/a", "/hidden", "/contact", "/flu", "/old"]
        .iter()
        .enumerate()
        .map(|(n, path)| format!("<url><loc>{}</loc><lastmod>2026-01-{:02}</lastmod></url>", url(path), 20 - n))
        .collect();
    publisher.set("/pages.xml", 200, &[], &[&format!("<urlset>{rows}</urlset>")]);
    let index = format!(
        "<sitemapindex><sitemap><loc>https://elsewhere.example/x.xml</loc></sitemap><sitemap><loc>{}</loc></sitemap></sitemapindex>",
        url("/pages.xml")
    );
    publisher.set("/sitemap.xml", 200, &[], &[&index]);
    let client =
        Client::new(&FetchConfig { allow: vec!["127.0.0.0/8".parse().unwrap()], ..FetchConfig::default() }).unwrap();
    let seen = preview(&client, &OpenGate, &publisher.url("/sitemap.xml")).await.unwrap();
    assert_eq!((seen.format.as_deref(), seen.of, seen.entries.len()), (Some("site map"), 6, 1));
    let entry = &seen.entries[0];
    assert_eq!((entry.title.as_deref(), entry.url.as_deref()), (Some("Flu"), Some(&*url("/flu"))));
    assert!(entry.reviewed.is_some() && !entry.title_made);
    let passed: Vec<_> =
        seen.passed_over.iter().map(|one| (one.url.rsplit('/').next().unwrap(), &*one.reason)).collect();
    assert_eq!(
        passed,
        [
            ("gone", "the server answered 404"),
            ("a", "robots.txt forbids it"),
            ("hidden", "it asks not to be listed (noindex)"),
            ("contact", "it does not say that it is an article (JSON-LD, OpenGraph)"),
        ]
    );
    assert!(publisher.asked("/private/a").is_empty() && publisher.asked("/old").is_empty(), "five pages are enough");

    let feed = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>Posts</title><entry><id>1</id>\
                <content>A short post about sleep. And more.</content></entry></feed>";
    publisher.set("/feed", 200, &[], &[feed]);
    let seen = preview(&client, &OpenGate, &publisher.url("/feed")).await.unwrap();
    assert_eq!((seen.format.as_deref(), seen.title.as_deref(), seen.of), (Some("Atom 1.0"), Some("Posts"), 1));
    assert_eq!(
        (seen.entries[0].title.as_deref(), seen.entries[0].title_made),
        (Some("A short post about sleep"), true)
    );
    let nothing = preview(&client, &OpenGate, &publisher.url("/nothing")).await.unwrap();
    assert_eq!((nothing.status, nothing.format), (404, None));
}
