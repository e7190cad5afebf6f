//! One item: its text, who carries it, the conditions and what they rest on; or that and why it was withdrawn.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use carewire_query::{public, rights};
use carewire_schemas::{ConditionTag, CuratedV1, Field, MediaKind, Role};
use carewire_store::ItemState;
use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};

use super::{answer, html_answer, layout, sanitise, structured, traits};
use crate::{api::broken_row, problem::Problem, state::PortalState};

/// `/items/{id}`
pub async fn page(State(state): State<PortalState>, Path(id): Path<String>) -> Response {
    match render(&state, &id).await {
        Ok((status, markup)) => html_answer(status, markup),
        Err(problem) => answer(&state, Err(problem)),
    }
}

async fn render(state: &PortalState, id: &str) -> Result<(StatusCode, Markup), Problem> {
    let unknown = || Problem::not_found("There is no item at this address.");
    let row = state.store().item(id.parse().map_err(|_| unknown())?).await?.ok_or_else(unknown)?;
    if row.state != ItemState::Curated {
        let form = public::withdrawal(&row).map_err(broken_row)?.ok_or_else(unknown)?;
        return Ok((StatusCode::GONE, withdrawn(state, &form)));
    }
    let item = public::content(&row).map_err(broken_row)?;
    let (Some(first), Some(seq)) = (row.first, row.seq) else { return Err(unknown()) };
    let now = state.store().now().await?;
    Ok((StatusCode::OK, curated(state, &item, (first, seq), now)))
}

fn withdrawn(state: &PortalState, form: &CuratedV1) -> Markup {
    let body = html! {
        section.notice {
            p.kicker { "Withdrawn" }
            h1 { "This item was withdrawn" }
            @if let Some(withdrawal) = &form.withdrawn {
                p.lead { (withdrawal.reason) }
                p.quiet { "Withdrawn on " (layout::moment(withdrawal.at)) ". Copies of it should no longer be relied upon." }
            }
            @if !form.sources.is_empty() {
                p { "It came from " @for (position, source) in form.sources.iter().enumerate() {
                    @if position > 0 { ", " }
                    a href={ "/organizations/" (source.organization.slug) } { (source.organization.name) }
                } "." }
            }
            p { a.button href="/" { "To the start page" } }
        }
    };
    layout::Page { title: "Withdrawn".to_owned(), ..layout::Page::default() }.render(state, &body)
}

fn curated(state: &PortalState, item: &CuratedV1, (first, seq): (i64, i64), now: Timestamp) -> Markup {
    let (about, mentioned): (Vec<_>, Vec<_>) = item.conditions.iter().partition(|tag| tag.role == Role::About);
    let address = item.url.as_deref().and_then(layout::web);
    let body = html! {
        article.reading {
            header {
                p.meta {
                    @if let Some(source) = item.sources.first() {
                        a.source href={ "/organizations/" (source.organization.slug) } { (source.organization.name) }
                    }
                    (layout::day(item.published))
                    (layout::kind(item))
                }
                h1 lang=[item.language.as_deref()] dir="auto" { (item.title) }
                @if !item.authors.is_empty() {
                    p.quiet { "By " (item.authors.iter().map(|author| author.name.as_str()).collect::<Vec<_>>().join(", ")) }
                }
                (traits::line(&item.traits))
                @if item.traits.review_by.is_some_and(|date| date < now) {
                    p.notice { "This might be out of date: it is older than items of its kind are good for." }
                }
                p.chips { @for tag in &about { (layout::chip(tag.code.as_str(), &tag.name)) } }
                @if let Some(address) = address {
                    p { a.button href=(address) rel="noopener noreferrer" {
                        @if item.video.is_some() { "Watch at its source" } @else { "Read at its source" }
                    } span.quiet { " leaves this network" } }
                }
            }
            div.text lang=[item.language.as_deref()] dir="auto" {
                @if item.html.is_empty() { p { (item.summary) } } @else { (PreEscaped(sanitise::clean(&item.html))) }
            }
        }
        div.columns.below {
            section aria-labelledby="conditions" {
                h2 #conditions { "Conditions, and what they rest on" }
                @if item.conditions.is_empty() { p.empty { "No condition was found in it." } }
                (tags("It is about", &about))
                (tags("It also mentions", &mentioned))
            }
            aside {
                section.panel aria-labelledby="sources" {
                    h2 #sources { "Who carries it" }
                    ul.plain {
                        @for (position, source) in item.sources.iter().enumerate() {
                            li {
                                a href={ "/organizations/" (source.organization.slug) } { (source.organization.name) }
                                @if position == 0 { span.quiet { " first" } }
                                @if let Some(address) = source.url.as_deref().and_then(layout::web) {
                                    " " a.quiet href=(address) rel="noopener noreferrer" { "its page" }
                                }
                            }
                        }
                    }
                }
                (traits::study(&item.traits))
                (traits::aspects(item))
                @if item.media.iter().any(|media| layout::web(&media.url).is_some()) { (media(item)) }
                section.panel aria-labelledby="record" {
                    h2 #record { "Record" }
                    dl.figures {
                        div { dt { "Published" } dd { (layout::moment(item.published)) } }
                        div { dt { "Last changed" } dd { (layout::moment(item.updated)) } }
                        div { dt { "Version" } dd { (item.version) } }
                        div { dt { "In the network" } dd { "number " (first) @if seq != first { span.quiet { ", last change " (seq) } } } }
                        @if let Some(licence) = &item.licence { div { dt { "Licence" } dd { (licence) @if rights::granted(licence).is_some() { " " a href={ "/items/" (item.id) "/republish" } { "Republish" } } } } }
                        div { dt { "As data" } dd { a href={ "/v1/items/" (item.id) } { "JSON" } } }
                    }
                }
            }
        }
    };
    let page = layout::Page {
        title: item.title.clone(),
        description: item.summary.chars().take(200).collect(),
        canonical: Some(format!("/items/{}", item.id)),
        feeds: about
            .first()
            .map(|tag| layout::Feeds::new(tag.name.as_str(), format!("/feeds/conditions/{}", tag.code))),
        data: Some(structured::item(state, item)),
        embeddable: true,
        ..layout::Page::default()
    };
    page.render(state, &body)
}

fn tags(title: &str, tags: &[&ConditionTag]) -> Markup {
    html! {
        @if !tags.is_empty() {
            h3 { (title) }
            ul.evidence {
                @for tag in tags {
                    li {
                        (layout::chip(tag.code.as_str(), &tag.name))
                        span.quiet { " score " (format!("{:.2}", tag.score)) }
                        @for evidence in tag.evidence.iter().take(4) {
                            " " @match evidence.field {
                                Field::Curator => { span.quiet { "set by a curator" } }
                                Field::Title => { q { (evidence.text) } span.quiet { " in the title" } }
                                Field::Text => { q { (evidence.text) } span.quiet { " in the text" } }
                                Field::Category => { q { (evidence.text) } span.quiet { " among its categories" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn media(item: &CuratedV1) -> Markup {
    let name = |kind| match kind {
        MediaKind::Image => "Picture",
        MediaKind::Audio => "Sound",
        MediaKind::Video => "Film",
        MediaKind::Document => "Document",
        MediaKind::Other => "File",
    };
    html! {
        section.panel aria-labelledby="media" {
            h2 #media { "Files" }
            ul.plain {
                @for media in item.media.iter().take(12) {
                    @if let Some(address) = layout::web(&media.url) {
                        li {
                            a href=(address) rel="noopener noreferrer nofollow" { (media.title.as_deref().unwrap_or(name(media.kind))) }
                            @if let Some(mime) = &media.mime { span.quiet { " " (mime) } }
                        }
                    }
                }
            }
        }
    }
}
