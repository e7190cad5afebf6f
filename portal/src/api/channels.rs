//! Channels: named, saved questions. Members look after their organization's, curators after all.

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::StatusCode,
};
use carewire_query::{Query, Sort};
use carewire_schemas::Slug;
use carewire_store::{Channel, ChannelPatch, NewChannel};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{Answer, created, json, model::Page, next_link, note, organizations::is_web_address, visible_organization};
use crate::{
    auth::Caller,
    problem::{FieldError, Problem, ProblemKind},
    request::{JsonBody, Params, check, field_error},
    state::PortalState,
};

/// A channel.
#[derive(Serialize, ToSchema)]
#[schema(as = Channel)]
pub struct ChannelView {
    /// Its short name in addresses.
    #[schema(value_type = String, example = "diabetes-en-espanol")]
    pub slug: Slug,
    /// Its title.
    #[schema(example = "Diabetes en español")]
    pub title: String,
    /// What it is about.
    pub description: String,
    /// The address of its picture.
    pub picture: Option<String>,
    /// The question, as the query string of `/v1/items` in canonical form.
    #[schema(example = "condition=D003920&kind=video&language=es")]
    pub query: String,
    /// Short name of the organization that looks after it; none: the network.
    pub organization: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated: Timestamp,
    /// Its page.
    pub page: String,
    /// Its Atom feed.
    pub feed: String,
}

/// What a channel is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannelBody {
    /// Its short name in addresses; made of the title where it is left out. It never changes.
    #[schema(example = "diabetes-en-espanol")]
    pub slug: Option<String>,
    /// Its title.
    #[schema(example = "Diabetes en español")]
    pub title: String,
    /// What it is about.
    #[serde(default)]
    pub description: String,
    /// The address of its picture; feeds name it, the network's pages do not load it.
    pub picture: Option<String>,
    /// The question, as the query string of `/v1/items`.
    #[schema(example = "condition=D003920&language=es&kind=video")]
    pub query: String,
    /// Short name of the organization that looks after it. Without it: a member's own; a curator's channels are the network's.
    pub organization: Option<String>,
}

/// What is to change of a channel; what is left out stays, `null` empties.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelPatchBody {
    /// Its title.
    pub title: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// The address of its picture.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub picture: Option<Option<String>>,
    /// The question, as the query string of `/v1/items`.
    pub query: Option<String>,
}

/// Tells `null` from absent (RFC 7396).
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

async fn view(state: &PortalState, row: Channel) -> Answer<ChannelView> {
    let owner = match row.owner {
        Some(id) => state.store().organization(id).await?.map(|owner| owner.slug.to_string()),
        None => None,
    };
    Ok(ChannelView {
        page: state.absolute(&format!("/channels/{}", row.slug)),
        feed: state.absolute(&format!("/feeds/channels/{}.atom", row.slug)),
        slug: row.slug,
        title: row.title,
        description: row.description,
        picture: row.picture,
        query: row.query,
        organization: owner,
        created: row.created_at,
        updated: row.updated_at,
    })
}

/// The channel of a slug.
pub(crate) async fn find(state: &PortalState, slug: &str) -> Answer<Channel> {
    let unknown = || Problem::not_found(format!("there is no channel `{slug}`"));
    Slug::new(slug).map_err(|_| unknown())?;
    state.store().channel(slug).await?.ok_or_else(unknown)
}

/// The question of a channel.
pub(crate) fn question(state: &PortalState, channel: &Channel) -> Answer<Query> {
    let pairs = url::form_urlencoded::parse(channel.query.as_bytes());
    Ok(Query { sort: None, ..Query::from_pairs(pairs, state.vocabulary())? })
}

/// Reads a question into its canonical form; what is wrong with it is said of the field `query`.
fn canonical(state: &PortalState, text: &str) -> Result<String, FieldError> {
    if text.len() > 4_000 {
        return Err(field_error("query", "must be at most 4000 bytes long"));
    }
    let pairs = url::form_urlencoded::parse(text.trim_start_matches('?').as_bytes());
    let query =
        Query::from_pairs(pairs, state.vocabulary()).map_err(|error| field_error("query", error.to_string()))?;
    if query.sort == Some(Sort::Relevance) {
        return Err(field_error("query", "a channel goes by time: leave sort=relevance out"));
    }
    let canonical = Query { sort: None, ..query }.canonical();
    if canonical.is_empty() {
        return Err(field_error("query", "must ask for something; /feeds/all has everything"));
    }
    Ok(canonical)
}

fn particulars(title: Option<&str>, description: Option<&str>, picture: Option<&str>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if title.is_some_and(|title| !(1..=200).contains(&title.trim().chars().count())) {
        errors.push(field_error("title", "must have 1 to 200 characters"));
    }
    if description.is_some_and(|text| text.chars().count() > 2_000) {
        errors.push(field_error("description", "must have at most 2000 characters"));
    }
    if picture.is_some_and(|address| !is_web_address(address)) {
        errors.push(field_error("picture", "must be an address such as https://example.org/picture.png"));
    }
    errors
}

/// Channels in order of their short names.
#[utoipa::path(get, path = "/v1/channels", operation_id = "listChannels",
    params(("organization" = Option<String>, Query, description = "Short name: only those that it looks after."),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 without it."),
        ("after" = Option<String>, Query, description = "From a `next` address.")),
    responses((status = 200, description = "A page of channels.", body = Page<ChannelView>)))]
pub async fn list(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Answer {
    let params = Params::read(query.as_deref(), &["organization", "limit", "after"])?;
    let owner = match params.get("organization") {
        Some(slug) => Some(visible_organization(&state, &caller, slug).await?.id),
        None => None,
    };
    let limit = params.limit()?;
    let mut rows = state.store().channels(params.get("after"), limit + 1, owner).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|last| next_link(&state, "/v1/channels", query.as_deref(), last.slug.as_str()));
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(view(&state, row).await?);
    }
    json(StatusCode::OK, &Page { items, next })
}

/// One channel.
#[utoipa::path(get, path = "/v1/channels/{slug}", operation_id = "getChannel",
    params(("slug" = String, Path, description = "Its short name.")),
    responses((status = 200, description = "The channel.", body = ChannelView)))]
pub async fn one(State(state): State<PortalState>, Path(slug): Path<String>) -> Answer {
    let row = find(&state, &slug).await?;
    json(StatusCode::OK, &view(&state, row).await?)
}

/// Makes a channel.
#[utoipa::path(post, path = "/v1/channels", operation_id = "addChannel",
    request_body = NewChannelBody,
    responses((status = 201, description = "The channel as it stands now.", body = ChannelView),
        (status = 409, description = "The short name is taken.", body = Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<NewChannelBody>,
) -> Answer {
    let mut errors = particulars(Some(&body.title), Some(&body.description), body.picture.as_deref());
    let slug = match &body.slug {
        Some(text) => Slug::new(text.clone()).map_err(|error| error.to_string()),
        None => Slug::from_name(&body.title)
            .ok_or_else(|| "cannot be made of this title; give one of 1 to 63 characters a-z, 0-9 and -".to_owned()),
    };
    let slug = slug.map_err(|message| errors.push(field_error("slug", message))).ok();
    let query = canonical(&state, &body.query).map_err(|error| errors.push(error)).ok();
    check(errors)?;
    let (Some(slug), Some(query)) = (slug, query) else {
        return Err(Problem::new(ProblemKind::InvalidField, "a field is wrong"));
    };
    let owner = match &body.organization {
        Some(slug) => {
            let found = visible_organization(&state, &caller, slug).await;
            let found = found.map_err(|problem| match problem.status() {
                StatusCode::NOT_FOUND => Problem::field("organization", problem.detail),
                _ => problem,
            })?;
            caller.may_write(found.id)?;
            Some(found.id)
        }
        None if caller.is_curator() => None,
        None => caller.0.as_ref().and_then(|principal| principal.organization),
    };
    let new = NewChannel {
        slug,
        title: body.title.trim().to_owned(),
        description: body.description.trim().to_owned(),
        picture: body.picture,
        query,
        owner,
    };
    let row = state.store().add_channel(new).await?;
    note(&state, &caller, "add-channel", format!("channel/{}", row.slug), row.query.clone()).await?;
    let path = format!("/v1/channels/{}", row.slug);
    created(&state, &path, &view(&state, row).await?)
}

/// The channel, where the caller may change it.
async fn own(state: &PortalState, caller: &Caller, slug: &str) -> Answer<Channel> {
    let row = find(state, slug).await?;
    match row.owner {
        Some(owner) => caller.may_write(owner)?,
        None if caller.is_curator() => {}
        None => return Err(Problem::new(ProblemKind::Forbidden, "the channel is the network's own")),
    }
    Ok(row)
}

/// Changes a channel. What is left out stays; `null` empties.
#[utoipa::path(patch, path = "/v1/channels/{slug}", operation_id = "changeChannel",
    params(("slug" = String, Path, description = "Its short name.")),
    request_body = ChannelPatchBody,
    responses((status = 200, description = "The channel as it stands now.", body = ChannelView)))]
pub async fn update(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    JsonBody(body): JsonBody<ChannelPatchBody>,
) -> Answer {
    let row = own(&state, &caller, &slug).await?;
    let picture = body.picture.clone().flatten();
    let mut errors = particulars(body.title.as_deref(), body.description.as_deref(), picture.as_deref());
    let query = body.query.as_deref().map(|text| canonical(&state, text));
    let query = query.and_then(|query| query.map_err(|error| errors.push(error)).ok());
    check(errors)?;
    let patch = ChannelPatch {
        title: body.title.map(|title| title.trim().to_owned()),
        description: body.description.map(|text| text.trim().to_owned()),
        picture: body.picture,
        query,
    };
    let row = state.store().update_channel(&row.slug, patch).await?;
    note(&state, &caller, "change-channel", format!("channel/{}", row.slug), row.query.clone()).await?;
    json(StatusCode::OK, &view(&state, row).await?)
}

/// Takes a channel away. Its feed answers 404 from then on.
#[utoipa::path(delete, path = "/v1/channels/{slug}", operation_id = "removeChannel",
    params(("slug" = String, Path, description = "Its short name.")),
    responses((status = 204, description = "It is gone.")))]
pub async fn remove(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
) -> Answer<StatusCode> {
    let row = own(&state, &caller, &slug).await?;
    state.store().remove_channel(&row.slug).await?;
    note(&state, &caller, "remove-channel", format!("channel/{}", row.slug), String::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}
