//! Reading: how hard a text is to read. Pure.
//!
//! [`sentences`] cuts a plain text into sentences that are sentences (headings, list items, abbreviations and decimals do not
//! mislead it), [`counts`] counts words, syllables and what else formulas ask for in one pass, [`formulas`] are the
//! published formulas of each language, and [`read`] puts them together: the formula's figure, a school grade where
//! there is a formula for one, and a difficulty mark of our own that is comparable across languages.

pub mod counts;
pub mod evaluation;
pub mod formulas;
mod level;
pub mod sentences;
mod syllables;
mod words;

pub use counts::{Counts, count};
pub use level::{MIN_WORDS, difficulty, features as level_features, read};
pub use sentences::{Piece, Shape, pieces};
pub use syllables::syllables;

/// The languages that there is a formula for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Language {
    /// English.
    English,
    /// Spanish.
    Spanish,
    /// German.
    German,
    /// French.
    French,
    /// Portuguese.
    Portuguese,
    /// Italian.
    Italian,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::English, Self::Spanish, Self::German, Self::French, Self::Portuguese, Self::Italian];

    /// The language of a tag (BCP 47); none for one without a formula.
    #[must_use]
    pub fn of(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag);
        Some(match primary.to_ascii_lowercase().as_str() {
            "en" => Self::English,
            "es" => Self::Spanish,
            "de" => Self::German,
            "fr" => Self::French,
            "pt" => Self::Portuguese,
            "it" => Self::Italian,
            _ => return None,
        })
    }
}
