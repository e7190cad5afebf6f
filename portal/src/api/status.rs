//! The state of the network in figures.

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, json};
use crate::state::PortalState;

/// How much there is, and how far each part has come.
#[derive(Serialize, ToSchema)]
pub struct Status {
    /// The network's name.
    pub name: String,
    /// Version of the program.
    pub version: &'static str,
    /// Organizations by standing.
    pub organizations: BTreeMap<&'static str, i64>,
    /// Feeds by state.
    pub feeds: BTreeMap<&'static str, i64>,
    /// Items by state.
    pub items: BTreeMap<&'static str, i64>,
    /// Entries known.
    pub entries: i64,
    /// The last number of the sequence.
    pub last_seq: i64,
    /// Up to where the search index of this process has come.
    pub index_seq: i64,
    /// Version of the vocabulary of conditions.
    pub vocabulary: String,
    /// Conditions and topics in the vocabulary.
    pub conditions: usize,
}

/// The state of the network in figures.
#[utoipa::path(get, path = "/v1/status", operation_id = "getStatus",
    responses((status = 200, description = "The figures.", body = Status)))]
pub async fn status(State(state): State<PortalState>) -> Answer {
    json(StatusCode::OK, &figures(&state).await?)
}

/// The figures, for the API and the pages.
pub(crate) async fn figures(state: &PortalState) -> Answer<Status> {
    let counts = state.store().counts().await?;
    Ok(Status {
        name: state.name().to_owned(),
        version: state.version(),
        organizations: counts.organizations.into_iter().map(|(key, count)| (key.as_str(), count)).collect(),
        feeds: counts.feeds.into_iter().map(|(key, count)| (key.as_str(), count)).collect(),
        items: counts.items.into_iter().map(|(key, count)| (key.as_str(), count)).collect(),
        entries: counts.entries,
        last_seq: counts.last_seq,
        index_seq: state.index().position(),
        vocabulary: state.vocabulary().version().to_owned(),
        conditions: state.vocabulary().len(),
    })
}
