//! The newest changes in memory, read once for all streams of a process.
//!
//! [`Live::run`] follows the sequence while there are clients, reads rows and items once, and tells the clients by one
//! `watch` channel how far it is. Everybody takes from the ring by position; who has fallen out of it is cut, and
//! comes again with the number that it has.

use std::{
    collections::VecDeque,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use carewire_bus::{Health, stage::BackOff};
use carewire_schemas::ChangeSeq;
use carewire_store::Store;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{frames::Shared, metrics};
use crate::matching;

/// Changes kept.
const KEPT: usize = 16_384;
/// Bytes of changes kept, about.
const KEPT_BYTES: usize = 32 * 1024 * 1024;
/// Changes read at once.
const BATCH: usize = 500;

#[derive(Default)]
struct Ring {
    /// The changes after this number, up to the tip, are here.
    start: ChangeSeq,
    tip: ChangeSeq,
    bytes: usize,
    changes: VecDeque<Arc<Shared>>,
}

/// What the ring has for a client.
pub enum Taken {
    /// The next changes, in order; empty: nothing is newer.
    Next(Vec<Arc<Shared>>),
    /// The client's position is not in the ring: it lies before, or is not reached yet.
    Elsewhere,
}

/// The newest changes, shared by all streams of a process.
pub struct Live {
    store: Store,
    ring: RwLock<Ring>,
    tip: watch::Sender<ChangeSeq>,
    clients: AtomicUsize,
    arrived: watch::Sender<()>,
}

impl Live {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            ring: RwLock::default(),
            tip: watch::channel(0).0,
            clients: AtomicUsize::new(0),
            arrived: watch::channel(()).0,
        }
    }

    /// How far the ring is, for waiting on.
    pub fn tip(&self) -> watch::Receiver<ChangeSeq> {
        self.tip.subscribe()
    }

    /// A client comes; false where there are `most` already.
    pub fn enter(&self, most: usize) -> bool {
        let one_more = |now: usize| (now < most).then_some(now + 1);
        let entered = self.clients.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok();
        if entered {
            metrics::CLIENTS.inc();
            self.arrived.send_replace(());
        }
        entered
    }

    /// A client goes.
    pub fn leave(&self) {
        self.clients.fetch_sub(1, Ordering::AcqRel);
        metrics::CLIENTS.dec();
    }

    /// The changes after `position`, at most `limit`.
    pub fn take(&self, position: ChangeSeq, limit: usize) -> Taken {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        if position < ring.start || position > ring.tip {
            return Taken::Elsewhere;
        }
        let from = ring.changes.partition_point(|one| one.change.row.seq <= position);
        let to = ring.changes.len().min(from + limit);
        Taken::Next(ring.changes.range(from..to).cloned().collect())
    }

    /// Whether `position` can be followed from the ring.
    pub fn holds(&self, position: ChangeSeq) -> bool {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        (ring.start..=ring.tip).contains(&position)
    }

    /// Follows the sequence until `stop`.
    pub async fn run(&self, health: &Health, stop: &CancellationToken) {
        let mut sequence = self.store.sequence();
        let mut arrived = self.arrived.subscribe();
        let mut wait = BackOff::default();
        health.well();
        while !stop.is_cancelled() {
            let known = *sequence.borrow_and_update();
            arrived.mark_unchanged();
            match self.advance(known).await {
                Ok(()) => {
                    health.well();
                    wait = BackOff::default();
                }
                Err(error) => {
                    health.waits(error.to_string());
                    wait.stopped(stop).await;
                    continue;
                }
            }
            tokio::select! {
                changed = sequence.changed() => if changed.is_err() { return },
                changed = arrived.changed() => if changed.is_err() { return },
                () = stop.cancelled() => return,
            }
        }
    }

    /// Reads up to `known`. Without clients nothing is read: the ring begins anew there.
    async fn advance(&self, known: ChangeSeq) -> carewire_store::Result<()> {
        let began = Instant::now();
        let mut read = false;
        loop {
            let tip = *self.tip.borrow();
            if tip >= known {
                break;
            }
            if self.clients.load(Ordering::Acquire) == 0 {
                self.restart(known);
                break;
            }
            let changes = matching::read(&self.store, tip, BATCH).await?;
            if changes.is_empty() {
                break;
            }
            // The ring must not have a hole: what is far behind (a first client after a long time) begins anew.
            if changes.first().is_none_or(|first| first.row.seq != tip + 1) {
                self.restart(known);
                break;
            }
            self.push(changes);
            read = true;
        }
        if read {
            metrics::READ_SECONDS.observe(began.elapsed().as_secs_f64());
        }
        Ok(())
    }

    fn restart(&self, at: ChangeSeq) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        *ring = Ring { start: at, tip: at, ..Ring::default() };
        drop(ring);
        self.tip.send_replace(at);
    }

    fn push(&self, changes: Vec<matching::Change>) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            ring.tip = change.row.seq;
            ring.bytes += change.weight();
            ring.changes.push_back(Arc::new(Shared::new(change)));
            while ring.changes.len() > KEPT || ring.bytes > KEPT_BYTES {
                let Some(gone) = ring.changes.pop_front() else { break };
                ring.start = gone.change.row.seq;
                ring.bytes -= gone.change.weight();
            }
        }
        let tip = ring.tip;
        drop(ring);
        self.tip.send_replace(tip);
    }
}
