//! A preflight of a feed: what is wrong with it, for its owner.

use std::{sync::Arc, time::Duration};

use axum::{Extension, extract::State, http::StatusCode};
use carewire_feeds::lint::{Finding, Severity};
use carewire_fetch::GateError;
use carewire_visit::{Check, LeaseGate, check};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::{Answer, feeds::feed_address, json, note};
use crate::{
    auth::Caller,
    problem::{Problem, ProblemKind},
    request::JsonBody,
    state::PortalState,
};

/// How long a check waits for the host's lease.
const PATIENCE: Duration = Duration::from_secs(5);
/// And how long it may take in all.
const LIMIT: Duration = Duration::from_secs(60);

/// What is to be checked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCheckBody {
    /// Address of a feed; it need not be registered.
    #[schema(example = "https://st-anne.example/news/feed.xml")]
    pub url: String,
}

/// What a check found.
#[derive(Serialize, ToSchema)]
pub struct CheckView {
    /// The address that was checked.
    pub url: String,
    /// The address that answered, after redirects.
    pub answered: Option<String>,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// Whether there is no finding of severity `error`.
    pub ok: bool,
    /// What the feed is, where it is one.
    pub feed: Option<FeedSummary>,
    /// What is wrong, the most severe first.
    pub findings: Vec<FindingView>,
    /// Addresses of feeds that the page advertises, where it is a page and no feed.
    pub advertised: Vec<String>,
}

/// A feed in a few words.
#[derive(Serialize, ToSchema)]
pub struct FeedSummary {
    /// Format, such as `RSS 2.0`.
    pub format: String,
    /// Encoding.
    pub encoding: String,
    /// Title.
    pub title: Option<String>,
    /// Language as stated (BCP 47).
    pub language: Option<String>,
    /// How many entries.
    pub entries: usize,
    /// The newest date of an entry.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub newest: Option<Timestamp>,
    /// The first WebSub hub.
    pub hub: Option<String>,
    /// Address of the licence.
    pub licence: Option<String>,
}

/// How much a finding matters.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum SeverityName {
    /// Readers lose content, or get none.
    Error,
    /// Content comes late, wrong, or at a cost.
    Warning,
    /// It could be better.
    Note,
}

/// One thing that is wrong.
#[derive(Serialize, ToSchema)]
pub struct FindingView {
    /// Stable name.
    #[schema(example = "no-validators")]
    pub code: &'static str,
    /// How much it matters.
    #[schema(value_type = SeverityName)]
    pub severity: Severity,
    /// What is wrong.
    pub title: &'static str,
    /// What was found here.
    pub detail: String,
    /// How often.
    pub count: u32,
    /// The first places.
    pub places: Vec<String>,
    /// What it means for readers.
    pub effect: &'static str,
    /// How to mend it.
    pub mend: &'static str,
    /// Where it is laid down.
    #[schema(example = "RFC 9110, 8.8")]
    pub spec: &'static str,
    /// That document on the web.
    pub link: &'static str,
}

impl From<Finding> for FindingView {
    fn from(found: Finding) -> Self {
        let Finding { rule, detail, count, places } = found;
        Self {
            code: rule.code,
            severity: rule.severity,
            title: rule.title,
            detail,
            count,
            places,
            effect: rule.effect,
            mend: rule.mend,
            spec: rule.spec,
            link: rule.link,
        }
    }
}

impl CheckView {
    fn new(url: String, check: Check) -> Self {
        Self {
            url,
            answered: check.answered.map(String::from),
            status: check.status,
            ok: check.ok,
            feed: check.feed.map(|feed| FeedSummary {
                format: feed.format,
                encoding: feed.encoding,
                title: feed.title,
                language: feed.language,
                entries: feed.entries,
                newest: feed.newest,
                hub: feed.hub,
                licence: feed.licence,
            }),
            findings: check.findings.into_iter().map(FindingView::from).collect(),
            advertised: check.advertised.into_iter().map(|feed| feed.url.into()).collect(),
        }
    }
}

/// Looks at a feed as a linter does, without registering it.
///
/// The feed is asked for as a poll asks, and once more with the validators that came. The host is asked by nobody else
/// meanwhile. A server that cannot be reached is a finding. What can be found stands in `docs/checks.md`.
#[utoipa::path(post, path = "/v1/checks", operation_id = "checkFeed",
    request_body = NewCheckBody,
    responses((status = 200, description = "What was found.", body = CheckView),
        (status = 503, description = "The host is being asked already; try again.", body = Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<NewCheckBody>,
) -> Answer {
    let (url, _) = feed_address(&body.url)?;
    note(&state, &caller, "check-feed", "check".to_owned(), url.to_string()).await?;
    let asked = url.to_string();
    let client = state.client().clone();
    let found = visited(&state, &url.clone(), move |gate| async move { check(&client, &*gate, &url).await }).await??;
    json(StatusCode::OK, &CheckView::new(asked, found))
}

fn busy(detail: &str) -> Problem {
    Problem::new(ProblemKind::Busy, detail)
}

impl From<GateError> for Problem {
    fn from(error: GateError) -> Self {
        if let GateError::Failed { .. } = error {
            tracing::warn!(%error, "the host's lease was not taken");
            return Problem::new(ProblemKind::Unavailable, "try again in a few seconds");
        }
        busy("the host is being asked by the network just now, or wants to be left alone; try again later")
    }
}

/// Does a visit under the lease of the host of `url`, one of a few at a time, for so long at most.
pub(super) async fn visited<T, W>(
    state: &PortalState,
    url: &Url,
    work: impl FnOnce(Arc<LeaseGate>) -> W + Send + 'static,
) -> Answer<T>
where
    T: Send + 'static,
    W: Future<Output = T> + Send + 'static,
{
    let _turn =
        state.checks().try_acquire().map_err(|_| busy("other feeds are being checked; try again in a few seconds"))?;
    let (store, config, url) = (state.store().clone(), state.client().config().clone(), url.clone());
    // In a task of its own: a caller who hangs up must not leave the host's lease behind.
    let visit = tokio::spawn(async move {
        let gate = Arc::new(LeaseGate::take(store, &url, &config, PATIENCE).await?);
        let done = tokio::time::timeout(LIMIT, work(gate.clone())).await;
        gate.ended().await;
        // The work is over or dropped, and its share of the gate with it.
        if let Ok(gate) = Arc::try_unwrap(gate) {
            tokio::spawn(gate.close());
        }
        Ok::<_, GateError>(done)
    });
    let visited = visit.await.map_err(|error| {
        tracing::error!(%error, "a visit ended abnormally");
        Problem::new(ProblemKind::Internal, "the visit failed; the log has more under the request's id")
    })?;
    visited?.map_err(|_| busy("the server took too long to answer in full; try again later"))
}
