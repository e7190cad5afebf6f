//! Items by query, for API and pages alike: read from parameters, found in the store or by the index.

use carewire_conditions::Vocabulary;
use carewire_query::{Cursor, Query, Sort};
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
    if query.is_everything() && query.order() == Sort::Newest {
        return latest(state, &paging).await;
    }
    let wrong = || Problem::parameter("after", "must be taken from a `next` address of the same query");
    let after = paging.after.as_deref().map(str::parse::<Cursor>).transpose().map_err(|_| wrong())?;
    let hits = search(state, query.clone(), after, paging.limit).await?;
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
    })
}

/// How many items answer `query`, exact to 10,000.
pub(crate) async fn count(state: &PortalState, query: Query) -> Result<u64, Problem> {
    Ok(u64::try_from(search(state, query, None, 0).await?.total).unwrap_or(u64::MAX))
}

async fn search(
    state: &PortalState,
    query: Query,
    after: Option<Cursor>,
    limit: usize,
) -> Result<carewire_query::Hits, Problem> {
    let shared = state.clone();
    // A search works in memory and may take some milliseconds: not on a thread that others wait for.
    let task = tokio::task::spawn_blocking(move || shared.index().search(&query, after, limit));
    let failed = |error: String| {
        tracing::error!(%error, "a search failed");
        Problem::new(ProblemKind::Internal, "the search failed; the log has more under the request's id")
    };
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
    Ok(Listed { rows: rows.collect(), total: None, next })
}
