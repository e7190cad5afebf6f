//! `carewire.curated`, `/v1/changes` and every other output: the public form of an item, and what queries see of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    condition::{ConditionCode, ConditionTag, Role},
    entry::{Media, Person, Video},
    ids::{ItemId, StoryId},
    item::Withdrawal,
    tagged::ItemKind,
    traits::{Aspect, Audience, ReadingLevel, StudyDesign, Traits},
    trust::{Rights, Tier},
};

/// The public form of an item. A withdrawn item keeps its id, its address and why it was withdrawn; its content is gone.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CuratedV1 {
    /// The item; the record's key.
    pub id: ItemId,
    /// Raised with each change of the public form.
    pub version: i64,
    /// In the network, or withdrawn.
    pub state: PublicState,
    /// Plain title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The address of the thing itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Plain summary, at most 500 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Sanitised HTML.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub html: String,
    /// Language (BCP 47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The kind of item.
    #[serde(default)]
    pub kind: ItemKind,
    /// When it was published.
    #[schemars(with = "crate::document::DateTime")]
    pub published: Timestamp,
    /// When its public form last changed.
    #[schemars(with = "crate::document::DateTime")]
    pub updated: Timestamp,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<Person>,
    /// Images, audio, video, documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    /// Of a video: what its platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Video>,
    /// Address or name of the licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// The conditions, those it is about first; negated ones are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionTag>,
    /// How hard it is to read, what evidence it reports, which side of a condition, for whom.
    #[serde(default, skip_serializing_if = "Traits::is_empty")]
    pub traits: Traits,
    /// Who carries it, the origin first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<PublicSource>,
    /// How far the network trusts the organization that it comes from.
    #[serde(default, skip_serializing_if = "Tier::is_default")]
    pub trust: Tier,
    /// What outputs may show of it, as that organization says: `html` and `summary` hold no more.
    #[serde(default, skip_serializing_if = "Rights::is_default")]
    pub rights: Rights,
    /// That a study it speaks of was retracted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retraction: Option<RetractionNotice>,
    /// Its story.
    pub story: StoryId,
    /// That, when and why it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
}

/// That a study was retracted, corrected or put under concern.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RetractionNotice {
    /// The study: a DOI, or `pmid:` and a number.
    pub study: String,
    /// What happened to it, as the list of retractions has it: `Retraction`, `Expression of concern` …
    pub nature: String,
    /// On which day (ISO 8601), where the list says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// DOI of the notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// In the network, or withdrawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PublicState {
    /// In the network.
    Curated,
    /// Withdrawn.
    Withdrawn,
}

/// An organization, as outputs name it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationRef {
    /// Its short name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
}

/// An organization that carries an item.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PublicSource {
    /// The organization.
    #[serde(flatten)]
    pub organization: OrganizationRef,
    /// The item's address there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The fields that queries look at: what a change row holds before and after a change.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Fields {
    /// Codes that the item is about (not their parents).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<ConditionCode>,
    /// Codes that it only mentions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentioned: Vec<ConditionCode>,
    /// Slugs of the organizations that carry it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<String>,
    /// The kind.
    #[serde(default)]
    pub kind: ItemKind,
    /// Language (BCP 47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// When it was published, in milliseconds since the epoch.
    pub published: i64,
    /// Hash of what full-text queries look at (title, summary, text): when it moves, `q` must be asked again.
    pub text_hash: u64,
    /// Seconds of a video or sound, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// How hard it is to read, where that could be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<ReadingLevel>,
    /// Years of school that it asks for, in tenths, where its language has a formula for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<u16>,
    /// The design of the study that it reports on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<StudyDesign>,
    /// The sides of a condition that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aspects: Vec<Aspect>,
    /// Whom it speaks to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<Audience>,
    /// Ids of the studies that it speaks of: registrations, DOIs, `pmid:…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub studies: Vec<String>,
    /// How far the network trusts the organization that it comes from.
    #[serde(default, skip_serializing_if = "Tier::is_default")]
    pub trust: Tier,
}

impl CuratedV1 {
    /// Codes with the given role, negated ones left out.
    pub fn codes(&self, role: Role) -> impl Iterator<Item = &ConditionCode> {
        self.conditions.iter().filter(move |tag| tag.role == role && !tag.negated).map(|tag| &tag.code)
    }
}
