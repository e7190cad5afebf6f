//! How soon a new entry was seen, and who owes what of the delay: pure functions over times.
//!
//! The time from an entry's own date to its acknowledgement on the bus is cut into stretches, each owed by one party:
//!
//! ```text
//! dated ─────────► could be seen ─────────► due ────────► claimed ────────► answered ────────► on the bus
//!       publisher               schedule*        queue             host               queue
//! ```
//!
//! An entry could be seen from its date on, but not before the last poll at which it was not there yet. *The wait for the next
//! poll is our schedule's, unless the publisher asked for it (freshness, ttl, skipped hours), the host made us wait (Retry-After,
//! failures), or a hub had promised to tell us.

use std::time::Duration;

use carewire_store::{Feed, FreshnessTally};
use jiff::Timestamp;

use crate::metrics;

/// Older dates say when something was written, not when it was published here.
const OLDEST: Duration = Duration::from_secs(7 * 86_400);

/// Who owes a delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Dated it earlier than it was shown, or asked to be polled rarely.
    Publisher,
    /// Promised to tell, and did not.
    Hub,
    /// Its pauses, its slowness, its Retry-After.
    Host,
    /// The interval that we chose.
    Schedule,
    /// Our workers were busy.
    Queue,
}

impl Owner {
    pub(crate) const ALL: [Owner; 5] = [Owner::Publisher, Owner::Hub, Owner::Host, Owner::Schedule, Owner::Queue];

    /// The label of metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Owner::Publisher => "publisher",
            Owner::Hub => "hub",
            Owner::Host => "host",
            Owner::Schedule => "schedule",
            Owner::Queue => "queue",
        }
    }

    /// Who owes the wait for a poll that was scheduled for this reason ([`crate::schedule::Reason`] by name).
    fn of_reason(reason: &str) -> Owner {
        match reason {
            "cache" | "ttl" | "update-period" | "skip" => Owner::Publisher,
            "retry-after" | "failure" | "busy" => Owner::Host,
            "push" => Owner::Hub,
            _ => Owner::Schedule,
        }
    }
}

/// When what happened with a poll.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// When it was due, and why then.
    pub(crate) due: Timestamp,
    pub(crate) reason: String,
    /// When a worker took it.
    pub(crate) claimed: Timestamp,
    /// When the answer had come.
    pub(crate) answered: Timestamp,
    /// The last poll before that succeeded.
    pub(crate) last_look: Option<Timestamp>,
}

impl Visit {
    /// The visit of a claimed feed that is asked now.
    pub(crate) fn begin(feed: &Feed, claimed: Timestamp) -> Visit {
        let now = Timestamp::now();
        let (due, reason) = (feed.next_poll, feed.next_reason.clone());
        Visit { due, reason, claimed, answered: now, last_look: feed.last_success }
    }
}

/// The delay of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delay {
    /// From its own date.
    pub(crate) total: Duration,
    /// From when it could first have been seen.
    pub(crate) possible: Duration,
    /// Who owes what of the first, in the order of [`Owner::ALL`].
    pub(crate) owed: [Duration; 5],
}

/// The delay of an entry with that date, on the bus at `done`. None where the date tells nothing: missing, in the future, or old.
pub(crate) fn delay(published: Option<Timestamp>, visit: &Visit, done: Timestamp) -> Option<Delay> {
    let dated = published.filter(|&dated| dated <= done)?;
    let total = between(dated, done);
    if total > OLDEST {
        return None;
    }
    let possible = visit.last_look.map_or(dated, |look| look.max(dated)).min(done);
    let mut owed = [Duration::ZERO; 5];
    let mut at = dated;
    for (until, owner) in [
        (possible, Owner::Publisher),
        (visit.due, Owner::of_reason(&visit.reason)),
        (visit.claimed, Owner::Queue),
        (visit.answered, Owner::Host),
        (done, Owner::Queue),
    ] {
        let until = until.min(done);
        if until > at {
            owed[owner as usize] += between(at, until);
            at = until;
        }
    }
    Some(Delay { total, possible: between(possible, done), owed })
}

/// Tells metrics of the delays of new entries, and sums them up for the feed's report.
pub(crate) fn tally(dates: &[Option<Timestamp>], visit: &Visit, done: Timestamp, target: Duration) -> FreshnessTally {
    let mut tally = FreshnessTally { entries: count(dates.len()), ..FreshnessTally::default() };
    for delay in dates.iter().filter_map(|&date| delay(date, visit, done)) {
        let met = delay.total <= target;
        tally.timed += 1;
        tally.in_target += i64::from(met);
        tally.delay_ms += millis(delay.total);
        let [publisher, hub, host, schedule, queue] = delay.owed.map(millis);
        tally.publisher_ms += publisher;
        tally.hub_ms += hub;
        tally.host_ms += host;
        tally.schedule_ms += schedule;
        tally.queue_ms += queue;
        metrics::DELAY.with_label_values(&["date"]).observe(delay.total.as_secs_f64());
        metrics::DELAY.with_label_values(&["possible"]).observe(delay.possible.as_secs_f64());
        metrics::TARGET.with_label_values(&[if met { "met" } else { "missed" }]).inc();
        for owner in Owner::ALL {
            metrics::OWED.with_label_values(&[owner.name()]).inc_by(delay.owed[owner as usize].as_secs_f64());
        }
    }
    tally
}

/// How soon entries of the feed should be seen.
pub(crate) fn target(feed: &Feed, configured: Duration) -> Duration {
    feed.target_s.and_then(|seconds| u64::try_from(seconds).ok()).map_or(configured, Duration::from_secs)
}

fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes after a moment.
    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + 60 * minute).unwrap()
    }

    fn visit(reason: &str) -> Visit {
        Visit { due: at(30), reason: reason.to_owned(), claimed: at(31), answered: at(34), last_look: Some(at(0)) }
    }

    #[test]
    fn each_stretch_has_its_owner() {
        // Publisher, hub, host, schedule, queue: in minutes.
        for (name, published, reason, owed) in [
            ("published right after the last look", 0, "rhythm", [0, 0, 3, 30, 2]),
            ("published between two looks", 20, "rhythm", [0, 0, 3, 10, 2]),
            ("dated an hour before it was shown", -60, "interval", [60, 0, 3, 30, 2]),
            ("the publisher asked for the pause", 10, "ttl", [20, 0, 3, 0, 2]),
            ("fresh by its header", 10, "cache", [20, 0, 3, 0, 2]),
            ("the host sent us away", 10, "retry-after", [0, 0, 23, 0, 2]),
            ("the hub kept silent", 10, "push", [0, 20, 3, 0, 2]),
            ("published when it was due already", 32, "rhythm", [0, 0, 2, 0, 1]),
        ] {
            let delay = delay(Some(at(published)), &visit(reason), at(35)).unwrap();
            assert_eq!(delay.owed.map(|owed| owed.as_secs() / 60), owed, "{name}");
            assert_eq!(delay.owed.iter().sum::<Duration>(), delay.total, "{name}: nothing is owed by nobody");
            assert_eq!(delay.possible.as_secs() / 60, (35 - published.max(0)).unsigned_abs(), "{name}");
        }
    }

    #[test]
    fn dates_that_tell_nothing_are_left_out() {
        for published in [None, Some(at(36)), Some(at(-60 * 24 * 8))] {
            assert_eq!(delay(published, &visit("rhythm"), at(35)), None, "{published:?}");
        }
        let dates = [None, Some(at(34)), Some(at(0))];
        let tally = tally(&dates, &visit("rhythm"), at(35), Duration::from_secs(900));
        assert_eq!((tally.entries, tally.timed, tally.in_target, tally.delay_ms), (3, 2, 1, 36 * 60_000));
    }
}
