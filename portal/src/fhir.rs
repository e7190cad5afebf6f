//! `/fhir`: FHIR R4, reading and searching `DocumentReference`. What goes wrong is an `OperationOutcome`.

use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use carewire_query::{
    Query, Tri,
    fhir::{self, Bundle, FhirError, Handling, SearchRequest},
    public,
};
use carewire_schemas::CuratedV1;
use carewire_store::ItemState;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    api::broken_row,
    listing::{self, Wanted},
    pages::layout,
    problem::Problem,
    state::PortalState,
};

/// What went wrong: a status and an `OperationOutcome`.
pub struct Failure(StatusCode, Value);

impl From<FhirError> for Failure {
    fn from(error: FhirError) -> Self {
        Self(StatusCode::BAD_REQUEST, fhir::outcome(error.code, &error.text))
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let code = match problem.status() {
            StatusCode::SERVICE_UNAVAILABLE => "transient",
            status if status.is_client_error() => "invalid",
            _ => "exception",
        };
        Self(problem.status(), fhir::outcome(code, &problem.detail))
    }
}

impl From<carewire_store::StoreError> for Failure {
    fn from(error: carewire_store::StoreError) -> Self {
        Problem::from(error).into()
    }
}

impl axum::response::IntoResponse for Failure {
    fn into_response(self) -> Response {
        answer(self.0, &self.1)
    }
}

fn answer(status: StatusCode, resource: &Value) -> Response {
    let mut response = Response::new(Body::from(resource.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(fhir::MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The CapabilityStatement: what this server can do.
#[utoipa::path(get, path = "/fhir/metadata", operation_id = "fhirMetadata",
    responses((status = 200, description = "A CapabilityStatement.", body = Object, content_type = "application/fhir+json")))]
pub async fn metadata(State(state): State<PortalState>) -> Response {
    let statement = fhir::capability_statement(&state.absolute("/"), state.name(), state.version(), Timestamp::now());
    answer(StatusCode::OK, &statement)
}

/// Documents by the codes of conditions.
///
/// A Bundle (searchset); follow `next`. Unknown parameters are passed over, and the `self` link shows what was used; with
/// `Prefer: handling=strict` they are errors.
#[utoipa::path(get, path = "/fhir/DocumentReference", operation_id = "fhirSearch",
    params(("category" = Option<String>, Query, description = "Conditions, as `system|code`; what is below is included. `A,B`: either; given twice: both; `category:not`: not.", example = "http://hl7.org/fhir/sid/icd-10-cm|E11.9"),
        ("type" = Option<String>, Query, description = "Kinds of item."),
        ("language" = Option<String>, Query, description = "BCP 47."),
        ("date" = Option<String>, Query, description = "When published: `ge2026-11-01` …"),
        ("_lastUpdated" = Option<String>, Query, description = "When last changed: `ge2026-11-01` …"),
        ("_content" = Option<String>, Query, description = "Words that must all occur."),
        ("_id" = Option<String>, Query, description = "One document."),
        ("_count" = Option<u32>, Query, description = "1 to 100, 20 without it.")),
    responses((status = 200, description = "A Bundle.", body = Object, content_type = "application/fhir+json"),
        (status = 400, description = "An OperationOutcome.", body = Object, content_type = "application/fhir+json")))]
pub async fn search(
    State(state): State<PortalState>,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    find(&state, &headers, raw.as_deref().unwrap_or_default()).await
}

/// The same search with its parameters in a form.
#[utoipa::path(post, path = "/fhir/DocumentReference/_search", operation_id = "fhirSearchByForm",
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A Bundle.", body = Object, content_type = "application/fhir+json"),
        (status = 400, description = "An OperationOutcome.", body = Object, content_type = "application/fhir+json")))]
pub async fn search_by_form(
    State(state): State<PortalState>,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
    body: String,
) -> Result<Response, Failure> {
    let both = [raw.as_deref().unwrap_or_default(), &body];
    let both = both.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    find(&state, &headers, &both).await
}

async fn find(state: &PortalState, headers: &HeaderMap, raw: &str) -> Result<Response, Failure> {
    let prefer = headers.get("prefer").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let handling = if prefer.contains("handling=strict") { Handling::Strict } else { Handling::Lenient };
    let vocabulary = state.vocabulary();
    let request = SearchRequest::read(url::form_urlencoded::parse(raw.as_bytes()), handling, vocabulary)?;
    let base = state.absolute("/");
    let (mut items, mut total, mut next) = (Vec::new(), 0, None);
    match (&request.query, request.id) {
        (None, _) => {}
        (Some(query), Some(_)) => {
            items.extend(one(state, &request, query).await?);
            total = u64::try_from(items.len()).unwrap_or_default();
        }
        (Some(query), None) => {
            let limit = if request.count_only { 0 } else { request.count };
            let updated = (request.updated.from, request.updated.to);
            let wanted = Wanted { after: request.after, limit, updated, facets: false };
            let listed = listing::find_by_index(state, query, wanted).await?;
            items = layout::read(&listed.rows);
            total = listed.total.unwrap_or_default();
            let cursor = listed.next.and_then(|next| next.parse().ok());
            next = cursor.map(|cursor| request.address(&base, Some(cursor)));
        }
    }
    let own = request.address(&base, request.after);
    let bundle = Bundle {
        base: &base,
        items: &items,
        total: Some(total),
        own: &own,
        next: next.as_deref(),
        count_only: request.count_only,
        now: Timestamp::now(),
    };
    Ok(answer(StatusCode::OK, &bundle.json(vocabulary)))
}

/// The one document that was asked for, where it answers the rest of the question too.
async fn one(state: &PortalState, request: &SearchRequest, query: &Query) -> Result<Option<CuratedV1>, Failure> {
    let Some(id) = request.id else { return Ok(None) };
    let Some(row) = state.store().item(id).await?.filter(|row| row.state == ItemState::Curated) else {
        return Ok(None);
    };
    let item = public::content(&row).map_err(broken_row)?;
    let at = item.updated.as_millisecond();
    let within = request.updated.from.is_none_or(|from| at >= from) && request.updated.to.is_none_or(|to| at < to);
    let answers = query.matches(&public::fields(&item), state.vocabulary()) != Tri::No
        && query.matches_text(&item, state.vocabulary());
    Ok((within && answers).then_some(item))
}

/// One document. 410 where it was withdrawn.
#[utoipa::path(get, path = "/fhir/DocumentReference/{id}", operation_id = "fhirRead",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "A DocumentReference.", body = Object, content_type = "application/fhir+json"),
        (status = 404, description = "An OperationOutcome: there is none.", body = Object, content_type = "application/fhir+json"),
        (status = 410, description = "An OperationOutcome: withdrawn, and why.", body = Object, content_type = "application/fhir+json")))]
pub async fn read(State(state): State<PortalState>, Path(id): Path<String>) -> Result<Response, Failure> {
    let unknown = || Failure(StatusCode::NOT_FOUND, fhir::outcome("not-found", "there is no such document"));
    let row = state.store().item(id.parse().map_err(|_| unknown())?).await?.ok_or_else(unknown)?;
    if row.state != ItemState::Curated {
        let form = public::withdrawal(&row).map_err(broken_row)?.ok_or_else(unknown)?;
        let reason = form.withdrawn.map(|withdrawn| withdrawn.reason).unwrap_or_default();
        return Err(Failure(StatusCode::GONE, fhir::outcome("deleted", &format!("withdrawn: {reason}"))));
    }
    let item = public::content(&row).map_err(broken_row)?;
    let resource = fhir::document_reference(&item, &state.absolute("/"), state.vocabulary());
    let mut response = answer(StatusCode::OK, &resource);
    if let Ok(tag) = HeaderValue::from_str(&format!("W/\"{}\"", item.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}
