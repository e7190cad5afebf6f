//! librdkafka's clients and their settings.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::admin::AdminClient;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::producer::FutureProducer;

use super::errors::of_kafka;
use crate::{BusError, KafkaConfig, Protocol, metrics};

/// The same complaint is logged once in so long: librdkafka repeats that all brokers are down some 20 times a second.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Largest message a producer takes, above any topic's limit.
const MAX_MESSAGE: &str = "67108864";

/// Settings on which delivery rests, or that have a key of their own.
const OURS: [&str; 21] = [
    "acks",
    "request.required.acks",
    "bootstrap.servers",
    "client.id",
    "compression.codec",
    "compression.type",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "isolation.level",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "metadata.broker.list",
    "partitioner",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "transactional.id",
    "transaction.timeout.ms",
    "retries",
];

/// Logs little: what librdkafka says at debug level, errors seldom.
#[derive(Default)]
pub(super) struct Quiet {
    complained: Mutex<Option<Instant>>,
}

impl Quiet {
    /// Counts the error, and logs it unless one was logged a short while ago.
    pub(super) fn complain(&self, error: &KafkaError, reason: &str) {
        let kind = error.rdkafka_error_code().map_or_else(|| "other".to_owned(), |code| format!("{code:?}"));
        metrics::KAFKA_ERRORS.with_label_values(&[&kind]).inc();
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if complained.is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY) {
            *complained = Some(Instant::now());
            tracing::warn!(%error, reason, "Kafka's client has trouble and goes on trying");
        }
    }
}

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.complain(&error, reason);
    }
}

impl ConsumerContext for Quiet {}

/// Says what in the configuration cannot work.
pub(super) fn check(config: &KafkaConfig) -> Result<(), BusError> {
    let refuse = |text: String| Err(BusError::Config(text));
    if config.brokers.split(',').any(|broker| broker.trim().is_empty()) {
        return refuse(format!("brokers = {:?} should read host:port,host:port", config.brokers));
    }
    if let Some(key) = config.extra.0.keys().find(|key| OURS.contains(&key.as_str())) {
        return refuse(format!("extra.\"{key}\" cannot be set: delivery rests on it, or it has a key of its own"));
    }
    let security = &config.security;
    let sasl = matches!(security.protocol, Protocol::SaslPlaintext | Protocol::SaslSsl);
    let tls = matches!(security.protocol, Protocol::Ssl | Protocol::SaslSsl);
    if (sasl || tls) && !cfg!(feature = "tls") {
        return refuse(format!(
            "security.protocol = \"{}\" needs a build with TLS (cargo build --features kafka-tls)",
            security.protocol.name()
        ));
    }
    if sasl && (security.mechanism.is_none() || security.username.is_none() || security.password.is_none()) {
        return refuse("SASL needs security.mechanism, security.username and security.password".to_owned());
    }
    if !sasl && (security.mechanism.is_some() || security.username.is_some() || security.password.is_some()) {
        return refuse(
            "security.username without a protocol sasl_plaintext or sasl_ssl would be sent nowhere".to_owned(),
        );
    }
    if !tls && (security.ca.is_some() || security.cert.is_some() || security.key.is_some()) {
        return refuse("security.ca, cert and key need the protocol ssl or sasl_ssl".to_owned());
    }
    Ok(())
}

fn base(config: &KafkaConfig) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", &config.brokers)
        .set("client.id", &config.client_id)
        .set("reconnect.backoff.ms", "50")
        // The default of 10 s adds as much to every recovery.
        .set("reconnect.backoff.max.ms", "500")
        .set("socket.connection.setup.timeout.ms", "5000")
        .set("allow.auto.create.topics", "false");
    let security = &config.security;
    settings.set("security.protocol", security.protocol.name());
    let path = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
    let optional = [
        ("sasl.mechanism", security.mechanism.clone()),
        ("sasl.username", security.username.clone()),
        ("sasl.password", security.password.as_ref().map(|password| password.0.clone())),
        ("ssl.ca.location", security.ca.as_ref().map(path)),
        ("ssl.certificate.location", security.cert.as_ref().map(path)),
        ("ssl.key.location", security.key.as_ref().map(path)),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            settings.set(key, value);
        }
    }
    for (key, value) in &config.extra.0 {
        settings.set(key, value);
    }
    settings
}

fn producing(config: &KafkaConfig) -> ClientConfig {
    let mut settings = base(config);
    settings
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("message.max.bytes", MAX_MESSAGE)
        .set("compression.type", &config.compression)
        .set("linger.ms", "5")
        .set("partitioner", "murmur2_random")
        // Bounds memory; a full queue makes senders wait.
        .set("queue.buffering.max.messages", "100000")
        .set("queue.buffering.max.kbytes", "65536");
    settings
}

fn made<T>(client: Result<T, KafkaError>) -> Result<T, BusError> {
    client.map_err(|error| match &error {
        KafkaError::ClientConfig(_, text, key, _) => BusError::Config(format!("{key}: {text}")),
        KafkaError::ClientCreation(text) => BusError::Config(text.clone()),
        _ => of_kafka(error),
    })
}

/// The shared producer. `message.timeout.ms=0`: a message that timed out may be in the log all the same, and would be doubled
/// and reordered when sent again.
pub(super) fn producer(config: &KafkaConfig) -> Result<FutureProducer<Quiet>, BusError> {
    made(producing(config).set("message.timeout.ms", "0").create_with_context(Quiet::default()))
}

/// A transactional producer, whose messages live as long as their transaction.
pub(super) fn transactional(
    config: &KafkaConfig,
    name: &str,
    timeout: Duration,
) -> Result<FutureProducer<Quiet>, BusError> {
    let timeout = timeout.as_millis().to_string();
    let mut settings = producing(config);
    settings.set("transactional.id", name).set("transaction.timeout.ms", &timeout).set("message.timeout.ms", &timeout);
    made(settings.create_with_context(Quiet::default()))
}

pub(super) fn admin(config: &KafkaConfig) -> Result<AdminClient<Quiet>, BusError> {
    made(rdkafka::config::FromClientConfigAndContext::from_config_and_context(&base(config), Quiet::default()))
}

fn consuming(config: &KafkaConfig, group: &str) -> ClientConfig {
    let mut settings = base(config);
    settings
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", "read_committed")
        // Bounds memory: what is fetched ahead, and one answer of a broker.
        .set("queued.max.messages.kbytes", "16384")
        .set("fetch.max.bytes", "16777216")
        .set("receive.message.max.bytes", "100000000")
        // The default of 1 s stops a full queue's partitions for that long after they were drained.
        .set("fetch.queue.backoff.ms", "20")
        .set("fetch.error.backoff.ms", "100");
    settings
}

/// A consumer that belongs to no group.
pub(super) fn reader(config: &KafkaConfig) -> Result<BaseConsumer<Quiet>, BusError> {
    positions_of(config, "carewire-reader")
}

/// A consumer that reads and sets a group's positions without joining it.
pub(super) fn positions_of(config: &KafkaConfig, group: &str) -> Result<BaseConsumer<Quiet>, BusError> {
    let mut settings = consuming(config, group);
    settings.set("enable.partition.eof", "true").set("auto.offset.reset", "earliest");
    made(settings.create_with_context(Quiet::default()))
}

/// Settings of a group's member. Partitions move one by one (cooperative): the others are read on meanwhile.
pub(super) fn member(config: &KafkaConfig, group: &str, start: &str, max_poll_interval: Duration) -> ClientConfig {
    let session = config.session_timeout.as_millis();
    let mut settings = consuming(config, group);
    settings
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", session.to_string())
        .set("heartbeat.interval.ms", (session / 4).max(1).to_string())
        // librdkafka refuses a poll interval below the session's timeout.
        .set("max.poll.interval.ms", max_poll_interval.as_millis().max(session).to_string())
        .set("auto.offset.reset", start);
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extra, Secret, Security};

    #[test]
    fn bad_configuration_is_named() {
        let cases = [
            (KafkaConfig::new(""), "brokers"),
            (
                KafkaConfig { extra: Extra([("acks".to_owned(), "0".to_owned())].into()), ..KafkaConfig::new("a:1") },
                "extra.\"acks\"",
            ),
            (
                KafkaConfig {
                    security: Security { password: Some(Secret("x".to_owned())), ..Security::default() },
                    ..KafkaConfig::new("a:1")
                },
                "security.username",
            ),
            (KafkaConfig { compression: "brotli".to_owned(), ..KafkaConfig::new("a:1") }, "compression"),
        ];
        for (config, word) in cases {
            let refused = super::super::Kafka::new(config).map(|_| ()).expect_err(word);
            assert!(matches!(&refused, BusError::Config(text) if text.contains(word)), "{refused}");
        }
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn tls_without_the_feature_is_named() {
        let security = Security { protocol: Protocol::Ssl, ..Security::default() };
        let refused = check(&KafkaConfig { security, ..KafkaConfig::new("a:1") }).expect_err("no TLS");
        assert!(refused.to_string().contains("kafka-tls"), "{refused}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut config = KafkaConfig::new("a:1");
        config.security.password = Some(Secret("sesame".to_owned()));
        config.extra.0.insert("ssl.key.password".to_owned(), "sesame".to_owned());
        assert!(!format!("{config:?}").contains("sesame"));
        assert!(!serde_json::to_string(&config).expect("serializable").contains("sesame"));
    }
}
