//! PostgreSQL and Kafka: the thread, stages apart with kills, and both servers taken away for a while.
//!
//! One test, in sequence, on one pair of servers and one network: topics and tables have fixed names.

use std::{process::Command, time::Duration};

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
    thread,
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
    by_kafkas_own_consumer(&servers, &up);
    let (status, took) = up.stop();
    assert!(status.success() && took.as_secs() < 21, "{status} after {took:?}");

    let growing = Growing::start("kafka");
    let serve = apart::scenario(&network, &growing, "kafka", 1);
    drop(serve);
    away(&network, &servers);
}

/// What Kafka's own consumer reads of `carewire.curated` is what the change log says.
fn by_kafkas_own_consumer(servers: &Servers, stage: &Stage) {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/test-servers/kafka");
    let folder = servers.folder("kafka");
    let args = [
        "--topic",
        "carewire.curated",
        "--from-beginning",
        "--timeout-ms",
        "8000",
        "--isolation-level",
        "read_committed",
    ];
    let out = Command::new(script)
        .arg("tool")
        .arg(folder)
        .arg("org.apache.kafka.tools.consumer.ConsoleConsumer")
        .args(args)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let values: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for line in outputs::changes(stage) {
        let last = values.iter().rfind(|value| value["id"] == line["item"]);
        let last = last.unwrap_or_else(|| {
            panic!("{} is not among {} records: {}", line["item"], values.len(), String::from_utf8_lossy(&out.stderr))
        });
        assert_eq!(last["state"], line["state"], "{last}");
        assert_eq!(last["title"], line["value"]["title"], "{last}");
    }
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
