//! The habits of a batch's feeds: looked at before anything of the batch is judged.

use carewire_schemas::{Change, EntryId, FeedId, Via};
use carewire_store::{FeedHold, FeedStanding, NewHold};
use rustc_hash::FxHashMap;

use super::{Prepared, Standings, item::sites, work::Desk};
use crate::{
    metrics,
    policy::{
        Policy,
        habit::{Habit, same_site},
    },
};

/// What is known of habits after a batch.
#[derive(Default)]
pub struct Known {
    /// Habits that moved.
    pub habits: Vec<(FeedId, String)>,
    /// Feeds that broke theirs.
    pub holds: Vec<NewHold>,
    /// The standings with these holds, where there are any.
    pub standings: Option<Standings>,
}

/// A feed of the batch.
struct Feed {
    habit: Habit,
    holds: Vec<FeedHold>,
    own: Vec<String>,
}

impl Feed {
    fn of(standing: &FeedStanding) -> Self {
        let habit = Habit::read(standing.habit.as_deref());
        Self { habit, holds: standing.holds.clone(), own: sites(standing).collect() }
    }
}

/// Goes through the entries in order. Entries of history teach only; repeats, deletions and what is run again say nothing.
pub fn look(policy: &Policy, batch: &[Prepared], desk: &Desk, standings: &Standings) -> Known {
    let config = &policy.config().habits;
    let mut known = Known::default();
    if !config.enabled {
        return known;
    }
    let mut feeds: FxHashMap<FeedId, Feed> = FxHashMap::default();
    let mut placed: FxHashMap<EntryId, (i64, u32)> = FxHashMap::default();
    for entry in batch {
        let tagged = &entry.tagged;
        let Some(standing) = standings.get(&tagged.feed) else { continue };
        if tagged.change == Change::Deleted || tagged.via == Via::Rerun {
            continue;
        }
        let stored = || desk.source(tagged.entry).map(|(_, version, run)| (version, run));
        let before = placed.get(&tagged.entry).copied().or_else(stored);
        if before.is_some_and(|before| (tagged.version, tagged.pipeline.run) <= before) {
            continue;
        }
        placed.insert(tagged.entry, (tagged.version, tagged.pipeline.run));
        let feed = feeds.entry(tagged.feed).or_insert_with(|| Feed::of(standing));
        let own = |host: &str| feed.own.iter().any(|own| same_site(host, own));
        let (published, new) = (entry.published(), before.is_none());
        if tagged.history {
            feed.habit.settle(&feed.holds);
            if new {
                feed.habit.learn(&entry.signals, published, &own);
            }
            continue;
        }
        let when = (tagged.seen, published, new);
        let Some(hold) = feed.habit.observe(config, &entry.signals, when, &feed.holds, &own) else { continue };
        for mark in &hold.marks {
            metrics::HABIT_BREAKS.with_label_values(&[mark]).inc();
        }
        tracing::warn!(feed = standing.url, organization = standing.slug, why = hold.why, "a feed is held");
        feed.holds.push(hold.clone());
        let held = known.standings.get_or_insert_with(|| standings.clone());
        if let Some(standing) = held.get_mut(&tagged.feed) {
            standing.holds.push(hold.clone());
        }
        known.holds.push(NewHold { feed: tagged.feed, organization: standing.organization, hold });
    }
    known.habits = feeds.into_iter().map(|(id, feed)| (id, feed.habit.write())).collect();
    known.habits.sort_unstable_by_key(|(feed, _)| *feed);
    known
}
