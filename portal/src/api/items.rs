//! Items: the list by the query language, one, and for curators those that wait.

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::StatusCode,
};
use carewire_query::{Facet, FacetKind, public, snippet::Marker};
use carewire_schemas::{ConditionCode, ConditionTag, CuratedV1, ItemId, ItemKind, ReadingLevel, Source};
use carewire_store::{ItemRow, ItemState};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Answer, broken_row, json, json_bytes, next_link};
use crate::{
    auth::Caller,
    listing::{self, Listed},
    openapi::{ConditionTagSchema, ItemSchema, SourceSchema},
    problem::{Problem, ProblemKind},
    request::Params,
    state::PortalState,
};

/// A page of items.
#[derive(ToSchema)]
pub struct ItemPage {
    /// The items; each has the members of `CuratedV1`, and `first` and `seq`.
    #[schema(value_type = Vec<ItemSchema>)]
    pub items: Vec<()>,
    /// How many items answer the query, exact to 10,000; none where nobody counted (no filters).
    pub total: Option<u64>,
    /// The address of the next page; none on the last.
    pub next: Option<String>,
    /// With `facets=true`: the values of all answers.
    pub facets: Option<FacetValues>,
    /// Where the words find (almost) nothing: what was probably meant, as another `q`.
    pub did_you_mean: Option<String>,
}

/// How many answers have which value, the most frequent first, at most 12 of each.
#[derive(Serialize, ToSchema)]
pub struct FacetValues {
    /// Conditions that they are about, what is below included.
    pub condition: Vec<FacetValue>,
    /// Organizations that carry them.
    pub organization: Vec<FacetValue>,
    /// Kinds.
    pub kind: Vec<FacetValue>,
    /// Primary languages.
    pub language: Vec<FacetValue>,
    /// Reading levels.
    pub level: Vec<FacetValue>,
}

/// A value and how many answers have it.
#[derive(Serialize, ToSchema)]
pub struct FacetValue {
    /// As the parameter of the same name takes it.
    pub value: String,
    /// As people say it.
    pub label: String,
    /// How many answers have it: exact to 10,000.
    pub count: u64,
    /// Whether there are more than that.
    pub more: bool,
}

impl FacetValues {
    fn new(facets: carewire_query::Facets, state: &PortalState) -> Self {
        let mut all = FacetKind::ALL.into_iter().zip(facets).map(|(kind, values)| {
            let one = |facet: Facet| FacetValue {
                label: facet_label(state, kind, &facet.value),
                value: facet.value,
                count: facet.count,
                more: facet.more,
            };
            values.into_iter().map(one).collect::<Vec<_>>()
        });
        let mut next = || all.next().unwrap_or_default();
        Self { condition: next(), organization: next(), kind: next(), language: next(), level: next() }
    }
}

/// A facet's value as people say it.
pub(crate) fn facet_label(state: &PortalState, kind: FacetKind, value: &str) -> String {
    match kind {
        FacetKind::Condition => {
            let code = ConditionCode(value.to_owned());
            state.vocabulary().get(&code).map_or_else(|| value.to_owned(), |found| found.label(None).into_owned())
        }
        FacetKind::Kind => ItemKind::named(value).map_or_else(|| value.to_owned(), |kind| kind.words().to_owned()),
        FacetKind::Level => {
            ReadingLevel::named(value).map_or_else(|| value.to_owned(), |level| level.words().to_owned())
        }
        FacetKind::Language => crate::pages::layout::language_name(value).to_owned(),
        FacetKind::Organization => value.to_owned(),
    }
}

/// What is wanted beside the items, and the rest of the query string.
struct Beside {
    highlight: bool,
    facets: bool,
    rest: String,
}

impl Beside {
    fn read(raw: &str) -> Answer<Self> {
        let mut beside = Self { highlight: false, facets: false, rest: String::new() };
        let mut rest = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
            let flag = match name.as_ref() {
                "highlight" => &mut beside.highlight,
                "facets" => &mut beside.facets,
                _ => {
                    rest.append_pair(&name, &value);
                    continue;
                }
            };
            *flag = match value.as_ref() {
                "true" | "1" => true,
                "false" | "0" | "" => false,
                _ => return Err(Problem::parameter(name, "must be true or false")),
            };
        }
        beside.rest = rest.finish();
        Ok(beside)
    }
}

/// An item as a curator sees it.
#[derive(Serialize, ToSchema)]
pub struct Review {
    /// The item.
    pub id: Uuid,
    /// The version to give as `expected_version` in a decision.
    pub item_version: i64,
    /// Where it stands: `curated`, `held`, `refused`, `hidden` or `withdrawn`.
    pub state: &'static str,
    /// The rule that says so.
    pub rule: String,
    /// Why, in words.
    pub reason: String,
    /// Who carries it, the origin first.
    #[schema(value_type = Vec<SourceSchema>)]
    pub sources: Vec<Source>,
    /// What the tagger found, negated conditions included.
    #[schema(value_type = Vec<ConditionTagSchema>)]
    pub tags: Vec<ConditionTag>,
    /// What curators decided and holds.
    #[schema(value_type = Object)]
    pub decided: public::Decided,
    /// The public form, as it is or as it would be.
    #[schema(value_type = ItemSchema)]
    pub content: Box<RawValue>,
}

impl Review {
    fn new(row: ItemRow) -> Answer<Self> {
        let (meta, decided) = (public::meta(&row).map_err(broken_row)?, public::decided(&row).map_err(broken_row)?);
        let tags = match meta.tags {
            Some(tags) => tags,
            None => public::content(&row).map_err(broken_row)?.conditions,
        };
        Ok(Self {
            id: row.id.0,
            item_version: row.version,
            state: row.state.as_str(),
            rule: row.rule,
            reason: meta.outcome.reason,
            sources: meta.sources,
            tags,
            decided,
            content: RawValue::from_string(row.content).map_err(broken_row)?,
        })
    }
}

/// A page of items as curators see them.
#[derive(Serialize, ToSchema)]
pub struct ReviewPage {
    /// The items.
    pub items: Vec<Review>,
    /// The address of the next page; none on the last.
    pub next: Option<String>,
}

/// Items that answer a query, the newest in the network first, or the best match first where words are given.
///
/// Curators ask with `state=held` for what waits for them, the oldest first, as `ReviewPage`; `state=held` goes with
/// `limit` and `after` only.
#[utoipa::path(get, path = "/v1/items", operation_id = "listItems",
    params(("condition" = Option<String>, Query, description = "Codes of any system (`D003924`, `icd10cm:E11`, `doid:9352`), with what is below them. `A,B`: either; given twice: both; `-A`: not.", example = "D003924"),
        ("topic" = Option<String>, Query, description = "As `condition`, for health topics."),
        ("mentions" = Option<String>, Query, description = "`include`: also items that only mention the condition."),
        ("about_only" = Option<bool>, Query, description = "`false` says the same as `mentions=include`."),
        ("q" = Option<String>, Query, description = "Words that must all occur; `\"a phrase\"`; `-word`: not."),
        ("organization" = Option<String>, Query, description = "Short names of organizations; several: either."),
        ("kind" = Option<String>, Query, description = "`article`, `news`, `patient-story`, `video`, `audio`, `research-article`, `press-release`, `guideline`, `event`, `job`, `recall`, `outbreak`, `call-for-participants`, `support-group`; several: either. Without it, questions by condition leave out `job` and `event`."),
        ("level" = Option<String>, Query, description = "Reading level: `easy`, `average`, `hard`; several: either."),
        ("max_grade" = Option<f32>, Query, description = "Most years of school that the text asks for (English, Spanish, German)."),
        ("evidence" = Option<String>, Query, description = "Design of the study reported on: `systematic-review`, `randomized-trial`, `observational`, `case-report`, `animal-or-cell`, `guideline`, `expert-opinion`; several: either."),
        ("aspect" = Option<String>, Query, description = "`prevention`, `symptoms`, `tests`, `treatment`, `living-with`, `caring-for`, `research`, `organization-news`; several: either."),
        ("audience" = Option<String>, Query, description = "`patient`, `carer`, `child`, `professional`; several: either."),
        ("study" = Option<String>, Query, description = "A registration (`NCT01234567`), DOI or `pmid:…`: items that speak of that study; given twice: either."),
        ("language" = Option<String>, Query, description = "BCP 47; several: either."),
        ("since" = Option<String>, Query, description = "Published at or after: a date or RFC 3339 instant."),
        ("until" = Option<String>, Query, description = "Published up to this date, or before this instant."),
        ("duration" = Option<String>, Query, description = "Seconds of a video or sound, as `MIN-MAX`."),
        ("min_duration" = Option<u32>, Query, description = "Shortest, in seconds."),
        ("max_duration" = Option<u32>, Query, description = "Longest, in seconds."),
        ("sort" = Option<String>, Query, description = "`newest` or `relevance` (with `q`)."),
        ("type" = Option<String>, Query, description = "`item`: what the network carries."),
        ("highlight" = Option<bool>, Query, description = "`true`, with `q`: each item has `highlight` with `title` and `text`, HTML in which nothing but `<mark>` is markup."),
        ("facets" = Option<bool>, Query, description = "`true`: how many answers have which condition, organization, kind, language, level."),
        ("state" = Option<String>, Query, description = "`held`: what waits for a curator. Curators only."),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 without it."),
        ("after" = Option<String>, Query, description = "From a `next` address.")),
    responses((status = 200, description = "A page of items.", body = ItemPage)))]
pub async fn list(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let raw = raw.as_deref();
    if url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).any(|(name, _)| name == "state") {
        return held(&state, &caller, raw).await;
    }
    let beside = Beside::read(raw.unwrap_or_default())?;
    let (query, paging) = listing::read(Some(&beside.rest), state.vocabulary())?;
    let first_page = paging.after.is_none();
    let Listed { rows, total, next, facets } = listing::find_with(&state, &query, paging, beside.facets).await?;
    let next = next.map(|after| next_link(&state, "/v1/items", raw, &after));
    let marker = query.q.as_ref().filter(|_| beside.highlight).map(|q| Marker::new(q, state.vocabulary()));
    let mut out = page_json(&rows, total, next.as_deref(), marker.as_ref())?;
    if let Some(facets) = facets {
        out.extend_from_slice(b",\"facets\":");
        serde_json::to_writer(&mut out, &FacetValues::new(facets, &state)).map_err(broken_row)?;
    }
    if first_page && let Some(meant) = listing::did_you_mean(&state, &query, total.unwrap_or(u64::MAX)).await? {
        out.extend_from_slice(b",\"did_you_mean\":");
        serde_json::to_writer(&mut out, &meant).map_err(broken_row)?;
    }
    out.push(b'}');
    Ok(json_bytes(StatusCode::OK, out))
}

/// The page but for its last brace, spliced of stored JSON: without marks nothing of the contents is read or written anew.
fn page_json(
    rows: &[listing::Row],
    total: Option<u64>,
    next: Option<&str>,
    marker: Option<&Marker>,
) -> Answer<Vec<u8>> {
    let size: usize = rows.iter().map(|row| row.content.len() + 64).sum();
    let mut out = Vec::with_capacity(size + 256);
    out.extend_from_slice(b"{\"items\":[");
    for (position, row) in rows.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        splice(&mut out, row, marker)?;
    }
    out.extend_from_slice(b"],\"total\":");
    serde_json::to_writer(&mut out, &total).map_err(broken_row)?;
    out.extend_from_slice(b",\"next\":");
    serde_json::to_writer(&mut out, &next).map_err(broken_row)?;
    Ok(out)
}

/// The stored object with `first` and `seq`, and `highlight` where there is a marker, before its own members.
fn splice(out: &mut Vec<u8>, row: &listing::Row, marker: Option<&Marker>) -> Answer<()> {
    let Some(members) = row.content.strip_prefix('{').filter(|rest| rest.len() > 1) else {
        return Err(broken_row(format!("item {}: the content is no JSON object", row.id)));
    };
    let head = format!("{{\"first\":{},\"seq\":{},", row.first, row.seq);
    out.extend_from_slice(head.as_bytes());
    if let Some(marker) = marker {
        let item: CuratedV1 = serde_json::from_str(&row.content).map_err(broken_row)?;
        let marked = serde_json::json!({"title": marker.title(&item).html(), "text": marker.text(&item).html()});
        out.extend_from_slice(format!("\"highlight\":{marked},").as_bytes());
    }
    out.extend_from_slice(members.as_bytes());
    Ok(())
}

async fn held(state: &PortalState, caller: &Caller, raw: Option<&str>) -> Answer {
    let params = Params::read(raw, &["state", "limit", "after"])?;
    params.choice("state", &[("held", ItemState::Held)])?;
    if !caller.is_curator() {
        let kind = if caller.0.is_some() { ProblemKind::Forbidden } else { ProblemKind::Unauthorized };
        return Err(Problem::new(kind, "only curators see what waits for a decision"));
    }
    let limit = params.limit()?;
    let after = params.get("after").map(queue_place).transpose()?;
    let mut rows = state.store().queue(after, limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|last| next_link(state, "/v1/items", raw, &format!("{}.{}", last.published, last.id)));
    let items = rows.into_iter().map(Review::new).collect::<Answer<Vec<_>>>()?;
    json(StatusCode::OK, &ReviewPage { items, next })
}

/// A place in the queue: milliseconds and id, joined by a dot.
fn queue_place(text: &str) -> Answer<(i64, ItemId)> {
    text.split_once('.')
        .and_then(|(published, id)| Some((published.parse().ok()?, id.parse().ok()?)))
        .ok_or_else(|| Problem::parameter("after", "must be taken from a `next` address"))
}

/// One item. One that was withdrawn answers 410 and says why; one that was never public, 404.
///
/// Curators ask with `view=review` for an item in any state, as `Review`.
#[utoipa::path(get, path = "/v1/items/{id}", operation_id = "getItem",
    params(("id" = Uuid, Path, description = "Its id."),
        ("view" = Option<String>, Query, description = "`review`: as curators see it. Curators only.")),
    responses((status = 200, description = "The item; with `view=review` a `Review`.", body = ItemSchema),
        (status = 410, description = "It was withdrawn; `withdrawn` says when and why.", body = Problem, content_type = "application/problem+json")))]
pub async fn one(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let params = Params::read(raw.as_deref(), &["view"])?;
    let review = params.choice("view", &[("review", ())])?.is_some();
    if review && !caller.is_curator() {
        let kind = if caller.0.is_some() { ProblemKind::Forbidden } else { ProblemKind::Unauthorized };
        return Err(Problem::new(kind, "`view=review` is for curators"));
    }
    let unknown = || Problem::not_found(format!("there is no item `{id}`"));
    let row = state.store().item(id.parse().map_err(|_| unknown())?).await?.ok_or_else(unknown)?;
    if review {
        return json(StatusCode::OK, &Review::new(row)?);
    }
    if let Some(row) = listing::Row::of(&row) {
        let mut out = Vec::with_capacity(row.content.len() + 64);
        splice(&mut out, &row, None)?;
        return Ok(json_bytes(StatusCode::OK, out));
    }
    match public::withdrawal(&row).map_err(broken_row)? {
        Some(form) => Err(withdrawn(&form, &row)?),
        None => Err(unknown()),
    }
}

fn withdrawn(form: &carewire_schemas::CuratedV1, row: &ItemRow) -> Answer<Problem> {
    let reason = form.withdrawn.as_ref().map_or("", |withdrawal| withdrawal.reason.as_str());
    Ok(Problem::new(ProblemKind::Withdrawn, reason)
        .with("item", row.id.to_string())
        .with("seq", row.seq)
        .with("withdrawn", serde_json::to_value(&form.withdrawn).map_err(broken_row)?))
}
