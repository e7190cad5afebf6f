//! The tagger: which conditions a document names, and which it is about.
//!
//! One pass over the words of a field ([`tokens`]), the longest name at each place ([`matcher`]), then what only the
//! whole field can tell: abbreviations that the text defines ([`abbreviations`]), words that mean something else
//! here, negation ([`context`]). [`score`] sums the places up. Time is linear in the length of the text; no word is
//! copied.

mod abbreviations;
mod context;
mod matcher;
mod register;
pub mod rerank;
mod score;
mod tokens;

use std::sync::LazyLock;

use carewire_schemas::{ConditionCode, ConditionTag, Field};

use crate::{Vocabulary, vocabulary::format::Table};
use context::{Context, Mark};
use matcher::{Hit, Matcher, Reading};
use register::Register;
use rerank::Model;
use tokens::{Dictionary, Token};

/// Raised with every change of the tagger's code that changes tags; part of the pipeline version.
pub const TAGGER_VERSION: u32 = 2;

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
    register: Register,
    /// `None` where the vocabulary has none, and while one is trained.
    model: Option<Model>,
    /// Whether learned names count.
    learned: bool,
}

/// What was found in one field.
struct Found {
    field: Field,
    /// Number of words in the field.
    words: usize,
    places: Vec<Place>,
}

/// What was found in a document.
struct AllFound {
    title: Found,
    text: Found,
    categories: Vec<Found>,
}

/// A condition found in a scientific report, as the model sees it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The condition.
    pub code: ConditionCode,
    /// The names by which it was found, as they stand there; each once.
    pub names: Vec<String>,
    /// The features, in the order of [`rerank::FEATURES`]; the prior is left 0.
    pub features: [f32; rerank::FEATURES.len()],
}

/// One place where a term stands.
struct Place {
    /// Bytes in the field.
    start: usize,
    end: usize,
    /// Number of the first word.
    word: usize,
    term: u32,
    /// What is said of it beside.
    mark: Option<Mark>,
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
        let register = Register::new(&mut dictionary);
        let tables = &vocabulary.tables;
        let matcher = Matcher::new(vocabulary, &mut dictionary);
        let lines = tables.get(Table::Model).iter().map(|&s| tables.string(s));
        let model = Model::parse(lines, |name| matcher.term(tables, &dictionary, name));
        Self { vocabulary, dictionary, matcher, context, register, model, learned: true }
    }

    /// A tagger without the model, and without the learned names either: what a model is trained on.
    #[must_use]
    pub fn untrained(vocabulary: &'static Vocabulary, learned_names: bool) -> Self {
        Self { model: None, learned: learned_names, ..Self::new(vocabulary) }
    }

    /// The conditions of `document`: deterministic; those it is about first, then by score (highest first), then
    /// by code. Spans are in `char`s of the field they stand in; for [`Field::Category`], of the category.
    #[must_use]
    pub fn tag(&self, document: &Document<'_>) -> Vec<ConditionTag> {
        let (found, scientific) = self.look(document);
        score::score(self.vocabulary, document, &found, self.model.as_ref().filter(|_| scientific))
    }

    /// What the model would decide on: each condition found in a scientific report with its terms and features. `None`
    /// for other texts.
    #[must_use]
    pub fn candidates(&self, document: &Document<'_>) -> Option<Vec<Candidate>> {
        let (found, scientific) = self.look(document);
        scientific.then(|| score::candidates(self.vocabulary, document, &found))
    }

    fn look(&self, document: &Document<'_>) -> (AllFound, bool) {
        let language = Language::of(document.language);
        let tokens = self.dictionary.tokens(document.text);
        let scientific = language != Language::Other && self.register.scientific(&tokens);
        let reading = Reading { language, scientific: scientific && self.learned };
        let title = self.find(document.title, &self.dictionary.tokens(document.title), Field::Title, reading);
        let text = self.find(document.text, &tokens, Field::Text, reading);
        let category = |c: &String| self.find(c, &self.dictionary.tokens(c), Field::Category, reading);
        let categories = document.categories.iter().map(category).collect();
        (AllFound { title, text, categories }, scientific)
    }

    fn find(&self, text: &str, tokens: &[Token], field: Field, reading: Reading) -> Found {
        let tables = &self.vocabulary.tables;
        let mut hits = self.matcher.hits(tables, tokens, reading);
        abbreviations::apply(self.vocabulary, text, tokens, &mut hits);
        self.matcher.coordinate(tables, tokens, &mut hits);
        let mut places = Vec::with_capacity(hits.len());
        for hit in &hits {
            if !self.context.holds(tables, tokens, hit, field) {
                continue;
            }
            let Hit { first, last, term } = *hit;
            places.push(Place {
                start: tokens[first as usize].start as usize,
                end: tokens[last as usize].end as usize,
                word: first as usize,
                term,
                mark: self.context.mark(tokens, hit, field),
                switched: self.context.switched(tables, tokens, hit, field),
            });
        }
        Found { field, words: tokens.len(), places }
    }
}

/// What a document's language means for terms of other languages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Language {
    English,
    /// One with own terms: its bit.
    Known(u32),
    Other,
}

impl Language {
    fn of(tag: Option<&str>) -> Self {
        match tag {
            None => Self::Other,
            Some(tag) if tag.get(..2).is_some_and(|t| t.eq_ignore_ascii_case("en")) => Self::English,
            Some(tag) => match crate::vocabulary::term::language(tag) {
                0 => Self::Other,
                bit => Self::Known(bit),
            },
        }
    }
}
