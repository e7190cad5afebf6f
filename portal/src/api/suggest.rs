//! Suggestions while somebody types.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
};
use carewire_query::Query;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, json};
use crate::{listing, problem::Problem, request::Params, state::PortalState};

/// Suggestions when the request does not say how many.
const DEFAULT: usize = 8;
/// Most suggestions: each is counted.
const MOST: usize = 20;

/// A condition that may be meant.
#[derive(Serialize, ToSchema)]
pub struct Suggestion {
    /// The name that begins with what was typed, as it is written.
    #[schema(example = "sugar diabetes")]
    pub text: String,
    /// The plain name of what it names.
    #[schema(example = "Diabetes")]
    pub label: String,
    /// Its code in the network.
    #[schema(example = "D003920")]
    pub code: String,
    /// Items about it or what is below it.
    pub items: u64,
    /// Its page.
    pub page: String,
}

/// What may be meant.
#[derive(Serialize, ToSchema)]
pub struct Suggestions {
    /// Lay terms first, then preferred names, then the shortest.
    pub suggestions: Vec<Suggestion>,
}

/// Conditions and topics while somebody types: by the beginning of any of their names, lay names first.
#[utoipa::path(get, path = "/v1/suggest", operation_id = "suggest",
    params(("q" = String, Query, description = "What was typed so far; case and accents do not matter.", example = "sugar dia"),
        ("limit" = Option<u32>, Query, description = "1 to 20, 8 without it.")),
    responses((status = 200, description = "What may be meant.", body = Suggestions)))]
pub async fn suggest(State(state): State<PortalState>, RawQuery(query): RawQuery) -> Answer {
    let params = Params::read(query.as_deref(), &["q", "limit"])?;
    let typed = params.get("q").map(str::trim).unwrap_or_default();
    if typed.len() > 200 {
        return Err(Problem::parameter("q", "must be at most 200 bytes long"));
    }
    let right = "a number from 1 to 20";
    let limit = params.parse::<usize>("limit", right)?.unwrap_or(DEFAULT);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::parameter("limit", format!("`{limit}` is not {right}")));
    }
    let mut suggestions = Vec::new();
    for hit in state.vocabulary().find_names(typed, limit) {
        let items = listing::count(&state, Query::about(hit.code.clone())).await?;
        let page = state.absolute(&format!("/conditions/{}", hit.code));
        suggestions.push(Suggestion { text: hit.name, label: hit.label, code: hit.code.to_string(), items, page });
    }
    json(StatusCode::OK, &Suggestions { suggestions })
}
