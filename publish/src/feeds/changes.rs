//! `GET /v1/changes`: the sequence over HTTP, as NDJSON with long poll.
//!
//! Parameters: `after` (a number of the sequence, 0 by default), `limit` (1–1000 lines, 100 by default), `wait` (seconds
//! to wait for something new, 0–60), and those of a question. Each line is
//! `{"seq":…,"item":…,"state":"curated"|"withdrawn","value":…}` with the item's public form; with a question also
//! `{"seq":…,"item":…,"state":"left"}`: the item answers it no longer. An item that changed again meanwhile comes once,
//! by its newest number: whoever follows the `next` link (header `Link`) sees every item in its last state, without
//! gap. A number older than the kept change log is answered from the items, in the same order and form.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use carewire_conditions::Vocabulary;
use carewire_query::Query;
use carewire_schemas::ChangeSeq;
use http::{HeaderValue, header};
use tokio::time::{Instant, timeout_at};

use crate::{
    matching::{self, Change, Kind},
    streams::{frames::line, question},
};

use super::{FeedsState, Problem};

const LIMIT: usize = 100;
const MOST: usize = 1_000;
const LONGEST_WAIT: u64 = 60;
/// Rows read at once: what is read and not sent is lost work.
const BATCH: usize = 200;
/// An answer ends after the line with which it passes this size.
const BYTES: usize = 4 * 1024 * 1024;

/// Rows of the log looked at for one answer: a rare question must not walk through all of it in one go.
const SCANNED: usize = 20_000;

struct Asked {
    after: ChangeSeq,
    limit: usize,
    wait: Duration,
    /// None: everything.
    query: Option<Query>,
}

fn read(query: Option<&str>, vocabulary: &Vocabulary) -> Result<Asked, Problem> {
    let mut asked = Asked { after: 0, limit: LIMIT, wait: Duration::ZERO, query: None };
    let mut rest = Vec::new();
    for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*key {
            "after" => {
                asked.after = value.parse().ok().filter(|n| *n >= 0).ok_or_else(|| {
                    Problem::parameter("after", "after: must be a number of the sequence, 0 for the beginning")
                })?;
            }
            "limit" => {
                asked.limit = value.parse().ok().filter(|n| (1..=MOST).contains(n)).ok_or_else(|| {
                    Problem::parameter("limit", format!("limit: must be a whole number from 1 to {MOST}"))
                })?;
            }
            "wait" => {
                let seconds = value.parse().ok().filter(|n| *n <= LONGEST_WAIT).ok_or_else(|| {
                    Problem::parameter(
                        "wait",
                        format!("wait: must be seconds, a whole number from 0 to {LONGEST_WAIT}"),
                    )
                })?;
                asked.wait = Duration::from_secs(seconds);
            }
            _ => rest.push((key, value)),
        }
    }
    let query = question(rest, vocabulary)?;
    asked.query = (!query.is_everything()).then_some(query);
    Ok(asked)
}

/// The handler.
pub(super) async fn get(State(state): State<FeedsState>, RawQuery(query): RawQuery) -> Response {
    match answer(&state, query.as_deref()).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(state: &FeedsState, query: Option<&str>) -> Result<Response, Problem> {
    let asked = read(query, state.inner.vocabulary)?;
    let deadline = Instant::now() + asked.wait;
    let mut sequence = state.inner.sequence.clone();
    let mut lines = Lines { out: Vec::new(), count: 0, scanned: 0, next: asked.after };
    loop {
        sequence.borrow_and_update();
        while !lines.full(asked.limit) {
            if !fill(state, &mut lines, &asked).await? {
                break;
            }
        }
        if lines.count > 0 || lines.full(asked.limit) || timeout_at(deadline, sequence.changed()).await.is_err() {
            break;
        }
    }
    let question = asked.query.as_ref().map(|query| format!("&{}", query.canonical())).unwrap_or_default();
    let (base, after, limit) = (&state.inner.base, lines.next, asked.limit);
    let next = format!("<{base}v1/changes?after={after}&limit={limit}{question}>; rel=\"next\"");
    let mut response = Response::new(Body::from(lines.out));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("link"));
    if let Ok(link) = HeaderValue::from_str(&next) {
        headers.insert(header::LINK, link);
    }
    Ok(response)
}

struct Lines {
    out: Vec<u8>,
    count: usize,
    scanned: usize,
    /// Everything up to this number is in the lines, or came to nothing.
    next: ChangeSeq,
}

impl Lines {
    fn full(&self, limit: usize) -> bool {
        self.count >= limit || self.out.len() >= BYTES || self.scanned >= SCANNED
    }
}

/// What a change is told as. Without a question, whatever is or was public is.
fn told(change: &Change, asked: &Asked, vocabulary: &Vocabulary) -> Option<Kind> {
    match &asked.query {
        Some(query) => change.to(query, vocabulary),
        None => change.value.as_ref().map(|value| if value.curated { Kind::Updated } else { Kind::Removed }),
    }
}

/// Adds lines from the next changes; whether there may be more.
async fn fill(state: &FeedsState, lines: &mut Lines, asked: &Asked) -> Result<bool, Problem> {
    let batch = match asked.query {
        Some(_) => BATCH,
        None => asked.limit.saturating_sub(lines.count).clamp(1, BATCH),
    };
    let changes = matching::read(&state.inner.store, lines.next, batch).await?;
    for change in &changes {
        if lines.full(asked.limit) {
            return Ok(false);
        }
        if let Some(kind) = told(change, asked, state.inner.vocabulary) {
            lines.out.append(&mut line(change, kind));
            lines.count += 1;
        }
        lines.scanned += 1;
        lines.next = change.row.seq;
    }
    Ok(changes.len() == batch)
}
