//! Answers that say what is wrong: RFC 9457.

use axum::response::{IntoResponse, Response};
use carewire_query::{QueryError, index::IndexError};
use carewire_store::StoreError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// A problem, as `application/problem+json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind it is (RFC 9457 §4.2.1).
    pub r#type: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The HTTP status code.
    #[serde(serialize_with = "code")]
    pub status: StatusCode,
    /// What is wrong and what would be right.
    pub detail: String,
    /// The parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

fn code<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem with that status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self { r#type: "about:blank", title, status, detail: detail.into(), field: None }
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// A parameter is wrong.
    pub fn parameter(field: &str, detail: impl Into<String>) -> Self {
        Self { field: Some(field.chars().take(60).collect()), ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        Self::parameter(&error.field, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "a feed cannot be made");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer; try again later")
    }
}

impl From<IndexError> for Problem {
    fn from(error: IndexError) -> Self {
        tracing::error!(%error, "a search failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the search index does not answer")
    }
}

impl From<tokio::task::JoinError> for Problem {
    fn from(error: tokio::task::JoinError) -> Self {
        tracing::error!(%error, "a task of a feed ended");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the feed could not be made")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// The answer to a method that an address does not have.
pub(crate) async fn method_not_allowed() -> Response {
    let mut response =
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD can be asked here").into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
