//! Policy: what the network takes, holds and refuses, by rules of the operator and by the habits of each feed.
//!
//! [`PolicyConfig`] is the section `[policy]` of the configuration; [`Policy`] is it made ready. [`words`] finds blocked words,
//! [`habit`] knows what a feed is used to do, [`verdict`] says of one entry where it stands and by which rule. All pure.

mod config;
pub mod habit;
pub mod verdict;
pub mod words;

pub use config::{FutureDates, HabitsConfig, PolicyConfig, PolicyError, RetractionPolicy, RuleConfig, RuleOutcome};

use std::sync::LazyLock;

use carewire_schemas::ItemKind;
use carewire_store::FeedStanding;
use xxhash_rust::xxh3::xxh3_64;

use crate::group::Member;
use words::Words;

/// Raised with every change of the code that changes what rules say.
pub const RULES_VERSION: u32 = 1;

/// The policy in force, made ready once per process.
#[derive(Debug)]
pub struct Policy {
    config: PolicyConfig,
    words: Words,
    version: String,
}

impl Policy {
    /// Makes a configuration ready.
    ///
    /// # Errors
    /// When the configuration is wrong.
    pub fn new(config: PolicyConfig) -> Result<Self, PolicyError> {
        config.check()?;
        let words = Words::new(&config)?;
        let mut version = RULES_VERSION.to_string();
        if config != PolicyConfig::default() {
            let text = serde_json::to_string(&config).unwrap_or_default();
            version = format!("{version}-{:08x}", xxh3_64(text.as_bytes()) >> 32);
        }
        Ok(Self { config, words, version })
    }

    /// Without rules of an operator.
    #[must_use]
    pub fn bundled() -> &'static Self {
        static BUNDLED: LazyLock<Policy> = LazyLock::new(|| {
            Policy::new(PolicyConfig::default()).unwrap_or_else(|error| unreachable!("the defaults hold: {error}"))
        });
        &BUNDLED
    }

    /// The version of the rules: of the code, and a hash of the configuration where that is not the default.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What is configured.
    #[must_use]
    pub fn config(&self) -> &PolicyConfig {
        &self.config
    }

    /// What finds blocked words.
    #[must_use]
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// The first rule that an entry of a feed with this standing falls under, and the blocked word in it where the rule has
    /// words.
    #[must_use]
    pub fn rule<'a>(
        &'a self,
        member: &'a Member,
        standing: &FeedStanding,
    ) -> Option<(&'a RuleConfig, Option<&'a str>)> {
        self.config.rules.iter().find_map(|rule| {
            let word = member.words.iter().find(|found| found.rule == rule.name).map(|found| found.word.as_str());
            (matches(rule, member, standing) && (rule.words.is_empty() || word.is_some())).then_some((rule, word))
        })
    }
}

/// Whether a rule's demands hold, its words left aside. An empty list demands nothing.
fn matches(rule: &RuleConfig, member: &Member, standing: &FeedStanding) -> bool {
    let cleaned = &member.cleaned;
    let among = |list: &[String], one: &dyn Fn(&str) -> bool| list.is_empty() || list.iter().any(|wanted| one(wanted));
    (rule.kinds.is_empty() || rule.kinds.contains(&cleaned.kind))
        && (rule.tiers.is_empty() || rule.tiers.contains(&standing.tier))
        && among(&rule.organizations, &|slug| slug == standing.slug)
        && among(&rule.feeds, &|feed| feed == standing.url || feed == member.feed.to_string())
        && among(&rule.languages, &|wanted| match &cleaned.language {
            Some(have) => below(have, wanted),
            None => wanted == "none",
        })
        && among(&rule.licences, &|wanted| match &cleaned.licence {
            Some(have) => have.to_lowercase().contains(&wanted.to_lowercase()),
            None => wanted == "none",
        })
}

/// Whether the language tag `have` is `wanted` or below it (RFC 4647 §3.3.1).
fn below(have: &str, wanted: &str) -> bool {
    have.get(..wanted.len()).is_some_and(|head| head.eq_ignore_ascii_case(wanted))
        && matches!(have.as_bytes().get(wanted.len()), None | Some(b'-'))
}

/// Whether dates of things of this kind are when they take place, not when they were written.
fn is_dated_ahead(kind: ItemKind) -> bool {
    kind == ItemKind::Event
}
