//! The `[websub]` section of the configuration.

use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as humane;
use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

/// How hubs are subscribed to. Nothing is without `public_url`, under which hubs reach us.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebsubConfig {
    /// Whether hubs are subscribed to at all.
    pub enabled: bool,
    /// The lease that hubs are asked for; they may give another. It is renewed when a fifth of it is left.
    #[serde(with = "humane")]
    pub lease: Duration,
    /// The first wait after a hub failed; it doubles up to a day.
    #[serde(with = "humane")]
    pub retry: Duration,
    /// How long a hub may take to verify a request that it accepted.
    #[serde(with = "humane")]
    pub verify_within: Duration,
    /// How often subscriptions are brought in line with their feeds.
    #[serde(with = "humane")]
    pub check: Duration,
    /// How long a ping may come after the poll that found the entry; then the hub counts as silent.
    #[serde(with = "humane")]
    pub silent_after: Duration,
    /// The largest ping, in bytes.
    pub max_body: usize,
    /// Most pings of one subscription in a minute; for more, the hub is asked to come again later.
    pub pings_per_minute: u32,
}

impl Default for WebsubConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            lease: Duration::from_secs(10 * 86_400),
            retry: Duration::from_secs(60),
            verify_within: Duration::from_secs(3600),
            check: Duration::from_secs(15),
            silent_after: Duration::from_secs(15 * 60),
            max_body: 4 << 20,
            pings_per_minute: 60,
        }
    }
}

impl WebsubConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let rules = [
            ("lease", self.lease >= Duration::from_secs(1), "must be at least \"1s\""),
            ("lease", self.lease <= Duration::from_secs(365 * 86_400), "must be at most \"365d\""),
            ("retry", self.retry >= Duration::from_millis(10), "must be at least \"10ms\""),
            ("check", self.check >= Duration::from_millis(10), "must be at least \"10ms\""),
            ("max_body", (1024..=64 << 20).contains(&self.max_body), "must be between 1024 and 67108864 bytes"),
            ("pings_per_minute", self.pings_per_minute >= 1, "must be at least 1"),
        ];
        match rules.iter().find(|(_, good, _)| !good) {
            Some(&(key, _, message)) => Err(ConfigError { section: "websub", key, message }),
            None => Ok(()),
        }
    }
}
