//! Problem answers: RFC 9457 `application/problem+json`, one shape for everything that goes wrong.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The kinds of problem; each has a fixed status, a name in addresses and a title.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProblemKind {
    /// The request cannot be read: broken JSON, a parameter that does not exist or has no such value.
    BadRequest,
    /// No token, or one that is not valid.
    Unauthorized,
    /// The token's role does not allow this, or the object belongs to another organization.
    Forbidden,
    /// There is no such thing, or not for the public.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The thing exists already.
    Conflict,
    /// A decision about a version of the item that is not the newest.
    StaleVersion,
    /// The item was withdrawn; the answer says why.
    Withdrawn,
    /// The body is larger than the limit.
    TooLarge,
    /// The body is not declared as JSON.
    UnsupportedType,
    /// The body is JSON, but a field is missing, unknown, of the wrong type or without sense.
    InvalidField,
    /// The database is away or busy; the same request may succeed later.
    Unavailable,
    /// The publisher's host is being asked already, or the network is looking at enough feeds for now.
    Busy,
    /// A fault of the server.
    Internal,
}

impl ProblemKind {
    /// All kinds, as the documentation lists them.
    pub const ALL: [Self; 14] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::StaleVersion,
        Self::Withdrawn,
        Self::TooLarge,
        Self::UnsupportedType,
        Self::InvalidField,
        Self::Unavailable,
        Self::Busy,
        Self::Internal,
    ];

    /// HTTP status, name in addresses, title.
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "A valid token is needed"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "The token does not allow this"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This method does not exist here")
            }
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "It exists already"),
            Self::StaleVersion => (StatusCode::CONFLICT, "stale-version", "The item has changed meanwhile"),
            Self::Withdrawn => (StatusCode::GONE, "withdrawn", "The item was withdrawn"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::UnsupportedType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-type", "The body must be JSON"),
            Self::InvalidField => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-field", "A field is not as it should be"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The database is not available now"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Too many ask at once"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "A fault of the server"),
        }
    }

    /// HTTP status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.parts().0
    }

    /// The name in addresses, such as `stale-version`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        self.parts().1
    }

    /// The title, the same for every problem of the kind.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.parts().2
    }
}

/// What is wrong with one field of the body or one parameter of the address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// The field or parameter; `a.b[0]` for nested ones.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// A problem (RFC 9457, section 3.1), with `errors` naming fields, and members of the kind's own.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// What kind of problem: an address, relative to this server, that explains it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// The fields or parameters that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Members of the kind's own, such as `expected` and `actual` of `stale-version`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub extra: Map<String, Value>,
}

/// The media type of problem answers.
pub const PROBLEM_JSON: &str = "application/problem+json";

impl Problem {
    /// A problem of `kind`; `detail` says what is wrong with this request.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/docs#{}", kind.slug()),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            extra: Map::new(),
        }
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::NotFound, detail)
    }

    /// One field of a JSON body is wrong (422).
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::one(ProblemKind::InvalidField, field.into(), message.into())
    }

    /// One parameter of the address is wrong (400).
    pub fn parameter(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::one(ProblemKind::BadRequest, field.into(), message.into())
    }

    fn one(kind: ProblemKind, field: String, message: String) -> Self {
        let mut problem = Self::new(kind, format!("{field}: {message}"));
        problem.errors.push(FieldError { field, message });
        problem
    }

    /// With a member of the kind's own.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"carewire\""));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}
