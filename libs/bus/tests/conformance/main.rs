//! The bus's conformance suite: the same tests against the embedded log and against a real Kafka broker.
//!
//! Kafka's half runs when `CAREWIRE_TEST_KAFKA=auto` or `CI=true`, with a broker of its own (`deploy/test-servers/kafka`);
//! otherwise it says that it was skipped. Arguments without dashes select tests by a part of their names. Tests run one after
//! another: some kill the broker.

mod children;
mod compacted;
mod groups;
mod harness;
mod outages;
mod records;
mod replay;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use harness::{Broker, Harness, Kind};

type Test = (&'static str, fn(Harness) -> LocalBoxFuture<'static, ()>);

/// Longest a test may take; the machine may be busy with other things.
const LIMIT: Duration = Duration::from_secs(180);

macro_rules! tests {
    ($($module:ident: $($name:ident),*;)*) => {
        vec![$($((stringify!($name), |harness| Box::pin($module::$name(harness)))),*),*]
    };
}

fn main() -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    if let Ok(role) = std::env::var(children::ROLE) {
        runtime.block_on(children::run(&role));
        return ExitCode::SUCCESS;
    }
    let both: Vec<Test> = tests! {
        records: keyed_order, contents_survive, four_megabytes, back_pressure;
        groups: members_share_partitions, killed_member_is_taken_over, lost_partition_cannot_be_committed;
        outages: killed_producer_loses_nothing, killed_holder_or_broker_loses_nothing;
        replay: offsets_and_times, groups_can_be_moved, retention;
        compacted: compaction, fenced_writer, stopped_writer_cannot_write;
    };
    let embedded: Vec<Test> = tests! { outages: backup_while_producing, processes_wake_one_another; };
    let kafka: Vec<Test> = tests! { outages: broker_away_at_the_start; };

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let named = |kind: Kind, tests: &[Test]| -> Vec<(String, Kind, Test)> {
        let named = tests.iter().map(|test| (format!("{}::{}", kind.name(), test.0), kind, *test));
        named.filter(|(name, ..)| filters.is_empty() || filters.iter().any(|filter| name.contains(*filter))).collect()
    };
    let mut selected = named(Kind::Embedded, &both);
    selected.extend(named(Kind::Embedded, &embedded));
    let mut of_kafka = named(Kind::Kafka, &both);
    of_kafka.extend(named(Kind::Kafka, &kafka));
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let with_kafka = ci || std::env::var("CAREWIRE_TEST_KAFKA").is_ok_and(|kafka| kafka == "auto");
    if arguments.iter().any(|argument| argument == "--list") {
        selected.iter().chain(&of_kafka).for_each(|(name, ..)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    if with_kafka {
        selected.append(&mut of_kafka);
    } else if !of_kafka.is_empty() {
        eprintln!("SKIPPED: {} tests against Kafka (CAREWIRE_TEST_KAFKA=auto runs them)", of_kafka.len());
    }
    let mut failed = 0;
    let mut broker = None;
    println!("\nrunning {} tests", selected.len());
    for (name, kind, (_, test)) in &selected {
        let started = Instant::now();
        let harness = match kind {
            Kind::Embedded => Harness::embedded(),
            Kind::Kafka => Harness::kafka(broker.get_or_insert_with(Broker::start).clone()),
        };
        let run = runtime
            .block_on(async { AssertUnwindSafe(tokio::time::timeout(LIMIT, test(harness))).catch_unwind().await });
        let outcome = match run {
            Ok(Ok(())) => "ok",
            Ok(Err(_)) => "FAILED (time limit)",
            Err(_) => "FAILED",
        };
        failed += usize::from(outcome != "ok");
        println!("test {name} ... {outcome} ({:.1} s)", started.elapsed().as_secs_f64());
    }
    if let Some(broker) = broker {
        broker.stop();
    }
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {result}. {} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out",
        selected.len() - failed
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
