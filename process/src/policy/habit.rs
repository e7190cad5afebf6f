//! What a feed is used to do, and when it does what it never did: one hacked feed must not reach a hundred sites.
//!
//! Of each feed four shares are kept: entries with links to hosts new to it, entries in a language unusual for it, entries that
//! name no condition or topic, entries with unusual words. What an entry does that the feed seldom does is a surprise
//! of −ln(share), summed by a one-sided cumulative sum (CUSUM; Page, Biometrika 1954), off which each entry takes an allowance. Beside that
//! a burst is many times the feed's usual number of entries within a day. Entries of history teach and never surprise. While
//! a feed is held, what it does is learned aside: it becomes habit only when a curator says that all is well.

use carewire_schemas::{Cleaned, TaggedV1};
use carewire_store::FeedHold;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::HabitsConfig;

/// Marks of a break, by name.
pub const MARKS: [&str; 5] = ["domains", "language", "no-health", "words", "burst"];
const BURST: usize = 4;

/// Hosts kept of a feed; those least used leave.
const HOSTS: usize = 48;
/// Languages kept of a feed.
const LANGUAGES: usize = 8;
/// Entries after which the figures are halved, so that habits may change over time.
const AGEING: u32 = 1_000;
/// The first entries have new hosts and languages by nature.
const WARM: u32 = 5;
/// Hosts looked at in one entry.
const ENTRY_HOSTS: usize = 8;
/// What each entry takes off the sum: as much as the four marks surprise on average at most (−p ln p ≤ 1/e each).
const ALLOWANCE: f32 = 1.5;
/// A host belongs to a feed from its third entry on: the first entry of an attacker does not make the rest usual.
const HOST_KNOWN: u32 = 3;
const DAY: f64 = 86_400_000.0;

/// What of an entry habits are about. Made without knowing the feed.
#[derive(Clone, Default, Debug)]
pub struct Signals {
    hosts: SmallVec<[String; 2]>,
    language: Option<String>,
    health: bool,
    unusual_words: bool,
}

impl Signals {
    /// Reads an entry; `unusual_words` as found in it.
    #[must_use]
    pub fn of(tagged: &TaggedV1, unusual_words: bool) -> Self {
        let cleaned = &tagged.cleaned;
        let mut hosts = SmallVec::new();
        let mut add = |address: &str| {
            if let Some(host) = host(address)
                && hosts.len() < ENTRY_HOSTS
                && !hosts.iter().any(|have: &String| have == host)
            {
                hosts.push(host.to_owned());
            }
        };
        cleaned.url.iter().for_each(|url| add(url));
        links(cleaned).for_each(&mut add);
        Self {
            hosts,
            language: cleaned.language.as_deref().map(|tag| tag.split('-').next().unwrap_or(tag).to_ascii_lowercase()),
            health: cleaned.conditions.iter().any(|tag| !tag.negated),
            unusual_words,
        }
    }
}

/// The addresses that the sanitised HTML links to.
fn links(cleaned: &Cleaned) -> impl Iterator<Item = &str> {
    const LINK: &str = "href=\"http";
    memchr::memmem::find_iter(cleaned.html.as_bytes(), LINK).filter_map(|at| {
        let address = cleaned.html.get(at + LINK.len() - 4..)?;
        address.split('"').next()
    })
}

/// Host of an address, without `www.`; in lower case, as sanitised addresses are.
fn host(address: &str) -> Option<&str> {
    let rest = address.split_once("://")?.1;
    let end = rest.find(['/', '?', '#', ':']).unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next().unwrap_or_default();
    let host = host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host);
    (!host.is_empty() && host.len() <= 253).then_some(host)
}

/// What a feed is used to do.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Habit {
    /// Entries learned.
    n: u32,
    /// Hosts linked to, with how many entries did.
    hosts: Vec<(String, u32)>,
    /// Languages, with how many entries were in them.
    languages: Vec<(String, u32)>,
    /// Entries with each of the first four marks, after the first few.
    marked: [u32; 4],
    /// The oldest publication learned, in milliseconds since the epoch: how many entries a day are usual.
    oldest: i64,
    /// New entries of the last day, fading; when that was; since when it is above one; entries known then.
    day: f64,
    at: i64,
    busy_since: i64,
    known: u32,
    /// The cumulative sum, since when it is above 0, and the marks that made it.
    sum: f32,
    sum_since: i64,
    sum_marks: [u16; 4],
    /// What was habit before what made the sum.
    before: Option<Box<Habit>>,
    /// What was learned since a hold began, and when that was.
    aside: Option<Box<Habit>>,
    aside_since: i64,
}

impl Habit {
    /// Reads what the store keeps; a habit that cannot be read begins anew.
    #[must_use]
    pub fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// As the store keeps it.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Brings it in line with what curators made of the feed's holds.
    pub fn settle(&mut self, holds: &[FeedHold]) {
        if self.aside.is_none() || holds.iter().any(|hold| hold.until.is_none()) {
            return;
        }
        let kept = holds.iter().any(|hold| hold.since.as_millisecond() == self.aside_since);
        let aside = self.aside.take().map(|aside| *aside).unwrap_or_default();
        let before = self.before.take();
        if !kept {
            self.absorb(aside);
        } else if let Some(before) = before {
            (self.n, self.hosts, self.languages) = (before.n, before.hosts, before.languages);
            (self.marked, self.oldest) = (before.marked, before.oldest);
        }
        (self.sum, self.sum_since, self.sum_marks) = (0.0, 0, [0; 4]);
        (self.day, self.busy_since) = (0.0, 0);
    }

    fn absorb(&mut self, aside: Self) {
        self.n += aside.n;
        aside.hosts.into_iter().for_each(|(host, count)| count_in(&mut self.hosts, host, count, HOSTS));
        aside.languages.into_iter().for_each(|(tag, count)| count_in(&mut self.languages, tag, count, LANGUAGES));
        for (mine, theirs) in self.marked.iter_mut().zip(aside.marked) {
            *mine += theirs;
        }
    }

    /// Learns from an entry without judging it.
    pub fn learn(&mut self, signals: &Signals, published: i64, own: &dyn Fn(&str) -> bool) {
        let marks = self.marks(signals, own);
        if self.n >= WARM {
            for (count, marked) in self.marked.iter_mut().zip(marks) {
                *count += u32::from(marked);
            }
        } else {
            // What is no matter of knowing the feed counts from the first entry on.
            self.marked[2] += u32::from(marks[2]);
            self.marked[3] += u32::from(marks[3]);
        }
        self.n += 1;
        self.oldest = if self.n == 1 { published } else { self.oldest.min(published) };
        for host in signals.hosts.iter().filter(|host| !own(host)) {
            count_in(&mut self.hosts, host.clone(), 1, HOSTS);
        }
        if let Some(language) = &signals.language {
            count_in(&mut self.languages, language.clone(), 1, LANGUAGES);
        }
        if self.n > AGEING {
            self.n /= 2;
            self.marked.iter_mut().for_each(|count| *count /= 2);
            self.hosts.iter_mut().chain(&mut self.languages).for_each(|(_, count)| *count = (*count / 2).max(1));
            self.oldest = self.oldest.midpoint(published);
        }
    }

    /// Which of the first four marks an entry bears.
    fn marks(&self, signals: &Signals, own: &dyn Fn(&str) -> bool) -> [bool; 4] {
        let known = |host: &String| {
            own(host) || self.hosts.iter().any(|(have, count)| *count >= HOST_KNOWN && same_site(have, host))
        };
        let language = signals.language.as_ref().is_some_and(|language| {
            let count = self.languages.iter().find(|(have, _)| have == language).map_or(0, |(_, count)| *count);
            count * 20 < self.n.max(1)
        });
        [!signals.hosts.iter().all(known), language, !signals.health, signals.unusual_words]
    }

    /// Judges an entry, then learns from it. `new`: not seen before in this feed. Answers the hold when this is a break of
    /// habit, whose beginning may lie before this entry. While the feed is held, nothing is judged.
    pub fn observe(
        &mut self,
        config: &HabitsConfig,
        signals: &Signals,
        (seen, published, new): (Timestamp, i64, bool),
        holds: &[FeedHold],
        own: &dyn Fn(&str) -> bool,
    ) -> Option<FeedHold> {
        self.settle(holds);
        if let Some(aside) = &mut self.aside {
            aside.learn(signals, published, own);
            return None;
        }
        let found = self.judge(config, signals, (seen, published, new), own);
        if let Some(hold) = &found {
            self.aside_since = hold.since.as_millisecond();
            let mut aside = Self::default();
            aside.learn(signals, published, own);
            self.aside = Some(Box::new(aside));
        } else if new {
            self.learn(signals, published, own);
        }
        found
    }

    fn judge(
        &mut self,
        config: &HabitsConfig,
        signals: &Signals,
        (seen, published, new): (Timestamp, i64, bool),
        own: &dyn Fn(&str) -> bool,
    ) -> Option<FeedHold> {
        let now = seen.as_millisecond();
        let burst = new && self.is_burst(config, now, published);
        let marks = if self.n >= config.learn { self.marks(signals, own) } else { [false; 4] };
        let tried = self.n.saturating_sub(WARM) as f32;
        let surprise: f32 = (0..4)
            .filter(|mark| marks[*mark])
            .map(|mark| -(((self.marked[mark] + 1) as f32 / (tried + 2.0)).min(1.0)).ln())
            .sum();
        let gain = surprise - ALLOWANCE;
        if gain > 0.0 {
            if self.sum <= 0.0 {
                (self.sum_since, self.sum_marks) = (now, [0; 4]);
                self.before = Some(Box::new(Self { before: None, ..self.clone() }));
            }
            self.sum_since = self.sum_since.min(now);
            for (count, marked) in self.sum_marks.iter_mut().zip(marks) {
                *count = count.saturating_add(u16::from(marked));
            }
        }
        self.sum = (self.sum + gain).max(0.0);
        if self.sum <= 0.0 {
            self.before = None;
        }
        let surprised = gain > 0.0 && self.sum >= (config.once_in as f32).ln();
        if !surprised && !burst {
            return None;
        }
        let mut since = i64::MAX;
        let mut marks: Vec<String> = Vec::new();
        let mut why: Vec<String> = Vec::new();
        if burst {
            since = since.min(self.busy_since);
            marks.push(MARKS[BURST].to_owned());
            why.push(format!("{} new entries within a day, where {:.1} are usual", self.day.round(), self.usual(now)));
        }
        if surprised {
            since = since.min(self.sum_since);
            let words = ["links to hosts new to it", "another language", "no condition or topic", "unusual words"];
            for (mark, words) in words.iter().enumerate().filter(|(mark, _)| self.sum_marks[*mark] > 0) {
                marks.push(MARKS[mark].to_owned());
                why.push(format!("{words} (entries: {})", self.sum_marks[mark]));
            }
        }
        let why = format!("The feed does what it never did: {}.", why.join("; "));
        let since = Timestamp::from_millisecond(since).unwrap_or(seen).min(seen);
        Some(FeedHold { since, until: None, marks, why, found_at: seen })
    }

    /// Entries a day that are usual.
    fn usual(&self, now: i64) -> f64 {
        let days = ((now - self.oldest) as f64 / DAY).max(1.0);
        f64::from(self.known.max(1)) / days
    }

    fn is_burst(&mut self, config: &HabitsConfig, now: i64, published: i64) -> bool {
        // What lay unread for days, as after an outage, is no burst.
        if now - published > 3 * DAY as i64 {
            return false;
        }
        let passed = ((now - self.at) as f64 / DAY).max(0.0);
        self.day *= (-passed).exp();
        if self.day < 1.0 {
            (self.busy_since, self.known) = (now, self.n);
        }
        self.busy_since = self.busy_since.min(now);
        self.day += 1.0;
        self.at = self.at.max(now);
        self.known >= config.learn
            && self.day > f64::from(config.burst)
            && self.day > f64::from(config.burst_times) * self.usual(now)
    }
}

/// Counts a name in; where there is no room, the least counted leaves.
fn count_in(list: &mut Vec<(String, u32)>, name: String, by: u32, most: usize) {
    if let Some((_, count)) = list.iter_mut().find(|(have, _)| *have == name) {
        *count += by;
        return;
    }
    if list.len() >= most
        && let Some(least) = list.iter().enumerate().min_by_key(|(_, (_, count))| *count).map(|(at, _)| at)
    {
        list.swap_remove(least);
    }
    list.push((name, by));
}

/// The same host, or one below the other.
#[must_use]
pub fn same_site(a: &str, b: &str) -> bool {
    let below = |a: &str, b: &str| b.contains('.') && a.strip_suffix(b).is_some_and(|head| head.ends_with('.'));
    a == b || below(a, b) || below(b, a)
}

#[cfg(test)]
mod tests;
