//! The change log: one row for each change of the public state, in the order of the sequence.

use carewire_schemas::{ChangeSeq, Fields, ItemId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Result, Store,
    db::{Row, args, transaction},
};

/// Rows forgotten in one transaction: others write in between.
const PRUNED_AT_ONCE: u64 = 5_000;

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

fn change(row: &Row) -> Result<ChangeRow> {
    Ok(ChangeRow {
        seq: row.int(0)?,
        item: ItemId(row.uuid(1)?),
        at: row.int(2)?,
        version: row.int(3)?,
        withdrawn: row.flag(4)?,
        before: row.opt_json(5)?,
        after: row.opt_json(6)?,
    })
}

impl Store {
    /// Changes after the given number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn changes(&self, after: ChangeSeq, limit: usize) -> Result<Changes> {
        let mut conn = self.inner.db.reader().await?;
        let sql = "SELECT seq, item, at, version, withdrawn, before, after FROM changes \
                   WHERE seq > $1 ORDER BY seq LIMIT $2";
        let rows = conn.fetch(sql, args![after, limit.max(1)]).await?;
        let rows = rows.iter().map(change).collect::<Result<Vec<_>>>()?;
        match rows.first() {
            Some(first) if first.seq == after + 1 => Ok(Changes::Rows(rows)),
            Some(_) => Ok(Changes::TooOld),
            // The last row always stays, so nothing after the cursor means nothing newer.
            None => Ok(Changes::Rows(Vec::new())),
        }
    }

    /// Forgets changes older than `before`; at least the last one stays. Returns how many went.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_changes(&self, before: Timestamp) -> Result<u64> {
        let mut gone = 0;
        loop {
            let some = transaction!(self, |tx| {
                // What is kept begins with the first row that is young enough, at the latest with the last one.
                let sql = "DELETE FROM changes WHERE seq IN (SELECT seq FROM changes WHERE seq < COALESCE(\
                           (SELECT seq FROM changes WHERE at >= $1 ORDER BY seq LIMIT 1), \
                           (SELECT MAX(seq) FROM changes)) ORDER BY seq LIMIT $2)";
                tx.execute(sql, args![before, PRUNED_AT_ONCE]).await
            })?;
            gone += some;
            if some < PRUNED_AT_ONCE {
                return Ok(gone);
            }
        }
    }

    /// The last number given; 0 before the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_seq(&self) -> Result<ChangeSeq> {
        let row = self.inner.db.fetch_opt("SELECT n FROM sequence WHERE id = 1", vec![]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }
}
