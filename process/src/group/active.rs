//! The active grouping worker: one turn is one batch, carried through to its commit.
//!
//! Order of a turn: read the batch → ask the store → decide → write to the store with the positions, in one transaction that
//! checks the lease → produce → commit. A crash after any step loses nothing: up to the transaction nothing happened; after
//! it the records come again as repeats, which are produced again. The index moves with the decision, so the
//! transaction is tried until it is in, or the worker with its index is given up.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use carewire_bus::{
    BusError, Consumer, ConsumerConfig, FencedWriter, Received, Record,
    stage::{self, BackOff, StageError},
};
use carewire_schemas::{
    EventHeaders, FeedId, ItemId, ItemV1, OrganizationId, TaggedV1, TraceParent, cloudevents::encode, topics,
};
use carewire_store::{GroupBatch, GroupState, IdentityKey, Leading, Position, Store, StoreError};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Grouper, Prepared, Step,
    grouper::StepError,
    index::{COPY_DAYS, DAY},
    run::{GROUP, GroupDeps, of_bus, of_store},
    standing::{PAGE, fill, standings},
};
use crate::{decode::event, metrics, policy::Policy};

/// Most records in a batch.
const BATCH: usize = 500;
/// Longest wait for records; also how soon a change of standing takes effect on an idle network.
const WAIT: Duration = Duration::from_millis(250);
/// Rows of the window that are read at a time.
const WINDOW_PAGE: usize = 2_000;
/// Changes of standing that are read at a time.
const CHANGES: usize = 100;

/// The active worker.
pub(super) struct Active<'a> {
    deps: &'a GroupDeps,
    leading: &'a Leading,
    stop: &'a CancellationToken,
    writer: FencedWriter,
    consumer: Consumer,
    /// Away only while a blocking thread works with it.
    grouper: Option<Grouper>,
    /// Up to where changes of standing are handled.
    standing_done: i64,
    /// Whether changes of standing may have been handled by a worker that fell before it produced.
    standing_doubtful: bool,
    /// When the next embargo ends, in milliseconds since the epoch.
    next_due: Option<i64>,
    activity: watch::Receiver<u64>,
}

impl<'a> Active<'a> {
    /// Takes over: fences the predecessor, rebuilds the index, joins the group.
    pub(super) async fn begin(
        deps: &'a GroupDeps,
        leading: &'a Leading,
        stop: &'a CancellationToken,
    ) -> Result<Self, StageError> {
        let store = &deps.store;
        let writer = deps.bus.fenced_writer(topics::ITEMS, GROUP).await.map_err(of_bus)?;
        let mut activity = store.activity();
        activity.mark_changed();
        let grouper = load(store, &deps.policy).await.map_err(of_store)?;
        let stored = || async { store.positions_in(GROUP, topics::TAGGED).await.map_err(of_store) };
        stage::go_back(&deps.bus, GROUP, topics::TAGGED, stored, &deps.health, stop).await?;
        let standing_done = store.standing_done().await.map_err(of_store)?;
        let next_due = store.next_look().await.map_err(of_store)?;
        let consumer = deps.bus.consumer(GROUP, &[topics::TAGGED], ConsumerConfig::default()).await.map_err(of_bus)?;
        Ok(Self {
            deps,
            leading,
            stop,
            writer,
            consumer,
            grouper: Some(grouper),
            standing_done,
            standing_doubtful: true,
            next_due,
            activity,
        })
    }

    /// Items in the window.
    pub(super) fn window(&self) -> usize {
        self.grouper.as_ref().map_or(0, Grouper::window)
    }

    /// What changed in standing, whose embargo ended, and one batch.
    pub(super) async fn turn(&mut self) -> Result<(), StageError> {
        if let Some(grouper) = &mut self.grouper {
            grouper.at(Timestamp::now());
        }
        self.standing().await?;
        self.due().await?;
        let batch = tokio::select! {
            batch = self.consumer.next_batch(BATCH, WAIT) => batch,
            () = self.stop.cancelled() => return Ok(()),
            () = self.leading.lost().cancelled() => return Ok(()),
        };
        let batch = batch.map_err(of_bus)?;
        if !batch.is_empty() {
            self.group(&batch).await?;
            self.commit(&batch).await?;
        }
        self.deps.health.well();
        Ok(())
    }

    /// Leaves the group, so that the next worker need not wait for this member's end.
    pub(super) async fn end(self) {
        if let Err(error) = self.consumer.close().await {
            tracing::debug!(%error, "did not leave the group");
        }
    }

    /// Carries a batch through to `carewire.items`.
    async fn group(&mut self, batch: &[Received]) -> Result<(), StageError> {
        let timer = metrics::BATCH_SECONDS.start_timer();
        let mut prepared = self.prepare(batch).await?;
        let entries: Vec<_> = prepared.iter().map(|entry| entry.tagged.entry).collect();
        let mut keys: Vec<IdentityKey> = prepared.iter().flat_map(|entry| entry.keys.iter().copied()).collect();
        keys.sort_unstable();
        keys.dedup();
        let candidates: Vec<ItemId> = self.grouper.as_mut().ok_or_else(gone)?.seek(&mut prepared);
        let feeds: Vec<FeedId> = prepared.iter().map(|entry| entry.tagged.feed).collect();
        let store = &self.deps.store;
        let (entries, keys, candidates, feeds) = (&entries, &keys, &candidates, &feeds);
        let (state, standings) = self
            .patiently(move || async move {
                let mut state = store.group_state(entries, keys).await.map_err(of_store)?;
                fill(store, &mut state, candidates.iter().copied()).await.map_err(of_store)?;
                let standings = standings(store, &state, feeds.iter().copied()).await.map_err(of_store)?;
                Ok((state, standings))
            })
            .await?;
        let mut step = self.decide(move |grouper| grouper.step(prepared, state, &standings)).await?;
        step.batch.positions = stage::next_offsets(batch)
            .into_iter()
            .map(|(topic, partition, next_offset)| Position {
                consumer: GROUP.to_owned(),
                topic: topic.to_string(),
                partition,
                next_offset,
            })
            .collect();
        self.carry(step).await?;
        timer.observe_duration();
        Ok(())
    }

    /// Reads the records; those that are no events are put aside.
    async fn prepare(&self, batch: &[Received]) -> Result<Vec<Prepared>, StageError> {
        let (records, policy) = (batch.to_vec(), self.deps.policy.clone());
        let read = tokio::task::spawn_blocking(move || -> Vec<Result<Prepared, String>> {
            records
                .iter()
                .map(|record| {
                    let tagged = event::<TaggedV1>(record, topics::TAGGED)?;
                    Ok(Prepared::under(&policy, tagged, stage::trace_of(record)))
                })
                .collect()
        });
        let read = read.await.map_err(|error| StageError::Fatal(format!("reading: {error}")))?;
        let mut prepared = Vec::with_capacity(read.len());
        for (record, result) in batch.iter().zip(read) {
            match result {
                Ok(entry) => prepared.push(entry),
                Err(error) => {
                    let producer = self.deps.bus.producer();
                    self.patiently(async || stage::dead_letter(&producer, GROUP, record, &error).await.map_err(of_bus))
                        .await?;
                }
            }
        }
        Ok(prepared)
    }

    /// Runs the core on a thread of its own.
    async fn decide(
        &mut self,
        decision: impl FnOnce(&mut Grouper) -> Result<Step, StepError> + Send + 'static,
    ) -> Result<Step, StageError> {
        let mut grouper = self.grouper.take().ok_or_else(gone)?;
        let (grouper, step) = tokio::task::spawn_blocking(move || {
            let step = decision(&mut grouper);
            (grouper, step)
        })
        .await
        .map_err(|error| StageError::Fatal(format!("grouping: {error}")))?;
        self.grouper = Some(grouper);
        step.map_err(|error| StageError::Fatal(error.to_string()))
    }

    /// Writes what was decided, then produces it.
    async fn carry(&mut self, step: Step) -> Result<(), StageError> {
        let Step { batch, items } = step;
        let soonest = batch.due.iter().filter_map(|(_, due)| *due).min();
        self.next_due = self.next_due.into_iter().chain(soonest).min();
        let this = &*self;
        if batch != GroupBatch::default() {
            let (store, lease) = (&this.deps.store, this.leading.lease());
            let batch = &batch;
            this.patiently(move || async move { store.group_apply(lease, batch.clone()).await.map_err(of_store) })
                .await?;
        }
        let records =
            items.iter().map(|(item, trace)| record(item, *trace)).collect::<Result<Vec<Record>, StageError>>()?;
        if !records.is_empty() {
            let (writer, records) = (&this.writer, &records);
            this.patiently(move || async move { writer.send_all(records.clone()).await.map(drop).map_err(of_bus) })
                .await?;
        }
        Ok(())
    }

    async fn commit(&mut self, batch: &[Received]) -> Result<(), StageError> {
        match self.consumer.commit(&stage::next_offsets(batch)).await {
            // Another member has the partition and reads these records again: repeats, which change nothing.
            Ok(()) | Err(BusError::NotAssigned(_)) => Ok(()),
            Err(error) => Err(of_bus(error)),
        }
    }

    /// Looks again at the items of organizations whose standing, or whose feeds' proof, changed.
    async fn standing(&mut self) -> Result<(), StageError> {
        // An error means that the store is closed, which the next call says better.
        if !self.activity.has_changed().unwrap_or(true) {
            return Ok(());
        }
        self.activity.mark_unchanged();
        loop {
            let changes = self.deps.store.standing_changes(self.standing_done, CHANGES).await.map_err(of_store)?;
            let Some(last) = changes.last().map(|(number, _)| *number) else { break };
            let organizations: BTreeSet<OrganizationId> =
                changes.into_iter().map(|(_, organization)| organization).collect();
            for organization in organizations {
                self.reconsider(organization).await?;
            }
            let done = GroupBatch { standing_done: Some(last), ..GroupBatch::default() };
            self.carry(Step { batch: done, items: Vec::new() }).await?;
            self.standing_done = last;
        }
        self.standing_doubtful = false;
        Ok(())
    }

    /// Looks again at items whose embargo ended. They are known by the store, so that whoever takes over goes on.
    async fn due(&mut self) -> Result<(), StageError> {
        loop {
            let now = Timestamp::now();
            if self.next_due.is_none_or(|due| due > now.as_millisecond()) {
                return Ok(());
            }
            let store = &self.deps.store;
            let page = store.due_items(now.as_millisecond(), PAGE).await.map_err(of_store)?;
            metrics::RELEASED.inc_by(page.len() as u64);
            if !page.is_empty() {
                if let Some(grouper) = &mut self.grouper {
                    grouper.at(now);
                }
                self.look_again(page, true).await?;
            }
            self.next_due = self.deps.store.next_look().await.map_err(of_store)?;
        }
    }

    /// Looks again at items as the store has them; `all` are produced, or only those that changed.
    async fn look_again(&mut self, items: Vec<ItemId>, all: bool) -> Result<(), StageError> {
        let store = &self.deps.store;
        let mut state = GroupState::default();
        fill(store, &mut state, items.iter().copied()).await.map_err(of_store)?;
        let standings = standings(store, &state, []).await.map_err(of_store)?;
        let mut step = self.decide(move |grouper| grouper.reconsider(state, &standings, all)).await?;
        // What is no longer there, or no longer waits, need not be looked at again.
        let waits: BTreeSet<ItemId> = step.batch.due.iter().map(|(item, _)| *item).collect();
        step.batch.due.extend(items.into_iter().filter(|item| all && !waits.contains(item)).map(|item| (item, None)));
        self.carry(step).await
    }

    async fn reconsider(&mut self, organization: OrganizationId) -> Result<(), StageError> {
        let mut after = None;
        loop {
            let store = &self.deps.store;
            let page = store.group_items_of_organization(organization, after, PAGE).await.map_err(of_store)?;
            let Some(last) = page.last().copied() else { return Ok(()) };
            after = Some(last);
            self.look_again(page, self.standing_doubtful).await?;
            if self.stop.is_cancelled() || self.leading.lost().is_cancelled() {
                return Err(StageError::Transient("stopped while looking again at items".to_owned()));
            }
        }
    }

    /// Tries until it works, for good fails, or this worker shall stop.
    async fn patiently<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, StageError>
    where
        F: Future<Output = Result<T, StageError>> + Send,
    {
        let mut wait = BackOff::default();
        loop {
            match attempt().await {
                Err(StageError::Transient(why)) => {
                    self.deps.health.waits(why.clone());
                    if self.leading.lost().is_cancelled() || wait.stopped(self.stop).await {
                        return Err(StageError::Transient(why));
                    }
                }
                done => return done,
            }
        }
    }
}

/// A grouper with the window that the store holds.
async fn load(store: &Store, policy: &Arc<Policy>) -> Result<Grouper, StoreError> {
    let mut grouper = Grouper::under(policy.clone())
        .map_err(|error| StoreError::Database(format!("the window cannot be held: {error}")))?;
    let since = store.now().await?.as_millisecond() - COPY_DAYS * DAY;
    let mut after = None;
    loop {
        let rows = store.group_window(since, after, WINDOW_PAGE).await?;
        let Some(last) = rows.last() else { return Ok(grouper) };
        after = Some((last.published, last.item));
        grouper.load(&rows);
    }
}

/// The record of an item, in the trace of what touched it last.
fn record(item: &ItemV1, trace: TraceParent) -> Result<Record, StageError> {
    let topic =
        topics::by_name(topics::ITEMS).ok_or_else(|| StageError::Fatal("carewire.items is not declared".to_owned()))?;
    let headers = EventHeaders::new(topic, GROUP, item.item.to_string(), item.version, trace.child());
    Ok(stage::event_record(&headers, encode(item).map_err(|error| StageError::Fatal(error.to_string()))?))
}

fn gone() -> StageError {
    StageError::Fatal("the index was lost with a thread".to_owned())
}
