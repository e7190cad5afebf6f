//! How a feed fares: what stands beside its row, its report card, and the proposals that its owner decides.

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use carewire_store::{Fared, FeedItems, FeedMemory, FeedWeek, ProposalState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Answer, feeds::visible_feed, json, model::FeedView, note};
use crate::{auth::Caller, request::JsonBody, state::PortalState};

/// Weeks that `GET /v1/feeds/{id}` looks back.
const RECENT_WEEKS: usize = 4;
/// Weeks of a report.
const REPORT_WEEKS: usize = 26;
/// Entries of a report.
const REPORT_ENTRIES: usize = 500;

/// A feed and what is known of how it fares.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedDetail)]
pub struct FeedDetailView {
    /// The feed.
    #[serde(flatten)]
    pub feed: FeedView,
    /// Until when a push subscription stands for polling; polls are a safety net until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub push_until: Option<Timestamp>,
    /// Seconds after its publication within which an entry should be seen; none where the network's own target holds.
    pub target_s: Option<i64>,
    /// Where it seems to be moving to.
    pub moving: Option<MovingView>,
    /// The last four weeks or so: availability, freshness, and who owes the delays.
    pub fared: FaredView,
    /// Addresses proposed in place of its own, for its members and curators only.
    pub proposals: Vec<ProposalView>,
}

/// A move that is not certain yet.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedMove)]
pub struct MovingView {
    /// Where to.
    pub to: String,
    /// What says so: `redirect`, `new-feed-url` or `self`.
    pub sign: &'static str,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// At how many polls in a row.
    pub polls: u32,
}

fn moving(memory: FeedMemory) -> Option<MovingView> {
    let moving = memory.moving?;
    Some(MovingView { to: moving.to, sign: moving.sign.as_str(), since: moving.since, polls: moving.polls })
}

/// How a feed fared over some time.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedFared)]
pub struct FaredView {
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Polls.
    pub polls: i64,
    /// Polls that failed.
    pub failed: i64,
    /// Share of polls that were answered well.
    pub availability: Option<f64>,
    /// New entries, history left out.
    pub entries: i64,
    /// Share of entries seen within the target, of those whose delay is known.
    pub in_target: Option<f64>,
    /// Mean seconds from an entry's own date until it was here.
    pub mean_delay_s: Option<f64>,
    /// Who owes how much of that, the largest first.
    pub owed: Vec<OwedView>,
}

/// Part of a delay.
#[derive(Serialize, ToSchema)]
#[schema(as = OwedDelay)]
pub struct OwedView {
    /// `publisher` (dated earlier than shown, or asked to be polled rarely), `hub` (did not tell), `host` (slow, or sent us
    /// away), `schedule` (the interval that the network chose) or `queue` (the network was busy).
    pub by: String,
    /// Mean seconds.
    pub seconds: f64,
}

impl From<Fared> for FaredView {
    fn from(fared: Fared) -> Self {
        Self {
            since: fared.since,
            polls: fared.polls,
            failed: fared.failed,
            availability: fared.availability,
            entries: fared.entries,
            in_target: fared.in_target,
            mean_delay_s: fared.mean_delay_s,
            owed: fared.owed.into_iter().map(|owed| OwedView { by: owed.by, seconds: owed.seconds }).collect(),
        }
    }
}

/// An address proposed in place of a feed's own.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedProposal)]
pub struct ProposalView {
    /// Where.
    pub url: String,
    /// Why: `page` (the feed's address answers a page, which advertises this), `site` (the feed is dead, its site advertises
    /// this), `redirect`, `names-itself` or `usual-path`.
    pub reason: &'static str,
    /// The title that it was advertised with.
    pub title: Option<String>,
    /// `open`, `accepted` or `dismissed`.
    pub state: &'static str,
    /// When it was found.
    #[schema(value_type = String, format = DateTime)]
    pub found: Timestamp,
}

/// A decision about a proposal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalBody {
    /// The proposed address.
    #[schema(example = "https://st-anne.example/news.atom")]
    pub url: String,
    /// Whether the feed is to be polled there from now on; otherwise it is not proposed again.
    pub accept: bool,
}

/// A feed's report card.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedReport)]
pub struct ReportView {
    /// The feed's id.
    pub id: Uuid,
    /// Its address.
    pub url: String,
    /// Its title.
    pub title: Option<String>,
    /// All weeks of the report summed up.
    pub fared: FaredView,
    /// How its last entries were tagged, and how hard they are to read.
    pub items: FeedItemsView,
    /// What is and was wrong with it: what still is first.
    pub findings: Vec<FindingView>,
    /// The weeks, the latest first.
    pub weeks: Vec<WeekView>,
}

/// How a feed's last entries (500 at most) were tagged: shares from 0 to 1.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedItems)]
pub struct FeedItemsView {
    /// Entries looked at.
    pub entries: i64,
    /// About a condition.
    pub condition: Option<f64>,
    /// About a health topic and no condition.
    pub topic: Option<f64>,
    /// About neither, as far as their words tell.
    pub neither: Option<f64>,
    /// Easy to read; this and the next two of those whose level could be told.
    pub easy: Option<f64>,
    /// As a newspaper.
    pub average: Option<f64>,
    /// For readers with training.
    pub hard: Option<f64>,
    /// Mean years of school asked for, where the language has a formula for that.
    pub grade: Option<f64>,
}

impl From<FeedItems> for FeedItemsView {
    fn from(found: FeedItems) -> Self {
        let FeedItems { entries, condition, topic, neither, easy, average, hard, grade } = found;
        Self { entries, condition, topic, neither, easy, average, hard, grade }
    }
}

/// Something wrong with a feed, from when to when.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedFinding)]
pub struct FindingView {
    /// Stable name; docs/checks.md says how to mend it.
    pub code: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// In words.
    pub message: String,
    /// When it was first found.
    #[schema(value_type = String, format = DateTime)]
    pub first: Timestamp,
    /// Since when it is found no more.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub gone: Option<Timestamp>,
    /// How often it came.
    pub times: i64,
}

/// One week of a feed.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedWeek)]
pub struct WeekView {
    /// When it began: Thursday, 00:00 UTC.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// How the feed fared in it.
    pub fared: FaredView,
}

/// What stands beside a feed's row; proposals are shown to those who may decide them.
pub(crate) async fn detail(
    state: &PortalState,
    caller: &Caller,
    row: carewire_store::Feed,
    standing: &carewire_store::FeedStanding,
) -> Answer<FeedDetailView> {
    let weeks = state.store().feed_weeks(row.id, RECENT_WEEKS).await?;
    let proposals = match caller.belongs_to(row.organization) {
        true => state.store().proposals(row.id).await?,
        false => Vec::new(),
    };
    let proposals = proposals.into_iter().map(|proposal| ProposalView {
        url: proposal.url,
        reason: proposal.reason.as_str(),
        title: proposal.title,
        state: proposal.state.as_str(),
        found: proposal.found_at,
    });
    Ok(FeedDetailView {
        push_until: row.push_until,
        target_s: row.target_s,
        moving: moving(row.memory.clone()),
        fared: Fared::over(&weeks).into(),
        proposals: proposals.collect(),
        feed: FeedView::new(row, Some(standing)),
    })
}

/// A feed's report card: availability, freshness and who owes delays by week, how its entries were tagged, and what is and was
/// wrong with it.
#[utoipa::path(get, path = "/v1/feeds/{id}/report", operation_id = "getFeedReport",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The report of half a year.", body = ReportView)))]
pub async fn report(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let (row, _) = visible_feed(&state, &caller, &id).await?;
    let weeks = state.store().feed_weeks(row.id, REPORT_WEEKS).await?;
    let findings = state.store().feed_findings(row.id).await?;
    let findings = findings.into_iter().map(|found| FindingView {
        code: found.code,
        severity: found.severity,
        message: found.message,
        first: found.first_at,
        gone: found.gone_at,
        times: found.times,
    });
    let of = |week: &FeedWeek| WeekView { from: week.from, fared: Fared::over(std::slice::from_ref(week)).into() };
    let report = ReportView {
        id: row.id.0,
        url: row.url,
        title: row.title,
        fared: Fared::over(&weeks).into(),
        items: state.store().feed_items(row.id, REPORT_ENTRIES).await?.into(),
        findings: findings.collect(),
        weeks: weeks.iter().map(of).collect(),
    };
    json(StatusCode::OK, &report)
}

/// Accepts a proposed address, at which the feed is polled from now on, or dismisses it.
#[utoipa::path(post, path = "/v1/feeds/{id}/proposals", operation_id = "decideFeedProposal",
    params(("id" = String, Path, description = "Its id.")),
    request_body = ProposalBody,
    responses((status = 200, description = "The feed as it stands now.", body = FeedDetailView),
        (status = 409, description = "Another feed is registered at that address.", body = crate::problem::Problem, content_type = "application/problem+json")))]
pub async fn decide(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ProposalBody>,
) -> Answer {
    let (row, standing) = visible_feed(&state, &caller, &id).await?;
    caller.may_write(row.organization)?;
    let subject = format!("feed/{}", row.id);
    let to = if body.accept { ProposalState::Accepted } else { ProposalState::Dismissed };
    match body.accept {
        true => state.store().accept_proposal(row.id, &body.url).await?,
        false => state.store().dismiss_proposal(row.id, &body.url).await?,
    }
    note(&state, &caller, "decide-proposal", subject, format!("{to} {}", body.url)).await?;
    let row = state.store().feed(row.id).await?.unwrap_or(row);
    json(StatusCode::OK, &detail(&state, &caller, row, &standing).await?)
}
