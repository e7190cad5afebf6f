//! Metrics of the search index.

use std::sync::LazyLock;

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntGauge, register_histogram, register_int_counter, register_int_gauge,
};

/// Writes that the search index took in: items put in or taken out.
pub static INDEXED: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!(
        "carewire_search_writes_total",
        "Writes that the search index took in: items put in or taken out."
    )
    .expect("the name is registered once")
});

/// Up to which change of the sequence searches see the items.
pub static POSITION: LazyLock<IntGauge> = LazyLock::new(|| {
    register_int_gauge!("carewire_search_position_number", "Up to which change of the sequence searches see the items.")
        .expect("the name is registered once")
});

/// Seconds that a commit of the search index took.
pub static COMMIT_SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    let options =
        HistogramOpts::new("carewire_search_commit_seconds", "Seconds that a commit of the search index took.");
    register_histogram!(options.buckets(vec![0.005, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0]))
        .expect("the name is registered once")
});

/// Seconds that a question to the search index took.
pub static QUERY_SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    let options =
        HistogramOpts::new("carewire_search_query_seconds", "Seconds that a question to the search index took.");
    register_histogram!(options.buckets(vec![0.0005, 0.002, 0.005, 0.02, 0.05, 0.2, 1.0]))
        .expect("the name is registered once")
});
