//! The store itself: opening it, its clock, and what tells workers that something changed.

use std::{path::PathBuf, sync::Arc, time::Duration};

use carewire_schemas::ChangeSeq;
use jiff::Timestamp;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    Result, StoreError,
    db::{
        Db, Kind, Tx,
        watcher::{self, Signals},
    },
};

/// Which database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// An SQLite file; made when it is not there (its folder must be).
    Sqlite(PathBuf),
    /// A PostgreSQL server's address, `postgres://user:password@host/database`.
    Postgres(String),
}

/// How to open a store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreConfig {
    /// Which database.
    pub target: Target,
    /// Reading connections (SQLite), or connections in all (PostgreSQL).
    pub readers: u32,
    /// How long a statement waits for another process's write (SQLite), and for a free connection.
    pub busy_timeout: Duration,
    /// How often changes of other processes are looked for; at most 200 ms keeps the promise of [`Store::sequence`].
    pub watch_interval: Duration,
}

impl StoreConfig {
    /// The defaults for a database.
    #[must_use]
    pub fn new(target: Target) -> Self {
        let readers = match target {
            Target::Sqlite(_) => 4,
            Target::Postgres(_) => 10,
        };
        Self { target, readers, busy_timeout: Duration::from_secs(30), watch_interval: Duration::from_millis(150) }
    }
}

/// The network database. Cheap to clone; all clones share the connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) signals: Arc<Signals>,
    watcher: JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

/// How long a ping may take: readiness is asked for often, and a server that hangs is not ready.
const PING: Duration = Duration::from_secs(2);

impl Store {
    /// Opens the database and brings its schema up to date, under a lock so that several processes may start at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server is away: the caller tries again.
    pub async fn open(config: &StoreConfig) -> Result<Self> {
        let db = Db::open(config).await?;
        let signals = Arc::new(Signals::new());
        let watcher = watcher::start(&db, &signals, config.watch_interval).await?;
        Ok(Self { inner: Arc::new(Inner { db, signals, watcher }) })
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// When there is none within two seconds.
    pub async fn ping(&self) -> Result<()> {
        match tokio::time::timeout(PING, self.inner.db.fetch("SELECT 1", vec![])).await {
            Ok(answer) => answer.map(drop),
            Err(_) => Err(StoreError::Unavailable("no answer within two seconds".into())),
        }
    }

    /// The database's clock, by which all leases run, in whole milliseconds.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn now(&self) -> Result<Timestamp> {
        match self.inner.db.kind() {
            Kind::Sqlite => Ok(crate::db::machine_time()),
            Kind::Postgres => self.inner.db.reader().await?.now().await,
        }
    }

    /// The last number of the sequence: moves at once with commits of this process, within 200 ms with those of others.
    #[must_use]
    pub fn sequence(&self) -> watch::Receiver<ChangeSeq> {
        self.inner.signals.sequence.subscribe()
    }

    /// Moves whenever something was changed that a worker may wait for (a feed added or asked for, a standing, mail,
    /// a decision …), with the timing of [`Store::sequence`]. The number itself means nothing.
    #[must_use]
    pub fn activity(&self) -> watch::Receiver<u64> {
        self.inner.signals.activity.subscribe()
    }

    /// Closes the connections once they are free; later calls fail.
    pub async fn close(&self) {
        self.inner.watcher.abort();
        self.inner.db.close().await;
    }

    /// Tells other processes, at commit, that something was changed that a worker may wait for. Locks a row that is
    /// shared by all: the last write of a transaction.
    pub(crate) async fn note_activity(tx: &mut Tx) -> Result<()> {
        tx.execute("UPDATE sequence SET activity = activity + 1 WHERE id = 1", vec![]).await.map(drop)
    }
}
