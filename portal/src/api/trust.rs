//! What operators and curators say of publishers: trust, the brake, the release of held feeds; and why an item is where it is.

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use carewire_query::explain;
use carewire_schemas::Tier;
use carewire_store::HeldFeed;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Answer, broken_row,
    feeds::visible_feed,
    json,
    model::{OrganizationView, TierName},
    note,
    organizations::note_about,
    visible_organization,
};
use crate::{
    auth::Caller,
    problem::{Problem, ProblemKind},
    request::JsonBody,
    state::PortalState,
};

/// How far the network is to trust an organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustBody {
    /// The tier.
    #[schema(value_type = TierName)]
    pub tier: Tier,
    /// Why, for the audit log.
    #[serde(default)]
    pub reason: String,
}

/// Says how far the network trusts an organization. What it carries is judged anew.
#[utoipa::path(post, path = "/v1/organizations/{slug}/trust", operation_id = "setTrust",
    params(("slug" = String, Path, description = "Its short name.")),
    request_body = TrustBody,
    responses((status = 200, description = "The organization as it stands now.", body = OrganizationView)))]
pub async fn trust(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    JsonBody(body): JsonBody<TrustBody>,
) -> Answer {
    let row = visible_organization(&state, &caller, &slug).await?;
    let row = state.store().set_tier(row.id, body.tier).await?;
    let detail = format!("{}: {}", body.tier.as_str(), body.reason);
    note_about(&state, &caller, "set-trust", &row, &detail).await?;
    json(StatusCode::OK, &OrganizationView::new(&state, row))
}

/// The brake.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspensionBody {
    /// Withdraw only what came since then; without it, all.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub withdraw_since: Option<Timestamp>,
    /// Why, for the audit log.
    #[serde(default)]
    pub reason: String,
}

/// Stops an organization: what comes of it waits for a curator, what came of it is withdrawn everywhere.
#[utoipa::path(post, path = "/v1/organizations/{slug}/suspension", operation_id = "suspendOrganization",
    params(("slug" = String, Path, description = "Its short name.")),
    request_body = SuspensionBody,
    responses((status = 200, description = "The organization as it stands now.", body = OrganizationView)))]
pub async fn suspend(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    JsonBody(body): JsonBody<SuspensionBody>,
) -> Answer {
    let row = visible_organization(&state, &caller, &slug).await?;
    let row = state.store().suspend(row.id, body.withdraw_since).await?;
    let since = body.withdraw_since.map_or("all".to_owned(), |since| format!("since {since}"));
    note_about(&state, &caller, "suspend", &row, &format!("{since}: {}", body.reason)).await?;
    json(StatusCode::OK, &OrganizationView::new(&state, row))
}

/// Lifts a suspension: what it withdrew comes back.
#[utoipa::path(delete, path = "/v1/organizations/{slug}/suspension", operation_id = "liftSuspension",
    params(("slug" = String, Path, description = "Its short name.")),
    responses((status = 200, description = "The organization as it stands now.", body = OrganizationView),
        (status = 409, description = "It is not suspended.", body = Problem, content_type = "application/problem+json")))]
pub async fn lift(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
) -> Answer {
    let row = visible_organization(&state, &caller, &slug).await?;
    let row = state.store().lift_suspension(row.id).await?;
    note_about(&state, &caller, "lift-suspension", &row, "").await?;
    json(StatusCode::OK, &OrganizationView::new(&state, row))
}

/// A feed that is held because it did what it never did.
#[derive(Serialize, ToSchema)]
pub struct HeldFeedView {
    /// The feed.
    pub feed: Uuid,
    /// Its address.
    pub url: String,
    /// Short name of its organization.
    pub organization: String,
    /// What was seen then or later waits for a curator.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Which habits were broken: `burst`, `domains`, `language`, `no-health`, `words`.
    pub marks: Vec<String>,
    /// In words.
    pub why: String,
}

/// Feeds that are held.
#[derive(Serialize, ToSchema)]
pub struct HeldFeeds {
    /// The last found first, 1,000 at most.
    pub items: Vec<HeldFeedView>,
}

/// Feeds that are held because they did what they never did.
#[utoipa::path(get, path = "/v1/feeds/held", operation_id = "listHeldFeeds",
    responses((status = 200, description = "The feeds.", body = HeldFeeds)))]
pub async fn held(State(state): State<PortalState>) -> Answer {
    let view = |HeldFeed { feed, url, organization, hold }| HeldFeedView {
        feed: feed.0,
        url,
        organization,
        since: hold.since,
        marks: hold.marks,
        why: hold.why,
    };
    let items = state.store().held_feeds(1000).await?.into_iter().map(view).collect();
    json(StatusCode::OK, &HeldFeeds { items })
}

/// What becomes of a held feed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseBody {
    /// The break was real: what came meanwhile goes on waiting, and the feed's habits are as before. Else it is judged anew,
    /// and what the feed does is its habit.
    #[serde(default)]
    pub keep_held: bool,
    /// Why, for the audit log.
    #[serde(default)]
    pub reason: String,
}

/// What became of a held feed.
#[derive(Serialize, ToSchema)]
pub struct Released {
    /// The feed.
    pub feed: Uuid,
    /// Holds that ended.
    pub holds: u64,
}

/// Ends the hold of a feed.
#[utoipa::path(post, path = "/v1/feeds/{id}/release", operation_id = "releaseFeed",
    params(("id" = String, Path, description = "Its id.")),
    request_body = ReleaseBody,
    responses((status = 200, description = "It is held no longer.", body = Released)))]
pub async fn release(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ReleaseBody>,
) -> Answer {
    let (row, _) = visible_feed(&state, &caller, &id).await?;
    let holds = state.store().release_feed(row.id, body.keep_held).await?;
    let kept = if body.keep_held { "kept" } else { "released" };
    note(&state, &caller, "release-feed", format!("feed/{}", row.id), format!("{kept}: {}", body.reason)).await?;
    json(StatusCode::OK, &Released { feed: row.id.0, holds })
}

/// The way of an item.
#[derive(Serialize, ToSchema)]
pub struct ExplanationView {
    /// The item.
    pub item: Uuid,
    /// Where it stands: `curated`, `held`, `refused`, `hidden`, `withdrawn`.
    pub state: String,
    /// Its title.
    pub title: String,
    /// Its address.
    pub url: Option<String>,
    /// What happened to it, in order of the stages.
    pub steps: Vec<StepView>,
}

/// One step of the way.
#[derive(Serialize, ToSchema)]
pub struct StepView {
    /// Which: `entry`, `feed`, `language`, `kind`, `conditions`, `item`, `story`, `rules`, `retraction`, `decision`, `published`.
    pub step: &'static str,
    /// What came of it, in a few words.
    pub outcome: String,
    /// Why, in words.
    pub why: String,
    /// When, where that is known.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What it rests on, for programs.
    #[schema(value_type = Object)]
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub data: serde_json::Value,
}

/// Why an item is where it is: where it came from, each step's outcome and why, each decision, where it went.
///
/// Members see it of what their organization carries.
#[utoipa::path(get, path = "/v1/items/{id}/explanation", operation_id = "explainItem",
    params(("id" = Uuid, Path, description = "Its id.")),
    responses((status = 200, description = "The way of the item.", body = ExplanationView)))]
pub async fn explanation(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let unknown = || Problem::not_found(format!("there is no item `{id}`"));
    let found = explain::explain(state.store(), id.parse().map_err(|_| unknown())?).await;
    let found = match found {
        Ok(found) => found.ok_or_else(unknown)?,
        Err(explain::ExplainError::Store(error)) => return Err(error.into()),
        Err(explain::ExplainError::Row(error)) => return Err(broken_row(error)),
    };
    if !found.organizations.iter().any(|organization| caller.belongs_to(*organization)) && !caller.is_curator() {
        return Err(Problem::new(
            ProblemKind::Forbidden,
            "the token belongs to an organization that does not carry the item",
        ));
    }
    let steps = found.steps.into_iter().map(|step| StepView {
        step: step.step,
        outcome: step.outcome,
        why: step.why,
        at: step.at,
        data: step.data,
    });
    let view = ExplanationView {
        item: found.item.0,
        state: found.state.to_owned(),
        title: found.title,
        url: found.url,
        steps: steps.collect(),
    };
    json(StatusCode::OK, &view)
}
