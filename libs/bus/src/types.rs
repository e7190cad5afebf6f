//! Records and topics, as both halves of the bus know them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name: letters, digits, `.`, `_` and `-`, at most 249 bytes (Kafka's rule).
    pub name: String,
    /// Number of partitions, at least 1. Fixed when the topic is made.
    pub partitions: i32,
    /// Number of copies on different brokers; the embedded log has one file and ignores it.
    pub replication: i32,
    /// What is kept.
    pub cleanup: Cleanup,
    /// Largest record in bytes: key, value and headers together, before compression.
    pub max_record_bytes: usize,
}

/// What a topic keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// Records younger than this, by their timestamps.
    Time(Duration),
    /// The last record of each key. A tombstone goes `delete_retention` after it was first compacted, so that a reader
    /// who is no further behind than that sees it.
    Compact {
        /// How long a compacted tombstone stays readable.
        delete_retention: Duration,
    },
    /// Everything.
    Forever,
}

/// A record to produce.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Records of one key keep their order; the key decides the partition.
    pub key: Bytes,
    /// `None` is a tombstone: compaction forgets the key.
    pub value: Option<Bytes>,
    /// Names need not be unique; order is kept.
    pub headers: Vec<(String, Bytes)>,
    /// Time of the record in milliseconds' precision; the time of sending when `None`.
    pub timestamp: Option<Timestamp>,
}

impl Record {
    /// Size against `max_record_bytes`: bytes of key, value and headers.
    pub fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.key.len() + self.value.as_ref().map_or(0, Bytes::len) + headers
    }
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its partition, from 0.
    pub partition: i32,
    /// Its offset; the position to commit after it is `offset + 1`. Offsets rise within a partition and may have gaps.
    pub offset: i64,
    /// Its time, in milliseconds' precision.
    pub timestamp: Timestamp,
    /// Its key.
    pub key: Bytes,
    /// Its value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers, in the order in which they were written.
    pub headers: Vec<(String, Bytes)>,
}

impl Received {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value)
    }

    /// Bytes of key, value and headers.
    pub fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.key.len() + self.value.as_ref().map_or(0, Bytes::len) + headers
    }
}

/// Where a record was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Partition, from 0.
    pub partition: i32,
    /// Offset within the partition.
    pub offset: i64,
}

/// The ends of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermarks {
    /// Partition, from 0.
    pub partition: i32,
    /// Offset of the first record still kept (or `high` when there is none).
    pub low: i64,
    /// The offset the next record will get. On Kafka the marks of transactions take offsets too, so the position after the
    /// last record of a fenced writer may stay below `high`.
    pub high: i64,
}
