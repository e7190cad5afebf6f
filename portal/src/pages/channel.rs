//! Channels: the directory, and one with what is in it.

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use maud::{Markup, html};

use super::{answer, layout};
use crate::{api::channels, embed, listing, problem::Problem, request::Params, state::PortalState};

/// Channels on one page of the directory.
const DIRECTORY: usize = 60;

/// `/channels`
pub async fn list(State(state): State<PortalState>, RawQuery(raw): RawQuery) -> Response {
    answer(&state, directory(&state, raw.as_deref()).await)
}

async fn directory(state: &PortalState, raw: Option<&str>) -> Result<Markup, Problem> {
    let params = Params::read(raw, &["after"])?;
    let mut rows = state.store().channels(params.get("after"), DIRECTORY + 1, None).await?;
    let more = rows.len() > DIRECTORY;
    rows.truncate(DIRECTORY);
    let body = html! {
        section.hero.small {
            h1 { "Channels" }
            p.lead { "Questions that somebody put together once, for others to follow." }
        }
        @if rows.is_empty() { p.empty { "There is no channel yet." } }
        ul.directory {
            @for row in &rows {
                li.card {
                    h2 { a href={ "/channels/" (row.slug) } { (row.title) } }
                    @if !row.description.is_empty() { p.quiet { (row.description) } }
                    (layout::Feeds::new(row.title.as_str(), format!("/feeds/channels/{}", row.slug)).links())
                }
            }
        }
        @if let Some(last) = rows.last().filter(|_| more) {
            p.older { a.button href={ "/channels?after=" (last.slug) } rel="next" { "More channels" } }
        }
    };
    let page = layout::Page {
        title: "Channels".to_owned(),
        canonical: Some("/channels".to_owned()),
        active: "channels",
        ..layout::Page::default()
    };
    Ok(page.render(state, &body))
}

/// `/channels/{slug}`
pub async fn page(State(state): State<PortalState>, Path(slug): Path<String>, RawQuery(raw): RawQuery) -> Response {
    answer(&state, render(&state, &slug, raw.as_deref()).await)
}

async fn render(state: &PortalState, slug: &str, raw: Option<&str>) -> Result<Markup, Problem> {
    let row = channels::find(state, slug).await?;
    let query = channels::question(state, &row)?;
    let listed = listing::find(state, &query, layout::paging(raw)?).await?;
    let items = layout::read(&listed.rows);
    let owner = match row.owner {
        Some(id) => state.store().organization(id).await?,
        None => None,
    };
    let path = format!("/channels/{}", row.slug);
    let feeds = layout::Feeds::new(row.title.as_str(), format!("/feeds/channels/{}", row.slug));
    let total = i64::try_from(listed.total.unwrap_or_default()).unwrap_or(i64::MAX);
    let body = html! {
        section.hero.small {
            p.kicker { "Channel" }
            h1 { (row.title) }
            @if !row.description.is_empty() { p.lead { (row.description) } }
            p.meta {
                span { "Looked after by " @match &owner {
                    Some(owner) => a href={ "/organizations/" (owner.slug) } { (owner.name) },
                    None => (state.name()),
                } }
                a href={ "/search?" (row.query) } { "The question behind it" }
            }
        }
        section aria-labelledby="items" {
            div.head { h2 #items { "Items" span.count { (layout::number(total)) } } (feeds.links()) }
            (layout::items(&items, "Nothing has answered this question yet."))
            (layout::older(listed.next.as_ref().map(|after| layout::next_path(&path, "", after)).as_deref()))
            (embed::snippet(state, &row.title, &format!("channel={}", row.slug), &[("channel", row.slug.as_str())]))
        }
    };
    let page = layout::Page {
        title: row.title.clone(),
        description: row.description.chars().take(200).collect(),
        canonical: Some(path),
        feeds: Some(feeds),
        active: "channels",
        ..layout::Page::default()
    };
    Ok(page.render(state, &body))
}
