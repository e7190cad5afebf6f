//! Streams over a real store and a real index, as a client sees them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::{Body, BodyDataStream},
};
use carewire_bus::Health;
use carewire_conditions::Vocabulary;
use carewire_query::SearchIndex;
use carewire_schemas::{ChangeSeq, CuratedV1};
use carewire_store::{ItemChange, ItemRow, ItemState, Store, StoreConfig, Target};
use futures::StreamExt;
use http::{Request, Response, StatusCode};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;
use uuid::Uuid;

use super::{Streams, StreamsConfig, router};
use crate::feeds::tests::{ASTHMA, DIABETES, instant, item, row, rows};

const LONG: Duration = Duration::from_secs(30);

struct Net {
    store: Store,
    index: Arc<SearchIndex>,
    router: Router,
    _stop: DropGuard,
    _folder: tempfile::TempDir,
}

impl Net {
    async fn new(config: StreamsConfig) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store =
            Store::open(&StoreConfig::new(Target::Sqlite(folder.path().join("store.db")))).await.expect("a store");
        let index = Arc::new(SearchIndex::open(None).expect("an index"));
        let stop = CancellationToken::new();
        let streams = Streams::new(
            store.clone(),
            Arc::clone(&index),
            Vocabulary::bundled(),
            config,
            |peer| peer.is_loopback(),
            stop.clone(),
        );
        let reader = streams.clone();
        tokio::spawn(async move { reader.run(&Health::new("streams")).await });
        tokio::spawn({
            let (index, store, stop) = (Arc::clone(&index), store.clone(), stop.clone());
            async move { index.follow(&store, Vocabulary::bundled(), &stop).await }
        });
        Self { store, index, router: router(streams), _stop: stop.drop_guard(), _folder: folder }
    }

    async fn put(&self, rows: Vec<ItemRow>) {
        let ids = rows.iter().map(|row| row.id).collect();
        let changes: Vec<_> = rows.into_iter().map(|row| ItemChange { row, decision: None }).collect();
        self.store.change_items(ids, &[], None, |_| Ok(changes.clone())).await.expect("changed");
    }

    async fn indexed(&self) {
        let last = self.store.last_seq().await.expect("a number");
        let mut position = self.index.watch();
        let reached = position.wait_for(|at: &ChangeSeq| *at >= last);
        tokio::time::timeout(LONG, reached).await.expect("the index follows").expect("alive");
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("served")
    }

    async fn open(&self, path: &str, last: Option<&str>) -> Reader {
        let headers: Vec<_> = last.map(|last| ("last-event-id", last)).into_iter().collect();
        let response = self.ask(path, &headers).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        Reader { body: response.into_body().into_data_stream(), text: String::new(), last: String::new() }
    }
}

/// A reader of server-sent events, written from the specification (WHATWG HTML, section 9.2.6).
struct Reader {
    body: BodyDataStream,
    text: String,
    last: String,
}

#[derive(Clone, PartialEq, Debug)]
struct Event {
    name: String,
    data: Value,
}

impl Event {
    fn number(&self) -> u128 {
        self.data["item"].as_str().expect("an item").parse::<Uuid>().expect("a UUID").as_u128()
    }
}

impl Reader {
    /// The next block of lines; none at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let piece = tokio::time::timeout(LONG, self.body.next()).await.expect("in time");
            self.text.push_str(std::str::from_utf8(&piece?.expect("no error")).expect("UTF-8"));
        }
    }

    /// The next event; none at the end. Comments, `retry` and lone ids are no events.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let (mut name, mut data) = (String::new(), None);
            for line in block.lines() {
                match line.split_once(": ") {
                    Some(("id", id)) => self.last = id.to_owned(),
                    Some(("event", event)) => event.clone_into(&mut name),
                    Some(("data", text)) => data = Some(serde_json::from_str(text).expect("JSON")),
                    _ => assert!(line.starts_with(':') || line.starts_with("retry: "), "{line}"),
                }
            }
            if let Some(data) = data {
                return Some(Event { name, data });
            }
        }
    }

    async fn expect(&mut self, name: &str) -> Event {
        let event = self.next().await.expect("an event");
        assert_eq!(event.name, name, "{event:?}");
        event
    }
}

fn version(n: u128, code: &str, version: i64) -> CuratedV1 {
    CuratedV1 { version, updated: instant(1_000 + version), ..item(n, code, "clinic") }
}

#[tokio::test]
async fn what_comes_changes_and_leaves_is_told_as_that() {
    let net = Net::new(StreamsConfig::default()).await;
    net.put(rows(1..=2, DIABETES, "clinic")).await;
    net.indexed().await;
    let mut diabetes = net.open("/v1/stream?condition=D003920&after=0", None).await;
    let mut words = net.open("/v1/stream?q=corrected", None).await;
    let here: BTreeSet<_> = [diabetes.expect("add").await.number(), diabetes.expect("add").await.number()].into();
    assert_eq!(here, BTreeSet::from([1, 2]));
    assert!(diabetes.last.is_empty(), "a snapshot that is cut begins anew");
    assert_eq!(diabetes.expect("synced").await.data["seq"], 2);
    assert_eq!(words.expect("synced").await.data["seq"], 2, "without `after` only what comes is told");

    // Another item comes; one is corrected; it is about something else; it is withdrawn.
    net.put(rows(3..=3, DIABETES, "clinic")).await;
    assert_eq!(diabetes.expect("add").await.number(), 3);
    let corrected = CuratedV1 { title: "Corrected".to_owned(), ..version(1, DIABETES, 2) };
    net.put(vec![row(&corrected, None)]).await;
    let update = diabetes.expect("update").await;
    assert_eq!((update.number(), update.data["value"]["title"].as_str()), (1, Some("Corrected")));
    assert_eq!(update.data["state"], "curated");
    assert_eq!(diabetes.last, "4");
    let added = words.next().await.expect("an event");
    assert_eq!((added.number(), added.data["seq"].as_i64()), (1, Some(4)));
    let elsewhere = CuratedV1 { title: "Corrected".to_owned(), ..version(1, ASTHMA, 3) };
    net.put(vec![row(&elsewhere, None)]).await;
    let left = diabetes.expect("remove").await;
    assert_eq!((left.number(), left.data["state"].as_str(), left.data.get("value")), (1, Some("left"), None));
    net.put(vec![row(&version(2, DIABETES, 2), Some("retracted"))]).await;
    let gone = diabetes.expect("remove").await;
    assert_eq!((gone.number(), gone.data["state"].as_str()), (2, Some("withdrawn")));
    assert_eq!(gone.data["value"]["withdrawn"]["reason"], "retracted");
    // What does not concern the question is not told: the next thing that this stream hears of is item 5.
    net.put(rows(4..=4, ASTHMA, "clinic")).await;
    net.put(rows(5..=5, DIABETES, "clinic")).await;
    assert_eq!(diabetes.expect("add").await.number(), 5);
}

#[tokio::test]
async fn a_client_that_was_away_goes_on_where_it_was() {
    let net = Net::new(StreamsConfig::default()).await;
    net.put(rows(1..=5, DIABETES, "clinic")).await;
    net.put(vec![row(&version(2, DIABETES, 2), Some("wrong"))]).await;
    net.put(vec![row(&version(3, DIABETES, 2), None), row(&version(4, ASTHMA, 2), None)]).await;
    // It had 1 to 4 and not 5; 2 and 4 are no longer there, 3 is another.
    let mut back = net.open("/v1/stream?condition=D003920&after=1", Some("4")).await;
    let told = [back.next().await, back.next().await, back.next().await, back.next().await];
    let told: Vec<_> = told.iter().flatten().map(|event| (event.name.as_str(), event.number())).collect();
    assert_eq!(told, [("add", 5), ("remove", 2), ("update", 3), ("remove", 4)]);
    assert_eq!(back.expect("synced").await.data["seq"], 8);
    // A number of no present (a restored backup): what comes from here on is told.
    let mut future = net.open("/v1/stream?after=500", None).await;
    assert_eq!(future.expect("synced").await.data["seq"], 8);
    net.put(rows(6..=6, ASTHMA, "clinic")).await;
    assert_eq!(future.expect("add").await.data["seq"], 9);
}

/// Random edits, withdrawals and returns, while clients come, are cut anywhere and come back with what they had last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_end_equal_to_the_store_whatever_was_cut() {
    let net = Arc::new(Net::new(StreamsConfig::default()).await);
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let written = CancellationToken::new();
    let follow = |path: &'static str, seed: u64| {
        let (net, written) = (Arc::clone(&net), written.clone());
        tokio::spawn(async move {
            let mut random = fastrand::Rng::with_seed(seed);
            let (mut copy, mut last) = (BTreeMap::new(), String::new());
            loop {
                // A snapshot begins a copy anew.
                if last.is_empty() {
                    copy.clear();
                }
                let ended = written.is_cancelled();
                let mut reader = net.open(path, Some(&last)).await;
                for _ in 0..random.usize(1..60) + if ended { 10_000 } else { 0 } {
                    let event = tokio::select! {
                        event = reader.next() => event.expect("not cut"),
                        () = written.cancelled(), if !ended => break,
                    };
                    match event.name.as_str() {
                        "add" | "update" => drop(copy.insert(event.number(), event.data["value"]["version"].as_i64())),
                        "remove" => drop(copy.remove(&event.number())),
                        _ => {}
                    }
                    last.clone_from(&reader.last);
                    if ended && event.name == "synced" {
                        // It says up to where; the newest may still be on its way to the stream.
                        if event.data["seq"].as_i64() == net.store.last_seq().await.ok() {
                            return copy;
                        }
                        break;
                    }
                }
            }
        })
    };
    let followers = [
        follow("/v1/stream?after=0", seed),
        follow("/v1/stream?condition=D003920&after=0", seed ^ 1),
        follow("/v1/stream?q=inhalers&condition=D001249&after=0", seed ^ 2),
    ];
    let mut random = fastrand::Rng::with_seed(seed);
    for step in 1..=120_i64 {
        let changed: BTreeMap<u128, ItemRow> = (0..random.usize(1..12))
            .map(|_| {
                let n = random.u128(1..40);
                let code = if random.bool() { DIABETES } else { ASTHMA };
                (n, row(&version(n, code, step), random.u8(..4).eq(&0).then_some("taken back")))
            })
            .collect();
        net.put(changed.into_values().collect()).await;
    }
    written.cancel();
    let mut copies = Vec::new();
    for follower in followers {
        copies.push(follower.await.expect("ends"));
    }
    let mut expected: [BTreeMap<u128, Option<i64>>; 3] = Default::default();
    for row in net.store.items_by_seq(0, 1_000).await.expect("rows") {
        if row.state != ItemState::Curated {
            continue;
        }
        let (n, version) = (row.id.0.as_u128(), Some(row.version));
        expected[0].insert(n, version);
        let code = row.fields.as_ref().map(|fields| fields.about[0].as_str().to_owned()).expect("fields");
        expected[if code == DIABETES { 1 } else { 2 }].insert(n, version);
    }
    assert_eq!(copies, expected);
}

#[tokio::test]
async fn a_quiet_stream_says_that_it_is_there_and_moves_its_id() {
    let net = Net::new(StreamsConfig { heartbeat: Duration::from_millis(30), ..Default::default() }).await;
    let mut quiet = net.open("/v1/stream?organization=nobody", None).await;
    quiet.expect("synced").await;
    net.put(rows(1..=3, DIABETES, "clinic")).await;
    while quiet.last != "3" {
        let block = quiet.block().await.expect("goes on");
        assert!(block.starts_with(": here\nid: "), "{block}");
        block.rsplit(' ').next().expect("an id").clone_into(&mut quiet.last);
    }
}

#[tokio::test]
async fn streams_are_bounded_and_questions_are_read() {
    let net = Net::new(StreamsConfig { max_clients: 2, ..Default::default() }).await;
    for path in ["after=-1", "after=x", "colour=red", "sort=newest", "condition=D999999"] {
        let answer = net.ask(&format!("/v1/stream?{path}"), &[]).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    let wrong = net.ask("/v1/stream", &[("last-event-id", "abc")]).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let first = net.open("/v1/stream", None).await;
    let _second = net.open("/v1/stream", None).await;
    assert_eq!(net.ask("/v1/stream", &[]).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(first);
    net.open("/v1/stream", None).await;
}

#[tokio::test]
async fn who_is_too_slow_is_cut_and_comes_back() {
    let net = Net::new(StreamsConfig::default()).await;
    net.put(rows(100_000..=100_000, DIABETES, "clinic")).await;
    let mut slow = net.open("/v1/stream", None).await;
    slow.expect("synced").await;
    // More than the ring holds, while the client takes nothing.
    for start in (1..=16_800_u128).step_by(800) {
        net.put(rows(start..=start + 799, DIABETES, "clinic")).await;
    }
    let last = net.store.last_seq().await.expect("a number");
    let mut witness = net.open("/v1/stream", None).await;
    assert_eq!(witness.expect("synced").await.data["seq"], last, "the ring has it all");
    let mut seen = 1;
    while let Some(event) = slow.next().await {
        seen += 1;
        assert_eq!(event.data["seq"], seen);
    }
    assert!(seen < last, "cut");
    let mut back = net.open("/v1/stream", Some(&slow.last)).await;
    assert_eq!(back.expect("add").await.data["seq"], seen + 1, "no gap, no double");
}
