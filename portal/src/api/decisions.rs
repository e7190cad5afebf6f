//! Decisions of curators: decide, and the list of what was decided.

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::StatusCode,
};
use carewire_query::public;
use carewire_schemas::{DecisionId, DecisionV1, ItemId, Verdict};
use carewire_store::{DecisionRow, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Answer, json, model::Page, next_link};
use crate::{
    auth::Caller,
    openapi::VerdictSchema,
    problem::Problem,
    request::{JsonBody, Params, check, field_error},
    state::PortalState,
};

/// A decision to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDecisionBody {
    /// The item.
    pub item: Uuid,
    /// What is decided.
    pub verdict: VerdictBody,
    /// Why, in words; for `hide` readers see it.
    #[schema(example = "Retracted by its journal.")]
    pub reason: String,
    /// The `item_version` that was looked at. Without it the decision holds for whatever version is there, and waits
    /// for an item that is not there yet.
    pub expected_version: Option<i64>,
}

/// What can be decided. The newest of each kind holds; `undo` lifts all.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum VerdictBody {
    /// The item carries the network's name.
    Approve,
    /// The item is not shown; where it was, it is withdrawn.
    Hide,
    /// The conditions that the item is about, in place of the tagger's.
    Retag {
        /// Codes of any system.
        about: Vec<String>,
    },
    /// The rule's and the tagger's say holds again.
    Undo,
}

/// A decision.
#[derive(Serialize, ToSchema)]
pub struct Decision {
    /// Its id.
    pub id: Uuid,
    /// Its number in the order of decisions; none in the answer to the one just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// The item.
    pub item: Uuid,
    /// What was decided.
    #[schema(value_type = VerdictSchema)]
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The version that was looked at.
    pub expected_version: Option<i64>,
    /// Whether it waits for its item.
    pub pending: bool,
    /// Where the item stands now; only in the answer to the one just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
}

impl Decision {
    fn new(decision: DecisionV1, number: Option<i64>, pending: bool, state: Option<&'static str>) -> Self {
        Self {
            id: decision.id.0,
            number,
            item: decision.item.0,
            verdict: decision.verdict,
            reason: decision.reason,
            by: decision.by,
            at: decision.at,
            expected_version: decision.expected_version,
            pending,
            state,
        }
    }
}

/// Decides about an item. It takes effect at once, in one transaction with its record.
#[utoipa::path(post, path = "/v1/decisions", operation_id = "decide",
    request_body = NewDecisionBody,
    responses((status = 201, description = "It took effect.", body = Decision),
        (status = 202, description = "The item is not there yet; the decision waits for it.", body = Decision),
        (status = 409, description = "The item has changed since `expected_version`; `expected` and `actual` say how far.", body = Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<NewDecisionBody>,
) -> Answer {
    let mut errors = Vec::new();
    let reason = body.reason.trim();
    if !(1..=1000).contains(&reason.chars().count()) {
        errors.push(field_error("reason", "must have 1 to 1,000 characters"));
    }
    let verdict = match body.verdict {
        VerdictBody::Approve => Verdict::Approve,
        VerdictBody::Hide => Verdict::Hide,
        VerdictBody::Undo => Verdict::Undo,
        VerdictBody::Retag { about } => {
            if about.len() > 20 {
                errors.push(field_error("verdict.about", "an item is about 20 conditions at most"));
            }
            let mut codes = Vec::new();
            for (position, text) in about.iter().take(20).enumerate() {
                match state.vocabulary().resolve(text) {
                    Some(code) => codes.push(code),
                    None => errors.push(field_error(
                        &format!("verdict.about[{position}]"),
                        format!("`{}` is no code that the vocabulary knows, such as D003924", short(text)),
                    )),
                }
            }
            Verdict::Retag { about: codes }
        }
    };
    check(errors)?;
    let decision = DecisionV1 {
        id: DecisionId::random(),
        item: ItemId(body.item),
        verdict,
        reason: reason.to_owned(),
        by: caller.name().to_owned(),
        at: Timestamp::now(),
        expected_version: body.expected_version,
    };
    let (vocabulary, applied) = (state.vocabulary(), decision.clone());
    let row = state
        .store()
        .decide(decision.clone(), move |row, _| {
            public::apply_verdict(row, &applied, vocabulary, applied.at)
                .map(Some)
                .map_err(|error| StoreError::Database(error.to_string()))
        })
        .await?;
    let status = if row.is_some() { StatusCode::CREATED } else { StatusCode::ACCEPTED };
    let pending = row.is_none();
    json(status, &Decision::new(decision, None, pending, row.map(|row| row.state.as_str())))
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Decisions, the oldest first.
#[utoipa::path(get, path = "/v1/decisions", operation_id = "listDecisions",
    params(("item" = Option<Uuid>, Query, description = "Only about this item; not paged."),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 without it."),
        ("after" = Option<i64>, Query, description = "The number of a decision: those after it.")),
    responses((status = 200, description = "A page of decisions.", body = Page<Decision>)))]
pub async fn list(State(state): State<PortalState>, RawQuery(query): RawQuery) -> Answer {
    let params = Params::read(query.as_deref(), &["item", "limit", "after"])?;
    let view = |row: DecisionRow| Decision::new(row.decision, Some(row.number), row.pending, None);
    if let Some(item) = params.parse::<ItemId>("item", "an item's id")? {
        let rows = state.store().decisions_of(item).await?;
        let items = rows.into_iter().map(view).collect();
        return json(StatusCode::OK, &Page { items, next: None });
    }
    let limit = params.limit()?;
    let after = params.parse::<i64>("after", "the number of a decision")?.unwrap_or(0);
    let mut rows = state.store().decisions(after, limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|last| next_link(&state, "/v1/decisions", query.as_deref(), &last.number.to_string()));
    json(StatusCode::OK, &Page { items: rows.into_iter().map(view).collect::<Vec<_>>(), next })
}
