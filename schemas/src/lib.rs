//! Events, topics, ids and condition codes: types only, no I/O.
//!
//! Everything that crosses a boundary between stages stands here: what is on a topic ([`topics`]), under which
//! key, in which version. The JSON Schema of every event and the AsyncAPI document are generated from these types
//! ([`document`]) and committed under `schemas/generated`; golden files of every version stay readable.

pub mod cloudevents;
pub mod condition;
pub mod curated;
pub mod dead_letter;
pub mod decision;
pub mod document;
pub mod entry;
pub mod ids;
pub mod item;
pub mod tagged;
pub mod topics;
pub mod traits;
pub mod trust;

pub use cloudevents::{EventHeaders, TraceParent};
pub use condition::{ConditionCode, ConditionTag, Evidence, Field, Qualifier, Role};
pub use curated::{CuratedV1, Fields, OrganizationRef, PublicSource, PublicState, RetractionNotice};
pub use dead_letter::DeadLetterV1;
pub use decision::{DecisionV1, Verdict};
pub use entry::{Broadcast, Change, Content, EntryV1, Media, MediaKind, Person, SourceRef, Text, TextType, Via, Video};
pub use ids::{ChangeSeq, DecisionId, EntryId, FeedId, ItemId, OrganizationId, Slug, SlugError, StoryId};
pub use item::{ItemV1, Outcome, OutcomeState, Source, StoryRelation, Withdrawal};
pub use tagged::{Cleaned, Embargo, ItemKind, PipelineVersion, TaggedV1};
pub use traits::{
    Aspect, AspectTag, Audience, AudienceTag, Reading, ReadingFormula, ReadingLevel, Study, StudyDesign, Traits,
};
pub use trust::{Joined, JoinedBy, Rights, Tier};
