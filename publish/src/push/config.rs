//! The `[push]` section of the configuration.

use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as humane;
use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

/// How deliveries are made: to the hub's subscribers and to webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushConfig {
    /// Deliveries under way at the same time.
    pub concurrency: usize,
    /// Deliveries under way to one host at the same time; 0: no limit.
    pub host_concurrency: usize,
    /// Deliveries to one host in a second; 0: no limit.
    pub host_rate: u32,
    /// How long a subscriber may take to answer.
    #[serde(with = "humane")]
    pub timeout: Duration,
    /// How long a subscriber is left alone after a delivery; what changes meanwhile comes in one.
    #[serde(with = "humane")]
    pub pause: Duration,
    /// The first wait after a delivery failed; it doubles.
    #[serde(with = "humane")]
    pub retry: Duration,
    /// The longest wait between two tries.
    #[serde(with = "humane")]
    pub max_wait: Duration,
    /// A subscriber that took nothing for so long is given up.
    #[serde(with = "humane")]
    pub give_up: Duration,
}

impl Default for PushConfig {
    fn default() -> Self {
        Self {
            concurrency: 256,
            host_concurrency: 8,
            host_rate: 50,
            timeout: Duration::from_secs(10),
            pause: Duration::from_secs(1),
            retry: Duration::from_secs(30),
            max_wait: Duration::from_secs(6 * 3600),
            give_up: Duration::from_secs(86_400),
        }
    }
}

impl PushConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let rules = [
            ("concurrency", (1..=10_000).contains(&self.concurrency), "must be between 1 and 10000"),
            ("timeout", self.timeout >= Duration::from_millis(100), "must be at least \"100ms\""),
            ("timeout", self.timeout <= Duration::from_secs(300), "must be at most \"5m\""),
            ("retry", self.retry >= Duration::from_millis(10), "must be at least \"10ms\""),
            ("max_wait", self.max_wait >= self.retry, "must not be shorter than push.retry"),
        ];
        ConfigError::first("push", &rules)
    }

    /// How long to wait after `tries` failures in a row: doubling, with some chance, as asked for (`Retry-After`) at least.
    #[must_use]
    pub fn wait(&self, tries: i64, asked: Option<Duration>) -> Duration {
        let doublings = u32::try_from(tries.clamp(0, 30)).unwrap_or(30);
        let wait = self.retry.saturating_mul(2_u32.saturating_pow(doublings)).min(self.max_wait);
        wait.mul_f64(0.8 + 0.4 * fastrand::f64()).max(asked.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let config =
            PushConfig { retry: Duration::from_secs(10), max_wait: Duration::from_secs(60), ..Default::default() };
        for (tries, expected) in [(0, 10.0), (1, 20.0), (2, 40.0), (3, 60.0), (10_000, 60.0)] {
            let wait = config.wait(tries, None).as_secs_f64();
            assert!((expected * 0.79..=expected * 1.21).contains(&wait), "{tries}: {wait}");
        }
        assert!(config.wait(0, Some(Duration::from_secs(3600))) >= Duration::from_secs(3600));
    }
}
