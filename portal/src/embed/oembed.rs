//! oEmbed (oembed.com) for items' pages: a site or editor that is given an item's address learns how to show it.

use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header},
};
use carewire_query::public;
use carewire_store::ItemState;
use http::HeaderValue;
use serde::Serialize;
use utoipa::ToSchema;

use super::frame;
use crate::{
    api::{Answer, broken_row, json},
    problem::{Problem, ProblemKind},
    request::Params,
    state::PortalState,
};

const WIDTH: u32 = 480;
const HEIGHT: u32 = 220;
/// Below this nothing can be read.
const LEAST: u32 = 120;

/// An oEmbed answer of type `rich`.
#[derive(Serialize, ToSchema)]
pub struct Oembed {
    /// `1.0`.
    pub version: &'static str,
    /// `rich`.
    pub r#type: &'static str,
    /// The item's title.
    pub title: String,
    /// Who published it.
    pub author_name: String,
    /// The network.
    pub provider_name: String,
    /// Its address.
    pub provider_url: String,
    /// Seconds for which this may be kept.
    pub cache_age: u32,
    /// A frame: no script.
    pub html: String,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
}

/// How an item can be shown on another site (oEmbed).
#[utoipa::path(get, path = "/oembed", operation_id = "oembed",
    params(("url" = String, Query, description = "The address of an item's page."),
        ("maxwidth" = Option<u32>, Query, description = "In pixels."),
        ("maxheight" = Option<u32>, Query, description = "In pixels."),
        ("format" = Option<String>, Query, description = "`json`; nothing else is answered.")),
    responses((status = 200, description = "How to show it.", body = Oembed),
        (status = 404, description = "There is no such item, or it was withdrawn.", body = Problem, content_type = "application/problem+json")))]
pub async fn oembed(State(state): State<PortalState>, RawQuery(raw): RawQuery) -> Answer {
    let params = Params::read(raw.as_deref(), &["url", "maxwidth", "maxheight", "format"])?;
    if params.get("format").is_some_and(|format| format != "json") {
        // oembed.com, section 2.3.3, asks for 501 here; a wrong parameter is what it is.
        return Err(Problem::parameter("format", "only json is answered"));
    }
    let unknown = || Problem::not_found("`url` must be the address of an item's page of this network");
    let address = params.get("url").ok_or_else(|| Problem::parameter("url", "give the address of an item's page"))?;
    let id = address
        .strip_prefix(&state.absolute("/items/"))
        .and_then(|rest| rest.split(['?', '#', '/']).next())
        .ok_or_else(unknown)?;
    let row = state.store().item(id.parse().map_err(|_| unknown())?).await?;
    let row = row
        .filter(|row| row.state == ItemState::Curated)
        .ok_or_else(|| Problem::new(ProblemKind::NotFound, "there is no such item, or it was withdrawn"))?;
    let item = public::content(&row).map_err(broken_row)?;
    let pixels = |name: &str, usual: u32| -> Result<u32, Problem> {
        let most = params.parse::<u32>(name, "a number of pixels")?;
        Ok(most.map_or(usual, |most| usual.min(most.max(LEAST))))
    };
    let (width, height) = (pixels("maxwidth", WIDTH)?, pixels("maxheight", HEIGHT)?);
    let source = item.sources.first().map(|source| source.organization.name.clone()).unwrap_or_default();
    let mut answer = json(
        StatusCode::OK,
        &Oembed {
            version: "1.0",
            r#type: "rich",
            html: frame(&state.absolute(&format!("/embed/items/{}", item.id)), &item.title, height),
            title: item.title,
            author_name: source,
            provider_name: state.name().to_owned(),
            provider_url: state.absolute("/"),
            cache_age: 3_600,
            width,
            height,
        },
    )?;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(answer)
}
