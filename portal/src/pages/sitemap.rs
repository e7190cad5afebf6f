//! `/sitemap.xml` (sitemaps.org/protocol.html) and `/robots.txt`: what search engines may find.
//!
//! Items stand in pages of [`SPAN`] numbers of `first`, so that an item is always in the same page and a crawler asks only for
//! pages that changed.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use carewire_query::render::xml::Writer;
use carewire_schemas::ChangeSeq;
use carewire_store::Standing;
use jiff::Timestamp;

use crate::{listing, problem::Problem, state::PortalState};

/// Numbers of one page; a sitemap may have 50,000 addresses.
const SPAN: ChangeSeq = 10_000;
/// Most addresses of the pages that are no items.
const MOST: usize = 45_000;
/// Addresses that are no use to search engines, or cost much: answers to any question, and other sites' frames.
const ROBOTS: &str = "User-agent: *\nDisallow: /search\nDisallow: /embed/\nDisallow: /application\nDisallow: /service\n\
                      Disallow: /fhir/\nDisallow: /v1/\nDisallow: /feeds/search\nDisallow: /feeds/view.css\n";

/// `/robots.txt`
pub async fn robots(State(state): State<PortalState>) -> Response {
    let text = format!("{ROBOTS}\nSitemap: {}\n", state.absolute("/sitemap.xml"));
    sent(text.into_bytes(), "text/plain; charset=utf-8")
}

/// `/sitemap.xml`: the list of the pages.
pub async fn index(State(state): State<PortalState>) -> Response {
    let last = match state.store().last_seq().await {
        Ok(last) => last,
        Err(error) => return Problem::from(error).into_response(),
    };
    let mut xml = Writer::new(2_000);
    xml.raw("<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
    let pages = (0..=last / SPAN).map(|page| format!("items-{page}")).rev();
    for name in ["pages".to_owned()].into_iter().chain(pages).take(50_000) {
        xml.raw("<sitemap>").element("loc", &state.absolute(&format!("/sitemaps/{name}.xml"))).raw("</sitemap>\n");
    }
    xml.raw("</sitemapindex>\n");
    sent(xml.finish(), "application/xml; charset=utf-8")
}

/// `/sitemaps/{file}`: a page.
pub async fn page(State(state): State<PortalState>, Path(file): Path<String>) -> Response {
    let found = match file.strip_suffix(".xml") {
        Some("pages") => others(&state).await,
        Some(name) => match name.strip_prefix("items-").and_then(|number| number.parse::<ChangeSeq>().ok()) {
            Some(number) if (0..=ChangeSeq::MAX / SPAN - 1).contains(&number) => items(&state, number).await,
            _ => Err(Problem::not_found("there is no such sitemap")),
        },
        None => Err(Problem::not_found("there is no such sitemap")),
    };
    match found {
        Ok(xml) => sent(xml, "application/xml; charset=utf-8"),
        Err(problem) => problem.into_response(),
    }
}

async fn items(state: &PortalState, number: ChangeSeq) -> Result<Vec<u8>, Problem> {
    let range = number * SPAN..(number + 1) * SPAN;
    let found = listing::in_index(state, move |index| index.in_range(range)).await?;
    let mut xml = start(found.len());
    for (id, updated) in found {
        let changed = Timestamp::from_millisecond(updated).ok();
        url(&mut xml, &state.absolute(&format!("/items/{id}")), changed);
    }
    Ok(finish(xml))
}

/// Conditions, organizations and channels with something to see.
async fn others(state: &PortalState) -> Result<Vec<u8>, Problem> {
    let conditions = listing::in_index(state, carewire_query::SearchIndex::condition_counts).await?;
    let mut xml = start(conditions.len() + 100);
    for path in ["/", "/organizations", "/channels", "/docs"] {
        url(&mut xml, &state.absolute(path), None);
    }
    for (code, _) in conditions.iter().filter(|(code, _)| state.vocabulary().get(code).is_some()).take(MOST / 3) {
        url(&mut xml, &state.absolute(&format!("/conditions/{code}")), None);
    }
    for one in state.store().organizations(None, MOST / 3, Some(Standing::Accepted)).await? {
        url(&mut xml, &state.absolute(&format!("/organizations/{}", one.slug)), None);
    }
    for one in state.store().channels(None, MOST / 3, None).await? {
        url(&mut xml, &state.absolute(&format!("/channels/{}", one.slug)), None);
    }
    Ok(finish(xml))
}

fn start(addresses: usize) -> Writer {
    let mut xml = Writer::new(addresses * 160 + 200);
    xml.raw("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
    xml
}

fn url(xml: &mut Writer, address: &str, changed: Option<Timestamp>) {
    xml.raw("<url>").element("loc", address);
    if let Some(changed) = changed {
        xml.element("lastmod", &changed.to_string());
    }
    xml.raw("</url>\n");
}

fn finish(mut xml: Writer) -> Vec<u8> {
    xml.raw("</urlset>\n");
    xml.finish()
}

fn sent(body: Vec<u8>, kind: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}
