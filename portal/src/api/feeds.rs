//! Feeds: list, one with how it fares, register, change, poll now.

use std::collections::HashMap;

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::StatusCode,
};
use carewire_schemas::FeedId;
use carewire_store::{Feed, FeedFilter, FeedKind, FeedStanding, FeedState, NewFeed, Proof};
use serde::Deserialize;
use url::{Host, Url};
use utoipa::ToSchema;

use super::{
    Answer, created, feed_report,
    feed_report::FeedDetailView,
    is_visible, json,
    model::{FeedKindName, FeedStateName, FeedView, Page, ProofName},
    next_link, note,
    organizations::is_web_address,
    visible_organization,
};
use crate::{
    auth::Caller,
    problem::{Problem, ProblemKind},
    request::{JsonBody, Params},
    state::PortalState,
};

/// Seconds between polls to begin with; the schedule then follows what the feed does.
const FIRST_INTERVAL_S: i64 = 30 * 60;

/// What a feed is registered with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFeedBody {
    /// Short name of the organization whose it is.
    #[schema(example = "st-anne")]
    pub organization: String,
    /// Its address; that of a YouTube channel or playlist page stands for its feed.
    #[schema(example = "https://st-anne.example/news/feed.xml")]
    pub url: String,
    /// What it is; told from the address where it is left out.
    #[schema(value_type = Option<FeedKindName>)]
    pub kind: Option<FeedKind>,
    /// Its title; read from the feed where it is left out.
    pub title: Option<String>,
}

/// What is to change of a feed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedPatchBody {
    /// Whether it is polled: `active` or `paused`.
    #[schema(value_type = Option<FeedStateName>)]
    pub state: Option<FeedState>,
    /// The operator's word: `vouched`, or `none` to take it back. Operators only.
    #[schema(value_type = Option<ProofName>)]
    pub proof: Option<Proof>,
    /// Seconds after its publication within which an entry should be seen, from 60 to 604800; 0 for the network's own target. A
    /// shorter one than the feed's interval makes polls more frequent.
    pub target_s: Option<i64>,
}

/// Feeds in order of registration.
///
/// Without a curator's token: those of accepted organizations and of one's own. A page may hold fewer feeds than
/// `limit` and still have a `next`.
#[utoipa::path(get, path = "/v1/feeds", operation_id = "listFeeds",
    params(("organization" = Option<String>, Query, description = "Short name of an organization."),
        ("state" = Option<FeedStateName>, Query, description = "Only in this state."),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 without it."),
        ("after" = Option<String>, Query, description = "From a `next` address.")),
    responses((status = 200, description = "A page of feeds.", body = Page<FeedView>)))]
pub async fn list(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Answer {
    let params = Params::read(query.as_deref(), &["organization", "state", "limit", "after"])?;
    let organization = match params.get("organization") {
        Some(slug) => Some(visible_organization(&state, &caller, slug).await?.id),
        None => None,
    };
    let words = FeedState::ALL.iter().map(|state| (state.as_str(), *state)).collect::<Vec<_>>();
    let filter = FeedFilter { organization, state: params.choice("state", &words)? };
    let after = params.parse::<FeedId>("after", "an id from a `next` address")?;
    let limit = params.limit()?;
    let mut rows = state.store().feeds(&filter, after, limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next =
        rows.last().filter(|_| more).map(|last| next_link(&state, "/v1/feeds", query.as_deref(), &last.id.to_string()));
    let standings = standings(&state, &rows).await?;
    let visible = rows.into_iter().filter(|row| sees(&caller, row, &standings));
    let items = visible
        .map(|row| {
            let id = row.id;
            FeedView::new(row, standings.get(&id))
        })
        .collect();
    json(StatusCode::OK, &Page { items, next })
}

/// One feed: when it is polled next and why then, how it fares, what is wrong with it.
#[utoipa::path(get, path = "/v1/feeds/{id}", operation_id = "getFeed",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The feed.", body = FeedDetailView)))]
pub async fn one(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let (row, standing) = visible_feed(&state, &caller, &id).await?;
    json(StatusCode::OK, &feed_report::detail(&state, &caller, row, &standing).await?)
}

/// Registers a feed or channel. It is polled at once; its entries wait for a curator until it is proven or vouched for.
#[utoipa::path(post, path = "/v1/feeds", operation_id = "addFeed",
    request_body = NewFeedBody,
    responses((status = 201, description = "The feed as it stands now.", body = FeedView),
        (status = 409, description = "The address is registered.", body = Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<NewFeedBody>,
) -> Answer {
    let organization =
        visible_organization(&state, &caller, &body.organization).await.map_err(|problem| match problem.status() {
            StatusCode::NOT_FOUND => Problem::field("organization", problem.detail),
            _ => problem,
        })?;
    caller.may_write(organization.id)?;
    let (url, host) = feed_address(&body.url)?;
    let kind = body.kind.unwrap_or_else(|| kind_of(&url));
    if kind == FeedKind::Posted {
        return Err(Problem::field("kind", "what is posted has no address: post it to /v1/items"));
    }
    let new = NewFeed {
        organization: organization.id,
        url: url.into(),
        kind,
        title: body.title,
        site_url: None,
        host,
        proof: Proof::None,
        interval_s: FIRST_INTERVAL_S,
    };
    let row = state.store().add_feed(new).await?;
    note(&state, &caller, "add-feed", format!("feed/{}", row.id), row.url.clone()).await?;
    let path = format!("/v1/feeds/{}", row.id);
    let mut view = FeedView::new(row, None);
    view.organization = organization.slug.to_string();
    created(&state, &path, &view)
}

/// Pauses a feed or starts it again; vouches for it.
#[utoipa::path(patch, path = "/v1/feeds/{id}", operation_id = "changeFeed",
    params(("id" = String, Path, description = "Its id.")),
    request_body = FeedPatchBody,
    responses((status = 200, description = "The feed as it stands now.", body = FeedView)))]
pub async fn update(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<FeedPatchBody>,
) -> Answer {
    let (row, standing) = visible_feed(&state, &caller, &id).await?;
    caller.may_write(row.organization)?;
    let subject = format!("feed/{}", row.id);
    // All is checked before anything is changed.
    match body.proof {
        Some(_) if !caller.is_operator() => {
            return Err(Problem::new(ProblemKind::Forbidden, "only operators vouch for a feed"));
        }
        Some(Proof::Proven) => {
            return Err(Problem::field("proof", "`proven` is found by a check; give `vouched` or `none`"));
        }
        _ => {}
    }
    if body.state == Some(FeedState::Gone) {
        return Err(Problem::field("state", "`gone` is found by polling; give `active` or `paused`"));
    }
    if let Some(seconds) = body.target_s.filter(|seconds| *seconds != 0 && !(60..=604_800).contains(seconds)) {
        return Err(Problem::field("target_s", format!("must be 0, or from 60 to 604800, not {seconds}")));
    }
    if let Some(seconds) = body.target_s {
        state.store().set_target(row.id, Some(seconds).filter(|&seconds| seconds > 0)).await?;
        note(&state, &caller, "set-target", subject.clone(), seconds.to_string()).await?;
    }
    if let Some(proof) = body.proof {
        state.store().set_proof(row.id, proof).await?;
        note(&state, &caller, "set-proof", subject.clone(), proof.to_string()).await?;
    }
    if let Some(to) = body.state {
        state.store().set_feed_state(row.id, to).await?;
        note(&state, &caller, "set-feed-state", subject, to.to_string()).await?;
    }
    let row = state.store().feed(row.id).await?.unwrap_or(row);
    json(StatusCode::OK, &FeedView::new(row, Some(&standing)))
}

/// Makes a feed due at once. Its host's pauses hold all the same.
#[utoipa::path(post, path = "/v1/feeds/{id}/poll", operation_id = "pollFeed",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 202, description = "It is due; the feed as it stands now.", body = FeedView),
        (status = 422, description = "It is not active.", body = Problem, content_type = "application/problem+json")))]
pub async fn poll(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let (row, standing) = visible_feed(&state, &caller, &id).await?;
    caller.may_write(row.organization)?;
    state.store().poll_now(row.id).await?;
    note(&state, &caller, "poll-feed", format!("feed/{}", row.id), String::new()).await?;
    let row = state.store().feed(row.id).await?.unwrap_or(row);
    json(StatusCode::ACCEPTED, &FeedView::new(row, Some(&standing)))
}

async fn standings(state: &PortalState, rows: &[Feed]) -> Answer<HashMap<FeedId, FeedStanding>> {
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = rows.iter().map(|row| row.id).collect::<Vec<_>>();
    Ok(state.store().standings(&ids).await?)
}

fn sees(caller: &Caller, row: &Feed, standings: &HashMap<FeedId, FeedStanding>) -> bool {
    standings.get(&row.id).is_some_and(|found| is_visible(caller, row.organization, found.standing))
}

pub(crate) async fn visible_feed(state: &PortalState, caller: &Caller, id: &str) -> Answer<(Feed, FeedStanding)> {
    let unknown = || Problem::not_found(format!("there is no feed `{id}`"));
    let id = id.parse::<FeedId>().map_err(|_| unknown())?;
    let row = state.store().feed(id).await?.ok_or_else(unknown)?;
    let mut standings = standings(state, std::slice::from_ref(&row)).await?;
    let standing = standings.remove(&id).ok_or_else(unknown)?;
    if is_visible(caller, row.organization, standing.standing) { Ok((row, standing)) } else { Err(unknown()) }
}

/// The address as it is kept (without fragment), and its host without port or brackets.
pub(crate) fn feed_address(text: &str) -> Answer<(Url, String)> {
    let wrong = || Problem::field("url", "must be an http or https address without user name and password");
    if !is_web_address(text) {
        return Err(wrong());
    }
    let mut url = Url::parse(text).map_err(|_| wrong())?;
    url.set_fragment(None);
    // The page of a channel or playlist stands for its feed, as on the command line.
    let url = carewire_feeds::youtube::feed_url(&url).unwrap_or(url);
    let host = match url.host() {
        Some(Host::Domain(name)) => name.trim_end_matches('.').to_ascii_lowercase(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return Err(wrong()),
    };
    Ok((url, host))
}

/// A channel's feed on YouTube is told by its address.
fn kind_of(url: &Url) -> FeedKind {
    if carewire_feeds::youtube::feed_url(url).is_some() { FeedKind::YoutubeChannel } else { FeedKind::Feed }
}
