//! Search parameters of `DocumentReference` (hl7.org/fhir/R4/search.html).

use std::fmt::Write as _;

use carewire_conditions::Vocabulary;
use carewire_schemas::{ConditionCode, ItemId};
use jiff::{Timestamp, civil};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    Cursor, Query,
    lookup::systems::{self, System},
    query::{ConditionGroup, QueryError, TextQuery},
};

/// Resources of a page when the client does not say.
const DEFAULT_COUNT: usize = 20;
/// Most resources of a page.
const MAX_COUNT: usize = 100;
/// Most alternatives of one parameter.
const MAX_VALUES: usize = 50;
/// Longest `_content` in bytes.
const MAX_CONTENT: usize = 500;

/// What is wrong with a search, as an `OperationOutcome` says it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text}")]
pub struct FhirError {
    /// A code of the value set issue-type: `invalid`, `not-supported` …
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub text: String,
}

impl FhirError {
    fn invalid(name: &str, text: impl std::fmt::Display) -> Self {
        Self { code: "invalid", text: format!("{name}: {text}") }
    }
}

/// What becomes of parameters that the server does not know (R4 §3.1.1.3.1, header `Prefer: handling=…`).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Handling {
    /// They are passed over; the bundle's `self` link shows what was used.
    #[default]
    Lenient,
    /// They are errors.
    Strict,
}

/// A range of instants, in milliseconds since the epoch: from, and up to but without.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Instants {
    /// At or after.
    pub from: Option<i64>,
    /// Before.
    pub to: Option<i64>,
}

impl Instants {
    fn narrow(&mut self, other: Self) {
        self.from = self.from.max(other.from);
        self.to = match (self.to, other.to) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// Whether no instant is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from.zip(self.to).is_some_and(|(from, to)| from >= to)
    }
}

/// A search that was understood.
#[derive(Clone, PartialEq, Debug)]
pub struct SearchRequest {
    /// The question; none where nothing can answer it (codes that nobody knows, another status).
    pub query: Option<Query>,
    /// Only this document.
    pub id: Option<ItemId>,
    /// When it last changed.
    pub updated: Instants,
    /// Resources of a page.
    pub count: usize,
    /// Only the number is wanted (`_summary=count`, `_count=0`).
    pub count_only: bool,
    /// Where the page begins.
    pub after: Option<Cursor>,
    /// The parameters that were used, without the page.
    used: String,
}

impl SearchRequest {
    /// Reads decoded parameters.
    ///
    /// # Errors
    /// For values that cannot be read, for modifiers that are not supported, and under [`Handling::Strict`] for unknown
    /// parameters.
    pub fn read<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
        handling: Handling,
        vocabulary: &Vocabulary,
    ) -> Result<Self, FhirError> {
        let mut request = Self {
            query: None,
            id: None,
            updated: Instants::default(),
            count: DEFAULT_COUNT,
            count_only: false,
            after: None,
            used: String::new(),
        };
        let (mut query, mut published, mut nothing) = (Query::default(), Instants::default(), false);
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref().trim());
            if value.is_empty() {
                continue;
            }
            let (name, modifier) = key.split_once(':').map_or((key, ""), |(name, modifier)| (name, modifier));
            let allowed: &[&str] = if name == "category" { &["", "not", "below"] } else { &[""] };
            let known = PARAMETERS.contains(&name);
            if known && !allowed.contains(&modifier) {
                return Err(FhirError {
                    code: "not-supported",
                    text: format!("{name}: the modifier :{modifier} is not supported"),
                });
            }
            match name {
                "category" => nothing |= !categories(value, modifier == "not", &mut query, vocabulary)?,
                "type" => {
                    let codes: Vec<&str> =
                        split(name, value)?.map(|token| token.rsplit('|').next().unwrap_or(token)).collect();
                    merge(&mut query, "kind", &codes.join(","), vocabulary)?;
                }
                "language" => {
                    let codes: Vec<&str> =
                        split(name, value)?.map(|token| token.rsplit('|').next().unwrap_or(token)).collect();
                    merge(&mut query, "language", &codes.join(","), vocabulary)?;
                }
                "date" => published.narrow(instants(name, value)?),
                "_lastUpdated" => request.updated.narrow(instants(name, value)?),
                "_content" => {
                    if value.len() > MAX_CONTENT {
                        return Err(FhirError::invalid(name, format!("at most {MAX_CONTENT} bytes")));
                    }
                    let text = TextQuery::parse(value, vocabulary).map_err(|error| FhirError::invalid(name, error))?;
                    query.q = Some(text);
                }
                "_id" => match value.parse() {
                    Ok(id) => request.id = Some(id),
                    Err(_) => nothing = true,
                },
                "status" => nothing |= !value.split(',').any(|token| token.rsplit('|').next() == Some("current")),
                "_count" => {
                    let count: usize = value.parse().map_err(|_| FhirError::invalid(name, "must be a whole number"))?;
                    request.count_only |= count == 0;
                    request.count = count.clamp(1, MAX_COUNT);
                }
                "_summary" if value == "count" => request.count_only = true,
                "_format" => {
                    if !value.contains("json") {
                        return Err(FhirError { code: "not-supported", text: "only JSON is answered here".to_owned() });
                    }
                    continue;
                }
                "_after" => {
                    let cursor = value.parse().map_err(|_| FhirError::invalid(name, "must come from a `next` link"))?;
                    request.after = Some(cursor);
                    continue;
                }
                _ if handling == Handling::Strict => {
                    let known = PARAMETERS.join(", ");
                    let shown: String = key.chars().take(60).collect();
                    return Err(FhirError {
                        code: "not-supported",
                        text: format!("{shown}: no such parameter; there are {known}"),
                    });
                }
                _ => continue,
            }
            let separator = if request.used.is_empty() { "" } else { "&" };
            let _ = write!(request.used, "{separator}{key}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
        (query.since, query.until) = (published.from, published.to);
        query.conditions.sort();
        query.conditions.dedup();
        nothing |= published.is_empty() || request.updated.is_empty();
        request.query = (!nothing).then_some(query);
        Ok(request)
    }

    /// The address of this search, or of its page from `after` on.
    #[must_use]
    pub fn address(&self, base: &str, after: Option<Cursor>) -> String {
        let mut parts: Vec<String> = Vec::new();
        if !self.used.is_empty() {
            parts.push(self.used.clone());
        }
        if !self.used.split('&').any(|part| part.starts_with("_count=")) && after.is_some() {
            parts.push(format!("_count={}", self.count));
        }
        parts.extend(after.map(|cursor| format!("_after={cursor}")));
        let query = if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) };
        format!("{base}fhir/DocumentReference{query}")
    }
}

const PARAMETERS: [&str; 11] = [
    "_id",
    "_lastUpdated",
    "category",
    "type",
    "language",
    "date",
    "_content",
    "status",
    "_count",
    "_summary",
    "_format",
];

/// The alternatives of a value.
fn split<'a>(name: &str, value: &'a str) -> Result<impl Iterator<Item = &'a str>, FhirError> {
    if value.split(',').count() > MAX_VALUES {
        return Err(FhirError::invalid(name, format!("at most {MAX_VALUES} values")));
    }
    Ok(value.split(',').map(str::trim).filter(|one| !one.is_empty()))
}

/// Adds what our own query language makes of a parameter.
fn merge(query: &mut Query, name: &str, value: &str, vocabulary: &Vocabulary) -> Result<(), FhirError> {
    let read = Query::from_pairs([(name, value)], vocabulary);
    let read = read.map_err(|QueryError { message, .. }| {
        FhirError::invalid(if name == "kind" { "type" } else { name }, message)
    })?;
    query.kinds.extend(read.kinds);
    query.languages.extend(read.languages);
    Ok(())
}

/// Adds a demand on conditions; false where none of the codes is known, so that nothing can answer.
fn categories(value: &str, not: bool, query: &mut Query, vocabulary: &Vocabulary) -> Result<bool, FhirError> {
    let mut codes = Vec::new();
    for token in split("category", value)? {
        codes.extend(condition(token, vocabulary)?);
    }
    codes.sort();
    codes.dedup();
    if codes.is_empty() {
        return Ok(not);
    }
    query.conditions.push(ConditionGroup { not, codes });
    Ok(true)
}

/// The condition of a token: `system|code`, `|code`, `code`.
fn condition(token: &str, vocabulary: &Vocabulary) -> Result<Option<ConditionCode>, FhirError> {
    let Some((system, code)) = token.split_once('|') else { return Ok(vocabulary.resolve(token)) };
    if code.is_empty() {
        return Err(FhirError { code: "not-supported", text: "category: give a code after the system".to_owned() });
    }
    if system.is_empty() {
        return Ok(vocabulary.resolve(code));
    }
    Ok(match systems::named(system) {
        Some(System::Conditions(prefix, _)) => vocabulary.resolve(&format!("{prefix}:{code}")),
        Some(System::Elsewhere(_)) | None => None,
    })
}

/// What a date parameter means (R4 §3.1.1.5.6): a prefix, and a date or instant that stands for all instants within it.
fn instants(name: &str, value: &str) -> Result<Instants, FhirError> {
    let wrong =
        || FhirError::invalid(name, "must be a date or instant, perhaps after eq, ge, gt, le or lt: ge2026-11-01");
    let (prefix, text) = match value.split_at_checked(2) {
        Some((prefix, rest)) if prefix.bytes().all(|b| b.is_ascii_lowercase()) => (prefix, rest),
        _ => ("eq", value),
    };
    let (start, end) = span(text).ok_or_else(wrong)?;
    Ok(match prefix {
        "eq" => Instants { from: Some(start), to: Some(end) },
        "ge" => Instants { from: Some(start), to: None },
        "gt" | "sa" => Instants { from: Some(end), to: None },
        "le" => Instants { from: None, to: Some(end) },
        "lt" | "eb" => Instants { from: None, to: Some(start) },
        _ => return Err(wrong()),
    })
}

/// The milliseconds from the start of what is named to its end: a year, a month, a day, a second.
fn span(text: &str) -> Option<(i64, i64)> {
    let midnight = |date: civil::Date| -> Option<i64> {
        Some(format!("{date}T00:00:00Z").parse::<Timestamp>().ok()?.as_millisecond())
    };
    let number = |text: &str| text.parse::<i16>().ok();
    match text.len() {
        4 => {
            let year = number(text)?;
            Some((midnight(civil::Date::new(year, 1, 1).ok()?)?, midnight(civil::Date::new(year + 1, 1, 1).ok()?)?))
        }
        7 => {
            let (year, month) = text.split_once('-')?;
            let (year, month) = (number(year)?, month.parse::<i8>().ok()?);
            let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            Some((
                midnight(civil::Date::new(year, month, 1).ok()?)?,
                midnight(civil::Date::new(next_year, next, 1).ok()?)?,
            ))
        }
        10 => {
            let date: civil::Date = text.parse().ok()?;
            Some((midnight(date)?, midnight(date.tomorrow().ok()?)?))
        }
        _ => {
            // A `+` of an offset arrives as a space where it was not escaped.
            let instant: Timestamp = text.replace(' ', "+").parse().ok()?;
            let ms = instant.as_millisecond();
            Some((ms, if text.contains('.') { ms + 1 } else { ms + 1_000 }))
        }
    }
}
