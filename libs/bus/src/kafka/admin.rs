//! Making topics.

use std::sync::PoisonError;

use rdkafka::admin::{AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode;

use super::errors::{of_code, of_kafka};
use super::{Kafka, blocking};
use crate::{BusError, Cleanup, TopicSpec};

/// The broker's limit is on compressed batches, and librdkafka fills batches up to 1 MB, so a lower limit would refuse batches
/// of records that are small enough.
const LEAST_BATCH: usize = 1_000_000;
/// Room for what a batch adds to its records.
const BATCH_OVERHEAD: usize = 64 << 10;

impl Kafka {
    pub(crate) async fn ensure_topics(&self, specs: &[TopicSpec]) -> Result<(), BusError> {
        let settings: Vec<Vec<(&str, String)>> = specs.iter().map(settings).collect();
        let topics: Vec<NewTopic<'_>> = specs
            .iter()
            .zip(&settings)
            .map(|(spec, settings)| {
                let topic = NewTopic::new(&spec.name, spec.partitions, TopicReplication::Fixed(spec.replication));
                settings.iter().fold(topic, |topic, (key, value)| topic.set(key, value))
            })
            .collect();
        let answers = self.admin.create_topics(&topics, &self.options()).await.map_err(of_kafka)?;
        for answer in answers {
            match answer {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(of_code(code, format!("creating topic {topic}: {code}"))),
            }
        }
        self.limits
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(specs.iter().map(|spec| (spec.name.clone(), spec.max_record_bytes)));
        for (spec, settings) in specs.iter().zip(&settings) {
            self.warn_if_different(spec, settings).await?;
        }
        Ok(())
    }

    /// Without a time limit, requests wait for 60 s when no broker is there.
    fn options(&self) -> AdminOptions {
        let timeout = self.config.request_timeout;
        AdminOptions::new().request_timeout(Some(timeout)).operation_timeout(Some(timeout))
    }

    async fn warn_if_different(&self, spec: &TopicSpec, settings: &[(&str, String)]) -> Result<(), BusError> {
        let partitions = self.partitions(&spec.name).await?;
        if partitions != spec.partitions {
            tracing::warn!(
                topic = spec.name,
                have = partitions,
                wanted = spec.partitions,
                "a topic exists with another number of partitions, which stays"
            );
        }
        let resource = ResourceSpecifier::Topic(&spec.name);
        let described = self.admin.describe_configs([&resource], &self.options()).await.map_err(of_kafka)?;
        for described in described.into_iter().flatten() {
            for (key, wanted) in settings {
                let have = described.get(key).and_then(|entry| entry.value.as_deref());
                if have.is_some_and(|have| have != wanted) {
                    tracing::warn!(
                        topic = spec.name,
                        key,
                        have,
                        wanted,
                        "a topic exists with another setting, which stays"
                    );
                }
            }
        }
        Ok(())
    }

    /// The topic's number of partitions. A topic just made may take a moment to be known by the broker that is asked.
    pub(super) async fn partitions(&self, topic: &str) -> Result<i32, BusError> {
        let deadline = tokio::time::Instant::now() + self.config.request_timeout.min(std::time::Duration::from_secs(3));
        loop {
            let (asker, name, timeout) = (self.asker.clone(), topic.to_owned(), self.config.request_timeout);
            let metadata = blocking(move || {
                let metadata = asker.fetch_metadata(Some(&name), timeout).map_err(of_kafka)?;
                let topic = metadata.topics().iter().find(|topic| topic.name() == name);
                Ok(topic.filter(|topic| topic.error().is_none()).map_or(0, |topic| topic.partitions().len()))
            });
            match metadata.await? {
                0 if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                0 => return Err(BusError::UnknownTopic(topic.to_owned())),
                count => return Ok(i32::try_from(count).unwrap_or(i32::MAX)),
            }
        }
    }
}

/// The topic's settings by Kafka's names.
fn settings(spec: &TopicSpec) -> Vec<(&'static str, String)> {
    let batch = spec.max_record_bytes.max(LEAST_BATCH) + BATCH_OVERHEAD;
    let mut settings = vec![
        ("max.message.bytes", batch.to_string()),
        // With three copies, an acknowledged record outlives the loss of any one broker.
        ("min.insync.replicas", if spec.replication >= 3 { "2" } else { "1" }.to_owned()),
    ];
    match spec.cleanup {
        Cleanup::Time(keep) => {
            settings.push(("cleanup.policy", "delete".to_owned()));
            settings.push(("retention.ms", keep.as_millis().to_string()));
        }
        Cleanup::Forever => {
            settings.push(("cleanup.policy", "delete".to_owned()));
            settings.push(("retention.ms", "-1".to_owned()));
        }
        Cleanup::Compact { delete_retention } => {
            settings.push(("cleanup.policy", "compact".to_owned()));
            settings.push(("delete.retention.ms", delete_retention.as_millis().to_string()));
            // Compaction leaves the active segment alone; the default of a week would keep a quiet topic's tombstones
            // from ever being counted.
            settings.push(("segment.ms", "86400000".to_owned()));
        }
    }
    settings
}
