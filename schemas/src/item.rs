//! `carewire.items`: the item after grouping.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{EntryId, FeedId, ItemId, OrganizationId, StoryId},
    tagged::{Cleaned, PipelineVersion},
    trust::{Joined, Rights, Tier},
};

/// An item after grouping: its sources, its story, the rule's outcome.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ItemV1 {
    /// The item; the record's key.
    pub item: ItemId,
    /// Raised in the store with each change of the item.
    pub version: i64,
    /// Its story.
    pub story: StoryId,
    /// How it relates to that story.
    pub relation: StoryRelation,
    /// What readers see: that of the first of the sources.
    pub cleaned: Cleaned,
    /// Who carries it, the origin first. Never empty; withdrawn sources leave it, but the last one stays.
    pub sources: Vec<Source>,
    /// What the rules say.
    pub outcome: Outcome,
    /// Withdrawn by its origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
    /// History, not news: it triggers no alerts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub history: bool,
    /// What made `cleaned`.
    pub pipeline: PipelineVersion,
    /// Version of the rules that made the outcome: of the code, and a hash of the configured ones.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rules: String,
    /// How far the network trusts the origin's organization.
    #[serde(default, skip_serializing_if = "Tier::is_default")]
    pub trust: Tier,
    /// What outputs may show, as the origin's organization says.
    #[serde(default, skip_serializing_if = "Rights::is_default")]
    pub rights: Rights,
    /// Mean similarity to the story's members, 0 to 1, when it joined; none for the first of a story.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likeness: Option<f32>,
    /// When the first of its entries was first seen.
    #[schemars(with = "crate::document::DateTime")]
    pub first_seen: Timestamp,
}

/// How an item relates to its story.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoryRelation {
    /// The story begins with it.
    First,
    /// A copy of an item of the story. (Only in answers about entries: copies share one item.)
    Copy,
    /// Another text about the same event.
    SameStory,
}

/// One entry that carries the item.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// The entry.
    pub entry: EntryId,
    /// Its feed.
    pub feed: FeedId,
    /// Whose feed that is.
    pub organization: OrganizationId,
    /// The organization's short name at the time.
    pub slug: String,
    /// The organization's name at the time.
    pub name: String,
    /// The entry's address there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was published there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::document::DateTime>")]
    pub published: Option<Timestamp>,
    /// How it was found to belong to the item; none for the entry that the item began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Joined>,
}

/// What the rules say of an item.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// Curated at once, or waiting, or not taken.
    pub state: OutcomeState,
    /// The rule that said so, kebab-case: `accepted-organization`, `organization-not-accepted`, `feed-unproven` …
    pub rule: String,
    /// In words.
    pub reason: String,
}

/// Curated at once, or waiting, or not taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeState {
    /// Carries the network's name at once.
    Curated,
    /// Waits for a curator.
    Held,
    /// Not taken.
    Refused,
}

/// That, when and why something was withdrawn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Withdrawal {
    /// When.
    #[schemars(with = "crate::document::DateTime")]
    pub at: Timestamp,
    /// Why, in words for readers.
    pub reason: String,
}
