//! How many of a question's answers have which condition, organization, kind, language, level.
//!
//! The walk that finds the answers looks at the values of the first of them ([`SAMPLE`] in each part of the index): so it is
//! known which values to show. What the sample cannot tell is counted by intersection, which stops at [`COUNTED`]: a
//! rare value costs little because it is rare, a common one because it is counted no further.

use carewire_conditions::Vocabulary;
use carewire_schemas::{ConditionCode, ItemKind, ReadingLevel};
use rustc_hash::FxHashMap;
use tantivy::{
    DocId, DocSet, SegmentReader, TERMINATED, Term,
    columnar::Column,
    query::{BooleanQuery, EnableScoring, Occur, Query as Postings, TermQuery},
    schema::{Field, IndexRecordOption},
};
use xxhash_rust::xxh3::xxh3_64;

use super::{IndexError, SearchIndex, Snapshot};
use crate::query::Query;

/// Counts are exact up to this.
pub const COUNTED: u64 = 10_000;
/// Answers in each part of the index whose values are looked at.
pub(super) const SAMPLE: usize = 20_000;
/// Values shown of one kind.
const SHOWN: usize = 12;

/// By what answers are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FacetKind {
    /// The conditions that they are about; what is below a condition counts for it.
    Condition,
    /// Who carries them.
    Organization,
    /// The kind of item.
    Kind,
    /// The primary language.
    Language,
    /// How hard they are to read.
    Level,
}

impl FacetKind {
    /// All of them, in order of their numbers.
    pub const ALL: [Self; 5] = [Self::Condition, Self::Organization, Self::Kind, Self::Language, Self::Level];

    /// The parameter of the query language that narrows a question to a value.
    #[must_use]
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::Organization => "organization",
            Self::Kind => "kind",
            Self::Language => "language",
            Self::Level => "level",
        }
    }

    /// The name of its column in the index.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Condition => "facet_condition",
            Self::Organization => "facet_organization",
            Self::Kind => "facet_kind",
            Self::Language => "facet_language",
            Self::Level => "facet_level",
        }
    }
}

/// A value and how many answers have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facet {
    /// As the query language has it.
    pub value: String,
    /// How many answers have it, at most [`COUNTED`].
    pub count: u64,
    /// Whether there are more than that.
    pub more: bool,
}

/// The values of a question's answers, the most frequent first, in order of [`FacetKind::ALL`].
pub type Facets = [Vec<Facet>; FacetKind::ALL.len()];

/// What a column holds of a value: a short one as it is, else its hash.
pub(super) fn key(value: &str) -> u64 {
    let bytes = value.as_bytes();
    if bytes.len() > 8 {
        // The highest bit is set in no ASCII text of eight bytes.
        return xxh3_64(bytes) | 1 << 63;
    }
    bytes.iter().fold(0, |packed, byte| packed << 8 | u64::from(byte & 0x7f))
}

/// The primary subtag in lower case.
pub(super) fn primary(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

/// The text that [`key`] packed.
fn unpacked(key: u64) -> Option<String> {
    let bytes: Vec<u8> = key.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    (key >> 63 == 0).then(|| String::from_utf8(bytes).ok()).flatten()
}

/// How often each value was seen.
pub(super) type Seen = [FxHashMap<u64, u32>; FacetKind::ALL.len()];

/// Looks at the values of answers in one part of the index.
pub(super) struct Tally {
    columns: [Option<Column<u64>>; FacetKind::ALL.len()],
    pub seen: Seen,
}

impl Tally {
    pub fn new(segment: &SegmentReader) -> tantivy::Result<Self> {
        let mut columns = [const { None }; FacetKind::ALL.len()];
        for kind in FacetKind::ALL {
            columns[kind as usize] = segment.fast_fields().column_opt::<u64>(kind.column())?;
        }
        Ok(Self { columns, seen: Seen::default() })
    }

    pub fn take(&mut self, doc: DocId) {
        for (column, seen) in self.columns.iter().zip(&mut self.seen) {
            for key in column.iter().flat_map(|column| column.values_for_doc(doc)) {
                *seen.entry(key).or_default() += 1;
            }
        }
    }
}

/// Adds what another part of the index has.
pub(super) fn add(sum: &mut Seen, other: Seen) {
    for (sum, other) in sum.iter_mut().zip(other) {
        for (key, count) in other {
            *sum.entry(key).or_default() += count;
        }
    }
}

impl SearchIndex {
    /// The facets of `query`, which has `total` answers; `seen` are the values of those looked at, `postings` its answers.
    pub(super) fn facets(
        &self,
        snapshot: &Snapshot,
        query: &Query,
        postings: &dyn Postings,
        total: usize,
        seen: Seen,
        vocabulary: &Vocabulary,
    ) -> Result<Facets, IndexError> {
        let mut facets = Facets::default();
        let asked: Vec<&ConditionCode> = query.conditions.iter().flat_map(|group| &group.codes).collect();
        for (kind, seen) in FacetKind::ALL.into_iter().zip(seen) {
            let mut keys: Vec<(u64, u32)> = seen.into_iter().collect();
            keys.sort_unstable_by_key(|(key, count)| (std::cmp::Reverse(*count), *key));
            keys.truncate(SHOWN + asked.len());
            let names = self.names(snapshot, kind, &keys, vocabulary)?;
            let mut values = Vec::with_capacity(keys.len());
            for (key, count) in keys {
                let Some(value) = names.get(&key) else { continue };
                let known = kind != FacetKind::Condition && total <= SAMPLE;
                if kind == FacetKind::Condition && asked.iter().any(|code| code.as_str() == value) {
                    continue;
                }
                let count = if known { u64::from(count) } else { self.capped(snapshot, postings, kind, value)? };
                values.push(Facet { value: value.clone(), count: count.min(COUNTED), more: count > COUNTED });
            }
            values.sort_by_key(|facet| std::cmp::Reverse(facet.count));
            values.truncate(SHOWN);
            facets[kind as usize] = values;
        }
        Ok(facets)
    }

    /// How many of the answers have that value; counting stops above [`COUNTED`].
    fn capped(
        &self,
        snapshot: &Snapshot,
        answers: &dyn Postings,
        kind: FacetKind,
        value: &str,
    ) -> Result<u64, IndexError> {
        let fields = &self.fields;
        let (field, text): (Field, String) = match kind {
            FacetKind::Condition => (fields.about, value.to_owned()),
            FacetKind::Organization => (fields.organization, value.to_owned()),
            FacetKind::Kind => (fields.kind, value.to_owned()),
            FacetKind::Language => (fields.language, value.to_owned()),
            FacetKind::Level => (fields.traits, format!("level:{value}")),
        };
        let with: Box<dyn Postings> =
            Box::new(TermQuery::new(Term::from_field_text(field, &text), IndexRecordOption::Basic));
        let both = BooleanQuery::new(vec![(Occur::Must, with), (Occur::Must, answers.box_clone())]);
        let weight = both.weight(EnableScoring::disabled_from_searcher(&snapshot.searcher))?;
        let mut count = 0;
        for segment in snapshot.searcher.segment_readers() {
            let mut scorer = weight.scorer(segment, 1.0)?;
            let alive = segment.alive_bitset();
            let mut doc = scorer.doc();
            while doc != TERMINATED && count <= COUNTED {
                count += u64::from(alive.is_none_or(|alive| alive.is_alive(doc)));
                doc = scorer.advance();
            }
        }
        Ok(count)
    }

    /// What the keys stand for.
    fn names(
        &self,
        snapshot: &Snapshot,
        kind: FacetKind,
        keys: &[(u64, u32)],
        vocabulary: &Vocabulary,
    ) -> Result<FxHashMap<u64, String>, IndexError> {
        let mut names = FxHashMap::default();
        match kind {
            FacetKind::Condition => {
                let codes = self.codes.get_or_init(|| {
                    vocabulary.iter().map(|one| (key(one.code().as_str()), one.code().clone())).collect()
                });
                names.extend(keys.iter().filter_map(|(key, _)| Some((*key, codes.get(key)?.to_string()))));
            }
            FacetKind::Kind => {
                names.extend(ItemKind::ALL.iter().map(|one| (key(one.as_str()), one.as_str().to_owned())))
            }
            FacetKind::Level => {
                names.extend(ReadingLevel::ALL.iter().map(|one| (key(one.as_str()), one.as_str().to_owned())));
            }
            FacetKind::Language => names.extend(keys.iter().filter_map(|(key, _)| Some((*key, unpacked(*key)?)))),
            FacetKind::Organization => {
                for segment in snapshot.searcher.segment_readers() {
                    let inverted = segment.inverted_index(self.fields.organization)?;
                    let mut terms = inverted.terms().stream().map_err(tantivy::TantivyError::from)?;
                    while terms.advance() && names.len() < keys.len() {
                        let Ok(slug) = std::str::from_utf8(terms.key()) else { continue };
                        let this = key(slug);
                        if keys.iter().any(|(key, _)| *key == this) {
                            names.insert(this, slug.to_owned());
                        }
                    }
                }
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_values_apart() {
        let values = ["en", "es", "D003924", "D003920", "doid:9352", "patient-story", "easy", "hard", ""];
        let mut keys: Vec<u64> = values.iter().map(|value| key(value)).collect();
        assert_eq!(unpacked(key("pt")).as_deref(), Some("pt"));
        assert_eq!(unpacked(key("patient-story")), None);
        assert_eq!(primary("pt-BR"), "pt");
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), values.len());
    }
}
