//! Reading what hubs delivered: in the way of a poll's body, or as a reason to poll.

use std::{sync::Arc, time::Duration};

use carewire_bus::stage::BackOff;
use carewire_fetch::{HeaderMap, HeaderValue, Response};
use carewire_store::{EntryWrite, Feed, FeedKind, Ping, PollDone, PushTurn, StoreError};
use jiff::Timestamp;
use tokio::task::JoinSet;
use url::Url;

use super::polled::{BODY_REASON, FILLED_REASON};
use crate::{body, freshness::Visit, schedule, worker::Shared};

/// Pings read at the same time, each of another feed.
const AT_ONCE: usize = 16;
/// What a worker took and did not read (killed) comes again after this time.
const HOLD: Duration = Duration::from_secs(60);
/// A feed that is being polled just now is looked at again after this time.
const BUSY: Duration = Duration::from_millis(500);
/// Other processes' pings are noticed by then at the latest.
const LOOK: Duration = Duration::from_secs(1);
/// A ping that cannot be read so often only says that the feed is to be polled.
const TRIES: i64 = 5;

/// Reads pings until the worker stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut activity = shared.store.activity();
    let mut wait = BackOff::default();
    while !shared.stop.is_cancelled() {
        activity.mark_unchanged();
        let pause = match round(&shared).await {
            Ok(pause) => {
                wait = BackOff::default();
                pause
            }
            Err(error) => {
                tracing::debug!(%error, "pings wait for the database");
                wait.stopped(&shared.stop).await;
                continue;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = activity.changed() => tokio::time::sleep(schedule::BREATH).await,
            () = shared.stop.cancelled() => {}
        }
    }
}

/// Reads what waits; answers how long there is nothing more to do.
async fn round(shared: &Arc<Shared>) -> Result<Duration, StoreError> {
    let until = |due: Timestamp| Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default();
    match shared.store.pings_due().await? {
        None => return Ok(LOOK),
        Some(due) if due > Timestamp::now() => return Ok(until(due).clamp(schedule::BREATH, LOOK)),
        Some(_) => {}
    }
    let mut tasks = JoinSet::new();
    for ping in shared.store.claim_pings(AT_ONCE, HOLD).await? {
        let shared = shared.clone();
        tasks.spawn(async move { read(&shared, ping).await });
    }
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(ended) => ended?,
            Err(error) => tracing::error!(%error, "reading a ping ended abnormally; it comes again"),
        }
    }
    Ok(schedule::BREATH)
}

async fn read(shared: &Shared, ping: Ping) -> Result<(), StoreError> {
    if ping.thin || ping.tries >= TRIES {
        return match shared.store.poll_pushed(ping.feed).await? {
            true => shared.store.ping_done(ping.id).await,
            false => shared.store.ping_later(ping.id, BUSY).await,
        };
    }
    let feed = match shared.store.push_turn(ping.feed).await? {
        PushTurn::Taken(feed) => *feed,
        PushTurn::Busy => return shared.store.ping_later(ping.id, BUSY).await,
        PushTurn::Off => return shared.store.ping_done(ping.id).await,
    };
    // What no hub delivered was found beside the feed: a gap's videos, a removal.
    let hub = !ping.topic.is_empty();
    let told = Feed { next_reason: if hub { BODY_REASON } else { FILLED_REASON }.to_owned(), ..feed.clone() };
    // None: abandoned by a stop, or refused for good; either way the ping comes again until its tries are over.
    let Some(done) = body::read(shared, &told, response(&ping, &feed), Visit::begin(&told, ping.at)).await else {
        return Ok(());
    };
    // A delivery of the hub may be a part of the feed, or poorer than it (YouTube's have no description): the feed itself has the last word.
    let poll = hub && (feed.kind == FeedKind::YoutubeChannel || done.error.is_some() || done.entries.is_empty());
    let kept = PollDone { tally: done.tally, ..entries_only(&feed, done.entries) };
    match shared.store.finish_polls(vec![kept]).await?.first() {
        Some(true) => {}
        // Polled meanwhile: what that poll told is newer.
        _ => return shared.store.ping_later(ping.id, BUSY).await,
    }
    if poll && !shared.store.poll_pushed(ping.feed).await? {
        return shared.store.ping_later(ping.id, BUSY).await;
    }
    shared.store.ping_done(ping.id).await
}

/// The ping as the answer to a request for its topic.
fn response(ping: &Ping, feed: &Feed) -> Response {
    let mut headers = HeaderMap::new();
    if let Some(value) = ping.content_type.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert("content-type", value);
    }
    let blank = Url::parse("http://invalid/").unwrap_or_else(|_| unreachable!("a constant that is an address"));
    Response {
        status: 200,
        url: Url::parse(&ping.topic).or_else(|_| Url::parse(&feed.url)).unwrap_or(blank),
        hops: Vec::new(),
        headers,
        body: ping.body.clone().into(),
        complete: true,
        problems: Vec::new(),
        remote: None,
        elapsed: Duration::ZERO,
        wire_bytes: 0,
    }
}

/// A write-back of entries alone: when and how the feed is polled, and what its polls gave, stays as it is.
pub(crate) fn entries_only(feed: &Feed, entries: Vec<EntryWrite>) -> PollDone {
    let next = schedule::Next { at: feed.next_poll, reason: schedule::Reason::Interval, interval: Duration::ZERO };
    PollDone {
        at: feed.last_poll.unwrap_or(feed.next_poll),
        ok: false,
        delivered: true,
        status: feed.last_status,
        error: feed.last_error.clone(),
        next_reason: feed.next_reason.clone(),
        interval_s: feed.interval_s,
        failures: feed.failures,
        entries,
        ..crate::outcome::blank(feed, feed.next_poll, next)
    }
}
