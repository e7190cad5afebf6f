//! When a feed is looked for elsewhere: its https address, or another feed in place of a dead one. Pure; the looking itself is a task.

use carewire_fetch::host_of;
use carewire_store::{Feed, FeedState, NewTask, PollDone, TaskKind, Tried};
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::{config::IngestConfig, outcome::remember};

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long after a vain try of https the next one comes; doubled with each further one, up to eightfold.
const HTTPS_AGAIN: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The same for looks for another feed.
const ANOTHER_AGAIN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A feed is dead for this purpose when it failed so often in a row, and for so long.
const DEAD_FAILURES: i64 = 5;

/// Whether something tried before may be tried again.
fn may_try(tried: Option<&Tried>, again: SignedDuration, now: Timestamp) -> bool {
    tried.is_none_or(|tried| {
        let factor = 1i32 << tried.failed.saturating_sub(1).min(3);
        now.duration_since(tried.at) >= again * factor
    })
}

fn tried(before: Option<&Tried>, now: Timestamp) -> Tried {
    // Counted as vain until it has worked; then the feed has another address and this begins anew.
    Tried { at: now, failed: before.map_or(0, |tried| tried.failed).saturating_add(1) }
}

/// The same address over https; none where it has one already, or a port of its own, of which nobody knows the secure one.
pub(crate) fn https_of(address: &str) -> Option<Url> {
    let mut url = Url::parse(address).ok()?;
    if url.scheme() != "http" || url.port().is_some() {
        return None;
    }
    url.set_scheme("https").ok()?;
    Some(url)
}

/// Adds a try of https after a poll that succeeded over http, rarely.
pub(crate) fn for_https(config: &IngestConfig, feed: &Feed, done: &mut PollDone) {
    if !config.try_https || !feed.url.starts_with("http:") || done.new_url.is_some() {
        return;
    }
    let now = done.at;
    if !may_try(feed.memory.https.as_ref(), HTTPS_AGAIN, now) {
        return;
    }
    let Some((url, host)) = https_of(&feed.url).and_then(|url| Some((url.to_string(), host_of(&url)?))) else { return };
    done.tasks.push(NewTask { kind: TaskKind::Https, feed: feed.id, url, host, due: now, payload: "{}".to_owned() });
    remember(feed, done, |memory| memory.https = Some(tried(memory.https.as_ref(), now)));
}

/// Adds a look for another feed on the site of one that seems dead: ended, or failing for days.
pub(crate) fn for_another(config: &IngestConfig, feed: &Feed, done: &mut PollDone) {
    let ended = done.state == Some(FeedState::Gone);
    let alive = feed.last_success.unwrap_or(feed.created_at);
    let patience = SignedDuration::try_from(config.gone_after).unwrap_or(DAY).saturating_mul(3);
    let dead = done.failures >= DEAD_FAILURES && done.at.duration_since(alive) >= patience;
    if !ended && !dead {
        return;
    }
    let origin = || Url::parse(&feed.url).ok()?.join("/").ok();
    let site = feed.site_url.as_deref().and_then(|site| Url::parse(site).ok());
    let site = site.filter(|site| matches!(site.scheme(), "http" | "https") && host_of(site).is_some());
    if let Some(site) = site.or_else(origin) {
        for_feeds_at(feed, &site, "dead", done);
    }
}

/// Adds a look for feeds at `site`; `why` is `dead` or `page` (the feed's own address answers a web page).
pub(crate) fn for_feeds_at(feed: &Feed, site: &Url, why: &str, done: &mut PollDone) {
    let now = done.at;
    let Some(host) = host_of(site) else { return };
    if !may_try(feed.memory.discovery.as_ref(), ANOTHER_AGAIN, now) {
        return;
    }
    let payload = serde_json::json!({ "why": why }).to_string();
    done.tasks.push(NewTask {
        kind: TaskKind::Discover,
        feed: feed.id,
        url: site.to_string(),
        host,
        due: now,
        payload,
    });
    remember(feed, done, |memory| memory.discovery = Some(tried(memory.discovery.as_ref(), now)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_have_a_secure_form() {
        for (address, secure) in [
            ("http://example.org/feed?x=1", Some("https://example.org/feed?x=1")),
            ("http://example.org:80/feed", Some("https://example.org/feed")),
            ("http://example.org:8080/feed", None),
            ("https://example.org/feed", None),
            ("nonsense", None),
        ] {
            assert_eq!(https_of(address).as_ref().map(Url::as_str), secure, "{address}");
        }
    }

    #[test]
    fn tries_become_rarer() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let days = |n: i64| start + DAY * i32::try_from(n).unwrap();
        let mut known = None;
        for (failed, wait) in [(1, 30), (2, 60), (3, 120), (4, 240), (5, 240)] {
            assert!(may_try(known.as_ref(), HTTPS_AGAIN, days(10_000)));
            let now = tried(known.as_ref(), start);
            assert_eq!(now.failed, failed);
            assert!(!may_try(Some(&now), HTTPS_AGAIN, days(wait - 1)), "{failed}");
            assert!(may_try(Some(&now), HTTPS_AGAIN, days(wait)), "{failed}");
            known = Some(now);
        }
    }
}
