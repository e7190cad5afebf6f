//! Configuration of the two halves and of a consumer.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;

/// The embedded log: one SQLite file, which several processes of one machine may open. Durations read as `200ms`, `5s`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddedConfig {
    /// The file; it is created when missing (its folder must exist).
    pub path: PathBuf,
    /// How often what other processes appended is looked for. Within a process readers are woken at once.
    #[serde(default = "poll_interval", with = "friendly")]
    pub poll_interval: Duration,
    /// A group's member that was not heard of for so long is dead, and its partitions go to others.
    #[serde(default = "member_timeout", with = "friendly")]
    pub member_timeout: Duration,
    /// How often old records are removed and compacted topics compacted.
    #[serde(default = "sweep_interval", with = "friendly")]
    pub sweep_interval: Duration,
    /// Records younger than this are not compacted away, so that a reader at the tail sees every change.
    #[serde(default = "compaction_lag", with = "friendly")]
    pub compaction_lag: Duration,
    /// Bytes that may wait to be written; producers wait when they are used up.
    #[serde(default = "queue_bytes")]
    pub queue_bytes: usize,
}

impl EmbeddedConfig {
    /// The defaults, for the log in that file.
    pub fn new(path: impl Into<PathBuf>) -> EmbeddedConfig {
        EmbeddedConfig {
            path: path.into(),
            poll_interval: poll_interval(),
            member_timeout: member_timeout(),
            sweep_interval: sweep_interval(),
            compaction_lag: compaction_lag(),
            queue_bytes: queue_bytes(),
        }
    }
}

fn poll_interval() -> Duration {
    Duration::from_millis(200)
}
fn member_timeout() -> Duration {
    Duration::from_secs(5)
}
fn sweep_interval() -> Duration {
    Duration::from_secs(30)
}
fn compaction_lag() -> Duration {
    Duration::from_secs(60)
}
fn queue_bytes() -> usize {
    32 << 20
}

/// Apache Kafka. Everything has a default but the brokers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// Brokers to ask first: `host:port`, comma-separated.
    pub brokers: String,
    /// Name under which the broker logs this client.
    #[serde(default = "client_id")]
    pub client_id: String,
    /// A group's member that was not heard of for so long is dead, and its partitions go to others.
    #[serde(default = "session_timeout", with = "friendly")]
    pub session_timeout: Duration,
    /// How long administrative requests (topics, watermarks, positions) may take before they are `Unavailable`.
    #[serde(default = "request_timeout", with = "friendly")]
    pub request_timeout: Duration,
    /// Compression of produced records: none, gzip, snappy, lz4 or zstd.
    #[serde(default = "compression")]
    pub compression: String,
    /// TLS and SASL; plain text when absent.
    #[serde(default)]
    pub security: Security,
    /// Further settings of librdkafka, by its names. Those on which delivery rests (acks, idempotence, offsets, message
    /// timeout …) are refused.
    #[serde(default)]
    pub extra: Extra,
}

impl KafkaConfig {
    /// The defaults, for these brokers.
    pub fn new(brokers: impl Into<String>) -> KafkaConfig {
        KafkaConfig {
            brokers: brokers.into(),
            client_id: client_id(),
            session_timeout: session_timeout(),
            request_timeout: request_timeout(),
            compression: compression(),
            security: Security::default(),
            extra: Extra::default(),
        }
    }
}

fn client_id() -> String {
    "carewire".to_owned()
}
fn session_timeout() -> Duration {
    Duration::from_secs(10)
}
fn request_timeout() -> Duration {
    Duration::from_secs(10)
}
fn compression() -> String {
    "zstd".to_owned()
}

/// How the connection to Kafka is protected. Anything but plain text needs a build with the feature `tls`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Security {
    /// The protocol.
    pub protocol: Protocol,
    /// PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; with the `sasl_` protocols.
    pub mechanism: Option<String>,
    /// SASL user.
    pub username: Option<String>,
    /// SASL password.
    pub password: Option<Secret>,
    /// Certificates that sign the brokers' (PEM file); the system's when absent.
    pub ca: Option<PathBuf>,
    /// The client's certificate (PEM file).
    pub cert: Option<PathBuf>,
    /// The client's key (PEM file).
    pub key: Option<PathBuf>,
}

/// `security.protocol` of Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Neither encrypted nor authenticated.
    #[default]
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL without TLS.
    SaslPlaintext,
    /// SASL within TLS.
    SaslSsl,
}

impl Protocol {
    /// Kafka's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Plaintext => "plaintext",
            Protocol::Ssl => "ssl",
            Protocol::SaslPlaintext => "sasl_plaintext",
            Protocol::SaslSsl => "sasl_ssl",
        }
    }
}

/// A text that neither `Debug` nor `Serialize` shows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

const HIDDEN: &str = "(hidden)";

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

/// Settings by librdkafka's names; values that look like secrets are not shown.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Extra(pub BTreeMap<String, String>);

impl Extra {
    fn shown(&self) -> impl Iterator<Item = (&String, &str)> {
        const SECRET: [&str; 5] = ["password", "secret", "token", "pem", "oauth"];
        self.0.iter().map(|(key, value)| {
            let hide = SECRET.iter().any(|word| key.contains(word));
            (key, if hide { HIDDEN } else { value.as_str() })
        })
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.shown()).finish()
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.shown())
    }
}

/// How a member of a group reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerConfig {
    /// Where a group begins that has no position yet.
    pub start: Start,
    /// Largest batch in bytes of keys, values and headers; a single larger record still comes, alone.
    pub max_batch_bytes: usize,
    /// A member that does not ask for records for so long loses its partitions even though its process lives.
    pub max_poll_interval: Duration,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        ConsumerConfig { start: Start::Earliest, max_batch_bytes: 8 << 20, max_poll_interval: Duration::from_secs(300) }
    }
}

/// Where a group begins that has no position yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// With the oldest record kept.
    #[default]
    Earliest,
    /// With what comes after it joined.
    Latest,
}
