//! Hosts and their leases: whatever fetches from a publisher does so under one.
//!
//! A host is a name or address without port. One with concurrency n has n leases (slots 1 to n).

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Feed, Result, Store};

/// What is known of a host.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Host {
    /// Name or address, without port.
    pub host: String,
    /// How many leases it has.
    pub concurrency: i32,
    /// Pause between requests, in milliseconds.
    pub pause_ms: i64,
    /// Nothing is fetched before.
    pub not_before: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// The right to fetch from a host, for a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostLease {
    /// The host.
    pub host: String,
    /// Which of the host's leases, from 1.
    pub slot: i32,
    /// Who holds it; a fresh one for every taking.
    pub owner: Uuid,
    /// Until when, by the database's clock.
    pub until: Timestamp,
}

/// A host to fetch from, and what is due there.
#[derive(Clone, Debug)]
pub struct HostClaim {
    /// The right to do so.
    pub lease: HostLease,
    /// Pause between requests to the host.
    pub pause: Duration,
    /// Due feeds, oldest first; their turn is already raised. `next_poll` and `next_reason` are as before the claim.
    pub feeds: Vec<Feed>,
}

impl Store {
    /// Claims hosts with due feeds: the longest waiting first, each at most once a call, none that is to be left
    /// alone or whose leases are all taken. A feed claimed is not due again until finished ([`Store::finish_polls`])
    /// or until `lease` has passed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_hosts(
        &self,
        owner: Uuid,
        max_hosts: usize,
        feeds_per_host: usize,
        lease: Duration,
    ) -> Result<Vec<HostClaim>> {
        todo!("{owner} {max_hosts} {feeds_per_host} {lease:?}")
    }

    /// Whether the lease is still its holder's, by the database's clock.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lease_alive(&self, lease: &HostLease) -> Result<bool> {
        todo!("{lease:?}")
    }

    /// Lengthens a lease to `duration` from now.
    ///
    /// # Errors
    /// `LeaseLost` when somebody else has it, or it had run out and was released.
    pub async fn renew_host_lease(&self, lease: &mut HostLease, duration: Duration) -> Result<()> {
        todo!("{lease:?} {duration:?}")
    }

    /// Gives a lease back; nothing happens when it is no longer the caller's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_host(&self, lease: &HostLease) -> Result<()> {
        todo!("{lease:?}")
    }

    /// Takes a lease of a host whether or not feeds are due there (redirects, discovery, checks); none when all are
    /// taken or the host is to be left alone. A host not seen before gets the default policy.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn acquire_host(
        &self,
        host: &str,
        owner: Uuid,
        lease: Duration,
    ) -> Result<Option<HostLease>> {
        todo!("{host} {owner} {lease:?}")
    }

    /// Leaves a host alone until then, and notes why. An earlier time than the one noted changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host_not_before(&self, host: &str, until: Timestamp, reason: &str) -> Result<()> {
        todo!("{host} {until} {reason}")
    }

    /// How many leases a host has and how long to pause between requests to it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_host_policy(
        &self,
        host: &str,
        concurrency: u16,
        pause: Duration,
    ) -> Result<()> {
        todo!("{host} {concurrency} {pause:?}")
    }

    /// What is known of a host.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host(&self, host: &str) -> Result<Option<Host>> {
        todo!("{host}")
    }

    /// When [`Store::claim_hosts`] may next find something: none when nothing is scheduled. In the past when something
    /// is due already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        todo!()
    }
}
