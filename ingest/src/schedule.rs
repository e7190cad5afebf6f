//! When a feed is polled next, and why: pure functions over what is known.
//!
//! The interval between polls comes from the feed (its rhythm, `ttl`, `sy:updatePeriod`) and is kept in the store; each poll's own time adds
//! what its answer asked for (`Cache-Control`, `Expires`, `Retry-After`), skipped hours and days, and chance.

use std::time::Duration;

use carewire_feeds::{Entry, Feed};
use jiff::{Timestamp, civil::Weekday, tz::TimeZone};

use crate::config::IngestConfig;

/// Why a feed is polled when it is; the names stand in the store and on the feed's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The interval that all feeds begin with.
    Default,
    /// The feed's own rhythm.
    Rhythm,
    /// Nothing new for long.
    Dormant,
    /// RSS `ttl`.
    Ttl,
    /// `sy:updatePeriod` and `sy:updateFrequency`.
    UpdatePeriod,
    /// `Cache-Control` or `Expires`.
    Cache,
    /// `skipHours` or `skipDays`.
    Skip,
    /// The interval of before: the answer said nothing new of it.
    Interval,
    /// Failed; waits longer each time.
    Failure,
    /// The host asked for it.
    RetryAfter,
    /// The host of a redirect was busy; tried again soon.
    Busy,
    /// A push subscription stands for polling; this poll is its safety net.
    Push,
    /// The target of the feed's freshness.
    Target,
}

impl Reason {
    /// The name in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Default => "default",
            Reason::Rhythm => "rhythm",
            Reason::Dormant => "dormant",
            Reason::Ttl => "ttl",
            Reason::UpdatePeriod => "update-period",
            Reason::Cache => "cache",
            Reason::Skip => "skip",
            Reason::Interval => "interval",
            Reason::Failure => "failure",
            Reason::RetryAfter => "retry-after",
            Reason::Busy => "busy",
            Reason::Push => "push",
            Reason::Target => "target",
        }
    }
}

/// The next poll of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// When.
    pub at: Timestamp,
    /// Why then.
    pub reason: Reason,
    /// The interval from now on.
    pub interval: Duration,
}

/// Entries by which the rhythm is judged.
const RHYTHM_ENTRIES: usize = 10;
/// Whoever waits for changes in the store looks so often at most: several changes make one look.
pub(crate) const BREATH: Duration = Duration::from_millis(20);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The interval that a feed's document suggests, within the configured bounds.
#[must_use]
pub fn interval(config: &IngestConfig, feed: &Feed, entries: &[Entry], now: Timestamp) -> (Duration, Reason) {
    let bounded = |interval: Duration| interval.clamp(config.min_interval, config.max_interval);
    let (mut interval, mut reason) = match config.adaptive.then(|| rhythm(config, entries, now)).flatten() {
        Some((interval, reason)) => (bounded(interval), reason),
        None => (config.default_interval, Reason::Default),
    };
    // What the publisher asks for can only lengthen it.
    let asked = [
        (feed.ttl_minutes.map(|minutes| Duration::from_secs(60 * u64::from(minutes))), Reason::Ttl),
        (update_period(feed), Reason::UpdatePeriod),
    ];
    for (asked, why) in asked {
        // A period of a day or more says how often something may come, not that nobody should look for so long.
        let asked = asked.map(|asked| if why == Reason::UpdatePeriod { asked.min(6 * HOUR) } else { asked });
        if let Some(asked) = asked.map(bounded).filter(|&asked| asked > interval) {
            (interval, reason) = (asked, why);
        }
    }
    (interval, reason)
}

/// A sixth of the usual gap between entries, at most twice the default; a feed with nothing new for months is asked rarely.
fn rhythm(config: &IngestConfig, entries: &[Entry], now: Timestamp) -> Option<(Duration, Reason)> {
    let mut dates: Vec<Timestamp> =
        entries.iter().filter_map(|entry| entry.published.or(entry.updated)).filter(|&date| date <= now).collect();
    dates.sort_unstable_by(|a, b| b.cmp(a));
    dates.truncate(RHYTHM_ENTRIES);
    let silence = between(*dates.first()?, now);
    if silence > 365 * DAY {
        return Some((DAY, Reason::Dormant));
    }
    if silence > 90 * DAY {
        return Some((6 * HOUR, Reason::Dormant));
    }
    let oldest = dates.last().filter(|_| dates.len() >= 3)?;
    let gap = between(*oldest, now) / u32::try_from(dates.len()).unwrap_or(1);
    Some(((gap / 6).min(2 * config.default_interval), Reason::Rhythm))
}

/// RSS 1.0 syndication module: a period is divided by the frequency.
fn update_period(feed: &Feed) -> Option<Duration> {
    let period = match feed.update_period.as_deref()?.trim().to_ascii_lowercase().as_str() {
        "hourly" => HOUR,
        "daily" => DAY,
        "weekly" => 7 * DAY,
        "monthly" => 30 * DAY,
        "yearly" => 365 * DAY,
        _ => return None,
    };
    Some(period / feed.update_frequency.unwrap_or(1).max(1))
}

/// What moves a feed's next poll besides its interval.
#[derive(Clone, Copy, Debug, Default)]
pub struct Holds<'a> {
    /// How long the answer is fresh (RFC 9111).
    pub fresh: Option<Duration>,
    /// Hours in UTC in which the feed asks not to be polled; of 24, 0 is meant.
    pub skip_hours: &'a [u8],
    /// Days in English on which it asks not to be polled.
    pub skip_days: &'a [String],
    /// Until when a push subscription stands for polling.
    pub push_until: Option<Timestamp>,
    /// How soon after its publication an entry is to be seen, where somebody has said so of this feed.
    pub target: Option<Duration>,
}

/// The next poll after one that succeeded; `chance` is a number from 0 to 1.
///
/// A target shortens the interval, but nothing shortens what the publisher asked for with a header or skipped hours. While
/// pushes come, polling is a safety net only, but not for longer than the subscription holds.
#[must_use]
pub fn next_poll(
    config: &IngestConfig,
    now: Timestamp,
    (interval, reason): (Duration, Reason),
    holds: &Holds<'_>,
    chance: f64,
) -> Next {
    let target = holds.target.map(|target| target.max(config.min_interval)).filter(|&target| target < interval);
    let asked = matches!(reason, Reason::Ttl | Reason::UpdatePeriod);
    let (mut wait, mut reason) = match target.filter(|_| !asked) {
        Some(target) => (target, Reason::Target),
        None => (interval, reason),
    };
    if let Some(until) = holds.push_until.filter(|&until| until > now) {
        let net = config.push_interval.min(between(now, until));
        if net > wait {
            (wait, reason) = (net, Reason::Push);
        }
    }
    let fresh = holds.fresh.map(|fresh| fresh.min(config.max_interval)).filter(|&fresh| fresh > wait);
    if let Some(fresh) = fresh {
        (wait, reason) = (fresh, Reason::Cache);
    }
    // Chance only ever adds: what a publisher asked for is a least time.
    let at = after(now, wait + interval.min(wait).mul_f64(config.jitter * chance.clamp(0.0, 1.0)));
    match skip(holds.skip_hours, holds.skip_days, at) {
        Some(later) => Next { at: later, reason: Reason::Skip, interval },
        None => Next { at, reason, interval },
    }
}

/// The next poll after the `failures`-th failure in a row: the interval, doubled each time up to the longest, with chance.
#[must_use]
pub fn after_failure(config: &IngestConfig, now: Timestamp, interval: Duration, failures: u32, chance: f64) -> Next {
    let doubled = interval.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let wait = doubled.clamp(config.min_interval, config.max_interval);
    let at = after(now, wait + wait.mul_f64(config.jitter * chance.clamp(0.0, 1.0)));
    Next { at, reason: Reason::Failure, interval }
}

/// The first time from `at` on that the feed does not ask to be left alone in; `None` where `at` is well. RSS 2.0: hours and days are in GMT.
///
/// A feed that skips everything is not obeyed: it would never be read again.
fn skip(hours: &[u8], days: &[String], at: Timestamp) -> Option<Timestamp> {
    if hours.is_empty() && days.is_empty() {
        return None;
    }
    let hour_seconds = 3600;
    let mut time = at;
    for _ in 0..24 * 8 {
        let zoned = time.to_zoned_datetime(TimeZone::UTC);
        let hour = u8::try_from(zoned.hour()).unwrap_or_default();
        let day = day_name(zoned.weekday());
        let skipped = hours.contains(&hour)
            || (hour == 0 && hours.contains(&24))
            || days.iter().any(|skipped| skipped.trim().eq_ignore_ascii_case(day));
        if !skipped {
            return (time != at).then_some(time);
        }
        let next_hour = time.as_second().div_euclid(hour_seconds) * hour_seconds + hour_seconds;
        time = Timestamp::from_second(next_hour).ok()?;
    }
    None
}

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "monday",
        Weekday::Tuesday => "tuesday",
        Weekday::Wednesday => "wednesday",
        Weekday::Thursday => "thursday",
        Weekday::Friday => "friday",
        Weekday::Saturday => "saturday",
        Weekday::Sunday => "sunday",
    }
}

/// `now` and a wait; the end of time where there is no such instant.
#[must_use]
pub fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T20:30:00Z".parse().unwrap()
    }

    fn entries(hours_apart: u64, newest_hours_ago: u64, count: u64) -> Vec<Entry> {
        (0..count)
            .map(|n| Entry {
                published: Some(now() - Duration::from_secs(3600 * (newest_hours_ago + n * hours_apart))),
                ..Entry::default()
            })
            .collect()
    }

    #[test]
    fn the_interval_follows_the_feed_within_bounds() {
        let config = IngestConfig::default();
        let ttl = |minutes| Feed { ttl_minutes: Some(minutes), ..Feed::default() };
        let period = |name: &str, frequency| Feed {
            update_period: Some(name.to_owned()),
            update_frequency: frequency,
            ..Feed::default()
        };
        for (name, feed, entries, minutes, reason) in [
            ("nothing known", Feed::default(), vec![], 30, Reason::Default),
            ("two entries say nothing", Feed::default(), entries(1, 0, 2), 30, Reason::Default),
            ("every 3 hours", Feed::default(), entries(3, 3, 10), 30, Reason::Rhythm),
            ("every 10 minutes or so", Feed::default(), entries(0, 1, 10), 5, Reason::Rhythm),
            ("daily", Feed::default(), entries(24, 24, 10), 60, Reason::Rhythm),
            ("silent for months", Feed::default(), entries(24, 24 * 100, 10), 360, Reason::Dormant),
            ("silent for years", Feed::default(), entries(24, 24 * 800, 1), 1440, Reason::Dormant),
            ("ttl longer", ttl(120), entries(3, 3, 10), 120, Reason::Ttl),
            ("ttl shorter", ttl(1), entries(3, 3, 10), 30, Reason::Rhythm),
            ("ttl absurd", ttl(u32::MAX), vec![], 1440, Reason::Ttl),
            ("hourly", period("hourly", None), vec![], 60, Reason::UpdatePeriod),
            ("twice an hour", period("hourly", Some(2)), vec![], 30, Reason::Default),
            ("weekly", period("weekly", Some(1)), vec![], 360, Reason::UpdatePeriod),
            ("frequency 0", period("hourly", Some(0)), vec![], 60, Reason::UpdatePeriod),
            ("unknown period", period("now and then", None), vec![], 30, Reason::Default),
        ] {
            let got = interval(&config, &feed, &entries, now());
            assert_eq!(got, (Duration::from_secs(minutes * 60), reason), "{name}");
        }
        let fixed = IngestConfig { adaptive: false, ..config };
        assert_eq!(interval(&fixed, &Feed::default(), &entries(0, 0, 10), now()).1, Reason::Default);
    }

    #[test]
    fn a_poll_is_never_before_what_was_asked() {
        let config = IngestConfig::default();
        let half_hour = (Duration::from_secs(1800), Reason::Rhythm);
        for (fresh_minutes, chance, minutes, reason) in [
            (None, 0.0, 30, Reason::Rhythm),
            (None, 1.0, 33, Reason::Rhythm),
            (Some(10), 0.0, 30, Reason::Rhythm),
            (Some(90), 0.0, 90, Reason::Cache),
            (Some(90), 1.0, 93, Reason::Cache),
            (Some(60 * 24 * 365), 0.0, 1440, Reason::Cache),
        ] {
            let fresh = fresh_minutes.map(|minutes| Duration::from_secs(60 * minutes));
            let next = next_poll(&config, now(), half_hour, &Holds { fresh, ..Holds::default() }, chance);
            assert_eq!(
                (next.at, next.reason),
                (now() + Duration::from_secs(60 * minutes), reason),
                "{fresh_minutes:?}"
            );
        }
    }

    #[test]
    fn push_makes_polls_rare_and_a_target_makes_them_frequent() {
        let config = IngestConfig::default();
        let hours = |n: u64| Some(now() + Duration::from_secs(3600 * n));
        let minutes = |n: u64| Some(Duration::from_secs(60 * n));
        for (name, reason, push_until, target, fresh, wait, expected) in [
            ("a subscription for days", Reason::Rhythm, hours(100), None, None, 360, Reason::Push),
            ("one that ends soon", Reason::Rhythm, hours(2), None, None, 120, Reason::Push),
            ("one that has ended", Reason::Rhythm, hours(0), None, None, 30, Reason::Rhythm),
            ("freshness beyond it", Reason::Rhythm, hours(100), None, minutes(600), 600, Reason::Cache),
            ("a target", Reason::Rhythm, None, minutes(10), None, 10, Reason::Target),
            ("a target below the least interval", Reason::Rhythm, None, minutes(1), None, 5, Reason::Target),
            ("a target above the interval", Reason::Rhythm, None, minutes(60), None, 30, Reason::Rhythm),
            ("a target against ttl", Reason::Ttl, None, minutes(10), None, 30, Reason::Ttl),
            ("a target against freshness", Reason::Rhythm, None, minutes(10), minutes(20), 20, Reason::Cache),
        ] {
            let holds = Holds { push_until, target, fresh, ..Holds::default() };
            let next = next_poll(&config, now(), (Duration::from_secs(1800), reason), &holds, 0.0);
            assert_eq!((next.at, next.reason), (now() + Duration::from_secs(60 * wait), expected), "{name}");
            assert_eq!(next.interval, Duration::from_secs(1800), "{name}: the interval stays the feed's own");
        }
    }

    #[test]
    fn skipped_hours_and_days_are_left_out() {
        let config = IngestConfig::default();
        // 20:30 on a Monday, so the interval alone would give 21:00.
        for (hours, days, at) in [
            (vec![], vec![], "2026-11-23T21:00:00Z"),
            (vec![20], vec![], "2026-11-23T21:00:00Z"),
            (vec![21, 22], vec![], "2026-11-23T23:00:00Z"),
            (vec![21, 22, 23, 24, 1], vec![], "2026-11-24T02:00:00Z"),
            (vec![], vec!["Monday", "tuesday"], "2026-11-25T00:00:00Z"),
            ((0..24).collect(), vec![], "2026-11-23T21:00:00Z"),
        ] {
            let days: Vec<String> = days.into_iter().map(str::to_owned).collect();
            let holds = Holds { skip_hours: &hours, skip_days: &days, ..Holds::default() };
            let next = next_poll(&config, now(), (Duration::from_secs(1800), Reason::Default), &holds, 0.0);
            assert_eq!(next.at, at.parse().unwrap(), "{hours:?} {days:?}");
        }
    }

    #[test]
    fn failures_back_off_to_a_day() {
        let config = IngestConfig::default();
        for (failures, minutes) in [(0, 30), (1, 30), (2, 60), (3, 120), (6, 960), (7, 1440), (u32::MAX, 1440)] {
            let next = after_failure(&config, now(), Duration::from_secs(1800), failures, 0.0);
            assert_eq!(next.at, now() + Duration::from_secs(60 * minutes), "{failures}");
        }
    }
}
