//! What the tests stand on: fresh topics on a fresh log or on the shared broker, and waiting with a deadline.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use carewire_bus::{Bus, Cleanup, Consumer, ConsumerConfig, EmbeddedConfig, KafkaConfig, Received, Record, TopicSpec};

/// How long conditions are waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Embedded,
    Kafka,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Embedded => "embedded",
            Kind::Kafka => "kafka",
        }
    }
}

/// A real broker, started by the script that everybody uses.
#[derive(Clone)]
pub struct Broker {
    folder: Arc<tempfile::TempDir>,
    pub address: String,
}

impl Broker {
    pub fn start() -> Broker {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let address = script("start", folder.path());
        Broker { folder, address }
    }

    pub fn again(&self) {
        assert_eq!(script("start", self.folder.path()), self.address);
    }

    pub fn kill(&self) {
        script("kill9", self.folder.path());
    }

    pub fn stop(&self) {
        script("stop", self.folder.path());
    }

    pub fn pause(&self) {
        script("pause", self.folder.path());
    }

    pub fn resume(&self) {
        script("resume", self.folder.path());
    }
}

fn script(command: &str, folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/test-servers/kafka");
    let output = Command::new(script).arg(command).arg(folder).output().expect("the script runs");
    assert!(output.status.success(), "kafka {command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

/// A bus of a kind, and names that no other test uses.
#[derive(Clone)]
pub struct Harness {
    pub kind: Kind,
    folder: Arc<tempfile::TempDir>,
    pub broker: Option<Broker>,
    unique: String,
}

impl Harness {
    pub fn embedded() -> Harness {
        Harness::new(Kind::Embedded, None)
    }

    pub fn kafka(broker: Broker) -> Harness {
        Harness::new(Kind::Kafka, Some(broker))
    }

    fn new(kind: Kind, broker: Option<Broker>) -> Harness {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Harness { kind, folder, broker, unique: format!("t{:08x}", fastrand::u32(..)) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A name of a topic or group of this test.
    pub fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.unique)
    }

    /// Where the bus is, for [`open`].
    pub fn address(&self) -> String {
        match &self.broker {
            Some(broker) => broker.address.clone(),
            None => self.path("log.db").to_string_lossy().into_owned(),
        }
    }

    /// Opens the bus as another process would: nothing is shared with other buses of this one.
    pub async fn bus(&self) -> Bus {
        open(self.kind.name(), &self.address(), Duration::from_millis(200)).await
    }

    /// Makes a topic that keeps everything.
    pub async fn topic(&self, bus: &Bus, name: &str, partitions: i32) -> String {
        self.topic_with(bus, name, partitions, Cleanup::Forever).await
    }

    pub async fn topic_with(&self, bus: &Bus, name: &str, partitions: i32, cleanup: Cleanup) -> String {
        let name = self.name(name);
        let spec = TopicSpec { name: name.clone(), partitions, replication: 1, cleanup, max_record_bytes: 5 << 20 };
        until("the topic is made", async || bus.ensure_topics(std::slice::from_ref(&spec)).await.is_ok()).await;
        // Making it again changes nothing.
        bus.ensure_topics(&[spec]).await.expect("the topic is there");
        name
    }
}

/// Opens a bus with the short times of tests; `sweep` is how often the embedded log is swept.
pub async fn open(kind: &str, address: &str, sweep: Duration) -> Bus {
    if kind == "kafka" {
        let mut config = KafkaConfig::new(address);
        config.session_timeout = Duration::from_secs(3);
        config.request_timeout = Duration::from_secs(5);
        return Bus::kafka(config).expect("a good configuration");
    }
    let mut config = EmbeddedConfig::new(address);
    config.member_timeout = Duration::from_secs(3);
    config.sweep_interval = sweep;
    config.compaction_lag = Duration::ZERO;
    config.queue_bytes = 8 << 20;
    Bus::embedded(config).await.expect("the log opens")
}

/// Waits until the condition holds.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn record(key: &str, value: &str) -> Record {
    Record {
        key: Bytes::copy_from_slice(key.as_bytes()),
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        ..Record::default()
    }
}

pub fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Key and value as texts; a tombstone's value reads `-`.
pub fn pair(record: &Received) -> (String, String) {
    (text(&record.key), record.value.as_ref().map_or_else(|| "-".to_owned(), text))
}

pub async fn member(bus: &Bus, group: &str, topic: &str) -> Consumer {
    bus.consumer(group, &[topic], ConsumerConfig::default()).await.expect("the group can be joined")
}

/// Positions after these records, one per partition.
pub fn after(records: &[Received]) -> Vec<(Arc<str>, i32, i64)> {
    let mut next = std::collections::BTreeMap::new();
    for record in records {
        next.insert((record.topic.clone(), record.partition), record.offset + 1);
    }
    next.into_iter().map(|((topic, partition), offset)| (topic, partition, offset)).collect()
}

/// Reads as a member until there are so many records, committing each batch.
pub async fn consume(consumer: &mut Consumer, count: usize) -> Vec<Received> {
    let deadline = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    while all.len() < count {
        assert!(Instant::now() < deadline, "only {} of {count} records came", all.len());
        let batch = consumer.next_batch(500, Duration::from_millis(500)).await.expect("reading works");
        // A refused commit means that others read these again.
        let _ = consumer.commit(&after(&batch)).await;
        all.extend(batch);
    }
    all
}

/// Everything in the topic, partition by partition.
pub async fn all(bus: &Bus, topic: &str) -> Vec<Received> {
    let mut all = Vec::new();
    for marks in bus.watermarks(topic).await.expect("watermarks") {
        let mut next = marks.low;
        loop {
            let records = bus.read(topic, marks.partition, next, 1000).await.expect("reading works");
            let Some(last) = records.last() else { break };
            next = last.offset + 1;
            all.extend(records);
        }
    }
    all
}

pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().expect("kill runs");
    assert!(sent.success(), "kill -{name}");
}
