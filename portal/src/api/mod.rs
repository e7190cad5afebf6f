//! The JSON API under `/v1`: one file per kind of thing, [`model`] with what they show.
//!
//! Handlers answer JSON or a [`Problem`]; who may call them stands in [`crate::routes`].

pub mod channels;
pub mod checks;
pub mod conditions;
pub mod decisions;
pub mod feed_report;
pub mod feeds;
pub mod items;
pub mod model;
pub mod organizations;
pub mod ownership;
pub mod posts;
pub mod previews;
pub mod status;
pub mod suggest;
pub mod tokens;
pub mod trust;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use carewire_query::QueryError;
use carewire_schemas::{OrganizationId, Slug};
use carewire_store::{AuditEntry, Organization, Standing, StoreError};
use serde::Serialize;

use crate::{
    auth::Caller,
    problem::{Problem, ProblemKind},
    state::PortalState,
};

/// The result of a handler.
pub type Answer<T = Response> = Result<T, Problem>;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "the store is away");
                Self::new(ProblemKind::Unavailable, "try again in a few seconds")
            }
            StoreError::Conflict(_) => Self::new(ProblemKind::Conflict, error.to_string()),
            StoreError::NotFound(_) => Self::not_found(error.to_string()),
            StoreError::StaleVersion { expected, actual } => Self::new(
                ProblemKind::StaleVersion,
                format!(
                    "the decision is about version {expected}, the item is at {actual}: look again and decide anew"
                ),
            )
            .with("expected", *expected)
            .with("actual", *actual),
            StoreError::Invalid(text) => Self::new(ProblemKind::InvalidField, text.clone()),
            StoreError::LeaseLost(_) | StoreError::Unsupported(_) | StoreError::Database(_) | StoreError::Retry => {
                tracing::error!(%error, "the store failed");
                Self::new(ProblemKind::Internal, "the database failed; the log has more under the request's id")
            }
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        Self::parameter(error.field, error.message)
    }
}

/// What a row of the store that cannot be read comes to.
pub(crate) fn broken_row(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "a row cannot be read");
    Problem::new(ProblemKind::Internal, "what is stored cannot be read; the log has more under the request's id")
}

/// JSON with a status.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).map_err(broken_row)?;
    Ok(json_bytes(status, body))
}

/// Ready JSON with a status.
pub(crate) fn json_bytes(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Body::from(body).into_response();
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// 201 with the address of what was made.
pub(crate) fn created(state: &PortalState, path: &str, value: &impl Serialize) -> Answer {
    let mut response = json(StatusCode::CREATED, value)?;
    if let Ok(location) = HeaderValue::from_str(&state.absolute(path)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The organization of a slug, where the caller may see it: an accepted one, the caller's own, any for curators.
pub(crate) async fn visible_organization(state: &PortalState, caller: &Caller, slug: &str) -> Answer<Organization> {
    let unknown = || Problem::not_found(format!("there is no organization `{slug}`"));
    if Slug::new(slug).is_err() {
        return Err(unknown());
    }
    let found = state.store().organization_by_slug(slug).await?;
    found.filter(|one| is_visible(caller, one.id, one.standing)).ok_or_else(unknown)
}

/// Whether the caller may see an organization and what is its own.
pub(crate) fn is_visible(caller: &Caller, id: OrganizationId, standing: Standing) -> bool {
    standing == Standing::Accepted || caller.belongs_to(id)
}

/// Notes who did what.
pub(crate) async fn note(
    state: &PortalState,
    caller: &Caller,
    action: &str,
    subject: String,
    detail: String,
) -> Answer<()> {
    let entry = AuditEntry { actor: caller.name().to_owned(), action: action.to_owned(), subject, detail };
    Ok(state.store().audit(entry).await?)
}

/// The address of the next page: the same path and parameters with another `after`.
pub(crate) fn next_link(state: &PortalState, path: &str, query: Option<&str>, after: &str) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    out.extend_pairs(pairs.filter(|(name, _)| name != "after"));
    out.append_pair("after", after);
    state.absolute(&format!("{path}?{}", out.finish()))
}
