//! What ingest tells Prometheus, in the default registry.

use std::sync::LazyLock;

use prometheus::{
    CounterVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, core::Collector,
};

const VALID: &str = "the metric's name and labels are constants and valid";

fn registered<C: Collector + Clone + 'static>(collector: C) -> C {
    // A name registered twice would be a mistake of ours; the second one then counts unseen, which is no reason to stop.
    let _ = prometheus::register(Box::new(collector.clone()));
    collector
}

fn counter(name: &str, help: &str) -> IntCounter {
    registered(IntCounter::new(name, help).expect(VALID))
}

fn counters(name: &str, help: &str, label: &str) -> IntCounterVec {
    registered(IntCounterVec::new(Opts::new(name, help), &[label]).expect(VALID))
}

fn histogram(name: &str, help: &str, buckets: &[f64]) -> Histogram {
    registered(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())).expect(VALID))
}

/// Polls that ended, by outcome: `not-modified` (304), `same-body`, `read`, `failed`, `busy`.
pub(crate) static POLLS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "Polls that ended, by outcome: `not-modified` (304), `same-body`, `read`, `failed`, `busy`.";
    counters("carewire_ingest_polls_total", help, "outcome")
});

/// Polls that failed, by the code of the failure.
pub(crate) static FAILURES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters("carewire_ingest_failures_total", "Polls that failed, by the code of the failure.", "code")
});

/// Entries read, by what happened to them: `new`, `changed`, `deleted`, `unchanged`.
pub(crate) static ENTRIES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "Entries read, by what happened to them: `new`, `changed`, `deleted`, `unchanged`.";
    counters("carewire_ingest_entries_total", help, "change")
});

/// Problems found in feeds, by code, once a poll that read a body.
pub(crate) static PROBLEMS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "Problems found in feeds, by code, once a poll that read a body.";
    counters("carewire_ingest_problems_total", help, "code")
});

/// Ends of polls that were refused, because the feed had been claimed again meanwhile.
pub(crate) static STALE: LazyLock<IntCounter> = LazyLock::new(|| {
    let help = "Ends of polls that were refused, because the feed had been claimed again meanwhile.";
    counter("carewire_ingest_stale_polls_total", help)
});

/// Hosts that are fetched from now.
pub(crate) static HOSTS: LazyLock<IntGauge> = LazyLock::new(|| {
    registered(IntGauge::new("carewire_ingest_hosts", "Hosts that are fetched from now.").expect(VALID))
});

/// How late polls begin, after the time at which they were due.
pub(crate) static LATE: LazyLock<Histogram> = LazyLock::new(|| {
    let help = "How late polls begin, after the time at which they were due.";
    histogram("carewire_ingest_late_seconds", help, &[0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0])
});

/// Time from the end of a body to the acknowledgement of its entries on the bus.
pub(crate) static EMIT: LazyLock<Histogram> = LazyLock::new(|| {
    let help = "Time from the end of a body to the acknowledgement of its entries on the bus.";
    histogram("carewire_ingest_emit_seconds", help, &[0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0])
});

/// Delays of new entries until they are on the bus, from their own date and from when they could first have been seen.
pub(crate) static DELAY: LazyLock<HistogramVec> = LazyLock::new(|| {
    let help = "Delays of new entries until they are on the bus, from their own date and from when they could first have been seen.";
    let buckets = vec![1.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 10_800.0, 43_200.0, 172_800.0];
    let opts = HistogramOpts::new("carewire_ingest_delay_seconds", help).buckets(buckets);
    registered(HistogramVec::new(opts, &["from"]).expect(VALID))
});

/// Delays of new entries, summed, by who owes them: `publisher`, `hub`, `host`, `schedule`, `queue`.
pub(crate) static OWED: LazyLock<CounterVec> = LazyLock::new(|| {
    let help = "Delays of new entries, summed, by who owes them: `publisher`, `hub`, `host`, `schedule`, `queue`.";
    let opts = Opts::new("carewire_ingest_owed_seconds_total", help);
    registered(CounterVec::new(opts, &["owner"]).expect(VALID))
});

/// New entries by whether they were seen within their feed's target: `met`, `missed`.
pub(crate) static TARGET: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "New entries by whether they were seen within their feed's target: `met`, `missed`.";
    counters("carewire_ingest_target_entries_total", help, "target")
});

/// Feeds that moved, by what said so: `redirect`, `new-feed-url`, `self`, `https`.
pub(crate) static MOVES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "Feeds that moved, by what said so: `redirect`, `new-feed-url`, `self`, `https`.";
    counters("carewire_ingest_moves_total", help, "sign")
});

/// Visits beside polling that ended, by kind and what came of them.
pub(crate) static TASKS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let opts =
        Opts::new("carewire_ingest_tasks_total", "Visits beside polling that ended, by kind and what came of them.");
    registered(IntCounterVec::new(opts, &["kind", "outcome"]).expect(VALID))
});
