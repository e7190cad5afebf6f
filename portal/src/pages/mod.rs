//! The web pages: rendered here, readable without JavaScript, without a request to any other host.
//!
//! Every page asks the same functions as the API and has no privileged way in. [`layout`] has the frame and the
//! parts that pages share, [`sanitise`] what may stand in an item's text, [`style`] the one stylesheet.

pub mod application;
pub mod channel;
pub mod condition;
pub mod docs;
pub mod home;
pub mod item;
pub mod lately;
pub mod layout;
pub mod organization;
pub mod republish;
pub mod sanitise;
pub mod search;
pub mod sitemap;
mod structured;
pub mod style;
mod traits;

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use maud::{Markup, html};

use crate::{problem::Problem, state::PortalState};

/// The routes of the pages.
pub(crate) fn router() -> Router<PortalState> {
    Router::new()
        .route("/", get(home::page))
        .route("/search", get(search::page))
        .route("/application", get(application::page))
        .route("/channels", get(channel::list))
        .route("/channels/{slug}", get(channel::page))
        .route("/conditions/{code}", get(condition::page))
        .route("/items/{id}", get(item::page))
        .route("/items/{id}/republish", get(republish::page))
        .route("/organizations", get(organization::list))
        .route("/organizations/{slug}", get(organization::page))
        .route("/robots.txt", get(sitemap::robots))
        .route("/sitemap.xml", get(sitemap::index))
        .route("/sitemaps/{file}", get(sitemap::page))
        .route("/docs", get(docs::page))
        .route(&style::path(), get(style::file))
}

/// A page, or the page that says what is wrong.
pub(crate) fn answer(state: &PortalState, page: Result<Markup, Problem>) -> Response {
    match page {
        Ok(markup) => html_answer(StatusCode::OK, markup),
        Err(problem) => {
            let status = problem.status();
            let text = if status == StatusCode::SERVICE_UNAVAILABLE {
                "The network's database is not available right now. Please try again in a minute."
            } else {
                &problem.detail
            };
            html_answer(status, error_page(state, problem.title, text))
        }
    }
}

/// HTML with a status. Pages are asked for anew each time: what was withdrawn must not be shown from a cache.
pub(crate) fn html_answer(status: StatusCode, markup: Markup) -> Response {
    let mut response = (status, axum::response::Html(markup.into_string())).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The page for what is not there.
pub(crate) fn not_found(state: &PortalState, text: &str) -> Response {
    html_answer(StatusCode::NOT_FOUND, error_page(state, "Not found", text))
}

fn error_page(state: &PortalState, title: &str, text: &str) -> Markup {
    let body = html! {
        section.notice {
            h1 { (title) }
            p { (text) }
            p { a.button href="/" { "To the start page" } " " a href="/search" { "Search" } }
        }
    };
    layout::Page { title: title.to_owned(), ..layout::Page::default() }.render(state, &body)
}
