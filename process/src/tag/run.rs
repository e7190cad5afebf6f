//! The tag stage.

use carewire_bus::{Bus, Health};
use tokio_util::sync::CancellationToken;

/// What the tag stage works with.
#[derive(Clone)]
pub struct TagDeps {
    /// The bus: `carewire.entries` in, `carewire.tagged` out.
    pub bus: Bus,
    /// Most threads that tag at the same time; 0 is one per processor.
    pub threads: usize,
    /// Where the stage says how it is.
    pub health: Health,
}

/// Runs the tag stage until `stop`: member of the group `tag` on `carewire.entries`. Start several to share the partitions.
///
/// # Errors
/// When the bus refuses for good. Trouble that passes is waited out and said in `health`.
pub async fn run_tag(deps: TagDeps, stop: CancellationToken) -> anyhow::Result<()> {
    let _ = (deps, stop);
    todo!()
}
