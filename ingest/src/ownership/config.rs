//! The `[ownership]` section of the configuration.

use std::{net::SocketAddr, time::Duration};

use carewire_store::OwnershipTimes;
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as humane;
use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

/// How proofs of ownership are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwnershipConfig {
    /// How often a proof is looked at again.
    #[serde(with = "humane")]
    pub recheck: Duration,
    /// How long a feed stays trusted after its proof was found gone; its owner is told meanwhile.
    #[serde(with = "humane")]
    pub grace: Duration,
    /// The name server that is asked for TXT records, as `"192.0.2.53:53"`; without it those of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<SocketAddr>,
}

impl Default for OwnershipConfig {
    fn default() -> Self {
        Self { recheck: Duration::from_secs(7 * 86_400), grace: Duration::from_secs(14 * 86_400), dns: None }
    }
}

impl OwnershipConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self.recheck < Duration::from_millis(100) {
            true => Err(ConfigError { section: "ownership", key: "recheck", message: "must be at least \"100ms\"" }),
            false => Ok(()),
        }
    }

    /// As the store wants it.
    #[must_use]
    pub fn times(&self) -> OwnershipTimes {
        OwnershipTimes { recheck: self.recheck, grace: self.grace }
    }
}
