//! What the store costs: CPU of this process (and wall clock) for each step of the first fetch, a round of 304s, and
//! reading. `cargo run --release -p carewire-store --example store-bench [postgres://…]`; without an address, SQLite in a
//! throw-away folder. The CPU of a PostgreSQL server is not in it.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use carewire_schemas::{ConditionCode, EntryId, FeedId, Fields, ItemId, ItemKind, Slug, StoryId, StoryRelation};
use carewire_store::{
    EntryWrite, Feed, FeedKind, FeedMeta, GroupBatch, GroupItem, GroupSource, IdentityKey, ItemChange, ItemRow,
    ItemState, NewFeed, NewOrganization, PollDone, Position, Proof, Standing, Store, StoreConfig, Target, Validators,
};
use jiff::Timestamp;
use uuid::Uuid;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const FEEDS: usize = 1_000;
const ENTRIES: usize = 40;
/// Entries a batch, as stages take them.
const BATCH: usize = 500;

/// CPU time of this process so far.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

struct Meter(Duration, Instant);

impl Meter {
    fn start() -> Self {
        Self(cpu(), Instant::now())
    }

    fn report(self, what: &str, each: &str, n: usize) {
        let (cpu, wall) = (cpu() - self.0, self.1.elapsed());
        let per = |time: Duration| time.as_secs_f64() * 1e6 / n as f64;
        println!("| {what} | {n} {each} | {:.1} µs | {:.1} µs |", per(cpu), per(wall));
    }
}

fn poll(feed: &Feed, status: i32, entries: Vec<EntryWrite>) -> PollDone {
    PollDone {
        status: Some(status),
        validators: (status == 200)
            .then(|| Validators { etag: Some("\"0123456789abcdef\"".into()), ..Validators::default() }),
        meta: FeedMeta { title: Some("A title of a feed".into()), ..FeedMeta::default() },
        problems: (status == 200).then(Vec::new),
        entries,
        ..PollDone::of(feed, Timestamp::now())
    }
}

fn entry_ids(feed: FeedId) -> Vec<EntryId> {
    (0..ENTRIES).map(|n| EntryId::derive(feed, &n.to_string())).collect()
}

/// Some bytes that do not compress further.
fn noise(len: usize) -> Vec<u8> {
    std::iter::repeat_with(|| fastrand::u8(..)).take(len).collect()
}

async fn round(store: &Store, status: i32) -> Outcome<Vec<FeedId>> {
    let mut all = Vec::new();
    loop {
        let claims = store.claim_hosts(Uuid::new_v4(), 32, 8, Duration::from_secs(120)).await?;
        if claims.is_empty() {
            return Ok(all);
        }
        let mut ends = Vec::new();
        for feed in claims.iter().flat_map(|claim| &claim.feeds) {
            let mut entries = Vec::new();
            if status == 200 {
                let ids = entry_ids(feed.id);
                store.known_entries(feed.id, &ids).await?;
                entries.extend(ids.into_iter().map(|entry| EntryWrite {
                    entry,
                    hash: fastrand::i64(..),
                    version: feed.turn,
                    deleted: false,
                    revision: noise(700),
                    link: Some(fastrand::i64(..)),
                    page: None,
                }));
            }
            all.push(feed.id);
            ends.push(poll(feed, status, entries));
        }
        store.finish_polls(ends).await?;
        for claim in &claims {
            store.release_host(&claim.lease).await?;
        }
    }
}

fn item(id: ItemId) -> ItemRow {
    let fields = Fields {
        about: vec![ConditionCode("D003924".into())],
        mentioned: vec![ConditionCode("D009765".into())],
        organizations: vec!["an-organization".into()],
        kind: ItemKind::Article,
        language: Some("en".into()),
        published: 1_700_000_000_000,
        text_hash: fastrand::u64(..),
        duration: None,
        ..Default::default()
    };
    ItemRow {
        id,
        version: 1,
        state: ItemState::Curated,
        first: None,
        seq: None,
        story: StoryId::derive(id),
        published: 1_700_000_000_000 + fastrand::i64(0..1_000_000_000),
        updated: 1_700_000_000_000,
        rule: "accepted-organization".into(),
        content: "x".repeat(2_500),
        meta: "y".repeat(400),
        fields: Some(fields),
        decided: None,
        public_version: 1,
    }
}

#[tokio::main]
async fn main() -> Outcome {
    let folder = std::env::temp_dir().join(format!("carewire-store-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("store.db");
    let target = std::env::args().nth(1).map_or_else(|| Target::Sqlite(file.clone()), Target::Postgres);
    let store = Store::open(&StoreConfig::new(target)).await?;
    println!("| step | | CPU each | wall each |\n| --- | --- | --- | --- |");

    let meter = Meter::start();
    let slug = Slug::new(format!("bench-{}", std::process::id()))?;
    let organization = NewOrganization {
        slug,
        name: "An organization".into(),
        site: None,
        country: None,
        kind: None,
        standing: Standing::Accepted,
    };
    let organization = store.add_organization(organization).await?.id;
    let feeds = (0..FEEDS).map(|n| NewFeed {
        organization,
        url: format!("https://h{}.example/{n}?{}", n % 125, std::process::id()),
        kind: FeedKind::Feed,
        title: None,
        site_url: None,
        host: format!("h{}.example", n % 125),
        proof: Proof::Vouched,
        interval_s: 1800,
    });
    store.add_feeds(feeds.collect()).await?;
    meter.report("register", "feeds", FEEDS);

    let meter = Meter::start();
    let feeds = round(&store, 200).await?;
    meter.report("claim, known entries, write back", "entries", feeds.len() * ENTRIES);

    let lease = store.acquire_lease("bench", Uuid::new_v4(), Duration::from_secs(600)).await?.ok_or("no lease")?;
    let entries: Vec<(FeedId, EntryId)> =
        feeds.iter().flat_map(|feed| entry_ids(*feed).into_iter().map(move |entry| (*feed, entry))).collect();
    let meter = Meter::start();
    for (n, batch) in entries.chunks(BATCH).enumerate() {
        let keys: Vec<IdentityKey> = batch
            .iter()
            .flat_map(|(_, entry)| [1, 2].map(|kind| IdentityKey { kind, key: *entry.0.as_bytes() }))
            .collect();
        let ids: Vec<EntryId> = batch.iter().map(|(_, entry)| *entry).collect();
        store.group_state(&ids, &keys).await?;
        let mut write = GroupBatch::default();
        for (feed, entry) in batch {
            let item = ItemId::derive(*entry);
            write.sources.push(GroupSource {
                entry: *entry,
                feed: *feed,
                item,
                version: 1,
                run: 0,
                deleted: false,
                body: noise(1_000),
            });
            write.items.push(GroupItem {
                item,
                version: 1,
                story: StoryId::derive(item),
                relation: StoryRelation::First,
                published: fastrand::i64(0..1_000_000_000),
                first_seen: 0,
                body: noise(120),
                index: noise(250),
            });
        }
        write.identities = keys.iter().map(|key| (*key, ItemId(Uuid::from_bytes(key.key)))).collect();
        let position =
            Position { consumer: "group".into(), topic: "t".into(), partition: 0, next_offset: (n * BATCH) as i64 };
        write.positions.push(position);
        store.group_apply(&lease, write).await?;
    }
    meter.report("group: state and apply", "entries", entries.len());

    let meter = Meter::start();
    for batch in entries.chunks(BATCH) {
        let ids: Vec<ItemId> = batch.iter().map(|(_, entry)| ItemId::derive(*entry)).collect();
        let rows: Vec<ItemRow> = ids.iter().map(|id| item(*id)).collect();
        let change = |_: &carewire_store::ItemsView| {
            Ok(rows.iter().cloned().map(|row| ItemChange { row, decision: None }).collect())
        };
        store.change_items(ids, &[], None, change).await?;
    }
    meter.report("sink: change items", "items", entries.len());

    for feed in &feeds {
        store.poll_now(*feed).await?;
    }
    let meter = Meter::start();
    let polled = round(&store, 304).await?.len();
    meter.report("claim and write back 304", "feeds", polled);

    let meter = Meter::start();
    for n in 0..200 {
        store.latest(Some(20_000 + n), 100).await?;
    }
    meter.report("latest, 100 rows", "calls", 200);
    let ids: Vec<ItemId> = entries.iter().step_by(400).map(|(_, entry)| ItemId::derive(*entry)).collect();
    let meter = Meter::start();
    for _ in 0..200 {
        store.contents(&ids).await?;
    }
    meter.report("contents of 100 items anywhere", "calls", 200);
    let meter = Meter::start();
    let mut after = 0;
    while let carewire_store::Changes::Rows(rows) = store.changes(after, 500).await? {
        let Some(last) = rows.last() else { break };
        after = last.seq;
    }
    meter.report("change log, in order", "changes", usize::try_from(after)?);
    store.close().await;
    if let Ok(meta) = std::fs::metadata(&file) {
        println!("\nfile: {} MB", meta.len() / 1_000_000);
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
