//! The change log: one row for each change of the public state, in the order of the sequence.

use carewire_schemas::{ChangeSeq, Fields, ItemId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Result, Store};

/// One change.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ChangeRow {
    /// Its number.
    pub seq: ChangeSeq,
    /// The item.
    pub item: ItemId,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// The item's public version after it.
    pub version: i64,
    /// What queries saw before; none when the item was not curated.
    pub before: Option<Fields>,
    /// What queries see after; none when the item is not curated.
    pub after: Option<Fields>,
    /// Whether the item is withdrawn after it.
    pub withdrawn: bool,
}

/// An answer from the change log.
#[derive(Clone, PartialEq, Debug)]
pub enum Changes {
    /// Changes in order, without a gap. Empty: nothing is newer.
    Rows(Vec<ChangeRow>),
    /// The cursor is older than the kept rows: read [`Store::items_by_seq`] from it on.
    TooOld,
}

impl Store {
    /// Changes after the given number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn changes(&self, after: ChangeSeq, limit: usize) -> Result<Changes> {
        todo!("{after} {limit}")
    }

    /// Forgets changes older than `before`; at least the last one stays. Returns how many went.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_changes(&self, before: Timestamp) -> Result<u64> {
        todo!("{before}")
    }

    /// The last number given; 0 before the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_seq(&self) -> Result<ChangeSeq> {
        todo!()
    }
}
