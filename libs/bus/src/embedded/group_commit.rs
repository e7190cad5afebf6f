//! A group of requests that share a write transaction: encoding before it, storing within it, answering after it.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::batch::{Encoder, Entry};
use super::ids::PartitionId;
use super::schema::of_sqlx;
use super::writer::{Append, Commit};
use crate::{BusError, Position};

/// Payload of one row. Larger rows compress hardly better and cost readers of a few records more.
const ROW_BYTES: usize = 512 << 10;
const ROW_RECORDS: i64 = 4096;
/// Above this, encoding leaves the runtime's thread.
const INLINE_BYTES: usize = 64 << 10;

/// Requests that will share a transaction.
pub(super) struct Group {
    appends: Vec<Append>,
    pub commits: Vec<Commit>,
    pub bytes: usize,
}

/// Of each record of a row, in order: its request and its place there.
type Sources = Vec<(u32, u32)>;

/// A row to be: records of one partition, of one or several requests.
struct Row {
    partition: PartitionId,
    records: i64,
    bytes: i64,
    max_timestamp: i64,
    body: Vec<u8>,
    sources: Sources,
}

/// A group whose rows are ready.
pub(super) struct Encoded {
    group: Group,
    rows: Vec<Row>,
    /// Per request: whether it was fenced, and its positions.
    outcomes: Vec<(bool, Vec<Position>)>,
    /// Per commit: the partitions that are not its member's.
    refused: Vec<Vec<PartitionId>>,
    raised: HashMap<PartitionId, i64>,
}

impl Group {
    pub(super) fn of_append(append: Append) -> Group {
        Group { bytes: append.bytes, appends: vec![append], commits: Vec::new() }
    }

    pub(super) fn of_commit(commit: Commit) -> Group {
        Group { bytes: 0, appends: Vec::new(), commits: vec![commit] }
    }

    pub(super) fn add(&mut self, append: Append) {
        self.bytes += append.bytes;
        self.appends.push(append);
    }

    /// Encodes the rows; bodies hold offsets relative to their base, so this needs no transaction.
    pub(super) async fn encode(self) -> Result<Encoded, BusError> {
        if self.bytes <= INLINE_BYTES {
            return self.encode_now();
        }
        let encoded = tokio::task::spawn_blocking(move || self.encode_now()).await;
        encoded.map_err(|error| BusError::Failed(format!("encoding: {error}")))?
    }

    fn encode_now(self) -> Result<Encoded, BusError> {
        let mut rows = Vec::new();
        // A fenced request's rows are its own: they are left out when it turns out to be fenced.
        let mut open: HashMap<(PartitionId, Option<u32>), (Encoder, Sources)> = HashMap::new();
        for (request, append) in (0u32..).zip(&self.appends) {
            let own = append.fence.as_ref().map(|_| request);
            for (place, (partition, timestamp, record)) in (0u32..).zip(&append.records) {
                let partition = append.topic.partition(*partition);
                let (encoder, sources) = open.entry((partition, own)).or_default();
                if encoder.records > 0
                    && (encoder.records >= ROW_RECORDS || encoder.bytes() + record.size() > ROW_BYTES)
                {
                    rows.push(Row::new(partition, std::mem::take(encoder), std::mem::take(sources))?);
                }
                encoder.push(&Entry::of_record(sources.len() as u64, *timestamp, record));
                sources.push((request, place));
            }
        }
        for ((partition, _), (encoder, sources)) in open {
            rows.push(Row::new(partition, encoder, sources)?);
        }
        let outcomes = self
            .appends
            .iter()
            .map(|append| (false, vec![Position { partition: -1, offset: -1 }; append.records.len()]));
        Ok(Encoded { outcomes: outcomes.collect(), refused: Vec::new(), raised: HashMap::new(), rows, group: self })
    }
}

impl Row {
    fn new(partition: PartitionId, encoder: Encoder, sources: Sources) -> Result<Row, BusError> {
        Ok(Row {
            partition,
            records: encoder.records,
            bytes: encoder.bytes() as i64,
            max_timestamp: encoder.max_timestamp,
            sources,
            body: encoder.finish()?,
        })
    }
}

impl Encoded {
    /// Writes everything within the transaction that the caller began.
    pub(super) async fn store(&mut self, conn: &mut SqliteConnection) -> Result<(), BusError> {
        for (append, outcome) in self.group.appends.iter().zip(&mut self.outcomes) {
            if let Some(fence) = &append.fence {
                let epoch: Option<i64> = sqlx::query_scalar("SELECT epoch FROM writers WHERE name = $1")
                    .bind(&*fence.name)
                    .fetch_optional(&mut *conn)
                    .await
                    .map_err(of_sqlx)?;
                outcome.0 = epoch != Some(fence.epoch);
            }
        }
        let now = Timestamp::now().as_millisecond();
        for row in &mut self.rows {
            // A row's sources are of one request if that is fenced.
            let fenced = row.sources.first().is_some_and(|&(request, _)| self.outcomes[request as usize].0);
            if fenced {
                continue;
            }
            let next: Option<i64> =
                sqlx::query_scalar("UPDATE partitions SET next = next + $1 WHERE id = $2 RETURNING next")
                    .bind(row.records)
                    .bind(row.partition.0)
                    .fetch_optional(&mut *conn)
                    .await
                    .map_err(of_sqlx)?;
            let next = next.ok_or_else(|| BusError::Corrupt(format!("no partition {}", row.partition.0)))?;
            let base = next - row.records;
            sqlx::query(
                "INSERT INTO batches (id, records, bytes, max_timestamp, appended, body) VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(row.partition.batch(base))
            .bind(row.records)
            .bind(row.bytes)
            .bind(row.max_timestamp)
            .bind(now)
            .bind(std::mem::take(&mut row.body))
            .execute(&mut *conn)
            .await
            .map_err(of_sqlx)?;
            self.raised.insert(row.partition, next);
            for (offset, &(request, place)) in (base..).zip(&row.sources) {
                self.outcomes[request as usize].1[place as usize] =
                    Position { partition: row.partition.index(), offset };
            }
        }
        for commit in &self.group.commits {
            self.refused.push(store_positions(conn, commit).await?);
        }
        Ok(())
    }

    /// The partitions that grew, with their high watermarks.
    pub(super) fn raised(&self) -> impl Iterator<Item = (PartitionId, i64)> {
        self.raised.iter().map(|(&partition, &next)| (partition, next))
    }

    /// Answers every request. Those that no longer wait are passed over.
    pub(super) fn answer(self, result: Result<(), BusError>) {
        for (append, (fenced, positions)) in self.group.appends.into_iter().zip(self.outcomes) {
            let answer = match &result {
                Ok(()) if fenced => Err(BusError::Fenced),
                Ok(()) => Ok(positions),
                Err(error) => Err(error.clone()),
            };
            let _ = append.reply.send(answer);
        }
        let mut refused = self.refused.into_iter();
        for commit in self.group.commits {
            let answer = result.clone().map(|()| refused.next().unwrap_or_default());
            let _ = commit.reply.send(answer);
        }
    }
}

async fn store_positions(conn: &mut SqliteConnection, commit: &Commit) -> Result<Vec<PartitionId>, BusError> {
    let mut refused = Vec::new();
    for &(partition, epoch, _) in &commit.positions {
        let held: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM assignments WHERE team = $1 AND partition = $2 AND owner = $3 AND epoch = $4",
        )
        .bind(&*commit.team)
        .bind(partition.0)
        .bind(&*commit.member)
        .bind(epoch)
        .fetch_optional(&mut *conn)
        .await
        .map_err(of_sqlx)?;
        if held.is_none() {
            refused.push(partition);
        }
    }
    if refused.is_empty() {
        for &(partition, _, next) in &commit.positions {
            sqlx::query(
                "INSERT INTO positions (team, partition, next) VALUES ($1, $2, $3)
                 ON CONFLICT (team, partition) DO UPDATE SET next = excluded.next",
            )
            .bind(&*commit.team)
            .bind(partition.0)
            .bind(next)
            .execute(&mut *conn)
            .await
            .map_err(of_sqlx)?;
        }
    }
    Ok(refused)
}
