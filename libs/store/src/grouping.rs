//! What the grouping worker keeps for itself: which entry belongs to which item, by which keys items are known, what
//! its index of copies and stories needs. One worker at a time writes here, by lease.

use std::collections::{HashMap, HashSet};

use carewire_schemas::{EntryId, FeedId, ItemId, OrganizationId, StoryId, StoryRelation};

use uuid::Uuid;

use crate::{
    Lease, NewHold, Position, Result, Store, StoreError,
    db::{Conn, LIST, Row, args, transaction},
    standing::STANDING_CURSOR,
};

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
    /// What the index of copies and stories needs, in the caller's own form. Empty: the one stored stays.
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
    /// When items are to be looked at again (milliseconds since the epoch), or that they need not be.
    pub due: Vec<(ItemId, Option<i64>)>,
    /// What feeds are used to do.
    pub habits: Vec<(FeedId, String)>,
    /// Feeds that broke their habits.
    pub holds: Vec<NewHold>,
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

macro_rules! source_columns {
    () => {
        "entry, feed, item, version, run, deleted, body"
    };
}

impl IdentityKey {
    /// As stored: kind, then key, so that one value can be looked up.
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(17);
        bytes.push(self.kind);
        bytes.extend_from_slice(&self.key);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        match bytes.split_first().map(|(kind, key)| (*kind, key.try_into())) {
            Some((kind, Ok(key))) => Ok(Self { kind, key }),
            _ => Err(StoreError::unreadable("an identity of another length")),
        }
    }
}

fn relation_name(relation: StoryRelation) -> &'static str {
    match relation {
        StoryRelation::First => "first",
        StoryRelation::Copy => "copy",
        StoryRelation::SameStory => "same-story",
    }
}

fn relation(name: &str) -> Result<StoryRelation> {
    [StoryRelation::First, StoryRelation::Copy, StoryRelation::SameStory]
        .into_iter()
        .find(|relation| relation_name(*relation) == name)
        .ok_or_else(|| StoreError::unreadable("a relation of another name"))
}

/// The last of those with equal keys, in order of key: one statement cannot write a row twice.
fn last_of<T, K: Ord>(all: &[T], key: impl Fn(&T) -> K) -> Vec<&T> {
    all.iter().map(|one| (key(one), one)).collect::<std::collections::BTreeMap<_, _>>().into_values().collect()
}

impl GroupState {
    fn add_sources(&mut self, rows: Vec<Row>) -> Result<()> {
        for row in rows {
            let source = GroupSource {
                entry: EntryId(row.uuid(0)?),
                feed: FeedId(row.uuid(1)?),
                item: ItemId(row.uuid(2)?),
                version: row.int(3)?,
                run: u32::try_from(row.int(4)?).map_err(StoreError::unreadable)?,
                deleted: row.flag(5)?,
                body: row.blob(6)?,
            };
            self.sources.insert(source.entry, source);
        }
        Ok(())
    }
}

impl Store {
    /// Adds items, and all their sources, to what is known.
    async fn load_items(conn: &mut Conn, items: &[ItemId], state: &mut GroupState) -> Result<()> {
        let ids: Vec<Uuid> = items.iter().map(|item| item.0).collect();
        for ids in ids.chunks(LIST) {
            let mut sql = conn
                .sql("SELECT item, version, story, relation, published, first_seen, body FROM group_items WHERE item");
            sql.ids(ids);
            for row in conn.rows(sql).await? {
                let item = GroupItem {
                    item: ItemId(row.uuid(0)?),
                    version: row.int(1)?,
                    story: StoryId(row.uuid(2)?),
                    relation: relation(&row.text(3)?)?,
                    published: row.int(4)?,
                    first_seen: row.int(5)?,
                    body: row.blob(6)?,
                    index: Vec::new(),
                };
                state.items.insert(item.item, StoredGroupItem { item, entries: Vec::new() });
            }
            let mut sql = conn.sql(concat!("SELECT ", source_columns!(), " FROM group_sources WHERE item"));
            sql.ids(ids);
            state.add_sources(conn.rows(sql).await?)?;
        }
        for source in state.sources.values() {
            if let Some(item) = state.items.get_mut(&source.item) {
                item.entries.push(source.entry);
            }
        }
        state.items.values_mut().for_each(|item| item.entries.sort_unstable());
        Ok(())
    }

    /// What is stored about the given entries and keys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_state(&self, entries: &[EntryId], keys: &[IdentityKey]) -> Result<GroupState> {
        let mut conn = self.inner.db.reader().await?;
        let mut state = GroupState::default();
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.0).collect();
        for ids in ids.chunks(LIST) {
            let mut sql = conn.sql(concat!("SELECT ", source_columns!(), " FROM group_sources WHERE entry"));
            sql.ids(ids);
            state.add_sources(conn.rows(sql).await?)?;
        }
        let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.to_bytes()).collect();
        for keys in keys.chunks(LIST) {
            let mut sql = conn.sql("SELECT key, item FROM group_identities WHERE key");
            sql.blobs(keys);
            for row in conn.rows(sql).await? {
                state.identities.insert(IdentityKey::from_bytes(&row.blob(0)?)?, ItemId(row.uuid(1)?));
            }
        }
        let found = state.sources.values().map(|source| source.item).chain(state.identities.values().copied());
        let items: HashSet<ItemId> = found.collect();
        Self::load_items(&mut conn, &items.into_iter().collect::<Vec<_>>(), &mut state).await?;
        Ok(state)
    }

    /// Writes a batch in one transaction.
    ///
    /// # Errors
    /// `LeaseLost` when the lease is no longer the caller's; nothing is written then.
    pub async fn group_apply(&self, lease: &Lease, batch: GroupBatch) -> Result<()> {
        transaction!(self, |tx| {
            Self::fence(&mut tx, lease).await?;
            let mut rows = Vec::with_capacity(batch.sources.len() * 7);
            for source in last_of(&batch.sources, |source| source.entry) {
                let GroupSource { entry, feed, item, version, run, deleted, body } = source;
                rows.append(&mut args![entry.0, item.0, feed.0, *version, *run, *deleted, body.clone()]);
            }
            tx.insert(
                "INSERT INTO group_sources (entry, item, feed, version, run, deleted, body)",
                7,
                " ON CONFLICT (entry) DO UPDATE SET item = excluded.item, feed = excluded.feed, \
                 version = excluded.version, run = excluded.run, deleted = excluded.deleted, body = excluded.body",
                rows,
            )
            .await?;
            let identities = last_of(&batch.identities, |(key, _)| *key);
            let rows = identities.into_iter().flat_map(|(key, item)| args![key.to_bytes(), item.0]).collect();
            tx.insert(
                "INSERT INTO group_identities (key, item)",
                2,
                " ON CONFLICT (key) DO UPDATE SET item = excluded.item",
                rows,
            )
            .await?;
            let mut rows = Vec::with_capacity(batch.items.len() * 8);
            for item in last_of(&batch.items, |item| item.item) {
                rows.append(&mut args![
                    item.item.0,
                    item.version,
                    item.story.0,
                    relation_name(item.relation),
                    item.published,
                    item.first_seen,
                    item.body.clone(),
                    item.index.clone()
                ]);
            }
            tx.insert(
                "INSERT INTO group_items (item, version, story, relation, published, first_seen, body, idx)",
                8,
                " ON CONFLICT (item) DO UPDATE SET version = excluded.version, story = excluded.story, \
                 relation = excluded.relation, published = excluded.published, first_seen = excluded.first_seen, \
                 body = excluded.body, \
                 idx = CASE WHEN length(excluded.idx) = 0 THEN group_items.idx ELSE excluded.idx END",
                rows,
            )
            .await?;
            let stories = last_of(&batch.stories, |story| story.story).into_iter();
            let rows = stories.flat_map(|story| args![story.story.0, story.merged_into.map(|id| id.0)]).collect();
            tx.insert(
                "INSERT INTO group_stories (story, merged_into)",
                2,
                " ON CONFLICT (story) DO UPDATE SET merged_into = excluded.merged_into",
                rows,
            )
            .await?;
            Self::write_habits(&mut tx, &batch.habits).await?;
            Self::write_due(&mut tx, &batch.due).await?;
            Self::write_positions(&mut tx, &batch.positions).await?;
            if let Some(done) = batch.standing_done {
                Self::move_cursor(&mut tx, STANDING_CURSOR, done).await?;
            }
            Self::write_holds(&mut tx, &batch.holds).await
        })?;
        if !batch.holds.is_empty() {
            self.inner.signals.stir();
        }
        Ok(())
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
        let (published, item) = after.map_or((since, Uuid::nil()), |(published, item)| (published, item.0));
        // Before the first row nothing has been seen: the nil id stands before all others.
        let sql = "SELECT item, story, published, idx FROM group_items WHERE published >= $1 AND \
                   (published, item) > ($2, $3) ORDER BY published, item LIMIT $4";
        let rows = self.inner.db.fetch(sql, args![since, published, item, limit]).await?;
        rows.iter()
            .map(|row| {
                Ok(GroupWindowRow {
                    item: ItemId(row.uuid(0)?),
                    story: StoryId(row.uuid(1)?),
                    published: row.int(2)?,
                    index: row.blob(3)?,
                })
            })
            .collect()
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
        let sql = "SELECT DISTINCT s.item FROM group_sources s JOIN feeds f ON f.id = s.feed \
                   WHERE f.organization = $1 AND s.item > $2 ORDER BY s.item LIMIT $3";
        let after = after.map_or(Uuid::nil(), |item| item.0);
        let rows = self.inner.db.fetch(sql, args![organization.0, after, limit]).await?;
        rows.iter().map(|row| Ok(ItemId(row.uuid(0)?))).collect()
    }

    /// The given items with all their sources (in [`GroupState::sources`]).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_items(&self, items: &[ItemId]) -> Result<GroupState> {
        let mut state = GroupState::default();
        Self::load_items(&mut self.inner.db.reader().await?, items, &mut state).await?;
        Ok(state)
    }

    /// The stories among the given ones that were merged into others.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_stories(&self, stories: &[StoryId]) -> Result<HashMap<StoryId, StoryId>> {
        let mut merged = HashMap::new();
        let ids: Vec<Uuid> = stories.iter().map(|story| story.0).collect();
        for ids in ids.chunks(LIST) {
            let mut sql = self
                .inner
                .db
                .sql("SELECT story, merged_into FROM group_stories WHERE merged_into IS NOT NULL AND story");
            sql.ids(ids);
            for row in self.inner.db.rows(sql).await? {
                merged.insert(StoryId(row.uuid(0)?), StoryId(row.uuid(1)?));
            }
        }
        Ok(merged)
    }
}
