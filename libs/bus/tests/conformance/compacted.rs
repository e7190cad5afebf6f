//! Compacted topics and their one writer.

use std::time::Duration;

use carewire_bus::{Bus, BusError, Cleanup, Record};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::config::ClientConfig;

use crate::children::Worker;
use crate::harness::{Harness, all, consume, member, pair, record, until};

const COMPACT: Cleanup = Cleanup::Compact { delete_retention: Duration::from_secs(1) };

/// Makes Kafka compact eagerly: small segments, no waiting for dirt.
async fn eager(harness: &Harness, topic: &str) {
    let Some(broker) = &harness.broker else { return };
    let admin: AdminClient<_> =
        ClientConfig::new().set("bootstrap.servers", &broker.address).create().expect("an admin client");
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "200"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("delete.retention.ms", "1000"),
        ("max.message.bytes", "5500000"),
    ];
    let resource = AlterConfig::new(ResourceSpecifier::Topic(topic));
    let resource = settings.iter().fold(resource, |resource, (key, value)| resource.set(key, value));
    let altered = admin.alter_configs([&resource], &AdminOptions::new()).await.expect("the broker answers");
    assert!(altered.iter().all(Result::is_ok), "{altered:?}");
}

async fn pairs(bus: &Bus, topic: &str) -> Vec<(String, String)> {
    all(bus, topic).await.iter().map(pair).filter(|(key, _)| key != "tick").collect()
}

/// Of each key the last record stays at its offset and in order; tombstones go after their time.
pub async fn compaction(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic_with(&bus, "compacted", 1, COMPACT).await;
    eager(&harness, &topic).await;
    let producer = bus.producer();
    let mut last = Vec::new();
    for round in 0..20 {
        for key in 0..10 {
            let position = producer.send(&topic, record(&format!("k{key}"), &round.to_string())).await.expect("sent");
            if round == 19 {
                last.push(position.offset);
            }
        }
    }
    producer.send(&topic, Record { value: None, ..record("k3", "") }).await.expect("sent");
    let kept = |tombstone: bool| -> Vec<(String, String)> {
        let keys = (0..10).filter(|key| *key != 3).map(|key| (format!("k{key}"), "19".to_owned()));
        keys.chain(tombstone.then(|| ("k3".to_owned(), "-".to_owned()))).collect()
    };
    // The tail is never compacted: something must follow.
    let settled = async |what: &str, tombstone: bool| {
        until(what, async || {
            producer.send(&topic, record("tick", "")).await.expect("sent");
            let pairs = pairs(&bus, &topic).await;
            // The tombstone may be gone by the time that the rest has settled.
            pairs == kept(tombstone) || (tombstone && pairs == kept(false))
        })
        .await;
    };
    settled("old values are gone", true).await;
    settled("the tombstone is gone", false).await;
    let records = all(&bus, &topic).await;
    let offsets: Vec<i64> =
        records.iter().filter(|record| &record.key[..] != b"tick").map(|record| record.offset).collect();
    last.remove(3);
    assert_eq!(offsets, last, "what stays keeps its offset");
    let mut consumer = member(&bus, &harness.name("group"), &topic).await;
    let read = consume(&mut consumer, 9).await;
    assert_eq!(read[..9].iter().map(pair).collect::<Vec<_>>(), kept(false));
    consumer.close().await.expect("left");
}

/// A batch is all or nothing; a newer writer of the name ends the older one for ever.
pub async fn fenced_writer(harness: Harness) {
    let (one, two) = (harness.bus().await, harness.bus().await);
    let topic = harness.topic_with(&one, "fenced", 2, COMPACT).await;
    let name = harness.name("writer");
    let old = one.fenced_writer(&topic, &name).await.expect("a writer");
    let positions = old.send_all((0..10).map(|n| record(&format!("k{n}"), "old")).collect()).await.expect("written");
    assert_eq!(positions.len(), 10);
    let refused = old
        .send_all(vec![record("k0", "never"), Record { value: Some(vec![1; 6 << 20].into()), ..record("k1", "") }])
        .await;
    assert!(matches!(refused, Err(BusError::TooLarge { .. })), "{refused:?}");
    let new = two.fenced_writer(&topic, &name).await.expect("a writer");
    for _ in 0..2 {
        let refused = old.send_all(vec![record("k0", "stale")]).await;
        assert!(matches!(refused, Err(BusError::Fenced)), "{refused:?}");
    }
    new.send_all(vec![record("k0", "new")]).await.expect("written");
    let other = one.fenced_writer(&topic, &harness.name("other")).await.expect("another name");
    other.send_all(vec![record("other", "other")]).await.expect("written");
    new.send_all(vec![record("k1", "new")]).await.expect("other names do not fence");
    let values: Vec<String> = all(&one, &topic).await.iter().map(|record| pair(record).1).collect();
    assert_eq!(values.iter().filter(|value| *value == "old").count(), 10);
    assert_eq!(values.iter().filter(|value| *value == "new").count(), 2);
    assert_eq!(values.len(), 13, "{values:?}");
}

/// A writing process is stopped (SIGSTOP), another takes over, the first wakes: it cannot write.
pub async fn stopped_writer_cannot_write(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic_with(&bus, "stopped", 1, COMPACT).await;
    let name = harness.name("writer");
    let mut worker = Worker::start(&harness, "fenced", &topic, &name);
    assert_eq!(worker.line().await.as_deref(), Some("ready"));
    worker.signal("STOP");
    let writer = bus.fenced_writer(&topic, &name).await.expect("a writer");
    writer.send_all(vec![record("k", "second")]).await.expect("written");
    worker.signal("CONT");
    worker.tell().await;
    for _ in 0..2 {
        assert_eq!(worker.line().await.as_deref(), Some("fenced"));
    }
    writer.send_all(vec![record("k", "third")]).await.expect("still the writer");
    let values: Vec<String> = all(&bus, &topic).await.iter().map(|record| pair(record).1).collect();
    assert!(values.ends_with(&["second".to_owned(), "third".to_owned()]), "{values:?}");
    assert!(!values.contains(&"stale".to_owned()));
}
