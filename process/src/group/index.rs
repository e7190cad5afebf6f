//! The index over the window: which items may be copies of a text, and which story it continues.
//!
//! Kept in memory by the active worker and rebuilt from the store at take-over. An item enters with what is stored as its
//! `index`: when it was published, its weighted terms and its sketch, packed ([`Packed`]). The window is by when items
//! were first seen, so that a first fetch of old entries is looked through as well; copies and stories must also have
//! been *published* within [`COPY_DAYS`] and [`STORY_DAYS`] of one another.

use std::collections::VecDeque;

use carewire_schemas::{ItemId, StoryId};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::{
    copies::{INDEXED, Sketch, containment, is_copy},
    packed::Packed,
    postings::Postings,
    stories::{Counts, Frequencies, Terms, cosine},
};

/// Milliseconds of a day.
pub const DAY: i64 = 24 * 60 * 60 * 1000;
/// How far apart copies may have been published, and how long an item stays in the window.
pub const COPY_DAYS: i64 = 30;
/// How far apart items of one story may have been published.
pub const STORY_DAYS: i64 = 7;
/// Most items in the window; beyond, the oldest leave.
pub const MAX_ITEMS: usize = 1_000_000;

/// Similarity to a story from which on an item continues it: of titles alone, and with a lead.
const STORY_TITLE: f32 = 0.22;
const STORY_LEAD: f32 = 0.16;
/// What the nearest member counts in the similarity to a story; the mean of all counts the rest.
const NEAREST: f32 = 0.2;
/// A text of up to so many terms counts as a title alone.
const TITLE_TERMS: usize = 14;
/// Entries of the terms' lists that are gone through for one text.
const VISITS: usize = 1_500;
/// Terms by which an item is found, the heaviest; all of them count when it is compared.
const POSTED: usize = 12;
/// Items, stories and members of a story that are compared exactly.
const COMPARED: usize = 48;
const STORIES: usize = 12;
const MEMBERS: usize = 48;
/// Hashes of sketches shared by more items are boilerplate.
const BOILERPLATE: usize = 200;

/// Slots to be compared.
type Candidates = SmallVec<[u32; 64]>;

struct Slot {
    item: ItemId,
    story: StoryId,
    entered: i64,
    packed: Packed,
}

/// See the module.
#[derive(Default)]
pub struct Index {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    /// In order of entry; the oldest leave first.
    queue: VecDeque<u32>,
    of_item: FxHashMap<ItemId, u32>,
    of_story: FxHashMap<StoryId, SmallVec<[u32; 2]>>,
    /// By term and week of publication.
    terms: Postings<(u32, i32)>,
    /// By hash of a sketch.
    sketches: Postings<u32>,
    /// The same of what was entered since [`Index::settle`], and which slots these are: so that a batch is looked through
    /// for copies in the window once, before it is grouped, and then only for copies within the batch.
    fresh_sketches: Postings<u32>,
    fresh: FxHashSet<u32>,
    frequencies: Frequencies,
    /// Newest entry into the window.
    newest: i64,
    scratch: FxHashMap<u32, f32>,
}

impl Index {
    /// Items in the window.
    #[must_use]
    pub fn len(&self) -> usize {
        self.of_item.len()
    }

    /// Whether the window has no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of_item.is_empty()
    }

    /// The unit vector of a text, by the frequencies of now.
    #[must_use]
    pub fn weigh(&self, counts: &Counts) -> Terms {
        self.frequencies.weigh(counts)
    }

    /// What is stored of an item of the window.
    #[must_use]
    pub fn packed(&self, item: ItemId) -> Option<&Packed> {
        let slot = *self.of_item.get(&item)?;
        self.slots[slot as usize].as_ref().map(|slot| &slot.packed)
    }

    /// Enters an item, or replaces what is known of it. Items that have grown too old leave.
    pub fn insert(&mut self, item: ItemId, story: StoryId, entered: i64, packed: Packed) {
        if let Some(slot) = self.of_item.get(&item).copied() {
            self.unlink(slot);
            self.link(slot, Slot { item, story, entered, packed });
        } else {
            let slot = self.free.pop().unwrap_or_else(|| {
                self.slots.push(None);
                // The window holds a million items at most.
                (self.slots.len() - 1) as u32
            });
            self.link(slot, Slot { item, story, entered, packed });
            self.queue.push_back(slot);
        }
        self.newest = self.newest.max(entered);
        self.expire();
    }

    fn expire(&mut self) {
        let horizon = self.newest - COPY_DAYS * DAY;
        while let Some(oldest) = self.queue.front().copied() {
            let old = self.slots[oldest as usize].as_ref().is_none_or(|slot| slot.entered < horizon);
            if !old && self.queue.len() <= MAX_ITEMS {
                break;
            }
            self.queue.pop_front();
            self.unlink(oldest);
            self.free.push(oldest);
        }
    }

    fn link(&mut self, at: u32, slot: Slot) {
        let week = week(slot.packed.published());
        self.of_item.insert(slot.item, at);
        self.of_story.entry(slot.story).or_default().push(at);
        for term in posted(&slot.packed) {
            self.terms.add((term, week), at);
        }
        self.frequencies.add(slot.packed.terms().map(|(term, _)| term));
        for hash in indexed(&slot.packed) {
            self.fresh_sketches.add(*hash, at);
        }
        self.fresh.insert(at);
        self.slots[at as usize] = Some(slot);
    }

    fn unlink(&mut self, at: u32) {
        let Some(slot) = self.slots[at as usize].take() else { return };
        let week = week(slot.packed.published());
        self.of_item.remove(&slot.item);
        remove_from(&mut self.of_story, &slot.story, at);
        for term in posted(&slot.packed) {
            self.terms.remove((term, week), at);
        }
        self.frequencies.remove(slot.packed.terms().map(|(term, _)| term));
        let sketches = if self.fresh.remove(&at) { &mut self.fresh_sketches } else { &mut self.sketches };
        for hash in indexed(&slot.packed) {
            sketches.remove(*hash, at);
        }
    }

    /// Ends a batch: what it entered belongs to the window now.
    pub fn settle(&mut self) {
        self.fresh_sketches.clear();
        for at in self.fresh.drain() {
            let Some(slot) = &self.slots[at as usize] else { continue };
            for hash in indexed(&slot.packed) {
                self.sketches.add(*hash, at);
            }
        }
    }

    /// Copies among the items of the window that are settled: see [`Index::copies`], whose first argument this is.
    #[must_use]
    pub fn settled_copies(&self, sketch: &Sketch, published: i64) -> Vec<(i64, ItemId)> {
        let mut candidates = Candidates::new();
        for hash in &sketch.hashes {
            add(&mut candidates, self.sketches.get(*hash), 0);
        }
        self.compared(candidates, sketch, published)
    }

    /// Items whose texts contain, or are contained in, a text with this sketch for at least one half, published within
    /// [`COPY_DAYS`] of it (milliseconds since the epoch). In order of publication, then id. `settled` is what
    /// [`Index::settled_copies`] said before the batch; what the batch changed is looked at anew, so that the answer
    /// does not depend on where batches end.
    #[must_use]
    pub fn copies(&self, settled: &[(i64, ItemId)], sketch: &Sketch, published: i64) -> Vec<ItemId> {
        let mut candidates = Candidates::new();
        // Whether a hash became boilerplate within the batch: what it led to before does not count then.
        let mut crossed = false;
        for hash in &sketch.hashes {
            let Some(fresh) = self.fresh_sketches.get(*hash) else { continue };
            match self.sketches.get(*hash) {
                None => add(&mut candidates, Some(fresh), 0),
                Some((_, others)) if others.len() + 1 + fresh.1.len() <= BOILERPLATE => {
                    candidates.push(fresh.0);
                    candidates.extend_from_slice(fresh.1);
                }
                Some((_, others)) => crossed |= others.len() <= BOILERPLATE,
            }
        }
        let mut found = self.compared(candidates, sketch, published);
        if crossed {
            let mut candidates = Candidates::new();
            for hash in &sketch.hashes {
                let fresh = self.fresh_sketches.get(*hash).map_or(0, |(_, others)| 1 + others.len());
                add(&mut candidates, self.sketches.get(*hash), fresh);
            }
            found.extend(self.compared(candidates, sketch, published));
        } else {
            let stands = |item: &ItemId| self.of_item.get(item).is_some_and(|at| !self.fresh.contains(at));
            found.extend(settled.iter().filter(|(_, item)| stands(item)));
        }
        found.sort_unstable();
        found.into_iter().map(|(_, item)| item).collect()
    }

    /// How much of the smaller of two texts the other contains, where the item is in the window; two digits.
    #[must_use]
    pub fn containment(&self, item: ItemId, sketch: &Sketch) -> Option<f32> {
        let share = containment((&sketch.hashes, sketch.complete), self.packed(item)?.sketch());
        Some((share * 100.0).round() / 100.0)
    }

    fn compared(&self, mut candidates: Candidates, sketch: &Sketch, published: i64) -> Vec<(i64, ItemId)> {
        candidates.sort_unstable();
        candidates.dedup();
        candidates
            .into_iter()
            .filter_map(|at| self.slots[at as usize].as_ref())
            .filter(|slot| (slot.packed.published() - published).abs() <= COPY_DAYS * DAY)
            .filter(|slot| is_copy((&sketch.hashes, sketch.complete), slot.packed.sketch()))
            .map(|slot| (slot.packed.published(), slot.item))
            .collect()
    }

    /// The story that a text continues, with how similar it is: the one to whose members, published within [`STORY_DAYS`] of
    /// it, it is most similar, if that is similar enough. Ties go to the smaller story id.
    #[must_use]
    pub fn story(&mut self, terms: &Terms, published: i64) -> Option<(f32, StoryId)> {
        let mut stories: Vec<StoryId> = Vec::with_capacity(STORIES);
        for at in self.similar(terms, published) {
            if let Some(slot) = &self.slots[at as usize]
                && !stories.contains(&slot.story)
            {
                stories.push(slot.story);
                if stories.len() == STORIES {
                    break;
                }
            }
        }
        let mut best: Option<(f32, StoryId)> = None;
        for story in stories {
            let Some(like) = self.likeness(terms, published, story) else { continue };
            if best.is_none_or(|(most, id)| like > most || like == most && story < id) {
                best = Some((like, story));
            }
        }
        best
    }

    /// Items that share terms with a text, the most similar first by a cheap measure.
    fn similar(&mut self, terms: &Terms, published: i64) -> Vec<u32> {
        self.scratch.clear();
        let week = week(published);
        let mut lists: Vec<(f32, (u32, &[u32]))> = Vec::with_capacity(terms.len() * 3);
        for (term, weight) in terms {
            let weight = f32::from(*weight) / 65_535.0;
            let of_week = |week| self.terms.get((*term, week)).map(|slots| (weight * weight, slots));
            lists.extend([week - 1, week, week + 1].into_iter().filter_map(of_week));
        }
        // Rare terms first: they weigh most and find fewest. What common ones would add changes the order of the
        // candidates a little, and the comparison that decides is exact.
        lists.sort_by_key(|(_, (_, others))| others.len());
        let mut visits = 0;
        for (weight, (one, others)) in lists {
            visits += 1 + others.len();
            if visits > VISITS {
                break;
            }
            for at in others.iter().copied().chain([one]) {
                *self.scratch.entry(at).or_default() += weight;
            }
        }
        let mut found: Vec<(f32, ItemId, u32)> = self
            .scratch
            .iter()
            .filter(|(_, score)| **score > 0.03)
            .filter_map(|(at, score)| self.slots[*at as usize].as_ref().map(|slot| (*score, slot.item, *at)))
            .collect();
        let order = |a: &(f32, ItemId, u32), b: &(f32, ItemId, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if found.len() > COMPARED {
            found.select_nth_unstable_by(COMPARED, order);
            found.truncate(COMPARED);
        }
        found.sort_unstable_by(order);
        found.into_iter().map(|(_, _, at)| at).collect()
    }

    /// Similarity to a story, where it reaches the threshold: to its members within the window in the mean, and to the
    /// nearest.
    fn likeness(&self, terms: &Terms, published: i64, story: StoryId) -> Option<f32> {
        let members = self.of_story.get(&story)?;
        let (mut sum, mut nearest, mut count, mut short) = (0.0, 0.0f32, 0usize, terms.len() <= TITLE_TERMS);
        for at in members.iter().rev() {
            let Some(slot) = &self.slots[*at as usize] else { continue };
            if (slot.packed.published() - published).abs() > STORY_DAYS * DAY {
                continue;
            }
            let like = cosine(terms, slot.packed.terms());
            sum += like;
            nearest = nearest.max(like);
            short |= slot.packed.terms().len() <= TITLE_TERMS;
            count += 1;
            if count == MEMBERS {
                break;
            }
        }
        let like = (1.0 - NEAREST) * sum / count.max(1) as f32 + NEAREST * nearest;
        (count > 0 && like >= if short { STORY_TITLE } else { STORY_LEAD }).then_some(like)
    }
}

/// Adds the slots of a hash that has `further` ones elsewhere: all, or one of them where the hash is boilerplate.
fn add(candidates: &mut Candidates, slots: Option<(u32, &[u32])>, further: usize) {
    let Some((one, others)) = slots else { return };
    candidates.push(one);
    if others.len() + further <= BOILERPLATE {
        candidates.extend_from_slice(others);
    }
}

/// The hashes of a sketch by which an item is found.
fn indexed(packed: &Packed) -> &[u32] {
    let (hashes, _) = packed.sketch();
    &hashes[..hashes.len().min(INDEXED)]
}

/// The heaviest terms of an item; the smaller hash goes first where weights are equal.
fn posted(packed: &Packed) -> impl Iterator<Item = u32> + use<> {
    let mut terms: Terms = packed.terms().collect();
    if terms.len() > POSTED {
        terms.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        terms.truncate(POSTED);
    }
    terms.into_iter().map(|(term, _)| term)
}

fn week(published: i64) -> i32 {
    // Weeks since the epoch of any date that a timestamp can name fit into 32 bits.
    published.div_euclid(STORY_DAYS * DAY) as i32
}

fn remove_from<K: std::hash::Hash + Eq, const N: usize>(map: &mut FxHashMap<K, SmallVec<[u32; N]>>, key: &K, at: u32)
where
    [u32; N]: smallvec::Array<Item = u32>,
{
    if let Some(slots) = map.get_mut(key) {
        slots.retain(|slot| *slot != at);
        if slots.is_empty() {
            map.remove(key);
        }
    }
}
