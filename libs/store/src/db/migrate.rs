//! Bringing the schema up to date, once, whoever starts first.
//!
//! PostgreSQL: one transaction under an advisory lock. SQLite: one transaction under a lock on a file of our own beside
//! the database, which also covers the switch to WAL. Migrations are numbered and only ever added.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use sqlx::{Executor, PgPool, Row as _, SqliteConnection};

use crate::{Result, StoreError};

macro_rules! migrations {
    ($folder:literal) => {
        // One line each, in order.
        &[
            (1, include_str!(concat!("../migrations/", $folder, "/0001_network.sql"))),
            (20, include_str!(concat!("../migrations/", $folder, "/0020_polling.sql"))),
            (21, include_str!(concat!("../migrations/", $folder, "/0021_site_pages.sql"))),
            (30, include_str!(concat!("../migrations/", $folder, "/0030_websub.sql"))),
            (31, include_str!(concat!("../migrations/", $folder, "/0031_ownership.sql"))),
            (32, include_str!(concat!("../migrations/", $folder, "/0032_youtube.sql"))),
            (33, include_str!(concat!("../migrations/", $folder, "/0033_pages.sql"))),
            (34, include_str!(concat!("../migrations/", $folder, "/0034_hubs.sql"))),
            (35, include_str!(concat!("../migrations/", $folder, "/0035_youtube_missing.sql"))),
            (40, include_str!(concat!("../migrations/", $folder, "/0040_policy.sql"))),
            (41, include_str!(concat!("../migrations/", $folder, "/0041_retractions.sql"))),
            (50, include_str!(concat!("../migrations/", $folder, "/0050_push.sql"))),
            (60, include_str!(concat!("../migrations/", $folder, "/0060_channels.sql"))),
        ]
    };
}

const SQLITE: &[(i64, &str)] = migrations!("sqlite");
const POSTGRES: &[(i64, &str)] = migrations!("postgres");

/// Key of the advisory lock: "carewire" as ASCII.
const LOCK: i64 = 0x6361_7265_7769_7265;

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL)";

/// A lock on a file beside the database, freed when dropped (and by the system when the process ends).
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Waits for the lock at most that long.
    pub(crate) async fn take(database: &Path, patience: Duration) -> Result<Self> {
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(|error| {
            StoreError::Invalid(format!("cannot open {}: {error}; its folder must exist", path.display()))
        })?;
        let deadline = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Unavailable("another process holds the migration lock".into()));
                }
                Err(TryLockError::Error(error)) => return Err(StoreError::Unavailable(error.to_string())),
            }
        }
    }
}

/// The migrations still to be run on a database that has run `done`, in order: also one that came between two others.
fn outstanding(all: &'static [(i64, &str)], done: &[i64]) -> Result<Vec<(i64, &'static str)>> {
    if let Some(version) = done.iter().find(|version| all.iter().all(|(known, _)| known != *version)) {
        let newest = all.last().map_or(0, |(version, _)| *version);
        return Err(StoreError::Invalid(format!(
            "the database has schema {version}, this program knows up to {newest}: use the newer program"
        )));
    }
    Ok(all.iter().copied().filter(|(version, _)| !done.contains(version)).collect())
}

/// Brings an SQLite file up to date; the caller holds the [`FileLock`].
pub(crate) async fn sqlite(conn: &mut SqliteConnection) -> Result<()> {
    conn.execute("BEGIN IMMEDIATE").await?;
    let outcome = async {
        conn.execute(TABLE).await?;
        let done = conn.fetch_all("SELECT version FROM schema_migrations").await?;
        let done = done.iter().map(|row| row.try_get(0)).collect::<std::result::Result<Vec<i64>, _>>()?;
        for (version, sql) in outstanding(SQLITE, &done)? {
            conn.execute(sqlx::raw_sql(sql)).await?;
            let note = sqlx::query("INSERT INTO schema_migrations (version, applied_at) VALUES ($1, $2)");
            conn.execute(note.bind(version).bind(Timestamp::now().as_millisecond())).await?;
        }
        Ok::<_, StoreError>(())
    }
    .await;
    conn.execute(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    outcome
}

/// Brings a PostgreSQL database up to date.
pub(crate) async fn postgres(pool: &PgPool) -> Result<()> {
    let mut tx = pool.begin().await?;
    tx.execute(sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK)).await?;
    tx.execute(TABLE).await?;
    let done = tx.fetch_all("SELECT version FROM schema_migrations").await?;
    let done = done.iter().map(|row| row.try_get(0)).collect::<std::result::Result<Vec<i64>, _>>()?;
    for (version, sql) in outstanding(POSTGRES, &done)? {
        tx.execute(sqlx::raw_sql(sql)).await?;
        let note = sqlx::query("INSERT INTO schema_migrations (version, applied_at) VALUES ($1, $2)");
        tx.execute(note.bind(version).bind(Timestamp::now().as_millisecond())).await?;
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_run_and_what_is_unknown_stops() {
        const ALL: &[(i64, &str)] = &[(1, "a"), (20, "b"), (30, "c")];
        let run = |done: &[i64]| {
            outstanding(ALL, done).map(|left| left.iter().map(|(version, _)| *version).collect::<Vec<_>>())
        };
        assert_eq!(run(&[]).unwrap(), vec![1, 20, 30]);
        assert_eq!(run(&[1, 30]).unwrap(), vec![20], "30 was there before 20 was written");
        assert!(run(&[1, 20, 30]).unwrap().is_empty());
        assert!(run(&[1, 31]).unwrap_err().to_string().contains("schema 31"));
    }
}
