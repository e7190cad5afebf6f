//! The tail of every transaction that changes items: what moved, its numbers, the rows that carry them.
//!
//! Locks are taken in this order: lease, item rows by id, positions, and last the one row of `sequence`, whose number
//! is raised under the lock that is held until the commit. So numbers come in commit order and none is left out: a
//! transaction that fails gives its numbers back. New rows are inserted under that lock too, so no two transactions
//! insert at the same time, and one that finds its item there already begins again.

use std::collections::{HashMap, HashSet};

use carewire_schemas::{DecisionV1, Fields, ItemId};
use uuid::Uuid;

use crate::{
    Applied, ItemChange, ItemRow, ItemState, ItemsView, Position, Result, Store, StoreError,
    db::{LIST, Row, Tx, Value, args},
};

macro_rules! item_columns {
    () => {
        "id, version, state, first, seq, story, published, updated, rule, public_version, decided, fields, content, meta"
    };
}
pub(crate) use item_columns;

pub(crate) fn item_row(row: &Row) -> Result<ItemRow> {
    Ok(ItemRow {
        id: ItemId(row.uuid(0)?),
        version: row.int(1)?,
        state: row.named(2)?,
        first: row.opt_int(3)?,
        seq: row.opt_int(4)?,
        story: carewire_schemas::StoryId(row.uuid(5)?),
        published: row.int(6)?,
        updated: row.int(7)?,
        rule: row.text(8)?,
        public_version: row.int(9)?,
        decided: row.opt_text(10)?,
        fields: row.opt_json(11)?,
        content: row.text(12)?,
        meta: row.text(13)?,
    })
}

/// What the outside sees of a row: nothing, or the state with the content and the fields.
fn public(row: &ItemRow) -> Option<(ItemState, &str, Option<&Fields>)> {
    match row.state {
        ItemState::Curated => Some((row.state, &row.content, row.fields.as_ref())),
        // Withdrawn before it ever was public: nobody has a copy that must go.
        ItemState::Withdrawn if row.first.is_some() => Some((row.state, &row.content, None)),
        _ => None,
    }
}

/// A change that is to be written.
struct Planned<'a> {
    old: Option<&'a ItemRow>,
    row: ItemRow,
    numbered: bool,
    /// Something besides `updated` moved.
    moved: bool,
}

/// Checks what `f` said against what is there.
fn plan<'a>(view: &'a ItemsView, ids: &HashSet<ItemId>, changes: Vec<ItemChange>) -> Result<Vec<Planned<'a>>> {
    let mut seen = HashSet::with_capacity(changes.len());
    changes
        .into_iter()
        .map(|ItemChange { mut row, .. }| {
            if !ids.contains(&row.id) || !seen.insert(row.id) {
                return Err(StoreError::Invalid(format!("item {} was not asked for, or stands twice", row.id)));
            }
            let old = view.rows.get(&row.id);
            (row.first, row.seq) = old.map_or((None, None), |old| (old.first, old.seq));
            match row.state {
                ItemState::Curated if row.fields.is_none() => {
                    return Err(StoreError::Invalid(format!("item {} is curated without fields", row.id)));
                }
                ItemState::Curated => {}
                _ => row.fields = None,
            }
            let (before, after) = (old.and_then(public), public(&row));
            if before.is_some() && after.is_none() {
                return Err(StoreError::Invalid(format!(
                    "item {} is public and can only be withdrawn, not become {}",
                    row.id, row.state
                )));
            }
            let numbered = before != after;
            let moved = old.is_none_or(|old| *old != ItemRow { updated: old.updated, ..row.clone() });
            Ok(Planned { old, row, numbered, moved })
        })
        .collect()
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(StoreError::unreadable)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Store {
    /// Rows by id, locked in order of id.
    pub(crate) async fn lock_items(tx: &mut Tx, ids: &[ItemId]) -> Result<HashMap<ItemId, ItemRow>> {
        let mut sorted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        sorted.sort_unstable();
        let mut rows = HashMap::new();
        for ids in sorted.chunks(LIST) {
            let mut sql = tx.sql(concat!("SELECT ", item_columns!(), " FROM items WHERE id"));
            sql.ids(ids).push(" ORDER BY id").for_update();
            for row in tx.rows(sql).await? {
                let row = item_row(&row)?;
                rows.insert(row.id, row);
            }
        }
        Ok(rows)
    }

    /// Raises the counters and answers the numbers before: of changes and of decisions.
    async fn take_numbers(
        tx: &mut Tx,
        changes: usize,
        decisions: usize,
        states: &HashMap<ItemState, i64>,
    ) -> Result<(i64, i64)> {
        let delta = |state| states.get(&state).copied().unwrap_or(0);
        let sql = "UPDATE sequence SET n = n + $1, decisions = decisions + $2, \
                   activity = activity + CASE WHEN $2 > 0 THEN 1 ELSE 0 END, \
                   curated = curated + $3, held = held + $4, refused = refused + $5, hidden = hidden + $6, \
                   withdrawn = withdrawn + $7 WHERE id = 1 RETURNING n, decisions";
        let mut args = args![changes, decisions];
        args.extend(ItemState::ALL.iter().map(|state| Value::from(delta(*state))));
        match tx.fetch_opt(sql, args).await? {
            Some(row) => Ok((row.int(0)? - count(changes), row.int(1)? - count(decisions))),
            None => Err(StoreError::Database("the row of the sequence is missing".into())),
        }
    }

    /// Writes what `f` said. The rows of `view` are locked.
    pub(crate) async fn apply(
        tx: &mut Tx,
        view: &ItemsView,
        ids: &HashSet<ItemId>,
        changes: Vec<ItemChange>,
        positions: &[Position],
    ) -> Result<Applied> {
        let decisions: Vec<DecisionV1> = changes.iter().filter_map(|change| change.decision.clone()).collect();
        let mut planned = plan(view, ids, changes)?;
        let settled: Vec<Uuid> =
            planned.iter().map(|p| p.row.id).filter(|id| view.pending.contains_key(id)).map(|id| id.0).collect();
        planned.retain(|p| p.moved);
        Self::write_positions(tx, positions).await?;
        Self::settle(tx, &settled).await?;
        let numbered = planned.iter().filter(|p| p.numbered).count();
        let mut states: HashMap<ItemState, i64> = HashMap::new();
        for p in &planned {
            *states.entry(p.row.state).or_default() += 1;
            if let Some(old) = p.old {
                *states.entry(old.state).or_default() -= 1;
            }
        }
        let mut applied = Applied { first_seq: None, last_seq: None, changed: planned.len() };
        let new = planned.iter().any(|p| p.old.is_none());
        if !new && numbered == 0 && decisions.is_empty() && states.values().all(|n| *n == 0) {
            Self::write_items(tx, &planned).await?;
            return Ok(applied);
        }
        // The time is asked for before the counter is locked: nothing that waits may come after it.
        let now = tx.now().await?;
        let (seq, decided) = Self::take_numbers(tx, numbered, decisions.len(), &states).await?;
        if numbered > 0 {
            applied.first_seq = Some(seq + 1);
            applied.last_seq = Some(seq + count(numbered));
        }
        for (number, p) in (seq + 1..).zip(planned.iter_mut().filter(|p| p.numbered)) {
            p.row.seq = Some(number);
            if p.row.state == ItemState::Curated {
                p.row.first = p.row.first.or(Some(number));
            }
        }
        Self::write_items(tx, &planned).await?;
        if new {
            Self::no_late_decision(tx, view, &planned).await?;
        }
        let mut rows = Vec::with_capacity(numbered * 7);
        for p in planned.iter().filter(|p| p.numbered) {
            let before = p.old.and_then(|old| old.fields.as_ref()).map(json).transpose()?;
            let after = p.row.fields.as_ref().map(json).transpose()?;
            let withdrawn = p.row.state == ItemState::Withdrawn;
            rows.append(&mut args![p.row.seq, p.row.id.0, now, p.row.public_version, withdrawn, before, after]);
        }
        tx.insert("INSERT INTO changes (seq, item, at, version, withdrawn, before, after)", 7, "", rows).await?;
        Self::write_decisions(tx, decided, &decisions, false).await?;
        Ok(applied)
    }

    async fn write_items(tx: &mut Tx, planned: &[Planned<'_>]) -> Result<()> {
        let (mut new, mut known) = (Vec::new(), Vec::new());
        for Planned { old, row, .. } in planned {
            let rows = if old.is_none() { &mut new } else { &mut known };
            rows.append(&mut args![
                row.id.0,
                row.version,
                row.state.as_str(),
                row.first,
                row.seq,
                row.story.0,
                row.published,
                row.updated,
                &*row.rule,
                row.public_version,
                row.decided.clone(),
                row.fields.as_ref().map(json).transpose()?,
                &*row.content,
                &*row.meta
            ]);
        }
        let expected = new.len() / 14;
        let head = concat!("INSERT INTO items (", item_columns!(), ")");
        let inserted = tx.insert(head, 14, " ON CONFLICT (id) DO NOTHING", new).await?;
        if inserted != u64::try_from(expected).unwrap_or(u64::MAX) {
            // Another writer brought one of them since this one looked.
            return Err(StoreError::Retry);
        }
        tx.insert(
            head,
            14,
            " ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state, \
             first = excluded.first, seq = excluded.seq, story = excluded.story, published = excluded.published, \
             updated = excluded.updated, rule = excluded.rule, public_version = excluded.public_version, \
             decided = excluded.decided, fields = excluded.fields, content = excluded.content, meta = excluded.meta",
            known,
        )
        .await
        .map(drop)
    }

    /// Decisions about items that were not there count as applied now.
    async fn settle(tx: &mut Tx, items: &[Uuid]) -> Result<()> {
        for ids in items.chunks(LIST) {
            let mut sql = tx.sql("UPDATE decisions SET pending = 0 WHERE pending = 1 AND item");
            sql.ids(ids);
            tx.run(sql).await?;
        }
        Ok(())
    }

    /// Begins again when somebody decided about a new item after this writer looked. Such a decision is written under
    /// the lock that is held now, so none can follow.
    async fn no_late_decision(tx: &mut Tx, view: &ItemsView, planned: &[Planned<'_>]) -> Result<()> {
        if tx.kind() == crate::db::Kind::Sqlite {
            return Ok(()); // One writer: nobody was there in between.
        }
        let new = planned.iter().filter(|p| p.old.is_none() && !view.pending.contains_key(&p.row.id));
        let new: Vec<ItemId> = new.map(|p| p.row.id).collect();
        if Self::pending(tx, &new).await?.is_empty() { Ok(()) } else { Err(StoreError::Retry) }
    }

    async fn write_decisions(tx: &mut Tx, before: i64, decisions: &[DecisionV1], pending: bool) -> Result<()> {
        let mut rows = Vec::with_capacity(decisions.len() * 5);
        for (number, decision) in (before + 1..).zip(decisions) {
            rows.append(&mut args![number, decision.id.0, decision.item.0, pending, json(decision)?]);
        }
        tx.insert("INSERT INTO decisions (number, id, item, pending, decision)", 5, "", rows).await.map_err(
            |error| match error {
                StoreError::Conflict(_) => StoreError::Conflict("a decision with this id".into()),
                other => other,
            },
        )?;
        Ok(())
    }

    /// Keeps a decision for an item that is not there, unless it has come meanwhile.
    pub(crate) async fn keep_decision(tx: &mut Tx, decision: &DecisionV1) -> Result<()> {
        let (_, before) = Self::take_numbers(tx, 0, 1, &HashMap::new()).await?;
        if tx.fetch_opt("SELECT 1 FROM items WHERE id = $1", args![decision.item.0]).await?.is_some() {
            return Err(StoreError::Retry);
        }
        Self::write_decisions(tx, before, std::slice::from_ref(decision), true).await
    }
}
