//! Grouping in memory: the same core without store and bus, for `carewire cluster` and tests.

use std::collections::{BTreeMap, HashMap};

use carewire_schemas::{EntryId, ItemId};
use carewire_store::{GroupBatch, GroupItem, GroupSource, GroupState, IdentityKey, StoredGroupItem};

use super::{Grouper, Prepared, Standings, Step, grouper::StepError};

/// What the store would know.
#[derive(Default)]
pub struct Memory {
    sources: HashMap<EntryId, GroupSource>,
    identities: HashMap<IdentityKey, ItemId>,
    items: BTreeMap<ItemId, GroupItem>,
    entries: HashMap<ItemId, Vec<EntryId>>,
}

impl Memory {
    /// Groups a batch and remembers what came of it.
    ///
    /// # Errors
    /// See [`Grouper::step`].
    pub fn step(
        &mut self,
        grouper: &mut Grouper,
        mut batch: Vec<Prepared>,
        standings: &Standings,
    ) -> Result<Step, StepError> {
        let state = self.state(grouper, &mut batch);
        let step = grouper.step(batch, state, standings)?;
        self.apply(&step.batch);
        Ok(step)
    }

    /// What the store would answer about a batch.
    #[must_use]
    pub fn state(&self, grouper: &mut Grouper, batch: &mut [Prepared]) -> GroupState {
        let mut state = GroupState::default();
        for item in grouper.seek(batch) {
            self.fill(&mut state, item);
        }
        for entry in batch {
            let known = self.sources.get(&entry.tagged.entry).map(|source| source.item);
            let named = entry.keys.iter().filter_map(|key| {
                let item = *self.identities.get(key)?;
                state.identities.insert(*key, item);
                Some(item)
            });
            let items: Vec<ItemId> = known.into_iter().chain(named).collect();
            for item in items {
                self.fill(&mut state, item);
            }
        }
        state
    }

    /// All that is remembered, as the store would answer about these items.
    #[must_use]
    pub fn items(&self, items: impl IntoIterator<Item = ItemId>) -> GroupState {
        let mut state = GroupState::default();
        items.into_iter().for_each(|item| self.fill(&mut state, item));
        state
    }

    /// The item that an entry belongs to.
    #[must_use]
    pub fn item_of(&self, entry: EntryId) -> Option<&GroupItem> {
        self.items.get(&self.sources.get(&entry)?.item)
    }

    /// All items, in order of id.
    pub fn all(&self) -> impl Iterator<Item = &GroupItem> {
        self.items.values()
    }

    fn fill(&self, state: &mut GroupState, item: ItemId) {
        let Some(row) = self.items.get(&item).filter(|_| !state.items.contains_key(&item)) else { return };
        let mut entries = self.entries.get(&item).cloned().unwrap_or_default();
        entries.sort_unstable();
        for entry in &entries {
            if let Some(source) = self.sources.get(entry) {
                state.sources.insert(*entry, source.clone());
            }
        }
        state.items.insert(item, StoredGroupItem { item: row.clone(), entries });
    }

    /// Remembers a batch, as the store's transaction would.
    pub fn apply(&mut self, batch: &GroupBatch) {
        for source in &batch.sources {
            if self.sources.insert(source.entry, source.clone()).is_none() {
                self.entries.entry(source.item).or_default().push(source.entry);
            }
        }
        self.identities.extend(batch.identities.iter().copied());
        self.items.extend(batch.items.iter().map(|item| (item.item, item.clone())));
    }
}
