//! The pure core of grouping.

use std::sync::Arc;

use carewire_schemas::{Change, ItemId, ItemV1, Joined, JoinedBy, StoryId, TaggedV1, TraceParent};
use carewire_store::{GroupBatch, GroupState, GroupWindowRow};
use jiff::Timestamp;

use super::{
    copies::Sketch,
    habits::{Known, look},
    identity::{self, Keys},
    index::Index,
    item::{Built, Judge, Standings, origin},
    member::{Damaged, Member},
    packed::Packed,
    stories::{Counts, counts},
    work::{Desk, Outcome, Work},
};
use crate::{
    metrics,
    policy::{
        Policy, PolicyConfig,
        habit::Signals,
        words::{Found, FoundWord},
    },
};

/// A tagged entry with what grouping reads of it.
pub struct Prepared {
    /// The entry.
    pub tagged: TaggedV1,
    /// The trace of its record.
    pub trace: TraceParent,
    /// By what its item may be known.
    pub keys: Keys,
    counts: Counts,
    sketch: Sketch,
    /// Copies in the window as it was before the batch, with when they were published.
    settled: Vec<(i64, ItemId)>,
    words: Vec<FoundWord>,
    pub(super) signals: Signals,
}

impl Prepared {
    /// Reads an entry under the rules that come with the program.
    #[must_use]
    pub fn new(tagged: TaggedV1, trace: TraceParent) -> Self {
        Self::under(Policy::bundled(), tagged, trace)
    }

    /// Reads an entry: keys, terms of title and lead, sketch of the text, blocked words. Needs no state, so it may run in
    /// parallel.
    #[must_use]
    pub fn under(policy: &Policy, tagged: TaggedV1, trace: TraceParent) -> Self {
        let (words, settled) = (Vec::new(), Vec::new());
        if tagged.change == Change::Deleted {
            let (keys, counts, sketch) = (Keys::new(), Counts::new(), Sketch::default());
            return Self { tagged, trace, keys, counts, sketch, settled, words, signals: Signals::default() };
        }
        let Found { rules: words, unusual } = policy.words().find(&tagged.cleaned.title, &tagged.cleaned.text);
        let signals = Signals::of(&tagged, unusual);
        let keys = identity::keys(&tagged);
        let counts = counts(&tagged.cleaned.title, &tagged.cleaned.text);
        let sketch = Sketch::of(&tagged.cleaned.text);
        Self { tagged, trace, keys, counts, sketch, settled, words, signals }
    }

    pub(super) fn published(&self) -> i64 {
        self.tagged.cleaned.published.unwrap_or(self.tagged.seen).as_millisecond()
    }
}

/// What comes of a batch.
#[derive(Default, Debug)]
pub struct Step {
    /// What the store shall know; positions are the caller's to add.
    pub batch: GroupBatch,
    /// The items to produce, each once, in the state after the batch.
    pub items: Vec<(ItemV1, TraceParent)>,
}

/// What comes of a batch cannot be said.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// What is stored cannot be read.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// Out of memory for the compressor.
    #[error("compressing: {0}")]
    Compress(#[from] std::io::Error),
}

/// Decides which entries are one item and which items one story. One per active worker.
pub struct Grouper {
    index: Index,
    compressor: zstd::bulk::Compressor<'static>,
    policy: Arc<Policy>,
    now: Timestamp,
}

impl Grouper {
    /// A grouper with an empty window, under the rules that come with the program, for which all embargoes are over.
    ///
    /// # Errors
    /// When the compressor cannot be made, for want of memory.
    pub fn new() -> std::io::Result<Self> {
        let policy = Policy::new(PolicyConfig::default()).map_err(std::io::Error::other)?;
        Self::under(Arc::new(policy))
    }

    /// A grouper with an empty window, for which all embargoes are over until [`Grouper::at`] says what time it is.
    ///
    /// # Errors
    /// When the compressor cannot be made, for want of memory.
    pub fn under(policy: Arc<Policy>) -> std::io::Result<Self> {
        let compressor = zstd::bulk::Compressor::new(1)?;
        Ok(Self { index: Index::default(), compressor, policy, now: Timestamp::MAX })
    }

    /// Says what time it is: embargoes end.
    pub fn at(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Enters what the store holds of the window, in the order in which the store gives it.
    pub fn load(&mut self, rows: &[GroupWindowRow]) {
        for row in rows {
            if let Some(packed) = Packed::read(&row.index) {
                self.index.insert(row.item, row.story, row.published, packed);
            }
        }
        self.index.settle();
        metrics::WINDOW.set(i64::try_from(self.index.len()).unwrap_or(i64::MAX));
    }

    /// Items in the window.
    #[must_use]
    pub fn window(&self) -> usize {
        self.index.len()
    }

    /// Looks for what the entries of a batch may be copies of: these items must be in the state given to
    /// [`Grouper::step`]. To be called before each step.
    pub fn seek(&mut self, batch: &mut [Prepared]) -> Vec<ItemId> {
        self.index.settle();
        let mut all = Vec::new();
        for entry in batch.iter_mut().filter(|entry| !entry.sketch.is_empty()) {
            entry.settled = self.index.settled_copies(&entry.sketch, entry.published());
            all.extend(entry.settled.iter().map(|(_, item)| *item));
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Groups a batch. `state` is what the store knows of its entries, its keys and what [`Grouper::seek`] found; `standings` those of
    /// the batch's feeds and of all feeds in `state`. The index has moved on after it: the result must reach the store,
    /// by trying again if need be, or the grouper be made anew.
    ///
    /// # Errors
    /// When what is stored cannot be read.
    pub fn step(&mut self, batch: Vec<Prepared>, state: GroupState, standings: &Standings) -> Result<Step, StepError> {
        let mut desk = Desk::new(state);
        let policy = self.policy.clone();
        // All of the batch first: what a feed brings with the entry that breaks its habits shall not get out before it.
        let Known { habits, holds, standings: held } = look(&policy, &batch, &desk, standings);
        let judge = Judge { policy: &policy, standings: held.as_ref().unwrap_or(standings), now: self.now };
        for entry in batch {
            let effect = self.place(&mut desk, entry, judge)?;
            metrics::GROUPED.with_label_values(&[effect]).inc();
        }
        let mut step = self.conclude(desk, judge, true)?;
        (step.batch.habits, step.batch.holds) = (habits, holds);
        Ok(step)
    }

    /// Looks again at the items in `state`, because standings changed. Produces those that changed; with `all`, all.
    ///
    /// # Errors
    /// When what is stored cannot be read.
    pub fn reconsider(&mut self, state: GroupState, standings: &Standings, all: bool) -> Result<Step, StepError> {
        let mut desk = Desk::new(state);
        for item in desk.stored_items() {
            desk.touch(item, TraceParent::new())?;
        }
        let policy = self.policy.clone();
        self.conclude(desk, Judge { policy: &policy, standings, now: self.now }, all)
    }

    /// Puts one entry where it belongs; says what came of it, for the metric.
    fn place(&mut self, desk: &mut Desk, entry: Prepared, judge: Judge<'_>) -> Result<&'static str, Damaged> {
        let Prepared { tagged, trace, .. } = &entry;
        let (id, version, run) = (tagged.entry, tagged.version, tagged.pipeline.run);
        if let Some((item, have_version, have_run)) = desk.source(id) {
            if (version, run) <= (have_version, have_run) {
                desk.touch(item, *trace)?;
                return Ok("repeat");
            }
            desk.place(id, item, version, run);
            return self.renew(desk, item, entry, judge);
        }
        if tagged.change == Change::Deleted {
            // Never seen, so nobody has it.
            return Ok("removed");
        }
        if let Some((item, joined)) = self.find(desk, &entry)? {
            desk.place(id, item, version, run);
            desk.name(&entry.keys, item);
            let Some(work) = desk.touch(item, *trace)? else { return Err(Damaged::new(item, "it is missing")) };
            self.put(work, entry, Some(joined), judge);
            return Ok("copy");
        }
        let published = entry.published();
        let (history, seen) = (tagged.history, tagged.seen);
        let item = ItemId::derive(id);
        let terms = self.index.weigh(&entry.counts);
        let (story, likeness) = match self.index.story(&terms, published) {
            Some((mean, story)) => {
                metrics::SAME_STORY.inc();
                // Two digits: more says nothing to people.
                (story, Some((mean * 100.0).round() / 100.0))
            }
            None => (StoryId::derive(item), None),
        };
        self.index.insert(item, story, seen.as_millisecond(), Packed::new(published, &terms, &entry.sketch));
        desk.place(id, item, version, run);
        desk.name(&entry.keys, item);
        let member = Member::new(entry.tagged, entry.words);
        desk.add(Work::new(member, (story, likeness), history, seen, entry.trace));
        Ok("new")
    }

    /// A newer revision of a known entry.
    fn renew(
        &mut self,
        desk: &mut Desk,
        item: ItemId,
        entry: Prepared,
        judge: Judge<'_>,
    ) -> Result<&'static str, Damaged> {
        let id = entry.tagged.entry;
        let deleted = entry.tagged.change == Change::Deleted;
        if !deleted {
            desk.name(&entry.keys, item);
        }
        let Some(work) = desk.touch(item, entry.trace)? else { return Err(Damaged::new(item, "it is missing")) };
        let Some(old) = work.members.iter().find(|member| member.entry == id) else {
            return Err(Damaged::new(id, "its item does not know it"));
        };
        if deleted {
            // What a deletion says of the content is nothing, or less than what was there.
            let mut member = old.clone();
            member.deleted = Some(entry.tagged.seen);
            member.reason = entry.tagged.reason;
            member.version = entry.tagged.version;
            member.pipeline.run = entry.tagged.pipeline.run;
            work.put(member);
            return Ok("removed");
        }
        let joined = old.joined;
        self.put(work, entry, joined, judge);
        Ok("changed")
    }

    /// Makes an entry a member of an item; the index follows at once where the entry is the origin.
    fn put(&mut self, work: &mut Work, entry: Prepared, joined: Option<Joined>, judge: Judge<'_>) {
        let (id, published) = (entry.tagged.entry, entry.published());
        work.put(Member { joined, ..Member::new(entry.tagged, entry.words) });
        if origin(&work.members, judge) == Some(id) {
            let terms = self.index.weigh(&entry.counts);
            let packed = Packed::new(published, &terms, &entry.sketch);
            self.index.insert(work.fixed.item, work.fixed.story, work.entered, packed);
        }
    }

    /// The item that a new entry belongs to: by a key, else by its text.
    fn find(&self, desk: &mut Desk, entry: &Prepared) -> Result<Option<(ItemId, Joined)>, Damaged> {
        let (feed, title) = (entry.tagged.feed, entry.tagged.cleaned.title.as_str());
        for key in &entry.keys {
            let Some(item) = desk.identity(key) else { continue };
            let Some(work) = desk.look(item)? else { continue };
            // Feeds whose entries all link to one page have entries all the same: there the title must agree as well.
            let (known, same_title) = work.of_feed(feed, title);
            if !identity::is_address(key) || !known || same_title {
                return Ok(Some((item, Joined { by: identity::says(key), measure: None })));
            }
        }
        if entry.sketch.is_empty() {
            return Ok(None);
        }
        for item in self.index.copies(&entry.settled, &entry.sketch, entry.published()) {
            // A feed's own texts after one pattern (announcements, reports) are no copies of each other.
            if desk.look(item)?.is_some_and(|work| !work.of_feed(feed, title).0) {
                let measure = self.index.containment(item, &entry.sketch);
                return Ok(Some((item, Joined { by: JoinedBy::Text, measure })));
            }
        }
        Ok(None)
    }

    /// Writes up all items touched; `all` are produced, or only those that changed.
    fn conclude(&mut self, mut desk: Desk, judge: Judge<'_>, all: bool) -> Result<Step, StepError> {
        let mut step = Step::default();
        for id in std::mem::take(&mut desk.touched) {
            let Some(mut work) = desk.take(id) else { continue };
            let Some(Outcome { built: Built { origin, item, due }, changed }) = work.conclude(judge) else { continue };
            if changed || !work.changed.is_empty() {
                let (row, sources) = work.rows(&mut self.compressor, origin, &item, self.index.packed(id))?;
                step.batch.items.push(row);
                step.batch.sources.extend(sources);
            }
            if due.is_some() || work.waited() {
                step.batch.due.push((id, due.map(Timestamp::as_millisecond)));
            }
            if changed || all {
                let state = match (&item.withdrawn, item.outcome.state) {
                    (Some(_), _) => "withdrawn",
                    (None, carewire_schemas::OutcomeState::Curated) => "curated",
                    (None, carewire_schemas::OutcomeState::Held) => "held",
                    (None, carewire_schemas::OutcomeState::Refused) => "refused",
                };
                metrics::ITEMS.with_label_values(&[state]).inc();
                step.items.push((item, work.trace));
            }
        }
        step.batch.identities = desk.keys;
        metrics::WINDOW.set(i64::try_from(self.index.len()).unwrap_or(i64::MAX));
        Ok(step)
    }
}
