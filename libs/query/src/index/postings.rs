//! A question in terms of the index: what must be there, what must not, and what counts how much.

use std::ops::Bound;

use carewire_schemas::ItemKind;
use tantivy::{
    Score, Term,
    query::{
        AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, Occur, PhraseQuery, Query as Postings, RangeQuery,
        TermQuery,
    },
    schema::{Field, IndexRecordOption},
};

use super::{SearchIndex, schema::Fields};
use crate::query::{Clause, Query};

/// Hits in the title count this much more than in the body.
const TITLE_BOOST: Score = 3.0;
/// An item about the condition that the words name counts as a good hit under whichever name.
const CONDITION_SCORE: Score = 8.0;

impl SearchIndex {
    /// The question in terms of the index.
    pub(super) fn postings(&self, query: &Query) -> Box<dyn Postings> {
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

pub(super) fn unscored(postings: Box<dyn Postings>) -> Box<dyn Postings> {
    Box::new(ConstScoreQuery::new(postings, 0.0))
}

pub(super) fn any_of<'a>(terms: impl Iterator<Item = (Field, &'a str)>) -> Box<dyn Postings> {
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
