//! What every kind of answer means for its feed: the write-back, without the entries.

use std::time::Duration;

use carewire_fetch::{FetchError, Response, cache_lifetime, retry_after};
use carewire_store::{Feed, FeedMemory, FeedProblem, FeedState, PollDone, Validators};
use jiff::Timestamp;
use url::Url;

use crate::{
    config::IngestConfig,
    findings, look, metrics,
    schedule::{Holds, Next, Reason, after, after_failure, next_poll},
};

/// A host that says 429 or 503 without saying for how long is left alone for this long.
const DEFAULT_RETRY: Duration = Duration::from_secs(5 * 60);
/// How soon a poll is tried again that a busy host stood in the way of; that is nobody's failure.
const BUSY_RETRY: Duration = Duration::from_secs(60);
/// Problems of one poll that are kept.
const MAX_PROBLEMS: usize = 50;

/// A write-back that changes nothing but the feed's times.
pub(crate) fn blank(feed: &Feed, now: Timestamp, next: Next) -> PollDone {
    PollDone {
        next_poll: next.at,
        next_reason: next.reason.as_str().to_owned(),
        interval_s: i64::try_from(next.interval.as_secs()).unwrap_or(i64::MAX).max(1),
        ..PollDone::of(feed, now)
    }
}

/// Changes what is remembered of the feed; it is written only where that differs from what is there.
pub(crate) fn remember(feed: &Feed, done: &mut PollDone, change: impl FnOnce(&mut FeedMemory)) {
    let mut memory = done.memory.take().unwrap_or_else(|| feed.memory.clone());
    change(&mut memory);
    done.memory = (memory != feed.memory).then_some(memory);
}

/// The feed's interval as the store has it, within the configured bounds.
pub(crate) fn kept_interval(config: &IngestConfig, feed: &Feed) -> Duration {
    let kept = Duration::from_secs(u64::try_from(feed.interval_s).unwrap_or_default());
    kept.clamp(config.min_interval, config.max_interval)
}

/// What moves the feed's next poll, besides its interval.
pub(crate) fn holds<'a>(feed: &Feed, memory: &'a FeedMemory, fresh: Option<Duration>) -> Holds<'a> {
    Holds {
        fresh,
        skip_hours: &memory.skip_hours,
        skip_days: &memory.skip_days,
        push_until: feed.push_until,
        target: feed.target_s.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs),
    }
}

/// 304, or a 200 with the body of before: nothing is new. A 200's validators replace the old ones.
pub(crate) fn unchanged(config: &IngestConfig, feed: &Feed, response: &Response, now: Timestamp) -> PollDone {
    let fresh = cache_lifetime(&response.headers, now).lifetime;
    let kept = (kept_interval(config, feed), Reason::Interval);
    let next = next_poll(config, now, kept, &holds(feed, &feed.memory, fresh), fastrand::f64());
    let validators = (response.status != 304).then(|| validators(response, feed.body_hash));
    let outcome = if response.status == 304 { "not-modified" } else { "same-body" };
    metrics::POLLS.with_label_values(&[outcome]).inc();
    let mut done = PollDone { status: Some(i32::from(response.status)), validators, ..blank(feed, now, next) };
    if feed.memory != FeedMemory::default() {
        let mut memory = feed.memory.clone();
        memory.gone_since = None;
        done.findings = findings::after_answer(&mut memory);
        remember(feed, &mut done, |remembered| *remembered = memory);
    }
    look::for_https(config, feed, &mut done);
    done
}

/// Whether a 304 answers what was asked: only where a validator was sent can something not have been modified since
/// (RFC 9110, 15.4.5). One that comes all the same says nothing of the feed.
pub(crate) fn is_asked(feed: &Feed, response: &Response) -> bool {
    let sent_to = feed.validators_url.as_deref().unwrap_or(&feed.url);
    let resource = |url: &Url| url[..url::Position::AfterQuery].to_owned();
    let same = Url::parse(sent_to).is_ok_and(|sent_to| resource(&sent_to) == resource(&response.url));
    same && (feed.etag.is_some() || feed.last_modified.is_some())
}

/// What the next request may be made conditional on.
///
/// They belong to the address that answered, which after a redirect is not the feed's own: they are kept with it and sent to it alone.
pub(crate) fn validators(response: &Response, body_hash: Option<i64>) -> Validators {
    let url = (!response.hops.is_empty()).then(|| response.url.to_string());
    Validators { etag: response.etag(), last_modified: response.last_modified(), body_hash, url }
}

/// What a failed poll leads to.
pub(crate) struct Failed {
    pub(crate) done: PollDone,
    /// The host is to be left alone.
    pub(crate) left_alone: bool,
}

/// A request that gave no answer.
pub(crate) fn no_answer(config: &IngestConfig, feed: &Feed, error: &FetchError, now: Timestamp) -> Failed {
    if let FetchError::Gate(_) = error {
        // The redirect's host was busy, or the lease was lost: not the feed's fault.
        metrics::POLLS.with_label_values(&["busy"]).inc();
        let at = after(now, BUSY_RETRY.mul_f64(0.5 + fastrand::f64()).min(config.max_interval));
        let next = Next { at, reason: Reason::Busy, interval: kept_interval(config, feed) };
        let error = Some(format!("{}: {error}", error.code()));
        let done = PollDone { ok: false, failures: feed.failures, error, ..blank(feed, now, next) };
        return Failed { done, left_alone: false };
    }
    Failed { done: failure(config, feed, now, None, error.code(), &error.to_string()), left_alone: false }
}

/// An answer that is no feed: a status other than 2xx and 304.
pub(crate) fn refused(config: &IngestConfig, feed: &Feed, response: &Response, now: Timestamp) -> Failed {
    let status = i32::from(response.status);
    let message = format!("the server answered {status}");
    let mut done = failure(config, feed, now, Some(status), status_code(response.status), &message);
    if response.status == 410 {
        gone(config, feed, &mut done, now);
    }
    let asked = retry_after(&response.headers, now);
    let wait = match response.status {
        429 | 503 => Some(asked.unwrap_or(DEFAULT_RETRY)),
        _ => asked.filter(|_| response.status >= 400),
    };
    let Some(wait) = wait else { return Failed { done, left_alone: false } };
    let until = after(now, wait);
    if until > done.next_poll || asked.is_some() {
        // Spread those who wait for the same moment.
        done.next_poll = after(until, kept_interval(config, feed).mul_f64(config.jitter * fastrand::f64()));
        done.next_reason = Reason::RetryAfter.as_str().to_owned();
    }
    Failed { done, left_alone: matches!(response.status, 429 | 503) }
}

/// Until when a host is to be left alone that answered 429 or 503, and why; none for other answers.
pub(crate) fn sent_away(response: &Response, now: Timestamp) -> Option<(Timestamp, String)> {
    let wait = || retry_after(&response.headers, now).unwrap_or(DEFAULT_RETRY);
    let told = || format!("the server answered {}", response.status);
    matches!(response.status, 429 | 503).then(|| (after(now, wait()), told()))
}

/// 410 says that the feed is gone for good (RFC 9110, 15.5.11); said again after a day, it is believed: a slip of a server should not
/// end a feed. In between nobody need ask.
fn gone(config: &IngestConfig, feed: &Feed, done: &mut PollDone, now: Timestamp) {
    let since = feed.memory.gone_since.unwrap_or(now);
    let confirmed = after(since, config.gone_after);
    remember(feed, done, |memory| memory.gone_since = Some(since));
    if feed.memory.gone_since.is_some() && now >= confirmed {
        done.state = Some(FeedState::Gone);
        look::for_another(config, feed, done);
    } else if confirmed > done.next_poll {
        (done.next_poll, done.next_reason) = (confirmed, Reason::Failure.as_str().to_owned());
    }
}

/// A body that was read and is no feed.
pub(crate) fn no_feed(
    config: &IngestConfig,
    feed: &Feed,
    response: &Response,
    message: &str,
    problems: Vec<FeedProblem>,
    now: Timestamp,
) -> PollDone {
    let status = Some(i32::from(response.status));
    PollDone { problems: Some(problems), ..failure(config, feed, now, status, "not-a-feed", message) }
}

fn failure(
    config: &IngestConfig,
    feed: &Feed,
    now: Timestamp,
    status: Option<i32>,
    code: &str,
    message: &str,
) -> PollDone {
    metrics::POLLS.with_label_values(&["failed"]).inc();
    metrics::FAILURES.with_label_values(&[code]).inc();
    let failures = feed.failures.saturating_add(1);
    let count = u32::try_from(failures).unwrap_or(u32::MAX);
    let next = after_failure(config, now, kept_interval(config, feed), count, fastrand::f64());
    let error = Some(format!("{code}: {message}"));
    let mut done = PollDone { ok: false, status, error, failures, ..blank(feed, now, next) };
    let mut memory = feed.memory.clone();
    done.findings = findings::after_failure(&mut memory, findings::failure(code, message));
    remember(feed, &mut done, |remembered| *remembered = memory);
    look::for_another(config, feed, &mut done);
    done
}

fn status_code(status: u16) -> &'static str {
    match status {
        401 | 403 => "forbidden-by-server",
        404 => "not-found",
        410 => "gone",
        429 => "too-many-requests",
        304 => "not-modified-unasked",
        300..400 => "redirect-not-followed",
        400..500 => "client-error",
        503 => "service-unavailable",
        500.. => "server-error",
        _ => "unexpected-status",
    }
}

/// Problems by code and place, each with how often it was found; at most [`MAX_PROBLEMS`].
pub(crate) fn gathered(found: impl Iterator<Item = (&'static str, String, String)>) -> Vec<FeedProblem> {
    let mut list: Vec<FeedProblem> = Vec::new();
    for (code, message, place) in found {
        let where_ = (!place.is_empty()).then_some(place);
        if let Some(same) = list.iter_mut().find(|p| p.code == code && p.message == message && p.where_ == where_) {
            same.count = same.count.saturating_add(1);
        } else if list.len() < MAX_PROBLEMS {
            list.push(FeedProblem { code: code.to_owned(), message, where_, count: 1 });
        }
        metrics::PROBLEMS.with_label_values(&[code]).inc();
    }
    list
}
