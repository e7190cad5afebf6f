//! How far consumers are in topics, where that is kept together with what they wrote.

use crate::{Result, Store};

/// How far a consumer is in a partition.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    /// The consumer (its group).
    pub consumer: String,
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Offset of the first record not yet handled.
    pub next_offset: i64,
}

impl Store {
    /// How far a consumer is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn positions(&self, consumer: &str) -> Result<Vec<Position>> {
        todo!("{consumer}")
    }
}
