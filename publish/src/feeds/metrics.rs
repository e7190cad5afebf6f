//! Metrics of feeds.

use std::sync::LazyLock;

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntGauge, register_histogram, register_int_counter, register_int_gauge,
};

const DISTINCT: &str = "the metric's name is registered once";

/// Feed requests answered from the cache without rendering.
pub static HITS: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!("carewire_feeds_cache_hits_total", "Feed requests answered from the cache without rendering.")
        .expect(DISTINCT)
});

/// Seconds that rendering a feed took, reading included.
pub static RENDER_SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    let options =
        HistogramOpts::new("carewire_feeds_render_seconds", "Seconds that rendering a feed took, reading included.");
    register_histogram!(options.buckets(vec![0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0])).expect(DISTINCT)
});

/// Bytes of rendered feeds in the cache.
pub static CACHE_BYTES: LazyLock<IntGauge> = LazyLock::new(|| {
    register_int_gauge!("carewire_feeds_cache_bytes", "Bytes of rendered feeds in the cache.").expect(DISTINCT)
});
