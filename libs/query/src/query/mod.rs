//! The query language: one question, asked alike of feeds, API, streams and pages.
//!
//! | parameter | what |
//! | --- | --- |
//! | `condition` | codes of any system (`D003924`, `icd10cm:E11`, `doid:9352`), what is below them included. `A,B`: either; given twice: both; `-A`: not |
//! | `topic` | as `condition`, for codes that are topics |
//! | `mentions` | `include`: items that only mention a condition too; `exclude` (default): only items *about* it. `about_only=true` and `false` say the same |
//! | `q` | words, all of which must occur; `"a phrase"`; `-word`: not. Words that name a condition also find items about it under all its names |
//! | `organization` | slugs; `A,B` or given twice: either |
//! | `kind` | `article`, `news`, `video`, `audio` (or `podcast`), `guideline` … (all in docs/consumers.md); several: either. Without it, questions by condition leave out `job` and `event` |
//! | `level` | `easy`, `average`, `hard` to read; several: either |
//! | `max_grade` | most years of school that the text asks for (English, Spanish, German) |
//! | `evidence` | the study's design: `systematic-review`, `randomized-trial` …; several: either |
//! | `aspect`, `audience` | `treatment`, `living-with` …; `patient`, `carer`, `child`, `professional`; several: either |
//! | `study` | a registration, DOI or `pmid:…`: items that speak of that study |
//! | `language` | BCP 47; `es` also finds `es-MX`; several: any |
//! | `since`, `until` | when published: RFC 3339 instants (`until` exclusive) or dates (both days included, UTC) |
//! | `min_duration`, `max_duration`, `duration=MIN-MAX` | seconds of a video or sound |
//! | `type` | `item`: what the network carries (the default) |
//! | `sort` | `newest` (default; in order of curation) or `relevance` (default with `q` in searches; needs `q`) |
//!
//! A condition feed holds items *about* the condition: who follows diabetes does not want each item that names it
//! in passing; `mentions=include` widens it.
//!
//! Unknown parameters are errors: a filter that is silently ignored answers another question. [`Query::canonical`]
//! writes one form for all spellings of a question, so that its subscribers share one cache entry and one topic.

mod canonical;
mod parse;
mod words;

pub use parse::{PARAMETERS, QueryError};
pub(crate) use words::BODY_LIMIT;
pub use words::{Clause, TextQuery};

use carewire_conditions::Vocabulary;
use carewire_schemas::{Aspect, Audience, ConditionCode, CuratedV1, Fields, ItemKind, ReadingLevel, StudyDesign};

/// A question. Lists are sorted and free of doubles; an empty list asks nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    /// All of these must hold.
    pub conditions: Vec<ConditionGroup>,
    /// Whether an item must be *about* a condition; else a mention suffices. True by default.
    pub about_only: bool,
    /// Words.
    pub q: Option<TextQuery>,
    /// Slugs; one of them must carry the item.
    pub organizations: Vec<String>,
    /// Kinds; the item's must be among them.
    pub kinds: Vec<ItemKind>,
    /// Reading levels; the item's must be among them.
    pub levels: Vec<ReadingLevel>,
    /// Most years of school that the text may ask for, in tenths.
    pub max_grade: Option<u16>,
    /// Designs of studies; the item's must be among them.
    pub evidence: Vec<StudyDesign>,
    /// Aspects; the item must have one of them.
    pub aspects: Vec<Aspect>,
    /// Audiences; the item must have one of them.
    pub audience: Vec<Audience>,
    /// Ids of studies; the item must speak of one of them.
    pub studies: Vec<String>,
    /// Languages in lower case; the item's must be one of them or below it (RFC 4647 §3.3.1, basic filtering).
    pub languages: Vec<String>,
    /// Published at or after, in milliseconds since the epoch.
    pub since: Option<i64>,
    /// Published before, in milliseconds since the epoch.
    pub until: Option<i64>,
    /// Shortest duration in seconds.
    pub min_duration: Option<u32>,
    /// Longest duration in seconds.
    pub max_duration: Option<u32>,
    /// The order of answers; none: the output's default.
    pub sort: Option<Sort>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            conditions: Vec::new(),
            about_only: true,
            q: None,
            organizations: Vec::new(),
            kinds: Vec::new(),
            levels: Vec::new(),
            max_grade: None,
            evidence: Vec::new(),
            aspects: Vec::new(),
            audience: Vec::new(),
            studies: Vec::new(),
            languages: Vec::new(),
            since: None,
            until: None,
            min_duration: None,
            max_duration: None,
            sort: None,
        }
    }
}

/// One demand on conditions: one of the codes, or none of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConditionGroup {
    /// Whether none of the codes may hold.
    pub not: bool,
    /// The network's codes, sorted.
    pub codes: Vec<ConditionCode>,
}

/// The order of answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Sort {
    /// Newest in the network first (order of `first`).
    Newest,
    /// Best match of the words first.
    Relevance,
}

/// Whether fields satisfy a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tri {
    /// They do.
    Yes,
    /// They do not.
    No,
    /// All else does; the words decide: ask [`Query::matches_text`].
    NeedsText,
}

impl Query {
    /// The query of everything about `code` and what is below it.
    #[must_use]
    pub fn about(code: ConditionCode) -> Self {
        Self { conditions: vec![ConditionGroup { not: false, codes: vec![code] }], ..Self::default() }
    }

    /// The query of everything that an organization carries.
    #[must_use]
    pub fn of_organization(slug: &str) -> Self {
        Self { organizations: vec![slug.to_owned()], ..Self::default() }
    }

    /// Whether this asks nothing: every item answers it.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self { sort: self.sort, about_only: self.about_only, ..Self::default() }
    }

    /// The order of answers in a search.
    #[must_use]
    pub fn order(&self) -> Sort {
        self.sort.unwrap_or(if self.q.is_some() { Sort::Relevance } else { Sort::Newest })
    }

    /// Whether an item with these fields answers the question, as far as fields can tell.
    #[must_use]
    pub fn matches(&self, fields: &Fields, vocabulary: &Vocabulary) -> Tri {
        let listed = |list: &[String], one: &dyn Fn(&str) -> bool| list.is_empty() || list.iter().any(|x| one(x));
        let duration_asked = self.min_duration.is_some() || self.max_duration.is_some();
        let good = (self.kinds.is_empty() || self.kinds.contains(&fields.kind))
            && !(self.leaves_out_aside() && fields.kind.is_aside())
            && (self.levels.is_empty() || fields.level.is_some_and(|level| self.levels.contains(&level)))
            && self.max_grade.is_none_or(|most| fields.grade.is_some_and(|grade| grade <= most))
            && (self.evidence.is_empty() || fields.evidence.is_some_and(|design| self.evidence.contains(&design)))
            && either(&self.aspects, &fields.aspects)
            && either(&self.audience, &fields.audience)
            && either(&self.studies, &fields.studies)
            && listed(&self.organizations, &|slug| fields.organizations.iter().any(|have| have == slug))
            && listed(&self.languages, &|wanted| {
                fields.language.as_deref().is_some_and(|have| language_within(have, wanted))
            })
            && self.since.is_none_or(|since| fields.published >= since)
            && self.until.is_none_or(|until| fields.published < until)
            && (!duration_asked
                || fields.duration.is_some_and(|have| {
                    self.min_duration.is_none_or(|min| have >= min) && self.max_duration.is_none_or(|max| have <= max)
                }))
            && self.conditions.iter().all(|group| self.group_holds(group, fields, vocabulary));
        match (good, &self.q) {
            (false, _) => Tri::No,
            (true, None) => Tri::Yes,
            (true, Some(_)) => Tri::NeedsText,
        }
    }

    /// Whether jobs and events are left out: they are, where conditions are asked for and no kind is.
    #[must_use]
    pub fn leaves_out_aside(&self) -> bool {
        self.kinds.is_empty() && self.conditions.iter().any(|group| !group.not)
    }

    fn group_holds(&self, group: &ConditionGroup, fields: &Fields, vocabulary: &Vocabulary) -> bool {
        let mentioned: &[ConditionCode] = if self.about_only { &[] } else { &fields.mentioned };
        let any = fields
            .about
            .iter()
            .chain(mentioned)
            .any(|have| group.codes.iter().any(|asked| have == asked || vocabulary.is_within(have, asked)));
        any != group.not
    }

    /// Whether the words of the question are satisfied by an item. True where there are none.
    #[must_use]
    pub fn matches_text(&self, item: &CuratedV1, vocabulary: &Vocabulary) -> bool {
        self.q.as_ref().is_none_or(|q| q.matches(item, vocabulary))
    }
}

/// Whether nothing is asked, or one of the asked is there.
fn either<T: PartialEq>(asked: &[T], have: &[T]) -> bool {
    asked.is_empty() || asked.iter().any(|one| have.contains(one))
}

/// Whether the language tag `have` is `wanted` (in lower case) or below it (RFC 4647 §3.3.1).
fn language_within(have: &str, wanted: &str) -> bool {
    have.get(..wanted.len()).is_some_and(|head| head.eq_ignore_ascii_case(wanted))
        && matches!(have.as_bytes().get(wanted.len()), None | Some(b'-'))
}

#[cfg(test)]
mod tests;
