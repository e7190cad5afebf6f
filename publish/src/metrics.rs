//! Metrics of the publish stage.

use std::sync::LazyLock;

use prometheus::{
    Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, register_histogram, register_int_counter,
    register_int_counter_vec, register_int_gauge, register_int_gauge_vec,
};

const DISTINCT: &str = "the metric's name is registered once";

/// Items that the sink wrote, by what came of them: new, changed, same.
pub static SINK_ITEMS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_publish_sink_items_total",
        "Items that the sink wrote, by what came of them: read, changed (took a number of the sequence).",
        &["outcome"]
    )
    .expect(DISTINCT)
});

/// The last number of the sequence that this process knows.
pub static SEQUENCE: LazyLock<IntGauge> = LazyLock::new(|| {
    register_int_gauge!("carewire_publish_sequence", "The last number of the sequence that this process knows.")
        .expect(DISTINCT)
});

/// How far behind the sequence each relay is, by topic, in changes.
pub static RELAY_LAG: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    register_int_gauge_vec!(
        "carewire_publish_relay_lag_changes",
        "How far behind the store each relay is, by topic, in changes or decisions.",
        &["topic"]
    )
    .expect(DISTINCT)
});

/// Records relayed from the store, by topic.
pub static RELAYED: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_publish_relayed_records_total",
        "Records relayed from the store to a topic, by topic.",
        &["topic"]
    )
    .expect(DISTINCT)
});

/// Tombstones written 30 days after a withdrawal.
pub static TOMBSTONES: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!(
        "carewire_publish_tombstones_total",
        "Tombstones written to carewire.curated, 30 days after a withdrawal."
    )
    .expect(DISTINCT)
});

/// From first seeing an entry to its item being in the database, for news, in seconds.
pub static FRESHNESS_SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    register_histogram!(
        "carewire_publish_freshness_seconds",
        "From first seeing an item to its being in the database, history left out, in seconds.",
        vec![0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0]
    )
    .expect(DISTINCT)
});
