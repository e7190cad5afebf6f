//! What is killed or away: producing processes, the broker, the process that holds the file.

use std::collections::HashMap;
use std::time::Duration;

use carewire_bus::{Bus, BusError, Cleanup, KafkaConfig, TopicSpec};
use futures::future::join_all;

use crate::children::Worker;
use crate::harness::{Broker, Harness, Kind, all, consume, member, open, pair, record, until};

/// Each key's rounds must be 0, 1, 2 … without a gap or a repeat; the rounds reached.
async fn rounds(bus: &Bus, topic: &str, prefix: &str) -> HashMap<String, u64> {
    let mut reached = HashMap::new();
    for record in all(bus, topic).await {
        let (key, value) = pair(&record);
        if key.starts_with(prefix) {
            let expected = reached.get(&key).map_or(0, |last| last + 1);
            assert_eq!(value.parse::<u64>().ok(), Some(expected), "round of {key}");
            reached.insert(key, expected);
        }
    }
    reached
}

/// A child's lines as the last round acknowledged in each lane.
fn acknowledged(lines: &[String]) -> HashMap<u64, u64> {
    let numbers = lines.iter().filter_map(|line| line.split_once(' '));
    numbers.filter_map(|(lane, round)| Some((lane.parse().ok()?, round.parse().ok()?))).collect()
}

/// Two processes produce; one is killed with SIGKILL in mid-work. All that was acknowledged is there, in order, once, and the
/// other goes on undisturbed.
pub async fn killed_producer_loses_nothing(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic(&bus, "killed", 2).await;
    let mut victim = Worker::start(&harness, "produce", &topic, "v");
    let mut other = Worker::start(&harness, "produce", &topic, "o");
    let mut victims = Vec::new();
    for _ in 0..80 {
        victims.push(victim.line().await.expect("it produces"));
        other.line().await.expect("it produces");
    }
    victims.extend(victim.kill().await);
    let mut others = Vec::new();
    for _ in 0..40 {
        others.push(other.line().await.expect("it goes on"));
    }
    others.extend(other.kill().await);
    for (name, lines) in [("v", &victims), ("o", &others)] {
        let reached = rounds(&bus, &topic, name).await;
        for (lane, round) in acknowledged(lines) {
            for key in 0..4 {
                let last = reached.get(&format!("{name}{lane}.{key}"));
                assert!(last.is_some_and(|last| *last >= round), "{name}{lane}.{key}: {last:?}, acknowledged {round}");
            }
        }
    }
}

/// The broker is killed with SIGKILL while this process produces, or (embedded) one process after another that writes the
/// file is. Nothing is lost, doubled or out of order.
pub async fn killed_holder_or_broker_loses_nothing(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic(&bus, "outage", 2).await;
    let sends: Vec<_> = (0..8)
        .map(|lane| {
            let (producer, topic) = (bus.producer(), topic.clone());
            tokio::spawn(async move {
                for round in 0..400u64 {
                    let records = (0..4).map(|key| record(&format!("p{lane}.{key}"), &round.to_string())).collect();
                    producer.send_all(&topic, records).await.expect("an outage is waited out");
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            })
        })
        .collect();
    let progress = async |least: i64| {
        until("records arrive", async || {
            bus.watermarks(&topic).await.is_ok_and(|marks| marks.iter().map(|marks| marks.high).sum::<i64>() >= least)
        })
        .await;
    };
    progress(200).await;
    for _ in 0..3 {
        match &harness.broker {
            Some(broker) => {
                broker.kill();
                let away = bus.ping().await;
                assert!(matches!(&away, Err(error) if error.is_transient()), "{away:?}");
                broker.again();
            }
            None => {
                let mut holder = Worker::start(&harness, "produce", &topic, "h");
                for _ in 0..20 {
                    holder.line().await.expect("it produces");
                }
                holder.kill().await;
            }
        }
    }
    join_all(sends).await.into_iter().for_each(|lane| lane.expect("all sent"));
    let reached = rounds(&bus, &topic, "p").await;
    assert_eq!(reached.len(), 32);
    assert!(reached.values().all(|round| *round == 399));
}

/// Nothing waits for the broker at the start; when it comes, everything begins to work by itself.
pub async fn broker_away_at_the_start(harness: Harness) {
    assert!(harness.kind == Kind::Kafka);
    let broker = Broker::start();
    let topic = harness.name("later");
    let spec = TopicSpec {
        name: topic.clone(),
        partitions: 2,
        replication: 1,
        cleanup: Cleanup::Forever,
        max_record_bytes: 1000,
    };
    open("kafka", &broker.address, Duration::from_secs(1))
        .await
        .ensure_topics(std::slice::from_ref(&spec))
        .await
        .expect("made");
    broker.stop();
    let mut config = KafkaConfig::new(&broker.address);
    config.request_timeout = Duration::from_secs(1);
    let bus = Bus::kafka(config).expect("nobody is asked");
    let refused = bus.ensure_topics(std::slice::from_ref(&spec)).await;
    assert!(matches!(&refused, Err(error) if error.is_transient()), "{refused:?}");
    let refused = bus.fenced_writer(&topic, "writer").await.map(|_| ());
    assert!(matches!(&refused, Err(error) if error.is_transient()), "{refused:?}");
    let mut consumer = member(&bus, &harness.name("group"), &topic).await;
    let nothing = consumer.next_batch(10, Duration::from_millis(300)).await.expect("waiting is no error");
    assert!(nothing.is_empty());
    let producer = bus.producer();
    let name = topic.clone();
    let send = tokio::spawn(async move { producer.send(&name, record("k", "patient")).await });
    broker.again();
    send.await.expect("no panic").expect("sent");
    until("the topics can be ensured", async || bus.ensure_topics(std::slice::from_ref(&spec)).await.is_ok()).await;
    let records = consume(&mut consumer, 1).await;
    assert_eq!(pair(&records[0]).1, "patient");
    consumer.close().await.expect("left");
    broker.stop();
}

/// A backup taken while records are written is a log of its own that holds a beginning of each key's records.
pub async fn backup_while_producing(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic(&bus, "backed-up", 2).await;
    let mut worker = Worker::start(&harness, "produce", &topic, "b");
    let mut lines = Vec::new();
    for _ in 0..40 {
        lines.push(worker.line().await.expect("it produces"));
    }
    let copy = harness.path("copy.db");
    bus.backup_to(&copy).await.expect("copied");
    assert!(matches!(bus.backup_to(&copy).await, Err(BusError::Config(_))), "it does not overwrite");
    lines.push(worker.line().await.expect("it goes on"));
    worker.kill().await;
    let restored = open("embedded", &copy.to_string_lossy(), Duration::from_secs(1)).await;
    let reached = rounds(&restored, &topic, "b").await;
    for (lane, round) in acknowledged(&lines[..40]) {
        assert!(reached.get(&format!("b{lane}.0")).is_some_and(|last| *last >= round));
    }
    restored.producer().send(&topic, record("k", "goes on")).await.expect("the copy works");
}

/// What one process writes another reads without being told; within a process it takes milliseconds.
pub async fn processes_wake_one_another(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic(&bus, "wake", 1).await;
    let mut consumer = member(&bus, &harness.name("group"), &topic).await;
    // A second opening of the file shares nothing with the first, as in another process.
    let other = harness.bus().await;
    let mut took = Vec::new();
    for sender in [&bus, &other] {
        let mut latencies = Vec::new();
        for _ in 0..9 {
            let (producer, topic) = (sender.producer(), topic.clone());
            let send = tokio::spawn(async move {
                producer.send(&topic, record("k", "v")).await.expect("sent");
                std::time::Instant::now()
            });
            let batch = consumer.next_batch(10, Duration::from_secs(10)).await.expect("read");
            assert_eq!(batch.len(), 1);
            let arrived = std::time::Instant::now();
            latencies.push(arrived.saturating_duration_since(send.await.expect("sent")));
        }
        latencies.sort();
        took.push(latencies[4]);
    }
    println!("    median from durable to read: {:?} within a process, {:?} from another", took[0], took[1]);
    // Generous: other things run on the machine.
    assert!(took[0] < Duration::from_millis(100) && took[1] < Duration::from_secs(1), "{took:?}");
    consumer.close().await.expect("left");
}
