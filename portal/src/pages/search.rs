//! Search by condition or words, with filters; without either, everything in order.

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use carewire_query::{FacetKind, Facets, Query, snippet::Marker};
use maud::{Markup, html};

use super::{answer, layout};
use crate::{
    api::items::facet_label,
    listing,
    problem::{Problem, ProblemKind},
    state::PortalState,
};

/// Conditions offered for the words typed.
const SUGGESTED: usize = 6;

/// `/search`
pub async fn page(State(state): State<PortalState>, RawQuery(raw): RawQuery) -> Response {
    answer(&state, render(&state, raw.as_deref().unwrap_or_default()).await)
}

async fn render(state: &PortalState, raw: &str) -> Result<Markup, Problem> {
    let given = |name: &str| {
        url::form_urlencoded::parse(raw.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let q = given("q").unwrap_or_default();
    let (found, wrong) = match find(state, raw).await {
        Ok(found) => (Some(found), None),
        Err(problem) if problem.status == ProblemKind::BadRequest.status().as_u16() => (None, Some(problem.detail)),
        Err(problem) => return Err(problem),
    };
    let vocabulary = state.vocabulary();
    let words = q.trim();
    let mut suggested = Vec::new();
    if !words.is_empty() && words.len() <= 200 {
        if let Some(code) = vocabulary.by_name(words).or_else(|| vocabulary.resolve(words)) {
            let name = vocabulary.get(&code).map_or_else(|| code.to_string(), |found| found.label(None).into_owned());
            suggested.push((code, name, None));
        }
        for hit in vocabulary.find_names(words, SUGGESTED) {
            if suggested.iter().all(|(code, _, _)| *code != hit.code) {
                suggested.push((hit.code, hit.label, Some(hit.name)));
            }
        }
        suggested.truncate(SUGGESTED);
    }
    let conditions = query_conditions(state, raw);
    let body = html! {
        section.hero.small {
            h1 { @if words.is_empty() && conditions.is_empty() { "Search" } @else { "Search: " (words) (conditions.join(", ")) } }
            (form(&q, given("kind").as_deref(), given("language").as_deref(), &kept(raw)))
        }
        @if let Some(text) = &wrong { p.notice role="alert" { (text) } }
        @if !suggested.is_empty() {
            section aria-labelledby="conditions" {
                h2 #conditions { "Conditions" }
                ul.hits {
                    @for (code, name, matched) in &suggested {
                        li {
                            a href={ "/conditions/" (code) } { (name) }
                            @if let Some(matched) = matched.as_deref().filter(|matched| !matched.eq_ignore_ascii_case(name)) {
                                span.quiet { " also called " (matched) }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(meant) = found.as_ref().and_then(|found| found.meant.as_deref()) {
            p.notice { "Did you mean " a href=(with(raw, "q", meant)) { strong { (meant) } } "?" }
        }
        @if let Some(found) = &found {
            div.columns {
            section aria-labelledby="items" {
                div.head {
                    h2 #items {
                        "Items"
                        @if let Some(total) = found.listed.total { span.count { (layout::number(i64::try_from(total).unwrap_or(i64::MAX))) } }
                    }
                    (found.feeds.links())
                }
                (layout::marked_items(&found.items, "Nothing was found. Try fewer words, or a condition's name.", found.marker.as_ref()))
                (layout::older(found.listed.next.as_ref().map(|after| layout::next_path("/search", raw, after)).as_deref()))
            }
            (narrowing(state, raw, found.listed.facets.as_ref()))
            }
        }
    };
    let page = layout::Page {
        title: if words.is_empty() { "Search".to_owned() } else { format!("Search: {words}") },
        feeds: found.map(|found| found.feeds),
        active: "search",
        ..layout::Page::default()
    };
    Ok(page.render(state, &body))
}

struct Found {
    listed: listing::Listed,
    items: Vec<carewire_schemas::CuratedV1>,
    feeds: layout::Feeds,
    marker: Option<Marker>,
    meant: Option<String>,
}

async fn find(state: &PortalState, raw: &str) -> Result<Found, Problem> {
    let (query, mut paging) = listing::read(Some(raw), state.vocabulary())?;
    paging.limit = layout::PAGE;
    let first_page = paging.after.is_none();
    let listed = listing::find_with(state, &query, paging, true).await?;
    let items = layout::read(&listed.rows);
    let feeds = feeds_of(&query);
    let marker = query.q.as_ref().map(|q| Marker::new(q, state.vocabulary()));
    let meant = match listed.total {
        Some(total) if first_page => listing::did_you_mean(state, &query, total).await?,
        _ => None,
    };
    Ok(Found { listed, items, feeds, marker, meant })
}

/// The address of this search with another value of a parameter, from its first page.
fn with(raw: &str, name: &str, value: &str) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    let pairs = url::form_urlencoded::parse(raw.as_bytes());
    out.extend_pairs(pairs.filter(|(key, value)| key != name && key != "after" && !value.is_empty()));
    if !value.is_empty() {
        out.append_pair(name, value);
    }
    format!("/search?{}", out.finish())
}

/// What the answers can be narrowed to, with counts; and what they are narrowed to, to be taken back.
fn narrowing(state: &PortalState, raw: &str, facets: Option<&Facets>) -> Markup {
    const TITLES: [&str; FacetKind::ALL.len()] = ["Condition", "Organization", "Kind", "Language", "Reading level"];
    let Some(facets) = facets else { return html! {} };
    let given =
        |name: &str| url::form_urlencoded::parse(raw.as_bytes()).any(|(key, value)| key == name && !value.is_empty());
    html! {
        aside aria-label="Narrow the answers" {
            @for ((kind, title), values) in FacetKind::ALL.into_iter().zip(TITLES).zip(facets) {
                @let asked = given(kind.parameter());
                @if asked || values.len() > 1 || (kind == FacetKind::Condition && !values.is_empty()) {
                    section.panel {
                        h2 { (title) }
                        @if asked { p { a href=(with(raw, kind.parameter(), "")) { "Any" } } }
                        ul.facets {
                            @for facet in values {
                                li {
                                    @if kind == FacetKind::Organization || !asked {
                                        a href=(with(raw, kind.parameter(), &facet.value)) { (facet_label(state, kind, &facet.value)) }
                                    } @else { (facet_label(state, kind, &facet.value)) }
                                    span.quiet { " " (layout::number(i64::try_from(facet.count).unwrap_or(i64::MAX))) @if facet.more { "+" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn feeds_of(query: &Query) -> layout::Feeds {
    let text = query.canonical();
    if text.is_empty() {
        return layout::Feeds::new("All items", "/feeds/all");
    }
    layout::Feeds { title: "This search".to_owned(), stem: "/feeds/search".to_owned(), query: text }
}

/// Names of the conditions that the query asks for by code.
fn query_conditions(state: &PortalState, raw: &str) -> Vec<String> {
    let vocabulary = state.vocabulary();
    let name = |text: &str| {
        let code = vocabulary.resolve(text)?;
        vocabulary.get(&code).map(|found| found.label(None).into_owned())
    };
    url::form_urlencoded::parse(raw.as_bytes())
        .filter(|(key, _)| key == "condition" || key == "topic")
        .filter_map(|(_, value)| name(&value))
        .take(5)
        .collect()
}

/// Filters that the form does not show but must not lose.
fn kept(raw: &str) -> Vec<(String, String)> {
    let own = ["q", "kind", "language", "after", "limit"];
    url::form_urlencoded::parse(raw.as_bytes())
        .filter(|(key, _)| !own.contains(&key.as_ref()))
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect()
}

fn form(q: &str, kind: Option<&str>, language: Option<&str>, kept: &[(String, String)]) -> Markup {
    const KINDS: [(&str, &str); 3] = [("article", "Articles"), ("video", "Videos"), ("audio", "Audio")];
    html! {
        form.search action="/search" method="get" role="search" {
            label.unseen for="q" { "A condition, or words" }
            input id="q" name="q" type="search" value=(q) placeholder="A condition or words" autocomplete="off" maxlength="200";
            label.unseen for="kind" { "Kind" }
            select id="kind" name="kind" {
                option value="" { "Any kind" }
                @for (value, text) in KINDS { option value=(value) selected[kind == Some(value)] { (text) } }
            }
            label.unseen for="language" { "Language" }
            select id="language" name="language" {
                option value="" { "Any language" }
                @for (value, text) in layout::LANGUAGES { option value=(value) selected[language == Some(value)] { (text) } }
            }
            @for (name, value) in kept { input type="hidden" name=(name) value=(value); }
            button type="submit" { "Search" }
        }
    }
}
