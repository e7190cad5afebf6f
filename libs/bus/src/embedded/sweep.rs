//! Housekeeping: retention by time and compaction, by one process at a time.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::schema::of_sqlx;
use super::{Core, compaction, retention, topics};
use crate::{BusError, Cleanup, metrics};

/// Sweeps every `sweep_interval`.
pub(super) async fn run(core: Arc<Core>) {
    // Not at once: a process has more urgent things to do when it starts.
    let interval = core.config.sweep_interval;
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = sweep(&core).await {
            tracing::warn!(%error, "the embedded log could not be swept; trying again later");
        }
    }
}

async fn sweep(core: &Core) -> Result<(), BusError> {
    for topic in topics::all(core).await? {
        // Asked again for each topic: a round may take long, and another process may have taken over.
        let (process, interval) = (core.process.clone(), core.config.sweep_interval.as_millis());
        let interval = i64::try_from(interval).unwrap_or(i64::MAX / 4);
        if matches!(topic.cleanup, Cleanup::Forever)
            || !core.writer.run(move |conn| Box::pin(async move { claim(conn, &process, interval).await })).await?
        {
            continue;
        }
        for partition in 0..topic.partitions {
            match topic.cleanup {
                Cleanup::Time(keep) => {
                    let _timer = metrics::SWEEP_SECONDS.with_label_values(&["retention"]).start_timer();
                    retention::sweep(core, topic.partition(partition), keep).await?;
                }
                Cleanup::Compact { delete_retention } => {
                    let _timer = metrics::SWEEP_SECONDS.with_label_values(&["compaction"]).start_timer();
                    compaction::sweep(core, &topic, partition, delete_retention).await?;
                }
                Cleanup::Forever => {}
            }
        }
    }
    Ok(())
}

/// Becomes or stays the sweeping process, for the next two rounds at least.
async fn claim(conn: &mut SqliteConnection, process: &str, interval: i64) -> Result<bool, BusError> {
    let now = Timestamp::now().as_millisecond();
    let until = now.saturating_add(interval.saturating_mul(2)).saturating_add(10_000);
    let claimed = sqlx::query(
        "INSERT INTO sweeper (one, owner, until) VALUES (1, $1, $2)
         ON CONFLICT (one) DO UPDATE SET owner = excluded.owner, until = excluded.until
         WHERE owner = excluded.owner OR until NOT BETWEEN $3 AND $2",
    )
    .bind(process)
    .bind(until)
    .bind(now)
    .execute(conn)
    .await
    .map_err(of_sqlx)?;
    Ok(claimed.rows_affected() == 1)
}
