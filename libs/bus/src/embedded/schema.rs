//! The tables, and how the file is opened.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use crate::{BusError, EmbeddedConfig};

/// How long a process waits for another's transaction.
pub(super) const BUSY: Duration = Duration::from_secs(30);

const VERSION: i64 = 1;

// `batches.id` holds partition and base offset in one number (see `ids`), so that the table's own tree is the index.
const TABLES: &str = "
CREATE TABLE topics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
    cleanup TEXT NOT NULL, cleanup_ms INTEGER NOT NULL, max_record_bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE partitions (
    id INTEGER PRIMARY KEY, low INTEGER NOT NULL, next INTEGER NOT NULL, cleaned INTEGER NOT NULL
) STRICT;
CREATE TABLE batches (
    id INTEGER PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL, max_timestamp INTEGER NOT NULL,
    appended INTEGER NOT NULL, horizon INTEGER, body BLOB NOT NULL
) STRICT;
CREATE TABLE members (
    id TEXT PRIMARY KEY, team TEXT NOT NULL, topics TEXT NOT NULL, heartbeat INTEGER NOT NULL, timeout INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE assignments (
    team TEXT NOT NULL, partition INTEGER NOT NULL, owner TEXT NOT NULL, wanted TEXT NOT NULL, epoch INTEGER NOT NULL,
    PRIMARY KEY (team, partition)
) STRICT, WITHOUT ROWID;
CREATE TABLE positions (
    team TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (team, partition)
) STRICT, WITHOUT ROWID;
CREATE TABLE writers (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE sweeper (one INTEGER PRIMARY KEY CHECK (one = 1), owner TEXT NOT NULL, until INTEGER NOT NULL) STRICT;
PRAGMA user_version = 1;
";

/// Takes the living out of a copy: they belong to the original, and the copy's groups must be free to be moved at once.
pub(super) async fn forget_members(copy: &Path) -> Result<(), BusError> {
    let options = SqliteConnectOptions::new().filename(copy).disable_statement_logging();
    let mut conn = options.connect().await.map_err(of_sqlx)?;
    for sql in ["DELETE FROM members", "DELETE FROM sweeper"] {
        sqlx::query(sql).execute(&mut conn).await.map_err(of_sqlx)?;
    }
    conn.close().await.map_err(of_sqlx)
}

fn options(config: &EmbeddedConfig) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&config.path)
        .page_size(8192)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(false)
        .busy_timeout(BUSY)
        .disable_statement_logging()
}

/// Options of the readers. Rows are handed over one by one: a row may be large.
pub(super) fn reading(config: &EmbeddedConfig) -> SqliteConnectOptions {
    options(config).read_only(true).row_buffer_size(1)
}

/// Opens the writing connection and makes the tables when they are missing.
pub(super) async fn open_writer(config: &EmbeddedConfig) -> Result<SqliteConnection, BusError> {
    // Without SQLite's own waiting: it sleeps up to 100 ms between tries, and starves beside a process that writes all the
    // time. `begin` asks every millisecond instead.
    let options = options(config)
        .create_if_missing(true)
        .pragma("wal_autocheckpoint", "2000")
        .pragma("journal_size_limit", "67108864")
        .busy_timeout(Duration::ZERO);
    let deadline = Instant::now() + BUSY;
    let mut conn = loop {
        match SqliteConnection::connect_with(&options).await {
            Ok(conn) => break conn,
            // Turning to WAL needs the file alone for a moment, and another process may be doing just that.
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(5)).await
            }
            Err(error) => return Err(of_sqlx(error)),
        }
    };
    begin(&mut conn).await?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut conn).await.map_err(of_sqlx)?;
    match version {
        0 => {
            sqlx::raw_sql(TABLES).execute(&mut conn).await.map_err(of_sqlx)?;
        }
        VERSION => {}
        newer => {
            return Err(BusError::Config(format!(
                "{} was written by a newer version ({newer})",
                config.path.display()
            )));
        }
    }
    sqlx::query("COMMIT").execute(&mut conn).await.map_err(of_sqlx)?;
    Ok(conn)
}

/// Begins a write transaction, waiting up to 30 s for other processes.
pub(super) async fn begin(conn: &mut SqliteConnection) -> Result<(), BusError> {
    let deadline = Instant::now() + BUSY;
    loop {
        match sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await {
            Ok(_) => return Ok(()),
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(1)).await
            }
            Err(error) => return Err(of_sqlx(error)),
        }
    }
}

fn code(error: &sqlx::Error) -> Option<i64> {
    let sqlx::Error::Database(error) = error else { return None };
    // The low byte is the primary result code (sqlite.org/rescode.html).
    error.code()?.parse::<i64>().ok().map(|code| code & 0xff)
}

fn is_busy(error: &sqlx::Error) -> bool {
    matches!(code(error), Some(5 | 6))
}

/// An error of SQLite as one of the bus: busy, locked, input/output, full and cannot-open pass; damage does not.
pub(super) fn of_sqlx(error: sqlx::Error) -> BusError {
    match (&error, code(&error)) {
        (sqlx::Error::PoolTimedOut | sqlx::Error::Io(_), _) | (_, Some(5 | 6 | 10 | 13 | 14)) => {
            BusError::Unavailable(error.to_string())
        }
        (_, Some(11 | 26)) => BusError::Corrupt(error.to_string()),
        (sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed, _) => BusError::Closed,
        _ => BusError::Failed(error.to_string()),
    }
}
