//! Making and finding topics.

use std::sync::{Arc, PoisonError};

use sqlx::sqlite::SqliteConnection;

use super::Core;
use super::ids::{MAX_PARTITIONS, MAX_TOPIC, Topic, cleanup_columns, cleanup_of};
use super::schema::of_sqlx;
use crate::{BusError, TopicSpec};

/// The columns of a topic's row.
type Row = (i64, String, i64, String, i64, i64);

const COLUMNS: &str = "SELECT id, name, partitions, cleanup, cleanup_ms, max_record_bytes FROM topics";
const BY_NAME: &str = "SELECT id, name, partitions, cleanup, cleanup_ms, max_record_bytes FROM topics WHERE name = $1";

fn topic_of((id, name, partitions, cleanup, cleanup_ms, max_record_bytes): Row) -> Result<Topic, BusError> {
    let damaged = || BusError::Corrupt(format!("the settings of topic {name}"));
    Ok(Topic {
        id,
        partitions: i32::try_from(partitions).map_err(|_| damaged())?,
        cleanup: cleanup_of(&cleanup, cleanup_ms).ok_or_else(damaged)?,
        max_record_bytes: usize::try_from(max_record_bytes).map_err(|_| damaged())?,
        name: name.into(),
    })
}

/// All topics.
pub(super) async fn all(core: &Core) -> Result<Vec<Arc<Topic>>, BusError> {
    let rows: Vec<Row> = sqlx::query_as(COLUMNS).fetch_all(&core.readers).await.map_err(of_sqlx)?;
    rows.into_iter().map(|row| topic_of(row).map(Arc::new)).collect()
}

impl Core {
    /// The topic of that name. Its settings do not change once it is made, so what was found is kept.
    pub(super) async fn topic(&self, name: &str) -> Result<Arc<Topic>, BusError> {
        if let Some(topic) = self.topics.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(topic.clone());
        }
        let row: Option<Row> =
            sqlx::query_as(BY_NAME).bind(name).fetch_optional(&self.readers).await.map_err(of_sqlx)?;
        let topic = Arc::new(topic_of(row.ok_or_else(|| BusError::UnknownTopic(name.to_owned()))?)?);
        self.topics.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), topic.clone());
        Ok(topic)
    }
}

impl super::Log {
    pub(crate) async fn ensure_topics(&self, specs: &[TopicSpec]) -> Result<(), BusError> {
        let mut missing = Vec::new();
        for spec in specs {
            check(spec)?;
            match self.core.topic(&spec.name).await {
                Ok(topic) => warn_if_different(&topic, spec),
                Err(BusError::UnknownTopic(_)) => missing.push(spec.clone()),
                Err(error) => return Err(error),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        self.core
            .writer
            .run(move |conn| {
                Box::pin(async move {
                    for spec in &missing {
                        make(conn, spec).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

fn check(spec: &TopicSpec) -> Result<(), BusError> {
    let name_is_good = (1..=249).contains(&spec.name.len())
        && spec.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if !name_is_good {
        return Err(BusError::Config(format!("{:?} cannot name a topic", spec.name)));
    }
    if !(1..=MAX_PARTITIONS).contains(&spec.partitions) {
        return Err(BusError::Config(format!("topic {} needs 1 to {MAX_PARTITIONS} partitions", spec.name)));
    }
    Ok(())
}

fn warn_if_different(topic: &Topic, spec: &TopicSpec) {
    if topic.differs_from(spec) {
        tracing::warn!(topic = %topic.name, have = ?topic, wanted = ?spec, "a topic exists with other settings, which stay");
    }
}

async fn make(conn: &mut SqliteConnection, spec: &TopicSpec) -> Result<(), BusError> {
    let (cleanup, cleanup_ms) = cleanup_columns(spec.cleanup);
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO topics (name, partitions, cleanup, cleanup_ms, max_record_bytes) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO NOTHING RETURNING id",
    )
    .bind(&spec.name)
    .bind(i64::from(spec.partitions))
    .bind(cleanup)
    .bind(cleanup_ms)
    .bind(i64::try_from(spec.max_record_bytes).unwrap_or(i64::MAX))
    .fetch_optional(&mut *conn)
    .await
    .map_err(of_sqlx)?;
    // None: another process was first.
    let Some(id) = id else { return Ok(()) };
    if id > MAX_TOPIC {
        return Err(BusError::Unsupported(format!("more than {MAX_TOPIC} topics")));
    }
    let topic = Topic {
        id,
        name: spec.name.as_str().into(),
        partitions: spec.partitions,
        cleanup: spec.cleanup,
        max_record_bytes: spec.max_record_bytes,
    };
    for partition in 0..spec.partitions {
        sqlx::query("INSERT INTO partitions (id, low, next, cleaned) VALUES ($1, 0, 0, 0)")
            .bind(topic.partition(partition).0)
            .execute(&mut *conn)
            .await
            .map_err(of_sqlx)?;
    }
    Ok(())
}
