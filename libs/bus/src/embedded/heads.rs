//! How far each partition reaches, as this process knows it, and the bell that wakes its readers.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use tokio::sync::watch;

use super::ids::PartitionId;

/// High watermarks: exact for what this process wrote, up to `poll_interval` behind for what others wrote.
pub(super) struct Heads {
    next: RwLock<HashMap<PartitionId, i64>>,
    bell: watch::Sender<u64>,
}

impl Heads {
    pub(super) fn new() -> Heads {
        Heads { next: RwLock::default(), bell: watch::Sender::new(0) }
    }

    /// The known high watermark; 0 for a partition never heard of.
    pub(super) fn get(&self, partition: PartitionId) -> i64 {
        self.next.read().unwrap_or_else(PoisonError::into_inner).get(&partition).copied().unwrap_or(0)
    }

    /// Takes in newer watermarks and rings when one rose.
    pub(super) fn raise(&self, partitions: impl IntoIterator<Item = (PartitionId, i64)>) {
        let mut rose = false;
        let mut known = self.next.write().unwrap_or_else(PoisonError::into_inner);
        for (partition, next) in partitions {
            let have = known.entry(partition).or_insert(0);
            rose |= next > *have;
            *have = next.max(*have);
        }
        drop(known);
        if rose {
            self.ring();
        }
    }

    /// Wakes every waiting reader, to look again.
    pub(super) fn ring(&self) {
        self.bell.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    /// A receiver that sees the rings from now on.
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }
}
