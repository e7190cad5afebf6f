//! The tagger: which conditions a document names, and which it is about.
//!
//! One pass over the words of a field ([`tokens`]), the longest name at each place ([`matcher`]), then what only the
//! whole field can tell: abbreviations that the text defines ([`abbreviations`]), words that mean something else
//! here, negation ([`context`]). [`score`] sums the places up. Time is linear in the length of the text; no word is
//! copied.

mod abbreviations;
mod context;
mod matcher;
mod score;
mod tokens;

use std::sync::LazyLock;

use carewire_schemas::{ConditionTag, Field};

use crate::Vocabulary;
use context::Context;
use matcher::{Hit, Matcher};
use tokens::Dictionary;

/// Raised with every change of the tagger's code that changes tags; part of the pipeline version.
pub const TAGGER_VERSION: u32 = 1;

static BUNDLED: LazyLock<Tagger> = LazyLock::new(|| Tagger::new(Vocabulary::bundled()));

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
    dictionary: Dictionary,
    matcher: Matcher,
    context: Context,
}

/// What was found in one field.
struct Found {
    field: Field,
    /// Number of words in the field.
    words: usize,
    places: Vec<Place>,
}

/// One place where a term stands.
struct Place {
    /// Bytes in the field.
    start: usize,
    end: usize,
    /// Number of the first word.
    word: usize,
    term: u32,
    negated: bool,
    /// A condition of the term, and the one that is meant instead here.
    switched: Option<(u32, u32)>,
}

impl Tagger {
    /// The tagger over [`Vocabulary::bundled`].
    #[must_use]
    pub fn bundled() -> &'static Self {
        &BUNDLED
    }

    /// A tagger over `vocabulary`.
    #[must_use]
    pub fn new(vocabulary: &'static Vocabulary) -> Self {
        let mut dictionary = Dictionary::new(&vocabulary.tables);
        let context = Context::new(vocabulary, &mut dictionary);
        let matcher = Matcher::new(&vocabulary.tables, &mut dictionary);
        Self { vocabulary, dictionary, matcher, context }
    }

    /// The conditions of `document`: deterministic; those it is about first, then by score (highest first), then
    /// by code. Spans are in `char`s of the field they stand in; for [`Field::Category`], of the category.
    #[must_use]
    pub fn tag(&self, document: &Document<'_>) -> Vec<ConditionTag> {
        let language = Language::of(document.language);
        let title = self.find(document.title, Field::Title, language);
        let text = self.find(document.text, Field::Text, language);
        let categories: Vec<_> = document.categories.iter().map(|c| self.find(c, Field::Category, language)).collect();
        score::score(self.vocabulary, document, &title, &text, &categories)
    }

    fn find(&self, text: &str, field: Field, language: Language) -> Found {
        let tables = &self.vocabulary.tables;
        let tokens = self.dictionary.tokens(text);
        let mut hits = self.matcher.hits(tables, &tokens, language);
        abbreviations::apply(self.vocabulary, text, &tokens, &mut hits);
        self.matcher.coordinate(tables, &tokens, &mut hits);
        let mut places = Vec::with_capacity(hits.len());
        for hit in &hits {
            if !self.context.holds(tables, &tokens, hit, field) {
                continue;
            }
            let Hit { first, last, term } = *hit;
            places.push(Place {
                start: tokens[first as usize].start as usize,
                end: tokens[last as usize].end as usize,
                word: first as usize,
                term,
                negated: self.context.negated(&tokens, hit, field),
                switched: self.context.switched(tables, &tokens, hit, field),
            });
        }
        Found { field, words: tokens.len(), places }
    }
}

/// What a document's language means for terms of other languages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Language {
    English,
    Other,
    Unknown,
}

impl Language {
    fn of(tag: Option<&str>) -> Self {
        match tag {
            None => Self::Unknown,
            Some(tag) if tag.get(..2).is_some_and(|t| t.eq_ignore_ascii_case("en")) => Self::English,
            Some(_) => Self::Other,
        }
    }
}
