//! The group stage: who is the active worker, and its loop.

use std::{sync::Arc, time::Duration};

use carewire_bus::{
    Bus, BusError, Health,
    stage::{BackOff, StageError},
};
use carewire_store::{Leading, Store, StoreError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::active::Active;
use crate::{metrics, policy::Policy};

/// What the group stage works with.
#[derive(Clone)]
pub struct GroupDeps {
    /// The bus: `carewire.tagged` in, `carewire.items` out.
    pub bus: Bus,
    /// The store: identities, sources, stories and the lease of the active worker.
    pub store: Store,
    /// The rules.
    pub policy: Arc<Policy>,
    /// Where the stage says how it is.
    pub health: Health,
}

/// The group, the lease, the writer and the stage: all have this name.
pub(super) const GROUP: &str = "group";
/// For how long the lease holds without being renewed: how long a stand-by waits after a worker was killed.
const LEASE: Duration = Duration::from_secs(8);
/// How often a stand-by asks.
const ASK: Duration = Duration::from_secs(1);

/// Runs the group stage until `stop`: active while it holds the store's lease `group`, else a stand-by, which is well too.
///
/// # Errors
/// When bus or store refuse for good. Trouble that passes is waited out and said in `health`.
pub async fn run_group(deps: GroupDeps, stop: CancellationToken) -> anyhow::Result<()> {
    let owner = Uuid::new_v4();
    let mut wait = BackOff::default();
    while !stop.is_cancelled() {
        let ended = match Leading::acquire(&deps.store, GROUP, owner, LEASE).await {
            Ok(Some(leading)) => {
                metrics::ACTIVE.set(1);
                let ended = lead(&deps, &leading, &stop).await;
                metrics::ACTIVE.set(0);
                leading.release().await;
                ended
            }
            Ok(None) => {
                deps.health.well();
                tokio::select! {
                    () = tokio::time::sleep(ASK) => {}
                    () = stop.cancelled() => {}
                }
                Ok(())
            }
            Err(error) => Err(of_store(error)),
        };
        match ended {
            Ok(()) => wait = BackOff::default(),
            Err(StageError::Transient(why)) => {
                deps.health.waits(why);
                if wait.stopped(&stop).await {
                    break;
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Works as the active worker until `stop`, or until the lease is lost.
async fn lead(deps: &GroupDeps, leading: &Leading, stop: &CancellationToken) -> Result<(), StageError> {
    let mut active = Active::begin(deps, leading, stop).await?;
    deps.health.well();
    tracing::info!(window = active.window(), epoch = leading.lease().epoch, "grouping");
    let ended = loop {
        if stop.is_cancelled() {
            break Ok(());
        }
        if leading.lost().is_cancelled() {
            break Err(StageError::Transient("the lease was lost".to_owned()));
        }
        if let Err(error) = active.turn().await {
            break Err(error);
        }
    };
    active.end().await;
    ended
}

/// A store's error as the stage sees it.
pub(super) fn of_store(error: StoreError) -> StageError {
    StageError::of(&error, error.passes())
}

/// A bus's error as the stage sees it.
pub(super) fn of_bus(error: BusError) -> StageError {
    match error {
        // A newer writer took over: this worker becomes a stand-by, or the writer again. Topics may still be in the making.
        error @ (BusError::Fenced | BusError::UnknownTopic(_)) => StageError::Transient(error.to_string()),
        error => error.into(),
    }
}
