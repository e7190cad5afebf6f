//! Metrics of streams.

use std::sync::LazyLock;

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, register_histogram, register_int_counter,
    register_int_counter_vec, register_int_gauge,
};

const DISTINCT: &str = "the metric's name is registered once";

/// Streams open in this process.
pub static CLIENTS: LazyLock<IntGauge> = LazyLock::new(|| {
    register_int_gauge!("carewire_publish_stream_clients", "Streams open in this process.").expect(DISTINCT)
});

/// Events sent on streams.
pub static EVENTS: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!("carewire_publish_stream_events_total", "Events handed to streams.").expect(DISTINCT)
});

/// Streams that ended, by why.
pub static ENDED: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_publish_streams_ended_total",
        "Streams that ended, by why: left (by the client or its connection), behind (too slow), failed, stopped.",
        &["why"]
    )
    .expect(DISTINCT)
});

/// Streams that were refused because there are too many.
pub static REFUSED: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!(
        "carewire_publish_streams_refused_total",
        "Streams refused because the process or the address had too many."
    )
    .expect(DISTINCT)
});

/// From a change's time to its being ready for all streams of this process.
pub static READ_SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    let options = HistogramOpts::new(
        "carewire_publish_stream_read_seconds",
        "From a number of the sequence being known to its changes being ready for all streams, in seconds.",
    );
    register_histogram!(options.buckets(vec![0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0])).expect(DISTINCT)
});
