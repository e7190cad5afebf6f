//! Reading a query from parameters.

use std::borrow::Cow;

use carewire_conditions::Vocabulary;
use carewire_schemas::{Aspect, Audience, ItemKind, ReadingLevel, Slug, StudyDesign};
use jiff::{Timestamp, civil};

use super::{ConditionGroup, Query, Sort, TextQuery};

/// Which parameter is wrong, and what would be right.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {message}")]
pub struct QueryError {
    /// The parameter's name.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl QueryError {
    /// An error about the parameter `field`.
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        // Names come from outside: an answer repeats a piece of them at most.
        Self { field: field.chars().take(60).collect(), message: message.into() }
    }
}

/// The parameters that [`Query::from_pairs`] reads.
pub const PARAMETERS: [&str; 21] = [
    "condition",
    "topic",
    "mentions",
    "about_only",
    "q",
    "organization",
    "kind",
    "level",
    "max_grade",
    "evidence",
    "aspect",
    "audience",
    "study",
    "language",
    "since",
    "until",
    "duration",
    "min_duration",
    "max_duration",
    "type",
    "sort",
];

/// Most values of one parameter.
const MAX_VALUES: usize = 50;
/// Longest `q` in bytes.
const MAX_Q: usize = 500;

impl Query {
    /// Reads a query from decoded parameters (names are case-sensitive; empty values ask nothing). Parameters of
    /// paging (`limit`, `after` …) are the caller's to take out first.
    ///
    /// # Errors
    /// Names the first parameter that is unknown or has a wrong value, and says what would be right.
    pub fn from_pairs<K, V>(
        pairs: impl IntoIterator<Item = (K, V)>,
        vocabulary: &Vocabulary,
    ) -> Result<Self, QueryError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut query = Self::default();
        let mut mentions = None;
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref().trim());
            if value.is_empty() && PARAMETERS.contains(&key) {
                continue;
            }
            match key {
                "condition" | "topic" => query.conditions.push(condition_group(key, value, vocabulary)?),
                "mentions" => set(
                    &mut mentions,
                    key,
                    match value {
                        "include" => true,
                        "exclude" => false,
                        _ => return Err(QueryError::new(key, "must be include or exclude")),
                    },
                )?,
                "about_only" => set(
                    &mut mentions,
                    key,
                    match value {
                        "false" | "0" | "no" => true,
                        "true" | "1" | "yes" => false,
                        _ => return Err(QueryError::new(key, "must be true or false")),
                    },
                )?,
                "q" => {
                    if value.len() > MAX_Q {
                        return Err(QueryError::new(key, format!("must be at most {MAX_Q} bytes long")));
                    }
                    set(&mut query.q, key, TextQuery::parse(value, vocabulary).map_err(|m| QueryError::new(key, m))?)?;
                }
                "organization" => each(key, value, |one| {
                    let slug = Slug::new(one)
                        .map_err(|_| QueryError::new(key, "must be an organization's short name: a-z, 0-9 and -"))?;
                    query.organizations.push(slug.as_str().to_owned());
                    Ok(())
                })?,
                "kind" => named(key, value, &mut query.kinds, kind, ItemKind::ALL, ItemKind::as_str)?,
                "level" => {
                    named(key, value, &mut query.levels, ReadingLevel::named, ReadingLevel::ALL, ReadingLevel::as_str)?;
                }
                "max_grade" => {
                    let grade = value.parse::<f32>().ok().filter(|grade| (0.0..=30.0).contains(grade));
                    let grade = grade.ok_or_else(|| QueryError::new(key, "must be years of school, such as 8"))?;
                    set(&mut query.max_grade, key, (grade * 10.0).round() as u16)?;
                }
                "evidence" => {
                    named(key, value, &mut query.evidence, StudyDesign::named, StudyDesign::ALL, StudyDesign::as_str)?;
                }
                "aspect" => named(key, value, &mut query.aspects, Aspect::named, Aspect::ALL, Aspect::as_str)?,
                "audience" => named(key, value, &mut query.audience, Audience::named, Audience::ALL, Audience::as_str)?,
                "study" => query.studies.push(study(key, value)?),
                "language" => {
                    each(key, value, |one| {
                        query.languages.push(language(one).ok_or_else(|| {
                            QueryError::new(key, "must be a language tag (BCP 47) such as en or pt-BR")
                        })?);
                        Ok(())
                    })?
                }
                "since" => set(&mut query.since, key, instant(key, value, false)?)?,
                "until" => set(&mut query.until, key, instant(key, value, true)?)?,
                "min_duration" => set(&mut query.min_duration, key, seconds(key, value)?)?,
                "max_duration" => set(&mut query.max_duration, key, seconds(key, value)?)?,
                "duration" => {
                    let (min, max) = value.split_once('-').ok_or_else(|| {
                        QueryError::new(key, "must be MIN-MAX in seconds; either may be left out: 60-600, -300")
                    })?;
                    if !min.is_empty() {
                        set(&mut query.min_duration, key, seconds(key, min)?)?;
                    }
                    if !max.is_empty() {
                        set(&mut query.max_duration, key, seconds(key, max)?)?;
                    }
                }
                // What the network carries; it is left out of the canonical form.
                "type" if value == "item" => {}
                "type" => return Err(QueryError::new(key, "must be item; the network carries nothing else")),
                "sort" => set(
                    &mut query.sort,
                    key,
                    match value {
                        "newest" => Sort::Newest,
                        "relevance" => Sort::Relevance,
                        _ => return Err(QueryError::new(key, "must be newest or relevance")),
                    },
                )?,
                _ => {
                    let known = PARAMETERS.join(", ");
                    return Err(QueryError::new(key, format!("no such parameter; there are {known}")));
                }
            }
        }
        query.about_only = !mentions.unwrap_or(false);
        query.finish()
    }

    /// Checks what holds between parameters, and sorts.
    fn finish(mut self) -> Result<Self, QueryError> {
        if self.since.zip(self.until).is_some_and(|(since, until)| since >= until) {
            return Err(QueryError::new("until", "must be later than since"));
        }
        if self.min_duration.zip(self.max_duration).is_some_and(|(min, max)| min > max) {
            return Err(QueryError::new("max_duration", "must not be less than min_duration"));
        }
        if self.sort == Some(Sort::Relevance) && self.q.is_none() {
            return Err(QueryError::new("sort", "relevance needs words in q"));
        }
        for (name, len) in [
            ("condition", self.conditions.len()),
            ("organization", self.organizations.len()),
            ("kind", self.kinds.len()),
            ("language", self.languages.len()),
            ("study", self.studies.len()),
        ] {
            if len > MAX_VALUES {
                return Err(QueryError::new(name, format!("at most {MAX_VALUES} values")));
            }
        }
        sort_unique(&mut self.conditions);
        sort_unique(&mut self.organizations);
        sort_unique(&mut self.kinds);
        sort_unique(&mut self.languages);
        sort_unique(&mut self.levels);
        sort_unique(&mut self.evidence);
        sort_unique(&mut self.aspects);
        sort_unique(&mut self.audience);
        sort_unique(&mut self.studies);
        if self.conditions.is_empty() {
            self.about_only = true;
        }
        Ok(self)
    }
}

fn sort_unique<T: Ord>(list: &mut Vec<T>) {
    list.sort();
    list.dedup();
}

/// Sets what may be given once; given again it must say the same.
fn set<T: PartialEq>(slot: &mut Option<T>, key: &str, value: T) -> Result<(), QueryError> {
    match slot {
        Some(old) if *old != value => Err(QueryError::new(key, "given twice with different values")),
        _ => {
            *slot = Some(value);
            Ok(())
        }
    }
}

fn each(key: &str, value: &str, mut f: impl FnMut(&str) -> Result<(), QueryError>) -> Result<(), QueryError> {
    for (n, one) in value.split(',').map(str::trim).filter(|one| !one.is_empty()).enumerate() {
        if n >= MAX_VALUES {
            return Err(QueryError::new(key, format!("at most {MAX_VALUES} values")));
        }
        f(one)?;
    }
    Ok(())
}

fn condition_group(key: &str, value: &str, vocabulary: &Vocabulary) -> Result<ConditionGroup, QueryError> {
    let (not, list) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let mut codes = Vec::new();
    each(key, list, |one| {
        let shown: Cow<'_, str> = one.chars().take(40).collect();
        if one.starts_with('-') {
            return Err(QueryError::new(
                key,
                format!("the - stands before the whole list: {key}=-A,B; for others give {key} again"),
            ));
        }
        let code = vocabulary.resolve(one).ok_or_else(|| {
            QueryError::new(
                key,
                format!("{shown} is no known code; right is for example D003924, icd10cm:E11 or doid:9352"),
            )
        })?;
        if key == "topic" && !vocabulary.get(&code).is_some_and(|found| found.topic()) {
            return Err(QueryError::new(key, format!("{shown} is a condition, not a topic: use condition")));
        }
        codes.push(code);
        Ok(())
    })?;
    if codes.is_empty() {
        return Err(QueryError::new(key, "names no code; right is for example D003924, icd10cm:E11 or doid:9352"));
    }
    sort_unique(&mut codes);
    Ok(ConditionGroup { not, codes })
}

/// The kind of that name; `podcast` is another for `audio`.
fn kind(name: &str) -> Option<ItemKind> {
    ItemKind::named(if name == "podcast" { "audio" } else { name })
}

/// Reads names of an enum into `list`; an unknown one is answered with those that there are.
fn named<T: Copy>(
    key: &str,
    value: &str,
    list: &mut Vec<T>,
    read: impl Fn(&str) -> Option<T>,
    all: &[T],
    write: impl Fn(T) -> &'static str,
) -> Result<(), QueryError> {
    each(key, value, |one| {
        let known = || all.iter().map(|one| write(*one)).collect::<Vec<_>>().join(", ");
        list.push(read(one).ok_or_else(|| QueryError::new(key, format!("must be one of {}", known())))?);
        Ok(())
    })?;
    if list.len() > MAX_VALUES {
        return Err(QueryError::new(key, format!("at most {MAX_VALUES} values")));
    }
    Ok(())
}

/// The id of a study as items have it: a registration in capitals, a DOI in lower case without resolver, `pmid:…`.
fn study(key: &str, value: &str) -> Result<String, QueryError> {
    let bare = value.trim_start_matches("https://doi.org/").trim_start_matches("doi:");
    let upper = bare.to_ascii_uppercase();
    let id = if ["NCT", "ISRCTN", "EUCTR"].iter().any(|prefix| upper.starts_with(prefix)) {
        upper
    } else {
        bare.to_ascii_lowercase()
    };
    let good = id.len() <= 220 && (id.starts_with("10.") || id.starts_with("pmid:") || id != bare.to_ascii_lowercase());
    good.then_some(id).ok_or_else(|| {
        QueryError::new(key, "must be a registration (NCT…, ISRCTN…, EUCTR…), a DOI (10.…) or a PubMed id (pmid:…)")
    })
}

/// A language tag in lower case, if it has the form of one (RFC 5646 §2.1, loosely).
fn language(tag: &str) -> Option<String> {
    let good = tag.len() <= 35
        && tag.split('-').enumerate().all(|(n, part)| {
            (if n == 0 { 2..=8 } else { 1..=8 }).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() && (n > 0 || b.is_ascii_alphabetic()))
        });
    good.then(|| tag.to_ascii_lowercase())
}

fn seconds(key: &str, value: &str) -> Result<u32, QueryError> {
    value.parse().map_err(|_| QueryError::new(key, "must be a whole number of seconds"))
}

/// An instant or a date; of a date its start, or with `end` the start of the next day.
fn instant(key: &str, value: &str, end: bool) -> Result<i64, QueryError> {
    // A `+` in a query string arrives as a space.
    let text = value.replace(' ', "+");
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_millisecond());
    }
    let start = || {
        let date: civil::Date = value.parse().ok()?;
        let date = if end { date.tomorrow().ok()? } else { date };
        let midnight: Timestamp = format!("{date}T00:00:00Z").parse().ok()?;
        Some(midnight.as_millisecond())
    };
    start().ok_or_else(|| QueryError::new(key, "must be a date (2026-11-23) or an instant (2026-11-23T20:00:00Z)"))
}
