//! The hub with subscribers of its own, written from the WebSub specification (and after websub.rocks, hub 100 to 104).

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, Query as Parameters, State},
    response::{IntoResponse, Response},
    routing::get,
};
use carewire_bus::Health;
use carewire_conditions::Vocabulary;
use carewire_fetch::FetchConfig;
use carewire_query::SearchIndex;
use carewire_schemas::CuratedV1;
use carewire_store::{ItemChange, ItemRow, NewHubRequest, PushSubscription, Store, StoreConfig, Target};
use futures::future::join_all;
use http::{HeaderMap, Request, StatusCode};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{Push, PushConfig, client, metrics, send::hub_signature};
use crate::{
    feeds::{
        self, FeedsState,
        tests::{ASTHMA, DIABETES, instant, item, row, rows},
    },
    hub::{self, HubConfig},
};

const BASE: &str = "https://net.example/";
const TOPIC: &str = "https://net.example/feeds/conditions/D003924.atom";

/// What a subscriber was sent.
#[derive(Clone, Debug)]
struct Ping {
    headers: HeaderMap,
    body: String,
}

/// A subscriber's server: callbacks by name, each with what it does.
#[derive(Default)]
struct Inbox {
    pings: Mutex<HashMap<String, Vec<Ping>>>,
    verified: Mutex<Vec<HashMap<String, String>>>,
    /// Statuses that a callback gives before it takes anything.
    sulks: Mutex<HashMap<String, Vec<u16>>>,
    count: AtomicUsize,
}

impl Inbox {
    fn of(&self, name: &str) -> Vec<Ping> {
        self.pings.lock().expect("a lock").get(name).cloned().unwrap_or_default()
    }
}

async fn verify(
    Path(name): Path<String>,
    asked: Parameters<HashMap<String, String>>,
    inbox: State<Arc<Inbox>>,
) -> Response {
    let challenge = asked.get("hub.challenge").cloned().unwrap_or_default();
    inbox.verified.lock().expect("a lock").push(asked.0);
    match name.as_str() {
        "other" => "something else".into_response(),
        "unknown" => (StatusCode::NOT_FOUND, challenge).into_response(),
        _ => challenge.into_response(),
    }
}

async fn take(Path(name): Path<String>, inbox: State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    inbox.count.fetch_add(1, Ordering::Relaxed);
    let sulk = inbox.sulks.lock().expect("a lock").get_mut(&name).and_then(Vec::pop);
    if let Some(status) = sulk {
        return StatusCode::from_u16(status).expect("a status");
    }
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    inbox.pings.lock().expect("a lock").entry(name).or_default().push(Ping { headers, body });
    StatusCode::NO_CONTENT
}

struct Net {
    store: Store,
    router: Router,
    push: Push,
    inbox: Arc<Inbox>,
    subscriber: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Net {
    async fn new(config: PushConfig) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store =
            Store::open(&StoreConfig::new(Target::Sqlite(folder.path().join("store.db")))).await.expect("a store");
        let vocabulary = Vocabulary::bundled();
        let index = Arc::new(SearchIndex::open(None).expect("an index"));
        let feeds = FeedsState::new(store.clone(), index, vocabulary, BASE.parse().expect("an address"));
        let limits = HubConfig { requests_per_host: 100_000, per_host: 100_000, ..HubConfig::default() };
        let hub = hub::router(store.clone(), vocabulary, BASE.to_owned(), limits);
        let inbox = Arc::new(Inbox::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let subscriber = listener.local_addr().expect("an address");
        let callbacks = Router::new().route("/cb/{name}", get(verify).post(take)).with_state(Arc::clone(&inbox));
        tokio::spawn(async move { axum::serve(listener, callbacks).await });
        let fetch = FetchConfig { allow: vec!["127.0.0.0/8".parse().expect("a range")], ..FetchConfig::default() };
        let push = Push {
            store: store.clone(),
            client: client(&fetch, &config).expect("a client"),
            vocabulary,
            base: BASE.into(),
            config: Arc::new(config),
        };
        Self { store, router: feeds::router(feeds).merge(hub), push, inbox, subscriber, _folder: folder }
    }

    /// Starts a worker; it ends when the token is cancelled or the task aborted.
    fn start(&self) -> (tokio::task::JoinHandle<()>, CancellationToken) {
        let (push, stop) = (self.push.clone(), CancellationToken::new());
        let token = stop.clone();
        let task = tokio::spawn(async move { push.run(&Health::new("push"), &token).await.expect("goes on") });
        (task, stop)
    }

    async fn put(&self, rows: Vec<ItemRow>) {
        let ids = rows.iter().map(|row| row.id).collect();
        let changes: Vec<_> = rows.into_iter().map(|row| ItemChange { row, decision: None }).collect();
        self.store.change_items(ids, &[], None, |_| Ok(changes.clone())).await.expect("changed");
    }

    fn callback(&self, name: &str) -> String {
        format!("http://{}/cb/{name}", self.subscriber)
    }

    async fn ask(&self, pairs: &[(&str, &str)]) -> (StatusCode, String) {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = Request::post("/hub").header("content-type", "application/x-www-form-urlencoded");
        let answer = self.router.clone().oneshot(request.body(Body::from(form)).expect("a request")).await;
        let (parts, body) = answer.expect("served").into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        (parts.status, String::from_utf8(body.to_vec()).expect("UTF-8"))
    }

    async fn subscribe(&self, name: &str, more: &[(&str, &str)]) {
        let callback = self.callback(name);
        let mut pairs = vec![("hub.mode", "subscribe"), ("hub.topic", TOPIC), ("hub.callback", callback.as_str())];
        pairs.retain(|(key, _)| more.iter().all(|(other, _)| other != key));
        pairs.extend_from_slice(more);
        let (status, text) = self.ask(&pairs).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    }

    async fn followers(&self) -> Vec<PushSubscription> {
        self.store.push_subscriptions(None, 100_000).await.expect("rows")
    }

    async fn followed(&self, count: usize) -> Vec<PushSubscription> {
        until("subscriptions", async || Some(self.followers().await).filter(|all| all.len() == count)).await
    }

    async fn pings(&self, name: &str, count: usize) -> Vec<Ping> {
        until(name, async || Some(self.inbox.of(name)).filter(|pings| pings.len() >= count)).await
    }
}

async fn until<T>(what: &str, probe: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn quick() -> PushConfig {
    PushConfig { pause: Duration::from_millis(1), retry: Duration::from_millis(20), host_rate: 0, ..Default::default() }
}

fn version(n: u128, code: &str, version: i64) -> CuratedV1 {
    CuratedV1 { version, updated: instant(1_000 + version), ..item(n, code, "clinic") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_is_verified_and_told_of_what_changed() {
    let net = Net::new(quick()).await;
    let _worker = net.start();
    net.put(rows(1..=3, DIABETES, "clinic")).await;
    // Discovery (section 4): in the header and in the feed.
    let request = Request::get("/feeds/conditions/D003924.atom").body(Body::empty()).expect("a request");
    let feed = net.router.clone().oneshot(request).await.expect("served");
    let links = feed.headers()["link"].to_str().expect("ASCII").to_owned();
    assert_eq!(links, format!("<{BASE}hub>; rel=\"hub\", <{TOPIC}>; rel=\"self\""));
    let feed = String::from_utf8(to_bytes(feed.into_body(), usize::MAX).await.expect("a body").to_vec());
    assert!(feed.expect("UTF-8").contains(&format!("<link rel=\"hub\" href=\"{BASE}hub\"/>")));

    // Hub 100 to 102: with and without a secret, with parameters that nobody knows.
    net.subscribe("plain", &[]).await;
    let other = "https://net.example/feeds/search.atom?condition=icd10cm:E11";
    net.subscribe("secret", &[("hub.secret", "s3cret"), ("hub.topic", other), ("foo", "bar")]).await;
    net.subscribe("asthma", &[("hub.topic", "https://net.example/feeds/conditions/D001249.json")]).await;
    net.followed(3).await;
    let asked = net.inbox.verified.lock().expect("a lock").clone();
    assert!(asked.iter().all(|one| one["hub.mode"] == "subscribe" && one["hub.lease_seconds"] == "864000"));
    assert!(asked.iter().any(|one| one["hub.topic"] == other), "the topic comes back as it was written");

    // Only what changes from here on, and only that.
    net.put(rows(4..=4, DIABETES, "clinic")).await;
    let (plain, secret) = (net.pings("plain", 1).await, net.pings("secret", 1).await);
    assert_eq!(plain[0].headers["content-type"], "application/atom+xml; charset=utf-8");
    assert_eq!(plain[0].headers["link"], links);
    assert!(plain[0].headers.get("x-hub-signature").is_none());
    assert_eq!(plain[0].body, secret[0].body);
    assert_eq!(secret[0].headers["link"], format!("<{BASE}hub>; rel=\"hub\", <{other}>; rel=\"self\""));
    let signature = hub_signature("s3cret", secret[0].body.as_bytes()).expect("a signature");
    assert_eq!(secret[0].headers["x-hub-signature"], signature);
    assert!(plain[0].body.contains("Item 4") && !plain[0].body.contains("Item 3"), "{}", plain[0].body);

    // A correction, a withdrawal, another condition.
    let corrected = CuratedV1 { title: "Corrected".to_owned(), ..version(1, DIABETES, 2) };
    net.put(vec![row(&corrected, None), row(&version(2, DIABETES, 2), Some("retracted"))]).await;
    net.put(vec![row(&version(3, ASTHMA, 2), None)]).await;
    let all = until("all", async || {
        let text: String = net.inbox.of("plain").iter().map(|ping| ping.body.clone()).collect();
        (text.matches("at:deleted-entry ref").count() == 2).then_some(text)
    })
    .await;
    assert!(all.contains("Corrected") && all.contains("retracted") && all.contains("no longer part of this feed"));
    let asthma = net.pings("asthma", 1).await;
    assert_eq!(asthma[0].headers["content-type"], "application/feed+json; charset=utf-8");
    let feed: serde_json::Value = serde_json::from_str(&asthma[0].body).expect("JSON");
    assert_eq!(feed["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(net.inbox.of("asthma").len(), 1, "it was told of nothing else");

    // Hub 103: renewed with another secret, before the end of the lease; one subscription, and nothing told twice.
    let before = net.inbox.of("secret").len();
    net.subscribe("secret", &[("hub.secret", "new"), ("hub.topic", other), ("hub.lease_seconds", "400")]).await;
    until("renewed", async || net.followers().await.into_iter().find(|one| one.secret.as_deref() == Some("new"))).await;
    net.put(rows(5..=5, DIABETES, "clinic")).await;
    let renewed = net.pings("secret", before + 1).await;
    assert_eq!(renewed.len(), before + 1);
    let last = renewed.last().expect("one");
    assert_eq!(last.headers["x-hub-signature"], hub_signature("new", last.body.as_bytes()).expect("a signature"));

    // Hub 104: unsubscribed, after its intent was verified.
    net.subscribe("plain", &[("hub.mode", "unsubscribe")]).await;
    net.followed(2).await;
    let before = net.inbox.of("plain").len();
    net.put(rows(6..=6, DIABETES, "clinic")).await;
    net.pings("secret", renewed.len() + 1).await;
    assert_eq!(net.inbox.of("plain").len(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_confirm_is_not_served() {
    let net = Net::new(quick()).await;
    let _worker = net.start();
    net.put(rows(1..=1, DIABETES, "clinic")).await;
    for (pairs, said) in [
        (&[("hub.mode", "subscribe")][..], "hub.callback"),
        (
            &[("hub.mode", "subscribe"), ("hub.callback", "http://a.example/"), ("hub.topic", "https://x.example/")],
            "hub.topic",
        ),
        (
            &[
                ("hub.mode", "subscribe"),
                ("hub.callback", "http://a.example/"),
                ("hub.topic", "https://net.example/feeds/organizations/nobody.atom"),
            ],
            "hub.topic",
        ),
    ] {
        let (status, text) = net.ask(pairs).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(text.starts_with(said), "{text}");
    }
    // A challenge that does not come back, a callback that is not there, one on a forbidden address, one that means it.
    net.subscribe("other", &[]).await;
    net.subscribe("unknown", &[]).await;
    net.subscribe("forbidden", &[("hub.callback", "http://169.254.169.254/latest")]).await;
    net.subscribe("good", &[]).await;
    let followers = net.followed(1).await;
    assert!(followers[0].callback.ends_with("/cb/good"));
    net.put(rows(2..=2, DIABETES, "clinic")).await;
    net.pings("good", 1).await;
    assert_eq!(net.inbox.pings.lock().expect("a lock").len(), 1, "nobody else was sent anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_fails_gets_all_later_and_who_is_gone_is_forgotten() {
    let net = Net::new(quick()).await;
    let _worker = net.start();
    for name in ["good", "sulky", "gone"] {
        net.subscribe(name, &[]).await;
    }
    net.followed(3).await;
    let sulks = HashMap::from([("sulky".to_owned(), vec![503, 500, 404]), ("gone".to_owned(), vec![410])]);
    *net.inbox.sulks.lock().expect("a lock") = sulks;
    net.put(rows(1..=1, DIABETES, "clinic")).await;
    net.pings("good", 1).await;
    net.put(rows(2..=2, DIABETES, "clinic")).await;
    let sulky = until("both items", async || {
        let text: String = net.inbox.of("sulky").iter().map(|ping| ping.body.clone()).collect();
        (text.contains("Item 1") && text.contains("Item 2")).then_some(text)
    })
    .await;
    assert_eq!(sulky.matches("Item 1<").count(), 1, "told once: {sulky}");
    let left = net.followed(2).await;
    assert!(left.iter().all(|one| !one.callback.ends_with("/gone")));
    assert!(net.inbox.of("gone").is_empty());
}

/// A crash in the middle of ten thousand deliveries: everybody gets the change, and what came twice was counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_in_a_fan_out_loses_nothing_and_counts_what_may_come_twice() {
    const SUBSCRIBERS: usize = 10_000;
    let config = PushConfig { host_concurrency: 0, ..quick() };
    let net = Net::new(config).await;
    let requests = (0..SUBSCRIBERS).map(|n| NewHubRequest {
        subscribe: true,
        callback: net.callback(&n.to_string()),
        host: "127.0.0.1".to_owned(),
        topic: "feeds/all.atom".to_owned(),
        given: format!("{BASE}feeds/all.atom"),
        secret: Some("s3cret".to_owned()),
        lease: Duration::from_secs(86_400),
    });
    let requests: Vec<_> = requests.collect();
    for some in requests.chunks(1_000) {
        for done in join_all(some.iter().map(|new| net.store.hub_request(new, SUBSCRIBERS, SUBSCRIBERS))).await {
            done.expect("kept");
        }
        let claimed = net.store.claim_hub_requests(1_000, Duration::from_secs(60)).await.expect("claimed");
        for done in join_all(claimed.iter().map(|request| net.store.hub_verified(request))).await {
            assert!(done.expect("verified"));
        }
    }
    net.put(rows(1..=1, DIABETES, "clinic")).await;
    let counted = metrics::REPEATS.get();
    let (worker, _stop) = net.start();
    until("half of it", async || (net.inbox.count.load(Ordering::Relaxed) >= SUBSCRIBERS / 2).then_some(())).await;
    // As SIGKILL would: nothing is noted or given back any more.
    worker.abort();
    let _ = worker.await;
    let (_worker, stop) = net.start();
    until("all of it", async || {
        let pings = net.inbox.pings.lock().expect("a lock");
        (pings.len() == SUBSCRIBERS).then_some(())
    })
    .await;
    until("all noted", async || net.followers().await.iter().all(|one| one.cursor == 1).then_some(())).await;
    let followers = net.followers().await;
    let repeats: usize = followers.iter().filter(|one| one.repeats > 0).count();
    assert_eq!(u64::try_from(repeats).ok(), Some(metrics::REPEATS.get() - counted));
    let pings = net.inbox.pings.lock().expect("a lock").clone();
    let twice: Vec<&String> = pings.iter().filter(|(_, pings)| pings.len() > 1).map(|(name, _)| name).collect();
    assert!(repeats > 0 && twice.len() <= repeats, "{} came twice, {repeats} counted", twice.len());
    for name in twice {
        let one = followers.iter().find(|one| one.callback.ends_with(&format!("/{name}"))).expect("a subscriber");
        assert!(one.repeats > 0, "{name} came twice and was not counted");
    }

    // Without a crash, each once; and how fast.
    let began = (Instant::now(), net.inbox.count.load(Ordering::Relaxed));
    net.put(rows(2..=2, DIABETES, "clinic")).await;
    until("the second", async || net.followers().await.iter().all(|one| one.cursor == 2).then_some(())).await;
    let sent = net.inbox.count.load(Ordering::Relaxed) - began.1;
    assert_eq!(sent, SUBSCRIBERS, "each once");
    let rate = SUBSCRIBERS as f64 / began.0.elapsed().as_secs_f64();
    eprintln!("hub fan-out, subscriber in the same process: {rate:.0} deliveries/s (goal 3000)");
    stop.cancel();
}
