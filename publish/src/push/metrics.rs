//! Metrics of deliveries.

use std::sync::LazyLock;

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, register_histogram,
    register_int_counter, register_int_counter_vec, register_int_gauge, register_int_gauge_vec,
};

const DISTINCT: &str = "the metric's name is registered once";

/// Deliveries that ended.
pub static DELIVERIES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_publish_deliveries_total",
        "Deliveries that ended, by kind (hub, webhook) and outcome: taken, failed, given-up.",
        &["kind", "outcome"]
    )
    .expect(DISTINCT)
});

/// How long subscribers took to answer.
pub static SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    let options =
        HistogramOpts::new("carewire_publish_delivery_seconds", "How long subscribers took to answer, in seconds.");
    register_histogram!(options.buckets(vec![0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])).expect(DISTINCT)
});

/// Deliveries that may have been sent twice.
pub static REPEATS: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!(
        "carewire_publish_deliveries_repeated_total",
        "Deliveries that were cut off between sending and noting it, and so may have been sent twice."
    )
    .expect(DISTINCT)
});

/// How far the search for concerned topics is behind.
pub static LAG: LazyLock<IntGauge> = LazyLock::new(|| {
    register_int_gauge!(
        "carewire_publish_push_lag_changes",
        "How far behind the sequence the search for concerned topics is, in changes."
    )
    .expect(DISTINCT)
});

/// Who is delivered to.
pub static SUBSCRIPTIONS: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    register_int_gauge_vec!(
        "carewire_publish_push_subscriptions",
        "Who is delivered to, by kind (hub, webhook) and state (active, disabled).",
        &["kind", "state"]
    )
    .expect(DISTINCT)
});

/// Requests to the hub, by mode and what came of them.
pub static VERIFICATIONS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_publish_hub_verifications_total",
        "Verifications of subscribers' intent, by mode (subscribe, unsubscribe) and outcome: confirmed, refused, failed.",
        &["mode", "outcome"]
    )
    .expect(DISTINCT)
});
