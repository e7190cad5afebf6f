//! Leases by name: who is the one worker that may do something, for a time.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Result, Store};

/// The right to be the one who does something, for a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// What for.
    pub name: String,
    /// Who.
    pub owner: Uuid,
    /// Raised with each change of owner: what carries an older one is refused.
    pub epoch: i64,
    /// Until when, by the database's clock.
    pub until: Timestamp,
}

impl Store {
    /// Takes a lease that is free, has run out, or is the caller's already; none when somebody else holds it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn acquire_lease(
        &self,
        name: &str,
        owner: Uuid,
        ttl: Duration,
    ) -> Result<Option<Lease>> {
        todo!("{name} {owner} {ttl:?}")
    }

    /// Lengthens a lease to `ttl` from now. One that has run out is lengthened too, as long as nobody took it.
    ///
    /// # Errors
    /// `LeaseLost` when somebody else has taken it.
    pub async fn renew_lease(&self, lease: &mut Lease, ttl: Duration) -> Result<()> {
        todo!("{lease:?} {ttl:?}")
    }

    /// Gives a lease back; nothing happens when it is no longer the caller's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_lease(&self, lease: &Lease) -> Result<()> {
        todo!("{lease:?}")
    }
}
