//! A member of a group.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt;
use jiff::Timestamp;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use tokio::task::JoinHandle;

use super::client::{self, Quiet};
use super::errors::of_kafka;
use super::{Kafka, blocking};
use crate::{BusError, ConsumerConfig, Received, Start, metrics};

/// Pause after an error of the client, which would otherwise repeat it at once.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a commit waits for a rebalance to end.
const REBALANCE: Duration = Duration::from_secs(5);

type Partition = (Arc<str>, i32);

/// What the group gave us, kept up to date by librdkafka's callbacks, which run within `recv` only.
#[derive(Default)]
struct Share {
    quiet: Quiet,
    state: Mutex<ShareState>,
}

#[derive(Default)]
struct ShareState {
    held: BTreeSet<Partition>,
    /// Revoked since it was last looked at.
    revoked: BTreeSet<Partition>,
}

impl Share {
    fn state(&self) -> MutexGuard<'_, ShareState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<Partition> {
    list.elements().iter().map(|element| (element.topic().into(), element.partition())).collect()
}

impl ClientContext for Share {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.quiet.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.quiet.complain(&error, reason);
    }
}

impl ConsumerContext for Share {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        metrics::REBALANCES.inc();
        let mut state = self.state();
        match rebalance {
            Rebalance::Assign(list) => state.held.extend(partitions(list)),
            Rebalance::Revoke(list) => {
                for partition in partitions(list) {
                    state.held.remove(&partition);
                    state.revoked.insert(partition);
                }
            }
            Rebalance::Error(_) => {
                let lost = std::mem::take(&mut state.held);
                state.revoked.extend(lost);
            }
        }
    }
}

type Client = StreamConsumer<Share>;

/// A member of a group.
pub(crate) struct Member {
    /// `None` only while it is being dropped.
    client: Option<Arc<Client>>,
    config: ConsumerConfig,
    request_timeout: Duration,
    /// A record that did not fit into the last batch.
    over: Option<Received>,
    /// A commit that was not answered in time.
    committing: Option<JoinHandle<KafkaResult<()>>>,
}

impl Kafka {
    pub(crate) fn join(&self, group: &str, topics: &[&str], config: ConsumerConfig) -> Result<Member, BusError> {
        let start = match config.start {
            Start::Earliest => "earliest",
            Start::Latest => "latest",
        };
        let settings = client::member(&self.config, group, start, config.max_poll_interval);
        let client: Client = settings.create_with_context(Share::default()).map_err(of_kafka)?;
        client.subscribe(topics).map_err(of_kafka)?;
        Ok(Member {
            client: Some(Arc::new(client)),
            config,
            request_timeout: self.config.request_timeout,
            over: None,
            committing: None,
        })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Closing waits for the broker.
        if let Some(client) = self.client.take() {
            std::thread::spawn(move || drop(client));
        }
    }
}

impl Member {
    fn client(&self) -> Result<&Arc<Client>, BusError> {
        self.client.as_ref().ok_or(BusError::Closed)
    }

    pub(crate) async fn next_batch(
        &mut self,
        max_records: usize,
        max_wait: Duration,
    ) -> Result<Vec<Received>, BusError> {
        let deadline = tokio::time::Instant::now() + max_wait;
        let client = self.client()?.clone();
        loop {
            let first = match self.over.is_some() {
                true => None,
                false => match tokio::time::timeout_at(deadline, client.recv()).await {
                    Ok(message) => Some(message),
                    Err(_) => return Ok(Vec::new()),
                },
            };
            // From here to the return nothing is awaited: a dropped future must not lose records.
            let mut batch = Batch::new(max_records.max(1), self.config.max_batch_bytes);
            if let Some(over) = self.over.take() {
                batch.push(over);
            }
            let mut trouble = None;
            let mut next = first.or_else(|| client.recv().now_or_never());
            while let Some(message) = next {
                batch.forget(&std::mem::take(&mut client.context().state().revoked));
                match message {
                    Ok(message) => {
                        let topic = batch.topic(message.topic());
                        self.over = batch.push(received(&message, topic)?);
                    }
                    Err(error) => trouble = Some(error),
                }
                if self.over.is_some() || trouble.is_some() || batch.is_full() {
                    break;
                }
                next = client.recv().now_or_never();
            }
            let revoked = std::mem::take(&mut client.context().state().revoked);
            batch.forget(&revoked);
            self.over.take_if(|over| revoked.contains(&(over.topic.clone(), over.partition)));
            if !batch.records.is_empty() {
                return Ok(batch.records);
            }
            if let Some(error) = trouble {
                client.context().quiet.complain(&error, "reading");
                if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
                    return Err(of_kafka(error));
                }
                tokio::time::sleep(PAUSE).await;
            }
            if tokio::time::Instant::now() >= deadline {
                return Ok(Vec::new());
            }
        }
    }

    pub(crate) async fn commit(&mut self, positions: &[(Arc<str>, i32, i64)]) -> Result<(), BusError> {
        let all = || positions.iter().map(|(topic, partition, _)| (topic.clone(), *partition));
        let client = self.client()?.clone();
        let lost: Vec<Partition> = {
            let state = client.context().state();
            all().filter(|partition| !state.held.contains(partition)).collect()
        };
        if !lost.is_empty() {
            return Err(BusError::NotAssigned(lost));
        }
        if positions.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for (topic, partition, next) in positions {
            list.add_partition_offset(topic, *partition, Offset::Offset(*next)).map_err(of_kafka)?;
        }
        let deadline = Instant::now() + REBALANCE;
        loop {
            match self.commit_once(&client, &list).await? {
                Ok(()) => return Ok(()),
                Err(error) => match error.rdkafka_error_code() {
                    // Ends without us: what we hold now we held before, or we were told.
                    Some(RDKafkaErrorCode::RebalanceInProgress) if Instant::now() < deadline => {
                        tokio::time::sleep(PAUSE).await;
                    }
                    Some(
                        RDKafkaErrorCode::IllegalGeneration
                        | RDKafkaErrorCode::UnknownMemberId
                        | RDKafkaErrorCode::FencedInstanceId
                        | RDKafkaErrorCode::RebalanceInProgress
                        | RDKafkaErrorCode::AssignmentLost,
                    ) => return Err(BusError::NotAssigned(all().collect())),
                    _ => return Err(of_kafka(error)),
                },
            }
        }
    }

    /// One commit at a time: while the coordinator is away, librdkafka keeps the request until it is back.
    async fn commit_once(
        &mut self,
        client: &Arc<Client>,
        list: &TopicPartitionList,
    ) -> Result<KafkaResult<()>, BusError> {
        let late = || BusError::Unavailable("the group's coordinator did not answer in time".to_owned());
        if let Some(before) = &mut self.committing {
            tokio::time::timeout(self.request_timeout, before).await.map_err(|_| late())?.ok();
        }
        let (client, list) = (client.clone(), list.clone());
        let commit =
            self.committing.insert(tokio::task::spawn_blocking(move || client.commit(&list, CommitMode::Sync)));
        let done = tokio::time::timeout(self.request_timeout, commit).await.map_err(|_| late())?;
        self.committing = None;
        done.map_err(|error| BusError::Failed(format!("a commit: {error}")))
    }

    pub(crate) fn assignment(&self) -> Vec<Partition> {
        self.client.as_ref().map(|client| client.context().state().held.iter().cloned().collect()).unwrap_or_default()
    }

    pub(crate) async fn seek(&mut self, topic: &str, partition: i32, offset: i64) -> Result<(), BusError> {
        let name: Partition = (topic.into(), partition);
        let client = self.client()?.clone();
        if !client.context().state().held.contains(&name) {
            return Err(BusError::NotAssigned(vec![name]));
        }
        let timeout = self.request_timeout;
        self.over.take_if(|over| over.partition == partition && *over.topic == *topic);
        blocking(move || client.seek(&name.0, partition, Offset::Offset(offset.max(0)), timeout).map_err(of_kafka))
            .await
    }

    pub(crate) async fn close(mut self) -> Result<(), BusError> {
        let client = self.client.take();
        if let Some(committing) = self.committing.take() {
            tokio::time::timeout(self.request_timeout, committing).await.ok();
        }
        let left = blocking(move || {
            drop(client);
            Ok(())
        });
        tokio::time::timeout(self.request_timeout, left)
            .await
            .unwrap_or_else(|_| Err(BusError::Unavailable("the group was not told in time".to_owned())))
    }
}

/// A batch being filled.
struct Batch {
    records: Vec<Received>,
    max_records: usize,
    room: usize,
}

impl Batch {
    fn new(max_records: usize, max_bytes: usize) -> Batch {
        Batch { records: Vec::new(), max_records, room: max_bytes }
    }

    /// Takes the record, or gives it back when it does not fit; the first always does.
    fn push(&mut self, record: Received) -> Option<Received> {
        let size = record.size();
        if !self.records.is_empty() && size > self.room {
            return Some(record);
        }
        self.room = self.room.saturating_sub(size);
        self.records.push(record);
        None
    }

    fn is_full(&self) -> bool {
        self.records.len() >= self.max_records || self.room == 0
    }

    /// Drops records of partitions that were taken away: whoever has them reads these again.
    fn forget(&mut self, revoked: &BTreeSet<Partition>) {
        if !revoked.is_empty() {
            self.records.retain(|record| !revoked.contains(&(record.topic.clone(), record.partition)));
        }
    }

    /// The name of the last record's topic if it is that one, so that a batch shares one allocation.
    fn topic(&self, name: &str) -> Option<Arc<str>> {
        self.records.last().filter(|record| &*record.topic == name).map(|record| record.topic.clone())
    }
}

/// A message as one of ours; `topic` is its topic's name if the caller has it at hand.
pub(super) fn received(message: &BorrowedMessage<'_>, topic: Option<Arc<str>>) -> Result<Received, BusError> {
    let copy = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|header| (header.key.to_owned(), copy(header.value).unwrap_or_default())).collect()
    });
    let millis = message.timestamp().to_millis().unwrap_or(0);
    Ok(Received {
        topic: topic.unwrap_or_else(|| message.topic().into()),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH),
        key: copy(message.key()).unwrap_or_default(),
        value: copy(message.payload()),
        headers,
    })
}
