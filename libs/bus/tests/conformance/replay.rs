//! Positions, times, retention.

use std::time::Duration;

use carewire_bus::{Bus, BusError, Cleanup, ConsumerConfig, Record, Start};
use jiff::{SignedDuration, Timestamp};

use crate::harness::{Harness, Kind, consume, member, pair, record, until};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).expect("in range")
}

async fn send_ten(bus: &Bus, topic: &str) {
    let records = (0..10).map(|n| Record { timestamp: Some(at(n * 10)), ..record("k", &n.to_string()) });
    for part in records.collect::<Vec<_>>().chunks(3) {
        bus.producer().send_all(topic, part.to_vec()).await.expect("sent");
    }
}

/// Offsets by time, watermarks, reading from an offset without a group, seeking.
pub async fn offsets_and_times(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic(&bus, "times", 1).await;
    send_ten(&bus, &topic).await;
    let marks = bus.watermarks(&topic).await.expect("watermarks");
    assert_eq!((marks.len(), marks[0].low, marks[0].high), (1, 0, 10));
    let half = SignedDuration::from_millis(500);
    let cases =
        [(at(-1), 0), (at(0), 0), (at(30), 3), (at(29) + half, 3), (at(30) + half, 4), (at(90), 9), (at(91), 10)];
    for (time, offset) in cases {
        assert_eq!(bus.offsets_at(&topic, time).await.expect("offsets"), [(0, offset)], "{time}");
    }
    for (offset, max, first, count) in
        [(0, 3, "0", 3), (4, 100, "4", 6), (-5, 1, "0", 1), (10, 5, "", 0), (99, 5, "", 0)]
    {
        let records = bus.read(&topic, 0, offset, max).await.expect("read");
        let begin = records.first().map(pair).unwrap_or_default().1;
        assert_eq!((begin.as_str(), records.len()), (first, count), "from {offset}");
    }
    assert!(matches!(bus.read(&topic, 5, 0, 1).await, Err(BusError::UnknownPartition { .. })));
    let mut consumer = member(&bus, &harness.name("group"), &topic).await;
    consume(&mut consumer, 10).await;
    consumer.seek(&topic, 0, 7).await.expect("it holds the partition");
    let again = consume(&mut consumer, 3).await;
    assert_eq!(again.iter().map(|record| record.offset).collect::<Vec<_>>(), [7, 8, 9]);
    assert!(matches!(consumer.seek(&topic, 3, 0).await, Err(BusError::NotAssigned(_))));
    consumer.close().await.expect("left");
}

/// A group begins where it should and is moved for replay, but not while it has members.
pub async fn groups_can_be_moved(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic(&bus, "moved", 1).await;
    let group = harness.name("group");
    send_ten(&bus, &topic).await;
    assert_eq!(bus.committed(&group, &topic).await.expect("positions"), [(0, None)]);
    let mut consumer = member(&bus, &group, &topic).await;
    consume(&mut consumer, 10).await;
    assert_eq!(bus.committed(&group, &topic).await.expect("positions"), [(0, Some(10))]);
    let refused = bus.set_committed(&group, &topic, &[(0, 4)]).await;
    assert!(matches!(refused, Err(BusError::GroupActive(_))), "{refused:?}");
    consumer.close().await.expect("left");
    until("the group can be moved", async || bus.set_committed(&group, &topic, &[(0, 4)]).await.is_ok()).await;
    let mut consumer = member(&bus, &group, &topic).await;
    let records = consume(&mut consumer, 6).await;
    assert_eq!(records.iter().map(|record| record.offset).collect::<Vec<_>>(), (4..10).collect::<Vec<i64>>());
    consumer.close().await.expect("left");
    let config = ConsumerConfig { start: Start::Latest, ..ConsumerConfig::default() };
    let mut latest = bus.consumer(&harness.name("latest"), &[&topic], config).await.expect("joined");
    until("it holds the partition", async || {
        let early = latest.next_batch(10, Duration::from_millis(100)).await.expect("read");
        assert!(early.is_empty(), "records from before it joined");
        latest.assignment().len() == 1
    })
    .await;
    // Kafka finds the end only after the partition was assigned.
    latest.next_batch(10, Duration::from_secs(1)).await.expect("read");
    bus.producer().send(&topic, record("k", "new")).await.expect("sent");
    assert_eq!(pair(&consume(&mut latest, 1).await[0]).1, "new");
    latest.close().await.expect("left");
}

/// Records older than the topic keeps go; a group that was further behind goes on with what there is.
pub async fn retention(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic_with(&bus, "aging", 1, Cleanup::Time(Duration::from_secs(3600))).await;
    let group = harness.name("group");
    let old = Timestamp::now() - SignedDuration::from_hours(2);
    let records = (0..100).map(|n| Record { timestamp: Some(old), ..record("k", &n.to_string()) });
    bus.producer().send_all(&topic, records.collect()).await.expect("sent");
    bus.set_committed(&group, &topic, &[(0, 10)]).await.expect("moved");
    until("the old records are gone", async || {
        bus.watermarks(&topic).await.is_ok_and(|marks| marks[0].low == 100 && marks[0].high == 100)
    })
    .await;
    bus.producer().send(&topic, record("k", "young")).await.expect("sent");
    let mut consumer = member(&bus, &group, &topic).await;
    let records = consume(&mut consumer, 1).await;
    assert_eq!((pair(&records[0]).1.as_str(), records[0].offset), ("young", 100));
    assert_eq!(bus.read(&topic, 0, 3, 10).await.expect("read").len(), 1, "a lost offset goes on at the low watermark");
    consumer.close().await.expect("left");
    let marks = bus.watermarks(&topic).await.expect("watermarks");
    assert!(harness.kind == Kind::Kafka || (marks[0].low, marks[0].high) == (100, 101), "{marks:?}");
}
