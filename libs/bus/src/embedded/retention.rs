//! Retention by time.

use std::time::Duration;

use jiff::Timestamp;

use super::Core;
use super::ids::PartitionId;
use super::schema::of_sqlx;
use crate::{BusError, metrics};

/// Payload removed in one transaction, so that writers are not held up.
const CHUNK_BYTES: i64 = 8 << 20;

/// Removes rows from the partition's beginning as long as all their records are older than `keep`.
pub(super) async fn sweep(core: &Core, partition: PartitionId, keep: Duration) -> Result<(), BusError> {
    let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    let cutoff = Timestamp::now().as_millisecond().saturating_sub(keep);
    loop {
        let rows: Vec<(i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT id, records, bytes, max_timestamp FROM batches WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 256",
        )
        .bind(partition.batch(0))
        .bind(partition.end())
        .fetch_all(&core.readers)
        .await
        .map_err(of_sqlx)?;
        let (mut room, mut last, mut records) = (CHUNK_BYTES, None, 0u64);
        for (id, count, bytes, max_timestamp) in rows {
            if max_timestamp >= cutoff || room <= 0 {
                break;
            }
            room -= bytes;
            records += count.unsigned_abs();
            last = Some(id);
        }
        let Some(last) = last else { return Ok(()) };
        core.writer
            .run(move |conn| {
                Box::pin(async move {
                    sqlx::query("DELETE FROM batches WHERE id >= $1 AND id <= $2")
                        .bind(partition.batch(0))
                        .bind(last)
                        .execute(&mut *conn)
                        .await
                        .map_err(of_sqlx)?;
                    sqlx::query(
                        "UPDATE partitions SET low = coalesce(
                             (SELECT min(id) FROM batches WHERE id >= $1 AND id < $2) - $1, next) WHERE id = $3",
                    )
                    .bind(partition.batch(0))
                    .bind(partition.end())
                    .bind(partition.0)
                    .execute(conn)
                    .await
                    .map_err(of_sqlx)?;
                    Ok(())
                })
            })
            .await?;
        metrics::REMOVED_RECORDS.with_label_values(&["age"]).inc_by(records);
    }
}
