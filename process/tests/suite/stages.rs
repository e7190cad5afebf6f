//! The two stages on real parts: the embedded bus and an SQLite store.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::entries::{at, entry, html, text};
use carewire_bus::{Bus, Cleanup, EmbeddedConfig, Health, TopicSpec, stage::event_record};
use carewire_process::{GroupDeps, Policy, PolicyConfig, TagDeps, run_group, run_tag};
use carewire_schemas::{
    Change, DeadLetterV1, EntryV1, EventHeaders, FeedId, ItemId, ItemV1, OutcomeState, Slug, TraceParent,
    cloudevents::encode, topics,
};
use carewire_store::{FeedKind, NewFeed, NewOrganization, Proof, Standing, Store, StoreConfig, Target};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

/// Everything that a test needs, in a folder of its own.
struct Sandbox {
    bus: Bus,
    store: Store,
    _folder: tempfile::TempDir,
}

/// A running stage.
struct Stage {
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
    health: Health,
}

impl Stage {
    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(20), self.task).await.expect("drains in time").unwrap().unwrap();
    }

    /// Drops the stage in the middle of whatever it does.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

impl Sandbox {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = EmbeddedConfig::new(folder.path().join("log.db"));
        config.member_timeout = Duration::from_secs(1);
        let bus = Bus::embedded(config).await.unwrap();
        let topics: Vec<TopicSpec> = topics::ALL
            .iter()
            .map(|topic| TopicSpec {
                name: topic.name.to_owned(),
                partitions: 3,
                replication: 1,
                cleanup: Cleanup::Forever,
                max_record_bytes: topics::MAX_RECORD_BYTES,
            })
            .collect();
        bus.ensure_topics(&topics).await.unwrap();
        let store = Store::open(&StoreConfig::new(Target::Sqlite(folder.path().join("store.db")))).await.unwrap();
        Self { bus, store, _folder: folder }
    }

    /// Registers an accepted organization with one proven feed; the feed.
    async fn organization(&self, number: u8, proof: Proof) -> FeedId {
        let organization = self
            .store
            .add_organization(NewOrganization {
                slug: Slug::new(format!("org{number}")).unwrap(),
                name: format!("Organization {number}"),
                site: Some(format!("https://org{number}.example/")),
                country: None,
                kind: None,
                standing: Standing::Accepted,
            })
            .await
            .unwrap();
        let feed = self.store.add_feed(new_feed(organization.id, number, proof)).await.unwrap();
        feed.id
    }

    fn tag(&self) -> Stage {
        let (stop, health) = (CancellationToken::new(), Health::new("tag"));
        let deps = TagDeps { bus: self.bus.clone(), threads: 2, health: health.clone() };
        Stage { task: tokio::spawn(run_tag(deps, stop.clone())), stop, health }
    }

    fn group(&self) -> Stage {
        let (stop, health) = (CancellationToken::new(), Health::new("group"));
        let deps = GroupDeps {
            bus: self.bus.clone(),
            store: self.store.clone(),
            policy: Arc::new(Policy::new(PolicyConfig::default()).unwrap()),
            health: health.clone(),
        };
        Stage { task: tokio::spawn(run_group(deps, stop.clone())), stop, health }
    }

    async fn produce(&self, entries: &[EntryV1]) {
        let topic = topics::by_name(topics::ENTRIES).unwrap();
        let records = entries.iter().map(|entry| {
            let headers = EventHeaders::new(topic, "test", entry.entry.to_string(), entry.version, TraceParent::new());
            event_record(&headers, encode(entry).unwrap())
        });
        self.bus.producer().send_all(topics::ENTRIES, records.collect()).await.unwrap();
    }

    /// All records of a topic that are this event, with their trace.
    async fn read<T: serde::de::DeserializeOwned>(&self, topic: &str) -> Vec<(T, TraceParent)> {
        let mut events = Vec::new();
        for partition in 0..3 {
            let mut offset = 0;
            loop {
                let records = self.bus.read(topic, partition, offset, 500).await.unwrap();
                let Some(last) = records.last() else { break };
                offset = last.offset + 1;
                for record in &records {
                    let event = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
                    events.push((event, carewire_bus::stage::trace_of(record)));
                }
            }
        }
        events
    }

    /// The last state of each item on the topic.
    async fn items(&self) -> BTreeMap<ItemId, ItemV1> {
        self.read::<ItemV1>(topics::ITEMS).await.into_iter().map(|(item, _)| (item.item, item)).collect()
    }

    /// Waits until the items are as wanted.
    async fn until(&self, what: &str, wanted: impl Fn(&BTreeMap<ItemId, ItemV1>) -> bool) -> BTreeMap<ItemId, ItemV1> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let items = self.items().await;
            if wanted(&items) {
                return items;
            }
            assert!(Instant::now() < deadline, "{what}: {} items: {:#?}", items.len(), items.values().next());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn of_feed(mut entry: EntryV1, feed: FeedId) -> EntryV1 {
    entry.entry = carewire_schemas::EntryId::derive(feed, entry.content.guid.as_deref().unwrap());
    entry.feed = feed;
    entry
}

/// An entry of organization `number` with the given page and body.
fn story(number: u8, feed: FeedId, page: u64, body: u64) -> EntryV1 {
    let mut entry = of_feed(entry(number, &format!("g{page}"), page as i64), feed);
    entry.content.url = Some(format!("https://org{number}.example/{page}"));
    entry.content.title = html(&format!("Title {body} of diabetes page{page} at place{number}"));
    entry.content.body = html(&format!("<p>{}</p><script>x()</script>", text(body)));
    entry
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_entry_to_item() {
    let sandbox = Sandbox::new().await;
    let (one, two) = (sandbox.organization(1, Proof::Proven).await, sandbox.organization(2, Proof::None).await);
    let (tag, group) = (sandbox.tag(), sandbox.group());
    let mut entries: Vec<EntryV1> = (0..40).map(|page| story(1, one, page, page)).collect();
    entries.extend((0..10).map(|page| story(2, two, 100 + page, page)));
    entries.extend((10..20).map(|page| story(2, two, 100 + page, 1000 + page)));
    sandbox.produce(&entries).await;
    let items = sandbox.until("50 items", |items| items.len() == 50).await;
    assert!(tag.health.trouble().is_none() && group.health.trouble().is_none());
    let held: Vec<_> = items.values().filter(|item| item.outcome.state == OutcomeState::Held).collect();
    assert_eq!(held.len(), 10);
    assert!(held.iter().all(|item| item.outcome.rule == "feed-unproven"));
    let item = items.values().find(|item| item.outcome.state == OutcomeState::Curated).unwrap();
    assert!(item.cleaned.conditions.iter().any(|tag| tag.code.as_str() == "D003920"), "{:?}", item.cleaned.conditions);
    assert!(item.cleaned.html.starts_with("<p>word") && !item.cleaned.html.contains("script"));
    assert_eq!(item.cleaned.text, "");

    // The feed is proven: what was held is curated, and the copies show as sources.
    sandbox.store.set_proof(two, Proof::Proven).await.unwrap();
    let items = sandbox
        .until("all curated", |items| items.values().all(|item| item.outcome.state == OutcomeState::Curated))
        .await;
    assert_eq!(items.values().filter(|item| item.sources.len() == 2).count(), 10);

    // A correction, and a withdrawal.
    let mut changed = story(1, one, 3, 3);
    (changed.version, changed.change) = (2, Change::Changed);
    changed.content.title = html("Corrected");
    let mut gone = story(1, one, 4, 4);
    (gone.version, gone.change, gone.seen) = (2, Change::Deleted, at(90));
    gone.content = Default::default();
    sandbox.produce(&[changed, gone]).await;
    let done = |items: &BTreeMap<ItemId, ItemV1>| {
        items.values().any(|item| item.cleaned.title == "Corrected")
            && items.values().any(|item| item.withdrawn.is_some())
    };
    let items = sandbox.until("corrected and withdrawn", done).await;
    assert_eq!(items.len(), 50);
    tag.stop().await;
    group.stop().await;

    // The trace goes through.
    let traces = |events: Vec<TraceParent>| events.into_iter().map(|trace| trace.trace).collect::<BTreeSet<_>>();
    let entries = traces(sandbox.read::<EntryV1>(topics::ENTRIES).await.into_iter().map(|(_, trace)| trace).collect());
    let tagged = sandbox.read::<carewire_schemas::TaggedV1>(topics::TAGGED).await;
    assert_eq!(entries, traces(tagged.into_iter().map(|(_, trace)| trace).collect()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_never_be_handled_is_put_aside() {
    let sandbox = Sandbox::new().await;
    let one = sandbox.organization(1, Proof::Proven).await;
    let (tag, group) = (sandbox.tag(), sandbox.group());
    let topic = topics::by_name(topics::ENTRIES).unwrap();
    let headers = EventHeaders::new(topic, "test", "broken".to_owned(), 1, TraceParent::new());
    let unknown = EventHeaders { r#type: "carewire.entry.v9".to_owned(), ..headers.clone() };
    let producer = sandbox.bus.producer();
    for record in [event_record(&headers, b"{no json".to_vec()), event_record(&unknown, b"{}".to_vec())] {
        producer.send(topics::ENTRIES, record.clone()).await.unwrap();
        producer.send(topics::TAGGED, record).await.unwrap();
    }
    sandbox.produce(&[story(1, one, 1, 1)]).await;
    sandbox.until("the good one", |items| items.len() == 1).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let letters = sandbox.read::<DeadLetterV1>(topics::DEAD_LETTERS).await;
        let stages: Vec<_> = letters.iter().map(|(letter, _)| letter.stage.as_str()).collect();
        if stages.iter().filter(|stage| **stage == "tag").count() == 2
            && stages.iter().filter(|stage| **stage == "group").count() == 2
        {
            break;
        }
        assert!(Instant::now() < deadline, "{letters:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tag.stop().await;
    group.stop().await;
}

/// Workers that are dropped in mid-work, again and again, two of each at a time: every entry ends in one item, and
/// versions of an item never go back on the topic.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_lose_and_double_nothing() {
    let sandbox = Sandbox::new().await;
    let one = sandbox.organization(1, Proof::Proven).await;
    let two = sandbox.organization(2, Proof::Vouched).await;
    let mut stages = vec![sandbox.tag(), sandbox.tag(), sandbox.group(), sandbox.group()];
    for round in 0..4u64 {
        let pages = round * 50..(round + 1) * 50;
        let entries = pages.flat_map(|page| [story(1, one, page, page), story(2, two, 1_000 + page, page)]);
        sandbox.produce(&entries.collect::<Vec<_>>()).await;
        sandbox.until("some progress", |items| items.len() as u64 > round * 30).await;
        for (at, stage) in std::mem::take(&mut stages).into_iter().enumerate() {
            stage.kill().await;
            stages.push(if at < 2 { sandbox.tag() } else { sandbox.group() });
        }
    }
    let complete =
        |items: &BTreeMap<ItemId, ItemV1>| items.values().map(|item| item.sources.len()).sum::<usize>() >= 400;
    let items = sandbox.until("all entries", complete).await;
    assert_eq!(items.len(), 200, "each with its copy");
    assert!(items.values().all(|item| item.sources.len() == 2));
    let entries: BTreeSet<_> = items.values().flat_map(|item| item.sources.iter().map(|source| source.entry)).collect();
    assert_eq!(entries.len(), 400);
    for stage in stages {
        stage.stop().await;
    }
    let mut versions: BTreeMap<ItemId, i64> = BTreeMap::new();
    for (item, _) in sandbox.read::<ItemV1>(topics::ITEMS).await {
        let last = versions.entry(item.item).or_default();
        assert!(item.version >= *last, "{} went from {last} to {}", item.item, item.version);
        *last = item.version;
    }
}

fn new_feed(organization: carewire_schemas::OrganizationId, number: u8, proof: Proof) -> NewFeed {
    NewFeed {
        organization,
        url: format!("https://org{number}.example/feed.xml"),
        kind: FeedKind::Feed,
        title: None,
        site_url: None,
        host: format!("org{number}.example"),
        proof,
        interval_s: 600,
    }
}
