//! The start page: what is there, what to subscribe to, how the network is.

use axum::{extract::State, response::Response};
use carewire_query::Query;
use carewire_store::Standing;
use jiff::Timestamp;
use maud::{Markup, html};

use super::{answer, layout};
use crate::{
    api::status::{self, Status},
    listing::{self, Paging},
    problem::Problem,
    state::PortalState,
};

/// Organizations named on the start page.
const ORGANIZATIONS: usize = 8;

/// `/`
pub async fn page(State(state): State<PortalState>) -> Response {
    answer(&state, render(&state).await)
}

async fn render(state: &PortalState) -> Result<Markup, Problem> {
    let paging = Paging { after: None, limit: layout::PAGE };
    let listed = listing::find(state, &Query::default(), paging).await?;
    let items = layout::read(&listed.rows);
    let organizations = state.store().organizations(None, ORGANIZATIONS + 1, Some(Standing::Accepted)).await?;
    let lately = state.lately().get(state).await?;
    let figures = status::figures(state).await?;
    let name =
        |code| state.vocabulary().get(code).map_or_else(|| code.to_string(), |found| found.label(None).into_owned());
    let all = layout::Feeds::new("All items", "/feeds/all");
    let body = html! {
        section.hero {
            h1 { "Health news from the organizations that stand behind it" }
            p.lead { "Articles and videos of hospitals, patient organizations and institutes: found by condition, the same news shown once, corrected when its source corrects it." }
            (layout::search_form("", true))
            @if !lately.conditions.is_empty() {
                p.chips { span.quiet { "Lately about " } @for (code, _) in &lately.conditions { (layout::chip(code.as_str(), &name(code))) } }
            }
        }
        div.columns {
            section aria-labelledby="latest" {
                h2 #latest { "Latest" }
                (layout::items(&items, "Nothing is here yet. Register an organization and its feed, and what it publishes will show up here within a minute."))
                @if let Some(after) = &listed.next { (layout::older(Some(&layout::next_path("/search", "", after)))) }
            }
            aside {
                section.panel aria-labelledby="subscribe" {
                    h2 #subscribe { "Subscribe" }
                    p { "Every list here is a feed for your reader, your site or your program." }
                    ul.feeds {
                        li { a href="/" { "Everything" } (all.links()) }
                        @for (code, _) in lately.conditions.iter().take(6) {
                            li {
                                a href={ "/conditions/" (code) } { (name(code)) }
                                (layout::Feeds::new(name(code), format!("/feeds/conditions/{code}")).links())
                            }
                        }
                        @for organization in organizations.iter().take(ORGANIZATIONS) {
                            li {
                                a href={ "/organizations/" (organization.slug) } { (organization.name) }
                                (layout::Feeds::new(organization.name.as_str(), format!("/feeds/organizations/{}", organization.slug)).links())
                            }
                        }
                    }
                    @if organizations.len() > ORGANIZATIONS { p { a href="/organizations" { "All organizations" } } }
                    p { a href="/opml" { "All feeds as OPML" } }
                }
                (state_of_network(&figures, lately.last_change))
            }
        }
    };
    let page = layout::Page {
        title: String::new(),
        description: "What health-care organizations publish, curated and found by condition.".to_owned(),
        canonical: Some("/".to_owned()),
        feeds: Some(all),
        active: "home",
        ..layout::Page::default()
    };
    Ok(page.render(state, &body))
}

fn state_of_network(figures: &Status, last_change: Option<Timestamp>) -> Markup {
    let count = |map: &std::collections::BTreeMap<&'static str, i64>, key: &str| map.get(key).copied().unwrap_or(0);
    let rest = |map: &std::collections::BTreeMap<&'static str, i64>, shown: &str| -> Vec<String> {
        map.iter()
            .filter(|(key, count)| **key != shown && **count > 0)
            .map(|(key, count)| format!("{} {key}", layout::number(*count)))
            .collect()
    };
    let line = |term: &str, map, shown: &str| {
        html! {
            div {
                dt { (term) }
                dd { strong { (layout::number(count(map, shown))) } " " (shown) @for more in rest(map, shown) { span.quiet { ", " (more) } } }
            }
        }
    };
    html! {
        section.panel aria-labelledby="state" {
            h2 #state { "State of the network" }
            dl.figures {
                (line("Organizations", &figures.organizations, "accepted"))
                (line("Feeds", &figures.feeds, "active"))
                (line("Items", &figures.items, "curated"))
                div { dt { "Entries read" } dd { strong { (layout::number(figures.entries)) } } }
                @if let Some(at) = last_change { div { dt { "Last change" } dd { (layout::moment(at)) } } }
            }
        }
    }
}
