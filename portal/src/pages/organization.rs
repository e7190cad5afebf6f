//! Organizations: the directory, and one with its feeds and what it carries.

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use carewire_query::Query;
use carewire_store::{Feed, FeedFilter, FeedState, Organization, Proof, Standing};
use maud::{Markup, html};

use super::{answer, layout};
use crate::{api::visible_organization, auth::Caller, listing, problem::Problem, request::Params, state::PortalState};

/// Organizations on one page of the directory.
const DIRECTORY: usize = 60;
/// Feeds shown of one organization.
const FEEDS: usize = 50;

/// `/organizations`
pub async fn list(State(state): State<PortalState>, RawQuery(raw): RawQuery) -> Response {
    answer(&state, directory(&state, raw.as_deref()).await)
}

async fn directory(state: &PortalState, raw: Option<&str>) -> Result<Markup, Problem> {
    let params = Params::read(raw, &["after"])?;
    let mut rows = state.store().organizations(params.get("after"), DIRECTORY + 1, Some(Standing::Accepted)).await?;
    let more = rows.len() > DIRECTORY;
    rows.truncate(DIRECTORY);
    let body = html! {
        section.hero.small {
            h1 { "Organizations" }
            p.lead { "Whose news the network carries at once, because they were accepted and their feeds are theirs." }
        }
        @if rows.is_empty() { p.empty { "No organization has been accepted yet." } }
        ul.directory {
            @for row in &rows {
                li.card {
                    h2 { a href={ "/organizations/" (row.slug) } { (row.name) } }
                    (particulars(row))
                    (feeds_of(row).links())
                }
            }
        }
        @if let Some(last) = rows.last().filter(|_| more) {
            p.older { a.button href={ "/organizations?after=" (last.slug) } rel="next" { "More organizations" } }
        }
    };
    let page = layout::Page { title: "Organizations".to_owned(), active: "organizations", ..layout::Page::default() };
    Ok(page.render(state, &body))
}

/// `/organizations/{slug}`
pub async fn page(State(state): State<PortalState>, Path(slug): Path<String>, RawQuery(raw): RawQuery) -> Response {
    answer(&state, render(&state, &slug, raw.as_deref()).await)
}

async fn render(state: &PortalState, slug: &str, raw: Option<&str>) -> Result<Markup, Problem> {
    let row = visible_organization(state, &Caller::default(), slug).await?;
    let paging = layout::paging(raw)?;
    let listed = listing::find(state, &Query::of_organization(row.slug.as_str()), paging).await?;
    let items = layout::read(&listed.rows);
    let filter = FeedFilter { organization: Some(row.id), state: None };
    let registered = state.store().feeds(&filter, None, FEEDS).await?;
    let path = format!("/organizations/{}", row.slug);
    let feeds = feeds_of(&row);
    let total = i64::try_from(listed.total.unwrap_or_default()).unwrap_or(i64::MAX);
    let body = html! {
        section.hero.small {
            p.kicker { "Organization" }
            h1 { (row.name) }
            (particulars(&row))
        }
        div.columns {
            section aria-labelledby="items" {
                div.head { h2 #items { "What it carries" span.count { (layout::number(total)) } } (feeds.links()) }
                (layout::items(&items, "Nothing of this organization has been curated yet."))
                (layout::older(listed.next.as_ref().map(|after| layout::next_path(&path, "", after)).as_deref()))
            }
            aside {
                section.panel aria-labelledby="feeds" {
                    h2 #feeds { "How the network reads it" }
                    @if registered.is_empty() { p { "No feed is registered." } }
                    @for feed in &registered { (feed_state(feed)) }
                }
            }
        }
    };
    let page = layout::Page {
        title: row.name.clone(),
        description: format!("What {} publishes, as the network carries it.", row.name),
        canonical: Some(path.clone()),
        feeds: Some(feeds),
        active: "organizations",
        ..layout::Page::default()
    };
    Ok(page.render(state, &body))
}

fn feeds_of(row: &Organization) -> layout::Feeds {
    layout::Feeds::new(row.name.as_str(), format!("/feeds/organizations/{}", row.slug))
}

fn particulars(row: &Organization) -> Markup {
    html! {
        p.meta {
            @if let Some(kind) = &row.kind { span { (kind) } }
            @if let Some(country) = &row.country { span { (country) } }
            @if let Some(site) = row.site.as_deref().and_then(layout::web) {
                a href=(site) rel="noopener noreferrer" { (site.split("://").nth(1).unwrap_or(site).trim_end_matches('/')) }
            }
        }
    }
}

/// A feed: how it fares, when it is read next and why then, what is wrong with it.
fn feed_state(feed: &Feed) -> Markup {
    let failing = feed.failures > 0;
    let (class, word) = match feed.state {
        FeedState::Active if failing => ("bad", "failing"),
        FeedState::Active => ("good", "active"),
        FeedState::Paused => ("idle", "paused"),
        FeedState::Gone => ("bad", "gone"),
    };
    let proof = match feed.proof {
        Proof::None => "not proven yet: its entries wait for a curator",
        Proof::Proven => "proven to be its own",
        Proof::Vouched => "vouched for by the operator",
    };
    html! {
        article.feed {
            h3 {
                @if let Some(address) = layout::web(&feed.url) {
                    a href=(address) rel="noopener noreferrer nofollow" { (feed.title.as_deref().unwrap_or(&feed.url)) }
                } @else { (feed.title.as_deref().unwrap_or(&feed.url)) }
            }
            p.meta {
                span.badge.(class) { (word) }
                span { (layout::counted(feed.entries, "entry", "entries")) }
                @if let Some(format) = &feed.format { span { (format) } }
            }
            p.quiet { (proof) }
            dl.figures {
                @if let Some(at) = feed.last_poll { div { dt { "Last read" } dd { (layout::moment(at)) @if let Some(status) = feed.last_status { span.quiet { ", HTTP " (status) } } } } }
                @if feed.state == FeedState::Active { div { dt { "Next" } dd { (layout::moment(feed.next_poll)) span.quiet { ", " (feed.next_reason) } } } }
                @if let Some(error) = &feed.last_error { div { dt { "Error" } dd { (error) } } }
            }
            @if !feed.problems.is_empty() {
                details {
                    summary { (layout::counted(i64::try_from(feed.problems.len()).unwrap_or(i64::MAX), "problem", "problems")) " found" }
                    ul.problems {
                        @for problem in &feed.problems {
                            li {
                                code { (problem.code) } " " (problem.message)
                                @if let Some(place) = &problem.where_ { span.quiet { " (" (place) ")" } }
                                @if problem.count > 1 { span.quiet { " × " (problem.count) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
