//! Apache Kafka, through librdkafka.
//!
//! Patience is the rule: nothing waits for a broker at the start, and an outage shows as requests that take long, not as
//! records that fail. `client` turns the configuration into librdkafka's, `errors` its errors into ours, `admin` makes topics,
//! `offsets` reads and sets positions and reads without a group, `producer` sends, `member` is a member of a group, `fenced`
//! the transactional writer.

mod admin;
mod client;
mod errors;
mod fenced;
mod member;
mod offsets;
mod producer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rdkafka::admin::AdminClient;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::FutureProducer;

use crate::{BusError, KafkaConfig};
use client::Quiet;
pub(crate) use fenced::FencedWriter;
pub(crate) use member::Member;

/// How long `/readyz` waits.
const PING: Duration = Duration::from_secs(3);

/// The process's clients.
pub(crate) struct Kafka {
    config: KafkaConfig,
    /// Replaced when it fails for good, which ends an idempotent producer.
    producer: RwLock<FutureProducer<Quiet>>,
    admin: AdminClient<Quiet>,
    /// For questions and for reading without a group. Locked while it has a partition assigned.
    reader: Arc<Mutex<BaseConsumer<Quiet>>>,
    /// For questions that take no assignment.
    asker: Arc<BaseConsumer<Quiet>>,
    /// `max_record_bytes` of the topics that this process ensured.
    limits: RwLock<HashMap<String, usize>>,
}

impl Kafka {
    pub(crate) fn new(config: KafkaConfig) -> Result<Arc<Kafka>, BusError> {
        client::check(&config)?;
        let reader = client::reader(&config)?;
        let asker = client::reader(&config)?;
        Ok(Arc::new(Kafka {
            producer: RwLock::new(client::producer(&config)?),
            admin: client::admin(&config)?,
            reader: Arc::new(Mutex::new(reader)),
            asker: Arc::new(asker),
            limits: RwLock::default(),
            config,
        }))
    }

    pub(crate) async fn ping(&self) -> Result<(), BusError> {
        let asker = self.asker.clone();
        blocking(move || asker.fetch_metadata(None, PING).map(|_| ()).map_err(errors::of_kafka)).await
    }

    fn limit(&self, topic: &str) -> Option<usize> {
        self.limits.read().unwrap_or_else(PoisonError::into_inner).get(topic).copied()
    }
}

/// Runs one of librdkafka's blocking calls away from the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BusError> + Send + 'static,
) -> Result<T, BusError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| BusError::Failed(format!("a request to Kafka: {error}")))?
}
