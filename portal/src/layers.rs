//! What every answer of the portal goes through: request id, security headers, panics turned into problems.

use std::{any::Any, net::SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    problem::{Problem, ProblemKind},
    state::PortalState,
};

/// The header that names a request in answers and logs.
pub static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Only own styles, pictures and forms; no script at all; never in a frame.
const POLICY: &str = "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

/// Names the request: a trusted proxy's id is kept, any other is replaced. Log lines of the request carry it.
pub(crate) async fn request_id(State(state): State<PortalState>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let trusted = peer.is_some_and(|ip| state.trusts(ip));
    let given = request.headers().get(&X_REQUEST_ID).filter(|value| trusted && is_id(value)).cloned();
    let id = given.unwrap_or_else(new_id);
    let text = id.to_str().unwrap_or_default().to_owned();
    let span = tracing::info_span!("request", id = %text, method = %request.method(), path = request.uri().path());
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(X_REQUEST_ID.clone(), id);
    response
}

fn new_id() -> HeaderValue {
    let text = Uuid::now_v7().simple().to_string();
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("none"))
}

/// 1 to 128 visible ASCII characters: nothing that could break a log line.
fn is_id(value: &HeaderValue) -> bool {
    (1..=128).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
}

/// Headers that keep browsers from guessing, framing, telling where one came from, and running anything.
pub(crate) async fn security_headers(request: Request, next: Next) -> Response {
    // Parts for other sites say in their own policy who may show them.
    let framable = request.uri().path().starts_with("/embed/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in fixed {
        if framable && name == header::X_FRAME_OPTIONS {
            continue;
        }
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// What may be read of the API from pages of other origins: `GET`, without cookies (there are none) and without tokens.
const SHARED: [&str; 6] = ["/v1/", "/fhir/", "/service", "/oembed", "/openapi.json", "/assets/"];

/// Lets pages of any origin read what is public (Fetch Standard, "CORS protocol"): answers to `GET` can be read, and a
/// browser that asks first is told so. A token is never among the headers that may be sent.
pub(crate) async fn cross_origin(request: Request, next: Next) -> Response {
    let shared = SHARED.iter().any(|start| request.uri().path().starts_with(start));
    let asks = request.headers().get(header::ACCESS_CONTROL_REQUEST_METHOD).cloned();
    if let (true, &Method::OPTIONS, Some(method)) = (shared, request.method(), asks) {
        let mut response = StatusCode::NO_CONTENT.into_response();
        if ["GET", "HEAD"].iter().any(|good| method == good) {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD"));
            let allowed = "accept, if-none-match, if-modified-since, last-event-id, prefer";
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed));
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
        }
        return response;
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = next.run(request).await;
    if shared && reads {
        let headers = response.headers_mut();
        headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(HeaderValue::from_static("*"));
        let exposed = HeaderValue::from_static("etag, link, retry-after, x-request-id");
        headers.entry(header::ACCESS_CONTROL_EXPOSE_HEADERS).or_insert(exposed);
    }
    response
}

/// A panic ends one request, not the connection's task; its text goes to the log, never to the client.
pub(crate) fn panic_answer(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text");
    tracing::error!(panic = text, "a request's handler panicked");
    Problem::new(ProblemKind::Internal, "the request could not be answered; the log has more under its id")
        .into_response()
}
