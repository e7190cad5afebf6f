//! `GET /v1/changes`: the sequence over HTTP, as NDJSON with long poll.
//!
//! Parameters: `after` (a number of the sequence, 0 by default), `limit` (1–1000 lines, 100 by default), `wait` (seconds
//! to wait for something new, 0–60). Each line is `{"seq":…,"item":…,"state":"curated"|"withdrawn","value":…}` with the
//! item's public form. An item that changed again meanwhile comes once, by its newest number: whoever follows the
//! `next` link (header `Link`) sees every item in its last state, without gap. A number older than the kept change log
//! is answered from the items, in the same order and form.

use std::{collections::HashMap, time::Duration};

use axum::{
    body::Body,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use carewire_query::public;
use carewire_schemas::{ChangeSeq, ItemId};
use carewire_store::{Changes, ItemRow, ItemState};
use http::{HeaderValue, header};
use tokio::time::{Instant, timeout_at};

use super::{FeedsState, Problem};

const LIMIT: usize = 100;
const MOST: usize = 1_000;
const LONGEST_WAIT: u64 = 60;
/// Rows read at once: what is read and not sent is lost work.
const BATCH: usize = 200;
/// An answer ends after the line with which it passes this size.
const BYTES: usize = 4 * 1024 * 1024;

struct Asked {
    after: ChangeSeq,
    limit: usize,
    wait: Duration,
}

fn read(query: Option<&str>) -> Result<Asked, Problem> {
    let mut asked = Asked { after: 0, limit: LIMIT, wait: Duration::ZERO };
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
            other => {
                return Err(Problem::parameter(other, "no such parameter; there are after, limit, wait"));
            }
        }
    }
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
    let asked = read(query)?;
    let deadline = Instant::now() + asked.wait;
    let mut sequence = state.inner.sequence.clone();
    let mut lines = Lines { out: Vec::new(), count: 0, next: asked.after };
    loop {
        sequence.borrow_and_update();
        while lines.count < asked.limit && lines.out.len() < BYTES {
            if !fill(state, &mut lines, asked.limit).await? {
                break;
            }
        }
        if lines.count > 0 || timeout_at(deadline, sequence.changed()).await.is_err() {
            break;
        }
    }
    let next = format!("<{}v1/changes?after={}&limit={}>; rel=\"next\"", state.inner.base, lines.next, asked.limit);
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
    /// Everything up to this number is in the lines, or came to nothing.
    next: ChangeSeq,
}

impl Lines {
    /// Adds a line; `value` is JSON.
    fn push(&mut self, seq: ChangeSeq, item: ItemId, state: &str, value: &str) {
        let head = format!("{{\"seq\":{seq},\"item\":\"{item}\",\"state\":\"{state}\",\"value\":");
        self.out.extend_from_slice(head.as_bytes());
        self.out.extend_from_slice(value.as_bytes());
        self.out.extend_from_slice(b"}\n");
        self.count += 1;
    }

    fn full(&self, limit: usize) -> bool {
        self.count >= limit || self.out.len() >= BYTES
    }

    fn push_row(&mut self, seq: ChangeSeq, row: &ItemRow) {
        if row.state == ItemState::Curated {
            self.push(seq, row.id, "curated", &row.content);
            return;
        }
        match public::public_json(row) {
            Ok(Some(value)) => self.push(seq, row.id, "withdrawn", &value),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a withdrawn item cannot be read and is left out of the sequence"),
        }
    }
}

/// Adds lines from the next rows; whether there may be more.
async fn fill(state: &FeedsState, lines: &mut Lines, limit: usize) -> Result<bool, Problem> {
    let store = &state.inner.store;
    let batch = limit.saturating_sub(lines.count).clamp(1, BATCH);
    let rows = match store.changes(lines.next, batch).await? {
        Changes::Rows(rows) => rows,
        Changes::TooOld => {
            let rows = store.items_by_seq(lines.next, batch).await?;
            let more = rows.len() == batch;
            for row in &rows {
                if lines.full(limit) {
                    return Ok(false);
                }
                let Some(seq) = row.seq else { continue };
                lines.push_row(seq, row);
                lines.next = seq;
            }
            return Ok(more);
        }
    };
    let more = rows.len() == batch;
    let mut newest: HashMap<ItemId, ChangeSeq> = HashMap::with_capacity(rows.len());
    for row in &rows {
        newest.insert(row.item, row.seq);
    }
    let ids: Vec<ItemId> = newest.keys().copied().collect();
    let items: HashMap<ItemId, ItemRow> = store.items(&ids).await?.into_iter().map(|row| (row.id, row)).collect();
    for row in &rows {
        if lines.full(limit) {
            return Ok(false);
        }
        // A row that is not its item's last is followed by one that is, which carries the same value.
        if let Some(item) = items.get(&row.item).filter(|item| item.seq == Some(row.seq)) {
            lines.push_row(row.seq, item);
        }
        lines.next = row.seq;
    }
    Ok(more)
}
