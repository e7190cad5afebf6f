//! Records: order, contents, size, back-pressure.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use carewire_bus::{BusError, Position, Record};
use futures::future::join_all;
use jiff::Timestamp;

use crate::harness::{Harness, Kind, all, consume, member, pair, record, text, until};

/// Records of one key keep their order and their partition, whoever sends beside them.
pub async fn keyed_order(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic(&bus, "order", 4).await;
    let sends = (0..20).map(|lane| {
        let (producer, topic) = (bus.producer(), topic.clone());
        tokio::spawn(async move {
            for round in 0..25 {
                let records = (0..4).map(|key| record(&format!("{lane}.{key}"), &round.to_string())).collect();
                producer.send_all(&topic, records).await.expect("sending works");
            }
        })
    });
    let mut consumer = member(&bus, &harness.name("readers"), &topic).await;
    join_all(sends).await.into_iter().for_each(|lane| lane.expect("sent"));
    let records = consume(&mut consumer, 2000).await;
    assert_eq!(records.len(), 2000);
    let mut last: HashMap<String, (i32, i64, i64)> = HashMap::new();
    for record in &records {
        let (key, value) = pair(record);
        let round: i64 = value.parse().expect("a number");
        let before = last.insert(key, (record.partition, record.offset, round)).unwrap_or((record.partition, -1, -1));
        assert!(
            before.0 == record.partition && before.1 < record.offset && before.2 + 1 == round,
            "{before:?} {record:?}"
        );
    }
    assert_eq!(last.len(), 80);
    let used: std::collections::BTreeSet<i32> = records.iter().map(|record| record.partition).collect();
    assert_eq!(used.len(), 4, "keys spread over the partitions");
    consumer.close().await.expect("left");
}

/// What goes in comes out: headers in order and twice the same name, tombstones, empty values, times, bytes of all kinds.
pub async fn contents_survive(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic(&bus, "contents", 1).await;
    let time: Timestamp = "2026-01-02T03:04:05.678Z".parse().expect("a time");
    let header = |name: &str, value: &'static [u8]| (name.to_owned(), Bytes::from_static(value));
    let sent = vec![
        Record {
            headers: vec![header("ce_id", b"1"), header("ce_type", b"x"), header("ce_id", b"2"), header("leer", b"")],
            timestamp: Some(time),
            ..record("key", "value")
        },
        Record { value: None, ..record("key", "") },
        record("key", ""),
        Record {
            key: Bytes::from_static(&[0, 255, 128]),
            value: Some(Bytes::from_static(&[0; 300])),
            ..Record::default()
        },
        record("", "empty key"),
    ];
    let before = Timestamp::now().as_millisecond();
    let positions = bus.producer().send_all(&topic, sent.clone()).await.expect("sent");
    assert_eq!(positions, (0..5).map(|offset| Position { partition: 0, offset }).collect::<Vec<_>>());
    let received = all(&bus, &topic).await;
    for (sent, received) in sent.iter().zip(&received) {
        assert_eq!((&sent.key, &sent.value, &sent.headers), (&received.key, &received.value, &received.headers));
        match sent.timestamp {
            Some(time) => assert_eq!(received.timestamp, time),
            None => assert!((before..before + 60_000).contains(&received.timestamp.as_millisecond())),
        }
    }
    assert_eq!(received.len(), sent.len());
    assert_eq!(received[0].header("ce_type").map(text).as_deref(), Some("x"));
    let unknown = bus.read(&harness.name("nowhere"), 0, 0, 1).await;
    assert!(matches!(unknown, Err(BusError::UnknownTopic(_))), "{unknown:?}");
    bus.ping().await.expect("the bus answers");
}

/// Records of 4 MB pass, several at once, beside small ones; larger ones than the topic takes are refused.
pub async fn four_megabytes(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic(&bus, "large", 1).await;
    let large = |seed| {
        let mut random = fastrand::Rng::with_seed(seed);
        let value: Bytes = std::iter::repeat_with(|| random.u8(..)).take(4_000_000).collect();
        Record { value: Some(value), ..record("large", "") }
    };
    let producer = bus.producer();
    let sent = vec![record("small", "1"), large(1), large(2), large(3), record("small", "2")];
    producer.send_all(&topic, sent.clone()).await.expect("sent");
    let mut consumer = member(&bus, &harness.name("readers"), &topic).await;
    let mut received = Vec::new();
    while received.len() < sent.len() {
        let batch = consumer.next_batch(100, Duration::from_secs(5)).await.expect("read");
        let bytes: usize = batch.iter().map(carewire_bus::Received::size).sum();
        assert!(bytes <= 8 << 20, "a batch of {bytes} bytes");
        received.extend(batch);
    }
    assert!(sent.iter().zip(&received).all(|(sent, received)| sent.value == received.value));
    let refused = producer.send(&topic, Record { value: Some(vec![0; 6 << 20].into()), ..record("k", "") }).await;
    assert!(matches!(refused, Err(BusError::TooLarge { .. })), "{refused:?}");
    consumer.close().await.expect("left");
}

/// While nothing can be written, what is taken in is bounded; afterwards everything arrives.
pub async fn back_pressure(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic(&bus, "pressure", 1).await;
    bus.producer().send(&topic, record("k", "warm")).await.expect("sent");
    let resident = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
        line.split_whitespace().nth(1).and_then(|size| size.parse().ok()).expect("a number")
    };
    let lock = Lock::take(&harness).await;
    let before = resident();
    // 192 records that share one value: what they take of memory is what the bus copies.
    let mut random = fastrand::Rng::with_seed(7);
    let value: Bytes = std::iter::repeat_with(|| random.u8(..)).take(1 << 20).collect();
    let sends: Vec<_> = (0..192)
        .map(|_| {
            let (producer, topic, value) = (bus.producer(), topic.clone(), value.clone());
            tokio::spawn(async move { producer.send(&topic, Record { value: Some(value), ..record("k", "") }).await })
        })
        .collect();
    // Time for a queue without bounds to grow.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let grown = resident().saturating_sub(before) / 1024;
    assert!(grown < 128, "the queue grew to {grown} MiB");
    assert!(sends.iter().any(|send| !send.is_finished()));
    lock.release().await;
    for send in sends {
        send.await.expect("no panic").expect("sent");
    }
    until("all are there", async || bus.watermarks(&topic).await.is_ok_and(|marks| marks[0].high == 193)).await;
}

/// Keeps the bus from writing: the file's write lock, or a broker that is stopped.
enum Lock {
    File(Box<sqlx::SqliteConnection>),
    Broker(crate::harness::Broker),
}

impl Lock {
    async fn take(harness: &Harness) -> Lock {
        match (harness.kind, &harness.broker) {
            (Kind::Kafka, Some(broker)) => {
                broker.pause();
                Lock::Broker(broker.clone())
            }
            _ => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(harness.address());
                let mut conn = sqlx::ConnectOptions::connect(&options).await.expect("the file opens");
                sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await.expect("the lock");
                Lock::File(Box::new(conn))
            }
        }
    }

    async fn release(self) {
        match self {
            Lock::File(mut conn) => {
                sqlx::query("ROLLBACK").execute(&mut *conn).await.expect("unlocked");
            }
            Lock::Broker(broker) => broker.resume(),
        }
    }
}
