//! The tagger: which conditions a document names, and which it is about.

use carewire_schemas::ConditionTag;

use crate::Vocabulary;

/// Raised with every change of the tagger's code that changes tags; part of the pipeline version.
pub const TAGGER_VERSION: u32 = 1;

/// What is tagged.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Plain text; empty where there is none.
    pub title: &'a str,
    /// Plain text of the body; empty where there is none.
    pub text: &'a str,
    /// BCP 47 language where known.
    pub language: Option<&'a str>,
    /// Categories and tags given by the publisher.
    pub categories: &'a [String],
}

/// Finds conditions in documents. Cheap to share: all state is read-only.
pub struct Tagger {
    vocabulary: &'static Vocabulary,
}

impl Tagger {
    /// The tagger over [`Vocabulary::bundled`].
    #[must_use]
    pub fn bundled() -> &'static Self {
        todo!()
    }

    /// A tagger over `vocabulary`.
    #[must_use]
    pub fn new(vocabulary: &'static Vocabulary) -> Self {
        Self { vocabulary }
    }

    /// The conditions of `document`: deterministic; those it is about first, then by score (highest first), then
    /// by code. Spans are in `char`s of the field they stand in.
    #[must_use]
    pub fn tag(&self, document: &Document<'_>) -> Vec<ConditionTag> {
        let _ = (document, self.vocabulary);
        todo!()
    }
}
