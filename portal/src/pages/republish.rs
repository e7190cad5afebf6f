//! `/items/{id}/republish`: an item's text to be copied to another site, where its licence allows that.

use axum::{
    extract::{Path, State},
    response::Response,
};
use carewire_query::{public, rights};
use carewire_schemas::CuratedV1;
use carewire_store::ItemState;
use maud::{Markup, PreEscaped, html};

use super::{answer, layout, sanitise};
use crate::{
    api::broken_row,
    problem::{Problem, ProblemKind},
    state::PortalState,
};

/// `/items/{id}/republish`
pub async fn page(State(state): State<PortalState>, Path(id): Path<String>) -> Response {
    answer(&state, render(&state, &id).await)
}

async fn render(state: &PortalState, id: &str) -> Result<Markup, Problem> {
    let unknown = || Problem::not_found("There is no item at this address.");
    let row = state.store().item(id.parse().map_err(|_| unknown())?).await?.ok_or_else(unknown)?;
    if row.state != ItemState::Curated {
        let form = public::withdrawal(&row).map_err(broken_row)?.ok_or_else(unknown)?;
        let reason = form.withdrawn.map(|withdrawn| withdrawn.reason).unwrap_or_default();
        let text = format!("This item was withdrawn and must not be republished. {reason}");
        return Err(Problem::new(ProblemKind::Withdrawn, text));
    }
    let item = public::content(&row).map_err(broken_row)?;
    let granted = item.licence.as_deref().and_then(rights::granted).ok_or_else(|| {
        let text = "Its publisher has given no licence under which its text may be copied. You may link to it.";
        Problem::new(ProblemKind::Forbidden, text)
    })?;
    let copy = copy(state, &item, &granted).into_string();
    let body = html! {
        section.hero.small {
            p.kicker { "Republish" }
            h1 lang=[item.language.as_deref()] dir="auto" { (item.title) }
            p.lead { "Its licence, " a href=(granted.address) rel="license noopener noreferrer" { (granted.name) } ", allows you to copy it." }
        }
        section {
            h2 { "What the licence asks of you" }
            ul {
                @if granted.attribution { li { "Keep the attribution and the link that stand below the text." } }
                @if granted.non_commercial { li { "Not for commercial purposes." } }
                @if granted.no_derivatives { li { "Do not change, shorten or translate it." } }
                @if granted.share_alike { li { "What you make of it must be under the same licence." } }
                li { "Pictures and films are not part of it: they stand as links, and have rights of their own." }
                li { "When it is corrected or withdrawn, take your copy along: " a href={ "/items/" (item.id) } { "its page" } " says so." }
            }
            h2 { "The text" }
            label for="copy" { "Copy this HTML into your page:" }
            textarea #copy readonly rows="14" spellcheck="false" { (copy) }
            h2 { "How it looks" }
        }
        div.reading { (PreEscaped(copy)) }
    };
    let page = layout::Page { title: format!("Republish: {}", item.title), ..layout::Page::default() };
    Ok(page.render(state, &body))
}

/// Clean HTML with attribution and the address of the original.
fn copy(state: &PortalState, item: &CuratedV1, granted: &rights::Granted) -> Markup {
    let page = state.absolute(&format!("/items/{}", item.id));
    let original = item.url.as_deref().and_then(layout::web).unwrap_or(&page);
    let authors = item.authors.iter().map(|author| author.name.trim()).filter(|name| !name.is_empty());
    let authors = authors.collect::<Vec<_>>().join(", ");
    html! {
        article lang=[item.language.as_deref()] {
            h2 { (item.title) }
            @if item.html.is_empty() { p { (item.summary) } } @else { (PreEscaped(sanitise::clean(&item.html))) }
            footer {
                p {
                    "This article"
                    @if !authors.is_empty() { " by " (authors) }
                    @if let Some(source) = item.sources.first() { " was published by " (source.organization.name) }
                    " on " (layout::day(item.published)) ". Read the "
                    a href=(original) rel="canonical" { "original" }
                    ". Licence: " a href=(granted.address) rel="license" { (granted.name) } "."
                }
            }
        }
    }
}
