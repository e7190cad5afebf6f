//! The group stage.

use carewire_bus::{Bus, Health};
use carewire_store::Store;
use tokio_util::sync::CancellationToken;

/// What the group stage works with.
#[derive(Clone)]
pub struct GroupDeps {
    /// The bus: `carewire.tagged` in, `carewire.items` out.
    pub bus: Bus,
    /// The store: identities, sources, stories and the lease of the active worker.
    pub store: Store,
    /// Where the stage says how it is.
    pub health: Health,
}

/// Runs the group stage until `stop`: active while it holds the store's lease `group`, else a stand-by.
///
/// # Errors
/// When bus or store refuse for good. Trouble that passes is waited out and said in `health`.
pub async fn run_group(deps: GroupDeps, stop: CancellationToken) -> anyhow::Result<()> {
    let _ = (deps, stop);
    todo!()
}
