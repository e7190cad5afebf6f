//! A network in a folder of its own: a real SQLite store, a real index that follows it, and the portal over both.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use carewire_conditions::Vocabulary;
use carewire_fetch::{Client, FetchConfig};
use carewire_portal::PortalState;
use carewire_query::{SearchIndex, public};
use carewire_schemas::{
    Cleaned, ConditionCode, ConditionTag, EntryId, Evidence, FeedId, Field, ItemId, ItemKind, ItemV1, Outcome,
    OutcomeState, PipelineVersion, Role as TagRole, Source, StoryId, StoryRelation, Withdrawal,
};
use carewire_store::{
    Feed, FeedKind, ItemChange, NewFeed, NewOrganization, Organization, Proof, Role, Standing, Store, StoreConfig,
    StoreError, Target,
};
use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;
use url::Url;
use uuid::Uuid;

pub const DIABETES: &str = "D003924";

pub struct Network {
    pub store: Store,
    pub index: Arc<SearchIndex>,
    pub router: Router,
    pub organization: Organization,
    pub feed: Feed,
    pub tokens: Tokens,
    _stop: DropGuard,
    _folder: tempfile::TempDir,
}

/// Secrets by role.
pub struct Tokens {
    pub operator: String,
    pub curator: String,
    pub member: String,
    pub other_member: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("answers are UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

pub async fn network() -> Network {
    network_at("https://care.example/").await
}

/// A network that is reached at `address`.
pub async fn network_at(address: &str) -> Network {
    let folder = tempfile::tempdir().expect("a folder");
    let config = StoreConfig::new(Target::Sqlite(folder.path().join("carewire.db")));
    let store = Store::open(&config).await.expect("a store");
    let vocabulary = Vocabulary::bundled();
    let index = Arc::new(SearchIndex::open(None).expect("an index"));
    let stop = CancellationToken::new();
    tokio::spawn({
        let (index, store, stop) = (Arc::clone(&index), store.clone(), stop.clone());
        async move { index.follow(&store, vocabulary, &stop).await }
    });
    let organization = organization(&store, "st-anne", "St. Anne <Hospital>", Standing::Accepted).await;
    let other = self::organization(&store, "kidney-society", "Kidney Society", Standing::Accepted).await;
    let feed = NewFeed {
        organization: organization.id,
        url: "https://st-anne.example/feed.xml".to_owned(),
        kind: FeedKind::Feed,
        title: Some("St. Anne news".to_owned()),
        site_url: None,
        host: "st-anne.example".to_owned(),
        proof: Proof::Vouched,
        interval_s: 1800,
    };
    let feed = store.add_feed(feed).await.expect("a feed");
    let token = async |name: &str, role, organization: Option<&Organization>| {
        store.create_token(name, role, organization.map(|one| one.id), None).await.expect("a token").1
    };
    let tokens = Tokens {
        operator: token("olga", Role::Operator, None).await,
        curator: token("carl", Role::Curator, None).await,
        member: token("mary", Role::Member, Some(&organization)).await,
        other_member: token("kim", Role::Member, Some(&other)).await,
    };
    let public_url = Url::parse(address).expect("an address");
    // What is checked in tests is served on loopback.
    let fetch = FetchConfig {
        allow: vec!["127.0.0.0/8".parse().expect("a range")],
        min_host_pause: Duration::from_millis(1),
        ..FetchConfig::default()
    };
    let client = Client::new(&fetch).expect("a client");
    let state =
        PortalState::new(store.clone(), client, Arc::clone(&index), vocabulary, &public_url, Vec::new(), "Carewire");
    let router = carewire_portal::router(state);
    Network { store, index, router, organization, feed, tokens, _stop: stop.drop_guard(), _folder: folder }
}

pub async fn organization(store: &Store, slug: &str, name: &str, standing: Standing) -> Organization {
    let new = NewOrganization {
        slug: slug.parse().expect("a slug"),
        name: name.to_owned(),
        site: Some(format!("https://{slug}.example/")),
        country: Some("AT".to_owned()),
        kind: Some("hospital".to_owned()),
        standing,
    };
    store.add_organization(new).await.expect("an organization")
}

/// An item as grouping makes them; the same number gives the same item.
pub fn item(network: &Network, number: u32, title: &str, state: OutcomeState) -> ItemV1 {
    let feed = FeedId(Uuid::from_u128(7));
    let entry = EntryId::derive(feed, &number.to_string());
    let id = ItemId::derive(entry);
    let published: Timestamp = "2026-11-01T08:00:00Z".parse().expect("an instant");
    let published = Timestamp::from_second(published.as_second() + i64::from(number) * 60).expect("in range");
    let rule = match state {
        OutcomeState::Curated => "accepted-organization",
        OutcomeState::Held => "feed-unproven",
        OutcomeState::Refused => "not-health",
    };
    ItemV1 {
        item: id,
        version: 1,
        story: StoryId::derive(id),
        relation: StoryRelation::First,
        cleaned: Cleaned {
            title: title.to_owned(),
            url: Some(format!("https://st-anne.example/{number}")),
            summary: format!("{title}: what to know."),
            html: format!("<p>{title}</p><img src=\"https://tracker.example/p.png\" alt=\"A chart\">"),
            text: title.to_owned(),
            language: Some("en".to_owned()),
            kind: ItemKind::Article,
            published: Some(published),
            conditions: vec![ConditionTag {
                code: ConditionCode(DIABETES.to_owned()),
                name: "Type 2 Diabetes Mellitus".to_owned(),
                role: TagRole::About,
                score: 0.875,
                negated: false,
                qualifier: None,
                topic: false,
                evidence: vec![Evidence { text: "type 2 diabetes".to_owned(), start: 0, end: 15, field: Field::Title }],
            }],
            ..Cleaned::default()
        },
        sources: vec![Source {
            entry,
            feed: network.feed.id,
            organization: network.organization.id,
            slug: network.organization.slug.to_string(),
            name: network.organization.name.clone(),
            url: Some(format!("https://st-anne.example/{number}")),
            published: Some(published),
        }],
        outcome: Outcome { state, rule: rule.to_owned(), reason: format!("rule {rule}") },
        withdrawn: None,
        history: false,
        pipeline: PipelineVersion { code: 1, vocabulary: "test".to_owned(), run: 0 },
        first_seen: published,
    }
}

impl Network {
    /// Takes items in as the sink does, and waits until the index has them.
    pub async fn put(&self, items: Vec<ItemV1>) {
        let now = "2026-11-02T08:00:00Z".parse().expect("an instant");
        let ids = items.iter().map(|item| item.item).collect();
        let change = |view: &carewire_store::ItemsView| {
            items
                .iter()
                .map(|item| {
                    let row = public::make_row(item, view.rows.get(&item.item), &[], Vocabulary::bundled(), now)
                        .map_err(|error| StoreError::Database(error.to_string()))?;
                    Ok(ItemChange { row, decision: None })
                })
                .collect()
        };
        self.store.change_items(ids, &[], None, change).await.expect("items are taken in");
        self.indexed().await;
    }

    /// Waits until the index has everything.
    pub async fn indexed(&self) {
        let last = self.store.last_seq().await.expect("a number");
        let mut position = self.index.watch();
        let reached = position.wait_for(|position| *position >= last);
        tokio::time::timeout(Duration::from_secs(20), reached).await.expect("the index follows").expect("it is open");
    }

    /// Withdraws an item as its publisher would.
    pub async fn withdraw(&self, mut item: ItemV1, reason: &str) {
        item.version += 1;
        let at = "2026-11-03T08:00:00Z".parse().expect("an instant");
        item.withdrawn = Some(Withdrawal { at, reason: reason.to_owned() });
        self.put(vec![item]).await;
    }

    pub async fn send(&self, method: &str, path: &str, token: Option<&str>, body: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_owned()));
        self.answer(request.body(body).expect("a request")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, None).await
    }

    pub async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("answers never fail");
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 64 << 20).await.expect("a body").to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

/// The same JSON with what differs from run to run replaced: ids, instants, secrets.
pub fn settled(mut value: Value) -> Value {
    settle(&mut value);
    value
}

fn settle(value: &mut Value) {
    match value {
        Value::String(text) => {
            if text.parse::<Timestamp>().is_ok() {
                *text = "[time]".to_owned();
            } else if text.parse::<Uuid>().is_ok() {
                *text = "[id]".to_owned();
            } else if text.starts_with("cw_") {
                *text = "[secret]".to_owned();
            } else {
                for part in text.clone().split(['/', '=', '`', '.', '&', ' ']) {
                    if part.len() == 36 && part.parse::<Uuid>().is_ok() {
                        *text = text.replace(part, "[id]");
                    }
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(settle),
        Value::Object(members) => members.values_mut().for_each(settle),
        _ => {}
    }
}
