//! The vocabulary: conditions and topics with names, codes and parents.

use carewire_schemas::ConditionCode;

/// The conditions and topics of the network. One per process: [`Vocabulary::bundled`].
pub struct Vocabulary {
    codes: Vec<ConditionCode>,
}

/// One condition or topic, borrowed from the vocabulary.
#[derive(Clone, Copy)]
pub struct Condition<'a> {
    vocabulary: &'a Vocabulary,
    index: u32,
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

/// A suggestion for something typed.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct NameHit {
    /// The name that begins with what was typed.
    pub name: String,
    /// The condition it names.
    pub code: ConditionCode,
    /// The condition's preferred name.
    pub preferred: String,
}

impl Vocabulary {
    /// The vocabulary committed with the code, decoded at the first call.
    #[must_use]
    pub fn bundled() -> &'static Self {
        todo!()
    }

    /// Hash of the compiled file, 16 hex digits: part of every tag's pipeline version.
    #[must_use]
    pub fn version(&self) -> &str {
        todo!()
    }

    /// Number of conditions and topics.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The condition of a code of the network.
    #[must_use]
    pub fn get(&self, code: &ConditionCode) -> Option<Condition<'_>> {
        let _ = code;
        todo!()
    }

    /// The condition meant by a code of any system: `D003924`, `mesh:D003924`, `icd10cm:E11.9` (falls back to the
    /// nearest parent with an entry), `doid:9352`, `snomedct:…`, `umls:…`, `omim:…`, `orpha:…`, `mondo:…`. Case
    /// does not matter.
    #[must_use]
    pub fn resolve(&self, text: &str) -> Option<ConditionCode> {
        let _ = text;
        todo!()
    }

    /// The code and everything above it, itself first. Empty for a code that is not in the vocabulary.
    pub fn ancestors(&self, code: &ConditionCode) -> impl Iterator<Item = &ConditionCode> + '_ {
        let _ = code;
        self.codes.iter()
    }

    /// The code and everything below it, itself first. Empty for a code that is not in the vocabulary.
    pub fn descendants(&self, code: &ConditionCode) -> impl Iterator<Item = &ConditionCode> + '_ {
        let _ = code;
        self.codes.iter()
    }

    /// Whether `code` is `ancestor` or stands below it.
    #[must_use]
    pub fn is_within(&self, code: &ConditionCode, ancestor: &ConditionCode) -> bool {
        let _ = (code, ancestor);
        todo!()
    }

    /// Names that begin with `prefix` (case and accents do not matter), lay terms first; at most `limit`, one per
    /// condition.
    #[must_use]
    pub fn find_names(&self, prefix: &str, limit: usize) -> Vec<NameHit> {
        let _ = (prefix, limit);
        todo!()
    }

    /// The condition with exactly this name, after normalisation (case, accents, plural, hyphens).
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<ConditionCode> {
        let _ = name;
        todo!()
    }

    /// All conditions and topics in order of code.
    pub fn iter(&self) -> impl Iterator<Item = Condition<'_>> {
        (0u32..).take(self.codes.len()).map(|index| Condition { vocabulary: self, index })
    }
}

impl<'a> Condition<'a> {
    /// The code.
    #[must_use]
    pub fn code(&self) -> &'a ConditionCode {
        &self.vocabulary.codes[self.index as usize]
    }
    /// The preferred name, un-inverted ("Type 2 Diabetes Mellitus").
    #[must_use]
    pub fn name(&self) -> &'a str {
        todo!()
    }
    /// All names, the preferred one first.
    pub fn names(&self) -> impl Iterator<Item = Name<'a>> + use<'a> {
        std::iter::empty()
    }
    /// Directly above.
    pub fn parents(&self) -> impl Iterator<Item = Condition<'a>> + use<'a> {
        std::iter::empty()
    }
    /// Directly below.
    pub fn children(&self) -> impl Iterator<Item = Condition<'a>> + use<'a> {
        std::iter::empty()
    }
    /// Whether this is a health topic outside the disease branches.
    #[must_use]
    pub fn topic(&self) -> bool {
        todo!()
    }
    /// Codes of other systems: (`icd10cm` | `snomedct` | `umls` | `omim` | `orpha` | `doid` | `gard` | `mondo` | …, code).
    pub fn xrefs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        std::iter::empty()
    }
    /// MeSH tree numbers; empty for codes of other systems.
    pub fn tree_numbers(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        std::iter::empty()
    }
}
