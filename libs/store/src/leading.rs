//! Being the one active worker: a lease that is kept while the work goes on.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Lease, Result, Store, StoreError};

/// A lease that is renewed in the background until it is lost or given back.
///
/// Losing it is noticed late at worst (a stopped process does not notice at all), so what is written under a lease
/// checks its epoch in the writing transaction all the same.
#[derive(Debug)]
pub struct Leading {
    store: Store,
    lease: Lease,
    lost: CancellationToken,
    renewal: JoinHandle<()>,
}

impl Leading {
    /// Takes the lease `name` for `ttl` and keeps it; none while another owner holds it.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn acquire(store: &Store, name: &str, owner: Uuid, ttl: Duration) -> Result<Option<Self>> {
        let Some(lease) = store.acquire_lease(name, owner, ttl).await? else { return Ok(None) };
        let lost = CancellationToken::new();
        let renewal = tokio::spawn(keep(store.clone(), lease.clone(), ttl, lost.clone()));
        Ok(Some(Self { store: store.clone(), lease, lost, renewal }))
    }

    /// The lease; its `epoch` stays as long as it is kept, its `until` is that of the first moment.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Cancelled when the lease is no longer ours.
    #[must_use]
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Gives the lease back, so that a stand-by need not wait for its end.
    pub async fn release(self) {
        self.renewal.abort();
        if !self.lost.is_cancelled()
            && let Err(error) = self.store.release_lease(&self.lease).await
        {
            tracing::debug!(lease = self.lease.name, %error, "not given back; it ends by itself");
        }
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        self.renewal.abort();
        self.lost.cancel();
    }
}

async fn keep(store: Store, mut lease: Lease, ttl: Duration, lost: CancellationToken) {
    let mut held_until = tokio::time::Instant::now() + ttl;
    loop {
        tokio::time::sleep(ttl / 3).await;
        let asked = tokio::time::Instant::now();
        match tokio::time::timeout_at(held_until, store.renew_lease(&mut lease, ttl)).await {
            Ok(Ok(())) => held_until = asked + ttl,
            Ok(Err(StoreError::LeaseLost(_))) | Err(_) => break,
            // The database is away: the lease is ours until its time is over.
            Ok(Err(error)) if asked < held_until => {
                tracing::debug!(lease = lease.name, %error, "not renewed yet");
            }
            Ok(Err(_)) => break,
        }
    }
    tracing::warn!(lease = lease.name, "lease lost");
    lost.cancel();
}
