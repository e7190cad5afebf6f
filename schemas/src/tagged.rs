//! `carewire.tagged`: the entry cleaned and tagged.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    condition::ConditionTag,
    entry::{Change, Media, Person, SourceRef, Via, Video},
    ids::{EntryId, FeedId, OrganizationId},
    traits::Traits,
};

/// An entry cleaned and tagged.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TaggedV1 {
    /// The entry; the record's key.
    pub entry: EntryId,
    /// The feed it came by.
    pub feed: FeedId,
    /// The organization whose feed that is.
    pub organization: OrganizationId,
    /// The entry's version: its feed's turn.
    pub version: i64,
    /// What cleaned and tagged it; with equal `version` the newer pipeline wins.
    pub pipeline: PipelineVersion,
    /// How the entry came.
    pub via: Via,
    /// What happened to it.
    pub change: Change,
    /// History, not news.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub history: bool,
    /// When this revision was first seen.
    #[schemars(with = "crate::document::DateTime")]
    pub seen: Timestamp,
    /// Of a deletion: why, in words for readers, where it is not that its publisher declared it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `guid` or `id`, as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    /// The feed that it was taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// What readers see.
    pub cleaned: Cleaned,
}

/// Which code and vocabulary made a result. Compared by `run` alone: a re-run is newer than what it re-runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PipelineVersion {
    /// Version of the cleaning and tagging code.
    pub code: u32,
    /// Version of the vocabulary (its hash).
    pub vocabulary: String,
    /// Number of the re-run, 0 for the first run; a re-run is newer than what it re-runs.
    #[serde(default)]
    pub run: u32,
}

/// Until when an entry is not to be shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Embargo {
    /// Until when; none where the text says that there is an embargo and not until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::document::DateTime>")]
    pub until: Option<Timestamp>,
    /// The text states it; else it is a date of publication that lay in the future when the entry was seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stated: bool,
}

/// What readers see of an entry: cleaned text, language, kind, conditions.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Cleaned {
    /// Plain title, never empty: an entry without one gets it from its text, else its address.
    pub title: String,
    /// The address of the thing itself, tracking parameters removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Plain summary: at most 500 characters, cut at a word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Sanitised HTML.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub html: String,
    /// The whole plain text; paragraphs are separated by newlines.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Language (BCP 47, primary subtag at least); none when it could not be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The kind of item.
    #[serde(default)]
    pub kind: ItemKind,
    /// When it was published: as the feed says, never later than when it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::document::DateTime>")]
    pub published: Option<Timestamp>,
    /// When it was last changed, as the feed says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::document::DateTime>")]
    pub updated: Option<Timestamp>,
    /// Until when it is not to be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embargo: Option<Embargo>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<Person>,
    /// Categories given by the publisher.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Images, audio, video, documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    /// Of a video: what its platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Video>,
    /// Address or name of the licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// The conditions, those it is about first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionTag>,
    /// How hard it is to read, what evidence it reports, which side of a condition, for whom.
    #[serde(default, skip_serializing_if = "Traits::is_empty")]
    pub traits: Traits,
}

crate::traits::named! {
    /// The kind of an item: what one does with it.
    #[derive(Default)]
    ItemKind {
        /// A text, without a finer kind.
        #[default]
        Article = "article", "Article";
        /// A report of something that has just happened.
        News = "news", "News";
        /// Somebody tells of an illness of their own or in their family.
        PatientStory = "patient-story", "Patient story";
        /// A video.
        Video = "video", "Video";
        /// A podcast episode or other sound.
        Audio = "audio", "Podcast";
        /// An article of a scientific journal.
        ResearchArticle = "research-article", "Research article";
        /// What an organization tells the press.
        PressRelease = "press-release", "Press release";
        /// A guideline, or a recommendation of a body.
        Guideline = "guideline", "Guideline";
        /// Something to go to, or to join at a certain time.
        Event = "event", "Event";
        /// A job.
        Job = "job", "Job";
        /// A recall, or a safety alert.
        Recall = "recall", "Recall or safety alert";
        /// A notice of an outbreak.
        Outbreak = "outbreak", "Outbreak notice";
        /// A call for people to take part in a study.
        CallForParticipants = "call-for-participants", "Call for participants";
        /// A notice of a support group.
        SupportGroup = "support-group", "Support group";
    }
}

impl ItemKind {
    /// Whether it is kept out of what is asked by condition unless it is asked for: who follows diabetes does not want
    /// a hospital's vacancies and open days.
    #[must_use]
    pub fn is_aside(self) -> bool {
        matches!(self, Self::Job | Self::Event)
    }
}
