//! The transactional writer: `transactional.id` fences the predecessor of that name (KIP-98).

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, Producer as _};
use tokio::sync::Mutex;

use super::client::{self, Quiet};
use super::errors::of_kafka;
use super::{Kafka, blocking, producer};
use crate::{BusError, Position, Record};

/// Longest transaction; a broker that is away longer aborts it.
const TRANSACTION: Duration = Duration::from_secs(30);
/// Pause before a step that failed for the moment is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// A writer whose batches are transactions.
pub(crate) struct FencedWriter {
    kafka: Arc<Kafka>,
    topic: String,
    producer: FutureProducer<Quiet>,
    state: Mutex<State>,
}

/// How the last transaction was left, by an error or by a caller that went away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// None is open.
    Idle,
    /// Begun, and to be aborted.
    Open,
    /// Its commit was asked for and not answered; it can only be asked for again.
    Committing,
    /// A newer writer took over, or the producer failed for good: its predecessor's epoch could not be told from its own.
    Fenced,
}

impl Kafka {
    pub(crate) async fn fenced_writer(self: &Arc<Self>, topic: &str, name: &str) -> Result<FencedWriter, BusError> {
        let producer = client::transactional(&self.config, name, TRANSACTION)?;
        let (clone, timeout) = (producer.clone(), self.config.request_timeout);
        blocking(move || clone.init_transactions(timeout).map_err(of_kafka)).await?;
        Ok(FencedWriter { kafka: self.clone(), topic: topic.to_owned(), producer, state: Mutex::new(State::Idle) })
    }
}

impl FencedWriter {
    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    pub(crate) async fn send_all(&self, records: Vec<Record>) -> Result<Vec<Position>, BusError> {
        self.kafka.check_sizes(&self.topic, &records)?;
        let mut state = self.state.lock().await;
        self.settle(&mut state).await?;
        if records.is_empty() {
            return Ok(Vec::new());
        }
        if let Err(error) = self.producer.begin_transaction() {
            return Err(self.failed(&mut state, error));
        }
        // Said before anything is awaited: if this future is dropped, the next call settles.
        *state = State::Open;
        let positions = match producer::send(&self.producer, &self.topic, &records).await {
            Ok(positions) => positions,
            Err(error) => {
                if self.is_fenced(&error) {
                    *state = State::Fenced;
                    return Err(BusError::Fenced);
                }
                self.settle(&mut state).await?;
                let lasting = matches!(error, BusError::TooLarge { .. } | BusError::UnknownTopic(_));
                return Err(if lasting { error } else { BusError::Unavailable(format!("aborted: {error}")) });
            }
        };
        *state = State::Committing;
        self.settle(&mut state).await?;
        Ok(positions)
    }

    /// Brings the open transaction to its end.
    async fn settle(&self, state: &mut State) -> Result<(), BusError> {
        let deadline = Instant::now() + TRANSACTION;
        loop {
            let (producer, timeout) = (self.producer.clone(), self.kafka.config.request_timeout);
            let commit = match *state {
                State::Idle => return Ok(()),
                State::Fenced => return Err(BusError::Fenced),
                State::Open => false,
                State::Committing => true,
            };
            let ended = tokio::task::spawn_blocking(move || {
                if commit { producer.commit_transaction(timeout) } else { producer.abort_transaction(timeout) }
            });
            let ended = ended.await.map_err(|error| BusError::Failed(format!("ending a transaction: {error}")))?;
            match ended {
                Ok(()) => *state = State::Idle,
                Err(KafkaError::Transaction(error)) if error.txn_requires_abort() => {
                    let text = error.to_string();
                    *state = State::Open;
                    Box::pin(self.settle(state)).await?;
                    return Err(BusError::Unavailable(format!("aborted: {text}")));
                }
                Err(KafkaError::Transaction(error)) if error.is_retriable() && Instant::now() < deadline => {
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => return Err(self.failed(state, error)),
            }
        }
    }

    fn failed(&self, state: &mut State, error: KafkaError) -> BusError {
        let fatal = matches!(&error, KafkaError::Transaction(error) if error.is_fatal());
        let error = of_kafka(error);
        if fatal || self.is_fenced(&error) {
            *state = State::Fenced;
            return BusError::Fenced;
        }
        match error {
            BusError::Failed(text) => BusError::Unavailable(text),
            error => error,
        }
    }

    fn is_fenced(&self, error: &BusError) -> bool {
        matches!(error, BusError::Fenced) || self.producer.client().fatal_error().is_some()
    }
}
