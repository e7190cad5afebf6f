//! Requests to publishers beside polling: archives, tries of https, looks for feeds, pages looked at again.
//!
//! A task is claimed for a time; whoever claimed it takes the lease of its host and does it. Killed in between, it is
//! claimed again when that time is over.

use std::time::Duration;

use carewire_schemas::FeedId;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Result, Store,
    db::{Kind, Row, Tx, args, later, transaction},
    named::named_enum,
};

named_enum! {
    /// What is to be done.
    TaskKind {
        /// A page of the feed's archive is read (RFC 5005).
        Archive = "archive",
        /// The feed is tried at its https address.
        Https = "https",
        /// A feed is looked for in place of one that is dead or a web page.
        Discover = "discover",
        /// Pages of a site map are read as entries.
        Pages = "pages",
        /// The address that the feed says it has moved to is looked at.
        Move = "move",
    }
}

/// A task to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewTask {
    /// What.
    pub kind: TaskKind,
    /// For which feed.
    pub feed: FeedId,
    /// The address it begins with; of one kind and feed each once.
    pub url: String,
    /// Host of `url`: name or address, without port.
    pub host: String,
    /// Not before.
    pub due: Timestamp,
    /// What else it needs, as JSON; `{}` for nothing.
    pub payload: String,
}

/// A claimed task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// Its id.
    pub id: Uuid,
    /// What.
    pub kind: TaskKind,
    /// For which feed.
    pub feed: FeedId,
    /// The address it begins with.
    pub url: String,
    /// Host of `url`.
    pub host: String,
    /// How often it was put off before.
    pub tries: i64,
    /// What else it needs.
    pub payload: String,
    /// Raised with each claim.
    turn: i64,
}

fn task(row: &Row) -> Result<Task> {
    Ok(Task {
        id: row.uuid(0)?,
        kind: row.named(1)?,
        feed: FeedId(row.uuid(2)?),
        url: row.text(3)?,
        host: row.text(4)?,
        tries: row.int(5)?,
        payload: row.text(6)?,
        turn: row.int(7)?,
    })
}

impl Store {
    /// Adds tasks; one of the same kind, feed and address that is there already stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_tasks(&self, tasks: &[NewTask]) -> Result<()> {
        if tasks.is_empty() {
            return Ok(());
        }
        let tasks: Vec<&NewTask> = tasks.iter().collect();
        transaction!(self, |tx| { Self::write_tasks(&mut tx, &tasks).await })?;
        self.inner.signals.stir();
        Ok(())
    }

    pub(crate) async fn write_tasks(tx: &mut Tx, tasks: &[&NewTask]) -> Result<()> {
        let rows = tasks.iter().flat_map(|t| {
            args![Uuid::now_v7(), t.kind.as_str(), t.feed.0, &*t.host, &*t.url, t.due, 0, 0, &*t.payload]
        });
        tx.insert(
            "INSERT INTO tasks (id, kind, feed, host, url, due, turn, tries, payload)",
            9,
            " ON CONFLICT (kind, feed, url) DO NOTHING",
            rows.collect(),
        )
        .await
        .map(drop)
    }

    /// Claims due tasks for `time`, the longest waiting first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_tasks(&self, limit: usize, time: Duration) -> Result<Vec<Task>> {
        // Looked first without a write: mostly there is none.
        let now = self.now().await?;
        let due = self.inner.db.fetch_opt("SELECT 1 FROM tasks WHERE due <= $1 LIMIT 1", args![now]).await?;
        if due.is_none() {
            return Ok(Vec::new());
        }
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let mut sql = tx.sql("UPDATE tasks SET turn = turn + 1, due = ");
            sql.bind(later(now, time)).push(" WHERE id IN (SELECT id FROM tasks WHERE due <= ").bind(now);
            sql.push(" ORDER BY due LIMIT ").bind(limit);
            sql.push_on(Kind::Postgres, " FOR UPDATE SKIP LOCKED");
            sql.push(") RETURNING id, kind, feed, url, host, tries, payload, turn");
            tx.rows(sql).await?.iter().map(task).collect()
        })
    }

    /// When the next task is due; none where there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_task(&self) -> Result<Option<Timestamp>> {
        let row = self.inner.db.fetch_opt("SELECT due FROM tasks ORDER BY due LIMIT 1", args![]).await?;
        row.map(|row| row.time(0)).transpose()
    }

    /// A task is done. Nothing happens where it was claimed again meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_task(&self, task: &Task) -> Result<()> {
        transaction!(self, |tx| {
            tx.execute("DELETE FROM tasks WHERE id = $1 AND turn = $2", args![task.id, task.turn]).await.map(drop)
        })
    }

    /// A task goes on later, at the same or another address and host. Nothing happens where it was claimed again meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_off_task(&self, task: &Task, due: Timestamp) -> Result<()> {
        transaction!(self, |tx| {
            let sql = "UPDATE tasks SET due = $3, tries = $4, url = $5, host = $6, payload = $7 \
                       WHERE id = $1 AND turn = $2";
            let args = args![task.id, task.turn, due, task.tries, &*task.url, &*task.host, &*task.payload];
            tx.execute(sql, args).await.map(drop)
        })
    }
}
