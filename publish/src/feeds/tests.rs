//! The routes over a real store and a real index.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
};
use carewire_conditions::Vocabulary;
use carewire_query::{SearchIndex, public};
use carewire_schemas::{
    ChangeSeq, ConditionCode, ConditionTag, CuratedV1, ItemId, ItemKind, OrganizationRef, Outcome, OutcomeState,
    PipelineVersion, PublicSource, PublicState, Role, Slug, StoryId, StoryRelation, Withdrawal,
};
use carewire_store::{ItemChange, ItemRow, ItemState, NewOrganization, Standing, Store, StoreConfig, Target};
use http::{HeaderMap, Request, StatusCode};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use super::{FeedsState, router};

pub(crate) const DIABETES: &str = "D003924";
pub(crate) const ASTHMA: &str = "D001249";

struct Net {
    _folder: tempfile::TempDir,
    store: Store,
    index: Arc<SearchIndex>,
    router: Router,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
    /// Ids of the feed's items, in order.
    fn ids(&self) -> Vec<u128> {
        let json = self.json();
        let ids = json["items"].as_array().expect("items").iter().map(|item| item["id"].as_str().expect("an id"));
        ids.map(|id| Uuid::parse_str(id.trim_start_matches("urn:uuid:")).expect("a UUID").as_u128()).collect()
    }
}

impl Net {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = StoreConfig::new(Target::Sqlite(folder.path().join("store.db")));
        let store = Store::open(&config).await.expect("a store");
        for slug in ["clinic", "league"] {
            let new = NewOrganization {
                slug: Slug::new(slug).expect("a slug"),
                name: format!("The {slug}"),
                site: None,
                country: None,
                kind: None,
                standing: Standing::Accepted,
            };
            store.add_organization(new).await.expect("added");
        }
        let index = Arc::new(SearchIndex::open(None).expect("an index"));
        let url = "https://net.example".parse().expect("an address");
        let state = FeedsState::new(store.clone(), Arc::clone(&index), Vocabulary::bundled(), url);
        Self { _folder: folder, store, index, router: router(state) }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[]).await
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response =
            self.router.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("served");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body").to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn put(&self, rows: Vec<ItemRow>) {
        let ids = rows.iter().map(|row| row.id).collect();
        let changes: Vec<_> = rows.into_iter().map(|row| ItemChange { row, decision: None }).collect();
        self.store.change_items(ids, &[], None, |_| Ok(changes.clone())).await.expect("changed");
    }

    /// Lets the index follow until it has everything, then stops it.
    async fn indexed(&self) {
        let stop = CancellationToken::new();
        let last = self.store.last_seq().await.expect("a number");
        let mut position = self.index.watch();
        let caught_up = position.wait_for(|at: &ChangeSeq| *at >= last);
        tokio::select! {
            result = self.index.follow(&self.store, Vocabulary::bundled(), &stop) => panic!("ended: {result:?}"),
            done = tokio::time::timeout(Duration::from_secs(30), caught_up) => { done.expect("in time").expect("alive"); }
        }
    }
}

pub(crate) fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).expect("in range")
}

pub(crate) fn item(n: u128, code: &str, slug: &str) -> CuratedV1 {
    CuratedV1 {
        id: ItemId(Uuid::from_u128(n)),
        version: 1,
        state: PublicState::Curated,
        title: format!("Item {n}"),
        url: Some(format!("https://{slug}.example/{n}")),
        summary: String::new(),
        html: format!("<p>Text of item {n} on inhalers</p>"),
        language: Some("en".to_owned()),
        kind: ItemKind::Article,
        traits: Default::default(),
        published: instant(0),
        updated: instant(n as i64),
        authors: Vec::new(),
        media: Vec::new(),
        video: None,
        licence: None,
        conditions: vec![ConditionTag {
            code: ConditionCode(code.to_owned()),
            name: "a condition".to_owned(),
            role: Role::About,
            score: 1.0,
            negated: false,
            qualifier: None,
            topic: false,
            evidence: Vec::new(),
        }],
        sources: vec![PublicSource {
            organization: OrganizationRef { slug: slug.to_owned(), name: format!("The {slug}") },
            url: None,
        }],
        story: StoryId(Uuid::nil()),
        withdrawn: None,
    }
}

pub(crate) fn row(item: &CuratedV1, withdrawn: Option<&str>) -> ItemRow {
    let meta = public::ItemMeta {
        applied: item.version,
        outcome: Outcome { state: OutcomeState::Curated, rule: "test".to_owned(), reason: "test".to_owned() },
        tags: Some(Vec::new()),
        sources: Vec::new(),
        pipeline: PipelineVersion { code: 1, vocabulary: String::new(), run: 0 },
        relation: StoryRelation::First,
        first_seen: instant(0),
        history: false,
        withdrawn: None,
        shown_withdrawal: withdrawn.map(|reason| Withdrawal { at: item.updated, reason: reason.to_owned() }),
    };
    ItemRow {
        id: item.id,
        version: item.version,
        state: if withdrawn.is_some() { ItemState::Withdrawn } else { ItemState::Curated },
        first: None,
        seq: None,
        story: item.story,
        published: item.published.as_millisecond(),
        updated: item.updated.as_millisecond(),
        rule: "test".to_owned(),
        content: serde_json::to_string(item).expect("JSON"),
        meta: serde_json::to_string(&meta).expect("JSON"),
        fields: withdrawn.is_none().then(|| public::fields(item)),
        decided: None,
        public_version: item.version,
    }
}

pub(crate) fn rows(range: std::ops::RangeInclusive<u128>, code: &str, slug: &str) -> Vec<ItemRow> {
    range.map(|n| row(&item(n, code, slug), None)).collect()
}

#[tokio::test]
async fn answers_are_complete_and_conditional() {
    let net = Net::new().await;
    net.put(rows(1..=3, DIABETES, "clinic")).await;
    for (path, media_type) in [
        ("/feeds/all.atom", "application/atom+xml; charset=utf-8"),
        ("/feeds/all.rss", "application/rss+xml; charset=utf-8"),
        ("/feeds/all.json", "application/feed+json; charset=utf-8"),
        ("/feeds/conditions/icd10cm:E11.9.atom", "application/atom+xml; charset=utf-8"),
        ("/feeds/organizations/clinic.rss", "application/rss+xml; charset=utf-8"),
        ("/feeds/search.json?q=inhalers&language=en", "application/feed+json; charset=utf-8"),
        ("/opml", "text/x-opml; charset=utf-8"),
    ] {
        let plain = net.get(path).await;
        assert_eq!((plain.status, plain.header("content-type")), (StatusCode::OK, media_type), "{path}");
        assert_eq!(plain.header("vary"), "accept-encoding");
        assert!(plain.header("cache-control").starts_with("public, max-age="));
        if path != "/opml" {
            assert!(plain.text().contains("Item 3"), "{path}: {}", plain.text());
        }
        for (accept, encoding) in [("gzip", "gzip"), ("gzip, br", "br"), ("identity", "")] {
            let packed = net.ask("GET", path, &[("accept-encoding", accept)]).await;
            assert_eq!(packed.header("content-encoding"), encoding);
            let mut text = Vec::new();
            match encoding {
                "gzip" => std::io::copy(&mut flate2::read::GzDecoder::new(&packed.body[..]), &mut text).map(drop),
                "br" => brotli::BrotliDecompress(&mut &packed.body[..], &mut text),
                _ => std::io::copy(&mut &packed.body[..], &mut text).map(drop),
            }
            .expect("unpacked");
            assert_eq!(text, plain.body, "{path} {accept}");
            let tag = packed.header("etag").to_owned();
            assert_eq!(tag == plain.header("etag"), encoding.is_empty(), "an entity tag for each encoding");
            let again = net.ask("GET", path, &[("accept-encoding", accept), ("if-none-match", &tag)]).await;
            assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
            assert_eq!(again.header("etag"), tag);
        }
        if path != "/opml" {
            let since = plain.header("last-modified").to_owned();
            let again = net.ask("GET", path, &[("if-modified-since", &since)]).await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        }
        let head = net.ask("HEAD", path, &[]).await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
        assert_eq!(head.header("content-length"), plain.body.len().to_string());
    }
}

#[tokio::test]
async fn problems_say_what_is_right() {
    let net = Net::new().await;
    let mut shown = Vec::new();
    for (method, path, status) in [
        ("GET", "/feeds/conditions/nosuch:1.atom", 404),
        ("GET", "/feeds/conditions/D003924.html", 404),
        ("GET", "/feeds/organizations/nobody.atom", 404),
        ("GET", "/feeds/other.atom", 404),
        ("GET", "/feeds/all.atom?archive=1-2", 404),
        ("GET", "/feeds/all.atom?archive=64-127", 404),
        ("GET", "/feeds/all.atom?language=en", 400),
        ("GET", "/feeds/search.atom?colour=red", 400),
        ("GET", "/feeds/search.atom?condition=D999999", 400),
        ("GET", "/feeds/search.atom?after=x", 400),
        ("GET", "/v1/changes?after=-1", 400),
        ("GET", "/v1/changes?limit=0", 400),
        ("GET", "/v1/changes?since=5", 400),
        ("POST", "/feeds/all.atom", 405),
    ] {
        let answer = net.ask(method, path, &[]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (status, "application/problem+json"),
            "{path}"
        );
        shown.push(format!("{method} {path}\n    {}", answer.text()));
    }
    insta::assert_snapshot!(shown.join("\n"));
}

#[tokio::test]
async fn what_changed_and_only_that_is_rendered_again() {
    let net = Net::new().await;
    net.put(rows(1..=2, DIABETES, "clinic")).await;
    let diabetes = "/feeds/conditions/D003920.json";
    // The index has not seen a thing: the change rows alone tell what is there.
    let before = net.get(diabetes).await;
    assert_eq!(before.ids(), [2, 1]);
    net.put(rows(3..=3, ASTHMA, "clinic")).await;
    let after = net.get(diabetes).await;
    assert_eq!(after.header("etag"), before.header("etag"));
    assert_eq!(net.get("/feeds/conditions/D001249.json").await.ids(), [3]);
    assert_eq!(net.get("/feeds/all.json").await.ids(), [3, 2, 1]);

    net.indexed().await;
    assert_eq!(net.get("/feeds/search.json?q=inhaler&sort=newest").await.ids(), [3, 2, 1]);
    // Changed content, then another condition: the old feed loses the item, the new one gains it.
    let changed =
        CuratedV1 { version: 2, title: "Corrected".to_owned(), updated: instant(100), ..item(1, DIABETES, "clinic") };
    net.put(vec![row(&changed, None)]).await;
    wait_for(&net, diabetes, |answer| answer.text().contains("Corrected")).await;
    let retagged = CuratedV1 { version: 3, updated: instant(101), ..item(1, ASTHMA, "clinic") };
    net.put(vec![row(&retagged, None)]).await;
    wait_for(&net, diabetes, |answer| answer.ids() == [2]).await;
    wait_for(&net, "/feeds/conditions/D001249.json", |answer| answer.ids() == [3, 1]).await;
    let atom = net.get("/feeds/conditions/D003920.atom").await.text();
    assert!(atom.contains("<at:deleted-entry ref=\"urn:uuid:00000000-0000-0000-0000-000000000001\""), "{atom}");
    net.indexed().await;
    assert_eq!(net.get(diabetes).await.ids(), [2]);
}

/// A feed that changes all the time waits a moment before it is rendered again.
async fn wait_for(net: &Net, path: &str, good: impl Fn(&Answer) -> bool) -> Answer {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let answer = net.get(path).await;
        if good(&answer) {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "{path}: {}", answer.text());
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_withdrawal_leaves_every_feed_at_once() {
    let net = Net::new().await;
    net.put(rows(1..=3, DIABETES, "clinic")).await;
    net.indexed().await;
    let paths = ["/feeds/all", "/feeds/conditions/D003920", "/feeds/organizations/clinic", "/feeds/search"];
    let query = |path: &str| if path.ends_with("search") { "?q=inhalers" } else { "" };
    let mut updated = Vec::new();
    for path in paths {
        let answer = net.get(&format!("{path}.json{}", query(path))).await;
        assert_eq!(answer.ids(), [3, 2, 1], "{path}");
        updated.push(answer.json()["_carewire"]["updated"].as_str().expect("an instant").to_owned());
    }
    let gone = CuratedV1 { version: 2, updated: instant(200), ..item(2, DIABETES, "clinic") };
    net.put(vec![row(&gone, Some("retracted by its journal"))]).await;
    for (path, before) in paths.into_iter().zip(updated) {
        let answer = net.get(&format!("{path}.json{}", query(path))).await;
        assert_eq!(answer.ids(), [3, 1], "{path}");
        assert_ne!(answer.json()["_carewire"]["updated"].as_str(), Some(before.as_str()), "{path}: updated moves");
        let atom = net.get(&format!("{path}.atom{}", query(path))).await.text();
        assert!(atom.contains("at:deleted-entry") && atom.contains("retracted by its journal"), "{path}: {atom}");
    }
    // It comes back: no longer told of as deleted.
    let back = CuratedV1 { version: 3, updated: instant(300), ..item(2, DIABETES, "clinic") };
    net.put(vec![row(&back, None)]).await;
    let atom = wait_for(&net, "/feeds/all.atom", |answer| answer.text().contains("Item 2")).await.text();
    assert!(!atom.contains("at:deleted-entry"), "{atom}");
}

#[tokio::test]
async fn archives_and_pages_hold_everything() {
    let net = Net::new().await;
    // Dense for all, sparse for asthma.
    for n in (1..=900).step_by(100) {
        net.put(rows(n..=n + 98, DIABETES, "clinic")).await;
        net.put(rows(n + 99..=n + 99, ASTHMA, "league")).await;
    }
    net.put(rows(901..=1_050, ASTHMA, "league")).await;
    net.indexed().await;
    let paths = [
        "/feeds/all.json",
        "/feeds/conditions/D001249.json",
        "/feeds/organizations/clinic.json",
        "/feeds/search.json?q=inhaler",
    ];
    for (path, expected) in paths.into_iter().zip([1_050, 159, 891, 1_050]) {
        let (mut seen, mut pages, mut next) = (BTreeSet::new(), 0, Some(path.to_owned()));
        while let Some(url) = next {
            let answer = net.get(&url).await;
            assert_eq!(answer.status, StatusCode::OK, "{url}: {}", answer.text());
            seen.extend(answer.ids());
            pages += 1;
            assert!(answer.ids().len() <= 100 && pages < 40, "{url}");
            let json = answer.json();
            if url.contains("archive=") {
                assert_eq!(json["_carewire"]["archive"], true, "{url}");
                assert_eq!(json["_carewire"]["current"], format!("https://net.example{path}"));
            }
            next = json["next_url"].as_str().map(|url| url.trim_start_matches("https://net.example").to_owned());
        }
        assert_eq!(seen.len(), expected, "{path}: {pages} pages");
    }
    let archive = "/feeds/all.json?archive=0-63";
    let before = net.get(archive).await;
    assert_eq!(before.ids().len(), 63, "numbers begin with 1");
    net.put(rows(2_000..=2_001, ASTHMA, "league")).await;
    assert_eq!(net.get(archive).await.header("etag"), before.header("etag"), "an archive stays as it is");
}

#[tokio::test]
async fn the_sequence_can_be_followed() {
    let net = Net::new().await;
    net.put(rows(1..=5, DIABETES, "clinic")).await;
    let gone = CuratedV1 { version: 2, ..item(2, DIABETES, "clinic") };
    net.put(vec![row(&gone, Some("wrong"))]).await;
    let (mut state, mut next) = (std::collections::BTreeMap::new(), "/v1/changes?limit=2".to_owned());
    for _ in 0..10 {
        let answer = net.get(&next).await;
        assert_eq!(answer.header("content-type"), "application/x-ndjson");
        for line in answer.text().lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(line["value"]["state"], line["state"]);
            let old = state.insert(line["item"].as_str().expect("an id").to_owned(), line.clone());
            assert!(old.is_none(), "each item once here");
            if line["state"] == "withdrawn" {
                assert_eq!(
                    (line["value"]["html"].as_str(), line["value"]["withdrawn"]["reason"].as_str()),
                    (None, Some("wrong"))
                );
            }
        }
        let link = answer.header("link");
        next = link.split_once('>').expect("a link").0.trim_start_matches("<https://net.example").to_owned();
    }
    assert_eq!(state.len(), 5);
    assert_eq!(next, "/v1/changes?after=6&limit=2");
    // Nothing is there: the answer waits, and comes with the change.
    let waiting = net.get("/v1/changes?after=6&wait=30");
    let (answer, ()) = tokio::join!(waiting, net.put(rows(7..=7, ASTHMA, "league")));
    assert!(answer.text().contains("\"seq\":7"), "{}", answer.text());
    assert_eq!(net.get("/v1/changes?after=7&wait=0").await.body.len(), 0);
}

#[tokio::test]
async fn the_list_of_feeds_names_what_has_items() {
    let net = Net::new().await;
    net.put(rows(1..=1, ASTHMA, "league")).await;
    net.indexed().await;
    let text = net.get("/opml").await.text();
    for wanted in ["feeds/all.atom", "feeds/conditions/D001249.atom", "feeds/organizations/league.atom"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("organizations/clinic"));
    net.put(rows(2..=2, ASTHMA, "clinic")).await;
    net.indexed().await;
    assert!(net.get("/opml").await.text().contains("organizations/clinic"));
}
