//! Positions and times, and reading without a group.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::client::{self, Quiet};
use super::errors::of_kafka;
use super::member::received;
use super::{Kafka, blocking};
use crate::{BusError, Received, Watermarks};

/// Bytes that `read` gives at most.
const READ_BYTES: usize = 8 << 20;

fn list(topic: &str, offsets: impl IntoIterator<Item = (i32, Offset)>) -> Result<TopicPartitionList, BusError> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in offsets {
        list.add_partition_offset(topic, partition, offset).map_err(of_kafka)?;
    }
    Ok(list)
}

fn watermarks_of(
    asker: &BaseConsumer<Quiet>,
    topic: &str,
    partition: i32,
    timeout: Duration,
) -> Result<Watermarks, BusError> {
    let (low, high) = asker.fetch_watermarks(topic, partition, timeout).map_err(|error| match of_kafka(error) {
        BusError::UnknownTopic(_) => BusError::UnknownPartition { topic: topic.to_owned(), partition },
        error => error,
    })?;
    Ok(Watermarks { partition, low, high })
}

impl Kafka {
    pub(crate) async fn watermarks(&self, topic: &str) -> Result<Vec<Watermarks>, BusError> {
        let partitions = self.partitions(topic).await?;
        let (asker, topic, timeout) = (self.asker.clone(), topic.to_owned(), self.config.request_timeout);
        blocking(move || (0..partitions).map(|partition| watermarks_of(&asker, &topic, partition, timeout)).collect())
            .await
    }

    pub(crate) async fn offsets_at(&self, topic: &str, time: Timestamp) -> Result<Vec<(i32, i64)>, BusError> {
        let ends = self.watermarks(topic).await?;
        // Records have milliseconds; a time between two belongs to the later.
        let millis = time.as_millisecond();
        let between = Timestamp::from_millisecond(millis).is_ok_and(|floor| floor < time);
        let times = list(topic, ends.iter().map(|end| (end.partition, Offset::Offset(millis + i64::from(between)))))?;
        let (asker, timeout) = (self.asker.clone(), self.config.request_timeout);
        let found = blocking(move || asker.offsets_for_times(times, timeout).map_err(of_kafka)).await?;
        let found = ends.into_iter().map(|end| {
            let offset = found.find_partition(topic, end.partition).map(|element| element.offset());
            match offset {
                Some(Offset::Offset(offset)) if offset >= 0 => (end.partition, offset),
                _ => (end.partition, end.high),
            }
        });
        Ok(found.collect())
    }

    pub(crate) async fn committed(&self, group: &str, topic: &str) -> Result<Vec<(i32, Option<i64>)>, BusError> {
        let partitions = self.partitions(topic).await?;
        let asked = list(topic, (0..partitions).map(|partition| (partition, Offset::Invalid)))?;
        let consumer = client::positions_of(&self.config, group)?;
        let timeout = self.config.request_timeout;
        let stored = blocking(move || consumer.committed_offsets(asked, timeout).map_err(of_kafka)).await?;
        let stored = (0..partitions).map(|partition| {
            let offset = stored.find_partition(topic, partition).map(|element| element.offset());
            (partition, offset.and_then(|offset| offset.to_raw()).filter(|&offset| offset >= 0))
        });
        Ok(stored.collect())
    }

    pub(crate) async fn set_committed(
        &self,
        group: &str,
        topic: &str,
        positions: &[(i32, i64)],
    ) -> Result<(), BusError> {
        let partitions = self.partitions(topic).await?;
        if let Some(&(partition, _)) = positions.iter().find(|(partition, _)| !(0..partitions).contains(partition)) {
            return Err(BusError::UnknownPartition { topic: topic.to_owned(), partition });
        }
        let positions = list(topic, positions.iter().map(|&(partition, offset)| (partition, Offset::Offset(offset))))?;
        let consumer = client::positions_of(&self.config, group)?;
        let group = group.to_owned();
        blocking(move || {
            // A commit from outside the group is accepted only while it has no members.
            consumer.commit(&positions, CommitMode::Sync).map_err(|error| match error.rdkafka_error_code() {
                Some(
                    RDKafkaErrorCode::UnknownMemberId
                    | RDKafkaErrorCode::IllegalGeneration
                    | RDKafkaErrorCode::RebalanceInProgress,
                ) => BusError::GroupActive(group),
                _ => of_kafka(error),
            })
        })
        .await
    }

    pub(crate) async fn read(
        self: Arc<Self>,
        topic: &str,
        partition: i32,
        offset: i64,
        max: usize,
    ) -> Result<Vec<Received>, BusError> {
        let topic = topic.to_owned();
        self.partitions(&topic).await?;
        blocking(move || {
            let timeout = self.config.request_timeout;
            let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            let ends = watermarks_of(&reader, &topic, partition, timeout)?;
            // An offset beyond the end would be out of range and start again from the beginning.
            if max == 0 || offset >= ends.high {
                return Ok(Vec::new());
            }
            let from = Offset::Offset(offset.max(ends.low));
            reader.assign(&list(&topic, [(partition, from)])?).map_err(of_kafka)?;
            let found = drain(&reader, max, Instant::now() + timeout);
            reader.unassign().map_err(of_kafka)?;
            found
        })
        .await
    }
}

/// Reads to the end of the partition, or until there is enough.
fn drain(reader: &BaseConsumer<Quiet>, max: usize, deadline: Instant) -> Result<Vec<Received>, BusError> {
    let mut found: Vec<Received> = Vec::new();
    let mut bytes = 0;
    loop {
        match reader.poll(deadline.saturating_duration_since(Instant::now())) {
            Some(Ok(message)) => {
                let record = received(&message, None)?;
                bytes += record.size();
                if !found.is_empty() && bytes > READ_BYTES {
                    return Ok(found);
                }
                found.push(record);
                if found.len() == max {
                    return Ok(found);
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(found),
            Some(Err(error)) => match of_kafka(error) {
                BusError::Unavailable(_) => {}
                error => return Err(error),
            },
            None => {}
        }
        if Instant::now() >= deadline {
            // What came so far is in order and without gaps.
            let late = || BusError::Unavailable("the broker took too long".to_owned());
            return if found.is_empty() { Err(late()) } else { Ok(found) };
        }
    }
}
