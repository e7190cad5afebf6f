//! Metrics of the stages tag and group.

use std::sync::LazyLock;

use prometheus::{
    Histogram, IntCounter, IntCounterVec, IntGauge, register_histogram, register_int_counter, register_int_counter_vec,
    register_int_gauge,
};

/// A name is registered once per process, by these statics alone.
const ONCE: &str = "a metric's name is registered once";

/// Entries cleaned and tagged, by kind.
pub static TAGGED: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!("carewire_tag_entries_total", "Entries cleaned and tagged, by kind.", &["kind"])
        .expect(ONCE)
});

/// Seconds of processor time that cleaning and tagging one entry takes, as mean over its batch.
pub static TAG_SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    register_histogram!(
        "carewire_tag_entry_seconds",
        "Seconds of processor time that cleaning and tagging one entry takes, as mean over its batch.",
        vec![0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.01, 0.1, 1.0]
    )
    .expect(ONCE)
});

/// Dates of entries that lay in the future and were set to when the entry was seen.
pub static FUTURE_DATES: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!(
        "carewire_tag_future_dates_total",
        "Dates of entries that lay in the future and were set to when the entry was seen."
    )
    .expect(ONCE)
});

/// Entries grouped, by what came of them: `new`, `copy`, `changed`, `removed`, `repeat`.
pub static GROUPED: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_group_entries_total",
        "Entries grouped, by what came of them: `new`, `copy`, `changed`, `removed`, `repeat`.",
        &["effect"]
    )
    .expect(ONCE)
});

/// Items produced, by the state that the rules gave: `curated`, `held`, `refused`, `withdrawn`.
pub static ITEMS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_group_items_total",
        "Items produced, by the state that the rules gave: `curated`, `held`, `refused`, `withdrawn`.",
        &["state"]
    )
    .expect(ONCE)
});

/// Items that joined the story of another.
pub static SAME_STORY: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!("carewire_group_same_story_total", "Items that joined the story of another.").expect(ONCE)
});

/// Items in the window in which copies and stories are looked for.
pub static WINDOW: LazyLock<IntGauge> = LazyLock::new(|| {
    register_int_gauge!(
        "carewire_group_window_items",
        "Items in the window in which copies and stories are looked for."
    )
    .expect(ONCE)
});

/// Whether this process is the active grouping worker: 1, or 0 as a stand-by.
pub static ACTIVE: LazyLock<IntGauge> = LazyLock::new(|| {
    register_int_gauge!(
        "carewire_group_active",
        "Whether this process is the active grouping worker: 1, or 0 as a stand-by."
    )
    .expect(ONCE)
});

/// Feeds held because they did what they never did, by mark: `burst`, `domains`, `language`, `no-health`, `words`.
pub static HABIT_BREAKS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "carewire_group_habit_breaks_total",
        "Feeds held because they did what they never did, by mark: `burst`, `domains`, `language`, `no-health`, `words`.",
        &["mark"]
    )
    .expect(ONCE)
});

/// Items that came out of an embargo.
pub static RELEASED: LazyLock<IntCounter> = LazyLock::new(|| {
    register_int_counter!("carewire_group_released_total", "Items whose embargo ended and that were looked at again.")
        .expect(ONCE)
});

/// Seconds from the reading of a batch until its items are durable on `carewire.items`.
pub static BATCH_SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    register_histogram!(
        "carewire_group_batch_seconds",
        "Seconds from the reading of a batch until its items are durable on `carewire.items`."
    )
    .expect(ONCE)
});
