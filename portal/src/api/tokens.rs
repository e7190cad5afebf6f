//! Bearer tokens, for operators: list, make, revoke. A secret is shown once, when it is made.

use std::collections::HashMap;

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use carewire_schemas::OrganizationId;
use carewire_store::{Role, TokenId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Answer, created, json,
    model::{Page, RoleName, TokenView},
    note, visible_organization,
};
use crate::{
    auth::Caller,
    problem::Problem,
    request::{JsonBody, check, field_error},
    state::PortalState,
};

/// What a token is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTokenBody {
    /// Its name, as it will stand in decisions and the audit log.
    #[schema(example = "maria (curator)")]
    pub name: String,
    /// What it allows.
    #[schema(value_type = RoleName)]
    pub role: Role,
    /// Short name of a member's organization; members only, and needed for them.
    pub organization: Option<String>,
    /// When it ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
}

/// A token just made, with its secret.
#[derive(Serialize, ToSchema)]
pub struct NewToken {
    /// The token.
    #[serde(flatten)]
    pub token: TokenView,
    /// What to send as `Authorization: Bearer …`. It is shown this once; only its hash is kept.
    pub secret: String,
}

/// All tokens, the newest first.
#[utoipa::path(get, path = "/v1/tokens", operation_id = "listTokens",
    responses((status = 200, description = "All tokens.", body = Page<TokenView>)))]
pub async fn list(State(state): State<PortalState>) -> Answer {
    let rows = state.store().tokens().await?;
    let mut slugs: HashMap<OrganizationId, String> = HashMap::new();
    for id in rows.iter().filter_map(|row| row.organization) {
        if let std::collections::hash_map::Entry::Vacant(slot) = slugs.entry(id)
            && let Some(organization) = state.store().organization(id).await?
        {
            slot.insert(organization.slug.to_string());
        }
    }
    let items = rows.into_iter().map(|row| {
        let slug = row.organization.and_then(|id| slugs.get(&id).cloned());
        TokenView::new(row, slug)
    });
    json(StatusCode::OK, &Page { items: items.collect(), next: None })
}

/// Makes a token.
#[utoipa::path(post, path = "/v1/tokens", operation_id = "addToken",
    request_body = NewTokenBody,
    responses((status = 201, description = "The token with its secret.", body = NewToken)))]
pub async fn create(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<NewTokenBody>,
) -> Answer {
    let name = body.name.trim();
    let mut errors = Vec::new();
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        errors.push(field_error("name", "must have 1 to 100 characters"));
    }
    match (body.role, &body.organization) {
        (Role::Member, None) => errors.push(field_error("organization", "a member's token needs one: its short name")),
        (Role::Curator | Role::Operator, Some(_)) => {
            errors.push(field_error("organization", "only a member's token has one; leave it out"));
        }
        _ => {}
    }
    if body.expires.is_some_and(|at| at <= Timestamp::now()) {
        errors.push(field_error("expires", "must be in the future"));
    }
    check(errors)?;
    let organization = match &body.organization {
        None => None,
        Some(slug) => {
            let found = visible_organization(&state, &caller, slug).await;
            Some(found.map_err(|problem| match problem.status() {
                StatusCode::NOT_FOUND => Problem::field("organization", problem.detail),
                _ => problem,
            })?)
        }
    };
    let id = organization.as_ref().map(|found| found.id);
    let (token, secret) = state.store().create_token(name, body.role, id, body.expires).await?;
    note(&state, &caller, "add-token", format!("token/{}", token.id), format!("{name}, {}", body.role)).await?;
    let path = format!("/v1/tokens/{}", token.id);
    let token = TokenView::new(token, organization.map(|found| found.slug.to_string()));
    let mut response = created(&state, &path, &NewToken { token, secret })?;
    let no_store = http::HeaderValue::from_static("no-store");
    response.headers_mut().insert(http::header::CACHE_CONTROL, no_store);
    Ok(response)
}

/// Revokes a token; it is refused from now on.
#[utoipa::path(delete, path = "/v1/tokens/{id}", operation_id = "revokeToken",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 204, description = "It is revoked.")))]
pub async fn revoke(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let id = id.parse::<TokenId>().map_err(|_| Problem::not_found(format!("there is no token `{id}`")))?;
    state.store().revoke_token(id).await?;
    note(&state, &caller, "revoke-token", format!("token/{id}"), String::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}
