//! Sending.

use std::sync::PoisonError;
use std::time::Duration;

use futures::future::join_all;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::future_producer::OwnedDeliveryResult;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _};

use super::Kafka;
use super::client::{self, Quiet};
use super::errors::of_kafka;
use crate::{BusError, Position, Record};

/// Pause when the queue is full.
const FULL: Duration = Duration::from_millis(5);

impl Kafka {
    pub(crate) async fn produce(&self, topic: &str, records: Vec<Record>) -> Result<Vec<Position>, BusError> {
        self.check_sizes(topic, &records)?;
        let producer = self.producer.read().unwrap_or_else(PoisonError::into_inner).clone();
        let sent = send(&producer, topic, &records).await;
        if sent.is_err() && producer.client().fatal_error().is_some() {
            self.replace_producer(&producer)?;
        }
        sent
    }

    pub(super) fn check_sizes(&self, topic: &str, records: &[Record]) -> Result<(), BusError> {
        let Some(limit) = self.limit(topic) else { return Ok(()) };
        match records.iter().map(Record::size).find(|&size| size > limit) {
            Some(size) => Err(BusError::TooLarge { topic: topic.to_owned(), size, limit }),
            None => Ok(()),
        }
    }

    /// An idempotent producer that lost track of its sequence can do nothing more; a new one can. Whoever sent through the
    /// old one is told `Unavailable` and sends again.
    fn replace_producer(&self, failed: &FutureProducer<Quiet>) -> Result<(), BusError> {
        let mut current = self.producer.write().unwrap_or_else(PoisonError::into_inner);
        if current.client().native_ptr() == failed.client().native_ptr() {
            tracing::error!(error = ?failed.client().fatal_error(), "Kafka's producer failed for good; starting another");
            *current = client::producer(&self.config)?;
        }
        Ok(())
    }
}

/// Sends in order and waits until all are acknowledged.
pub(super) async fn send(
    producer: &FutureProducer<Quiet>,
    topic: &str,
    records: &[Record],
) -> Result<Vec<Position>, BusError> {
    let mut waiting = Vec::with_capacity(records.len());
    for record in records {
        waiting.push(enqueue(producer, topic, record).await?);
    }
    let mut positions = Vec::with_capacity(records.len());
    for (delivered, record) in join_all(waiting).await.into_iter().zip(records) {
        positions.push(position(delivered, topic, record, producer)?);
    }
    Ok(positions)
}

async fn enqueue(producer: &FutureProducer<Quiet>, topic: &str, record: &Record) -> Result<DeliveryFuture, BusError> {
    loop {
        let mut message = FutureRecord::<[u8], [u8]>::to(topic).key(&record.key);
        if let Some(value) = &record.value {
            message = message.payload(value);
        }
        if let Some(timestamp) = record.timestamp {
            message = message.timestamp(timestamp.as_millisecond());
        }
        if !record.headers.is_empty() {
            let headers = record
                .headers
                .iter()
                .fold(OwnedHeaders::new_with_capacity(record.headers.len()), |headers, (key, value)| {
                    headers.insert(Header { key, value: Some(&value[..]) })
                });
            message = message.headers(headers);
        }
        match producer.send_result(message) {
            Ok(delivery) => return Ok(delivery),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => tokio::time::sleep(FULL).await,
            Err((error, _)) => return Err(failure(error, topic, record, producer)),
        }
    }
}

fn position(
    delivered: Result<OwnedDeliveryResult, futures::channel::oneshot::Canceled>,
    topic: &str,
    record: &Record,
    producer: &FutureProducer<Quiet>,
) -> Result<Position, BusError> {
    match delivered {
        Ok(Ok(delivery)) => Ok(Position { partition: delivery.partition, offset: delivery.offset }),
        Ok(Err((error, _))) => Err(failure(error, topic, record, producer)),
        Err(_) => Err(BusError::Closed),
    }
}

fn failure(error: KafkaError, topic: &str, record: &Record, producer: &FutureProducer<Quiet>) -> BusError {
    match of_kafka(error) {
        BusError::TooLarge { .. } => BusError::TooLarge { topic: topic.to_owned(), size: record.size(), limit: 0 },
        BusError::UnknownTopic(_) => BusError::UnknownTopic(topic.to_owned()),
        BusError::Failed(text) if producer.client().fatal_error().is_some() => BusError::Unavailable(text),
        error => error,
    }
}
