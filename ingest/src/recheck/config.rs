//! The `[ingest.recheck]` section of the configuration.

use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as humane;
use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

/// How pages of entries are looked at again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecheckConfig {
    /// Whether they are.
    pub enabled: bool,
    /// How often each page is looked at; the first time not before half of it.
    #[serde(with = "humane")]
    pub every: Duration,
    /// How long after it was first found missing, or moved, a page must be found so again before that is believed.
    #[serde(with = "humane")]
    pub gone_after: Duration,
    /// Pages looked at in a minute at most, by all workers together.
    pub per_minute: u32,
    /// Time between two pages of one host; a longer `Crawl-delay` holds.
    #[serde(with = "humane")]
    pub host_pause: Duration,
    /// Share of a feed's pages that may be missing at the same time; when more are, none is withdrawn for it.
    pub hold_share: f64,
    /// So many may be missing in any case.
    pub hold_least: u32,
}

impl Default for RecheckConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            every: Duration::from_secs(30 * 86_400),
            gone_after: Duration::from_secs(7 * 86_400),
            per_minute: 60,
            host_pause: Duration::from_secs(60),
            hold_share: 0.2,
            hold_least: 3,
        }
    }
}

impl RecheckConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let year = Duration::from_secs(365 * 86_400);
        let rules = [
            ("every", self.every >= Duration::from_millis(100), "must be at least \"100ms\""),
            ("every", self.every <= year, "must be at most \"365d\""),
            ("gone_after", self.gone_after <= self.every, "must not be above every"),
            ("per_minute", self.per_minute >= 1, "must be at least 1"),
            ("host_pause", self.host_pause <= Duration::from_secs(86_400), "must be at most \"1d\""),
            ("hold_share", (0.0..=1.0).contains(&self.hold_share), "must be between 0 and 1"),
        ];
        match rules.iter().find(|(_, good, _)| !good) {
            Some(&(key, _, message)) => Err(ConfigError { section: "ingest.recheck", key, message }),
            None => Ok(()),
        }
    }
}
