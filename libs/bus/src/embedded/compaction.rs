//! Compaction: of each key the last record stays, tombstones for a time.
//!
//! As in Kafka's log cleaner: a map from key to last offset is built over the part that was never cleaned (bounded by the map's
//! size; what is left waits for the next round), then every row up to there is rewritten without what the map supersedes. The
//! tail stays as it is: the last row, and what is younger than `compaction_lag`. A tombstone's time runs from the
//! moment when it was first cleaned (KIP-534), so that a reader who is no further behind than that sees it. Small rows are
//! joined on the way.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use xxhash_rust::xxh3::xxh3_128;

use super::Core;
use super::batch::{self, Encoder, Entry};
use super::ids::{PartitionId, Topic, base_offset};
use super::schema::of_sqlx;
use crate::{BusError, Received, metrics};

/// Keys of one round: some 24 MiB of map.
const MAX_KEYS: usize = 500_000;
/// Payload read and rewritten in one transaction.
const CHUNK_BYTES: i64 = 1 << 20;
/// Rows smaller than this are joined with their neighbours.
const SMALL_BYTES: i64 = 64 << 10;

/// A row: id, records, payload bytes, tombstones' horizon, body.
type Row = (i64, i64, i64, Option<i64>, Vec<u8>);

struct Round {
    topic: Arc<Topic>,
    partition: i32,
    /// Last offset of each key in the part that is being cleaned; of others there is no newer record in it.
    last: HashMap<u128, i64>,
    /// Number of the first row that is not touched.
    end: i64,
    /// Where tombstones that are cleaned for the first time stop being readable.
    horizon: i64,
    now: i64,
}

/// Compacts a partition when enough of it was never compacted, or when tombstones' time is over.
pub(super) async fn sweep(
    core: &Core,
    topic: &Arc<Topic>,
    partition: i32,
    delete_retention: Duration,
) -> Result<(), BusError> {
    let id = topic.partition(partition);
    let now = Timestamp::now().as_millisecond();
    let Some((from, end)) = dirty(core, id, now).await? else { return Ok(()) };
    let mut last = HashMap::new();
    let mut end_of_map = end;
    let mut at = from;
    while at < end {
        let rows = rows(core, at, end).await?;
        let Some(newest) = rows.last().map(|row| row.0) else { break };
        for (row, _, _, _, body) in rows {
            for record in batch::decode(&topic.name, partition, base_offset(row), &body)? {
                last.insert(xxh3_128(&record.key), record.offset);
            }
        }
        at = newest + 1;
        if last.len() >= MAX_KEYS {
            end_of_map = at;
            break;
        }
    }
    let horizon = now.saturating_add(i64::try_from(delete_retention.as_millis()).unwrap_or(i64::MAX));
    let round = Arc::new(Round { topic: topic.clone(), partition, last, end: end_of_map, horizon, now });
    let mut at = id.batch(0);
    while at < end_of_map {
        let round = round.clone();
        at = core.writer.run(move |conn| Box::pin(async move { rewrite(conn, &round, at).await })).await?;
    }
    let cleaned = base_offset(end_of_map);
    core.writer
        .run(move |conn| {
            Box::pin(async move {
                sqlx::query("UPDATE partitions SET cleaned = $1 WHERE id = $2")
                    .bind(cleaned)
                    .bind(id.0)
                    .execute(conn)
                    .await
                    .map_err(of_sqlx)?;
                Ok(())
            })
        })
        .await
}

/// The rows to map, from and to (exclusive); `None` when there is nothing to do. As much must be dirty as is clean, so that
/// the cost of rewriting stays in proportion to what was written.
async fn dirty(core: &Core, id: PartitionId, now: i64) -> Result<Option<(i64, i64)>, BusError> {
    let lag = i64::try_from(core.config.compaction_lag.as_millis()).unwrap_or(i64::MAX);
    let cleaned: i64 = sqlx::query_scalar("SELECT cleaned FROM partitions WHERE id = $1")
        .bind(id.0)
        .fetch_one(&core.readers)
        .await
        .map_err(of_sqlx)?;
    let (first, from) = (id.batch(0), id.batch(cleaned));
    // The tail begins at the last row, or earlier at the first that is too young.
    let tail: Option<i64> = sqlx::query_scalar(
        "SELECT min(coalesce((SELECT min(id) FROM batches WHERE id >= $1 AND id < $2 AND appended > $3), max(id)), max(id))
         FROM batches WHERE id >= $1 AND id < $2",
    )
    .bind(from)
    .bind(id.end())
    .bind(now.saturating_sub(lag))
    .fetch_one(&core.readers)
    .await
    .map_err(of_sqlx)?;
    let end = tail.unwrap_or(from).max(from);
    let (clean, dirty, due): (i64, i64, i64) = sqlx::query_as(
        "SELECT coalesce(sum(bytes) FILTER (WHERE id < $2), 0), coalesce(sum(bytes) FILTER (WHERE id >= $2), 0),
                count(*) FILTER (WHERE horizon <= $4)
         FROM batches WHERE id >= $1 AND id < $3",
    )
    .bind(first)
    .bind(from)
    .bind(end)
    .bind(now)
    .fetch_one(&core.readers)
    .await
    .map_err(of_sqlx)?;
    Ok(((dirty > 0 && dirty >= clean) || due > 0).then_some((from, end)))
}

async fn rows(core: &Core, from: i64, end: i64) -> Result<Vec<Row>, BusError> {
    let mut conn = core.readers.acquire().await.map_err(of_sqlx)?;
    chunk(&mut conn, from, end).await
}

/// Rows from there on, up to `CHUNK_BYTES` but at least one.
async fn chunk(conn: &mut SqliteConnection, from: i64, end: i64) -> Result<Vec<Row>, BusError> {
    let sizes: Vec<(i64, i64)> =
        sqlx::query_as("SELECT id, bytes FROM batches WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 256")
            .bind(from)
            .bind(end)
            .fetch_all(&mut *conn)
            .await
            .map_err(of_sqlx)?;
    let mut room = CHUNK_BYTES;
    let fits = sizes.into_iter().take_while(|&(_, bytes)| {
        let fits = room > 0;
        room -= bytes;
        fits
    });
    let Some((last, _)) = fits.last() else { return Ok(Vec::new()) };
    sqlx::query_as("SELECT id, records, bytes, horizon, body FROM batches WHERE id BETWEEN $1 AND $2 ORDER BY id")
        .bind(from)
        .bind(last)
        .fetch_all(conn)
        .await
        .map_err(of_sqlx)
}

/// Rewrites the next rows; where to go on.
async fn rewrite(conn: &mut SqliteConnection, round: &Round, from: i64) -> Result<i64, BusError> {
    let rows = chunk(conn, from, round.end).await?;
    let (Some(first), Some(last)) = (rows.first().map(|row| row.0), rows.last().map(|row| row.0)) else {
        return Ok(round.end);
    };
    let base = base_offset(first);
    let mut kept: Vec<Received> = Vec::new();
    let (mut superseded, mut tombstones, mut small) = (0u64, 0u64, 0);
    let mut horizon: Option<i64> = None;
    let mut first_cleaning = false;
    for (row, _, bytes, row_horizon, body) in &rows {
        small += usize::from(*bytes < SMALL_BYTES);
        for record in batch::decode(&round.topic.name, round.partition, base_offset(*row), body)? {
            if round.last.get(&xxh3_128(&record.key)).is_some_and(|&last| last > record.offset) {
                superseded += 1;
            } else if record.value.is_some() {
                kept.push(record);
            } else if row_horizon.is_some_and(|horizon| horizon <= round.now) {
                tombstones += 1;
            } else {
                first_cleaning |= row_horizon.is_none();
                // Joined rows share the later horizon: a tombstone may stay longer, never shorter.
                horizon = horizon.max(Some(row_horizon.unwrap_or(round.horizon)));
                kept.push(record);
            }
        }
    }
    let next = last + 1;
    if superseded == 0 && tombstones == 0 && !first_cleaning && (small < 2 || rows.len() < 2) {
        return Ok(next);
    }
    sqlx::query("DELETE FROM batches WHERE id BETWEEN $1 AND $2")
        .bind(first)
        .bind(last)
        .execute(&mut *conn)
        .await
        .map_err(of_sqlx)?;
    if !kept.is_empty() {
        let mut encoder = Encoder::default();
        kept.iter().for_each(|record| encoder.push(&Entry::of_received(base, record)));
        let (records, bytes, max_timestamp) = (encoder.records, encoder.bytes() as i64, encoder.max_timestamp);
        sqlx::query(
            "INSERT INTO batches (id, records, bytes, max_timestamp, appended, horizon, body)
             VALUES ($1, $2, $3, $4, 0, $5, $6)",
        )
        .bind(first)
        .bind(records)
        .bind(bytes)
        .bind(max_timestamp)
        .bind(horizon)
        .bind(encoder.finish()?)
        .execute(conn)
        .await
        .map_err(of_sqlx)?;
    }
    metrics::REMOVED_RECORDS.with_label_values(&["superseded"]).inc_by(superseded);
    metrics::REMOVED_RECORDS.with_label_values(&["tombstone"]).inc_by(tombstones);
    Ok(next)
}
