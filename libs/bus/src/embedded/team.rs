//! Groups: members with heartbeats, and who holds which partition. (The word for a group in the file is `team`: `group` is a
//! keyword of SQL.)
//!
//! Every process beats for its members and, in the same transaction, drops members that were not heard of for their timeout
//! and shares partitions anew when somebody came or went. A partition passes from a living owner to another when the owner
//! next asks for records, from a dead one at once. Each change of owner raises the partition's epoch, which commits carry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnection;

use super::ids::{PartitionId, Topic};
use super::plan::{Assigned, plan};
use super::schema::{self, of_sqlx};
use super::{Core, reader};
use crate::{BusError, metrics};

/// A member of this process, as its tasks see it.
pub(super) struct Seat {
    pub id: Arc<str>,
    pub team: Arc<str>,
    pub topics: Vec<Arc<Topic>>,
    pub timeout: Duration,
    pub max_poll_interval: Duration,
    pub state: Mutex<SeatState>,
}

pub(super) struct SeatState {
    /// When the member last asked for records.
    pub polled: Instant,
    pub held: Vec<Held>,
}

/// A partition that the file says is the member's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub partition: PartitionId,
    pub epoch: i64,
    /// Somebody else should have it: release it.
    pub release: bool,
}

impl Seat {
    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, SeatState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks every `poll_interval` whether the file changed, and takes in what did.
pub(super) async fn watch(core: Arc<Core>) {
    let mut ticks = tokio::time::interval(core.config.poll_interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut conn: Option<SqliteConnection> = None;
    let mut seen = None;
    let mut said = false;
    loop {
        ticks.tick().await;
        match look(&core, &mut conn, &mut seen).await {
            Ok(()) => said = false,
            Err(error) => {
                conn = None;
                if !std::mem::replace(&mut said, true) {
                    tracing::warn!(%error, "the embedded log cannot be read; trying on");
                }
            }
        }
    }
}

async fn look(core: &Core, conn: &mut Option<SqliteConnection>, seen: &mut Option<i64>) -> Result<(), BusError> {
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(schema::reading(&core.config).connect().await.map_err(of_sqlx)?),
    };
    let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(conn).await.map_err(of_sqlx)?;
    if *seen != Some(version) {
        core.refresh().await?;
        *seen = Some(version);
    }
    Ok(())
}

/// Beats for this process's members, four times in their timeout.
pub(super) async fn pulse(core: Arc<Core>) {
    let mut ticks = tokio::time::interval(core.config.member_timeout / 4);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut said = false;
    loop {
        ticks.tick().await;
        let seats = core.seats().into_iter().filter(|seat| seat.state().polled.elapsed() < seat.max_poll_interval);
        let seats: Vec<Arc<Seat>> = seats.collect();
        if seats.is_empty() {
            continue;
        }
        let beaten = core.writer.run(move |conn| Box::pin(async move { beat(conn, &seats).await })).await;
        match async { beaten.and(core.refresh().await) }.await {
            Ok(()) => said = false,
            Err(error) if !std::mem::replace(&mut said, true) => {
                tracing::warn!(%error, "no heartbeat could be written to the embedded log; trying on");
            }
            Err(_) => {}
        }
    }
}

impl Core {
    /// Takes in how far partitions reach and what this process's members hold.
    pub(super) async fn refresh(&self) -> Result<(), BusError> {
        let _guard = self.refreshing.lock().await;
        let mut changed = false;
        for seat in self.seats() {
            let rows: Vec<(i64, i64, bool)> = sqlx::query_as(
                "SELECT partition, epoch, owner <> wanted FROM assignments WHERE team = $1 AND owner = $2 ORDER BY partition",
            )
            .bind(&*seat.team)
            .bind(&*seat.id)
            .fetch_all(&self.readers)
            .await
            .map_err(of_sqlx)?;
            let held = rows.into_iter().map(|(partition, epoch, release)| Held {
                partition: PartitionId(partition),
                epoch,
                release,
            });
            let held: Vec<Held> = held.collect();
            let mut state = seat.state();
            if state.held != held {
                state.held = held;
                changed = true;
                metrics::REBALANCES.inc();
            }
        }
        self.heads.raise(reader::heads(&self.readers).await?);
        if changed {
            self.heads.ring();
        }
        Ok(())
    }
}

/// Writes the members' heartbeats and shares their groups' partitions anew where needed. Whoever was dropped joins again.
pub(super) async fn beat(conn: &mut SqliteConnection, seats: &[Arc<Seat>]) -> Result<(), BusError> {
    let now = Timestamp::now().as_millisecond();
    for seat in seats {
        let topics: Vec<String> = seat.topics.iter().map(|topic| topic.id.to_string()).collect();
        sqlx::query(
            "INSERT INTO members (id, team, topics, heartbeat, timeout) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET heartbeat = excluded.heartbeat",
        )
        .bind(&*seat.id)
        .bind(&*seat.team)
        .bind(topics.join(","))
        .bind(now)
        .bind(i64::try_from(seat.timeout.as_millis()).unwrap_or(i64::MAX))
        .execute(&mut *conn)
        .await
        .map_err(of_sqlx)?;
    }
    let teams: BTreeSet<&str> = seats.iter().map(|seat| &*seat.team).collect();
    for team in teams {
        share(conn, team).await?;
    }
    Ok(())
}

/// Drops a group's dead members and shares its partitions among the living.
pub(super) async fn share(conn: &mut SqliteConnection, team: &str) -> Result<(), BusError> {
    let living = living(conn, team).await?;
    let topics: Vec<(i64, i64)> =
        sqlx::query_as("SELECT id, partitions FROM topics").fetch_all(&mut *conn).await.map_err(of_sqlx)?;
    let topics: BTreeMap<i64, i64> = topics.into_iter().collect();
    let partitions = |list: &str| -> BTreeSet<PartitionId> {
        let ids = list.split(',').filter_map(|id| id.parse::<i64>().ok());
        ids.flat_map(|id| {
            let count = i32::try_from(topics.get(&id).copied().unwrap_or(0)).unwrap_or(0);
            (0..count).map(move |partition| PartitionId::of(id, partition))
        })
        .collect()
    };
    let members: BTreeMap<String, BTreeSet<PartitionId>> = living
        .into_iter()
        .map(|(id, topics)| {
            let set = partitions(&topics);
            (id, set)
        })
        .collect();
    let rows: Vec<(i64, String, String, i64)> =
        sqlx::query_as("SELECT partition, owner, wanted, epoch FROM assignments WHERE team = $1")
            .bind(team)
            .fetch_all(&mut *conn)
            .await
            .map_err(of_sqlx)?;
    let current: BTreeMap<PartitionId, Assigned> = rows
        .into_iter()
        .map(|(partition, owner, wanted, epoch)| (PartitionId(partition), Assigned { owner, wanted, epoch }))
        .collect();
    for (partition, assigned) in plan(&members, &current) {
        if current.get(&partition) == Some(&assigned) {
            continue;
        }
        sqlx::query(
            "INSERT INTO assignments (team, partition, owner, wanted, epoch) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (team, partition) DO UPDATE
             SET owner = excluded.owner, wanted = excluded.wanted, epoch = excluded.epoch",
        )
        .bind(team)
        .bind(partition.0)
        .bind(assigned.owner)
        .bind(assigned.wanted)
        .bind(assigned.epoch)
        .execute(&mut *conn)
        .await
        .map_err(of_sqlx)?;
    }
    Ok(())
}

/// A group's living members and their topics; the dead are deleted. A heartbeat from the future is as dead as an old one:
/// the clock was set back.
async fn living(conn: &mut SqliteConnection, team: &str) -> Result<Vec<(String, String)>, BusError> {
    sqlx::query("DELETE FROM members WHERE team = $1 AND abs($2 - heartbeat) > timeout")
        .bind(team)
        .bind(Timestamp::now().as_millisecond())
        .execute(&mut *conn)
        .await
        .map_err(of_sqlx)?;
    sqlx::query_as("SELECT id, topics FROM members WHERE team = $1").bind(team).fetch_all(conn).await.map_err(of_sqlx)
}

/// Takes a member out of its group.
pub(super) async fn leave(conn: &mut SqliteConnection, seat: &Seat) -> Result<(), BusError> {
    sqlx::query("DELETE FROM members WHERE id = $1").bind(&*seat.id).execute(&mut *conn).await.map_err(of_sqlx)?;
    share(conn, &seat.team).await
}

/// Hands a member's partitions to those who should have them.
pub(super) async fn release(
    conn: &mut SqliteConnection,
    seat: &Seat,
    partitions: &[PartitionId],
) -> Result<(), BusError> {
    for partition in partitions {
        sqlx::query(
            "UPDATE assignments SET owner = wanted, epoch = epoch + 1
             WHERE team = $1 AND partition = $2 AND owner = $3 AND wanted <> $3",
        )
        .bind(&*seat.team)
        .bind(partition.0)
        .bind(&*seat.id)
        .execute(&mut *conn)
        .await
        .map_err(of_sqlx)?;
    }
    Ok(())
}

/// Moves a group that has no living member.
pub(super) async fn set_positions(
    conn: &mut SqliteConnection,
    team: &str,
    positions: &[(PartitionId, i64)],
) -> Result<(), BusError> {
    if !living(conn, team).await?.is_empty() {
        return Err(BusError::GroupActive(team.to_owned()));
    }
    for &(partition, next) in positions {
        sqlx::query(
            "INSERT INTO positions (team, partition, next) VALUES ($1, $2, $3)
             ON CONFLICT (team, partition) DO UPDATE SET next = excluded.next",
        )
        .bind(team)
        .bind(partition.0)
        .bind(next)
        .execute(&mut *conn)
        .await
        .map_err(of_sqlx)?;
    }
    Ok(())
}
