//! Running again over what is kept: raw revisions in the store ([`reclassify`]), or the log since a time ([`replay`]).
//!
//! Both tag with the code and vocabulary of now and produce to `carewire.tagged` under a new number of a run, beside live
//! work and no faster than they are told. Grouping tells by that number that they are newer than what they run again; what is
//! changed meanwhile by its publisher is newer still. Decisions of curators stand in the store, beside items, and stay.
//! [`preview`] says beforehand what would change.

mod compare;
mod preview;

pub use compare::{ConditionChange, Example, Report};
pub use preview::preview;

use std::time::Duration;

use carewire_bus::{Bus, BusError, Received, Record, stage};
use carewire_conditions::{Tagger, Vocabulary};
use carewire_schemas::{Change, EntryV1, EventHeaders, TaggedV1, TraceParent, Via, cloudevents::encode, topics};
use carewire_store::{EntryForRerun, Store, read_revision};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{decode::event, tag::tag_entry};

/// Entries that are read and produced at a time.
pub(crate) const PAGE: usize = 200;
/// The name under which events say who made them.
const SOURCE: &str = "rerun";

/// What a run works with.
#[derive(Clone)]
pub struct Rerun {
    /// The store, whose revisions are read.
    pub store: Store,
    /// The bus: `carewire.tagged`.
    pub bus: Bus,
    /// Most entries a second.
    pub rate: u32,
}

/// What a run did.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Done {
    /// Its number.
    pub run: u32,
    /// Entries produced.
    pub entries: u64,
    /// Entries that their publishers declared deleted, which stay so.
    pub deleted: u64,
    /// Entries of which nothing can be read.
    pub unreadable: u64,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum RerunError {
    /// The store.
    #[error(transparent)]
    Store(#[from] carewire_store::StoreError),
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// What is stored cannot be read, or a thread ended.
    #[error("{0}")]
    Other(String),
}

/// Tags all entries that the store keeps anew. `progress` hears how many were produced.
///
/// # Errors
/// When store or bus fail; what was produced until then holds.
pub async fn reclassify(
    rerun: &Rerun,
    stop: &CancellationToken,
    mut progress: impl FnMut(u64),
) -> Result<Done, RerunError> {
    let mut done = Done { run: rerun.store.next_run().await?, ..Done::default() };
    let pace = Pace::new(rerun.rate);
    let mut after = None;
    loop {
        let page = rerun.store.entries_for_rerun(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some((last.row.feed, last.row.entry));
        done.deleted += page.iter().filter(|entry| entry.row.deleted).count() as u64;
        let (run, known) = (done.run, page.iter().filter(|entry| !entry.row.deleted).count());
        let tagged = blocking(move || page.iter().filter_map(|entry| kept(entry, run)).collect::<Vec<_>>()).await?;
        let made = tagged.len();
        done.unreadable += (known - made) as u64;
        send(rerun, tagged.into_iter().map(|tagged| (tagged, TraceParent::new()))).await?;
        done.entries += made as u64;
        progress(done.entries);
        if pace.stopped(done.entries, stop).await {
            return Ok(Done { stopped: true, ..done });
        }
    }
}

/// Tags the entries that came on `carewire.entries` since then anew, deletions too. `progress` hears how many were produced.
///
/// # Errors
/// When store or bus fail; what was produced until then holds.
pub async fn replay(
    rerun: &Rerun,
    since: Timestamp,
    stop: &CancellationToken,
    mut progress: impl FnMut(u64),
) -> Result<Done, RerunError> {
    let mut done = Done { run: rerun.store.next_run().await?, ..Done::default() };
    let pace = Pace::new(rerun.rate);
    let ends = rerun.bus.watermarks(topics::ENTRIES).await?;
    for (partition, mut offset) in rerun.bus.offsets_at(topics::ENTRIES, since).await? {
        // What comes while this runs is live work.
        let end = ends.iter().find(|ends| ends.partition == partition).map_or(0, |ends| ends.high);
        while offset < end {
            let records = rerun.bus.read(topics::ENTRIES, partition, offset, PAGE).await?;
            let Some(last) = records.last() else { break };
            offset = last.offset + 1;
            let (run, count) = (done.run, records.len() as u64);
            let tagged = blocking(move || records.iter().filter_map(|record| logged(record, run)).collect::<Vec<_>>());
            let tagged = tagged.await?;
            let made = tagged.len() as u64;
            done.unreadable += count - made;
            done.deleted += tagged.iter().filter(|(tagged, _)| tagged.change == Change::Deleted).count() as u64;
            send(rerun, tagged.into_iter()).await?;
            done.entries += made;
            progress(done.entries);
            if pace.stopped(done.entries, stop).await {
                return Ok(Done { stopped: true, ..done });
            }
        }
    }
    Ok(done)
}

/// An entry that the store keeps, tagged anew; none where it cannot be read.
pub(crate) fn kept(entry: &EntryForRerun, run: u32) -> Option<TaggedV1> {
    let event = read_revision(&entry.revision)?;
    // The row's version is the one that grouping saw last of this revision.
    Some(again(EntryV1 { version: entry.row.version, ..event }, run))
}

fn logged(record: &Received, run: u32) -> Option<(TaggedV1, TraceParent)> {
    let entry: EntryV1 = event(record, topics::ENTRIES).ok()?;
    Some((again(entry, run), stage::trace_of(record).child()))
}

fn again(entry: EntryV1, run: u32) -> TaggedV1 {
    let entry = EntryV1 { via: Via::Rerun, ..entry };
    let mut tagged = tag_entry(&entry, Tagger::bundled(), Vocabulary::bundled());
    tagged.pipeline.run = run;
    tagged
}

async fn send(rerun: &Rerun, tagged: impl Iterator<Item = (TaggedV1, TraceParent)>) -> Result<(), RerunError> {
    let topic = topics::by_name(topics::TAGGED).ok_or_else(|| other("the topic carewire.tagged is not declared"))?;
    let records: Vec<Record> = tagged
        .filter_map(|(tagged, trace)| {
            let headers = EventHeaders::new(topic, SOURCE, tagged.entry.to_string(), tagged.version, trace);
            let record = stage::event_record(&headers, encode(&tagged).ok()?);
            (record.size() <= topics::MAX_RECORD_BYTES).then_some(record)
        })
        .collect();
    rerun.bus.producer().send_all(topics::TAGGED, records).await?;
    Ok(())
}

pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, RerunError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| other(format!("tagging: {error}")))
}

pub(crate) fn other(why: impl Into<String>) -> RerunError {
    RerunError::Other(why.into())
}

/// Keeps a run from going faster than it may.
struct Pace {
    began: Instant,
    rate: f64,
}

impl Pace {
    fn new(rate: u32) -> Self {
        Self { began: Instant::now(), rate: f64::from(rate.max(1)) }
    }

    /// Waits until so many may have been sent; true when `stop` came first.
    async fn stopped(&self, sent: u64, stop: &CancellationToken) -> bool {
        let due = self.began + Duration::from_secs_f64(sent as f64 / self.rate);
        tokio::select! {
            () = tokio::time::sleep_until(due) => stop.is_cancelled(),
            () = stop.cancelled() => true,
        }
    }
}
