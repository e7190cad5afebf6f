//! One stream: what the client lacks, then what comes.
//!
//! A client has a *position*: it has everything up to that number. Three phases lead to following:
//!
//! 1. [`Phase::Snapshot`] (`after=0`): what answers the question now, from the search index, without ids; the position
//!    is then what the index had seen when the first page was taken. What changed since comes in the next phase.
//! 2. [`Phase::CatchUp`]: the change log from the position on, until the ring holds it.
//! 3. [`Phase::Follow`]: the ring. `synced` tells that the client has all of it for the first time.
//!
//! The state of a client in the last phase is a few hundred bytes: what it is sent belongs to all.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use carewire_query::{Cursor, Query, Sort};
use carewire_schemas::ChangeSeq;
use carewire_store::ItemState;
use tokio::sync::watch;

use super::{
    Inner,
    frames::{self, frame},
    live::Taken,
    metrics,
};
use crate::matching::{self, Change, Kind, Value};

/// Rows read at once for a client that catches up.
const ROWS: usize = 200;
/// Items of a page of the snapshot.
const PAGE: usize = 100;
/// Changes taken from the ring at once.
const TAKEN: usize = 64;
/// How long the ring may be behind the store before a position is looked at again.
const RING_WAIT: Duration = Duration::from_secs(1);

/// What a client lacks.
enum Phase {
    Snapshot { next: Option<Cursor>, began: Option<ChangeSeq> },
    CatchUp,
    Follow,
}

/// One client of a stream.
pub struct Client {
    inner: Arc<Inner>,
    query: Arc<Query>,
    position: ChangeSeq,
    phase: Phase,
    tip: watch::Receiver<ChangeSeq>,
    out: VecDeque<Bytes>,
    synced: bool,
    why: &'static str,
    _place: Place,
}

/// A client's place among those of the process and of its address; free again when dropped.
pub struct Place {
    inner: Arc<Inner>,
    address: Option<IpAddr>,
}

impl Place {
    /// A place, where there is one.
    pub fn take(inner: &Arc<Inner>, address: Option<IpAddr>) -> Option<Self> {
        if !inner.live.enter(inner.config.max_clients) {
            return None;
        }
        let mut place = Self { inner: Arc::clone(inner), address: None };
        if let Some(address) = address {
            let mut addresses = inner.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            let count = addresses.entry(address).or_insert(0_usize);
            if *count >= inner.config.per_address {
                drop(addresses);
                return None;
            }
            *count += 1;
            place.address = Some(address);
        }
        Some(place)
    }

    fn forget_address(&self) {
        let Some(address) = self.address else { return };
        let mut addresses = self.inner.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&address);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.forget_address();
        self.inner.live.leave();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        metrics::ENDED.with_label_values(&[self.why]).inc();
    }
}

impl Client {
    /// A client that has everything up to `after`; 0: nothing; none: everything up to now.
    pub fn new(inner: &Arc<Inner>, place: Place, query: Arc<Query>, after: Option<ChangeSeq>) -> Self {
        let tip = inner.live.tip();
        let phase = match after {
            Some(0) => Phase::Snapshot { next: None, began: None },
            _ => Phase::CatchUp,
        };
        let position = after.unwrap_or_else(|| *inner.sequence.borrow());
        // So that those who were cut together do not come back together.
        let out = VecDeque::from([frames::opening(fastrand::u32(1_000..5_000))]);
        Self { inner: Arc::clone(inner), query, position, phase, tip, out, synced: false, why: "left", _place: place }
    }

    /// The next piece of the stream, and the client as it is then; none at the end.
    pub async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            if let Some(piece) = self.out.pop_front() {
                return Some((Ok(piece), self));
            }
            // Away from the stack of followers: the other phases are short and their futures large.
            let more = match self.phase {
                Phase::Follow => self.follow().await,
                Phase::Snapshot { .. } => Box::pin(self.snapshot()).await,
                Phase::CatchUp => Box::pin(self.catch_up()).await,
            };
            if !more {
                self.out = VecDeque::new();
                return None;
            }
        }
    }

    /// Waits for changes, or says that it is there; false where the client is too far behind or all ends.
    async fn follow(&mut self) -> bool {
        self.tip.mark_unchanged();
        match self.inner.live.take(self.position, TAKEN) {
            Taken::Elsewhere => {
                self.why = "behind";
                return false;
            }
            Taken::Next(changes) if changes.is_empty() && !self.synced => {
                self.out.push_back(frames::synced(self.position));
                self.synced = true;
            }
            Taken::Next(changes) if changes.is_empty() => {
                tokio::select! {
                    changed = tokio::time::timeout(self.inner.config.heartbeat, self.tip.changed()) => match changed {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return false,
                        Err(_) => self.out.push_back(frames::heartbeat(self.position)),
                    },
                    () = self.inner.stop.cancelled() => {
                        self.why = "stopped";
                        return false;
                    }
                }
            }
            Taken::Next(changes) => {
                for shared in changes {
                    self.position = shared.change.row.seq;
                    if let Some(kind) = shared.change.to(&self.query, self.inner.vocabulary) {
                        self.out.push_back(shared.frame(kind));
                    }
                }
                metrics::EVENTS.inc_by(self.out.len() as u64);
            }
        }
        true
    }

    /// Reads the log for this client alone, until the ring holds its position.
    async fn catch_up(&mut self) -> bool {
        if self.inner.stop.is_cancelled() {
            self.why = "stopped";
            return false;
        }
        if self.inner.live.holds(self.position) {
            self.phase = Phase::Follow;
            return true;
        }
        let Ok(_turn) = self.inner.readers.acquire().await else { return false };
        match matching::read(&self.inner.store, self.position, ROWS).await {
            Ok(changes) if changes.is_empty() => {
                // The ring is a moment behind the store.
                let waited = tokio::time::timeout(RING_WAIT, self.tip.changed()).await;
                // Or the number is of no present, as after a restored backup: what comes from here on is told.
                let last = *self.inner.sequence.borrow();
                if waited.is_err() && self.position > last {
                    self.position = last;
                }
            }
            Ok(changes) => {
                for change in &changes {
                    self.position = change.row.seq;
                    if let Some(kind) = change.to(&self.query, self.inner.vocabulary) {
                        self.out.push_back(frame(change, kind, true));
                    }
                }
                metrics::EVENTS.inc_by(self.out.len() as u64);
            }
            Err(error) => {
                tracing::debug!(%error, "a stream ends: the store cannot be read");
                self.why = "failed";
                return false;
            }
        }
        true
    }

    /// A page of what answers the question now.
    async fn snapshot(&mut self) -> bool {
        let Phase::Snapshot { next, began } = self.phase else { return true };
        let Ok(_turn) = self.inner.readers.acquire().await else { return false };
        match self.page(next).await {
            Ok((page, next, position)) => {
                self.out.extend(page);
                metrics::EVENTS.inc_by(self.out.len() as u64);
                let began = began.unwrap_or(position);
                if next.is_some() {
                    self.phase = Phase::Snapshot { next, began: Some(began) };
                } else {
                    self.position = began;
                    self.phase = Phase::CatchUp;
                }
                true
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "a stream ends: its snapshot cannot be read");
                self.why = "failed";
                false
            }
        }
    }

    async fn page(&self, after: Option<Cursor>) -> anyhow::Result<(Vec<Bytes>, Option<Cursor>, ChangeSeq)> {
        let (index, query) = (Arc::clone(&self.inner.index), Arc::clone(&self.query));
        let search = move || index.search_in_order(&query, Sort::Newest, after, PAGE);
        let hits = tokio::task::spawn_blocking(search).await??;
        let ids: Vec<_> = hits.hits.iter().map(|hit| hit.id).collect();
        let mut page = Vec::with_capacity(ids.len());
        for item in self.inner.store.contents(&ids).await? {
            // What changed since the index saw it comes with its change, after the snapshot.
            if let (ItemState::Curated, Some(seq)) = (item.state, item.seq)
                && seq <= hits.position
            {
                let row = carewire_store::ChangeRow {
                    seq,
                    item: item.id,
                    at: 0,
                    version: item.public_version,
                    before: None,
                    after: None,
                    withdrawn: false,
                };
                let change = Change::new(row, Some(Value { curated: true, json: item.content }));
                page.push(frame(&change, Kind::Added, false));
            }
        }
        Ok((page, hits.next, hits.position))
    }
}
