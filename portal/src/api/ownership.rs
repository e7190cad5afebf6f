//! Proving that a feed is its organization's own: what is to be done, how it stands, and asking for a check.

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use carewire_ownership::{Place, mail, ways};
use carewire_store::{CodeAnswer, Feed, FeedKind, Ownership, OwnershipFinding, OwnershipOutcome};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::{Answer, feeds::visible_feed, json};
use crate::{
    auth::Caller,
    problem::{Problem, ProblemKind},
    request::JsonBody,
    state::PortalState,
};

/// How a feed's proof stands.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum OwnershipStateName {
    /// Nobody asked for a check.
    None,
    /// A check was asked for.
    Asked,
    /// Nothing was found.
    Failed,
    /// The organization's proven home page links to the channel: a curator looks.
    Linked,
    /// It is proven.
    Proven,
    /// The proof was there and is no more; trust ends after a grace.
    Lost,
}

/// A way to prove a feed.
#[derive(Serialize, ToSchema)]
pub struct OwnershipWay {
    /// Its name.
    #[schema(example = "well-known")]
    pub way: &'static str,
    /// Where something is to stand.
    pub place: String,
    /// What.
    pub text: String,
}

/// What was found at one place.
#[derive(Serialize, ToSchema)]
pub struct OwnershipLook {
    /// By which way.
    pub way: String,
    /// Where.
    pub place: String,
    /// Whether the proof stands there; none where that could not be found out.
    pub found: Option<bool>,
    /// In words.
    pub message: String,
}

/// A feed's proof, and the ways that it has.
#[derive(Serialize, ToSchema)]
#[schema(as = Ownership)]
pub struct OwnershipView {
    /// How it stands.
    #[schema(value_type = OwnershipStateName)]
    pub state: &'static str,
    /// The organization's token.
    pub token: String,
    /// What can be done with it.
    pub ways: Vec<OwnershipWay>,
    /// By which way it was proven.
    pub way: Option<String>,
    /// Where the proof stood.
    pub place: Option<String>,
    /// What the last check found.
    pub findings: Vec<OwnershipLook>,
    /// When it was last checked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub checked: Option<Timestamp>,
    /// Since when it is proven.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub proven: Option<Timestamp>,
    /// Since when the proof is not there any more.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub lost: Option<Timestamp>,
    /// When it is checked next; none: when somebody asks.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next: Option<Timestamp>,
}

/// What is asked for: a check of all places with `{}`, or one of these.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OwnershipBody {
    /// Mail a code to this address of the feed's domain.
    #[schema(example = "info@st-anne.example")]
    pub mail: Option<String>,
    /// The code that was mailed.
    pub code: Option<String>,
    /// A curator looked at the channel, to which the organization's proven home page links, and it is the organization's own.
    pub looked: bool,
}

/// How a feed's proof stands, and what can be done: for whoever looks after its organization.
#[utoipa::path(get, path = "/v1/feeds/{id}/ownership", operation_id = "getOwnership",
    params(("id" = String, Path, description = "The feed's id.")),
    responses((status = 200, description = "The proof.", body = OwnershipView)))]
pub async fn show(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let (feed, _) = visible_feed(&state, &caller, &id).await?;
    caller.may_write(feed.organization)?;
    json(StatusCode::OK, &view(&state, &feed).await?)
}

/// Asks for a check, for a mailed code, or gives one back. A check is done within seconds; ask again for what it found.
#[utoipa::path(post, path = "/v1/feeds/{id}/ownership", operation_id = "proveFeed",
    params(("id" = String, Path, description = "The feed's id.")),
    request_body = OwnershipBody,
    responses((status = 202, description = "The proof as it stands now.", body = OwnershipView)))]
pub async fn ask(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<OwnershipBody>,
) -> Answer {
    let (feed, _) = visible_feed(&state, &caller, &id).await?;
    caller.may_write(feed.organization)?;
    let given = [body.mail.is_some(), body.code.is_some(), body.looked].into_iter().filter(|given| *given).count();
    if given > 1 {
        return Err(Problem::field("body", "give one of `mail`, `code` and `looked`, or none of them"));
    }
    if body.looked && !caller.is_curator() {
        return Err(Problem::new(ProblemKind::Forbidden, "only curators look at channels"));
    }
    let store = state.store();
    if let Some(address) = &body.mail {
        if feed.kind == FeedKind::YoutubeChannel {
            return Err(Problem::field("mail", "a channel has no mail domain of its own"));
        }
        let address =
            mail::check(address, &feed.host).map_err(|refused| Problem::field("mail", refused.to_string()))?;
        let text = |code: &str| {
            let subject = format!("{}: a code for {}", state.name(), feed.url);
            let body = format!(
                "Somebody who looks after an organization at {} says that this feed is theirs:\n\n  {}\n\nIf that is right, give them this code. It holds for a day:\n\n  {code}\n\nIf not, do nothing.\n",
                state.absolute("/"),
                feed.url
            );
            (subject, body)
        };
        store.mail_ownership_code(feed.id, &address, caller.name(), text).await?;
    } else if let Some(code) = &body.code {
        match store.use_ownership_code(feed.id, code).await? {
            CodeAnswer::Right(address) => {
                store.ask_ownership(feed.id, caller.name()).await?;
                let findings = [OwnershipFinding {
                    way: "mail".to_owned(),
                    place: address.clone(),
                    found: Some(true),
                    message: "the code that was mailed was given back".to_owned(),
                }];
                let outcome = OwnershipOutcome::Proven { way: "mail".to_owned(), place: address };
                store.ownership_checked(feed.id, &outcome, &findings, state.ownership(), caller.name()).await?;
            }
            CodeAnswer::Wrong(left) => {
                return Err(Problem::field(
                    "code",
                    format!("is not the one that was mailed; {left} more may be tried"),
                ));
            }
            CodeAnswer::Over => {
                return Err(Problem::field(
                    "code",
                    "no code holds: none was mailed, it is too old, or too many wrong ones came",
                ));
            }
        }
    } else if body.looked {
        store.ownership_looked(feed.id, state.ownership(), caller.name()).await?;
    } else {
        store.ask_ownership(feed.id, caller.name()).await?;
    }
    json(StatusCode::ACCEPTED, &view(&state, &feed).await?)
}

async fn view(state: &PortalState, feed: &Feed) -> Answer<OwnershipView> {
    let store = state.store();
    let token = store.ownership_token(feed.organization).await?;
    let site = store.organization(feed.organization).await?.and_then(|one| Url::parse(&one.site?).ok());
    let url = Url::parse(&feed.url).map_err(super::broken_row)?;
    let place = Place { feed: &url, channel: feed.kind == FeedKind::YoutubeChannel, site: site.as_ref() };
    let ways = ways(&place, &token)
        .into_iter()
        .map(|one| OwnershipWay { way: one.way.as_str(), place: one.place, text: one.text })
        .collect();
    let found = store.ownership(feed.id).await?;
    let state = found.as_ref().map_or("none", |one| one.state.as_str());
    let empty = OwnershipView {
        state,
        token,
        ways,
        way: None,
        place: None,
        findings: Vec::new(),
        checked: None,
        proven: None,
        lost: None,
        next: None,
    };
    let Some(Ownership { way, place, findings, checked_at, proven_at, lost_at, next_check, .. }) = found else {
        return Ok(empty);
    };
    let looks = findings.into_iter().map(|one| OwnershipLook {
        way: one.way,
        place: one.place,
        found: one.found,
        message: one.message,
    });
    Ok(OwnershipView {
        way,
        place,
        findings: looks.collect(),
        checked: checked_at,
        proven: proven_at,
        lost: lost_at,
        next: next_check,
        ..empty
    })
}
