//! Searching: a query becomes postings and columns; one walk counts all that match and keeps the best.
//!
//! By relevance, what the words score (BM25, more in titles, more for items about the condition that they name) is weighed by
//! age: new items keep it all, old ones at least [`OLD_SHARE`] of it.

use std::{cmp::Reverse, collections::BinaryHeap, fmt, ops::Bound, str::FromStr, sync::Arc};

use carewire_conditions::Vocabulary;
use carewire_schemas::{ChangeSeq, ConditionCode, ItemId};
use jiff::Timestamp;
use tantivy::{
    DocId, Score, SegmentOrdinal, SegmentReader, Term,
    collector::{Collector, SegmentCollector},
    columnar::ColumnValues,
    query::{BooleanQuery, Occur, Query as Postings, RangeQuery},
    schema::{Field, IndexRecordOption},
};
use uuid::Uuid;

use super::{
    IndexError, SearchIndex,
    facets::{self, Facets, SAMPLE, Seen, Tally},
    postings::unscored,
};
use crate::query::{Query, Sort};

/// What is left of the score of an item that is very old.
const OLD_SHARE: Score = 0.6;
/// Milliseconds in which half of what age takes is taken: a year.
const HALF_LIFE: Score = 365.25 * 86_400_000.0;

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
    /// Their values, where that was asked.
    pub facets: Option<Facets>,
}

/// How a question is asked.
#[derive(Clone, Copy, Default)]
pub struct Ask<'a> {
    /// The order; without it what [`Query::order`] says.
    pub order: Option<Sort>,
    /// Where the page begins.
    pub after: Option<Cursor>,
    /// Items of a page.
    pub limit: usize,
    /// Only items that last changed at or after the one, before the other, in milliseconds since the epoch.
    pub updated: (Option<i64>, Option<i64>),
    /// Whether to count the values of all answers; the vocabulary that names conditions.
    pub facets: Option<&'a Vocabulary>,
    /// The instant from which age is reckoned, in milliseconds since the epoch; now, without it.
    pub now: Option<i64>,
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
        self.ask(query, &Ask { order: Some(order), after, limit, ..Ask::default() })
    }

    /// Answers a question as it is asked.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn ask(&self, query: &Query, ask: &Ask<'_>) -> Result<Hits, IndexError> {
        let _timer = crate::metrics::QUERY_SECONDS.start_timer();
        let snapshot = self.snapshot();
        let (order, limit) = (ask.order.unwrap_or_else(|| query.order()), ask.limit);
        let (before, skip) = match (order, ask.after) {
            (Sort::Newest, Some(Cursor::First(first))) => (first, 0),
            (_, Some(Cursor::Offset(offset))) => (ChangeSeq::MAX, offset.min(MAX_OFFSET)),
            (_, _) => (ChangeSeq::MAX, 0),
        };
        let postings = self.within(query, ask.updated);
        let best = Best {
            scored: order == Sort::Relevance,
            before,
            keep: skip.saturating_add(limit),
            now: ask.now.unwrap_or_else(|| Timestamp::now().as_millisecond()),
            tallied: ask.facets.is_some(),
        };
        let Kept { total, mut found, seen } = snapshot.searcher.search(&*postings, &best)?;
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
        let facets = match ask.facets {
            Some(vocabulary) => Some(self.facets(&snapshot, query, &*postings, total, seen, vocabulary)?),
            None => None,
        };
        let hits = found.into_iter().map(|(_, first, id)| Hit { id: ItemId(Uuid::from_u128(id)), first }).collect();
        Ok(Hits { hits, next, total, position: snapshot.position, facets })
    }

    /// The question, of items that last changed within a time only.
    fn within(&self, query: &Query, (from, to): (Option<i64>, Option<i64>)) -> Box<dyn Postings> {
        let postings = self.postings(query);
        if from.is_none() && to.is_none() {
            return postings;
        }
        let term = |ms| Term::from_field_i64(self.fields.updated, ms);
        let from = from.map_or(Bound::Unbounded, |ms| Bound::Included(term(ms)));
        let to = to.map_or(Bound::Unbounded, |ms| Bound::Excluded(term(ms)));
        let updated = unscored(Box::new(RangeQuery::new(from, to)));
        Box::new(BooleanQuery::new(vec![(Occur::Must, postings), (Occur::Must, updated)]))
    }

    /// How many items answer the question.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn count(&self, query: &Query) -> Result<usize, IndexError> {
        Ok(self.snapshot().searcher.search(&*self.postings(query), &tantivy::collector::Count)?)
    }

    /// The items whose `first` is in a range, with when they last changed (milliseconds since the epoch), in order of
    /// `first`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn in_range(&self, range: std::ops::Range<ChangeSeq>) -> Result<Vec<(ItemId, i64)>, IndexError> {
        let term = |first| Term::from_field_i64(self.fields.first, first);
        let asked = RangeQuery::new(Bound::Included(term(range.start)), Bound::Excluded(term(range.end)));
        let snapshot = self.snapshot();
        let found = snapshot.searcher.search(&asked, &tantivy::collector::DocSetCollector)?;
        let mut items = Vec::with_capacity(found.len());
        let mut columns = Vec::new();
        for segment in snapshot.searcher.segment_readers() {
            let fast = segment.fast_fields();
            columns.push((
                fast.column_first_or_default::<i64>("first")?,
                fast.column_first_or_default::<i64>("updated")?,
                fast.column_first_or_default::<u64>("id_high")?,
                fast.column_first_or_default::<u64>("id_low")?,
            ));
        }
        for address in found {
            let Some((first, updated, high, low)) = columns.get(address.segment_ord as usize) else { continue };
            let id = Uuid::from_u64_pair(high.get_val(address.doc_id), low.get_val(address.doc_id));
            items.push((first.get_val(address.doc_id), ItemId(id), updated.get_val(address.doc_id)));
        }
        items.sort_unstable();
        Ok(items.into_iter().map(|(_, id, updated)| (id, updated)).collect())
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
}

/// Counts all that match, and keeps the best: by score, then newest; or the newest below a number.
struct Best {
    scored: bool,
    before: ChangeSeq,
    keep: usize,
    now: i64,
    tallied: bool,
}

/// Score in an order that integers have, `first`, id.
type Found = (u32, ChangeSeq, u128);

/// What a walk comes to.
struct Kept {
    total: usize,
    found: Vec<Found>,
    seen: Seen,
}

struct BestInSegment {
    scored: bool,
    before: ChangeSeq,
    keep: usize,
    now: i64,
    count: usize,
    first: Arc<dyn ColumnValues<i64>>,
    published: Arc<dyn ColumnValues<i64>>,
    id_high: Arc<dyn ColumnValues<u64>>,
    id_low: Arc<dyn ColumnValues<u64>>,
    /// The smallest of the kept on top: score, `first`, document.
    heap: BinaryHeap<Reverse<(u32, ChangeSeq, DocId)>>,
    tally: Option<Tally>,
}

impl Collector for Best {
    type Fruit = Kept;
    type Child = BestInSegment;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<BestInSegment> {
        let columns = segment.fast_fields();
        Ok(BestInSegment {
            scored: self.scored,
            before: self.before,
            keep: self.keep,
            now: self.now,
            count: 0,
            first: columns.column_first_or_default("first")?,
            published: columns.column_first_or_default("published")?,
            id_high: columns.column_first_or_default("id_high")?,
            id_low: columns.column_first_or_default("id_low")?,
            heap: BinaryHeap::new(),
            tally: self.tallied.then(|| Tally::new(segment)).transpose()?,
        })
    }

    fn requires_scoring(&self) -> bool {
        self.scored
    }

    fn merge_fruits(&self, fruits: Vec<Kept>) -> tantivy::Result<Kept> {
        let mut all = Kept { total: 0, found: Vec::new(), seen: Seen::default() };
        for fruit in fruits {
            all.total += fruit.total;
            all.found.extend(fruit.found);
            facets::add(&mut all.seen, fruit.seen);
        }
        all.found.sort_unstable_by(|a, b| b.cmp(a));
        all.found.truncate(self.keep);
        Ok(all)
    }
}

impl BestInSegment {
    /// The part of an item's score that its age leaves it.
    fn share(&self, doc: DocId) -> Score {
        let age = self.now.saturating_sub(self.published.get_val(doc)).max(0) as Score;
        OLD_SHARE + (1.0 - OLD_SHARE) * (-age / HALF_LIFE).exp2()
    }
}

impl SegmentCollector for BestInSegment {
    type Fruit = Kept;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.count += 1;
        if self.count <= SAMPLE
            && let Some(tally) = &mut self.tally
        {
            tally.take(doc);
        }
        if self.keep == 0 {
            return;
        }
        let full = self.heap.len() >= self.keep;
        let mut best = if self.scored { score.max(0.0) } else { 0.0 };
        // Age only takes: what would not be kept without it need not be asked how old it is.
        if full && self.heap.peek().is_some_and(|worst| best.to_bits() < worst.0.0) {
            return;
        }
        let first = self.first.get_val(doc);
        if first >= self.before {
            return;
        }
        if self.scored {
            best *= self.share(doc);
        }
        // The bits of positive floats are ordered as they are.
        let score = best.to_bits();
        if !full {
            self.heap.push(Reverse((score, first, doc)));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && worst.0 < (score, first, doc)
        {
            *worst = Reverse((score, first, doc));
        }
    }

    fn harvest(self) -> Kept {
        let id = |doc| (u128::from(self.id_high.get_val(doc)) << 64) | u128::from(self.id_low.get_val(doc));
        let found = self.heap.iter().map(|Reverse((score, first, doc))| (*score, *first, id(*doc))).collect();
        Kept { total: self.count, found, seen: self.tally.map(|tally| tally.seen).unwrap_or_default() }
    }
}
