//! What curators decided, each with a number in commit order, by which it is relayed.

use std::collections::HashMap;

use carewire_schemas::{DecisionV1, ItemId};
use serde::{Deserialize, Serialize};

use crate::{ItemsView, Result, Store};

/// A decision as stored.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DecisionRow {
    /// Its number, from 1, without gaps, in commit order.
    pub number: i64,
    /// What was decided.
    pub decision: DecisionV1,
    /// Whether its item was not there yet and still is not.
    pub pending: bool,
}

/// What a decision is worked out on.
pub type DecisionView = ItemsView;

impl Store {
    /// Decisions after the given number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decisions(&self, after: i64, limit: usize) -> Result<Vec<DecisionRow>> {
        todo!("{after} {limit}")
    }

    /// Decisions about an item, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decisions_of(&self, item: ItemId) -> Result<Vec<DecisionRow>> {
        todo!("{item}")
    }

    /// Decisions that wait for the given items, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pending_decisions(
        &self,
        items: &[ItemId],
    ) -> Result<HashMap<ItemId, Vec<DecisionV1>>> {
        todo!("{items:?}")
    }
}
