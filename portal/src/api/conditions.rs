//! Conditions and topics: search by the beginning of a name, and one by a code of any system.

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
};
use carewire_conditions::{Condition, NameKind};
use carewire_query::Query;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, json};
use crate::{listing, problem::Problem, request::Params, state::PortalState};

/// A condition by code and name.
#[derive(Serialize, ToSchema)]
pub struct ConditionRef {
    /// Its code in the network.
    #[schema(example = "D003924")]
    pub code: String,
    /// Its preferred name in its source ("Diabetes Mellitus, Type 2").
    pub name: String,
    /// Its plain name for readers ("Type 2 diabetes").
    pub label: String,
}

impl ConditionRef {
    fn new(condition: Condition<'_>) -> Self {
        Self {
            code: condition.code().to_string(),
            name: condition.name().to_owned(),
            label: condition.label(None).into_owned(),
        }
    }
}

/// A name that begins with what was asked for.
#[derive(Serialize, ToSchema)]
pub struct ConditionHit {
    /// Code of the condition.
    pub code: String,
    /// Its preferred name in its source ("Diabetes Mellitus, Type 2").
    pub name: String,
    /// Its plain name for readers ("Type 2 diabetes").
    pub label: String,
    /// The name found.
    pub matched: String,
}

/// The conditions found.
#[derive(Serialize, ToSchema)]
pub struct ConditionHits {
    /// Lay terms first.
    pub items: Vec<ConditionHit>,
}

/// A name of a condition.
#[derive(Serialize, ToSchema)]
pub struct ConditionName {
    /// As it is shown.
    pub text: String,
    /// `preferred`, `lay`, `synonym` or `proxy`: a treatment, test or pathogen that stands for it.
    #[schema(value_type = String)]
    pub kind: NameKind,
    /// Language (BCP 47).
    pub language: String,
}

/// A code in another system.
#[derive(Serialize, ToSchema)]
pub struct CrossReference {
    /// The system: `icd10cm`, `snomedct`, `umls`, `doid` …
    pub system: String,
    /// The code there.
    pub code: String,
}

/// A condition or topic.
#[derive(Serialize, ToSchema)]
pub struct ConditionView {
    /// Its code in the network.
    pub code: String,
    /// Its preferred name in its source ("Diabetes Mellitus, Type 2").
    pub name: String,
    /// Its plain name for readers ("Type 2 diabetes").
    pub label: String,
    /// Whether it is a health topic rather than a condition.
    pub topic: bool,
    /// All its names, the preferred one first.
    pub names: Vec<ConditionName>,
    /// Directly above.
    pub parents: Vec<ConditionRef>,
    /// Directly below.
    pub children: Vec<ConditionRef>,
    /// Codes in other systems.
    pub xrefs: Vec<CrossReference>,
    /// MeSH tree numbers.
    pub tree_numbers: Vec<String>,
    /// Items about it or what is below it, exact to 10,000.
    pub about: u64,
    /// Items about it, or naming it in passing, exact to 10,000.
    pub mentioned: u64,
    /// Its page.
    pub page: String,
    /// The Atom feed of items about it.
    pub feed: String,
}

/// Conditions and topics by the beginning of any of their names.
#[utoipa::path(get, path = "/v1/conditions", operation_id = "searchConditions",
    params(("name" = String, Query, description = "The beginning of a name, lay names included; case and accents do not matter.", example = "sugar dia"),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 without it.")),
    responses((status = 200, description = "The conditions found.", body = ConditionHits)))]
pub async fn search(State(state): State<PortalState>, RawQuery(query): RawQuery) -> Answer {
    let params = Params::read(query.as_deref(), &["name", "limit"])?;
    let name = params.get("name").map(str::trim).unwrap_or_default();
    if name.is_empty() || name.len() > 200 {
        return Err(Problem::parameter("name", "give the beginning of a condition's name, at most 200 bytes"));
    }
    let hits = state.vocabulary().find_names(name, params.limit()?);
    let items = hits.into_iter().map(|hit| ConditionHit {
        code: hit.code.to_string(),
        name: hit.preferred,
        label: hit.label,
        matched: hit.name,
    });
    json(StatusCode::OK, &ConditionHits { items: items.collect() })
}

/// One condition, by a code of any system.
///
/// A code without an entry of its own takes its nearest parent: `icd10cm:E11.9` answers `D003924`.
#[utoipa::path(get, path = "/v1/conditions/{code}", operation_id = "getCondition",
    params(("code" = String, Path, description = "`D003924`, `icd10cm:E11`, `doid:9352`, `snomedct:…`, `umls:…`, `omim:…`", example = "D003924")),
    responses((status = 200, description = "The condition.", body = ConditionView)))]
pub async fn one(State(state): State<PortalState>, Path(text): Path<String>) -> Answer {
    let vocabulary = state.vocabulary();
    let unknown = || Problem::not_found("no condition has this code; give one as D003924, icd10cm:E11 or doid:9352");
    let code = vocabulary.resolve(&text).ok_or_else(unknown)?;
    let condition = vocabulary.get(&code).ok_or_else(unknown)?;
    let about = listing::count(&state, Query::about(code.clone())).await?;
    let mentioned = listing::count(&state, Query { about_only: false, ..Query::about(code.clone()) }).await?;
    let names = condition.names().map(|name| ConditionName {
        text: name.text.to_owned(),
        kind: name.kind,
        language: name.language.to_owned(),
    });
    let xrefs =
        condition.xrefs().map(|(system, code)| CrossReference { system: system.to_owned(), code: code.to_owned() });
    let view = ConditionView {
        code: code.to_string(),
        name: condition.name().to_owned(),
        label: condition.label(None).into_owned(),
        topic: condition.topic(),
        names: names.collect(),
        parents: condition.parents().map(ConditionRef::new).collect(),
        children: condition.children().map(ConditionRef::new).collect(),
        xrefs: xrefs.collect(),
        tree_numbers: condition.tree_numbers().map(str::to_owned).collect(),
        about,
        mentioned,
        page: state.absolute(&format!("/conditions/{code}")),
        feed: state.absolute(&format!("/feeds/conditions/{code}.atom")),
    };
    json(StatusCode::OK, &view)
}
