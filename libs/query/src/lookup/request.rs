//! Reading the Infobutton request.

use std::{borrow::Cow, collections::BTreeMap};

use carewire_conditions::Vocabulary;
use carewire_schemas::{Aspect, Audience, ConditionCode, CuratedV1, ItemKind, ReadingLevel};

use super::systems::{self, System};
use crate::{Query, query::ConditionGroup};

/// Most criteria of one request.
const MAX_CRITERIA: usize = 10;
/// Longest value of a parameter, in bytes.
const MAX_VALUE: usize = 200;
/// Longest name of a callback.
const MAX_CALLBACK: usize = 100;
/// Years below which a patient is a child.
const CHILD_YEARS: f64 = 13.0;

/// A parameter of a look-up that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {message}")]
pub struct LookupError {
    /// The parameter's name.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

fn wrong<T>(field: &'static str, message: impl Into<String>) -> Result<T, LookupError> {
    Err(LookupError { field, message: message.into() })
}

/// One `mainSearchCriteria`: a coded concept, as it was asked.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Criterion {
    /// The code (`.v.c`).
    pub code: String,
    /// Its system, by OID or name (`.v.cs`).
    pub system: String,
    /// Its name (`.v.dn`), or the words that the clinician had (`.v.ot`).
    pub name: String,
}

impl Criterion {
    /// The condition that is meant; none for codes of drugs, tests and procedures, and for what nobody knows. A code
    /// without an entry takes its nearest parent, as far as its system's codes show one; else the name decides.
    #[must_use]
    pub fn condition(&self, vocabulary: &Vocabulary) -> Option<ConditionCode> {
        let by_name = || (!self.name.is_empty()).then(|| vocabulary.by_name(&self.name)).flatten();
        if self.code.is_empty() {
            return match systems::named(&self.system) {
                // A drug's name is no condition's.
                Some(System::Elsewhere(name)) if name != "ICD-9-CM" => None,
                _ => by_name(),
            };
        }
        match (systems::named(&self.system), self.system.is_empty()) {
            (Some(System::Conditions(prefix, _)), _) => {
                vocabulary.resolve(&format!("{prefix}:{}", self.code)).or_else(by_name)
            }
            // Its codes are not in the open tables; its names are those of diseases.
            (Some(System::Elsewhere("ICD-9-CM")), _) => by_name(),
            (Some(System::Elsewhere(_)), _) => None,
            (None, true) => vocabulary
                .resolve(&self.code)
                .or_else(|| vocabulary.resolve(&format!("icd10cm:{}", self.code)))
                .or_else(by_name),
            (None, false) => by_name(),
        }
    }

    /// As people would say it: `ICD-10-CM E11.9`.
    #[must_use]
    pub fn shown(&self) -> String {
        let system = match systems::named(&self.system) {
            Some(System::Conditions(_, name) | System::Elsewhere(name)) => name,
            None => self.system.as_str(),
        };
        let parts = [system, self.code.as_str()];
        let said = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        if said.is_empty() { self.name.clone() } else { said }
    }
}

/// Who will read the answer (HL7 `informationRecipient`).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Recipient {
    /// `PAT`: the patient.
    #[default]
    Patient,
    /// `PROV`: a professional.
    Provider,
}

impl Recipient {
    /// HL7's code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Patient => "PAT",
            Self::Provider => "PROV",
        }
    }
}

/// The form of the answer (`knowledgeResponseType`).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Response {
    /// `text/xml`: Atom.
    #[default]
    Xml,
    /// `application/json`.
    Json,
    /// `application/javascript`: JSON as the argument of this function.
    Jsonp(String),
}

/// An Infobutton request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LookupRequest {
    /// What is asked about; one of them suffices. Never empty.
    pub criteria: Vec<Criterion>,
    /// The language in lower case; `en` where none is named.
    pub language: String,
    /// Who reads it.
    pub recipient: Recipient,
    /// Whether the patient is a child.
    pub child: bool,
    /// Sides of the condition that were asked for (`subTopic`), all where empty.
    pub aspects: Vec<Aspect>,
    /// The form of the answer.
    pub response: Response,
}

impl LookupRequest {
    /// Reads decoded parameters. Several criteria are numbered (`mainSearchCriteria.v.c1`, `.v.cs1`) or repeated. Parameters that
    /// mean nothing here (gender, performer, encounter …) are passed over, as the guide asks of services.
    ///
    /// # Errors
    /// Without any criterion, and for values that are out of bounds.
    pub fn read<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, LookupError> {
        let mut criteria: BTreeMap<(u32, usize), Criterion> = BTreeMap::new();
        // How often each field came with that number: repeated fields belong together in order.
        let mut seen: BTreeMap<(u32, char), usize> = BTreeMap::new();
        let (mut language, mut recipient, mut form, mut callback) = (None, Recipient::default(), None, None);
        let (mut age, mut unit, mut group, mut aspects) = (None, String::new(), false, Vec::new());
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref().trim());
            if value.is_empty() || key.len() > 60 {
                continue;
            }
            let stem = key.trim_end_matches(|c: char| c.is_ascii_digit());
            let part = match stem {
                "mainSearchCriteria.v.c" => 'c',
                "mainSearchCriteria.v.cs" => 's',
                "mainSearchCriteria.v.dn" | "mainSearchCriteria.v.ot" => 'n',
                _ => {
                    match stem {
                        "informationRecipient.languageCode.c" => language = Some(read_language(value)?),
                        "informationRecipient" if value.eq_ignore_ascii_case("PROV") => recipient = Recipient::Provider,
                        "knowledgeResponseType" => form = Some(value.to_ascii_lowercase()),
                        "callback" => callback = Some(read_callback(value)?),
                        "age.v.v" => age = value.parse::<f64>().ok().filter(|age| (0.0..1_000_000.0).contains(age)),
                        "age.v.u" => unit = value.to_ascii_lowercase(),
                        "age" => age = value.parse::<f64>().ok().filter(|age| (0.0..150.0).contains(age)),
                        "ageGroup.v.c" => group = CHILD_GROUPS.contains(&value),
                        "subTopic.v.c" => aspects.extend(aspect(value)),
                        _ => {}
                    }
                    continue;
                }
            };
            if value.len() > MAX_VALUE {
                return wrong("mainSearchCriteria", format!("a value may have {MAX_VALUE} bytes"));
            }
            let number: u32 = key[stem.len()..].parse().unwrap_or(0);
            let times = seen.entry((number, part)).or_default();
            let criterion = criteria.entry((number, *times)).or_default();
            *times += 1;
            match part {
                'c' => criterion.code = value.to_owned(),
                's' => criterion.system = value.to_owned(),
                _ => criterion.name = value.to_owned(),
            }
            if criteria.len() > MAX_CRITERIA {
                return wrong("mainSearchCriteria", format!("at most {MAX_CRITERIA} criteria"));
            }
        }
        // One system may stand for several codes.
        let first_system = criteria.values().map(|one| one.system.clone()).find(|system| !system.is_empty());
        let criteria: Vec<Criterion> = criteria
            .into_values()
            .filter(|one| !(one.code.is_empty() && one.name.is_empty()))
            .map(|one| Criterion {
                system: if one.system.is_empty() { first_system.clone().unwrap_or_default() } else { one.system },
                ..Criterion { code: one.code, name: one.name, system: String::new() }
            })
            .collect();
        if criteria.is_empty() {
            return wrong(
                "mainSearchCriteria.v.c",
                "give a code and its system, for example \
                 mainSearchCriteria.v.c=E11.9&mainSearchCriteria.v.cs=2.16.840.1.113883.6.90",
            );
        }
        let response = match (form.as_deref(), callback) {
            (None | Some("text/xml" | "application/xml" | "application/atom+xml" | "atom"), _) => Response::Xml,
            (Some("application/json" | "json"), None) => Response::Json,
            (Some("application/json" | "json" | "application/javascript" | "text/javascript"), Some(callback)) => {
                Response::Jsonp(callback)
            }
            (Some("application/javascript" | "text/javascript"), None) => {
                return wrong("callback", "application/javascript needs the name of a function");
            }
            (Some(_), _) => {
                return wrong(
                    "knowledgeResponseType",
                    "must be text/xml, application/json or application/javascript (with callback)",
                );
            }
        };
        let years = age.map(|age| match unit.as_str() {
            "mo" | "month" | "months" => age / 12.0,
            "wk" | "week" | "weeks" => age / 52.0,
            "d" | "day" | "days" | "h" | "min" => 0.0,
            _ => age,
        });
        aspects.sort_unstable();
        aspects.dedup();
        Ok(Self {
            criteria,
            language: language.unwrap_or_else(|| "en".to_owned()),
            recipient,
            child: group || years.is_some_and(|years| years < CHILD_YEARS),
            aspects,
            response,
        })
    }

    /// The conditions that are meant, in order of the criteria, each once.
    #[must_use]
    pub fn conditions(&self, vocabulary: &Vocabulary) -> Vec<ConditionCode> {
        let mut codes = Vec::new();
        for code in self.criteria.iter().filter_map(|one| one.condition(vocabulary)) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes
    }

    /// The question that items must answer; none where no criterion means a condition.
    #[must_use]
    pub fn query(&self, vocabulary: &Vocabulary) -> Option<Query> {
        let mut codes = self.conditions(vocabulary);
        codes.sort();
        (!codes.is_empty()).then(|| Query {
            conditions: vec![ConditionGroup { not: false, codes }],
            languages: vec![self.language.clone()],
            aspects: self.aspects.clone(),
            ..Query::default()
        })
    }

    /// Puts first what suits who will read it: children's items for a child, what is easy and meant for patients for a
    /// patient, what is meant for professionals for one. Items that suit alike stay in their order.
    pub fn arrange(&self, items: &mut [CuratedV1]) {
        items.sort_by_key(|item| {
            let meant = |audience| item.traits.audience.iter().any(|tag| tag.audience == audience);
            let level = item.traits.reading.map(|reading| reading.level);
            let mut place = 0_i32;
            if meant(Audience::Child) {
                place += if self.child { -8 } else { 2 };
            }
            match self.recipient {
                Recipient::Patient => {
                    if meant(Audience::Patient) {
                        place -= 2;
                    }
                    if meant(Audience::Professional) {
                        place += 4;
                    }
                    place += match level {
                        Some(ReadingLevel::Easy) => -1,
                        Some(ReadingLevel::Hard) => 1,
                        _ => 0,
                    };
                }
                Recipient::Provider => {
                    if meant(Audience::Professional) {
                        place -= 4;
                    }
                }
            }
            // What a publisher says of itself answers nobody's question.
            if matches!(item.kind, ItemKind::PressRelease) {
                place += 3;
            }
            place
        });
    }
}

/// MeSH descriptors of age groups below [`CHILD_YEARS`] (HL7 `ageGroup` uses MeSH).
const CHILD_GROUPS: [&str; 4] = ["D007231", "D007223", "D002675", "D002648"];

/// MeSH subheadings as the guide uses them for `subTopic`, and the guide's own codes, as aspects.
fn aspect(code: &str) -> Option<Aspect> {
    Some(match code {
        "Q000628" | "Q000188" | "Q000601" | "Q000166" => Aspect::Treatment,
        "Q000175" => Aspect::Tests,
        "Q000517" => Aspect::Prevention,
        "Q000503" => Aspect::Symptoms,
        _ => return None,
    })
}

/// The primary tag and what follows, in lower case; `sp` is MedlinePlus Connect's older name for Spanish.
fn read_language(value: &str) -> Result<String, LookupError> {
    let tag: Cow<'_, str> = match value {
        "sp" => "es".into(),
        tag => tag.replace('_', "-").to_ascii_lowercase().into(),
    };
    let good = tag.len() <= 35
        && tag.split('-').enumerate().all(|(n, part)| {
            (if n == 0 { 2..=8 } else { 1..=8 }).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() && (n > 0 || b.is_ascii_alphabetic()))
        });
    if good {
        return Ok(tag.into_owned());
    }
    wrong("informationRecipient.languageCode.c", "must be a language tag such as en or es")
}

/// A function's name, perhaps a member of objects: nothing else may be called, or be written at all.
fn read_callback(value: &str) -> Result<String, LookupError> {
    let name = |part: &str| {
        let mut chars = part.bytes();
        chars.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b'$')
            && chars.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$')
    };
    if value.len() <= MAX_CALLBACK && value.split('.').all(name) {
        return Ok(value.to_owned());
    }
    wrong(
        "callback",
        format!("must be the name of a function, of letters, digits, _, $ and dots, at most {MAX_CALLBACK}"),
    )
}
