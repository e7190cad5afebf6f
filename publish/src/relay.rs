//! The relays: what the store's logs say, carried to topics by cursor.
//!
//! `carewire.curated` is compacted and so has one writer at a time: the process that holds the lease, with a fenced
//! writer behind it. A record may be sent twice after a crash, never lost: the cursor moves after the acknowledgement.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use carewire_bus::stage::{BackOff, StageError};
use carewire_bus::{Bus, BusError, FencedWriter, Health, Record, stage};
use carewire_query::public::public_json;
use carewire_schemas::{ChangeSeq, EventHeaders, ItemId, TraceParent, topics};
use carewire_store::{ChangeRow, Changes, ItemRow, ItemState, Leading, Store};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{metrics, sink::trouble};

const LEASE: &str = "relay";
const LEASE_TTL: Duration = Duration::from_secs(10);
/// Changes carried at once.
const BATCH: usize = 500;
/// Even without news the relay looks for withdrawals whose time has come.
const IDLE: Duration = Duration::from_secs(60);

/// Runs the relays until `stop`: active while this process holds the lease, stand-by otherwise.
///
/// # Errors
/// When the bus or the database refuses for good.
pub async fn run(bus: &Bus, store: &Store, health: &Health, stop: &CancellationToken) -> Result<(), StageError> {
    let owner = Uuid::now_v7();
    let mut wait = BackOff::default();
    while !stop.is_cancelled() {
        let turn = match Leading::acquire(store, LEASE, owner, LEASE_TTL).await {
            Ok(Some(leading)) => {
                let turn = relay(bus, store, &leading, health, stop).await;
                leading.release().await;
                turn
            }
            Ok(None) => {
                // A stand-by is ready: it would take over by itself.
                health.well();
                tokio::select! {
                    () = tokio::time::sleep(LEASE_TTL / 3) => {}
                    () = stop.cancelled() => {}
                }
                continue;
            }
            Err(error) => Err(trouble(error)),
        };
        match turn {
            Ok(()) => wait = BackOff::default(),
            Err(StageError::Transient(why)) => {
                health.waits(why);
                wait.stopped(stop).await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A fenced writer has been taken over: the successor goes on, and so do we, as a stand-by.
fn fenced(error: BusError) -> StageError {
    match error {
        BusError::Fenced => StageError::Transient("another process writes carewire.curated now".to_owned()),
        error => error.into(),
    }
}

async fn relay(
    bus: &Bus,
    store: &Store,
    leading: &Leading,
    health: &Health,
    stop: &CancellationToken,
) -> Result<(), StageError> {
    let writer = bus.fenced_writer(topics::CURATED, "carewire-curated").await.map_err(fenced)?;
    let mut sequence = store.sequence();
    let mut activity = store.activity();
    let mut looked: Option<Instant> = None;
    health.well();
    while !stop.is_cancelled() && !leading.lost().is_cancelled() {
        // Marked as seen before reading: what comes while we read wakes us again.
        let last = *sequence.borrow_and_update();
        activity.mark_unchanged();
        metrics::SEQUENCE.set(metrics::SEQUENCE.get().max(last));
        let more = curated(store, leading, &writer).await? | decisions(bus, store, leading).await?;
        health.well();
        if more {
            continue;
        }
        if looked.is_none_or(|at| at.elapsed() >= IDLE) {
            tombstones(store, leading, &writer).await?;
            prune(store).await?;
            looked = Some(Instant::now());
        }
        tokio::select! {
            changed = sequence.changed() => if changed.is_err() { break },
            changed = activity.changed() => if changed.is_err() { break },
            () = tokio::time::sleep(IDLE) => {}
            () = leading.lost().cancelled() => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

/// Carries the next changes; true when there may be more.
async fn curated(store: &Store, leading: &Leading, writer: &FencedWriter) -> Result<bool, StageError> {
    const CURSOR: &str = topics::CURATED;
    let after = store.cursor(CURSOR).await.map_err(trouble)?;
    let (records, last) = match store.changes(after, BATCH).await.map_err(trouble)? {
        Changes::Rows(changes) if changes.is_empty() => {
            metrics::RELAY_LAG.with_label_values(&[CURSOR]).set(0);
            return Ok(false);
        }
        Changes::Rows(changes) => {
            let last = changes.last().map_or(after, |change| change.seq);
            (current(store, &changes).await?, last)
        }
        // The relay was away for longer than changes are kept: each item once, in its last state.
        Changes::TooOld => {
            let rows = store.items_by_seq(after, BATCH).await.map_err(trouble)?;
            let last = rows.last().and_then(|row| row.seq).unwrap_or(after);
            (rows.iter().filter_map(|row| record(row).transpose()).collect::<Result<Vec<_>, _>>()?, last)
        }
    };
    let count = records.len();
    if count > 0 {
        writer.send_all(records).await.map_err(fenced)?;
    }
    store.set_cursor(CURSOR, last, Some(leading.lease())).await.map_err(trouble)?;
    metrics::RELAYED.with_label_values(&[CURSOR]).inc_by(count as u64);
    metrics::RELAY_LAG.with_label_values(&[CURSOR]).set((*store.sequence().borrow() - last).max(0));
    Ok(last > after)
}

/// The records of changed items, in the order of their last change within the batch: a compacted topic needs the last
/// state only. What is public is carried as it stands in its row, which is not read as a whole for it.
async fn current(store: &Store, changes: &[ChangeRow]) -> Result<Vec<Record>, StageError> {
    let mut last: HashMap<ItemId, ChangeSeq> = HashMap::with_capacity(changes.len());
    for change in changes {
        last.insert(change.item, change.seq);
    }
    let ids: Vec<ItemId> = last.keys().copied().collect();
    let mut records = Vec::with_capacity(ids.len());
    let mut others = Vec::new();
    for item in store.contents(&ids).await.map_err(trouble)? {
        let at = last.get(&item.id).copied();
        if item.state == ItemState::Curated {
            records.push((at, event(item.id, item.public_version, item.seq, item.content)?));
        } else {
            others.push(item.id);
        }
    }
    for row in store.items(&others).await.map_err(trouble)? {
        records.extend(record(&row)?.map(|record| (last.get(&row.id).copied(), record)));
    }
    records.sort_by_key(|(at, _)| *at);
    Ok(records.into_iter().map(|(_, record)| record).collect())
}

fn record(row: &ItemRow) -> Result<Option<Record>, StageError> {
    let Some(json) = public_json(row).map_err(|error| StageError::Fatal(error.to_string()))? else {
        return Ok(None);
    };
    event(row.id, row.public_version, row.seq, json).map(Some)
}

fn event(item: ItemId, version: i64, seq: Option<ChangeSeq>, json: String) -> Result<Record, StageError> {
    let topic = topics::by_name(topics::CURATED)
        .ok_or_else(|| StageError::Fatal("carewire.curated is not declared".to_owned()))?;
    let headers = EventHeaders::new(topic, "publish", item.to_string(), version, TraceParent::new());
    let mut record = stage::event_record(&headers, json.into_bytes());
    record.headers.push(("carewire-seq".to_owned(), Bytes::from(seq.unwrap_or_default().to_string())));
    Ok(record)
}

async fn decisions(bus: &Bus, store: &Store, leading: &Leading) -> Result<bool, StageError> {
    const CURSOR: &str = topics::DECISIONS;
    let after = store.cursor(CURSOR).await.map_err(trouble)?;
    let rows = store.decisions(after, BATCH).await.map_err(trouble)?;
    let Some(last) = rows.last().map(|row| row.number) else { return Ok(false) };
    let Some(topic) = topics::by_name(topics::DECISIONS) else { return Ok(false) };
    let mut records = Vec::with_capacity(rows.len());
    for row in &rows {
        let subject = row.decision.item.to_string();
        let mut headers = EventHeaders::new(topic, "portal", subject, row.number, TraceParent::new());
        headers.id = row.decision.id.to_string();
        let value = carewire_schemas::cloudevents::encode(&row.decision)
            .map_err(|error| StageError::Fatal(error.to_string()))?;
        records.push(stage::event_record(&headers, value));
    }
    bus.producer().send_all(topics::DECISIONS, records).await?;
    store.set_cursor(CURSOR, last, Some(leading.lease())).await.map_err(trouble)?;
    metrics::RELAYED.with_label_values(&[CURSOR]).inc_by(rows.len() as u64);
    Ok(true)
}

/// Forgets change rows that are older than withdrawals are kept; an older cursor is answered from the item rows.
async fn prune(store: &Store) -> Result<(), StageError> {
    if let Ok(before) = Timestamp::now().checked_sub(topics::WITHDRAWAL_KEPT) {
        store.prune_changes(before).await.map_err(trouble)?;
    }
    Ok(())
}

/// Writes the null of items that were withdrawn long enough ago, walking the sequence with a cursor of its own.
async fn tombstones(store: &Store, leading: &Leading, writer: &FencedWriter) -> Result<(), StageError> {
    const CURSOR: &str = "carewire.curated/tombstones";
    let due = Timestamp::now().checked_sub(topics::WITHDRAWAL_KEPT).map_or(i64::MIN, |time| time.as_millisecond());
    loop {
        let after = store.cursor(CURSOR).await.map_err(trouble)?;
        let rows = store.items_by_seq(after, BATCH).await.map_err(trouble)?;
        // The sequence is in order of time: behind the first row that is too young all are.
        let rows: Vec<ItemRow> = rows.into_iter().take_while(|row| row.updated <= due).collect();
        let Some(last) = rows.last().and_then(|row| row.seq) else { return Ok(()) };
        let records: Vec<Record> = rows
            .iter()
            .filter(|row| row.state != ItemState::Curated)
            .map(|row| Record { key: row.id.to_string().into(), ..Record::default() })
            .collect();
        let count = records.len();
        if count > 0 {
            writer.send_all(records).await.map_err(fenced)?;
        }
        store.set_cursor(CURSOR, last, Some(leading.lease())).await.map_err(trouble)?;
        metrics::TOMBSTONES.inc_by(count as u64);
    }
}
