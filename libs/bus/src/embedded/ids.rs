//! Numbers in the file: a partition's number is its topic's and its own, a batch's adds the base offset.

use std::sync::Arc;

use crate::{Cleanup, TopicSpec};

/// Bits of an offset: 1.7 × 10¹³ records in a partition.
const OFFSET_BITS: u32 = 44;
/// Bits of a partition within its topic.
const PARTITION_BITS: u32 = 10;

/// Most partitions of a topic.
pub(super) const MAX_PARTITIONS: i32 = 1 << PARTITION_BITS;
/// Largest number of a topic.
pub(super) const MAX_TOPIC: i64 = (1 << (63 - OFFSET_BITS - PARTITION_BITS)) - 1;

/// A topic as the file has it.
#[derive(Debug)]
pub(super) struct Topic {
    pub id: i64,
    pub name: Arc<str>,
    pub partitions: i32,
    pub cleanup: Cleanup,
    pub max_record_bytes: usize,
}

impl Topic {
    /// The number of one of its partitions; the caller has checked that there is one.
    pub(super) fn partition(&self, partition: i32) -> PartitionId {
        PartitionId::of(self.id, partition)
    }

    /// The partition of a key: XXH3-64 modulo the number of partitions.
    pub(super) fn partition_of(&self, key: &[u8]) -> i32 {
        let partitions = u64::from(self.partitions.max(1).unsigned_abs());
        i32::try_from(xxhash_rust::xxh3::xxh3_64(key) % partitions).unwrap_or(0)
    }

    pub(super) fn differs_from(&self, spec: &TopicSpec) -> bool {
        self.partitions != spec.partitions
            || self.cleanup != spec.cleanup
            || self.max_record_bytes != spec.max_record_bytes
    }
}

/// A partition's number in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PartitionId(pub i64);

impl PartitionId {
    /// The number of that partition of that topic.
    pub(super) fn of(topic: i64, partition: i32) -> PartitionId {
        PartitionId((topic << PARTITION_BITS) | i64::from(partition))
    }

    /// The number of the topic.
    pub(super) fn topic(self) -> i64 {
        self.0 >> PARTITION_BITS
    }

    /// The partition within the topic.
    pub(super) fn index(self) -> i32 {
        (self.0 & ((1 << PARTITION_BITS) - 1)) as i32
    }

    /// The number of the batch that begins at that offset (or would).
    pub(super) fn batch(self, offset: i64) -> i64 {
        (self.0 << OFFSET_BITS) | offset.clamp(0, (1 << OFFSET_BITS) - 1)
    }

    /// The first number that belongs to the next partition.
    pub(super) fn end(self) -> i64 {
        // The last partition's end would be the sign bit.
        (self.0 + 1).checked_mul(1 << OFFSET_BITS).unwrap_or(i64::MAX)
    }
}

/// The base offset of a batch.
pub(super) fn base_offset(batch: i64) -> i64 {
    batch & ((1 << OFFSET_BITS) - 1)
}

/// How a topic's cleanup stands in the file.
pub(super) fn cleanup_columns(cleanup: Cleanup) -> (&'static str, i64) {
    let millis = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match cleanup {
        Cleanup::Time(keep) => ("time", millis(keep)),
        Cleanup::Compact { delete_retention } => ("compact", millis(delete_retention)),
        Cleanup::Forever => ("forever", 0),
    }
}

/// The reverse of [`cleanup_columns`].
pub(super) fn cleanup_of(kind: &str, millis: i64) -> Option<Cleanup> {
    let duration = std::time::Duration::from_millis(u64::try_from(millis).ok()?);
    match kind {
        "time" => Some(Cleanup::Time(duration)),
        "compact" => Some(Cleanup::Compact { delete_retention: duration }),
        "forever" => Some(Cleanup::Forever),
        _ => None,
    }
}
