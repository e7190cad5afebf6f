//! What the bus costs: `cargo run --release -p carewire-bus --example bus-bench [-- BROKERS]`.
//!
//! Produces and consumes records of 1.5 KiB of JSON-like text through the embedded log, and through Kafka when a broker's address is
//! given. CPU is this process's, all threads; a broker's own is not in it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use carewire_bus::{Bus, Cleanup, ConsumerConfig, EmbeddedConfig, KafkaConfig, Record, TopicSpec};

const RECORDS: usize = 40_000;
const BYTES: usize = 1536;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    println!("| bus | step | records/s | CPU µs a record | goal |");
    println!("| --- | --- | --- | --- | --- |");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.db");
        let bus = Bus::embedded(EmbeddedConfig::new(&path)).await.expect("the log opens");
        run("embedded", &bus).await;
        let size = std::fs::metadata(&path).map_or(0, |file| file.len());
        println!("\nThe embedded log's file: {} bytes a record.", size / (2 * RECORDS as u64));
        if let Some(brokers) = std::env::args().nth(1) {
            run("kafka", &Bus::kafka(KafkaConfig::new(brokers)).expect("a good address")).await;
        }
    });
}

async fn run(name: &str, bus: &Bus) {
    let topic = format!("bench.{:08x}", fastrand::u32(..));
    let spec = TopicSpec {
        name: topic.clone(),
        partitions: 4,
        replication: 1,
        cleanup: Cleanup::Forever,
        max_record_bytes: 4 << 20,
    };
    bus.ensure_topics(&[spec]).await.expect("the topic is made");
    let records: Vec<Record> = (0..RECORDS).map(record).collect();
    let producer = bus.producer();
    producer.send(&topic, records[0].clone()).await.expect("warm");

    // As a feed's poll does it: 40 entries at once, some polls beside each other.
    let meter = Meter::start();
    let lanes = records.chunks(RECORDS / 8).map(|lane| {
        let (producer, topic, lane) = (producer.clone(), topic.clone(), lane.to_vec());
        tokio::spawn(async move {
            for batch in lane.chunks(40) {
                producer.send_all(&topic, batch.to_vec()).await.expect("sent");
            }
        })
    });
    futures::future::join_all(lanes.collect::<Vec<_>>()).await;
    meter.print(name, "produce, 8 × batches of 40", RECORDS, "25");

    let meter = Meter::start();
    let lanes = records.chunks(RECORDS / 64).map(|lane| {
        let (producer, topic, lane) = (producer.clone(), topic.clone(), lane.to_vec());
        tokio::spawn(async move {
            for record in lane {
                producer.send(&topic, record).await.expect("sent");
            }
        })
    });
    futures::future::join_all(lanes.collect::<Vec<_>>()).await;
    meter.print(name, "produce, 64 × one by one", RECORDS, "-");

    for size in [500, 50] {
        let mut consumer =
            bus.consumer(&format!("{topic}.{size}"), &[&topic], ConsumerConfig::default()).await.expect("joined");
        let mut read = consumer.next_batch(1, Duration::from_secs(30)).await.expect("read").len();
        let meter = Meter::start();
        while read < 2 * RECORDS {
            let batch = consumer.next_batch(size, Duration::from_secs(5)).await.expect("read");
            assert!(!batch.is_empty(), "{read} records");
            read += batch.len();
            let mut next = std::collections::BTreeMap::new();
            for record in &batch {
                next.insert((record.topic.clone(), record.partition), record.offset + 1);
            }
            let next: Vec<_> =
                next.into_iter().map(|((topic, partition), offset)| (topic, partition, offset)).collect();
            consumer.commit(&next).await.expect("committed");
        }
        meter.print(name, &format!("consume and commit by {size}"), read, "10");
        consumer.close().await.expect("left");
    }

    let mut latencies = Vec::new();
    let config = ConsumerConfig { start: carewire_bus::Start::Latest, ..ConsumerConfig::default() };
    let mut consumer = bus.consumer(&format!("{topic}.latency"), &[&topic], config).await.expect("joined");
    consumer.next_batch(1, Duration::from_secs(3)).await.expect("read");
    for record in &records[..200] {
        let began = Instant::now();
        let (sent, read) =
            tokio::join!(producer.send(&topic, record.clone()), consumer.next_batch(1, Duration::from_secs(5)));
        sent.expect("sent");
        assert_eq!(read.expect("read").len(), 1);
        latencies.push(began.elapsed());
    }
    latencies.sort();
    println!("| {name} | one record, send to read | p50 {:.1?}, p99 {:.1?} | | |", latencies[100], latencies[197]);
    consumer.close().await.expect("left");
}

/// A record of words, which compresses about as an entry does.
fn record(number: usize) -> Record {
    const WORDS: [&str; 24] = [
        "patients",
        "with",
        "diabetes",
        "study",
        "of",
        "the",
        "trial",
        "support",
        "group",
        "treatment",
        "in",
        "hospital",
        "clinic",
        "research",
        "shows",
        "type",
        "care",
        "health",
        "and",
        "results",
        "for",
        "children",
        "adults",
        "risk",
    ];
    let mut random = fastrand::Rng::with_seed(number as u64);
    let mut value = format!("{{\"id\":\"{:032x}\",\"text\":\"", random.u128(..));
    while value.len() < BYTES - 2 {
        value.push_str(WORDS[random.usize(..WORDS.len())]);
        value.push_str(if random.u8(..) < 40 { ", " } else { " " });
        if random.u8(..) < 60 {
            value.push_str(&random.u32(..100_000).to_string());
        }
    }
    value.push_str("\"}");
    Record {
        key: Bytes::from(format!("entry-{number:08}")),
        value: Some(value.into()),
        headers: vec![
            ("ce_type".to_owned(), Bytes::from_static(b"carewire.entry.v1")),
            ("ce_id".to_owned(), Bytes::from(format!("{number:032x}"))),
        ],
        timestamp: None,
    }
}

struct Meter {
    wall: Instant,
    cpu: Duration,
}

impl Meter {
    fn start() -> Meter {
        Meter { wall: Instant::now(), cpu: cpu() }
    }

    fn print(self, bus: &str, step: &str, records: usize, goal: &str) {
        let cpu = (cpu() - self.cpu).as_secs_f64() * 1e6 / records as f64;
        let rate = records as f64 / self.wall.elapsed().as_secs_f64();
        println!("| {bus} | {step} | {rate:.0} | {cpu:.1} | {goal} |");
    }
}

/// CPU time of this process, in ticks of 10 ms (proc(5): utime and stime).
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(')').next().expect("a name in parentheses").split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}
