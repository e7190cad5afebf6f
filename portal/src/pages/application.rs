//! `/application`: a coded look-up of a health record as a page for its reader.

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use carewire_query::lookup::{Criterion, LookupRequest};
use carewire_schemas::ConditionCode;
use maud::{Markup, html};

use super::{answer, layout};
use crate::{lookup, problem::Problem, state::PortalState};

/// `/application`: the parameters of `/service`.
pub async fn page(State(state): State<PortalState>, RawQuery(raw): RawQuery) -> Response {
    answer(&state, render(&state, raw.as_deref().unwrap_or_default()).await)
}

async fn render(state: &PortalState, raw: &str) -> Result<Markup, Problem> {
    let pairs = url::form_urlencoded::parse(raw.as_bytes());
    // How a program wants the answer does not matter here.
    let request = LookupRequest::read(pairs.filter(|(name, _)| name != "callback" && name != "knowledgeResponseType"))?;
    let items = lookup::found(state, &request).await?;
    let vocabulary = state.vocabulary();
    let named = |code: &ConditionCode| {
        let label = vocabulary.get(code).map(|found| found.label(Some(&request.language)).into_owned());
        label.unwrap_or_else(|| code.to_string())
    };
    let codes = request.conditions(vocabulary);
    let title = match &codes[..] {
        [] => request.criteria.iter().map(Criterion::shown).collect::<Vec<_>>().join(", "),
        codes => codes.iter().map(&named).collect::<Vec<_>>().join(", "),
    };
    let feeds = match &codes[..] {
        [code] => Some(layout::Feeds::new(named(code), format!("/feeds/conditions/{code}"))),
        _ => None,
    };
    let body = html! {
        section.hero.small {
            p.kicker { "Health information" }
            h1 { (title) }
            @if !codes.is_empty() {
                p.chips { @for code in &codes { (layout::chip(code.as_str(), &named(code))) } }
            }
        }
        section aria-labelledby="items" {
            h2.unseen #items { "Items" }
            @if codes.is_empty() {
                p.empty { "The network has nothing under this code. Search for words instead:" }
                (layout::search_form("", false))
            } @else {
                (layout::items(&items, "Nothing about this has come in yet in this language."))
                @for code in &codes { p { a href={ "/conditions/" (code) } { "Everything about " (named(code)) } } }
            }
        }
    };
    let page = layout::Page { title, feeds, ..layout::Page::default() };
    Ok(page.render(state, &body))
}
