//! The `[ingest]` section of the configuration.

use std::{collections::BTreeMap, time::Duration};

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as humane;
use serde::{Deserialize, Serialize};

use crate::recheck::RecheckConfig;

/// How feeds are polled. Durations are texts of number and unit: `"30m"`, `"250ms"`. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestConfig {
    /// The shortest time between two polls of a feed.
    #[serde(with = "humane")]
    pub min_interval: Duration,
    /// The time between two polls of a feed of which nothing is known yet.
    #[serde(with = "humane")]
    pub default_interval: Duration,
    /// The longest time between two polls, whatever a server or a feed asks; also the longest wait after failures.
    #[serde(with = "humane")]
    pub max_interval: Duration,
    /// The time between two polls of a feed whose hub pushes what is new: a safety net.
    #[serde(with = "humane")]
    pub push_interval: Duration,
    /// How soon after its publication an entry should be seen, for feeds of which nothing else was said.
    #[serde(with = "humane")]
    pub freshness_target: Duration,
    /// For how long a feed must answer 410 before it is taken to have ended.
    #[serde(with = "humane")]
    pub gone_after: Duration,
    /// At how many polls in a row a move must be seen before it is followed.
    pub move_polls: u32,
    /// For how long a move must be seen before it is followed.
    #[serde(with = "humane")]
    pub move_after: Duration,
    /// Whether feeds registered as http are tried over https now and then.
    pub try_https: bool,
    /// How many pages of a feed's archive (RFC 5005) are read after its registration; 0 reads none.
    pub archive_pages: u32,
    /// Whether a feed's own rhythm moves its interval between the bounds; otherwise every feed keeps the default.
    pub adaptive: bool,
    /// How much is added to each interval by chance, as a share of it, so that feeds do not come in step.
    pub jitter: f64,
    /// From how many hosts is fetched at the same time.
    pub concurrency: usize,
    /// How many due feeds of one host are claimed at once.
    pub feeds_per_host: usize,
    /// How long a host's lease lasts; longer than any request may take. What a killed worker held is free after it.
    #[serde(with = "humane")]
    pub lease: Duration,
    /// How many bodies are read at the same time.
    pub readers: usize,
    /// How many bytes of bodies may be held in memory; fetching waits when they are used up.
    pub body_memory: usize,
    /// Ends of polls that are written in one transaction at most.
    pub write_batch: usize,
    /// How long a stop waits for what is under way.
    #[serde(with = "humane")]
    pub drain: Duration,
    /// Hosts that are treated in their own way, such as platforms of thousands of feeds.
    pub hosts: BTreeMap<String, HostPolicy>,
    /// How pages of entries are looked at again.
    pub recheck: RecheckConfig,
}

/// How one host is treated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostPolicy {
    /// Requests at the same time.
    pub concurrency: u16,
    /// Pause between requests of one lease.
    #[serde(with = "humane")]
    pub pause: Duration,
}

impl Default for IngestConfig {
    fn default() -> Self {
        let youtube = HostPolicy { concurrency: 4, pause: Duration::from_millis(250) };
        Self {
            min_interval: Duration::from_secs(5 * 60),
            default_interval: Duration::from_secs(30 * 60),
            max_interval: Duration::from_secs(24 * 3600),
            push_interval: Duration::from_secs(6 * 3600),
            freshness_target: Duration::from_secs(15 * 60),
            gone_after: Duration::from_secs(24 * 3600),
            move_polls: 3,
            move_after: Duration::from_secs(24 * 3600),
            try_https: true,
            archive_pages: 50,
            adaptive: true,
            jitter: 0.1,
            concurrency: 128,
            feeds_per_host: 32,
            lease: Duration::from_secs(180),
            readers: 16,
            body_memory: 64 << 20,
            write_batch: 256,
            drain: Duration::from_secs(20),
            hosts: BTreeMap::from([("www.youtube.com".to_owned(), youtube)]),
            recheck: RecheckConfig::default(),
        }
    }
}

/// What is wrong with a configuration; the text names the key and says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{section}.{key}: {message}")]
pub struct ConfigError {
    /// The section.
    pub section: &'static str,
    /// The key within it.
    pub key: &'static str,
    /// What would be right.
    pub message: &'static str,
}

impl IngestConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let rules = [
            ("min_interval", self.min_interval >= Duration::from_millis(100), "must be at least \"100ms\""),
            ("default_interval", self.default_interval >= self.min_interval, "must not be below min_interval"),
            ("max_interval", self.max_interval >= self.default_interval, "must not be below default_interval"),
            ("max_interval", self.max_interval <= Duration::from_secs(30 * 86_400), "must be at most \"30d\""),
            ("push_interval", self.push_interval >= self.min_interval, "must not be below min_interval"),
            ("push_interval", self.push_interval <= Duration::from_secs(30 * 86_400), "must be at most \"30d\""),
            ("freshness_target", self.freshness_target >= Duration::from_secs(1), "must be at least \"1s\""),
            ("move_polls", (1..=1000).contains(&self.move_polls), "must be between 1 and 1000"),
            ("archive_pages", self.archive_pages <= 10_000, "must be at most 10000"),
            ("jitter", (0.0..=1.0).contains(&self.jitter), "must be between 0 and 1"),
            ("concurrency", (1..=10_000).contains(&self.concurrency), "must be between 1 and 10000"),
            ("feeds_per_host", (1..=10_000).contains(&self.feeds_per_host), "must be between 1 and 10000"),
            (
                "lease",
                self.lease >= Duration::from_secs(2),
                "must be at least \"2s\", and longer than fetch.total_timeout",
            ),
            ("readers", (1..=1024).contains(&self.readers), "must be between 1 and 1024"),
            ("body_memory", self.body_memory >= 1 << 20, "must be at least 1048576 bytes"),
            ("write_batch", (1..=10_000).contains(&self.write_batch), "must be between 1 and 10000"),
            ("hosts", self.hosts.values().all(|policy| policy.concurrency >= 1), "concurrency must be at least 1"),
        ];
        match rules.iter().find(|(_, good, _)| !good) {
            Some(&(key, _, message)) => Err(ConfigError { section: "ingest", key, message }),
            None => self.recheck.check(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_survive_a_round_trip() {
        let config = IngestConfig::default();
        config.check().unwrap();
        let text = serde_json::to_string(&config).unwrap();
        assert!(text.contains("\"min_interval\":\"5m\""), "{text}");
        assert_eq!(serde_json::from_str::<IngestConfig>(&text).unwrap(), config);
    }

    #[test]
    fn wrong_values_are_named() {
        let minute = Duration::from_secs(60);
        for (config, key) in [
            (IngestConfig { default_interval: minute, ..IngestConfig::default() }, "default_interval"),
            (IngestConfig { max_interval: minute, ..IngestConfig::default() }, "max_interval"),
            (IngestConfig { jitter: f64::NAN, ..IngestConfig::default() }, "jitter"),
            (IngestConfig { concurrency: 0, ..IngestConfig::default() }, "concurrency"),
        ] {
            assert_eq!(config.check().unwrap_err().key, key);
        }
        let unknown = serde_json::from_str::<IngestConfig>(r#"{"intervall":"5m"}"#).unwrap_err();
        assert!(unknown.to_string().contains("unknown field `intervall`"));
    }
}
