//! Organizations: list, one, add, change, standing.

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::StatusCode,
};
use carewire_schemas::{Rights, Slug};
use carewire_store::{NewOrganization, Organization, OrganizationPatch, Standing};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{
    Answer, created, json,
    model::{OrganizationView, Page, RightsName, StandingName},
    next_link, note, visible_organization,
};
use crate::{
    auth::Caller,
    problem::{FieldError, Problem, ProblemKind},
    request::{JsonBody, Params, check, field_error},
    state::PortalState,
};

/// What an organization is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganizationBody {
    /// Its name.
    #[schema(example = "St. Anne Hospital")]
    pub name: String,
    /// Its short name in addresses; made of the name where it is left out.
    #[schema(example = "st-anne")]
    pub slug: Option<String>,
    /// Its site.
    #[schema(example = "https://st-anne.example/")]
    pub site: Option<String>,
    /// Country (ISO 3166-1 alpha-2).
    #[schema(example = "AT")]
    pub country: Option<String>,
    /// What it is: hospital, society …
    pub kind: Option<String>,
    /// How the network stands to it; `applied` where it is left out.
    #[schema(value_type = Option<StandingName>)]
    pub standing: Option<Standing>,
}

/// What is to change of an organization; what is left out stays, `null` empties.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationPatchBody {
    /// Its name.
    pub name: Option<String>,
    /// Its site.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub site: Option<Option<String>>,
    /// Country (ISO 3166-1 alpha-2).
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub country: Option<Option<String>>,
    /// What it is.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub kind: Option<Option<String>>,
    /// What outputs may show of its items.
    #[schema(value_type = Option<RightsName>)]
    pub rights: Option<Rights>,
}

/// Tells `null` from absent (RFC 7396).
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// How the network is to stand to an organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StandingBody {
    /// The new standing.
    #[schema(value_type = StandingName)]
    pub standing: Standing,
    /// Why, for the audit log.
    #[serde(default)]
    pub reason: String,
}

/// Organizations in order of their short names.
///
/// Without a token, or with a member's: the accepted ones. `standing` is for curators.
#[utoipa::path(get, path = "/v1/organizations", operation_id = "listOrganizations",
    params(("standing" = Option<StandingName>, Query, description = "Only with this standing."),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 without it."),
        ("after" = Option<String>, Query, description = "From a `next` address.")),
    responses((status = 200, description = "A page of organizations.", body = Page<OrganizationView>)))]
pub async fn list(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Answer {
    let params = Params::read(query.as_deref(), &["standing", "limit", "after"])?;
    let words = Standing::ALL.iter().map(|standing| (standing.as_str(), *standing)).collect::<Vec<_>>();
    let mut standing = params.choice("standing", &words)?;
    if !caller.is_curator() {
        if standing.is_some_and(|asked| asked != Standing::Accepted) {
            let detail = "only curators see organizations that are not accepted";
            return Err(Problem::new(ProblemKind::Forbidden, detail));
        }
        standing = Some(Standing::Accepted);
    }
    let limit = params.limit()?;
    let mut rows = state.store().organizations(params.get("after"), limit + 1, standing).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|last| next_link(&state, "/v1/organizations", query.as_deref(), last.slug.as_str()));
    let items = rows.into_iter().map(|row| OrganizationView::new(&state, row)).collect();
    json(StatusCode::OK, &Page { items, next })
}

/// One organization.
#[utoipa::path(get, path = "/v1/organizations/{slug}", operation_id = "getOrganization",
    params(("slug" = String, Path, description = "Its short name.")),
    responses((status = 200, description = "The organization.", body = OrganizationView)))]
pub async fn one(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
) -> Answer {
    let row = visible_organization(&state, &caller, &slug).await?;
    json(StatusCode::OK, &OrganizationView::new(&state, row))
}

/// Adds an organization.
#[utoipa::path(post, path = "/v1/organizations", operation_id = "addOrganization",
    request_body = NewOrganizationBody,
    responses((status = 201, description = "The organization as it stands now.", body = OrganizationView),
        (status = 409, description = "The short name is taken.", body = Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<NewOrganizationBody>,
) -> Answer {
    let mut errors = particulars(Some(&body.name), body.site.as_deref(), body.country.as_deref(), body.kind.as_deref());
    let slug = match &body.slug {
        Some(text) => Slug::new(text.clone()).map_err(|error| error.to_string()),
        None => Slug::from_name(&body.name)
            .ok_or_else(|| "cannot be made of this name; give one of 1 to 63 characters a-z, 0-9 and -".to_owned()),
    };
    let slug = match slug {
        Ok(slug) => slug,
        Err(message) => {
            errors.push(field_error("slug", message));
            return check(errors).and_then(|()| Err(Problem::field("slug", "is wrong")));
        }
    };
    check(errors)?;
    let new = NewOrganization {
        slug,
        name: body.name.trim().to_owned(),
        site: body.site,
        country: body.country.map(|code| code.to_ascii_uppercase()),
        kind: body.kind,
        standing: body.standing.unwrap_or(Standing::Applied),
    };
    let row = state.store().add_organization(new).await?;
    note_about(&state, &caller, "add-organization", &row, row.standing.as_str()).await?;
    created(&state, &format!("/v1/organizations/{}", row.slug), &OrganizationView::new(&state, row))
}

/// Changes an organization's particulars. What is left out stays; `null` empties.
#[utoipa::path(patch, path = "/v1/organizations/{slug}", operation_id = "changeOrganization",
    params(("slug" = String, Path, description = "Its short name.")),
    request_body = OrganizationPatchBody,
    responses((status = 200, description = "The organization as it stands now.", body = OrganizationView)))]
pub async fn update(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    JsonBody(body): JsonBody<OrganizationPatchBody>,
) -> Answer {
    let row = visible_organization(&state, &caller, &slug).await?;
    caller.may_write(row.id)?;
    let inner = |field: &'_ Option<Option<String>>| field.clone().flatten();
    let (site, country, kind) = (inner(&body.site), inner(&body.country), inner(&body.kind));
    check(particulars(body.name.as_deref(), site.as_deref(), country.as_deref(), kind.as_deref()))?;
    let patch = OrganizationPatch {
        name: body.name.map(|name| name.trim().to_owned()),
        site: body.site,
        country: body.country.map(|code| code.map(|code| code.to_ascii_uppercase())),
        kind: body.kind,
    };
    let mut row = state.store().update_organization(row.id, patch).await?;
    if let Some(rights) = body.rights.filter(|rights| *rights != row.rights) {
        row = state.store().set_rights(row.id, rights).await?;
    }
    note_about(&state, &caller, "change-organization", &row, "").await?;
    json(StatusCode::OK, &OrganizationView::new(&state, row))
}

/// Accepts, suspends or rejects an organization. What it carries is judged anew.
#[utoipa::path(post, path = "/v1/organizations/{slug}/standing", operation_id = "setStanding",
    params(("slug" = String, Path, description = "Its short name.")),
    request_body = StandingBody,
    responses((status = 200, description = "The organization as it stands now.", body = OrganizationView)))]
pub async fn standing(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    JsonBody(body): JsonBody<StandingBody>,
) -> Answer {
    let row = visible_organization(&state, &caller, &slug).await?;
    let row = state.store().set_standing(row.id, body.standing).await?;
    let detail = format!("{}: {}", body.standing, body.reason);
    note_about(&state, &caller, "set-standing", &row, &detail).await?;
    json(StatusCode::OK, &OrganizationView::new(&state, row))
}

pub(crate) async fn note_about(
    state: &PortalState,
    caller: &Caller,
    action: &str,
    row: &Organization,
    detail: &str,
) -> Answer<()> {
    note(state, caller, action, format!("organization/{}", row.slug), detail.to_owned()).await
}

/// Checks what can be changed of an organization; every field that is wrong is named.
fn particulars(name: Option<&str>, site: Option<&str>, country: Option<&str>, kind: Option<&str>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if name.is_some_and(|name| !(1..=200).contains(&name.trim().chars().count())) {
        errors.push(field_error("name", "must have 1 to 200 characters"));
    }
    if site.is_some_and(|site| !is_web_address(site)) {
        errors.push(field_error("site", "must be an address such as https://example.org/"));
    }
    if country.is_some_and(|code| code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_alphabetic())) {
        errors.push(field_error("country", "must be two letters of ISO 3166-1, such as AT"));
    }
    if kind.is_some_and(|kind| !(1..=60).contains(&kind.trim().chars().count())) {
        errors.push(field_error("kind", "must have 1 to 60 characters, such as hospital"));
    }
    errors
}

/// Whether `text` is an absolute http or https address with a host and without user or password.
pub(crate) fn is_web_address(text: &str) -> bool {
    text.len() <= 2048
        && url::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host().is_some()
                && url.username().is_empty()
                && url.password().is_none()
        })
}
