//! The newest change rows in memory: what keeps cached feeds, streams and the search index from reading the change log
//! each for itself.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock},
};

use carewire_schemas::ChangeSeq;
use carewire_store::{ChangeRow, Changes, Result, Store};
use tokio::sync::Mutex;

/// Rows kept. With some 1 KB a row at most a few megabytes.
const KEPT: usize = 4_096;
/// Departures kept: rows by which an item left something.
const DEPARTURES_KEPT: usize = 4_096;
/// How far back the first read looks for departures.
const LOOK_BACK: ChangeSeq = 20_000;
const BATCH: usize = 1_000;

/// The newest change rows, and the newest *departures*: rows after which an item is withdrawn or its fields are other
/// ones, so that it left some feed.
#[derive(Default, Debug)]
pub struct Recent {
    ring: RwLock<Ring>,
    reading: Mutex<()>,
}

#[derive(Default, Debug)]
struct Ring {
    started: bool,
    /// The rows after this number, up to `tip`, are in `rows`.
    start: ChangeSeq,
    tip: ChangeSeq,
    rows: VecDeque<Arc<ChangeRow>>,
    departures: VecDeque<Arc<ChangeRow>>,
}

impl Recent {
    /// Reads the log up to `target` at least (as far as it goes). Callers at the same time share one reading.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn advance(&self, store: &Store, target: ChangeSeq) -> Result<()> {
        if self.tip() >= target {
            return Ok(());
        }
        let _reading = self.reading.lock().await;
        let (started, mut at) = {
            let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
            (ring.started, ring.tip)
        };
        if !started {
            at = (target - LOOK_BACK).max(0);
        }
        while at < target {
            match store.changes(at, BATCH).await? {
                Changes::Rows(rows) => {
                    let Some(last) = rows.last().map(|row| row.seq) else { break };
                    self.push(rows, at);
                    at = last;
                }
                // The log begins somewhere between here and the target.
                Changes::TooOld => {
                    at = target - (target - at) / 2;
                    self.restart(at);
                }
            }
        }
        Ok(())
    }

    /// The number of the last row that was read; 0 before the first.
    #[must_use]
    pub fn tip(&self) -> ChangeSeq {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).tip
    }

    /// The rows with numbers in `(after, up_to]`; `None` where they are no longer, or not yet, all in memory.
    #[must_use]
    pub fn between(&self, after: ChangeSeq, up_to: ChangeSeq) -> Option<Vec<Arc<ChangeRow>>> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        if after < ring.start || up_to > ring.tip || !ring.started {
            return (after >= up_to).then(Vec::new);
        }
        let from = ring.rows.partition_point(|row| row.seq <= after);
        let to = ring.rows.partition_point(|row| row.seq <= up_to);
        Some(ring.rows.range(from..to.max(from)).cloned().collect())
    }

    /// The newest departures for which `wanted` holds, newest first, at most `limit`.
    #[must_use]
    pub fn departures(&self, limit: usize, wanted: impl Fn(&ChangeRow) -> bool) -> Vec<Arc<ChangeRow>> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.departures.iter().rev().filter(|row| wanted(row)).take(limit).cloned().collect()
    }

    fn restart(&self, at: ChangeSeq) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        ring.rows.clear();
        ring.start = at;
        ring.tip = at;
        ring.started = true;
    }

    fn push(&self, rows: Vec<ChangeRow>, after: ChangeSeq) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        if !ring.started {
            (ring.started, ring.start, ring.tip) = (true, after, after);
        }
        for row in rows {
            let row = Arc::new(row);
            if departs(&row) {
                if ring.departures.len() >= DEPARTURES_KEPT {
                    ring.departures.pop_front();
                }
                ring.departures.push_back(Arc::clone(&row));
            }
            ring.tip = row.seq;
            ring.rows.push_back(row);
            if ring.rows.len() > KEPT
                && let Some(gone) = ring.rows.pop_front()
            {
                ring.start = gone.seq;
            }
        }
    }
}

/// Whether the row may have taken an item out of a feed.
fn departs(row: &ChangeRow) -> bool {
    match (&row.before, &row.after) {
        (Some(before), Some(after)) => before != after,
        (Some(_), None) => true,
        (None, _) => row.withdrawn,
    }
}

#[cfg(test)]
mod tests {
    use carewire_schemas::ItemId;
    use uuid::Uuid;

    use super::*;

    fn row(seq: ChangeSeq) -> ChangeRow {
        let item = ItemId(Uuid::from_u128(seq as u128));
        ChangeRow { seq, item, at: 0, version: 1, before: None, after: None, withdrawn: seq % 2 == 0 }
    }

    #[test]
    fn keeps_the_newest_and_says_what_is_missing() {
        let recent = Recent::default();
        assert_eq!(recent.between(0, 0).map(|rows| rows.len()), Some(0));
        assert!(recent.between(0, 5).is_none());
        recent.push((11..=5_010).map(row).collect(), 10);
        assert_eq!(recent.tip(), 5_010);
        assert!(recent.between(10, 5_010).is_none(), "the oldest are gone");
        let rows = recent.between(5_000, 5_010).expect("still there");
        assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), (5_001..=5_010).collect::<Vec<_>>());
        assert!(recent.between(5_000, 5_011).is_none(), "not yet there");
        let gone = recent.departures(3, |row| row.seq < 5_008);
        assert_eq!(gone.iter().map(|row| row.seq).collect::<Vec<_>>(), [5_006, 5_004, 5_002]);
    }
}
