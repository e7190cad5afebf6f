//! Which slots have a key: one beside the key, which is all that most keys have, and lists for the others.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Slots by key.
pub struct Postings<K> {
    one: FxHashMap<K, u32>,
    /// All but the first.
    more: FxHashMap<K, Vec<u32>>,
}

impl<K> Default for Postings<K> {
    fn default() -> Self {
        Self { one: FxHashMap::default(), more: FxHashMap::default() }
    }
}

impl<K: Hash + Eq + Copy> Postings<K> {
    /// Enters a slot.
    pub fn add(&mut self, key: K, at: u32) {
        match self.one.entry(key) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(at);
            }
            std::collections::hash_map::Entry::Occupied(_) => self.more.entry(key).or_default().push(at),
        }
    }

    /// Takes a slot out.
    pub fn remove(&mut self, key: K, at: u32) {
        let Some(first) = self.one.get(&key).copied() else { return };
        let Some(more) = self.more.get_mut(&key) else {
            if first == at {
                self.one.remove(&key);
            }
            return;
        };
        if first != at {
            more.retain(|other| *other != at);
        } else if let Some(last) = more.pop() {
            self.one.insert(key, last);
        }
        if more.is_empty() {
            self.more.remove(&key);
        }
    }

    /// The slots of a key: one, and the others.
    pub fn get(&self, key: K) -> Option<(u32, &[u32])> {
        let first = *self.one.get(&key)?;
        Some((first, self.more.get(&key).map_or(&[], Vec::as_slice)))
    }

    /// Forgets everything, and keeps the memory.
    pub fn clear(&mut self) {
        self.one.clear();
        self.more.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The same as a map of sets, whatever comes and goes.
        #[test]
        fn slots_come_and_go(steps in prop::collection::vec((any::<bool>(), 0u8..4, 0u32..6), 0..80)) {
            let (mut postings, mut sets) = (Postings::default(), BTreeMap::<u8, BTreeSet<u32>>::new());
            for (add, key, at) in steps {
                let set = sets.entry(key).or_default();
                if !add {
                    postings.remove(key, at);
                    set.remove(&at);
                } else if set.insert(at) {
                    postings.add(key, at);
                }
                for (key, set) in &sets {
                    let have: Option<BTreeSet<u32>> =
                        postings.get(*key).map(|(one, more)| more.iter().copied().chain([one]).collect());
                    prop_assert_eq!(have.unwrap_or_default(), set.clone());
                }
            }
        }
    }
}
