//! What a stage holds: a producer, a member of a group, a fenced writer.

use std::sync::Arc;
use std::time::Duration;

use crate::{BusError, Position, Received, Record, embedded, kafka, metrics};

/// Sends records. Clones share one queue, which is bounded: a full one makes senders wait.
#[derive(Clone)]
pub struct Producer(ProducerInner);

#[derive(Clone)]
enum ProducerInner {
    Embedded(Arc<embedded::Log>),
    Kafka(Arc<kafka::Kafka>),
}

impl Producer {
    pub(crate) fn embedded(log: Arc<embedded::Log>) -> Producer {
        Producer(ProducerInner::Embedded(log))
    }

    pub(crate) fn kafka(kafka: Arc<kafka::Kafka>) -> Producer {
        Producer(ProducerInner::Kafka(kafka))
    }

    /// Sends one record and resolves when it is durable (acknowledged by all in-sync brokers; on disk in the embedded log).
    /// Waits as long as an outage takes. Many calls at once share requests and transactions.
    pub async fn send(&self, topic: &str, record: Record) -> Result<Position, BusError> {
        let mut positions = self.send_all(topic, vec![record]).await?;
        positions.pop().ok_or_else(|| BusError::Failed("no position came back".to_owned()))
    }

    /// Sends records in order and resolves when all are durable; the order of each key is kept. Positions in the order of
    /// `records`. After an error some may have been stored: send all again.
    pub async fn send_all(&self, topic: &str, records: Vec<Record>) -> Result<Vec<Position>, BusError> {
        let _timer = metrics::PRODUCE_SECONDS.start_timer();
        let positions = match &self.0 {
            ProducerInner::Embedded(log) => log.append(topic, records).await?,
            ProducerInner::Kafka(kafka) => kafka.produce(topic, records).await?,
        };
        metrics::PRODUCED_RECORDS.with_label_values(&[topic]).inc_by(positions.len() as u64);
        Ok(positions)
    }
}

/// A member of a group.
pub struct Consumer(ConsumerInner);

enum ConsumerInner {
    Embedded(Box<embedded::Member>),
    Kafka(Box<kafka::Member>),
}

impl Consumer {
    pub(crate) fn embedded(member: embedded::Member) -> Consumer {
        Consumer(ConsumerInner::Embedded(Box::new(member)))
    }

    pub(crate) fn kafka(member: kafka::Member) -> Consumer {
        Consumer(ConsumerInner::Kafka(Box::new(member)))
    }

    /// The next records of the partitions this member holds: at least one, or none after `max_wait`. At most `max_records`
    /// and `max_batch_bytes` (a single larger record comes alone). Partitions are taken over and given up in here only: a
    /// call says that the caller is done with what it holds of the partitions it does not find in
    /// [`assignment`](Self::assignment) afterwards. Dropping the future loses no record.
    pub async fn next_batch(&mut self, max_records: usize, max_wait: Duration) -> Result<Vec<Received>, BusError> {
        let batch = match &mut self.0 {
            ConsumerInner::Embedded(member) => member.next_batch(max_records, max_wait).await?,
            ConsumerInner::Kafka(member) => member.next_batch(max_records, max_wait).await?,
        };
        for same in batch.chunk_by(|a, b| a.topic == b.topic) {
            metrics::CONSUMED_RECORDS.with_label_values(&[&same[0].topic]).inc_by(same.len() as u64);
        }
        Ok(batch)
    }

    /// Stores positions: topic, partition and the offset of the next record to read. All are stored or none: if one of the
    /// partitions is no longer held, `NotAssigned` names those, and the caller commits the others again.
    pub async fn commit(&mut self, positions: &[(Arc<str>, i32, i64)]) -> Result<(), BusError> {
        match &mut self.0 {
            ConsumerInner::Embedded(member) => member.commit(positions).await,
            ConsumerInner::Kafka(member) => member.commit(positions).await,
        }
    }

    /// The partitions this member holds, in order.
    pub fn assignment(&self) -> Vec<(Arc<str>, i32)> {
        match &self.0 {
            ConsumerInner::Embedded(member) => member.assignment(),
            ConsumerInner::Kafka(member) => member.assignment(),
        }
    }

    /// Goes on at another offset of a partition this member holds, without committing it.
    pub async fn seek(&mut self, topic: &str, partition: i32, offset: i64) -> Result<(), BusError> {
        match &mut self.0 {
            ConsumerInner::Embedded(member) => member.seek(topic, partition, offset),
            ConsumerInner::Kafka(member) => member.seek(topic, partition, offset).await,
        }
    }

    /// Leaves the group, so that others take over at once.
    pub async fn close(self) -> Result<(), BusError> {
        match self.0 {
            ConsumerInner::Embedded(member) => member.close().await,
            ConsumerInner::Kafka(member) => member.close().await,
        }
    }
}

/// The one writer of a compacted topic; see [`crate::Bus::fenced_writer`].
pub struct FencedWriter(FencedInner);

enum FencedInner {
    Embedded(embedded::FencedWriter),
    Kafka(kafka::FencedWriter),
}

impl FencedWriter {
    pub(crate) fn embedded(writer: embedded::FencedWriter) -> FencedWriter {
        FencedWriter(FencedInner::Embedded(writer))
    }

    pub(crate) fn kafka(writer: kafka::FencedWriter) -> FencedWriter {
        FencedWriter(FencedInner::Kafka(writer))
    }

    /// Writes the batch as one transaction: all of it becomes readable or nothing. `Unavailable`: not written as far as is
    /// known, send it again from where it was read. `Fenced`: never again. Calls take turns.
    pub async fn send_all(&self, records: Vec<Record>) -> Result<Vec<Position>, BusError> {
        let _timer = metrics::PRODUCE_SECONDS.start_timer();
        let (topic, positions) = match &self.0 {
            FencedInner::Embedded(writer) => (writer.topic(), writer.send_all(records).await?),
            FencedInner::Kafka(writer) => (writer.topic(), writer.send_all(records).await?),
        };
        metrics::PRODUCED_RECORDS.with_label_values(&[topic]).inc_by(positions.len() as u64);
        Ok(positions)
    }
}
