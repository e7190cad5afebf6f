//! How far consumers are in topics, where that is kept together with what they wrote.

use std::collections::BTreeMap;

use crate::{
    Result, Store, StoreError,
    db::{Tx, args},
};

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
    /// Moves positions on, never back, in order, for transactions meet here.
    pub(crate) async fn write_positions(tx: &mut Tx, positions: &[Position]) -> Result<()> {
        let mut furthest: BTreeMap<(&str, &str, i32), i64> = BTreeMap::new();
        for p in positions {
            let offset = furthest.entry((&p.consumer, &p.topic, p.partition)).or_insert(p.next_offset);
            *offset = (*offset).max(p.next_offset);
        }
        let rows = furthest.into_iter().flat_map(|((c, t, p), offset)| args![c, t, p, offset]).collect();
        tx.insert(
            "INSERT INTO positions (consumer, topic, part, next_offset)",
            4,
            " ON CONFLICT (consumer, topic, part) DO UPDATE SET next_offset = excluded.next_offset \
             WHERE excluded.next_offset > positions.next_offset",
            rows,
        )
        .await
        .map(drop)
    }

    /// How far a consumer is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn positions(&self, consumer: &str) -> Result<Vec<Position>> {
        let sql = "SELECT topic, part, next_offset FROM positions WHERE consumer = $1 ORDER BY topic, part";
        let rows = self.inner.db.fetch(sql, args![consumer]).await?;
        rows.iter()
            .map(|row| {
                Ok(Position {
                    consumer: consumer.to_owned(),
                    topic: row.text(0)?,
                    partition: i32::try_from(row.int(1)?).map_err(StoreError::unreadable)?,
                    next_offset: row.int(2)?,
                })
            })
            .collect()
    }

    /// How far a consumer is in one topic: partition and the offset of the first record not yet handled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn positions_in(&self, consumer: &str, topic: &str) -> Result<Vec<(i32, i64)>> {
        let all = self.positions(consumer).await?;
        Ok(all.into_iter().filter(|at| at.topic == topic).map(|at| (at.partition, at.next_offset)).collect())
    }
}
