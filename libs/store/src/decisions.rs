//! What curators decided, each with a number in commit order, by which it is relayed.

use std::collections::HashMap;

use carewire_schemas::{DecisionV1, ItemId};
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::{
    ItemsView, Result, Store,
    db::{Conn, LIST, Row, args},
};

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

fn decision(row: &Row) -> Result<DecisionRow> {
    Ok(DecisionRow { number: row.int(0)?, pending: row.flag(1)?, decision: row.json(2)? })
}

impl Store {
    pub(crate) async fn decided(conn: &mut Conn, item: ItemId) -> Result<Vec<DecisionRow>> {
        let sql = "SELECT number, pending, decision FROM decisions WHERE item = $1 ORDER BY number";
        conn.fetch(sql, args![item.0]).await?.iter().map(decision).collect()
    }

    pub(crate) async fn pending(conn: &mut Conn, items: &[ItemId]) -> Result<HashMap<ItemId, Vec<DecisionV1>>> {
        let mut pending: HashMap<ItemId, Vec<DecisionV1>> = HashMap::new();
        let ids: Vec<Uuid> = items.iter().map(|item| item.0).collect();
        for ids in ids.chunks(LIST) {
            let mut sql = conn.sql("SELECT number, pending, decision FROM decisions WHERE pending = 1 AND item");
            sql.ids(ids).push(" ORDER BY number");
            for row in conn.rows(sql).await? {
                let decision = decision(&row)?.decision;
                pending.entry(decision.item).or_default().push(decision);
            }
        }
        Ok(pending)
    }

    /// Decisions after the given number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decisions(&self, after: i64, limit: usize) -> Result<Vec<DecisionRow>> {
        let sql = "SELECT number, pending, decision FROM decisions WHERE number > $1 ORDER BY number LIMIT $2";
        self.inner.db.fetch(sql, args![after, limit]).await?.iter().map(decision).collect()
    }

    /// Decisions about an item, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decisions_of(&self, item: ItemId) -> Result<Vec<DecisionRow>> {
        Self::decided(&mut self.inner.db.reader().await?, item).await
    }

    /// Decisions that wait for the given items, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pending_decisions(&self, items: &[ItemId]) -> Result<HashMap<ItemId, Vec<DecisionV1>>> {
        Self::pending(&mut self.inner.db.reader().await?, items).await
    }
}
