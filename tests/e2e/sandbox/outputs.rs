//! The outputs as a subscriber sees them.

use std::collections::BTreeMap;

use carewire_bus::{Bus, EmbeddedConfig, KafkaConfig, Record};
use carewire_feeds::Parsed;
use carewire_store::{Changes, Store, StoreConfig, Target};
use serde_json::Value;

use super::{
    block_on,
    network::{Network, Pair, Stage},
};

/// A feed of the network, read by the project's own reader.
pub fn feed(stage: &Stage, path: &str) -> Result<Parsed, String> {
    let got = stage.get(path);
    if got.status != 200 {
        return Err(format!("{path}: status {}: {}", got.status, got.body));
    }
    let content_type = Some(got.header("content-type"));
    let parsed =
        carewire_feeds::parse(got.body.as_bytes(), &carewire_feeds::Context { content_type, ..Default::default() });
    if !parsed.problems.is_empty() {
        panic!("{path} is not clean: {:?}", parsed.problems);
    }
    Ok(parsed)
}

/// The titles of a feed, sorted.
pub fn titles(stage: &Stage, path: &str) -> Result<Vec<String>, String> {
    let parsed = feed(stage, path)?;
    let report = carewire_feeds::report(&parsed);
    let entries = report["entries"].as_array().unwrap();
    let mut titles: Vec<String> =
        entries.iter().map(|entry| entry["title"].as_str().unwrap_or_default().to_owned()).collect();
    titles.sort();
    Ok(titles)
}

/// Titles of an Atom feed by a strict reader that shares no code with ours, sorted.
pub fn atom_titles_by_another_reader(xml: &str) -> Vec<String> {
    let feed: atom_syndication::Feed = xml.parse().unwrap_or_else(|error| panic!("{error}: {xml}"));
    let mut titles: Vec<String> = feed.entries().iter().map(|entry| entry.title().value.clone()).collect();
    titles.sort();
    titles
}

/// The same for RSS 2.0.
pub fn rss_titles_by_another_reader(xml: &str) -> Vec<String> {
    let channel: rss::Channel = xml.parse().unwrap_or_else(|error| panic!("{error}: {xml}"));
    let mut titles: Vec<String> =
        channel.items().iter().map(|item| item.title().unwrap_or_default().to_owned()).collect();
    titles.sort();
    titles
}

/// All lines of `/v1/changes`, by following its links.
pub fn changes(stage: &Stage) -> Vec<Value> {
    let mut lines: Vec<Value> = Vec::new();
    let mut path = "/v1/changes?after=0&limit=1000".to_owned();
    loop {
        let got = stage.get(&path);
        assert_eq!(got.status, 200, "{}", got.body);
        let page: Vec<Value> = got.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if page.is_empty() {
            break;
        }
        lines.extend(page);
        let link = got.header("link");
        let next = link.strip_prefix('<').and_then(|link| link.split_once('>')).unwrap().0;
        path = next.split_once("/v1/").map(|(_, rest)| format!("/v1/{rest}")).unwrap();
    }
    let numbers: Vec<i64> = lines.iter().map(|line| line["seq"].as_i64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "not in order: {numbers:?}");
    lines
}

/// The network's database, opened by the tests beside it.
pub fn store(network: &Network) -> Store {
    let target = match network.pair() {
        Pair::Embedded => Target::Sqlite(network.data.join("store.db")),
        Pair::Servers { database, .. } => Target::Postgres(database.clone()),
    };
    block_on(Store::open(&StoreConfig::new(target))).unwrap()
}

/// Every number of the sequence, in order.
pub fn sequence(network: &Network) -> Vec<i64> {
    let store = store(network);
    block_on(async {
        let mut numbers = Vec::new();
        loop {
            match store.changes(numbers.last().copied().unwrap_or(0), 1000).await.unwrap() {
                Changes::Rows(rows) if rows.is_empty() => return numbers,
                Changes::Rows(rows) => numbers.extend(rows.iter().map(|row| row.seq)),
                Changes::TooOld => panic!("the change log has already been cut"),
            }
        }
    })
}

/// The sequence must run from 1 without a gap.
pub fn assert_no_gap(network: &Network) -> usize {
    let numbers = sequence(network);
    for (position, number) in numbers.iter().enumerate() {
        assert_eq!(*number, i64::try_from(position).unwrap() + 1, "a gap or a repeat in the sequence");
    }
    numbers.len()
}

/// The network's bus, opened by the tests beside it.
async fn bus(network: &Network) -> Bus {
    match network.pair() {
        Pair::Embedded => Bus::embedded(EmbeddedConfig::new(network.data.join("log.db"))).await.unwrap(),
        Pair::Servers { kafka, .. } => Bus::kafka(KafkaConfig::new(kafka.clone())).unwrap(),
    }
}

/// Puts a record without headers on a topic.
pub fn put_raw(network: &Network, topic: &str, key: &str, value: &[u8]) {
    block_on(async {
        let record = Record {
            key: key.as_bytes().to_vec().into(),
            value: Some(value.to_vec().into()),
            headers: Vec::new(),
            timestamp: None,
        };
        bus(network).await.producer().send(topic, record).await.unwrap();
    });
}

/// The last value of each key of `carewire.curated`, read as any consumer would (on Kafka: committed records only).
pub fn curated_topic(network: &Network) -> BTreeMap<String, Value> {
    block_on(async {
        let bus = bus(network).await;
        let mut last = BTreeMap::new();
        for ends in bus.watermarks("carewire.curated").await.unwrap() {
            let mut offset = ends.low;
            loop {
                let records = bus.read("carewire.curated", ends.partition, offset, 500).await.unwrap();
                let Some(end) = records.last() else { break };
                offset = end.offset + 1;
                for record in records {
                    let key = String::from_utf8(record.key.to_vec()).unwrap();
                    let value = record.value.map_or(Value::Null, |value| serde_json::from_slice(&value).unwrap());
                    last.insert(key, value);
                }
            }
        }
        last
    })
}

/// What is curated, as somebody knows it who has followed the change log: each item in its last state.
pub fn curated(stage: &Stage) -> Vec<Value> {
    let mut last = BTreeMap::new();
    for line in changes(stage) {
        last.insert(line["item"].as_str().unwrap().to_owned(), line);
    }
    last.into_values().filter(|line| line["state"] == "curated").map(|line| line["value"].clone()).collect()
}
