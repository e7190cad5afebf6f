//! Items: the curated state, and the one way to change it, which numbers every change of the public form.

use std::collections::{HashMap, HashSet};

use carewire_schemas::{ChangeSeq, DecisionV1, Fields, ItemId, StoryId};
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::{
    DecisionRow, Lease, Position, Result, Store, StoreError,
    apply::{item_columns, item_row},
    db::{LIST, args, transaction},
    named::named_enum,
};

named_enum! {
    /// Where an item stands.
    ItemState {
        /// Carries the network's name.
        Curated = "curated",
        /// Waits for a curator.
        Held = "held",
        /// Not taken.
        Refused = "refused",
        /// Not shown by a curator's decision, and never was public.
        Hidden = "hidden",
        /// Was public and is so no more; the row stays for ever.
        Withdrawn = "withdrawn",
    }
}

/// An item as the sink and curators left it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ItemRow {
    /// The item.
    pub id: ItemId,
    /// Version of the `ItemV1` applied.
    pub version: i64,
    /// Where it stands.
    pub state: ItemState,
    /// The number of the change that first made it public; set by the store.
    pub first: Option<ChangeSeq>,
    /// The number of its last public change; set by the store.
    pub seq: Option<ChangeSeq>,
    /// Its story.
    pub story: StoryId,
    /// When it was published, in milliseconds since the epoch.
    pub published: i64,
    /// When its row last changed, in milliseconds since the epoch.
    pub updated: i64,
    /// The rule that says where it stands.
    pub rule: String,
    /// `CuratedV1` as JSON: the public form, as it is or (held, refused, hidden) as it would be.
    pub content: String,
    /// JSON of publish's own: outcome, sources with ids, tags before decisions, pipeline.
    pub meta: String,
    /// What queries see; present exactly when the item is curated.
    pub fields: Option<Fields>,
    /// JSON of the standing verdicts.
    pub decided: Option<String>,
    /// Raised with each change of the public form.
    pub public_version: i64,
}

/// What is there when a change is worked out.
#[derive(Clone, Default, Debug)]
pub struct ItemsView {
    /// Existing rows by id, locked until the change is committed.
    pub rows: HashMap<ItemId, ItemRow>,
    /// Decisions that came before their items, oldest first; they count as applied once a row of the item is written.
    pub pending: HashMap<ItemId, Vec<DecisionV1>>,
}

/// A new row, and the decision it follows from.
#[derive(Clone, PartialEq, Debug)]
pub struct ItemChange {
    /// The row as it is to be. `first` and `seq` are set by the store.
    pub row: ItemRow,
    /// A decision recorded in the same transaction.
    pub decision: Option<DecisionV1>,
}

/// What a change came to.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Applied {
    /// First number given, when any was.
    pub first_seq: Option<ChangeSeq>,
    /// Last number given, when any was.
    pub last_seq: Option<ChangeSeq>,
    /// Rows written, with or without a number.
    pub changed: usize,
}

/// An item's public form without the rest of its row.
#[derive(Clone, PartialEq, Debug)]
pub struct ItemContent {
    /// The item.
    pub id: ItemId,
    /// Where it stands.
    pub state: ItemState,
    /// When it first became public.
    pub first: Option<ChangeSeq>,
    /// Its last public change.
    pub seq: Option<ChangeSeq>,
    /// The version of the public form.
    pub public_version: i64,
    /// `CuratedV1` as JSON.
    pub content: String,
}

impl Store {
    /// Changes items in one transaction with the positions of what was read for it.
    ///
    /// Existing rows are locked in order of id; `f` sees them and says what is to be. A row whose public form (the
    /// content while curated or withdrawn) and fields stay equal is written, if anything else moved, without a change
    /// row and number. The numbers are taken after every other lock, change rows follow in the order of `f`'s answer.
    /// A withdrawal keeps `first`. `f` is pure: it may be called again when two writers met.
    ///
    /// # Errors
    /// `LeaseLost` when `writer` is given and lost; nothing is written then.
    pub async fn change_items<F>(
        &self,
        ids: Vec<ItemId>,
        positions: &[Position],
        writer: Option<&Lease>,
        f: F,
    ) -> Result<Applied>
    where
        F: Fn(&ItemsView) -> Result<Vec<ItemChange>> + Send + Sync,
    {
        let mut ids = ids;
        ids.sort_unstable();
        ids.dedup();
        let known: HashSet<ItemId> = ids.iter().copied().collect();
        let applied: Applied = transaction!(self, |tx| {
            if let Some(lease) = writer {
                Self::fence(&mut tx, lease).await?;
            }
            let rows = Self::lock_items(&mut tx, &ids).await?;
            let pending = Self::pending(&mut tx, &ids).await?;
            let view = ItemsView { rows, pending };
            let changes = f(&view)?;
            Self::apply(&mut tx, &view, &known, changes, positions).await
        })?;
        if let Some(last) = applied.last_seq {
            self.inner.signals.sequence_is(last);
        }
        Ok(applied)
    }

    /// The given items.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn items(&self, ids: &[ItemId]) -> Result<Vec<ItemRow>> {
        let mut rows = HashMap::with_capacity(ids.len());
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        for ids in wanted.chunks(LIST) {
            let mut sql = self.inner.db.sql(concat!("SELECT ", item_columns!(), " FROM items WHERE id"));
            sql.ids(ids);
            for row in self.inner.db.rows(sql).await? {
                let row = item_row(&row)?;
                rows.insert(row.id, row);
            }
        }
        Ok(ids.iter().filter_map(|id| rows.remove(id)).collect())
    }

    /// One item.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn item(&self, id: ItemId) -> Result<Option<ItemRow>> {
        let sql = concat!("SELECT ", item_columns!(), " FROM items WHERE id = $1");
        self.inner.db.fetch_opt(sql, args![id.0]).await?.as_ref().map(item_row).transpose()
    }

    /// Curated items, the newest in the network first, before the given `first`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latest(&self, before_first: Option<ChangeSeq>, limit: usize) -> Result<Vec<ItemRow>> {
        let sql = concat!(
            "SELECT ",
            item_columns!(),
            " FROM items WHERE state = 'curated' AND first < $1 ORDER BY first DESC LIMIT $2"
        );
        let before = before_first.unwrap_or(i64::MAX);
        self.inner.db.fetch(sql, args![before, limit]).await?.iter().map(item_row).collect()
    }

    /// Held items, oldest first by (published, id), after the given one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue(&self, after: Option<(i64, ItemId)>, limit: usize) -> Result<Vec<ItemRow>> {
        let (published, id) = after.map_or((i64::MIN, Uuid::nil()), |(published, id)| (published, id.0));
        let sql = concat!(
            "SELECT ",
            item_columns!(),
            " FROM items WHERE state = 'held' AND (published, id) > ($1, $2) ORDER BY published, id LIMIT $3"
        );
        self.inner.db.fetch(sql, args![published, id, limit]).await?.iter().map(item_row).collect()
    }

    /// Items that are or were public, in order of their last change, after the given number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn items_by_seq(&self, after: ChangeSeq, limit: usize) -> Result<Vec<ItemRow>> {
        let sql = concat!("SELECT ", item_columns!(), " FROM items WHERE seq > $1 ORDER BY seq LIMIT $2");
        self.inner.db.fetch(sql, args![after, limit]).await?.iter().map(item_row).collect()
    }

    /// The public forms of the given items.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn contents(&self, ids: &[ItemId]) -> Result<Vec<ItemContent>> {
        let mut rows = HashMap::with_capacity(ids.len());
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        for ids in wanted.chunks(LIST) {
            let mut sql =
                self.inner.db.sql("SELECT id, state, first, seq, public_version, content FROM items WHERE id");
            sql.ids(ids);
            for row in self.inner.db.rows(sql).await? {
                let content = ItemContent {
                    id: ItemId(row.uuid(0)?),
                    state: row.named(1)?,
                    first: row.opt_int(2)?,
                    seq: row.opt_int(3)?,
                    public_version: row.int(4)?,
                    content: row.text(5)?,
                };
                rows.insert(content.id, content);
            }
        }
        Ok(ids.iter().filter_map(|id| rows.remove(id)).collect())
    }

    /// Decides about an item in one transaction: `f` sees the row and the decisions before this one, and says what
    /// the row is to be (`None`: as it is). The decision gets its number. Without an expected version, about an item
    /// that is not there, it is kept and handed to [`Store::change_items`] when the item comes; `f` is not called and
    /// the answer is `None`.
    ///
    /// # Errors
    /// `StaleVersion` when the expected version is not the row's; `NotFound` for one expected of an item that is not
    /// there; whatever `f` says.
    pub async fn decide<F>(&self, decision: DecisionV1, f: F) -> Result<Option<ItemRow>>
    where
        F: Fn(&ItemRow, &[DecisionRow]) -> Result<Option<ItemRow>> + Send + Sync,
    {
        let id = decision.item;
        let (row, applied) = transaction!(self, |tx| {
            let rows = Self::lock_items(&mut tx, &[id]).await?;
            let Some(row) = rows.get(&id) else {
                if decision.expected_version.is_some() {
                    return Err(StoreError::NotFound(format!("item {id}")));
                }
                Self::keep_decision(&mut tx, &decision).await?;
                return Ok((None, Applied::default()));
            };
            if let Some(expected) = decision.expected_version.filter(|expected| *expected != row.version) {
                return Err(StoreError::StaleVersion { expected, actual: row.version });
            }
            let before = Self::decided(&mut tx, id).await?;
            let new = f(row, &before)?.unwrap_or_else(|| row.clone());
            let view = ItemsView { rows: rows.clone(), pending: HashMap::new() };
            let changes = vec![ItemChange { row: new.clone(), decision: Some(decision.clone()) }];
            let applied = Self::apply(&mut tx, &view, &HashSet::from([id]), changes, &[]).await?;
            // As `apply` wrote it: the caller's `first` and `seq` do not count.
            let seq = applied.last_seq.or(row.seq);
            let first = row.first.or(applied.last_seq.filter(|_| new.state == ItemState::Curated));
            Ok((Some(ItemRow { first, seq, ..new }), applied))
        })?;
        if let Some(last) = applied.last_seq {
            self.inner.signals.sequence_is(last);
        }
        self.inner.signals.stir();
        Ok(row)
    }
}
