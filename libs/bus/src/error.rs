//! What can go wrong on the bus, in the terms a caller branches on.

use std::sync::Arc;

/// An error of the bus. [`BusError::is_transient`] tells what passes by itself from what does not.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BusError {
    /// The broker or the file cannot be reached or is busy; trying again later may work. What was being produced may or
    /// may not have been stored: the caller sends it again (repeats are told by their versions).
    #[error("the bus is unavailable: {0}")]
    Unavailable(String),
    /// A newer writer of the same name has taken over; this one can never write again.
    #[error("a newer writer has taken over")]
    Fenced,
    /// The committing member does not hold these partitions (any more); for none of the positions given was anything
    /// stored. Their records come again to whoever holds them now.
    #[error("partitions not assigned to this member: {0:?}")]
    NotAssigned(Vec<(Arc<str>, i32)>),
    /// The record exceeds its topic's limit (key, value and headers together), in bytes.
    #[error("a record of {size} bytes for topic {topic}, which takes up to {limit}")]
    TooLarge {
        /// Topic the record was meant for.
        topic: String,
        /// Size of the record in bytes.
        size: usize,
        /// The topic's limit in bytes.
        limit: usize,
    },
    /// No such topic; `ensure_topics` makes it.
    #[error("there is no topic {0}")]
    UnknownTopic(String),
    /// The topic has no such partition.
    #[error("topic {topic} has no partition {partition}")]
    UnknownPartition {
        /// The topic asked for.
        topic: String,
        /// The partition it lacks.
        partition: i32,
    },
    /// This kind of bus, or this build, cannot do that.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// A group's positions can only be set while it has no living member.
    #[error("group {0} has living members")]
    GroupActive(String),
    /// Stored bytes are not what was written.
    #[error("the log is damaged: {0}")]
    Corrupt(String),
    /// The configuration cannot work; the text names the key.
    #[error("bus configuration: {0}")]
    Config(String),
    /// Anything else that does not pass by itself, as the broker or the database said it.
    #[error("bus: {0}")]
    Failed(String),
    /// The bus was closed while the request was waiting.
    #[error("the bus is closed")]
    Closed,
}

impl BusError {
    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, BusError::Unavailable(_))
    }
}
