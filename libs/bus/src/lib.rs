//! The event bus: Apache Kafka, or a durable log embedded in an SQLite file, behind one type.
//!
//! Stages talk through topics: keyed records in partitions, read by groups whose members share the partitions and commit
//! how far they came. Delivery is at least once; effects are versioned by the stages, so a repeat is harmless and a loss is
//! not. Nothing above this crate asks which half it has:
//!
//! - `kafka`: librdkafka, idempotent and with acks=all, patient with a broker that is away.
//! - `embedded`: the same promises for one machine without a service to install; several processes may open the file.
//!
//! One suite, `tests/conformance`, runs the same tests against both, the real broker included.
//!
//! `types` are records and topics, `config` the settings, `handles` what a stage holds (producer, consumer, fenced writer).

mod behind;
mod config;
mod embedded;
mod error;
mod handles;
mod health;
mod kafka;
mod metrics;
pub mod stage;
mod types;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

pub use config::{ConsumerConfig, EmbeddedConfig, Extra, KafkaConfig, Protocol, Secret, Security, Start};
pub use error::BusError;
pub use handles::{Consumer, FencedWriter, Producer};
pub use health::Health;
pub use types::{Cleanup, Position, Received, Record, TopicSpec, Watermarks};

/// The bus. Clones share everything.
#[derive(Clone)]
pub struct Bus(Inner);

#[derive(Clone)]
enum Inner {
    Embedded(Arc<embedded::Log>),
    Kafka(Arc<kafka::Kafka>),
}

impl Bus {
    /// Opens the embedded log, and creates its file when missing. Several processes may have it open at once.
    pub async fn embedded(config: EmbeddedConfig) -> Result<Bus, BusError> {
        Ok(Bus(Inner::Embedded(embedded::Log::open(config).await?)))
    }

    /// Prepares to talk to Kafka. Never waits for a broker: clients connect by themselves, now or later.
    pub fn kafka(config: KafkaConfig) -> Result<Bus, BusError> {
        Ok(Bus(Inner::Kafka(kafka::Kafka::new(config)?)))
    }

    /// Makes the topics that are missing. An existing one that differs is left as it is, with a warning in the log.
    /// `Unavailable` while the broker is away: the caller tries again.
    pub async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        match &self.0 {
            Inner::Embedded(log) => log.ensure_topics(topics).await,
            Inner::Kafka(kafka) => kafka.ensure_topics(topics).await,
        }
    }

    /// The process's producer; clones of one, which was made early.
    pub fn producer(&self) -> Producer {
        match &self.0 {
            Inner::Embedded(log) => Producer::embedded(log.clone()),
            Inner::Kafka(kafka) => Producer::kafka(kafka.clone()),
        }
    }

    /// Joins the group. Partitions arrive with the first calls of [`Consumer::next_batch`], and go on being shared among
    /// the group's members; dropping the consumer without [`Consumer::close`] counts as its death.
    pub async fn consumer(&self, group: &str, topics: &[&str], config: ConsumerConfig) -> Result<Consumer, BusError> {
        match &self.0 {
            Inner::Embedded(log) => Ok(Consumer::embedded(log.join(group, topics, config).await?)),
            Inner::Kafka(kafka) => Ok(Consumer::kafka(kafka.join(group, topics, config)?)),
        }
    }

    /// Becomes the one writer of that name to the topic; whoever was it before can never write again (its next write ends
    /// with `Fenced`). Only one fenced writer of a topic should exist at a time: names tell topics apart, not writers.
    pub async fn fenced_writer(&self, topic: &str, name: &str) -> Result<FencedWriter, BusError> {
        match &self.0 {
            Inner::Embedded(log) => Ok(FencedWriter::embedded(log.clone().fenced_writer(topic, name).await?)),
            Inner::Kafka(kafka) => Ok(FencedWriter::kafka(kafka.fenced_writer(topic, name).await?)),
        }
    }

    /// The ends of each partition, in order of partition.
    pub async fn watermarks(&self, topic: &str) -> Result<Vec<Watermarks>, BusError> {
        match &self.0 {
            Inner::Embedded(log) => log.watermarks(topic).await,
            Inner::Kafka(kafka) => kafka.watermarks(topic).await,
        }
    }

    /// For each partition the offset of the first record at or after `time`, or the high watermark where there is none.
    pub async fn offsets_at(&self, topic: &str, time: Timestamp) -> Result<Vec<(i32, i64)>, BusError> {
        match &self.0 {
            Inner::Embedded(log) => log.offsets_at(topic, time).await,
            Inner::Kafka(kafka) => kafka.offsets_at(topic, time).await,
        }
    }

    /// For each partition the offset at which the group goes on, if it ever committed one.
    pub async fn committed(&self, group: &str, topic: &str) -> Result<Vec<(i32, Option<i64>)>, BusError> {
        match &self.0 {
            Inner::Embedded(log) => log.committed(group, topic).await,
            Inner::Kafka(kafka) => kafka.committed(group, topic).await,
        }
    }

    /// Moves the group, for replay: partition and the offset to go on with. `GroupActive` while it has living members.
    pub async fn set_committed(&self, group: &str, topic: &str, positions: &[(i32, i64)]) -> Result<(), BusError> {
        match &self.0 {
            Inner::Embedded(log) => log.set_committed(group, topic, positions).await,
            Inner::Kafka(kafka) => kafka.set_committed(group, topic, positions).await,
        }
    }

    /// Reads without a group: up to `max` records (and 8 MiB, but at least one) from `offset` on, or from the low watermark
    /// when that is later. Empty at the end of the partition. Only committed records.
    pub async fn read(&self, topic: &str, partition: i32, offset: i64, max: usize) -> Result<Vec<Received>, BusError> {
        match &self.0 {
            Inner::Embedded(log) => log.read(topic, partition, offset, max).await,
            Inner::Kafka(kafka) => kafka.clone().read(topic, partition, offset, max).await,
        }
    }

    /// Whether the bus answers; for `/readyz`. Takes 3 s at most.
    pub async fn ping(&self) -> Result<(), BusError> {
        match &self.0 {
            Inner::Embedded(log) => log.ping().await,
            Inner::Kafka(kafka) => kafka.ping().await,
        }
    }

    /// Writes a consistent copy of the embedded log to `file`, which must not exist, while everything runs on.
    /// `Unsupported` on Kafka.
    pub async fn backup_to(&self, file: &Path) -> Result<(), BusError> {
        match &self.0 {
            Inner::Embedded(log) => log.backup_to(file).await,
            Inner::Kafka(_) => Err(BusError::Unsupported("Kafka is backed up by its own means".to_owned())),
        }
    }
}
