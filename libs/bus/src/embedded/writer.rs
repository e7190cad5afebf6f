//! The process's one writing connection and its task: group commit.
//!
//! Whatever waits when a transaction begins shares it, up to 8 MiB: the disk is flushed once for all. One connection and one
//! task per process, because SQLite has one writer at a time anyway, and because a task of its own is never cancelled in the
//! middle of a transaction.

use std::sync::Arc;

use futures::future::BoxFuture;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::group_commit::Group;
use super::heads::Heads;
use super::ids::{PartitionId, Topic};
use super::schema::{begin, of_sqlx};
use crate::{BusError, Position, Record, metrics};

/// Requests that may wait; their bytes are bounded by a semaphore beside it.
const QUEUE: usize = 1024;
/// Bytes of records in one transaction; a single larger request is a transaction of its own.
const GROUP_BYTES: usize = 8 << 20;

pub(super) type Reply<T> = oneshot::Sender<Result<T, BusError>>;
/// Told how the transaction ended.
type Finish = Box<dyn FnOnce(Result<(), BusError>) + Send>;
/// Work in a transaction of its own; says whether to keep its effects.
type Work = Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, (bool, Finish)> + Send>;

/// Records for one topic: partition, milliseconds since the epoch, record.
pub(super) struct Append {
    pub topic: Arc<Topic>,
    pub records: Vec<(i32, i64, Record)>,
    pub bytes: usize,
    pub fence: Option<Fence>,
    pub reply: Reply<Vec<Position>>,
    _room: OwnedSemaphorePermit,
}

/// A fenced writer's name and epoch.
#[derive(Debug, Clone)]
pub(super) struct Fence {
    pub name: Arc<str>,
    pub epoch: i64,
}

/// A member's positions: partition, the epoch in which the member got it, the next offset. Answered with the partitions that
/// the member does not hold; none is stored unless that is empty.
pub(super) struct Commit {
    pub team: Arc<str>,
    pub member: Arc<str>,
    pub positions: Vec<(PartitionId, i64, i64)>,
    pub reply: Reply<Vec<PartitionId>>,
}

enum Request {
    Append(Append),
    Commit(Commit),
    Work(Work),
}

/// The way to the writing task. Clones share it; the task ends when the last is dropped and everything is written.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Request>,
    room: Arc<Semaphore>,
    room_bytes: u32,
}

impl Writer {
    pub(super) fn start(conn: SqliteConnection, heads: Arc<Heads>, queue_bytes: usize) -> Writer {
        let (queue, requests) = mpsc::channel(QUEUE);
        let room_bytes = u32::try_from(queue_bytes.max(1)).unwrap_or(u32::MAX >> 1);
        tokio::spawn(Task { conn, heads, requests, next: None }.run());
        Writer { queue, room: Arc::new(Semaphore::new(room_bytes as usize)), room_bytes }
    }

    /// Appends records in one transaction; waits while the queue is full.
    pub(super) async fn append(
        &self,
        topic: Arc<Topic>,
        records: Vec<(i32, i64, Record)>,
        fence: Option<Fence>,
    ) -> Result<Vec<Position>, BusError> {
        let bytes: usize = records.iter().map(|(_, _, record)| record.size() + 16).sum();
        // A request larger than the whole queue takes all of it.
        let share = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.room_bytes);
        let room = self.room.clone().acquire_many_owned(share).await.map_err(|_| BusError::Closed)?;
        let (reply, answer) = oneshot::channel();
        metrics::QUEUE_BYTES.add(bytes as i64);
        let sent = self.queue.send(Request::Append(Append { topic, records, bytes, fence, reply, _room: room })).await;
        if sent.is_err() {
            metrics::QUEUE_BYTES.sub(bytes as i64);
            return Err(BusError::Closed);
        }
        answer.await.map_err(|_| BusError::Closed)?
    }

    /// Stores a member's positions.
    pub(super) async fn commit(
        &self,
        team: Arc<str>,
        member: Arc<str>,
        positions: Vec<(PartitionId, i64, i64)>,
    ) -> Result<Vec<PartitionId>, BusError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Commit(Commit { team, member, positions, reply });
        self.queue.send(request).await.map_err(|_| BusError::Closed)?;
        answer.await.map_err(|_| BusError::Closed)?
    }

    /// Runs `work` in a write transaction of its own, which is kept if it succeeds. It runs to its end even when the caller
    /// no longer waits.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, BusError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, BusError>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |conn| {
            Box::pin(async move {
                let result = work(conn).await;
                let keep = result.is_ok();
                let finish: Finish = Box::new(move |ended| {
                    // Nobody waiting any more is fine.
                    let _ = reply.send(ended.and(result));
                });
                (keep, finish)
            })
        });
        self.queue.send(Request::Work(work)).await.map_err(|_| BusError::Closed)?;
        // The task drops what it cannot begin, after 30 s of waiting for other processes.
        answer.await.map_err(|_| BusError::Unavailable("the write transaction could not begin".to_owned()))?
    }
}

struct Task {
    conn: SqliteConnection,
    heads: Arc<Heads>,
    requests: mpsc::Receiver<Request>,
    /// Taken from the queue but left for the next transaction.
    next: Option<Request>,
}

impl Task {
    async fn run(mut self) {
        loop {
            let first = match self.next.take() {
                Some(request) => request,
                None => match self.requests.recv().await {
                    Some(request) => request,
                    None => break,
                },
            };
            let _timer = metrics::COMMIT_SECONDS.start_timer();
            match first {
                Request::Work(work) => self.work(work).await,
                Request::Append(append) => self.group(Group::of_append(append)).await,
                Request::Commit(commit) => self.group(Group::of_commit(commit)).await,
            }
        }
    }

    /// Fills the group with what waits, writes it and answers.
    async fn group(&mut self, mut group: Group) {
        while group.bytes < GROUP_BYTES {
            match self.requests.try_recv() {
                Ok(Request::Append(append)) if group.bytes + append.bytes <= GROUP_BYTES => group.add(append),
                Ok(Request::Commit(commit)) => group.commits.push(commit),
                Ok(other) => {
                    self.next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        let bytes = group.bytes;
        let result = match group.encode().await {
            Ok(mut encoded) => {
                let result = self.store(&mut encoded).await;
                if result.is_ok() {
                    self.heads.raise(encoded.raised());
                }
                encoded.answer(result);
                Ok(())
            }
            Err(error) => Err(error),
        };
        metrics::QUEUE_BYTES.sub(bytes as i64);
        if let Err(error) = result {
            tracing::error!(%error, "a batch of the embedded log could not be encoded");
        }
    }

    async fn store(&mut self, encoded: &mut super::group_commit::Encoded) -> Result<(), BusError> {
        begin(&mut self.conn).await?;
        let stored = encoded.store(&mut self.conn).await;
        self.end(stored).await
    }

    async fn work(&mut self, work: Work) {
        if let Err(error) = begin(&mut self.conn).await {
            tracing::warn!(%error, "a write transaction of the embedded log could not begin");
            return;
        }
        let (keep, finish) = work(&mut self.conn).await;
        let ended = if keep { self.end(Ok(())).await } else { self.rollback().await };
        finish(ended);
    }

    async fn end(&mut self, outcome: Result<(), BusError>) -> Result<(), BusError> {
        let outcome = match outcome {
            Ok(()) => sqlx::query("COMMIT").execute(&mut self.conn).await.map(|_| ()).map_err(of_sqlx),
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            self.rollback().await?;
        }
        outcome
    }

    async fn rollback(&mut self) -> Result<(), BusError> {
        // Some errors (a full disk) end the transaction themselves, and ROLLBACK then has nothing to do.
        match sqlx::query("ROLLBACK").execute(&mut self.conn).await {
            Ok(_) => Ok(()),
            Err(sqlx::Error::Database(error)) if error.message().contains("no transaction is active") => Ok(()),
            Err(error) => Err(of_sqlx(error)),
        }
    }
}
