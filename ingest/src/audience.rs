//! For how many subscribers feeds are fetched: publishers read it in the `User-Agent`, as feed readers tell it.
//!
//! Counted are those that this network delivers to by name: subscribers of its hub, and webhooks. Who polls its feeds cannot be told apart;
//! an operator who knows better adds a number of their own (`fetch.subscribers`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::worker::Shared;

/// How old the count may be: it is told, not acted upon.
const EVERY: Duration = Duration::from_secs(600);

/// The last count.
#[derive(Debug, Default)]
pub(crate) struct Audience(AtomicU64);

impl Audience {
    /// As many as were counted, and those `configured`; none where there are none.
    pub(crate) fn told(&self, configured: u64) -> Option<u64> {
        let all = configured.saturating_add(self.0.load(Ordering::Relaxed));
        (all > 0).then_some(all)
    }
}

/// Counts once. Where the database does not answer the last count stays.
pub(crate) async fn count(shared: &Shared) {
    match shared.store.subscribers().await {
        Ok(count) => shared.audience.0.store(count, Ordering::Relaxed),
        Err(error) => tracing::debug!(%error, "the subscribers were not counted"),
    }
}

/// Counts again and again until the worker is to stop.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => count(&shared).await,
            () = shared.stop.cancelled() => return,
        }
    }
}
