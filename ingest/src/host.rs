//! The task of one claimed host: its due feeds one after another, under the lease, with the pause between them.

use std::sync::Arc;

use carewire_fetch::{FetchError, GateError, Request, Response, host_of};
use carewire_store::{Feed, HostClaim};
use carewire_visit::{ACCEPT_FEEDS, LeaseGate, UNSET_PAUSE};
use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;

use crate::{
    body,
    freshness::Visit,
    metrics, moves,
    outcome::{self, Failed},
    worker::Shared,
};

/// Polls the claimed feeds. Reading bodies goes on in tasks of its own, so that the next request need not wait for it.
pub(crate) async fn poll_host(shared: Arc<Shared>, claim: HostClaim, since: Instant) {
    let HostClaim { lease, pause, feeds } = claim;
    let pause = if pause == UNSET_PAUSE { shared.client.config().min_host_pause } else { pause };
    let request = shared.client.config().total_timeout;
    let gate = LeaseGate::new(shared.store.clone(), shared.owner, lease, since, shared.config.lease, request, pause);
    let claimed = Timestamp::now();
    let mut feeds = feeds.into_iter();
    while let Some(feed) = feeds.next() {
        if shared.stop.is_cancelled() {
            give_back(&shared, std::iter::once(feed).chain(feeds).collect()).await;
            break;
        }
        if feed.next_reason != "hand" {
            let late = Timestamp::now().duration_since(feed.next_poll);
            metrics::LATE.observe(late.as_secs_f64().max(0.0));
        }
        let mut visit = Visit::begin(&feed, claimed);
        let Some(answer) = fetch(&shared, &gate, &feed).await else {
            give_back(&shared, std::iter::once(feed).chain(feeds).collect()).await;
            break;
        };
        visit.answered = Timestamp::now();
        gate.ended().await;
        gate.leave_others().await;
        if matches!(answer, Err(FetchError::Gate(GateError::Lost { .. }))) && !gate.holds_own().await {
            break;
        }
        if settle(&shared, feed, answer, visit).await.is_break() {
            give_back(&shared, feeds.collect()).await;
            break;
        }
    }
    gate.close().await;
}

/// Feeds that were claimed and not asked for are due again as they were.
async fn give_back(shared: &Shared, feeds: Vec<Feed>) {
    if let Err(error) = shared.store.give_back(&feeds).await {
        tracing::debug!(%error, "claimed feeds were not given back; their claim ends by itself");
    }
}

/// Asks for a feed; `None` where the stop came first.
async fn fetch(shared: &Shared, gate: &LeaseGate, feed: &Feed) -> Option<Result<Response, FetchError>> {
    let url = match Url::parse(&feed.url) {
        Ok(url) => url,
        Err(_) => return Some(Err(FetchError::InvalidUrl { url: feed.url.clone(), reason: "it is no URL" })),
    };
    let mut request = Request::get(url);
    request.accept = Some(ACCEPT_FEEDS);
    request.etag = feed.etag.clone();
    request.last_modified = feed.last_modified.clone();
    request.validators_of = feed.validators_url.as_deref().and_then(|url| Url::parse(url).ok());
    request.subscribers = shared.subscribers();
    let grace = shared.config.drain / 2;
    tokio::select! {
        answer = shared.client.follow(request, gate) => Some(answer),
        // What is nearly here may still come.
        () = async { shared.stop.cancelled().await; tokio::time::sleep(grace).await } => None,
    }
}

/// Hands an answer on: to the reader where it has a body, else straight to the write-back. Breaks where the host is to be left alone.
async fn settle(
    shared: &Arc<Shared>,
    feed: Feed,
    answer: Result<Response, FetchError>,
    visit: Visit,
) -> std::ops::ControlFlow<()> {
    let (config, now) = (&shared.config, Timestamp::now());
    let failed = match answer {
        Ok(response) if response.status == 304 && outcome::is_asked(&feed, &response) => {
            let mut done = outcome::unchanged(config, &feed, &response, now);
            // Only an address whose document was read as this feed gave validators, so this is the same feed.
            moves::follow(shared, &feed, &response, None, true, &mut done).await;
            shared.end(done).await;
            return std::ops::ControlFlow::Continue(());
        }
        Ok(response) if (200..300).contains(&response.status) => {
            read_apart(shared, feed, response, visit).await;
            return std::ops::ControlFlow::Continue(());
        }
        Ok(response) => {
            note_retry_after(shared, &response).await;
            outcome::refused(config, &feed, &response, now)
        }
        Err(error) => outcome::no_answer(config, &feed, &error, now),
    };
    let Failed { done, left_alone } = failed;
    if let Some(error) = &done.error {
        tracing::debug!(feed = %feed.id, url = feed.url, error, "the poll failed");
    }
    shared.end(done).await;
    if left_alone { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
}

/// Notes that a host sent us away: it holds for all that is asked of it.
pub(crate) async fn note_retry_after(shared: &Shared, response: &Response) {
    if let (Some((until, reason)), Some(host)) =
        (outcome::sent_away(response, Timestamp::now()), host_of(&response.url))
        && let Err(error) = shared.store.host_not_before(&host, until, &reason).await
    {
        tracing::warn!(host, %error, "what the host asked for was not noted");
    }
}

/// Reads a body in a task of its own, once there is room for it.
async fn read_apart(shared: &Arc<Shared>, feed: Feed, response: Response, visit: Visit) {
    let Some(room) = shared.room(response.body.len()).await else { return };
    let reader = shared.clone();
    shared.readers.spawn(async move {
        let Ok(_turn) = reader.turns.acquire().await else { return };
        if let Some(done) = body::read(&reader, &feed, response, visit).await {
            reader.end(done).await;
        }
        drop(room);
    });
}
