//! Measures serving feeds: 1,000 items in a real store, the router asked in the process and, with `serve SECONDS`, over
//! loopback by a tool of your choice (`wrk -H 'Accept-Encoding: gzip' http://127.0.0.1:PORT/feeds/all.atom`).
//!
//! `cargo run --release -p carewire-publish --example publish-bench [serve SECONDS]`

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, body::Body};
use carewire_conditions::Vocabulary;
use carewire_publish::feeds::{FeedsState, router};
use carewire_query::{SearchIndex, public};
use carewire_schemas::{
    ConditionCode, ConditionTag, CuratedV1, ItemId, ItemKind, OrganizationRef, PublicSource, PublicState, Role, StoryId,
};
use carewire_store::{ItemChange, ItemRow, ItemState, Store, StoreConfig, Target};
use http::Request;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

const TEXT: &str = "Patients who walked half an hour a day needed less insulin, a study of twelve clinics found. ";

fn row(n: u64) -> ItemRow {
    let instant = Timestamp::from_second(1_790_000_000 + n as i64).expect("in range");
    let item = CuratedV1 {
        id: ItemId(Uuid::from_u64_pair(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n)),
        version: 1,
        state: PublicState::Curated,
        title: format!("Walking and sugar, part {n}"),
        url: Some(format!("https://clinic.example/{n}")),
        summary: TEXT.to_owned(),
        html: format!("<p>{}</p>", TEXT.repeat(8 + (n % 9) as usize)),
        language: Some("en".to_owned()),
        kind: ItemKind::Article,
        traits: Default::default(),
        published: instant,
        updated: instant,
        authors: Vec::new(),
        media: Vec::new(),
        video: None,
        licence: None,
        conditions: vec![ConditionTag {
            code: ConditionCode("D003924".to_owned()),
            name: "Type 2 Diabetes Mellitus".to_owned(),
            role: Role::About,
            score: 0.9,
            negated: false,
            qualifier: None,
            topic: false,
            evidence: Vec::new(),
        }],
        sources: vec![PublicSource {
            organization: OrganizationRef { slug: "clinic".to_owned(), name: "The clinic".to_owned() },
            url: None,
        }],
        trust: Default::default(),
        rights: Default::default(),
        retraction: None,
        story: StoryId(Uuid::nil()),
        withdrawn: None,
    };
    ItemRow {
        id: item.id,
        version: 1,
        state: ItemState::Curated,
        first: None,
        seq: None,
        story: item.story,
        published: instant.as_millisecond(),
        updated: instant.as_millisecond(),
        rule: "bench".to_owned(),
        content: serde_json::to_string(&item).expect("JSON"),
        meta: "{}".to_owned(),
        fields: Some(public::fields(&item)),
        decided: None,
        public_version: 1,
    }
}

async fn put(store: &Store, rows: Vec<ItemRow>) {
    let ids = rows.iter().map(|row| row.id).collect();
    let changes: Vec<_> = rows.into_iter().map(|row| ItemChange { row, decision: None }).collect();
    store.change_items(ids, &[], None, |_| Ok(changes.clone())).await.expect("changed");
}

async fn ask(router: &Router, path: &str, headers: &[(&str, &str)]) -> http::Response<Body> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("served")
}

async fn time(what: &str, runs: u32, router: &Router, path: &str, headers: &[(&str, &str)]) {
    let started = Instant::now();
    for _ in 0..runs {
        std::hint::black_box(ask(router, path, headers).await);
    }
    println!("{what:<52}{:>9.2} µs", started.elapsed().as_secs_f64() * 1e6 / f64::from(runs));
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = StoreConfig::new(Target::Sqlite(folder.path().join("store.db")));
    let store = Store::open(&config).await.expect("a store");
    put(&store, (1..=1_000).map(row).collect()).await;
    let index = Arc::new(SearchIndex::open(Some(&folder.path().join("index"))).expect("an index"));
    let stop = CancellationToken::new();
    let follower = {
        let (index, store, stop) = (Arc::clone(&index), store.clone(), stop.clone());
        tokio::spawn(async move { index.follow(&store, Vocabulary::bundled(), &stop).await })
    };
    index.watch().wait_for(|at| *at >= 1_000).await.expect("alive");
    let url = "http://127.0.0.1/".parse().expect("an address");
    let router = router(FeedsState::new(store.clone(), Arc::clone(&index), Vocabulary::bundled(), url));

    let gzip = [("accept-encoding", "gzip")];
    for path in ["/feeds/all.atom", "/feeds/conditions/D003920.atom", "/feeds/search.atom?q=insulin"] {
        let started = Instant::now();
        let first = ask(&router, path, &[]).await;
        println!("{:<52}{:>9.0} µs", format!("first {path}"), started.elapsed().as_secs_f64() * 1e6);
        let started = Instant::now();
        ask(&router, path, &gzip).await;
        println!("{:<52}{:>9.0} µs", "  packed with gzip", started.elapsed().as_secs_f64() * 1e6);
        time("  cached, gzip", 100_000, &router, path, &gzip).await;
        let tag = first.headers()["etag"].to_str().expect("ASCII").to_owned();
        time("  cached, 304", 100_000, &router, path, &[("if-none-match", &tag)]).await;
    }
    let started = Instant::now();
    for n in 0..20 {
        put(&store, vec![row(2_000 + n)]).await;
        ask(&router, "/feeds/conditions/D003920.atom", &[]).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let each = started.elapsed().as_secs_f64() * 1e3 / 20.0 - 50.0;
    println!("{:<52}{each:>9.1} ms", "one item changed, then the feed rendered again");

    let arguments: Vec<String> = std::env::args().collect();
    if let [_, command, seconds] = &arguments[..]
        && command == "serve"
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("serving http://{}/feeds/all.atom", listener.local_addr().expect("an address"));
        let time = Duration::from_secs(seconds.parse().expect("seconds"));
        let serving = async { axum::serve(listener, router).await };
        let _ = tokio::time::timeout(time, serving).await;
    }
    stop.cancel();
    follower.await.expect("joined").expect("followed");
}
