//! The loop that every stage runs: read a batch, hand it over, commit when its effects are durable.
//!
//! A stage commits its offset only after its handler returned well. Trouble that passes (bus or database away) makes
//! it wait with back-off and try the same batch again; what can never be handled is the handler's to put aside
//! ([`dead_letter`]), so that one bad record stops nobody.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use carewire_schemas::{DeadLetterV1, EventHeaders, TraceParent, topics};
use tokio_util::sync::CancellationToken;

use crate::{Bus, BusError, Consumer, ConsumerConfig, Health, Producer, Received, Record, metrics};

pub use crate::behind::go_back;

/// What a stage reads, and in which portions.
#[derive(Clone, Copy, Debug)]
pub struct StageSpec {
    /// The consumer group; also the stage's name.
    pub group: &'static str,
    /// The topics.
    pub topics: &'static [&'static str],
    /// Most records in a batch.
    pub max_records: usize,
}

/// Why a batch was not handled.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// Passes by itself: the same batch is tried again.
    #[error("{0}")]
    Transient(String),
    /// The stage cannot go on: another worker took over, or its own state is damaged.
    #[error("{0}")]
    Fatal(String),
}

impl StageError {
    /// Trouble of another part, which passes by itself or does not.
    #[must_use]
    pub fn of(error: &impl std::fmt::Display, passes: bool) -> Self {
        if passes { Self::Transient(error.to_string()) } else { Self::Fatal(error.to_string()) }
    }
}

impl From<BusError> for StageError {
    fn from(error: BusError) -> Self {
        Self::of(&error, error.is_transient())
    }
}

/// What a stage does with a batch.
pub trait Handler: Send {
    /// Makes the effects of `batch` durable. It may come again, whole or in part, in the same order.
    ///
    /// # Errors
    /// [`StageError::Transient`] to have the same batch again later, [`StageError::Fatal`] to end the stage.
    fn handle(&mut self, batch: &[Received]) -> impl Future<Output = Result<(), StageError>> + Send;
}

/// First and longest wait between tries.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Runs a stage until `stop`; the batch in hand is finished and committed first.
///
/// # Errors
/// When the handler says that the stage cannot go on, or the bus refuses for good.
pub async fn run(
    bus: &Bus,
    spec: StageSpec,
    handler: &mut impl Handler,
    health: &Health,
    stop: &CancellationToken,
) -> Result<(), StageError> {
    let mut wait = BackOff::default();
    let mut consumer = loop {
        match bus.consumer(spec.group, spec.topics, ConsumerConfig::default()).await {
            Ok(consumer) => break consumer,
            Err(error @ (BusError::Unavailable(_) | BusError::UnknownTopic(_))) => {
                health.waits(error.to_string());
                if wait.stopped(stop).await {
                    return Ok(());
                }
            }
            Err(error) => return Err(error.into()),
        }
    };
    health.well();
    while !stop.is_cancelled() {
        let batch = tokio::select! {
            batch = consumer.next_batch(spec.max_records, Duration::from_millis(500)) => batch,
            () = stop.cancelled() => break,
        };
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) if error.is_transient() => {
                health.waits(error.to_string());
                if wait.stopped(stop).await {
                    break;
                }
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if batch.is_empty() {
            continue;
        }
        let timer = metrics::STAGE_BATCH_SECONDS.with_label_values(&[spec.group]).start_timer();
        let mut wait = BackOff::default();
        while let Err(error) = handler.handle(&batch).await {
            let StageError::Transient(why) = error else { return Err(error) };
            health.waits(why);
            if wait.stopped(stop).await {
                // Not committed: the batch comes again after the restart.
                return close(consumer).await;
            }
        }
        timer.observe_duration();
        commit(&mut consumer, &batch, health, stop).await?;
        health.well();
        wait = BackOff::default();
    }
    close(consumer).await
}

async fn commit(
    consumer: &mut Consumer,
    batch: &[Received],
    health: &Health,
    stop: &CancellationToken,
) -> Result<(), StageError> {
    let mut positions = next_offsets(batch);
    let mut wait = BackOff::default();
    loop {
        match consumer.commit(&positions).await {
            Ok(()) => return Ok(()),
            // Another member has the partition now and reads these records again: a repeat, which the handler knows.
            Err(BusError::NotAssigned(lost)) => {
                tracing::info!(?lost, "partitions went to another member before the commit");
                positions.retain(|(topic, partition, _)| !lost.contains(&(topic.clone(), *partition)));
                if positions.is_empty() {
                    return Ok(());
                }
            }
            Err(error) if error.is_transient() => {
                health.waits(error.to_string());
                if wait.stopped(stop).await {
                    return Ok(());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn close(consumer: Consumer) -> Result<(), StageError> {
    match consumer.close().await {
        Err(error) if !error.is_transient() => Err(error.into()),
        _ => Ok(()),
    }
}

/// The next offset to read after `batch`, per topic and partition.
#[must_use]
pub fn next_offsets(batch: &[Received]) -> Vec<(Arc<str>, i32, i64)> {
    let mut next: BTreeMap<(Arc<str>, i32), i64> = BTreeMap::new();
    for record in batch {
        let offset = next.entry((record.topic.clone(), record.partition)).or_default();
        *offset = (*offset).max(record.offset + 1);
    }
    next.into_iter().map(|((topic, partition), offset)| (topic, partition, offset)).collect()
}

/// A wait that doubles, with jitter, between [`BACK_OFF`]'s bounds.
#[derive(Debug)]
pub struct BackOff(Duration);

impl Default for BackOff {
    fn default() -> Self {
        Self(BACK_OFF.0)
    }
}

impl BackOff {
    /// Waits, longer each time; true when `stop` came first.
    pub async fn stopped(&mut self, stop: &CancellationToken) -> bool {
        let wait = self.0.mul_f64(0.75 + 0.5 * fastrand::f64());
        self.0 = (self.0 * 2).min(BACK_OFF.1);
        tokio::select! {
            () = tokio::time::sleep(wait) => false,
            () = stop.cancelled() => true,
        }
    }
}

/// The record of an event: CloudEvents attributes in its headers, JSON as its value.
#[must_use]
pub fn event_record(headers: &EventHeaders, value: Vec<u8>) -> Record {
    Record {
        key: Bytes::copy_from_slice(headers.subject.as_bytes()),
        value: Some(value.into()),
        headers: headers.to_pairs().into_iter().map(|(name, value)| (name, value.into())).collect(),
        timestamp: None,
    }
}

/// The trace that a record belongs to; a new one where it names none.
#[must_use]
pub fn trace_of(record: &Received) -> TraceParent {
    EventHeaders::trace_of(record.headers.iter().map(|(name, value)| (name.as_str(), value.as_ref())))
}

/// Puts a record aside that can never be handled, and says so.
///
/// # Errors
/// When the bus does not take it; the record has then not been put aside.
pub async fn dead_letter(
    producer: &Producer,
    stage: &'static str,
    record: &Received,
    error: &str,
) -> Result<(), BusError> {
    tracing::error!(stage, topic = %record.topic, partition = record.partition, offset = record.offset, error, "put aside as a dead letter");
    metrics::DEAD_LETTERS.with_label_values(&[stage]).inc();
    let letter = DeadLetterV1::new(
        stage,
        (&record.topic, record.partition, record.offset),
        &record.key,
        record.value.as_deref(),
        record.headers.iter().map(|(name, value)| (name.as_str(), value.as_ref())),
        error,
    );
    let Some(topic) = topics::by_name(topics::DEAD_LETTERS) else { return Ok(()) };
    let mut headers = EventHeaders::new(topic, stage, letter.key.clone(), record.offset, trace_of(record));
    headers.id = format!("{}/{}/{}", record.topic, record.partition, record.offset);
    let value = carewire_schemas::cloudevents::encode(&letter).unwrap_or_default();
    producer.send(topics::DEAD_LETTERS, event_record(&headers, value)).await.map(drop)
}
