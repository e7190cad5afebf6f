//! The embedded log: topics, groups and fencing in one SQLite file, for one machine without a service to install.
//!
//! `batch` is the format of a row of records, `schema` the tables, `ids` how partitions and offsets are numbered. `writer` is
//! the one writing connection, `group_commit` what shares one of its transactions, `reader` reads records, `heads` tells
//! readers how far each partition reaches. `team` keeps the groups: heartbeats and who holds which partition, by `plan`;
//! `member` is one member. `sweep` removes old records, by `retention` and `compaction`. `topics` makes and finds topics.
//!
//! Several processes may have the file open. What one wrote the others notice by `PRAGMA data_version`; within a process
//! readers are woken at once. A process that is killed frees the file's lock at once; one that is stopped (SIGSTOP) in the middle
//! of a transaction keeps it, and the others wait: their requests are `Unavailable` after 30 s until it wakes or dies.

mod batch;
mod compaction;
mod group_commit;
mod heads;
mod ids;
mod member;
mod plan;
mod reader;
mod retention;
mod schema;
mod sweep;
mod team;
mod topics;
mod writer;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{BusError, EmbeddedConfig, Position, Received, Record, Watermarks};
use heads::Heads;
use ids::{PartitionId, Topic};
pub(crate) use member::Member;
use schema::of_sqlx;
use team::Seat;
use writer::{Fence, Writer};

/// Reading connections of a process.
const READERS: u32 = 4;
/// Records of one request to the writer; more are cut, so that others get their turn.
const APPEND_BYTES: usize = 4 << 20;
/// Bytes that `read` gives at most.
const READ_BYTES: usize = 8 << 20;

/// The log as one process has it open. Its tasks end when the last clone of the bus and the last consumer are gone.
pub(crate) struct Log {
    core: Arc<Core>,
    _stop: DropGuard,
}

/// What the log's tasks share.
struct Core {
    config: EmbeddedConfig,
    writer: Writer,
    readers: SqlitePool,
    heads: Arc<Heads>,
    topics: RwLock<HashMap<String, Arc<Topic>>>,
    /// This process's members by their ids.
    seats: Mutex<HashMap<Arc<str>, Arc<Seat>>>,
    /// Held while assignments are read, so that an older answer cannot overwrite a newer.
    refreshing: tokio::sync::Mutex<()>,
    /// Name of this opening of the file.
    process: String,
}

impl Core {
    fn seats(&self) -> Vec<Arc<Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn partition(&self, topic: &Topic, partition: i32) -> Result<PartitionId, BusError> {
        if (0..topic.partitions).contains(&partition) {
            Ok(topic.partition(partition))
        } else {
            Err(BusError::UnknownPartition { topic: topic.name.to_string(), partition })
        }
    }
}

impl Log {
    pub(crate) async fn open(config: EmbeddedConfig) -> Result<Arc<Log>, BusError> {
        let heads = Arc::new(Heads::new());
        let conn = schema::open_writer(&config).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_lazy_with(schema::reading(&config));
        let core = Arc::new(Core {
            writer: Writer::start(conn, heads.clone(), config.queue_bytes),
            readers,
            heads,
            topics: RwLock::default(),
            seats: Mutex::default(),
            refreshing: tokio::sync::Mutex::new(()),
            process: uuid::Uuid::new_v4().to_string(),
            config,
        });
        core.refresh().await?;
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(team::watch(core.clone())));
        tokio::spawn(stop.clone().run_until_cancelled_owned(team::pulse(core.clone())));
        tokio::spawn(stop.clone().run_until_cancelled_owned(sweep::run(core.clone())));
        Ok(Arc::new(Log { core, _stop: stop.drop_guard() }))
    }

    pub(crate) async fn append(&self, topic: &str, records: Vec<Record>) -> Result<Vec<Position>, BusError> {
        let topic = self.core.topic(topic).await?;
        let mut left = prepare(&topic, records)?.into_iter().peekable();
        let mut positions = Vec::with_capacity(left.len());
        while left.peek().is_some() {
            let mut part = Vec::new();
            let mut bytes = 0;
            while let Some(record) = left.next_if(|(_, _, record)| bytes == 0 || bytes + record.size() <= APPEND_BYTES)
            {
                bytes += record.2.size().max(1);
                part.push(record);
            }
            positions.append(&mut self.core.writer.append(topic.clone(), part, None).await?);
        }
        Ok(positions)
    }

    pub(crate) async fn fenced_writer(self: Arc<Self>, topic: &str, name: &str) -> Result<FencedWriter, BusError> {
        let topic = self.core.topic(topic).await?;
        let name: Arc<str> = name.into();
        let named = name.clone();
        let epoch: i64 = self
            .core
            .writer
            .run(move |conn| {
                Box::pin(async move {
                    sqlx::query_scalar(
                        "INSERT INTO writers (name, epoch) VALUES ($1, 1)
                         ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
                    )
                    .bind(&*named)
                    .fetch_one(conn)
                    .await
                    .map_err(of_sqlx)
                })
            })
            .await?;
        Ok(FencedWriter { log: self, topic, fence: Fence { name, epoch } })
    }

    pub(crate) async fn watermarks(&self, topic: &str) -> Result<Vec<Watermarks>, BusError> {
        let topic = self.core.topic(topic).await?;
        reader::watermarks(&self.core.readers, &topic).await
    }

    pub(crate) async fn offsets_at(&self, topic: &str, time: Timestamp) -> Result<Vec<(i32, i64)>, BusError> {
        let topic = self.core.topic(topic).await?;
        reader::offsets_at(&self.core.readers, &topic, time).await
    }

    pub(crate) async fn committed(&self, team: &str, topic: &str) -> Result<Vec<(i32, Option<i64>)>, BusError> {
        let topic = self.core.topic(topic).await?;
        let stored = reader::positions(&self.core.readers, team).await?;
        Ok((0..topic.partitions)
            .map(|partition| (partition, stored.get(&topic.partition(partition)).copied()))
            .collect())
    }

    pub(crate) async fn set_committed(
        &self,
        team: &str,
        topic: &str,
        positions: &[(i32, i64)],
    ) -> Result<(), BusError> {
        let topic = self.core.topic(topic).await?;
        let positions: Vec<(PartitionId, i64)> = positions
            .iter()
            .map(|&(partition, offset)| Ok((self.core.partition(&topic, partition)?, offset)))
            .collect::<Result<_, BusError>>()?;
        let team: Arc<str> = team.into();
        self.core
            .writer
            .run(move |conn| Box::pin(async move { team::set_positions(conn, &team, &positions).await }))
            .await
    }

    pub(crate) async fn read(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
        max: usize,
    ) -> Result<Vec<Received>, BusError> {
        let topic = self.core.topic(topic).await?;
        self.core.partition(&topic, partition)?;
        let mut records = reader::fetch(&self.core.readers, &topic, partition, offset.max(0), max, READ_BYTES).await?;
        records.truncate(max);
        Ok(records)
    }

    pub(crate) async fn ping(&self) -> Result<(), BusError> {
        sqlx::query("SELECT 1 FROM topics LIMIT 1").execute(&self.core.readers).await.map(|_| ()).map_err(of_sqlx)
    }

    pub(crate) async fn backup_to(&self, file: &Path) -> Result<(), BusError> {
        let name = file.to_str().ok_or_else(|| BusError::Config("the backup's path is not UTF-8".to_owned()))?;
        if file.exists() {
            return Err(BusError::Config(format!("{name} exists already")));
        }
        sqlx::query("VACUUM INTO $1").bind(name).execute(&self.core.readers).await.map_err(of_sqlx)?;
        schema::forget_members(file).await?;
        // SQLite does not flush what it vacuums into another file.
        let flushed = async { tokio::fs::File::open(file).await?.sync_all().await }.await;
        flushed.map_err(|error| BusError::Unavailable(format!("{name}: {error}")))
    }
}

/// Chooses partitions and fills in timestamps; refuses records that are too large.
fn prepare(topic: &Topic, records: Vec<Record>) -> Result<Vec<(i32, i64, Record)>, BusError> {
    let now = Timestamp::now();
    let prepared = records.into_iter().map(|record| {
        let (size, limit) = (record.size(), topic.max_record_bytes);
        if size > limit {
            return Err(BusError::TooLarge { topic: topic.name.to_string(), size, limit });
        }
        let timestamp = record.timestamp.unwrap_or(now).as_millisecond();
        Ok((topic.partition_of(&record.key), timestamp, record))
    });
    prepared.collect()
}

/// A writer with an epoch, which is checked in the transaction of each write.
pub(crate) struct FencedWriter {
    log: Arc<Log>,
    topic: Arc<Topic>,
    fence: Fence,
}

impl FencedWriter {
    pub(crate) fn topic(&self) -> &str {
        &self.topic.name
    }

    pub(crate) async fn send_all(&self, records: Vec<Record>) -> Result<Vec<Position>, BusError> {
        let records = prepare(&self.topic, records)?;
        self.log.core.writer.append(self.topic.clone(), records, Some(self.fence.clone())).await
    }
}
