//! The `[policy]` section of the configuration.

use std::collections::HashSet;

use carewire_schemas::{ItemKind, Tier};
use serde::{Deserialize, Serialize};

/// What the network takes at once, holds, and never takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// What becomes of entries whose date of publication lies in the future.
    pub future_dates: FutureDates,
    /// For how many days an embargo or a future date holds an item at most; dates beyond are taken to be wrong.
    pub longest_hold_days: u32,
    /// What becomes of items that speak of a retracted study.
    pub retractions: RetractionPolicy,
    /// The rules, the first that fits decides.
    pub rules: Vec<RuleConfig>,
    /// When a feed is held because it does what it never did.
    pub habits: HabitsConfig,
}

/// What becomes of entries whose date of publication lies in the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FutureDates {
    /// They wait until then.
    Hold,
    /// They are taken at once.
    Take,
}

/// What becomes of items that speak of a retracted study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetractionPolicy {
    /// They bear a notice.
    Notice,
    /// They wait for a curator.
    Hold,
}

/// One rule. Of each list one must fit; an empty list demands nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// Its name, which every outcome by it bears: a-z, 0-9 and `-`.
    pub name: String,
    /// What it says.
    pub outcome: RuleOutcome,
    /// Why, in words for curators and readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<ItemKind>,
    /// Languages (BCP 47; `es` also fits `es-MX`; `none`: could not be told).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Pieces of licences' names or addresses (`none`: none was given).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licences: Vec<String>,
    /// Words and phrases in title or text: whole words, in any case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Short names of organizations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<String>,
    /// Ids or addresses of feeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<String>,
    /// Trust tiers of organizations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleOutcome {
    /// Carries the network's name at once, though the feed was not proven. Never lifts a hold or a suspension.
    Curate,
    /// Waits for a curator.
    Hold,
    /// Is never taken.
    Refuse,
}

/// When a feed is held because it does what it never did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HabitsConfig {
    /// Whether habits are looked at.
    pub enabled: bool,
    /// Entries of a feed that must be known before it has habits.
    pub learn: u32,
    /// How unusual what a feed does must be: once in so many entries.
    pub once_in: u32,
    /// New entries within a day below which nothing is a burst.
    pub burst: u32,
    /// How many times its usual number of entries a feed may bring within a day.
    pub burst_times: u32,
    /// Words that a feed of health care seldom has, unless it is used to.
    pub words: Vec<String>,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            future_dates: FutureDates::Hold,
            longest_hold_days: 60,
            retractions: RetractionPolicy::Notice,
            rules: Vec::new(),
            habits: HabitsConfig::default(),
        }
    }
}

impl Default for HabitsConfig {
    fn default() -> Self {
        let words = [
            "casino",
            "casinos",
            "slot machine",
            "slot machines",
            "free spins",
            "jackpot",
            "roulette",
            "baccarat",
            "betting",
            "sportsbook",
            "bookmaker",
            "poker",
            "bonus code",
            "no deposit bonus",
            "viagra",
            "cialis",
            "levitra",
            "buy online cheap",
            "without prescription",
            "porn",
            "porno",
            "xxx",
            "escort service",
            "escorts",
            "payday loan",
            "payday loans",
            "crypto giveaway",
            "airdrop",
            "replica watches",
            "essay writing service",
            "казино",
            "ставки на спорт",
            "tragaperras",
            "apuestas deportivas",
            "spielautomaten",
            "wettanbieter",
            "slot gacor",
            "judi online",
            "togel",
        ];
        Self {
            enabled: true,
            learn: 10,
            once_in: 90,
            burst: 50,
            burst_times: 8,
            words: words.map(str::to_owned).into(),
        }
    }
}

/// What is wrong with the section; the text names the key and says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy.{key}: {message}")]
pub struct PolicyError {
    key: String,
    message: String,
}

impl PolicyError {
    pub(crate) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }
}

/// Names of the network's own rules, which no other may bear.
pub const OWN_RULES: [&str; 9] = [
    "feed-not-registered",
    "organization-suspended",
    "organization-not-accepted",
    "feed-unproven",
    "accepted-organization",
    "embargo",
    "embargo-unclear",
    "break-of-habit",
    "retracted-study",
];

impl PolicyConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn check(&self) -> Result<(), PolicyError> {
        let ranges = [
            ("longest_hold_days", self.longest_hold_days, 1..=3650),
            ("habits.learn", self.habits.learn, 5..=1000),
            ("habits.once_in", self.habits.once_in, 5..=1_000_000),
            ("habits.burst", self.habits.burst, 5..=1_000_000),
            ("habits.burst_times", self.habits.burst_times, 1..=1000),
        ];
        for (key, value, range) in ranges {
            if !range.contains(&value) {
                let message = format!("{value} must be between {} and {}", range.start(), range.end());
                return Err(PolicyError::new(key, message));
            }
        }
        let mut names = HashSet::new();
        for rule in &self.rules {
            let good = (1..=60).contains(&rule.name.len())
                && rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            if !good {
                let name: String = rule.name.chars().take(60).collect();
                return Err(PolicyError::new("rules", format!("`{name}`: a name has 1 to 60 of a-z, 0-9 and -")));
            }
            if OWN_RULES.contains(&rule.name.as_str()) {
                return Err(PolicyError::new("rules", format!("`{}` is a rule of the network's own", rule.name)));
            }
            if !names.insert(&rule.name) {
                return Err(PolicyError::new("rules", format!("`{}` stands twice", rule.name)));
            }
            if rule.words.iter().chain(&rule.languages).chain(&rule.licences).any(|text| text.trim().is_empty()) {
                return Err(PolicyError::new("rules", format!("`{}` has an empty text in a list", rule.name)));
            }
        }
        Ok(())
    }
}
