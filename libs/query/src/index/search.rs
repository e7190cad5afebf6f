//! Searching: a query becomes postings and columns; one walk counts all that match and keeps the best.

use std::{cmp::Reverse, collections::BinaryHeap, fmt, ops::Bound, str::FromStr, sync::Arc};

use carewire_schemas::{ChangeSeq, ConditionCode, ItemId, ItemKind};
use tantivy::{
    DocId, Score, SegmentOrdinal, SegmentReader, Term,
    collector::{Collector, SegmentCollector},
    columnar::ColumnValues,
    query::{
        AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, Occur, PhraseQuery, Query as Postings, RangeQuery,
        TermQuery,
    },
    schema::{Field, IndexRecordOption},
};
use uuid::Uuid;

use super::{IndexError, SearchIndex, schema::Fields};
use crate::query::{Clause, Query, Sort};

/// Hits in the title count this much more than in the body.
const TITLE_BOOST: Score = 3.0;
/// An item about the condition that the words name counts as a good hit under whichever name.
const CONDITION_SCORE: Score = 8.0;

/// Where the next page begins. As text: `f120` or `o200`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cursor {
    /// Newest first: items with a smaller `first`.
    First(ChangeSeq),
    /// By relevance: after so many items.
    Offset(usize),
}

/// Why a text is no cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be the cursor that a page gave, as it stands in its `next` link")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(first) => write!(f, "f{first}"),
            Self::Offset(offset) => write!(f, "o{offset}"),
        }
    }
}

impl FromStr for Cursor {
    type Err = CursorError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let cursor = match text.split_at_checked(1) {
            Some(("f", number)) => number.parse().ok().map(Self::First),
            Some(("o", number)) => number.parse().ok().filter(|&n| n <= MAX_OFFSET).map(Self::Offset),
            _ => None,
        };
        cursor.ok_or(CursorError)
    }
}

/// How deep pages by relevance go.
pub const MAX_OFFSET: usize = 10_000;

/// One item found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The item.
    pub id: ItemId,
    /// When it was first curated.
    pub first: ChangeSeq,
}

/// What a search found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hits {
    /// The items, in order.
    pub hits: Vec<Hit>,
    /// Where the next page begins; none at the end.
    pub next: Option<Cursor>,
    /// How many items match in all.
    pub total: usize,
    /// Up to which change the answer takes the items into account.
    pub position: ChangeSeq,
}

impl SearchIndex {
    /// Items that answer the question, at most `limit`, in the order that [`Query::order`] says.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn search(&self, query: &Query, after: Option<Cursor>, limit: usize) -> Result<Hits, IndexError> {
        let order = query.order();
        self.search_in_order(query, order, after, limit)
    }

    /// As [`SearchIndex::search`], in the given order.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn search_in_order(
        &self,
        query: &Query,
        order: Sort,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Hits, IndexError> {
        let _timer = crate::metrics::QUERY_SECONDS.start_timer();
        let snapshot = self.snapshot();
        let (before, skip) = match (order, after) {
            (Sort::Newest, Some(Cursor::First(first))) => (first, 0),
            (_, Some(Cursor::Offset(offset))) => (ChangeSeq::MAX, offset.min(MAX_OFFSET)),
            (_, _) => (ChangeSeq::MAX, 0),
        };
        let best = Best { scored: order == Sort::Relevance, before, keep: skip.saturating_add(limit) };
        let (total, mut found) = snapshot.searcher.search(&*self.postings(query), &best)?;
        found.drain(..skip.min(found.len()));
        let more = match order {
            Sort::Newest => found.len() == limit && limit > 0,
            Sort::Relevance => total > skip + found.len() && skip + found.len() < MAX_OFFSET && limit > 0,
        };
        let next = match (more, order, found.last()) {
            (true, Sort::Newest, Some(last)) => Some(Cursor::First(last.1)),
            (true, Sort::Relevance, _) => Some(Cursor::Offset(skip + found.len())),
            _ => None,
        };
        let hits = found.into_iter().map(|(_, first, id)| Hit { id: ItemId(Uuid::from_u128(id)), first }).collect();
        Ok(Hits { hits, next, total, position: snapshot.position })
    }

    /// How many items answer the question.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn count(&self, query: &Query) -> Result<usize, IndexError> {
        Ok(self.snapshot().searcher.search(&*self.postings(query), &tantivy::collector::Count)?)
    }

    /// Conditions that items are about, what is above them included, with the number of items; in order of code.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn condition_counts(&self) -> Result<Vec<(ConditionCode, u64)>, IndexError> {
        let counts = self.term_counts(self.fields.about)?;
        Ok(counts.into_iter().map(|(code, count)| (ConditionCode(code), count)).collect())
    }

    /// Slugs of organizations that carry items, with the number of items; in order.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn organization_counts(&self) -> Result<Vec<(String, u64)>, IndexError> {
        self.term_counts(self.fields.organization)
    }

    fn term_counts(&self, field: Field) -> Result<Vec<(String, u64)>, IndexError> {
        let mut counts = std::collections::BTreeMap::<String, u64>::new();
        for segment in self.snapshot().searcher.segment_readers() {
            let inverted = segment.inverted_index(field)?;
            let mut terms = inverted.terms().stream().map_err(tantivy::TantivyError::from)?;
            while terms.advance() {
                let Ok(text) = std::str::from_utf8(terms.key()) else { continue };
                let count = match segment.alive_bitset() {
                    None => u64::from(terms.value().doc_freq),
                    Some(alive) => {
                        let mut postings = inverted
                            .read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)
                            .map_err(tantivy::TantivyError::from)?;
                        let mut count = 0;
                        let mut doc = tantivy::DocSet::doc(&postings);
                        while doc != tantivy::TERMINATED {
                            count += u64::from(alive.is_alive(doc));
                            doc = tantivy::DocSet::advance(&mut postings);
                        }
                        count
                    }
                };
                if count > 0 {
                    *counts.entry(text.to_owned()).or_default() += count;
                }
            }
        }
        Ok(counts.into_iter().collect())
    }

    /// The question in terms of the index.
    fn postings(&self, query: &Query) -> Box<dyn Postings> {
        let fields = &self.fields;
        let mut demands: Vec<(Occur, Box<dyn Postings>)> = Vec::new();
        let mut filter = |occur, postings| demands.push((occur, unscored(postings)));
        for group in &query.conditions {
            let in_fields: &[Field] =
                if query.about_only { &[fields.about] } else { &[fields.about, fields.mentioned] };
            let terms = group.codes.iter().flat_map(|code| in_fields.iter().map(move |f| (*f, code.as_str())));
            filter(if group.not { Occur::MustNot } else { Occur::Must }, any_of(terms));
        }
        for (field, values) in [
            (fields.organization, query.organizations.iter().map(String::as_str).collect::<Vec<_>>()),
            (fields.language, query.languages.iter().map(String::as_str).collect()),
            (fields.kind, query.kinds.iter().map(|kind| kind.as_str()).collect()),
        ] {
            if !values.is_empty() {
                filter(Occur::Must, any_of(values.into_iter().map(|value| (field, value))));
            }
        }
        if query.leaves_out_aside() {
            let aside = ItemKind::ALL.iter().filter(|kind| kind.is_aside());
            filter(Occur::MustNot, any_of(aside.map(|kind| (fields.kind, kind.as_str()))));
        }
        for (sort, names) in [
            ("level", query.levels.iter().map(|level| level.as_str()).collect::<Vec<_>>()),
            ("evidence", query.evidence.iter().map(|design| design.as_str()).collect()),
            ("aspect", query.aspects.iter().map(|aspect| aspect.as_str()).collect()),
            ("audience", query.audience.iter().map(|audience| audience.as_str()).collect()),
            ("study", query.studies.iter().map(String::as_str).collect()),
            ("trust", query.min_trust.iter().map(|tier| tier.as_str()).collect()),
        ] {
            if !names.is_empty() {
                let terms: Vec<String> = names.into_iter().map(|name| format!("{sort}:{name}")).collect();
                filter(Occur::Must, any_of(terms.iter().map(|term| (fields.traits, term.as_str()))));
            }
        }
        if let Some(grade) = query.max_grade {
            let most = Bound::Included(Term::from_field_u64(fields.grade, grade.into()));
            filter(Occur::Must, Box::new(RangeQuery::new(Bound::Unbounded, most)));
        }
        if query.since.is_some() || query.until.is_some() {
            let term = |ms| Term::from_field_i64(fields.published, ms);
            let from = query.since.map_or(Bound::Unbounded, |ms| Bound::Included(term(ms)));
            let to = query.until.map_or(Bound::Unbounded, |ms| Bound::Excluded(term(ms)));
            filter(Occur::Must, Box::new(RangeQuery::new(from, to)));
        }
        if query.min_duration.is_some() || query.max_duration.is_some() {
            let term = |seconds: u32| Bound::Included(Term::from_field_u64(fields.duration, seconds.into()));
            let from = query.min_duration.map_or(Bound::Unbounded, term);
            let to = query.max_duration.map_or(Bound::Unbounded, term);
            filter(Occur::Must, Box::new(RangeQuery::new(from, to)));
        }
        for clause in query.q.iter().flat_map(|q| &q.clauses) {
            let postings = words(clause, fields);
            if clause.not {
                demands.push((Occur::MustNot, unscored(postings)));
            } else {
                demands.push((Occur::Must, postings));
            }
        }
        if demands.iter().all(|(occur, _)| *occur == Occur::MustNot) {
            demands.push((Occur::Must, unscored(Box::new(AllQuery))));
        }
        Box::new(BooleanQuery::new(demands))
    }
}

fn unscored(postings: Box<dyn Postings>) -> Box<dyn Postings> {
    Box::new(ConstScoreQuery::new(postings, 0.0))
}

fn any_of<'a>(terms: impl Iterator<Item = (Field, &'a str)>) -> Box<dyn Postings> {
    let one = |(field, text)| -> (Occur, Box<dyn Postings>) {
        let term = Term::from_field_text(field, text);
        (Occur::Should, Box::new(TermQuery::new(term, IndexRecordOption::Basic)))
    };
    Box::new(BooleanQuery::new(terms.map(one).collect()))
}

/// Items with the clause's words in title or body, or about the condition that they name.
fn words(clause: &Clause, fields: &Fields) -> Box<dyn Postings> {
    let in_field = |field| -> Box<dyn Postings> {
        let mut terms: Vec<_> = clause.words.iter().map(|word| Term::from_field_text(field, word)).collect();
        match terms.len() {
            1 => Box::new(TermQuery::new(terms.remove(0), IndexRecordOption::WithFreqs)),
            _ => Box::new(PhraseQuery::new(terms)),
        }
    };
    let mut either: Vec<(Occur, Box<dyn Postings>)> = vec![
        (Occur::Should, Box::new(BoostQuery::new(in_field(fields.title), TITLE_BOOST))),
        (Occur::Should, in_field(fields.body)),
    ];
    if let Some(code) = &clause.code {
        let about = any_of(std::iter::once((fields.about, code.as_str())));
        either.push((Occur::Should, Box::new(ConstScoreQuery::new(about, CONDITION_SCORE))));
    }
    Box::new(BooleanQuery::new(either))
}

/// Counts all that match, and keeps the best: by score, then newest; or the newest below a number.
struct Best {
    scored: bool,
    before: ChangeSeq,
    keep: usize,
}

/// Score in an order that integers have, `first`, id.
type Found = (u32, ChangeSeq, u128);

struct BestInSegment {
    scored: bool,
    before: ChangeSeq,
    keep: usize,
    count: usize,
    first: Arc<dyn ColumnValues<i64>>,
    id_high: Arc<dyn ColumnValues<u64>>,
    id_low: Arc<dyn ColumnValues<u64>>,
    /// The smallest of the kept on top: score, `first`, document.
    heap: BinaryHeap<Reverse<(u32, ChangeSeq, DocId)>>,
}

impl Collector for Best {
    type Fruit = (usize, Vec<Found>);
    type Child = BestInSegment;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<BestInSegment> {
        let columns = segment.fast_fields();
        Ok(BestInSegment {
            scored: self.scored,
            before: self.before,
            keep: self.keep,
            count: 0,
            first: columns.column_first_or_default("first")?,
            id_high: columns.column_first_or_default("id_high")?,
            id_low: columns.column_first_or_default("id_low")?,
            heap: BinaryHeap::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        self.scored
    }

    fn merge_fruits(&self, fruits: Vec<(usize, Vec<Found>)>) -> tantivy::Result<(usize, Vec<Found>)> {
        let total = fruits.iter().map(|(count, _)| count).sum();
        let mut found: Vec<Found> = fruits.into_iter().flat_map(|(_, found)| found).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(self.keep);
        Ok((total, found))
    }
}

impl SegmentCollector for BestInSegment {
    type Fruit = (usize, Vec<Found>);

    fn collect(&mut self, doc: DocId, score: Score) {
        self.count += 1;
        let first = self.first.get_val(doc);
        if first >= self.before || self.keep == 0 {
            return;
        }
        // The bits of positive floats are ordered as they are.
        let score = if self.scored { score.max(0.0).to_bits() } else { 0 };
        if self.heap.len() < self.keep {
            self.heap.push(Reverse((score, first, doc)));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && worst.0 < (score, first, doc)
        {
            *worst = Reverse((score, first, doc));
        }
    }

    fn harvest(self) -> (usize, Vec<Found>) {
        let id = |doc| (u128::from(self.id_high.get_val(doc)) << 64) | u128::from(self.id_low.get_val(doc));
        let found = self.heap.iter().map(|Reverse((score, first, doc))| (*score, *first, id(*doc))).collect();
        (self.count, found)
    }
}
