//! The portal: the JSON API under `/v1` and the web pages.
//!
//! [`router`] answers everything that members, curators, patients and researchers look at; feeds, hub and streams are
//! the business of `publish`, operation that of the binary, which merges the routers and wraps all in
//! [`metrics::layer`].
//!
//! - [`routes`]: the one table of the API's routes, from which router and [`openapi`] document are made; [`api`] has
//!   the handlers, [`auth`] who may call them.
//! - [`lookup`], [`fhir`]: what electronic health records ask.
//! - [`embed`]: parts of the network on other sites.
//! - [`pages`]: HTML without a line of JavaScript and without a request to any other host.
//! - [`problem`]: what goes wrong, as RFC 9457 says it.
//!
//! Nothing here changes an item: decisions go through [`carewire_store::Store::decide`], which writes the item, its
//! change and the record of the decision in one transaction.

pub mod api;
pub mod auth;
pub mod embed;
pub mod fhir;
mod layers;
mod listing;
pub mod lookup;
pub mod metrics;
pub mod openapi;
pub mod pages;
pub mod problem;
mod request;
pub mod routes;
mod state;

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri, State},
    http::{HeaderMap, Method, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::catch_panic::CatchPanicLayer;

pub use request::MAX_BODY_BYTES;
pub use state::PortalState;

use problem::{Problem, ProblemKind};

/// The whole portal: API, its description, pages, and the answers to addresses that do not exist. Merge other
/// routers into it (they must have no fallback of their own), then wrap all in [`metrics::layer`].
pub fn router(state: PortalState) -> Router {
    let routes = routes::router(&state)
        .merge(pages::router())
        .merge(embed::router())
        .route("/openapi.json", get(pages::docs::openapi_json))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found);
    routes
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(layers::panic_answer))
        .layer(middleware::from_fn(layers::cross_origin))
        .layer(middleware::from_fn(layers::security_headers))
        .layer(middleware::from_fn_with_state(state.clone(), layers::request_id))
        .with_state(state)
}

async fn method_not_allowed(method: Method, OriginalUri(uri): OriginalUri) -> Problem {
    let detail = format!("{} does not answer {method}; the header `Allow` says what it does", uri.path());
    Problem::new(ProblemKind::MethodNotAllowed, detail)
}

/// A page for those who look at pages, a problem for programs.
async fn not_found(State(state): State<PortalState>, headers: HeaderMap, OriginalUri(uri): OriginalUri) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") && !uri.path().starts_with("/v1/") {
        return pages::not_found(&state, "There is no page at this address.").into_response();
    }
    Problem::not_found(format!("there is nothing at {}", uri.path())).into_response()
}
