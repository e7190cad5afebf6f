//! After an older database was put back beside a newer bus: going back to where the database is.

use tokio_util::sync::CancellationToken;

use crate::{
    Bus, BusError, Health,
    stage::{BackOff, StageError},
};

/// Sets a group back in the partitions of `topic` in which its store is behind what the group has committed. `stored` is what
/// asks the store, for partitions and their next offsets; offsets are committed only after the store has them, so a store that is
/// behind was restored from a backup. What comes again then changes nothing where it is known.
///
/// To be called before joining the group. While the store or the bus is away, or the group has living members (such as one
/// killed a moment ago), this waits: going on would leave out what the store lacks. Partitions that the store does not know stay where they are.
///
/// # Errors
/// [`StageError::Fatal`] when the store or the bus refuses for good.
pub async fn go_back<F: Future<Output = Result<Vec<(i32, i64)>, StageError>> + Send>(
    bus: &Bus,
    group: &'static str,
    topic: &'static str,
    stored: impl Fn() -> F + Send,
    health: &Health,
    stop: &CancellationToken,
) -> Result<(), StageError> {
    let mut wait = BackOff::default();
    while !stop.is_cancelled() {
        let why = match stored().await {
            Ok(stored) => match set_back(bus, group, topic, &stored).await {
                // A topic that is not there yet has nothing to go back to.
                Ok(()) | Err(BusError::UnknownTopic(_)) => return Ok(()),
                Err(error) if error.is_transient() || matches!(error, BusError::GroupActive(_)) => error.to_string(),
                Err(error) => return Err(error.into()),
            },
            Err(StageError::Transient(why)) => why,
            Err(error) => return Err(error),
        };
        health.waits(why);
        wait.stopped(stop).await;
    }
    Ok(())
}

async fn set_back(bus: &Bus, group: &str, topic: &str, stored: &[(i32, i64)]) -> Result<(), BusError> {
    let committed = bus.committed(group, topic).await?;
    let behind: Vec<(i32, i64)> = committed
        .iter()
        .filter_map(|&(partition, offset)| {
            let (_, store) = *stored.iter().find(|(stored, _)| *stored == partition)?;
            offset.is_some_and(|offset| store < offset).then_some((partition, store))
        })
        .collect();
    if behind.is_empty() {
        return Ok(());
    }
    bus.set_committed(group, topic, &behind).await?;
    tracing::warn!(group, topic, ?behind, "the database is behind the bus; the group goes back to where it is");
    Ok(())
}
