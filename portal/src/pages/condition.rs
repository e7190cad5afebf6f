//! One condition or topic: its names, what stands above and below it, what is there about it.

use axum::{
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use carewire_conditions::{Condition, NameKind};
use carewire_query::Query;
use maud::{Markup, html};

use super::{answer, layout, structured};
use crate::{embed, listing, problem::Problem, state::PortalState};

/// Narrower conditions named.
const NARROWER: usize = 24;

/// `/conditions/{code}`: a code of any system; one that is not the network's own is sent on to it.
pub async fn page(State(state): State<PortalState>, Path(text): Path<String>, RawQuery(raw): RawQuery) -> Response {
    match state.vocabulary().resolve(&text) {
        Some(code) if code.as_str() != text => {
            let query = raw.map(|raw| format!("?{raw}")).unwrap_or_default();
            Redirect::permanent(&format!("/conditions/{code}{query}")).into_response()
        }
        _ => answer(&state, render(&state, &text, raw.as_deref()).await),
    }
}

async fn render(state: &PortalState, text: &str, raw: Option<&str>) -> Result<Markup, Problem> {
    let unknown = || Problem::not_found("No condition has this code. Search for its name instead.");
    let code = state.vocabulary().resolve(text).ok_or_else(unknown)?;
    let condition = state.vocabulary().get(&code).ok_or_else(unknown)?;
    let listed = listing::find(state, &Query::about(code.clone()), layout::paging(raw)?).await?;
    let items = layout::read(&listed.rows);
    let total = i64::try_from(listed.total.unwrap_or_default()).unwrap_or(i64::MAX);
    let path = format!("/conditions/{code}");
    let label = condition.label(None);
    let feeds = layout::Feeds::new(label.as_ref(), format!("/feeds/conditions/{code}"));
    let others =
        condition.names().filter(|name| name.kind != NameKind::Proxy && !name.text.eq_ignore_ascii_case(&label));
    let others: Vec<_> = others.take(10).collect();
    let body = html! {
        section.hero.small {
            p.kicker { @if condition.topic() { "Health topic" } @else { "Condition" } }
            h1 { (label) }
            @if !others.is_empty() {
                p.lead { "Also called " @for (position, name) in others.iter().enumerate() { @if position > 0 { ", " } span lang=(name.language) { (name.text) } } }
            }
        }
        div.columns {
            section aria-labelledby="items" {
                div.head {
                    h2 #items { "About it" span.count { (layout::number(total)) } }
                    (feeds.links())
                }
                (layout::items(&items, "Nothing about this condition has come in yet. Its feed will carry it as soon as something does."))
                (layout::older(listed.next.as_ref().map(|after| layout::next_path(&path, "", after)).as_deref()))
                p { a href={ "/search?mentions=include&condition=" (code) } { "Also show what only mentions it" } }
            }
            aside {
                (related("Part of", condition.parents(), 12))
                (related("Narrower", condition.children(), NARROWER))
                (embed::snippet(state, &label, &format!("condition={code}"), &[("condition", code.as_str())]))
                section.panel aria-labelledby="codes" {
                    h2 #codes { "Codes" }
                    (codes(condition))
                }
            }
        }
    };
    let page = layout::Page {
        title: label.to_string(),
        description: format!("What health organizations publish about {label}."),
        canonical: Some(path.clone()),
        feeds: Some(feeds),
        data: Some(structured::condition(state, condition)),
        ..layout::Page::default()
    };
    Ok(page.render(state, &body))
}

fn related<'a>(title: &str, list: impl Iterator<Item = Condition<'a>>, limit: usize) -> Markup {
    let mut list: Vec<_> = list.collect();
    list.sort_by_key(|condition| condition.label(None));
    html! {
        @if !list.is_empty() {
            section.panel {
                h2 { (title) }
                p.chips { @for condition in list.iter().take(limit) { (layout::chip(condition.code().as_str(), &condition.label(None))) } }
                @if list.len() > limit { p.quiet { "and " (list.len() - limit) " more" } }
            }
        }
    }
}

fn codes(condition: Condition<'_>) -> Markup {
    let mut by_system: Vec<(&str, Vec<&str>)> = Vec::new();
    for (system, code) in condition.xrefs() {
        match by_system.iter_mut().find(|(known, _)| *known == system) {
            Some((_, codes)) => codes.push(code),
            None => by_system.push((system, vec![code])),
        }
    }
    let trees: Vec<_> = condition.tree_numbers().collect();
    html! {
        dl.figures {
            div { dt { "Network" } dd { code { (condition.code()) } } }
            @if !trees.is_empty() { div { dt { "MeSH tree" } dd { (trees.join(", ")) } } }
            @for (system, codes) in &by_system {
                div { dt { (system_name(system)) } dd { (codes.iter().take(8).copied().collect::<Vec<_>>().join(", ")) @if codes.len() > 8 { " …" } } }
            }
        }
    }
}

fn system_name(system: &str) -> &str {
    match system {
        "icd10cm" => "ICD-10-CM",
        "snomedct" => "SNOMED CT",
        "umls" => "UMLS",
        "omim" => "OMIM",
        "orpha" => "Orphanet",
        "doid" => "Disease Ontology",
        "mondo" => "Mondo",
        "gard" => "GARD",
        "mesh" => "MeSH",
        other => other,
    }
}
