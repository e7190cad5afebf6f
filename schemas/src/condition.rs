//! Condition codes, and what a tag says and rests on.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The code of a condition or topic in the network: a MeSH descriptor (`D003924`), else `doid:…` or `mondo:…`
/// where MeSH has none. Codes of other systems (`icd10cm:E11`) are looked up in the vocabulary, never stored.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ConditionCode(pub String);

impl ConditionCode {
    /// The text of the code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConditionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ConditionCode {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// Whether an item is about a condition or only names it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Who follows the condition would want the item.
    About,
    /// The condition is named in passing.
    Mentioned,
}

/// Where in an item the words of a tag stand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The title.
    Title,
    /// The plain text.
    Text,
    /// A category or tag given by the publisher.
    Category,
    /// A curator's decision.
    Curator,
}

/// The words that a tag rests on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The words as they stand in the field.
    pub text: String,
    /// Start in the field, in Unicode scalar values (`char`s), from 0.
    pub start: usize,
    /// End in the field, exclusive, in Unicode scalar values.
    pub end: usize,
    /// The field.
    pub field: Field,
}

/// How a condition is named where it is not simply stated to be there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Qualifier {
    /// As possible or feared: "if you have asthma", "risk of stroke".
    Hypothetical,
    /// As a relative's: "family history of diabetes".
    Family,
    /// To set something apart from it: "unlike Parkinson's".
    Contrast,
}

/// One condition of an item, with what it rests on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConditionTag {
    /// The code.
    pub code: ConditionCode,
    /// The preferred name at the time of tagging.
    pub name: String,
    /// About it, or mentioned only.
    pub role: Role,
    /// How sure, 0 to 1, rounded to 0.001.
    pub score: f32,
    /// Named only to say that it is not so ("no sign of diabetes").
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub negated: bool,
    /// How it is named, where every place but the negated ones names it like that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualifier: Option<Qualifier>,
    /// A health topic outside the disease branches (vaccination, pregnancy …).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub topic: bool,
    /// The words found; at most a handful, the first of each field first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}
