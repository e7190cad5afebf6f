//! The `[youtube]` section of the configuration.

use std::time::Duration;

use carewire_bus::Secret;
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as humane;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::ConfigError;

/// How YouTube is asked beside its feeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct YoutubeConfig {
    /// A key of the Data API v3; without one the API is not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Secret>,
    /// The API's address.
    pub api_url: Url,
    /// Units of the API's quota that are used in a day at most.
    pub daily_quota: i64,
    /// Where films are looked for: the site's address.
    pub site_url: Url,
    /// Where films are looked for: the address of preview pictures.
    pub thumbnail_url: Url,
    /// How often a film is looked for; one that is not there is withdrawn when it is not there a day later either.
    #[serde(with = "humane")]
    pub look: Duration,
    /// How long after it was first missed a film must be missed again.
    #[serde(with = "humane")]
    pub gone_after: Duration,
    /// How long after it said something the API is asked again; its terms ask for that within 30 days.
    #[serde(with = "humane")]
    pub refresh: Duration,
    /// How long after it said something that is erased, where it could not be asked again.
    #[serde(with = "humane")]
    pub erase: Duration,
}

impl Default for YoutubeConfig {
    fn default() -> Self {
        let constant = |text| Url::parse(text).unwrap_or_else(|_| unreachable!("a constant that is an address"));
        Self {
            api_key: None,
            api_url: constant("https://www.googleapis.com/youtube/v3/"),
            daily_quota: 5_000,
            site_url: constant("https://www.youtube.com/"),
            thumbnail_url: constant("https://i.ytimg.com/"),
            look: Duration::from_secs(30 * 86_400),
            gone_after: Duration::from_secs(86_400),
            // A few days of room for when it does not answer.
            refresh: Duration::from_secs(25 * 86_400),
            erase: Duration::from_secs(29 * 86_400),
        }
    }
}

impl YoutubeConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let bases = [&self.api_url, &self.site_url, &self.thumbnail_url];
        let rules = [
            (
                "api_url",
                bases.iter().all(|url| !url.cannot_be_a_base() && url.path().ends_with('/')),
                "addresses must end with a slash",
            ),
            ("daily_quota", self.daily_quota >= 0, "must not be negative"),
            ("refresh", self.refresh <= self.erase, "must not be above erase"),
            (
                "erase",
                self.erase <= Duration::from_secs(30 * 86_400),
                "must be at most \"30d\", as YouTube's terms have it",
            ),
            ("look", self.look >= Duration::from_millis(100), "must be at least \"100ms\""),
        ];
        match rules.iter().find(|(_, good, _)| !good) {
            Some(&(key, _, message)) => Err(ConfigError { section: "youtube", key, message }),
            None => Ok(()),
        }
    }
}
