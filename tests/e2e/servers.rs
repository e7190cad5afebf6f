//! PostgreSQL and Kafka: the thread, stages apart with kills, and both servers taken away for a while.
//!
//! One test, in sequence, on one pair of servers and one network: topics and tables have fixed names.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    ClientConfig, Message,
    consumer::{BaseConsumer, Consumer},
};
use serde_json::Value;

use crate::{
    apart::{self, Growing},
    sandbox::{
        SOON, eventually,
        feeds::{self, Entry},
        network::{Network, Pair, QUICK, Stage},
        outputs,
        publisher::{Publisher, Reply},
        servers::Servers,
        when,
    },
    thread, websub,
};

#[test]
fn postgresql_and_kafka() {
    let Some(servers) = Servers::start() else { return };
    let settings = format!("{QUICK}\n[bus]\npartitions = 3\n");
    let network = Network::new(servers.pair(), &settings);
    let up = network.start("up");
    up.ready(Duration::from_secs(120));
    let sites = thread::Sites::start();
    thread::scenario(&network, &up, &sites);
    by_an_independent_consumer(&network, &up);
    let (status, took) = up.stop();
    assert!(status.success() && took.as_secs() < 21, "{status} after {took:?}");

    websub::scenario(servers.pair(), "[bus]\npartitions = 3\n");

    let growing = Growing::start("kafka");
    let serve = apart::scenario(&network, &growing, "kafka", 1);
    drop(serve);
    away(&network, &servers);
    restored(&network, &servers, &settings);
}

/// What a consumer that knows nothing of us reads of `carewire.curated` comes to what the change log says.
fn by_an_independent_consumer(network: &Network, stage: &Stage) {
    let Pair::Servers { kafka, .. } = network.pair() else { panic!("this is for Kafka") };
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka)
        .set("group.id", "somebody-else")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .create()
        .unwrap();
    consumer.subscribe(&["carewire.curated"]).unwrap();
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    let expected: BTreeMap<String, Value> = outputs::changes(stage)
        .into_iter()
        .map(|line| (line["item"].as_str().unwrap().to_owned(), line["value"].clone()))
        .collect();
    eventually("an independent consumer has the last state of every item", SOON, || {
        while let Some(Ok(message)) = consumer.poll(Duration::from_millis(200)) {
            let key = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
            last.insert(key, serde_json::from_slice(message.payload().unwrap_or(b"null")).unwrap());
        }
        let same = |(id, value): (&String, &Value)| {
            last.get(id).is_some_and(|got| {
                got["state"] == value["state"] && got["title"] == value["title"] && got["html"] == value["html"]
            })
        };
        when(last.len() == expected.len() && expected.iter().all(same), format!("{last:?}"))
    });
}

/// The database, then the broker, is taken away and comes back: `/readyz` says what is missing, and everything arrives.
fn away(network: &Network, servers: &Servers) {
    let up = network.start("up");
    up.ready(Duration::from_secs(120));
    let publisher = |name: &'static str| {
        let publisher = Publisher::fixed(Reply::status(503));
        let site = publisher.url("");
        let seed = name.len() as u64 * 31_000;
        let entries: Vec<Entry> = (0..30)
            .map(|n| {
                Entry::new(
                    &format!("{name}{n}"),
                    &format!("{name} {n}"),
                    &format!("<p>{}</p>", feeds::words(seed + n, 50)),
                )
            })
            .collect();
        publisher.now(move |asked| feeds::conditional(asked, "text/xml", feeds::rss2(&site, name, &entries)));
        publisher
    };
    let arrived = |name: &str| {
        outputs::curated(&up).iter().filter(|item| item["title"].as_str().unwrap_or_default().starts_with(name)).count()
    };

    let first = publisher("database-away");
    network.publish("database-away", "Database away", &first.url("/feed"));
    servers.run("postgres", "kill9");
    eventually("/readyz says that the database is away", SOON, || {
        let got = up.get("/readyz");
        when(got.status == 503 && got.body.contains("database"), got.body)
    });
    assert_eq!(up.get("/healthz").status, 200);
    servers.run("postgres", "start");
    up.ready(Duration::from_secs(90));
    eventually("everything arrives after the database came back", Duration::from_secs(90), || {
        when(arrived("database-away") == 30, arrived("database-away"))
    });

    let second = publisher("broker-away-now");
    servers.run("kafka", "kill9");
    network.publish("broker-away", "Broker away", &second.url("/feed"));
    eventually("/readyz says what is missing without the broker", SOON, || {
        let got = up.get("/readyz");
        when(got.status == 503, got.body)
    });
    servers.run("kafka", "start");
    up.ready(Duration::from_secs(120));
    eventually("everything arrives after the broker came back", Duration::from_secs(120), || {
        when(arrived("broker-away-now") == 30, arrived("broker-away-now"))
    });
    outputs::assert_no_gap(network);
    assert!(matches!(network.pair(), Pair::Servers { .. }));
    let (status, took) = up.stop();
    assert!(status.success() && took.as_secs() < 21, "{status} after {took:?}");
}

/// An older database is put back beside the newer broker: what it lacks comes from the topics, for the publisher is gone.
fn restored(network: &Network, servers: &Servers, settings: &str) {
    let publisher = Publisher::fixed(Reply::status(503));
    let site = publisher.url("");
    let serve = |count: u64| {
        let site = site.clone();
        let entries: Vec<Entry> = (0..count)
            .map(|n| {
                let text = format!("<p>{}</p>", feeds::words(n + 77_000, 50));
                Entry::new(&format!("restored{n}"), &format!("restored {n}"), &text)
            })
            .collect();
        publisher.now(move |asked| feeds::conditional(asked, "text/xml", feeds::rss2(&site, "restored", &entries)));
    };
    let arrived = |up: &Stage, count: usize| {
        eventually(&format!("{count} entries are out"), Duration::from_secs(60), || {
            let curated = outputs::curated(up);
            let titles = curated.iter().filter_map(|item| item["title"].as_str());
            let found = titles.filter(|title| title.starts_with("restored ")).count();
            when(found == count, found)
        });
    };
    let run = |network: &Network, count: usize| {
        let up = network.start("up");
        up.ready(Duration::from_secs(120));
        arrived(&up, count);
        let (status, _) = up.stop();
        assert!(status.success(), "{status}");
    };
    serve(10);
    network.publish("restored", "Restored", &publisher.url("/feed"));
    run(network, 10);
    servers.sql(network.pair(), "CREATE DATABASE older TEMPLATE postgres");
    serve(20);
    run(network, 20);

    publisher.now(|_| Reply::status(503));
    let Pair::Servers { database, kafka } = network.pair() else { panic!("this is for Kafka") };
    let older = format!("{}/older", database.strip_suffix("/postgres").unwrap());
    let older = Network::new(&Pair::Servers { database: older, kafka: kafka.clone() }, settings);
    run(&older, 20);
    outputs::assert_no_gap(&older);
}
