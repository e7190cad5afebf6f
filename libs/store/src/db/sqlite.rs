//! The one writing connection that a process has to an SQLite file, with group commit.
//!
//! Each transaction is a savepoint inside a `BEGIN IMMEDIATE` that it shares with those that were waiting when it
//! began: the committer queues for the connection as soon as a group begins, and the queue is first come, first served.
//! So one sync serves all of them, and nobody waits for more than those who came before the committer.
//!
//! A future may be dropped anywhere. What it left open is cleaned up by whoever has the connection next; beginning
//! runs in a task of its own, so that it is never half done.

use std::sync::Arc;

use sqlx::{Executor, SqliteConnection};
use tokio::sync::{Mutex, Notify, OwnedMutexGuard, watch};

use crate::{Result, StoreError};

/// What became of a group: none while it is open.
type Fate = Option<Result<(), String>>;

#[derive(Debug)]
struct Writer {
    conn: SqliteConnection,
    /// The open group; its value tells its members what became of it.
    group: Option<watch::Sender<Fate>>,
    /// A member's savepoint is open.
    member: bool,
}

impl Writer {
    /// Takes back what a dropped member left.
    async fn tidy(&mut self) {
        if !self.member {
            return;
        }
        self.member = false;
        match self.conn.execute("ROLLBACK TO member; RELEASE member").await {
            // Dropped when its savepoint was released already, or not made yet.
            Err(error) if error.to_string().contains("no such savepoint") && self.group.is_some() => {}
            Err(error) => self.fail(&error.to_string()).await,
            Ok(_) => {}
        }
    }

    /// Gives the whole group up.
    async fn fail(&mut self, reason: &str) {
        // It may be rolled back already: some errors of SQLite do that (disk full, I/O).
        let _ = self.conn.execute("ROLLBACK").await;
        if let Some(group) = self.group.take() {
            group.send_replace(Some(Err(reason.to_owned())));
        }
    }
}

/// The writing connection of this process.
#[derive(Clone, Debug)]
pub(crate) struct SqliteWriter {
    writer: Arc<Mutex<Writer>>,
    begun: Arc<Notify>,
}

impl SqliteWriter {
    /// Takes the connection over and starts the committer, which ends with the last handle.
    pub(crate) fn start(conn: SqliteConnection) -> Self {
        let writer = Arc::new(Mutex::new(Writer { conn, group: None, member: false }));
        let begun = Arc::new(Notify::new());
        let (weak, notify) = (Arc::downgrade(&writer), Arc::clone(&begun));
        tokio::spawn(async move {
            loop {
                // The timeout is for seeing the last handle go: nobody would notify then.
                let waited = tokio::time::timeout(std::time::Duration::from_secs(1), notify.notified()).await;
                let Some(writer) = weak.upgrade() else { return };
                if waited.is_err() {
                    continue;
                }
                let mut writer = writer.lock_owned().await;
                writer.tidy().await;
                if writer.group.is_none() {
                    continue;
                }
                match writer.conn.execute("COMMIT").await {
                    Ok(_) => {
                        if let Some(group) = writer.group.take() {
                            group.send_replace(Some(Ok(())));
                        }
                    }
                    Err(error) => writer.fail(&error.to_string()).await,
                }
            }
        });
        Self { writer, begun }
    }

    /// Begins a transaction: joins the open group, or begins one.
    pub(crate) async fn begin(&self) -> Result<WriterGuard> {
        let guard = Arc::clone(&self.writer).lock_owned().await;
        let begun = Arc::clone(&self.begun);
        let task = tokio::spawn(async move {
            let mut writer = guard;
            writer.tidy().await;
            let sql = if writer.group.is_some() { "SAVEPOINT member" } else { "BEGIN IMMEDIATE; SAVEPOINT member" };
            writer.conn.execute(sql).await?;
            if writer.group.is_none() {
                writer.group = Some(watch::channel(None).0);
                begun.notify_one();
            }
            writer.member = true;
            Ok::<_, StoreError>(WriterGuard { writer })
        });
        task.await.map_err(|error| StoreError::Unavailable(error.to_string()))?
    }
}

/// A transaction of this process on SQLite.
#[derive(Debug)]
pub(crate) struct WriterGuard {
    writer: OwnedMutexGuard<Writer>,
}

impl WriterGuard {
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.writer.conn
    }

    /// Leaves the writes in the group and waits until that is committed.
    pub(crate) async fn commit(mut self) -> Result<()> {
        self.writer.conn.execute("RELEASE member").await?;
        self.writer.member = false;
        let fate = self.writer.group.as_ref().map(watch::Sender::subscribe);
        drop(self);
        let Some(mut fate) = fate else {
            return Err(StoreError::Database("the transaction was given up".into()));
        };
        let fate = fate.wait_for(Option::is_some).await.map(|fate| fate.clone());
        match fate {
            Ok(Some(Ok(()))) => Ok(()),
            Ok(Some(Err(reason))) => Err(StoreError::Unavailable(reason)),
            Ok(None) | Err(_) => Err(StoreError::Unavailable("the store was closed".into())),
        }
    }

    /// Takes the writes back.
    pub(crate) async fn rollback(mut self) {
        self.writer.tidy().await;
    }
}
