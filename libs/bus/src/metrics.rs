//! The bus's metrics, in prometheus' default registry. A metric's doc comment is its help text.

use std::sync::LazyLock;

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, register_histogram,
    register_histogram_vec, register_int_counter, register_int_counter_vec, register_int_gauge, register_int_gauge_vec,
};

// Names are distinct constants of this file, so registering them cannot collide.
const DISTINCT: &str = "the metric's name is registered once";

/// Records that were produced and are durable, by topic.
pub static PRODUCED_RECORDS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_bus_produced_records_total",
        "Records that were produced and are durable, by topic.",
        &["topic"]
    )
    .expect(DISTINCT)
});

/// Records handed to members of groups, by topic.
pub static CONSUMED_RECORDS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_bus_consumed_records_total",
        "Records handed to members of groups, by topic.",
        &["topic"]
    )
    .expect(DISTINCT)
});

/// Time from handing records to a producer until they are durable, in seconds.
pub static PRODUCE_SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    register_histogram!(HistogramOpts::new(
        "carewire_bus_produce_seconds",
        "Time from handing records to a producer until they are durable, in seconds."
    ))
    .expect(DISTINCT)
});

/// Times that a group's partitions changed hands as seen by a member of this process.
pub static REBALANCES: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!(
        "carewire_bus_rebalances_total",
        "Times that a group's partitions changed hands as seen by a member of this process."
    )
    .expect(DISTINCT)
});

/// Bytes waiting in the embedded log's queue to be written.
pub static QUEUE_BYTES: LazyLock<IntGauge> = LazyLock::new(|| {
    register_int_gauge!("carewire_bus_queue_bytes", "Bytes waiting in the embedded log's queue to be written.")
        .expect(DISTINCT)
});

/// Duration of the embedded log's write transactions, waiting for the write lock and the disk included, in seconds.
pub static COMMIT_SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    register_histogram!(HistogramOpts::new(
        "carewire_bus_embedded_commit_seconds",
        "Duration of the embedded log's write transactions, waiting for the write lock and the disk included, in seconds."
    ))
    .expect(DISTINCT)
});

/// Records that the embedded log removed, by reason: age, superseded (a later record of the key), tombstone.
pub static REMOVED_RECORDS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_bus_embedded_removed_records_total",
        "Records that the embedded log removed, by reason: age, superseded (a later record of the key), tombstone.",
        &["reason"]
    )
    .expect(DISTINCT)
});

/// Duration of a round of the embedded log's housekeeping, by task: retention, compaction, in seconds.
pub static SWEEP_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    register_histogram_vec!(
        "carewire_bus_embedded_sweep_seconds",
        "Duration of a round of the embedded log's housekeeping, by task: retention, compaction, in seconds.",
        &["task"]
    )
    .expect(DISTINCT)
});

/// Errors that Kafka's client reported, by kind; a broker that is away counts again and again while it is.
pub static KAFKA_ERRORS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_bus_kafka_errors_total",
        "Errors that Kafka's client reported, by kind; a broker that is away counts again and again while it is.",
        &["kind"]
    )
    .expect(DISTINCT)
});

/// Whether a stage works (1) or waits for something (0), by stage.
pub static STAGE_READY: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    register_int_gauge_vec!(
        "carewire_stage_ready",
        "Whether a stage works (1) or waits for something (0), by stage.",
        &["stage"]
    )
    .expect(DISTINCT)
});

/// Time from reading a batch until its effects are durable, by stage, in seconds.
pub static STAGE_BATCH_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    register_histogram_vec!(
        "carewire_stage_batch_seconds",
        "Time from reading a batch until its effects are durable, by stage, in seconds.",
        &["stage"]
    )
    .expect(DISTINCT)
});

/// Records put aside because they can never be handled, by stage.
pub static DEAD_LETTERS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_stage_dead_letters_total",
        "Records put aside because they can never be handled, by stage.",
        &["stage"]
    )
    .expect(DISTINCT)
});
