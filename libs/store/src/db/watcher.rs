//! Notices what other processes commit, and tells this process's workers.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

use super::{Conn, Db};
use crate::Result;

/// The two things that workers wait for.
#[derive(Debug)]
pub(crate) struct Signals {
    pub(crate) sequence: watch::Sender<i64>,
    pub(crate) activity: watch::Sender<u64>,
}

impl Signals {
    pub(crate) fn new() -> Self {
        Self { sequence: watch::channel(0).0, activity: watch::channel(0).0 }
    }

    /// The sequence is there now; an older number changes nothing.
    pub(crate) fn sequence_is(&self, number: i64) {
        self.sequence.send_if_modified(|known| {
            let newer = number > *known;
            *known = (*known).max(number);
            newer
        });
    }

    /// Something was changed that somebody may wait for.
    pub(crate) fn stir(&self) {
        self.activity.send_modify(|n| *n = n.wrapping_add(1));
    }
}

/// What the database says of itself.
pub(crate) struct Seen {
    sequence: i64,
    activity: i64,
}

pub(crate) async fn look(conn: &mut Conn) -> Result<Seen> {
    let row = conn.fetch_opt("SELECT n, activity FROM sequence WHERE id = 1", vec![]).await?;
    Ok(match row {
        Some(row) => Seen { sequence: row.int(0)?, activity: row.int(1)? },
        None => Seen { sequence: 0, activity: 0 },
    })
}

/// Looks for changes of other processes until the signals are dropped. SQLite tells by `PRAGMA data_version` whether
/// anything was committed at all, which costs next to nothing; PostgreSQL answers from one row.
pub(crate) async fn start(db: &Db, signals: &Arc<Signals>, interval: Duration) -> Result<JoinHandle<()>> {
    let mut conn = db.reader().await?;
    let first = look(&mut conn).await?;
    signals.sequence_is(first.sequence);
    let sqlite = matches!(conn, Conn::SqliteReader(_));
    // SQLite's data version is that of a connection, which is therefore kept; a server's would be held for nothing.
    let kept = sqlite.then_some(conn);
    Ok(tokio::spawn(watch_for(db.clone(), kept, Arc::downgrade(signals), interval, first.activity)))
}

async fn watch_for(db: Db, mut kept: Option<Conn>, signals: Weak<Signals>, interval: Duration, mut activity: i64) {
    let mut version = None;
    let mut away = false;
    loop {
        tokio::time::sleep(interval).await;
        let Some(signals) = signals.upgrade() else { return };
        match check(&db, &mut kept, &mut version).await {
            Ok(Some(seen)) => {
                if away {
                    tracing::info!("the database is back");
                    away = false;
                    // Whatever happened meanwhile, workers had better look.
                    signals.stir();
                }
                signals.sequence_is(seen.sequence);
                if seen.activity != activity {
                    activity = seen.activity;
                    signals.stir();
                }
            }
            Ok(None) => {}
            Err(error) => {
                if !away {
                    tracing::warn!(%error, "cannot watch the database for changes");
                    away = true;
                }
            }
        }
    }
}

/// What is new; none when nothing was committed.
async fn check(db: &Db, kept: &mut Option<Conn>, version: &mut Option<i64>) -> Result<Option<Seen>> {
    let Some(conn) = kept else {
        return look(&mut db.reader().await?).await.map(Some);
    };
    let now = conn.fetch_opt("PRAGMA data_version", vec![]).await?.map(|row| row.int(0)).transpose()?;
    if now == *version {
        return Ok(None);
    }
    let seen = look(conn).await?;
    *version = now;
    Ok(Some(seen))
}
