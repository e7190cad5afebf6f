//! The `[streams]` section of the configuration.

use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as humane;
use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

/// How many streams are served and how they are kept alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamsConfig {
    /// Most streams of one process at the same time.
    pub max_clients: usize,
    /// Most streams of one address at the same time.
    pub per_address: usize,
    /// How often a stream without news says that it is there.
    #[serde(with = "humane")]
    pub heartbeat: Duration,
}

impl Default for StreamsConfig {
    fn default() -> Self {
        Self { max_clients: 20_000, per_address: 500, heartbeat: Duration::from_secs(15) }
    }
}

impl StreamsConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let rules = [
            ("max_clients", self.max_clients >= 1, "must be at least 1"),
            ("per_address", self.per_address >= 1, "must be at least 1"),
            ("heartbeat", self.heartbeat >= Duration::from_millis(10), "must be at least \"10ms\""),
            ("heartbeat", self.heartbeat <= Duration::from_secs(3600), "must be at most \"1h\""),
        ];
        ConfigError::first("streams", &rules)
    }
}
