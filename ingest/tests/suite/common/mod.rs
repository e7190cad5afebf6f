//! A sandbox network: real store and bus in a throw-away folder, publishers on loopback, workers that can be stopped.

#![allow(dead_code, reason = "each test file uses its own part")]

pub mod dns;
#[path = "../../../../tests/shared/hub.rs"]
pub mod hub;
pub mod publisher;

use std::{collections::BTreeMap, future::Future, time::Duration};

use carewire_bus::{Bus, Cleanup, EmbeddedConfig, Health, Received, TopicSpec};
use carewire_fetch::{Client, FetchConfig, host_of};
use carewire_ingest::{Ingest, IngestConfig};
use carewire_schemas::{Change, EntryV1, FeedId, OrganizationId, Slug, topics};
use carewire_store::{Feed, FeedKind, NewFeed, NewOrganization, Proof, Standing, Store, StoreConfig, Target};
use publisher::Publisher;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until `what` gives something.
pub async fn eventually<T, F: Future<Output = Option<T>>>(name: &str, mut what: impl FnMut() -> F) -> T {
    let end = tokio::time::Instant::now() + DEADLINE;
    loop {
        if let Some(found) = what().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < end, "waited too long for {name}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub struct Sandbox {
    _folder: tempfile::TempDir,
    pub store: Store,
    pub bus: Bus,
    pub publisher: Publisher,
    pub organization: OrganizationId,
    pub fetch: FetchConfig,
    pub config: IngestConfig,
}

pub struct Worker {
    pub stop: CancellationToken,
    pub task: JoinHandle<anyhow::Result<()>>,
}

impl Worker {
    pub async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

impl Sandbox {
    pub async fn new() -> Sandbox {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::Sqlite(folder.path().join("network.db"));
        let store = Store::open(&StoreConfig::new(target)).await.unwrap();
        let bus = Bus::embedded(EmbeddedConfig::new(folder.path().join("log.db"))).await.unwrap();
        let topic = topics::by_name(topics::ENTRIES).unwrap();
        let entries = TopicSpec {
            name: topic.name.to_owned(),
            partitions: 2,
            replication: 1,
            cleanup: Cleanup::Forever,
            max_record_bytes: topics::MAX_RECORD_BYTES,
        };
        bus.ensure_topics(&[entries]).await.unwrap();
        let organization = NewOrganization {
            slug: Slug::new("hospital").unwrap(),
            name: "Hospital".to_owned(),
            site: None,
            country: None,
            kind: None,
            standing: Standing::Accepted,
        };
        let organization = store.add_organization(organization).await.unwrap().id;
        let fetch = FetchConfig {
            allow: vec!["127.0.0.0/8".parse().unwrap()],
            min_host_pause: Duration::ZERO,
            total_timeout: Duration::from_secs(5),
            ..FetchConfig::default()
        };
        let config = IngestConfig { lease: Duration::from_secs(20), ..IngestConfig::default() };
        Sandbox { _folder: folder, store, bus, publisher: Publisher::start().await, organization, fetch, config }
    }

    /// Registers a path of the publisher on the host 127.0.0.`host`; it is due at once.
    pub async fn add(&self, host: u8, path: &str) -> FeedId {
        self.add_url(self.publisher.url(host, path)).await
    }

    /// Registers an address; it is due at once.
    pub async fn add_url(&self, url: String) -> FeedId {
        let host = host_of(&url.parse().unwrap()).unwrap();
        let new = NewFeed {
            organization: self.organization,
            url,
            kind: FeedKind::Feed,
            title: None,
            site_url: None,
            host,
            proof: Proof::Vouched,
            interval_s: 1800,
        };
        self.store.add_feed(new).await.unwrap().id
    }

    /// Some feed, for tests that change what they need of it and write nothing.
    pub async fn feed_template(&self) -> Feed {
        let known = self.store.feeds(&carewire_store::FeedFilter::default(), None, 1).await.unwrap().pop();
        match known {
            Some(feed) => feed,
            None => {
                let id = self.add(250, "/template").await;
                self.feed(id).await
            }
        }
    }

    /// What a worker needs.
    pub fn ingest(&self) -> Ingest {
        Ingest {
            store: self.store.clone(),
            bus: self.bus.clone(),
            client: Client::new(&self.fetch).unwrap(),
            config: self.config.clone(),
            health: Health::new("ingest"),
        }
    }

    pub fn worker(&self) -> Worker {
        let stop = CancellationToken::new();
        Worker { stop: stop.clone(), task: tokio::spawn(carewire_ingest::run(self.ingest(), stop)) }
    }

    pub async fn feed(&self, id: FeedId) -> Feed {
        self.store.feed(id).await.unwrap().unwrap()
    }

    /// Waits for the end of a feed's first poll.
    pub async fn polled(&self, id: FeedId) -> Feed {
        eventually("a first poll", || async {
            let feed = self.feed(id).await;
            feed.last_poll.is_some().then_some(feed)
        })
        .await
    }

    /// Asks for a poll by hand and waits for its end.
    pub async fn poll(&self, id: FeedId) -> Feed {
        let before = self.feed(id).await;
        self.store.poll_now(id).await.unwrap();
        eventually("a poll by hand", || async {
            let feed = self.feed(id).await;
            (feed.turn > before.turn && feed.last_poll > before.last_poll && feed.next_reason != "hand").then_some(feed)
        })
        .await
    }

    /// All records of `carewire.entries`.
    pub async fn records(&self) -> Vec<Received> {
        let mut all = Vec::new();
        for partition in 0..2 {
            let mut offset = 0;
            loop {
                let batch = self.bus.read(topics::ENTRIES, partition, offset, 1000).await.unwrap();
                let Some(last) = batch.last() else { break };
                offset = last.offset + 1;
                all.extend(batch);
            }
        }
        all
    }

    /// All events so far of a feed: change, title (guid of deletions) and version, by entry.
    pub async fn events(&self, feed: FeedId) -> Vec<EntryV1> {
        let events = self
            .records()
            .await
            .into_iter()
            .map(|record| serde_json::from_slice::<EntryV1>(record.value.as_deref().unwrap()).unwrap());
        events.filter(|event| event.feed == feed).collect()
    }

    /// What happened to which guid in which version, by guid and version.
    pub async fn told(&self, feed: FeedId) -> BTreeMap<(String, i64), Change> {
        let events = self.events(feed).await.into_iter();
        events.map(|event| ((event.content.guid.unwrap_or_default(), event.version), event.change)).collect()
    }
}
