//! What the network would read of an address, before it is registered.

use axum::{Extension, extract::State, http::StatusCode};
use carewire_fetch::FetchError;
use carewire_visit::{Preview, PreviewEntry, preview};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, checks::visited, feeds::feed_address, json, note};
use crate::{auth::Caller, problem::Problem, request::JsonBody, state::PortalState};

/// What is to be previewed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPreviewBody {
    /// Address of a feed or a site map; it need not be registered.
    #[schema(example = "https://st-anne.example/sitemap.xml")]
    pub url: String,
}

/// What would be read of an address.
#[derive(Serialize, ToSchema)]
#[schema(as = Preview)]
pub struct PreviewView {
    /// The address that was asked for.
    pub url: String,
    /// The address that answered, after redirects.
    pub answered: Option<String>,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// What it is: a feed's format such as `RSS 2.0`, or `site map`; none where it is neither.
    pub format: Option<String>,
    /// The feed's title.
    pub title: Option<String>,
    /// Entries of the feed, or pages of the map, in all.
    pub of: usize,
    /// The last of them, as the entries that they would be: 10 of a feed, 5 of a site map.
    pub entries: Vec<PreviewEntryView>,
    /// Pages of the map that would be no entries.
    pub passed_over: Vec<PassedOverView>,
}

/// An entry as it would be.
#[derive(Serialize, ToSchema)]
#[schema(as = PreviewEntry)]
pub struct PreviewEntryView {
    /// Plain title.
    pub title: Option<String>,
    /// Whether the title was made from the text.
    pub title_made: bool,
    /// Address.
    pub url: Option<String>,
    /// When it was published.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published: Option<Timestamp>,
    /// When it was last changed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated: Option<Timestamp>,
    /// When its content was last reviewed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reviewed: Option<Timestamp>,
    /// When it is to be reviewed again.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_review: Option<Timestamp>,
    /// Language as stated (BCP 47).
    pub language: Option<String>,
    /// Whether there is a text beyond the title.
    pub text: bool,
}

/// A page that would be no entry.
#[derive(Serialize, ToSchema)]
#[schema(as = PassedOver)]
pub struct PassedOverView {
    /// Its address.
    pub url: String,
    /// Why.
    pub reason: String,
}

impl From<PreviewEntry> for PreviewEntryView {
    fn from(entry: PreviewEntry) -> Self {
        let PreviewEntry { title, title_made, url, published, updated, reviewed, next_review, language, text } = entry;
        Self { title, title_made, url, published, updated, reviewed, next_review, language, text }
    }
}

impl PreviewView {
    fn new(url: String, found: Result<Preview, FetchError>) -> Self {
        let empty = Self {
            url,
            answered: None,
            status: None,
            error: None,
            format: None,
            title: None,
            of: 0,
            entries: Vec::new(),
            passed_over: Vec::new(),
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => return Self { error: Some(error.to_string()), ..empty },
        };
        let passed = found.passed_over.into_iter().map(|one| PassedOverView { url: one.url, reason: one.reason });
        Self {
            answered: Some(found.url.into()),
            status: Some(found.status),
            format: found.format,
            title: found.title,
            of: found.of,
            entries: found.entries.into_iter().map(PreviewEntryView::from).collect(),
            passed_over: passed.collect(),
            ..empty
        }
    }
}

/// Shows what would be read of a feed or a site map, without registering it.
///
/// Of a site map the newest pages are asked for, within its robots.txt: what each says of itself in JSON-LD, OpenGraph and HTML
/// is the entry that it would be. The host is asked by nobody else meanwhile.
#[utoipa::path(post, path = "/v1/previews", operation_id = "previewFeed",
    request_body = NewPreviewBody,
    responses((status = 200, description = "What would be read.", body = PreviewView),
        (status = 503, description = "The host is being asked already; try again.", body = Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<NewPreviewBody>,
) -> Answer {
    let (url, _) = feed_address(&body.url)?;
    note(&state, &caller, "preview-feed", "preview".to_owned(), url.to_string()).await?;
    let (asked, client) = (url.to_string(), state.client().clone());
    let found = visited(&state, &url.clone(), move |gate| async move { preview(&client, &*gate, &url).await }).await?;
    let found = match found {
        Err(FetchError::Gate(error)) => return Err(error.into()),
        found => found,
    };
    json(StatusCode::OK, &PreviewView::new(asked, found))
}
