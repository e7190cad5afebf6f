//! How feeds fared over time: by week, and what was found wrong with them from when to when.

use std::collections::HashSet;

use carewire_schemas::FeedId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    PollDone, Result, Store,
    db::{Row, Tx, Value, args, transaction},
};

/// Seconds of a week.
const WEEK: i64 = 7 * 86_400;

/// What new entries of one poll tell of how soon they were seen; times in milliseconds, summed over entries.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct FreshnessTally {
    /// New entries, history left out.
    pub entries: i64,
    /// Those of which a delay is known.
    pub timed: i64,
    /// Those seen within the feed's target.
    pub in_target: i64,
    /// From publication to the bus.
    pub delay_ms: i64,
    /// Of that, what the publisher owes.
    pub publisher_ms: i64,
    /// What the hub owes.
    pub hub_ms: i64,
    /// What limits of the host owe.
    pub host_ms: i64,
    /// What our schedule owes.
    pub schedule_ms: i64,
    /// What our queue owes.
    pub queue_ms: i64,
}

/// Something found wrong with a feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewFinding {
    /// Stable name, kebab-case.
    pub code: String,
    /// `error`, `warning` or `notice`.
    pub severity: String,
    /// In words.
    pub message: String,
}

/// What began and what ended to be wrong with a feed.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct FindingsChange {
    /// Found now, and not at the poll before.
    pub begun: Vec<NewFinding>,
    /// Codes of what was found before and is not now.
    pub ended: Vec<String>,
}

/// Something found wrong with a feed, from when to when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeedFinding {
    /// Stable name, kebab-case.
    pub code: String,
    /// `error`, `warning` or `notice`.
    pub severity: String,
    /// In words.
    pub message: String,
    /// When it was first found.
    pub first_at: Timestamp,
    /// Since when it is found no more; none while it is.
    pub gone_at: Option<Timestamp>,
    /// How often it came.
    pub times: i64,
}

/// How a feed fared in one week.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeedWeek {
    /// When the week began (Thursday 00:00 UTC, as the epoch did).
    pub from: Timestamp,
    /// Polls.
    pub polls: i64,
    /// Polls that failed.
    pub failed: i64,
    /// New entries, history left out.
    pub entries: i64,
    /// Those of which a delay is known.
    pub timed: i64,
    /// Those seen within the target.
    pub in_target: i64,
    /// Milliseconds from publication to the bus, summed.
    pub delay_ms: i64,
    /// Of that, what the publisher owes.
    pub publisher_ms: i64,
    /// What the hub owes.
    pub hub_ms: i64,
    /// What limits of the host owe.
    pub host_ms: i64,
    /// What our schedule owes.
    pub schedule_ms: i64,
    /// What our queue owes.
    pub queue_ms: i64,
}

/// How a feed fared over some weeks.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Fared {
    /// When the first of the weeks began; none where there are none.
    pub since: Option<Timestamp>,
    /// Polls.
    pub polls: i64,
    /// Polls that failed.
    pub failed: i64,
    /// Share of polls that were answered well, from 0 to 1; none without polls.
    pub availability: Option<f64>,
    /// New entries, history left out.
    pub entries: i64,
    /// Share of entries that were seen within the target, of those whose delay is known; none without any.
    pub in_target: Option<f64>,
    /// Seconds from publication to the bus, the mean over entries.
    pub mean_delay_s: Option<f64>,
    /// Of that, who owes how much, in seconds; the largest first, those who owe nothing left out.
    pub owed: Vec<Owed>,
}

/// Part of a delay.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Owed {
    /// `publisher`, `hub`, `host`, `schedule` or `queue`.
    pub by: String,
    /// Seconds, the mean over entries.
    pub seconds: f64,
}

impl Fared {
    /// Sums weeks up.
    #[must_use]
    pub fn over(weeks: &[FeedWeek]) -> Self {
        let sum = |of: fn(&FeedWeek) -> i64| weeks.iter().map(of).sum::<i64>();
        let (polls, failed, timed) = (sum(|w| w.polls), sum(|w| w.failed), sum(|w| w.timed));
        let share = |part: i64, whole: i64| (whole > 0).then(|| part as f64 / whole as f64);
        let mean = |millis: i64| share(millis, timed).map(|mean| mean / 1000.0);
        let owed = [
            ("publisher", sum(|w| w.publisher_ms)),
            ("hub", sum(|w| w.hub_ms)),
            ("host", sum(|w| w.host_ms)),
            ("schedule", sum(|w| w.schedule_ms)),
            ("queue", sum(|w| w.queue_ms)),
        ];
        let mut owed: Vec<Owed> = owed
            .into_iter()
            .filter(|(_, millis)| *millis > 0)
            .filter_map(|(by, millis)| Some(Owed { by: by.to_owned(), seconds: mean(millis)? }))
            .collect();
        owed.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        Self {
            since: weeks.iter().map(|week| week.from).min(),
            polls,
            failed,
            availability: share(polls - failed, polls),
            entries: sum(|w| w.entries),
            in_target: share(sum(|w| w.in_target), timed),
            mean_delay_s: mean(sum(|w| w.delay_ms)),
            owed,
        }
    }
}

fn week(row: &Row) -> Result<FeedWeek> {
    Ok(FeedWeek {
        from: Timestamp::from_second(row.int(0)?.saturating_mul(WEEK)).unwrap_or(Timestamp::MAX),
        polls: row.int(1)?,
        failed: row.int(2)?,
        entries: row.int(3)?,
        timed: row.int(4)?,
        in_target: row.int(5)?,
        delay_ms: row.int(6)?,
        publisher_ms: row.int(7)?,
        hub_ms: row.int(8)?,
        host_ms: row.int(9)?,
        schedule_ms: row.int(10)?,
        queue_ms: row.int(11)?,
    })
}

impl Store {
    /// The last weeks of a feed, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_weeks(&self, feed: FeedId, limit: usize) -> Result<Vec<FeedWeek>> {
        let sql = "SELECT week, polls, failed, entries, timed, in_target, delay_ms, publisher_ms, hub_ms, host_ms, \
                   schedule_ms, queue_ms FROM feed_weeks WHERE feed = $1 ORDER BY week DESC LIMIT $2";
        self.inner.db.fetch(sql, args![feed.0, limit]).await?.iter().map(week).collect()
    }

    /// What was found wrong with a feed: what is still so first, then what ended last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_findings(&self, feed: FeedId) -> Result<Vec<FeedFinding>> {
        let sql = "SELECT code, severity, message, first_at, gone_at, times FROM feed_findings WHERE feed = $1 \
                   ORDER BY COALESCE(gone_at, 9223372036854775807) DESC, first_at, code LIMIT 500";
        let rows = self.inner.db.fetch(sql, args![feed.0]).await?;
        rows.iter()
            .map(|row| {
                Ok(FeedFinding {
                    code: row.text(0)?,
                    severity: row.text(1)?,
                    message: row.text(2)?,
                    first_at: row.time(3)?,
                    gone_at: row.opt_time(4)?,
                    times: row.int(5)?,
                })
            })
            .collect()
    }

    /// Counts polls into their weeks.
    pub(crate) async fn write_weeks(tx: &mut Tx, done: &[PollDone], applied: &HashSet<FeedId>) -> Result<()> {
        let rows = done.iter().filter(|poll| applied.contains(&poll.feed)).flat_map(|poll| {
            let t = poll.tally;
            let week = poll.at.as_second().div_euclid(WEEK);
            args![
                poll.feed.0,
                week,
                !poll.delivered,
                !poll.ok && !poll.delivered,
                t.entries,
                t.timed,
                t.in_target,
                t.delay_ms,
                t.publisher_ms,
                t.hub_ms,
                t.host_ms,
                t.schedule_ms,
                t.queue_ms
            ]
        });
        tx.insert(
            "INSERT INTO feed_weeks (feed, week, polls, failed, entries, timed, in_target, delay_ms, publisher_ms, \
             hub_ms, host_ms, schedule_ms, queue_ms)",
            13,
            " ON CONFLICT (feed, week) DO UPDATE SET polls = feed_weeks.polls + excluded.polls, \
             failed = feed_weeks.failed + excluded.failed, entries = feed_weeks.entries + excluded.entries, \
             timed = feed_weeks.timed + excluded.timed, in_target = feed_weeks.in_target + excluded.in_target, \
             delay_ms = feed_weeks.delay_ms + excluded.delay_ms, \
             publisher_ms = feed_weeks.publisher_ms + excluded.publisher_ms, \
             hub_ms = feed_weeks.hub_ms + excluded.hub_ms, host_ms = feed_weeks.host_ms + excluded.host_ms, \
             schedule_ms = feed_weeks.schedule_ms + excluded.schedule_ms, \
             queue_ms = feed_weeks.queue_ms + excluded.queue_ms",
            rows.collect(),
        )
        .await
        .map(drop)
    }

    /// Notes something wrong with a feed that was not found by a poll; it stays until [`Store::end_finding`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_finding(&self, feed: FeedId, finding: &NewFinding) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            Self::insert_findings(&mut tx, finding_row(feed, finding, now)).await
        })
    }

    /// What [`Store::begin_finding`] noted is so no more; nothing happens where it was not noted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_finding(&self, feed: FeedId, code: &str) -> Result<()> {
        let sql = "SELECT 1 FROM feed_findings WHERE feed = $1 AND code = $2 AND gone_at IS NULL";
        if self.inner.db.fetch_opt(sql, args![feed.0, code]).await?.is_none() {
            return Ok(());
        }
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "UPDATE feed_findings SET gone_at = $3 WHERE feed = $1 AND code = $2 AND gone_at IS NULL";
            tx.execute(sql, args![feed.0, code, now]).await.map(drop)
        })
    }

    async fn insert_findings(tx: &mut Tx, rows: Vec<Value>) -> Result<()> {
        tx.insert(
            "INSERT INTO feed_findings (feed, code, severity, message, first_at, times)",
            6,
            " ON CONFLICT (feed, code) DO UPDATE SET severity = excluded.severity, message = excluded.message, \
             times = feed_findings.times + CASE WHEN feed_findings.gone_at IS NULL THEN 0 ELSE 1 END, gone_at = NULL",
            rows,
        )
        .await
        .map(drop)
    }

    /// Writes what began to be wrong with feeds, and what is so no more.
    pub(crate) async fn write_findings(tx: &mut Tx, done: &[PollDone], applied: &HashSet<FeedId>) -> Result<()> {
        let mut begun = Vec::new();
        for poll in done.iter().filter(|poll| applied.contains(&poll.feed)) {
            if !poll.findings.ended.is_empty() {
                let mut sql = tx.sql("UPDATE feed_findings SET gone_at = ");
                sql.bind(poll.at).push(" WHERE feed = ").bind(poll.feed.0).push(" AND gone_at IS NULL AND code");
                sql.texts(&poll.findings.ended);
                tx.run(sql).await?;
            }
            let mut seen = HashSet::new();
            for finding in poll.findings.begun.iter().filter(|finding| seen.insert(&finding.code)) {
                begun.append(&mut finding_row(poll.feed, finding, poll.at));
            }
        }
        Self::insert_findings(tx, begun).await
    }
}

fn finding_row(feed: FeedId, finding: &NewFinding, at: Timestamp) -> Vec<Value> {
    args![feed.0, &*finding.code, &*finding.severity, &*finding.message, at, 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_sum_up_to_shares_and_means() {
        let week = FeedWeek {
            polls: 10,
            failed: 1,
            entries: 5,
            timed: 4,
            in_target: 3,
            delay_ms: 8_000,
            publisher_ms: 2_000,
            schedule_ms: 6_000,
            ..FeedWeek::default()
        };
        let fared = Fared::over(&[week, FeedWeek { polls: 10, ..FeedWeek::default() }]);
        assert_eq!((fared.polls, fared.availability, fared.in_target), (20, Some(0.95), Some(0.75)));
        assert_eq!(fared.mean_delay_s, Some(2.0));
        let owed: Vec<_> = fared.owed.iter().map(|owed| (owed.by.as_str(), owed.seconds)).collect();
        assert_eq!(owed, [("schedule", 1.5), ("publisher", 0.5)]);
        let none = Fared::over(&[]);
        assert_eq!((none.availability, none.in_target, none.mean_delay_s), (None, None, None));
    }
}
