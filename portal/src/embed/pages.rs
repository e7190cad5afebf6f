//! The pages for frames: a list that answers a question, and one item.

use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use carewire_query::public;
use carewire_schemas::CuratedV1;
use carewire_store::ItemState;
use maud::{DOCTYPE, Markup, html};

use super::COMPONENTS;
use crate::{
    api::{broken_row, channels},
    listing::{self, Paging},
    pages::layout,
    problem::Problem,
    state::PortalState,
};

/// Items of a list that does not say how many.
const COUNT: usize = 5;
/// Most items of a list.
const MOST: usize = 20;
/// Colours that a site may set: the parameter and the variable.
const COLOURS: [(&str, &str); 5] =
    [("accent", "--accent"), ("text", "--text"), ("quiet", "--quiet"), ("line", "--line"), ("background", "--page")];
/// Own styles and nothing else; anybody may show it in a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *";

/// What is asked of a list beside the question.
struct Look {
    count: usize,
    heading: String,
    /// Colours, checked, as a query string of `/embed/style.css`.
    colours: String,
    /// A channel's short name.
    channel: Option<String>,
    /// The rest: the query language.
    question: String,
}

impl Look {
    fn read(raw: &str) -> Result<Self, Problem> {
        let mut look = Self {
            count: COUNT,
            heading: String::new(),
            colours: String::new(),
            channel: None,
            question: String::new(),
        };
        let (mut question, mut colours) = (serializer(), serializer());
        for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
            match name.as_ref() {
                "count" => {
                    let right = || Problem::parameter("count", "must be a number from 1 to 20");
                    look.count = value.parse().ok().filter(|count| (1..=MOST).contains(count)).ok_or_else(right)?;
                }
                "heading" => look.heading = value.chars().take(100).collect(),
                "channel" => look.channel = Some(value.into_owned()),
                name if COLOURS.iter().any(|(known, _)| *known == name) => {
                    colour(name, &value)?;
                    colours.append_pair(name, &value);
                }
                _ => {
                    question.append_pair(&name, &value);
                }
            }
        }
        (look.question, look.colours) = (question.finish(), colours.finish());
        Ok(look)
    }
}

fn serializer() -> url::form_urlencoded::Serializer<'static, String> {
    url::form_urlencoded::Serializer::new(String::new())
}

/// A colour as three, six or eight hexadecimal digits: nothing that could end a declaration.
fn colour<'a>(name: &str, value: &'a str) -> Result<&'a str, Problem> {
    let good = matches!(value.len(), 3 | 6 | 8) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if good {
        return Ok(value);
    }
    Err(Problem::parameter(name, "must be a colour of 3, 6 or 8 hexadecimal digits, such as 0b6463"))
}

/// `/embed/list`: items that answer a question, or a channel's.
pub(super) async fn list(State(state): State<PortalState>, RawQuery(raw): RawQuery) -> Response {
    match listed(&state, raw.as_deref().unwrap_or_default()).await {
        Ok(markup) => framable(StatusCode::OK, markup),
        Err(problem) => trouble(&state, &problem),
    }
}

async fn listed(state: &PortalState, raw: &str) -> Result<Markup, Problem> {
    let look = Look::read(raw)?;
    let query = match &look.channel {
        Some(slug) => channels::question(state, &channels::find(state, slug).await?)?,
        None => listing::read(Some(&look.question), state.vocabulary())?.0,
    };
    let listed = listing::find(state, &query, Paging { after: None, limit: look.count }).await?;
    let items = layout::read(&listed.rows);
    let body = html! {
        @if !look.heading.is_empty() { h1 { (look.heading) } }
        @if items.is_empty() { p.quiet { "Nothing is here yet." } }
        @else { ul role="list" { @for item in &items { li { (card(state, item)) } } } }
        footer.quiet { "From " a href=(state.absolute("/")) target="_blank" rel="noopener" { (state.name()) } }
    };
    Ok(document(state, state.name(), &look.colours, &body))
}

/// `/embed/items/{id}`
pub(super) async fn item(State(state): State<PortalState>, Path(id): Path<String>) -> Response {
    match one(&state, &id).await {
        Ok((status, markup)) => framable(status, markup),
        Err(problem) => trouble(&state, &problem),
    }
}

async fn one(state: &PortalState, id: &str) -> Result<(StatusCode, Markup), Problem> {
    let unknown = || Problem::not_found("There is no item at this address.");
    let row = state.store().item(id.parse().map_err(|_| unknown())?).await?.ok_or_else(unknown)?;
    if row.state != ItemState::Curated {
        let form = public::withdrawal(&row).map_err(broken_row)?.ok_or_else(unknown)?;
        let reason = form.withdrawn.map(|withdrawn| withdrawn.reason).unwrap_or_default();
        let body = html! { p { strong { "This item was withdrawn." } } p { (reason) } };
        return Ok((StatusCode::GONE, document(state, "Withdrawn", "", &body)));
    }
    let item = public::content(&row).map_err(broken_row)?;
    let body = html! {
        article { (card(state, &item)) }
        footer.quiet {
            a href=(state.absolute(&format!("/items/{}", item.id))) target="_blank" rel="noopener" { "At " (state.name()) }
        }
    };
    Ok((StatusCode::OK, document(state, &item.title, "", &body)))
}

fn card(state: &PortalState, item: &CuratedV1) -> Markup {
    let page = state.absolute(&format!("/items/{}", item.id));
    let address = item.url.as_deref().and_then(layout::web).unwrap_or(&page);
    html! {
        div lang=[item.language.as_deref()] dir="auto" {
            a.title href=(address) target="_blank" rel="noopener noreferrer" { (item.title) }
            p.quiet {
                @if let Some(source) = item.sources.first() { (source.organization.name) " · " }
                (layout::day(item.published))
            }
            @if !item.summary.is_empty() { p { (item.summary) } }
        }
    }
}

fn document(state: &PortalState, title: &str, colours: &str, body: &Markup) -> Markup {
    let style = if colours.is_empty() { "/embed/style.css".to_owned() } else { format!("/embed/style.css?{colours}") };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) }
                link rel="stylesheet" href=(state.absolute(&style));
            }
            body { main { (body) } }
        }
    }
}

/// `/embed/style.css`: the style with a site's colours.
pub(super) async fn style(RawQuery(raw): RawQuery) -> Response {
    match coloured(raw.as_deref().unwrap_or_default()) {
        Ok(css) => {
            let mut response = css.into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
            response
        }
        Err(problem) => problem.into_response(),
    }
}

fn coloured(raw: &str) -> Result<String, Problem> {
    let mut css = include_str!("list.css").to_owned();
    let mut own = String::new();
    for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
        let known = COLOURS.iter().find(|(known, _)| *known == name);
        let (_, variable) = known.ok_or_else(|| Problem::parameter(name.clone(), "there is no such parameter"))?;
        own.push_str(&format!("{variable}: #{}; ", colour(&name, &value)?));
    }
    if !own.is_empty() {
        css.push_str(&format!(":root {{ {own}}}\n"));
    }
    Ok(css)
}

fn trouble(state: &PortalState, problem: &Problem) -> Response {
    let body = html! { p { strong { (problem.title) } } p { (problem.detail) } };
    framable(problem.status(), document(state, problem.title, "", &body))
}

fn framable(status: StatusCode, markup: Markup) -> Response {
    let mut response = (status, axum::response::Html(markup.into_string())).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // Seen on other sites' pages: a minute old is good enough, and spares both.
    let kept = if status.is_success() { "public, max-age=60" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    response
}

/// A frame of ours for another site: no script, no rights but to open links.
pub(crate) fn frame(address: &str, title: &str, height: u32) -> String {
    let markup = html! {
        iframe src=(address) title=(title) width="100%" height=(height) loading="lazy" referrerpolicy="no-referrer"
            sandbox="allow-popups allow-popups-to-escape-sandbox" frameborder="0" {}
    };
    markup.into_string()
}

/// How to show a list on another site, to be copied: as a frame, and as the web component. `question` is a query string of
/// the query language or `channel=…`; `attributes` the same for the component.
pub(crate) fn snippet(state: &PortalState, title: &str, question: &str, attributes: &[(&str, &str)]) -> Markup {
    let address = state.absolute(&format!("/embed/list?{question}&count={COUNT}"));
    let component = COMPONENTS.last().map(|(file, _, hash)| {
        let script = html! {
            script src=(state.absolute(&format!("/embed/{file}"))) integrity=(hash) crossorigin="anonymous" defer {}
        };
        let mut element = format!("<carewire-list count=\"{COUNT}\"");
        for (name, value) in attributes {
            let value = html! { (value) }.into_string();
            element.push_str(&format!(" {name}=\"{value}\""));
        }
        format!("{}\n{element}></carewire-list>", script.into_string())
    });
    html! {
        details.panel {
            summary { "Show this on your own site" }
            p { "Copy this into your page. It needs no script and sets no cookie:" }
            pre { code { (frame(&address, title, 420)) } }
            @if let Some(component) = component {
                p { "Or as part of your page, in your own style (CSS variables such as " code { "--carewire-accent" } "):" }
                pre { code { (component) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::coloured;

    #[test]
    fn colours_are_nothing_but_colours() {
        assert!(
            coloured("accent=c00&background=ffffff")
                .expect("good")
                .ends_with(":root { --accent: #c00; --page: #ffffff; }\n")
        );
        for wrong in ["accent=red", "accent=c00;}body{display:none", "accent=url(x)", "colour=c00", "accent=12345"] {
            assert!(coloured(wrong).is_err(), "{wrong}");
        }
    }
}
