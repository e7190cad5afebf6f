//! One condition and its names.

use std::borrow::Cow;

use carewire_schemas::ConditionCode;

use super::{
    Vocabulary,
    format::Table::{
        Label, NameEnd, NameMeta, NameText, Parent, ParentEnd, Topic, Tree, TreeEnd, Weight, XrefCode, XrefEnd,
        XrefSystem,
    },
};

/// One condition or topic, borrowed from the vocabulary.
#[derive(Clone, Copy)]
pub struct Condition<'a> {
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) index: u32,
}

/// What a name is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NameKind {
    /// The name shown.
    Preferred,
    /// What people say ("heart attack").
    Lay,
    /// Another name of the same thing in the sources.
    Synonym,
    /// A treatment, test or pathogen that stands for the condition ("mammogram").
    Proxy,
}

impl NameKind {
    /// The number in the compiled file.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Preferred,
            1 => Self::Lay,
            2 => Self::Synonym,
            _ => Self::Proxy,
        }
    }
}

/// A name of a condition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Name<'a> {
    /// As it is shown.
    pub text: &'a str,
    /// What it is.
    pub kind: NameKind,
    /// BCP 47 language of an own lay term; sources' names are `en`.
    pub language: &'a str,
}

impl<'a> Condition<'a> {
    /// The code.
    #[must_use]
    pub fn code(&self) -> &'a ConditionCode {
        &self.vocabulary.codes[self.index as usize]
    }

    /// The preferred name as its source has it ("Diabetes Mellitus, Type 2").
    #[must_use]
    pub fn name(&self) -> &'a str {
        let tables = &self.vocabulary.tables;
        tables.get(NameText).get(tables.range(NameEnd, self.index as usize).start).map_or("", |&s| tables.string(s))
    }

    /// The name to show to readers ("Type 2 diabetes", "High blood pressure"): the first own term of that language
    /// where there is one, else the plain English one.
    #[must_use]
    pub fn label(&self, language: Option<&str>) -> Cow<'a, str> {
        let tables = &self.vocabulary.tables;
        let plain = tables.get(Label).get(self.index as usize).map_or("", |&s| tables.string(s));
        let primary = language.and_then(|l| l.split(['-', '_']).next()).unwrap_or("en");
        if primary.eq_ignore_ascii_case("en") {
            return Cow::Borrowed(plain);
        }
        let own = self.names().find(|n| n.kind == NameKind::Lay && n.language.eq_ignore_ascii_case(primary));
        own.map_or(Cow::Borrowed(plain), |name| Cow::Owned(capitalised(name.text)))
    }

    /// All names, the preferred one first, those of an overlay last.
    pub fn names(&self) -> impl Iterator<Item = Name<'a>> + use<'a> {
        let tables = &self.vocabulary.tables;
        let (vocabulary, index) = (self.vocabulary, self.index);
        let from = vocabulary.added_names.partition_point(|(condition, _)| *condition < index);
        let added = vocabulary.added_names[from..].iter().take_while(move |(condition, _)| *condition == index);
        let added = added.map(|(_, name)| *name as usize);
        tables.range(NameEnd, index as usize).chain(added).map(|i| vocabulary.name_at(i))
    }

    /// Directly above.
    pub fn parents(&self) -> impl Iterator<Item = Condition<'a>> + use<'a> {
        let vocabulary = self.vocabulary;
        let parents = &vocabulary.tables.get(Parent)[vocabulary.tables.range(ParentEnd, self.index as usize)];
        parents.iter().map(|&i| vocabulary.at(i))
    }

    /// Directly below.
    pub fn children(&self) -> impl Iterator<Item = Condition<'a>> + use<'a> {
        let vocabulary = self.vocabulary;
        vocabulary.children.of(self.index).iter().map(|&i| vocabulary.at(i))
    }

    /// Whether this is a health topic outside the disease branches.
    #[must_use]
    pub fn topic(&self) -> bool {
        self.vocabulary.tables.get(Topic)[self.index as usize] != 0
    }

    /// Weight of a mention, 0 to 1: low for what is named in passing in every other text.
    #[must_use]
    pub fn weight(&self) -> f32 {
        self.vocabulary.tables.get(Weight)[self.index as usize] as f32 / 1000.0
    }

    /// Codes of other systems: (`icd10cm` | `snomedct` | `umls` | `omim` | `orpha` | `gard` | `doid` | `mondo` |
    /// `nci` …, code).
    pub fn xrefs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let tables = &self.vocabulary.tables;
        tables
            .range(XrefEnd, self.index as usize)
            .map(|i| (tables.string(tables.get(XrefSystem)[i]), tables.string(tables.get(XrefCode)[i])))
    }

    /// MeSH tree numbers; empty for codes of other systems.
    pub fn tree_numbers(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let tables = &self.vocabulary.tables;
        tables.range(TreeEnd, self.index as usize).map(|i| tables.string(tables.get(Tree)[i]))
    }
}

/// The text with its first letter as a capital.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

impl Vocabulary {
    /// Name number `index`.
    pub(super) fn name_at(&self, index: usize) -> Name<'_> {
        let meta = self.tables.get(NameMeta)[index];
        Name {
            text: self.tables.string(self.tables.get(NameText)[index]),
            kind: NameKind::from_number(meta & 0xff),
            language: self.tables.string(meta >> 8),
        }
    }
}

impl std::fmt::Debug for Condition<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code(), self.name())
    }
}
