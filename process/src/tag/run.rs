//! The tag stage: `carewire.entries` in, `carewire.tagged` out.

use std::{num::NonZero, sync::Arc, thread::available_parallelism};

use carewire_bus::{
    Bus, BusError, Health, Received, Record,
    stage::{self, Handler, StageError, StageSpec},
};
use carewire_conditions::{Tagger, Vocabulary};
use carewire_schemas::{EntryV1, EventHeaders, cloudevents::encode, topics};
use futures::future::try_join_all;
use tokio_util::sync::CancellationToken;

use super::tag_entry;
use crate::{decode::event, metrics};

/// What the tag stage works with.
#[derive(Clone)]
pub struct TagDeps {
    /// The bus: `carewire.entries` in, `carewire.tagged` out.
    pub bus: Bus,
    /// Most threads that tag at the same time; 0 is one per processor.
    pub threads: usize,
    /// Where the stage says how it is.
    pub health: Health,
}

/// The group, and the stage's name.
const GROUP: &str = "tag";
/// Most records in a batch.
const BATCH: usize = 500;
/// Fewest entries for which another thread is worth its while.
const PER_THREAD: usize = 16;

/// Runs the tag stage until `stop`: member of the group `tag` on `carewire.entries`. Start several to share the partitions.
/// Offsets are committed when what was made of a batch is durable on `carewire.tagged`.
///
/// # Errors
/// When the bus refuses for good. Trouble that passes is waited out and said in `health`.
pub async fn run_tag(deps: TagDeps, stop: CancellationToken) -> anyhow::Result<()> {
    // Loading takes a moment; done here, no batch waits for it.
    tokio::task::spawn_blocking(|| {
        let _ = Tagger::bundled();
    })
    .await?;
    let threads = match deps.threads {
        0 => available_parallelism().map_or(1, NonZero::get),
        threads => threads,
    };
    let spec = StageSpec { group: GROUP, topics: &[topics::ENTRIES], max_records: BATCH };
    let mut handler = Tag { bus: deps.bus.clone(), threads };
    stage::run(&deps.bus, spec, &mut handler, &deps.health, &stop).await?;
    Ok(())
}

struct Tag {
    bus: Bus,
    threads: usize,
}

impl Handler for Tag {
    async fn handle(&mut self, batch: &[Received]) -> Result<(), StageError> {
        let size = batch.len().div_ceil(self.threads).max(PER_THREAD);
        let parts = batch.chunks(size).map(|part| {
            let part: Arc<[Received]> = part.into();
            tokio::task::spawn_blocking(move || tag_part(&part))
        });
        let parts = try_join_all(parts).await.map_err(|error| StageError::Fatal(format!("tagging: {error}")))?;
        let producer = self.bus.producer();
        let mut records = Vec::with_capacity(batch.len());
        for (record, result) in batch.iter().zip(parts.into_iter().flatten()) {
            match result {
                Ok(tagged) => records.push(tagged),
                Err(error) => stage::dead_letter(&producer, GROUP, record, &error).await?,
            }
        }
        match producer.send_all(topics::TAGGED, records).await {
            Ok(_) => Ok(()),
            // Topics are made at the start; on Kafka they may take a moment to be known everywhere.
            Err(error @ BusError::UnknownTopic(_)) => Err(StageError::Transient(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

/// One result per record, in order.
fn tag_part(part: &[Received]) -> Vec<Result<Record, String>> {
    let (tagger, vocabulary) = (Tagger::bundled(), Vocabulary::bundled());
    let started = std::time::Instant::now();
    let results: Vec<_> = part.iter().map(|record| tag_record(record, tagger, vocabulary)).collect();
    // Wall time of a thread that does nothing else; close to processor time, and cheap to take.
    metrics::TAG_SECONDS.observe(started.elapsed().as_secs_f64() / part.len().max(1) as f64);
    results
}

fn tag_record(record: &Received, tagger: &Tagger, vocabulary: &Vocabulary) -> Result<Record, String> {
    let entry: EntryV1 = event(record, topics::ENTRIES)?;
    let tagged = tag_entry(&entry, tagger, vocabulary);
    metrics::TAGGED.with_label_values(&[tagged.cleaned.kind.as_str()]).inc();
    let topic = topics::by_name(topics::TAGGED).ok_or("the topic carewire.tagged is not declared")?;
    let trace = stage::trace_of(record).child();
    let headers = EventHeaders::new(topic, GROUP, tagged.entry.to_string(), tagged.version, trace);
    let made = stage::event_record(&headers, encode(&tagged).map_err(|error| error.to_string())?);
    if made.size() > topics::MAX_RECORD_BYTES {
        return Err(format!("{} bytes once tagged; a record has at most {}", made.size(), topics::MAX_RECORD_BYTES));
    }
    Ok(made)
}
