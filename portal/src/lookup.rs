//! `/service`: the HL7 Infobutton request as a URL, answered as MedlinePlus Connect answers it.

use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderValue, header},
    response::Response,
};
use carewire_query::lookup::{Answer as KnowledgeResponse, LookupError, LookupRequest, Response as Form};
use carewire_schemas::CuratedV1;
use jiff::Timestamp;

use crate::{
    api::Answer,
    listing::{self, Wanted},
    pages::layout,
    problem::Problem,
    state::PortalState,
};

/// Items of an answer: an info button shows a few.
const SHOWN: usize = 10;
/// Of so many, the newest, those are chosen that suit who reads them.
const LOOKED_AT: usize = 60;

impl From<LookupError> for Problem {
    fn from(error: LookupError) -> Self {
        Self::parameter(error.field, error.message)
    }
}

/// Items for a coded concept of a health record.
///
/// The HL7 Infobutton request (URL-based), answered in the shape of MedlinePlus Connect. A code without an entry takes its nearest
/// parent; codes of drugs, laboratory tests and procedures get a valid empty answer. Parameters that mean nothing here are passed over.
#[utoipa::path(get, path = "/service", operation_id = "lookUp",
    params(("mainSearchCriteria.v.c" = Option<String>, Query, description = "The code. More of them: `mainSearchCriteria.v.c1` …", example = "E11.9"),
        ("mainSearchCriteria.v.cs" = Option<String>, Query, description = "Its system, by OID or name: ICD-10-CM 2.16.840.1.113883.6.90, SNOMED CT 2.16.840.1.113883.6.96, MeSH 2.16.840.1.113883.6.177.", example = "2.16.840.1.113883.6.90"),
        ("mainSearchCriteria.v.dn" = Option<String>, Query, description = "Its name: decides where the code says nothing."),
        ("informationRecipient.languageCode.c" = Option<String>, Query, description = "Language; `en` without it."),
        ("informationRecipient" = Option<String>, Query, description = "`PAT` (default) or `PROV`: who reads the answer."),
        ("age.v.v" = Option<f64>, Query, description = "The patient's age, with `age.v.u` (`a`, `mo`, `wk`, `d`): below 13 years children's items come first."),
        ("ageGroup.v.c" = Option<String>, Query, description = "The same as a MeSH descriptor, such as D002648."),
        ("subTopic.v.c" = Option<String>, Query, description = "A MeSH subheading: Q000628 (therapy), Q000175 (diagnosis), Q000517 (prevention)."),
        ("knowledgeResponseType" = Option<String>, Query, description = "`text/xml` (default), `application/json`, `application/javascript`."),
        ("callback" = Option<String>, Query, description = "Name of the function for `application/javascript`.")),
    responses((status = 200, description = "Atom, JSON or JSONP.", content((String = "application/atom+xml"), (Object = "application/json"), (String = "application/javascript")))))]
pub async fn service(State(state): State<PortalState>, RawQuery(raw): RawQuery) -> Answer {
    let raw = raw.unwrap_or_default();
    let request = LookupRequest::read(url::form_urlencoded::parse(raw.as_bytes()))?;
    let items = found(&state, &request).await?;
    let (base, page) = (state.absolute("/"), page_address(&state, &raw));
    let answer = KnowledgeResponse {
        request: &request,
        items: &items,
        network: state.name(),
        base: &base,
        page: &page,
        now: Timestamp::now(),
    };
    let (body, kind) = match &request.response {
        Form::Xml => (answer.atom(), "application/atom+xml; charset=utf-8"),
        Form::Json => (answer.json().to_string().into_bytes(), "application/json; charset=utf-8"),
        Form::Jsonp(callback) => (answer.jsonp(callback), "application/javascript; charset=utf-8"),
    };
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// The items for a look-up, those that suit best first.
pub(crate) async fn found(state: &PortalState, request: &LookupRequest) -> Result<Vec<CuratedV1>, Problem> {
    let Some(query) = request.query(state.vocabulary()) else { return Ok(Vec::new()) };
    let listed = listing::find_by_index(state, &query, Wanted { limit: LOOKED_AT, ..Wanted::default() }).await?;
    let mut items = layout::read(&listed.rows);
    request.arrange(&mut items);
    items.truncate(SHOWN);
    Ok(items)
}

/// The address of the same look-up as a page: without what says how a program wants it.
fn page_address(state: &PortalState, raw: &str) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    let pairs = url::form_urlencoded::parse(raw.as_bytes());
    out.extend_pairs(pairs.filter(|(name, _)| name != "callback" && name != "knowledgeResponseType"));
    state.absolute(&format!("/application?{}", out.finish()))
}
