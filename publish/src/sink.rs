//! The sink: items into the database, with the change log and the sequence, in one transaction a batch.

use std::collections::HashMap;

use carewire_bus::stage::{Handler, StageError, StageSpec};
use carewire_bus::{Bus, Health, Producer, Received, stage};
use carewire_conditions::Vocabulary;
use carewire_query::public::{RowError, make_row};
use carewire_query::retraction::{Retraction, Retractions};
use carewire_schemas::{ItemId, ItemV1, RetractionNotice, topics};
use carewire_store::{ItemChange, ItemsView, Position, RetractionRow, Store, StoreError};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::metrics;

/// The group under which the sink reads `carewire.items`, and under which the store keeps its positions.
pub const GROUP: &str = "sink";

/// What the sink works with.
pub struct Sink {
    store: Store,
    producer: Producer,
    vocabulary: &'static Vocabulary,
    hold_retracted: bool,
}

/// Runs the sink until `stop`. With `hold_retracted` items that speak of a retracted study wait for a curator; else they bear a
/// notice.
///
/// # Errors
/// When it cannot go on: the bus or the database refuses for good.
pub async fn run(
    bus: &Bus,
    store: &Store,
    vocabulary: &'static Vocabulary,
    hold_retracted: bool,
    health: &Health,
    stop: &CancellationToken,
) -> Result<(), StageError> {
    let spec = StageSpec { group: GROUP, topics: &[topics::ITEMS], max_records: 500 };
    let stored = || async { store.positions_in(GROUP, topics::ITEMS).await.map_err(trouble) };
    stage::go_back(bus, GROUP, topics::ITEMS, stored, health, stop).await?;
    let mut sink = Sink { store: store.clone(), producer: bus.producer(), vocabulary, hold_retracted };
    stage::run(bus, spec, &mut sink, health, stop).await
}

impl Handler for Sink {
    async fn handle(&mut self, batch: &[Received]) -> Result<(), StageError> {
        let items = self.decode(batch).await?;
        let positions = stage::next_offsets(batch)
            .into_iter()
            .map(|(topic, partition, next_offset)| Position {
                consumer: GROUP.to_owned(),
                topic: topic.to_string(),
                partition,
                next_offset,
            })
            .collect::<Vec<_>>();
        let ids: Vec<ItemId> = items.keys().copied().collect();
        let now = Timestamp::now();
        let vocabulary = self.vocabulary;
        let retractions = retractions(&self.store, items.values(), self.hold_retracted).await.map_err(trouble)?;
        let retractions = &retractions;
        let applied = self
            .store
            .change_items(ids, &positions, None, |view| rows(&items, view, retractions, vocabulary, now))
            .await
            .map_err(trouble)?;
        metrics::SINK_ITEMS.with_label_values(&["read"]).inc_by(items.len() as u64);
        metrics::SINK_ITEMS.with_label_values(&["changed"]).inc_by(applied.changed as u64);
        if let Some(seq) = applied.last_seq {
            metrics::SEQUENCE.set(metrics::SEQUENCE.get().max(seq));
        }
        let done = Timestamp::now();
        for item in items.values().filter(|item| !item.history && item.version == 1) {
            metrics::FRESHNESS_SECONDS.observe(done.duration_since(item.first_seen).as_secs_f64().max(0.0));
        }
        Ok(())
    }
}

impl Sink {
    /// The newest version of each item of the batch. What is no item is put aside.
    async fn decode(&self, batch: &[Received]) -> Result<HashMap<ItemId, ItemV1>, StageError> {
        let mut items: HashMap<ItemId, ItemV1> = HashMap::with_capacity(batch.len());
        for record in batch {
            // Nobody writes tombstones to this topic: an item that is gone says so in a value.
            let Some(value) = &record.value else { continue };
            match serde_json::from_slice::<ItemV1>(value) {
                Ok(item) => {
                    let newer = items.get(&item.item).is_none_or(|known| known.version <= item.version);
                    if newer {
                        items.insert(item.item, item);
                    }
                }
                Err(error) => {
                    stage::dead_letter(&self.producer, GROUP, record, &error.to_string()).await?;
                }
            }
        }
        Ok(items)
    }
}

fn rows(
    items: &HashMap<ItemId, ItemV1>,
    view: &ItemsView,
    retractions: &Retractions,
    vocabulary: &Vocabulary,
    now: Timestamp,
) -> Result<Vec<ItemChange>, StoreError> {
    items
        .values()
        .map(|item| {
            let pending = view.pending.get(&item.item).map_or(&[][..], Vec::as_slice);
            let existing = view.rows.get(&item.item);
            let row = make_row(item, existing, pending, retractions, vocabulary, now).map_err(damaged)?;
            Ok(ItemChange { row, decision: None })
        })
        .collect()
}

/// What is known to be retracted of the studies that items speak of; asked only where they speak of any.
async fn retractions(
    store: &Store,
    items: impl Iterator<Item = &ItemV1>,
    hold: bool,
) -> Result<Retractions, StoreError> {
    let studies = items.filter_map(|item| item.cleaned.traits.study.as_ref()).flat_map(|study| study.ids());
    let mut studies: Vec<String> = studies.map(str::to_ascii_lowercase).collect();
    studies.sort_unstable();
    studies.dedup();
    if studies.is_empty() {
        return Ok(Retractions::new());
    }
    let known = store.retractions_of(&studies).await?;
    Ok(known.into_iter().map(|row| (row.study.clone(), retraction(row, hold))).collect())
}

/// What follows from a study's retraction.
#[must_use]
pub fn retraction(row: RetractionRow, hold: bool) -> Retraction {
    let RetractionRow { study, nature, date, notice, .. } = row;
    Retraction { notice: RetractionNotice { study, nature, date, notice }, hold }
}

fn damaged(error: RowError) -> StoreError {
    StoreError::Invalid(error.to_string())
}

/// A store's error as the stage sees it.
pub(crate) fn trouble(error: StoreError) -> StageError {
    StageError::of(&error, error.passes())
}
