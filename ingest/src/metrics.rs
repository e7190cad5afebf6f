//! What ingest tells Prometheus, in the default registry.

use std::sync::LazyLock;

use prometheus::{
    CounterVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    core::Collector,
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

/// What came to callbacks of hubs, by what became of it.
pub(crate) static WEBSUB_PINGS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "Pings of hubs: `stored`, `thin`, or why not: `unsigned`, `wrong-signature`, `unknown`, `ended`, `too-large`, `too-many`, `too-slow`, `failed`.";
    counters("carewire_ingest_websub_pings_total", help, "outcome")
});

/// Requests to hubs, by mode and what came of them.
pub(crate) static WEBSUB_REQUESTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "Requests to hubs, by mode, and by outcome: `accepted`, `refused`, `failed`, `busy`.";
    let opts = Opts::new("carewire_ingest_websub_requests_total", help);
    registered(IntCounterVec::new(opts, &["mode", "outcome"]).expect(VALID))
});

/// Verifications by hubs, by what we answered.
pub(crate) static WEBSUB_VERIFICATIONS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "Verifications by hubs: `confirmed`, `denied` by the hub, `unknown` to us.";
    counters("carewire_ingest_websub_verifications_total", help, "outcome")
});

/// Hubs that were found silent about new entries.
pub(crate) static WEBSUB_SILENT: LazyLock<IntCounter> =
    LazyLock::new(|| counter("carewire_ingest_websub_silent_total", "Hubs that were found silent about new entries."));

/// Checks of ownership, by what they came to.
pub(crate) static OWNERSHIP_CHECKS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "Checks of ownership, by outcome: `proven`, `linked`, `nothing`, `unreachable`.";
    counters("carewire_ingest_ownership_checks_total", help, "outcome")
});

/// Proofs of ownership that were found gone.
pub(crate) static OWNERSHIP_LOST: LazyLock<IntCounter> =
    LazyLock::new(|| counter("carewire_ingest_ownership_lost_total", "Proofs of ownership that were found gone."));

/// Requests to YouTube's API.
pub(crate) static YOUTUBE_REQUESTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "Requests to YouTube's API: `answered`, `failed`, `over-quota` (not made).";
    counters("carewire_ingest_youtube_requests_total", help, "outcome")
});

/// Videos that filled gaps.
pub(crate) static YOUTUBE_FILLED: LazyLock<IntCounter> =
    LazyLock::new(|| counter("carewire_ingest_youtube_filled_total", "Videos that polls had missed and the API told."));

/// Videos looked for.
pub(crate) static YOUTUBE_LOOKS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "Videos looked for: `there`, `missing`, `unknown` (no answer that says).";
    counters("carewire_ingest_youtube_looks_total", help, "outcome")
});

/// Subscriptions by state.
pub(crate) static WEBSUB_SUBSCRIPTIONS: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    let opts = Opts::new("carewire_ingest_websub_subscriptions", "Subscriptions at hubs, by state.");
    registered(IntGaugeVec::new(opts, &["state"]).expect(VALID))
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

/// Pages looked at again, by what came of it.
pub(crate) static PAGE_LOOKS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "Pages of entries looked at again: `there`, `moved`, `back`, `missing`, `withdrawn`, `held` (too many of a feed), `unknown` (no answer that says), `disallowed`, `busy`, `off`.";
    counters("carewire_ingest_page_looks_total", help, "outcome")
});

/// Visits beside polling that ended, by kind and what came of them.
pub(crate) static TASKS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let opts =
        Opts::new("carewire_ingest_tasks_total", "Visits beside polling that ended, by kind and what came of them.");
    registered(IntCounterVec::new(opts, &["kind", "outcome"]).expect(VALID))
});
