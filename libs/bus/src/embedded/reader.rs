//! Reading records and positions. Every statement sees one state of the file.

use std::collections::HashMap;
use std::sync::Arc;

use futures::TryStreamExt;
use jiff::Timestamp;
use sqlx::SqlitePool;

use super::batch;
use super::ids::{PartitionId, Topic, base_offset};
use super::schema::of_sqlx;
use crate::{BusError, Received, Watermarks};

/// Records of a partition from `offset` on, row by row until `records` or `bytes` (of payload) are reached: the last row
/// comes whole, so there may be more. Empty only if there is nothing at or after `offset`.
pub(super) async fn fetch(
    readers: &SqlitePool,
    topic: &Arc<Topic>,
    partition: i32,
    offset: i64,
    records: usize,
    bytes: usize,
) -> Result<Vec<Received>, BusError> {
    let id = topic.partition(partition);
    // The row that may hold the offset is the last that begins at or before it.
    let mut rows = sqlx::query_as::<_, (i64, i64, Vec<u8>)>(
        "SELECT id, bytes, body FROM batches
         WHERE id >= coalesce((SELECT max(id) FROM batches WHERE id BETWEEN $1 AND $2), $2) AND id < $3 ORDER BY id",
    )
    .bind(id.batch(0))
    .bind(id.batch(offset))
    .bind(id.end())
    .fetch(readers);
    let mut found = Vec::new();
    let mut room = bytes;
    while let Some((row, size, body)) = rows.try_next().await.map_err(of_sqlx)? {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if !found.is_empty() && size > room {
            break;
        }
        let batch = batch::decode(&topic.name, partition, base_offset(row), &body)?;
        let before = found.len();
        found.extend(batch.into_iter().filter(|record| record.offset >= offset));
        if found.len() > before {
            room = room.saturating_sub(size);
        }
        if found.len() >= records || (room == 0 && !found.is_empty()) {
            break;
        }
    }
    Ok(found)
}

/// The ends of every partition of a topic.
pub(super) async fn watermarks(readers: &SqlitePool, topic: &Topic) -> Result<Vec<Watermarks>, BusError> {
    let rows: Vec<(i64, i64, i64)> =
        sqlx::query_as("SELECT id, low, next FROM partitions WHERE id BETWEEN $1 AND $2 ORDER BY id")
            .bind(topic.partition(0).0)
            .bind(topic.partition(topic.partitions - 1).0)
            .fetch_all(readers)
            .await
            .map_err(of_sqlx)?;
    let marks = rows.into_iter().map(|(id, low, high)| Watermarks { partition: PartitionId(id).index(), low, high });
    Ok(marks.collect())
}

/// The high watermarks of all partitions.
pub(super) async fn heads(readers: &SqlitePool) -> Result<Vec<(PartitionId, i64)>, BusError> {
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("SELECT id, next FROM partitions").fetch_all(readers).await.map_err(of_sqlx)?;
    Ok(rows.into_iter().map(|(id, next)| (PartitionId(id), next)).collect())
}

/// Per partition the first offset at or after `time`, or the high watermark.
pub(super) async fn offsets_at(
    readers: &SqlitePool,
    topic: &Arc<Topic>,
    time: Timestamp,
) -> Result<Vec<(i32, i64)>, BusError> {
    // Records have milliseconds; a time between two belongs to the later.
    let millis = time.as_millisecond();
    let millis = if Timestamp::from_millisecond(millis).is_ok_and(|floor| floor < time) { millis + 1 } else { millis };
    let mut offsets = Vec::new();
    for marks in watermarks(readers, topic).await? {
        let id = topic.partition(marks.partition);
        let row: Option<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT id, body FROM batches WHERE id >= $1 AND id < $2 AND max_timestamp >= $3 ORDER BY id LIMIT 1",
        )
        .bind(id.batch(0))
        .bind(id.end())
        .bind(millis)
        .fetch_optional(readers)
        .await
        .map_err(of_sqlx)?;
        let mut offset = marks.high;
        if let Some((row, body)) = row {
            let records = batch::decode(&topic.name, marks.partition, base_offset(row), &body)?;
            let first = records.iter().find(|record| record.timestamp.as_millisecond() >= millis);
            offset = first.map_or(offset, |record| record.offset);
        }
        offsets.push((marks.partition, offset));
    }
    Ok(offsets)
}

/// A group's positions.
pub(super) async fn positions(readers: &SqlitePool, team: &str) -> Result<HashMap<PartitionId, i64>, BusError> {
    let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT partition, next FROM positions WHERE team = $1")
        .bind(team)
        .fetch_all(readers)
        .await
        .map_err(of_sqlx)?;
    Ok(rows.into_iter().map(|(id, next)| (PartitionId(id), next)).collect())
}
