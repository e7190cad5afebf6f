//! Items by query, for API and pages alike: read from parameters, found in the store or by the index.

use carewire_conditions::Vocabulary;
use carewire_query::{Ask, Cursor, Facets, Hits, Query, Sort};
use carewire_schemas::{ChangeSeq, ItemId};
use carewire_store::{ItemRow, ItemState};

use crate::{
    problem::{Problem, ProblemKind},
    request::Params,
    state::PortalState,
};

/// A public item: its content is `CuratedV1` as JSON, as stored.
pub(crate) struct Row {
    pub id: ItemId,
    pub first: ChangeSeq,
    pub seq: ChangeSeq,
    pub content: String,
}

impl Row {
    /// The public form of a row; none where it is not curated now.
    pub(crate) fn of(row: &ItemRow) -> Option<Self> {
        Self::new(row.id, row.state, row.first, row.seq, || row.content.clone())
    }

    fn new(
        id: ItemId,
        state: ItemState,
        first: Option<ChangeSeq>,
        seq: Option<ChangeSeq>,
        content: impl FnOnce() -> String,
    ) -> Option<Self> {
        let (first, seq) = (first?, seq?);
        (state == ItemState::Curated).then(|| Self { id, first, seq, content: content() })
    }
}

/// Where a page begins and how long it is.
pub(crate) struct Paging {
    pub after: Option<String>,
    pub limit: usize,
}

/// A page of items.
pub(crate) struct Listed {
    pub rows: Vec<Row>,
    /// How many there are; none where nobody counted.
    pub total: Option<u64>,
    /// Where the next page begins; none on the last.
    pub next: Option<String>,
    /// The values of all answers, where that was asked.
    pub facets: Option<Facets>,
}

/// What is wanted of the index beside the question.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted {
    pub after: Option<Cursor>,
    pub limit: usize,
    /// Only items that last changed at or after the one, before the other, in milliseconds since the epoch.
    pub updated: (Option<i64>, Option<i64>),
    /// Whether to count the values of all answers.
    pub facets: bool,
}

/// A query and its paging out of a query string. `limit` and `after` are paging, the rest is the query language.
pub(crate) fn read(raw: Option<&str>, vocabulary: &Vocabulary) -> Result<(Query, Paging), Problem> {
    let mut paging = url::form_urlencoded::Serializer::new(String::new());
    let mut filters = Vec::new();
    for (name, value) in url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
        if matches!(name.as_ref(), "limit" | "after") {
            paging.append_pair(&name, &value);
        } else {
            filters.push((name, value));
        }
    }
    let paging = paging.finish();
    let params = Params::read(Some(&paging), &["limit", "after"])?;
    let query = Query::from_pairs(filters, vocabulary)?;
    Ok((query, Paging { after: params.get("after").map(str::to_owned), limit: params.limit()? }))
}

/// The items of `query`. Without filters they come from the store in order of `first`; else the index says which.
pub(crate) async fn find(state: &PortalState, query: &Query, paging: Paging) -> Result<Listed, Problem> {
    find_with(state, query, paging, false).await
}

/// As [`find`]; with `facets` the values of all answers are counted too.
pub(crate) async fn find_with(
    state: &PortalState,
    query: &Query,
    paging: Paging,
    facets: bool,
) -> Result<Listed, Problem> {
    if query.is_everything() && query.order() == Sort::Newest {
        let mut listed = latest(state, &paging).await?;
        if facets {
            listed.facets = search(state, query.clone(), Wanted { facets, ..Wanted::default() }).await?.facets;
        }
        return Ok(listed);
    }
    let wrong = || Problem::parameter("after", "must be taken from a `next` address of the same query");
    let after = paging.after.as_deref().map(str::parse::<Cursor>).transpose().map_err(|_| wrong())?;
    find_by_index(state, query, Wanted { after, limit: paging.limit, facets, ..Wanted::default() }).await
}

/// The items that the index says.
pub(crate) async fn find_by_index(state: &PortalState, query: &Query, wanted: Wanted) -> Result<Listed, Problem> {
    let hits = search(state, query.clone(), wanted).await?;
    let ids = hits.hits.iter().map(|hit| hit.id).collect::<Vec<_>>();
    let mut found = state.store().contents(&ids).await?;
    // The index may lag behind the store for a moment: what is no longer public is left out here.
    let place = |id: ItemId| ids.iter().position(|other| *other == id).unwrap_or(usize::MAX);
    found.sort_by_key(|row| place(row.id));
    let rows = found.into_iter().filter_map(|row| Row::new(row.id, row.state, row.first, row.seq, || row.content));
    Ok(Listed {
        rows: rows.collect(),
        total: u64::try_from(hits.total).ok(),
        next: hits.next.map(|cursor| cursor.to_string()),
        facets: hits.facets,
    })
}

/// How many items answer `query`.
pub(crate) async fn count(state: &PortalState, query: Query) -> Result<u64, Problem> {
    Ok(u64::try_from(search(state, query, Wanted::default()).await?.total).unwrap_or(u64::MAX))
}

/// What a question whose words find (almost) nothing was probably meant to be; none where that finds no more than the
/// question did.
pub(crate) async fn did_you_mean(state: &PortalState, query: &Query, total: u64) -> Result<Option<String>, Problem> {
    /// Answers from which on nobody is asked.
    const ENOUGH: u64 = 3;
    let Some(q) = query.q.clone().filter(|_| total < ENOUGH) else { return Ok(None) };
    let (vocabulary, asked) = (state.vocabulary(), q.clone());
    let Some(meant) = in_index(state, move |index| index.did_you_mean(&asked, vocabulary)).await? else {
        return Ok(None);
    };
    let Ok(read) = carewire_query::query::TextQuery::parse(&meant, vocabulary) else { return Ok(None) };
    let better = count(state, Query { q: Some(read), ..query.clone() }).await? > total;
    Ok(better.then_some(meant))
}

async fn search(state: &PortalState, query: Query, wanted: Wanted) -> Result<Hits, Problem> {
    let vocabulary = state.vocabulary();
    in_index(state, move |index| {
        let Wanted { after, limit, updated, facets } = wanted;
        index.ask(&query, &Ask { after, limit, updated, facets: facets.then_some(vocabulary), ..Ask::default() })
    })
    .await
}

/// Asks the index: it works in memory and may take some milliseconds, so not on a thread that others wait for.
pub(crate) async fn in_index<T: Send + 'static>(
    state: &PortalState,
    work: impl FnOnce(&carewire_query::SearchIndex) -> Result<T, carewire_query::index::IndexError> + Send + 'static,
) -> Result<T, Problem> {
    let shared = state.clone();
    let failed = |error: String| {
        tracing::error!(%error, "a search failed");
        Problem::new(ProblemKind::Internal, "the search failed; the log has more under the request's id")
    };
    let task = tokio::task::spawn_blocking(move || work(shared.index()));
    task.await.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
}

async fn latest(state: &PortalState, paging: &Paging) -> Result<Listed, Problem> {
    let wrong = || Problem::parameter("after", "must be taken from a `next` address");
    let before = paging.after.as_deref().map(str::parse::<ChangeSeq>).transpose().map_err(|_| wrong())?;
    let mut found = state.store().latest(before, paging.limit + 1).await?;
    let more = found.len() > paging.limit;
    found.truncate(paging.limit);
    let next = found.last().filter(|_| more).and_then(|row| row.first).map(|first| first.to_string());
    let rows = found.into_iter().filter_map(|row| Row::new(row.id, row.state, row.first, row.seq, || row.content));
    Ok(Listed { rows: rows.collect(), total: None, next, facets: None })
}
