//! TLS and SASL with a real broker. Needs the feature `tls`.
#![cfg(feature = "tls")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use carewire_bus::{
    Bus, BusError, Cleanup, ConsumerConfig, KafkaConfig, Protocol, Record, Secret, Security, TopicSpec,
};

/// A broker with a listener that wants TLS and SASL.
struct Broker {
    folder: tempfile::TempDir,
    address: String,
}

fn script(command: &str, folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/test-servers/kafka");
    let output = Command::new(script).arg(command).arg(folder).output().expect("the script runs");
    assert!(output.status.success(), "kafka {command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

impl Broker {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = script("secured", folder.path());
        Self { folder, address }
    }

    fn bus(&self, mechanism: &str, password: &str, ca: Option<PathBuf>) -> Result<Bus, BusError> {
        let mut config = KafkaConfig::new(self.address.clone());
        config.request_timeout = Duration::from_secs(10);
        config.security = Security {
            protocol: Protocol::SaslSsl,
            mechanism: Some(mechanism.to_owned()),
            username: Some("carewire".to_owned()),
            password: Some(Secret(password.to_owned())),
            ca,
            ..Security::default()
        };
        Bus::kafka(config)
    }

    fn ca(&self) -> Option<PathBuf> {
        Some(self.folder.path().join("ca.pem"))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        script("kill9", self.folder.path());
    }
}

#[tokio::test]
async fn records_go_through_tls_and_sasl_and_only_with_the_right_keys() {
    if std::env::var_os("CAREWIRE_TEST_KAFKA").is_none() && std::env::var("CI").as_deref() != Ok("true") {
        eprintln!("SKIPPED: needs Apache Kafka (CAREWIRE_TEST_KAFKA=auto)");
        return;
    }
    let broker = Broker::start();
    for mechanism in ["PLAIN", "SCRAM-SHA-512"] {
        let bus = broker.bus(mechanism, "let me in", broker.ca()).expect("a bus");
        let name = mechanism.to_lowercase();
        let spec = TopicSpec {
            name: name.clone(),
            partitions: 1,
            replication: 1,
            cleanup: Cleanup::Forever,
            max_record_bytes: 1 << 20,
        };
        bus.ensure_topics(&[spec]).await.expect("the topic is made");
        let record = |value: &'static str| Record { key: "k".into(), value: Some(value.into()), ..Record::default() };
        bus.producer().send(&name, record("produced")).await.expect("produced");
        let writer = bus.fenced_writer(&name, "writer").await.expect("a fenced writer");
        writer.send_all(vec![record("fenced")]).await.expect("written");
        let mut consumer = bus.consumer("group", &[&name], ConsumerConfig::default()).await.expect("joined");
        let mut values = Vec::new();
        while values.len() < 2 {
            let batch = consumer.next_batch(10, Duration::from_secs(20)).await.expect("a batch");
            assert!(!batch.is_empty(), "nothing more came after {values:?}");
            values.extend(batch.into_iter().filter_map(|record| record.value));
        }
        assert_eq!(values, ["produced", "fenced"]);
        consumer.close().await.expect("left");
    }
    let refused = |password, ca| {
        let bus = broker.bus("PLAIN", password, ca).expect("a bus");
        async move { bus.ping().await }
    };
    assert!(refused("let me in", broker.ca()).await.is_ok(), "the right keys open");
    assert!(refused("wrong", broker.ca()).await.is_err(), "a wrong password does not");
    assert!(refused("let me in", None).await.is_err(), "nor does a certificate that nobody vouches for");
}
