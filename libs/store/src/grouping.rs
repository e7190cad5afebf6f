//! What the grouping worker keeps for itself: which entry belongs to which item, by which keys items are known, what
//! its index of copies and stories needs. One worker at a time writes here, by lease.

use std::collections::HashMap;

use carewire_schemas::{EntryId, FeedId, ItemId, OrganizationId, StoryId, StoryRelation};

use crate::{Lease, Position, Result, Store};

/// A key by which an item is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IdentityKey {
    /// Kind of key (canonical address, guid, video id …), the caller's numbering.
    pub kind: u8,
    /// Hash of the key's text, 128 bits.
    pub key: [u8; 16],
}

/// One entry that carries an item, as it is to be remembered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupSource {
    /// The entry.
    pub entry: EntryId,
    /// Its feed.
    pub feed: FeedId,
    /// Its item.
    pub item: ItemId,
    /// Entry version.
    pub version: i64,
    /// Pipeline run.
    pub run: u32,
    /// Declared deleted.
    pub deleted: bool,
    /// Whatever else the caller needs of it, in the caller's own form.
    pub body: Vec<u8>,
}

/// A source as stored.
pub type StoredSource = GroupSource;

/// An item of the grouping worker, as it is to be remembered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupItem {
    /// The item.
    pub item: ItemId,
    /// Its version, raised by the caller with each change.
    pub version: i64,
    /// Its story.
    pub story: StoryId,
    /// How it relates to the story.
    pub relation: StoryRelation,
    /// When it was published, in milliseconds since the epoch.
    pub published: i64,
    /// When it was first seen, in milliseconds since the epoch.
    pub first_seen: i64,
    /// Whatever else the caller needs of it, in the caller's own form.
    pub body: Vec<u8>,
    /// What the index of copies and stories needs, in the caller's own form.
    pub index: Vec<u8>,
}

/// An item as stored, with the entries that carry it. `index` is empty here: it is read by [`Store::group_window`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredGroupItem {
    /// The item, without its index.
    pub item: GroupItem,
    /// Its sources, withdrawn ones included, in order of entry id.
    pub entries: Vec<EntryId>,
}

/// What is stored about a batch.
#[derive(Clone, Default, Debug)]
pub struct GroupState {
    /// Sources by entry: those asked for, and all others of the items found.
    pub sources: HashMap<EntryId, StoredSource>,
    /// Items by key.
    pub identities: HashMap<IdentityKey, ItemId>,
    /// All items touched by either.
    pub items: HashMap<ItemId, StoredGroupItem>,
}

/// A story that was merged into another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupStory {
    /// The story.
    pub story: StoryId,
    /// What it is part of now; none when it stands by itself.
    pub merged_into: Option<StoryId>,
}

/// All that a batch changes.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct GroupBatch {
    /// How far the worker is in `carewire.tagged` after it.
    pub positions: Vec<Position>,
    /// Sources written.
    pub sources: Vec<GroupSource>,
    /// Keys written.
    pub identities: Vec<(IdentityKey, ItemId)>,
    /// Items written.
    pub items: Vec<GroupItem>,
    /// Stories written.
    pub stories: Vec<GroupStory>,
    /// Up to where changes of standing are handled after it.
    pub standing_done: Option<i64>,
}

/// What the index of copies and stories is rebuilt from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupWindowRow {
    /// The item.
    pub item: ItemId,
    /// Its story.
    pub story: StoryId,
    /// When it was published, in milliseconds since the epoch.
    pub published: i64,
    /// What was stored as [`GroupItem::index`].
    pub index: Vec<u8>,
}

impl Store {
    /// What is stored about the given entries and keys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_state(
        &self,
        entries: &[EntryId],
        keys: &[IdentityKey],
    ) -> Result<GroupState> {
        todo!("{entries:?} {keys:?}")
    }

    /// Writes a batch in one transaction.
    ///
    /// # Errors
    /// `LeaseLost` when the lease is no longer the caller's; nothing is written then.
    pub async fn group_apply(&self, lease: &Lease, batch: GroupBatch) -> Result<()> {
        todo!("{lease:?} {batch:?}")
    }

    /// Items published since then (milliseconds since the epoch), in order of (published, item), after the given one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_window(
        &self,
        since: i64,
        after: Option<(i64, ItemId)>,
        limit: usize,
    ) -> Result<Vec<GroupWindowRow>> {
        todo!("{since} {after:?} {limit}")
    }

    /// Items that a feed of the organization carries, in order of id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_items_of_organization(
        &self,
        organization: OrganizationId,
        after: Option<ItemId>,
        limit: usize,
    ) -> Result<Vec<ItemId>> {
        todo!("{organization} {after:?} {limit}")
    }

    /// The given items with all their sources (in [`GroupState::sources`]).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_items(&self, items: &[ItemId]) -> Result<GroupState> {
        todo!("{items:?}")
    }

    /// The stories among the given ones that were merged into others.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_stories(&self, stories: &[StoryId]) -> Result<HashMap<StoryId, StoryId>> {
        todo!("{stories:?}")
    }
}
