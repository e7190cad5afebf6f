//! The two databases behind one small interface: values in, rows out, transactions.
//!
//! A statement's text is the same for both, with `$1` placeholders; [`Sql`] builds those whose length depends on the
//! call (lists of ids, rows of values). Connections are an enum over the two, so nothing above is generic and every
//! aggregate is compiled once. `sqlx::Any` is not used: it has neither UUIDs nor the SQLite settings needed here.

pub(crate) mod migrate;
mod sqlite;
mod value;
pub(crate) mod watcher;

use std::{path::Path, time::Duration};

use jiff::Timestamp;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgPool, Postgres, SqlSafeStr, SqlStr, SqlitePool,
    pool::{PoolConnection, PoolOptions},
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

pub(crate) use self::{
    sqlite::{SqliteWriter, WriterGuard},
    value::{LIST, Row, Sql, Value, args, later, millis, time},
};
use crate::{Result, StoreConfig, StoreError, Target};

/// How long a PostgreSQL connection is waited for before the server counts as away.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Which database: only for where they truly differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// The connections of one process to one database.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    Sqlite { readers: SqlitePool, writer: SqliteWriter, options: Box<SqliteConnectOptions> },
    Postgres(PgPool),
}

/// One connection, in or out of a transaction.
pub(crate) enum Conn {
    SqliteReader(PoolConnection<sqlx::Sqlite>),
    SqliteWriter(WriterGuard),
    Postgres(PoolConnection<Postgres>),
    PostgresTx(sqlx::Transaction<'static, Postgres>),
}

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
pub(crate) struct Tx {
    conn: Conn,
}

impl std::ops::Deref for Tx {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl std::ops::DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

fn sqlite_options(file: &Path, config: &StoreConfig) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(config.busy_timeout)
        .statement_cache_capacity(256)
        .row_buffer_size(256)
        // Checkpoints cost two syncs and much copying of pages that change again soon: 16 MiB of log instead of 4.
        .pragma("wal_autocheckpoint", "4096")
        .pragma("journal_size_limit", "67108864")
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

impl Db {
    /// Opens the connections and brings the schema up to date.
    pub(crate) async fn open(config: &StoreConfig) -> Result<Self> {
        match &config.target {
            Target::Sqlite(file) => {
                let options = sqlite_options(file, config);
                // Under the lock, for switching to WAL is not safe for several processes at once either.
                let lock = migrate::FileLock::take(file, config.busy_timeout).await?;
                let mut conn = options.clone().pragma("cache_size", "-16384").connect().await?;
                migrate::sqlite(&mut conn).await?;
                drop(lock);
                let readers = PoolOptions::new()
                    // One is the watcher's for good.
                    .max_connections(config.readers.max(1) + 1)
                    .acquire_timeout(config.busy_timeout)
                    .test_before_acquire(false)
                    .idle_timeout(None)
                    .max_lifetime(None)
                    .connect_lazy_with(options.clone().pragma("query_only", "on").pragma("cache_size", "-4096"));
                Ok(Self::Sqlite { readers, writer: SqliteWriter::start(conn), options: Box::new(options) })
            }
            Target::Postgres(url) => {
                let options = url
                    .parse::<PgConnectOptions>()
                    .map_err(|error| StoreError::Invalid(format!("the database address: {error}")))?
                    .application_name("carewire")
                    .statement_cache_capacity(256)
                    .disable_statement_logging();
                let pool = PoolOptions::new()
                    .max_connections(config.readers.max(2))
                    .acquire_timeout(ACQUIRE)
                    // A ping before each use would double the round trips; a dead connection shows as `Unavailable`.
                    .test_before_acquire(false)
                    .connect_lazy_with(options);
                migrate::postgres(&pool).await?;
                Ok(Self::Postgres(pool))
            }
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Sqlite { .. } => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
        }
    }

    /// A connection for reading.
    pub(crate) async fn reader(&self) -> Result<Conn> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Conn::SqliteReader(readers.acquire().await?),
            Self::Postgres(pool) => Conn::Postgres(pool.acquire().await?),
        })
    }

    /// Begins a writing transaction.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        let conn = match self {
            Self::Sqlite { writer, .. } => Conn::SqliteWriter(writer.begin().await?),
            Self::Postgres(pool) => Conn::PostgresTx(pool.begin().await?),
        };
        Ok(Tx { conn })
    }

    /// Rows of a constant statement, read outside a transaction.
    pub(crate) async fn fetch(&self, sql: &'static str, args: Vec<Value>) -> Result<Vec<Row>> {
        self.reader().await?.fetch(sql, args).await
    }

    /// The first row of a constant statement, read outside a transaction.
    pub(crate) async fn fetch_opt(&self, sql: &'static str, args: Vec<Value>) -> Result<Option<Row>> {
        Ok(self.fetch(sql, args).await?.into_iter().next())
    }

    /// Rows of a built statement, read outside a transaction.
    pub(crate) async fn rows(&self, sql: Sql) -> Result<Vec<Row>> {
        self.reader().await?.rows(sql).await
    }

    /// A statement to be built.
    pub(crate) fn sql(&self, text: &str) -> Sql {
        Sql::new(self.kind(), text)
    }

    /// Copies an SQLite database to a new file, on a connection of its own: readers may not write, not even elsewhere.
    pub(crate) async fn copy_to(&self, file: &str) -> Result<()> {
        let Self::Sqlite { options, .. } = self else {
            return Err(StoreError::Unsupported("a backup of PostgreSQL is made by its own tools (pg_dump)"));
        };
        let mut conn = options.connect().await?;
        // One statement is one snapshot; the copy has no free pages and no log beside it.
        conn.execute(sqlx::query("VACUUM INTO $1").bind(file.to_owned())).await?;
        conn.close().await?;
        Ok(())
    }

    /// Closes all connections once they are free.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { readers, .. } => readers.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Conn {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::SqliteReader(_) | Self::SqliteWriter(_) => Kind::Sqlite,
            Self::Postgres(_) | Self::PostgresTx(_) => Kind::Postgres,
        }
    }

    /// A statement to be built.
    pub(crate) fn sql(&self, text: &str) -> Sql {
        Sql::new(self.kind(), text)
    }

    async fn run_str(&mut self, sql: SqlStr, args: Vec<Value>) -> Result<u64> {
        Ok(match self {
            Self::SqliteReader(conn) => conn.execute(value::sqlite(sql, args)).await?.rows_affected(),
            Self::SqliteWriter(conn) => conn.connection().execute(value::sqlite(sql, args)).await?.rows_affected(),
            Self::Postgres(conn) => conn.execute(value::postgres(sql, args)).await?.rows_affected(),
            Self::PostgresTx(conn) => conn.execute(value::postgres(sql, args)).await?.rows_affected(),
        })
    }

    async fn fetch_str(&mut self, sql: SqlStr, args: Vec<Value>) -> Result<Vec<Row>> {
        fn rows<R>(rows: Vec<R>, make: impl Fn(R) -> Row) -> Vec<Row> {
            rows.into_iter().map(make).collect()
        }
        Ok(match self {
            Self::SqliteReader(conn) => rows(conn.fetch_all(value::sqlite(sql, args)).await?, Row::Sqlite),
            Self::SqliteWriter(conn) => rows(conn.connection().fetch_all(value::sqlite(sql, args)).await?, Row::Sqlite),
            Self::Postgres(conn) => rows(conn.fetch_all(value::postgres(sql, args)).await?, Row::Postgres),
            Self::PostgresTx(conn) => rows(conn.fetch_all(value::postgres(sql, args)).await?, Row::Postgres),
        })
    }

    /// Runs a constant statement; answers how many rows it touched.
    pub(crate) async fn execute(&mut self, sql: &'static str, args: Vec<Value>) -> Result<u64> {
        self.run_str(sql.into_sql_str(), args).await
    }

    /// Rows of a constant statement.
    pub(crate) async fn fetch(&mut self, sql: &'static str, args: Vec<Value>) -> Result<Vec<Row>> {
        self.fetch_str(sql.into_sql_str(), args).await
    }

    /// The first row of a constant statement.
    pub(crate) async fn fetch_opt(&mut self, sql: &'static str, args: Vec<Value>) -> Result<Option<Row>> {
        Ok(self.fetch(sql, args).await?.into_iter().next())
    }

    /// Runs a built statement; answers how many rows it touched.
    pub(crate) async fn run(&mut self, sql: Sql) -> Result<u64> {
        let (text, args) = sql.into_parts();
        self.run_str(AssertSqlSafe(text).into_sql_str(), args).await
    }

    /// Rows of a built statement.
    pub(crate) async fn rows(&mut self, sql: Sql) -> Result<Vec<Row>> {
        let (text, args) = sql.into_parts();
        self.fetch_str(AssertSqlSafe(text).into_sql_str(), args).await
    }

    /// The database's clock. SQLite has that of the machine, which all its processes share.
    pub(crate) async fn now(&mut self) -> Result<Timestamp> {
        match self.kind() {
            Kind::Sqlite => Ok(machine_time()),
            Kind::Postgres => {
                let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
                match self.fetch_opt(sql, vec![]).await? {
                    Some(row) => row.time(0),
                    None => Err(StoreError::Database("no answer to the time".into())),
                }
            }
        }
    }

    /// Inserts rows, many to a statement: `head` up to `VALUES`, `tail` what follows the rows. Answers how many rows
    /// were touched.
    ///
    /// Chunks have a few fixed sizes, so that each statement is prepared once per connection.
    pub(crate) async fn insert(&mut self, head: &str, columns: usize, tail: &str, rows: Vec<Value>) -> Result<u64> {
        let mut touched = 0;
        let mut rows = rows.into_iter();
        for size in value::chunks(rows.len() / columns, columns) {
            let mut sql = self.sql(head);
            sql.rows(size, columns, rows.by_ref()).push(tail);
            touched += self.run(sql).await?;
        }
        Ok(touched)
    }

    /// As [`Conn::insert`], with a `tail` that returns something; also for `UPDATE … FROM (VALUES …) AS v …`.
    pub(crate) async fn insert_returning(
        &mut self,
        head: &str,
        columns: usize,
        tail: &str,
        rows: Vec<Value>,
    ) -> Result<Vec<Row>> {
        let mut returned = Vec::new();
        let mut rows = rows.into_iter();
        for size in value::chunks(rows.len() / columns, columns) {
            let mut sql = self.sql(head);
            sql.rows(size, columns, rows.by_ref()).push(tail);
            returned.append(&mut self.rows(sql).await?);
        }
        Ok(returned)
    }
}

impl Tx {
    /// Commits; on SQLite together with other transactions that were waiting.
    pub(crate) async fn commit(self) -> Result<()> {
        match self.conn {
            Conn::SqliteWriter(guard) => guard.commit().await,
            Conn::PostgresTx(tx) => Ok(tx.commit().await?),
            Conn::SqliteReader(_) | Conn::Postgres(_) => Ok(()),
        }
    }

    /// Rolls back.
    pub(crate) async fn rollback(self) {
        match self.conn {
            Conn::SqliteWriter(guard) => guard.rollback().await,
            Conn::PostgresTx(tx) => {
                // A connection that is gone has nothing left to roll back.
                let _ = tx.rollback().await;
            }
            Conn::SqliteReader(_) | Conn::Postgres(_) => {}
        }
    }
}

/// Runs a transaction: `transaction!(self, |tx| { … Ok(value) })`. Commits on `Ok`, rolls back on `Err`; begins again
/// (the body with it) where two transactions met in a way that one of them had to give way.
macro_rules! transaction {
    ($store:expr, |$tx:ident| $body:block) => {{
        let mut tries = 0_u32;
        loop {
            #[allow(unused_mut)]
            let mut $tx = $store.inner.db.begin().await?;
            let outcome: $crate::Result<_> = async { $body }.await;
            let outcome = match outcome {
                Ok(value) => $tx.commit().await.map(|()| value),
                Err(error) => {
                    $tx.rollback().await;
                    Err(error)
                }
            };
            match outcome {
                Err($crate::StoreError::Retry) if tries < 20 => tries += 1,
                Err($crate::StoreError::Retry) => {
                    break Err($crate::StoreError::Unavailable("too many writers of the same rows".into()));
                }
                other => break other,
            }
        }
    }};
}
pub(crate) use transaction;

/// The machine's clock in whole milliseconds, as a database keeps times.
pub(crate) fn machine_time() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
