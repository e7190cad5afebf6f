//! What a change is to a question: the item comes, is another now, or leaves.
//!
//! Streams, `/v1/changes` with a question, the hub and webhooks all read the change log through [`read`] and ask
//! [`Change::to`]. A change is told with the item as it is *now*, so whoever is behind hears of an item once, in its
//! last state: a row that another row of the same item follows tells of a removal only, and the later row of the rest.
//! As each row begins where the row before it ended, nothing is lost by that, whatever was read in between.

use std::{collections::HashMap, sync::OnceLock};

use carewire_conditions::Vocabulary;
use carewire_query::{Query, Tri, public};
use carewire_schemas::{ChangeSeq, CuratedV1, ItemId};
use carewire_store::{ChangeRow, Changes, ItemRow, ItemState, Result, Store};

/// What a change is to a question.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// The item did not answer it before, and does now.
    Added,
    /// The item answered it before and does now, and something in it is another.
    Updated,
    /// The item answered it before, and does no longer. Where words decide, it may never have.
    Removed,
}

/// The item of a change as it is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Value {
    /// Curated, else withdrawn.
    pub curated: bool,
    /// `CuratedV1` as JSON, in one line.
    pub json: String,
}

/// A change and what is known of its item.
#[derive(Debug)]
pub struct Change {
    /// The change.
    pub row: ChangeRow,
    /// The item, where this is its last change; a later one tells of it else.
    pub value: Option<Value>,
    /// Whether this stands for all changes of the item so far, of which nothing else is known any more.
    whole: bool,
    read: OnceLock<Option<Box<CuratedV1>>>,
}

impl Change {
    /// A change with its item.
    #[must_use]
    pub fn new(row: ChangeRow, value: Option<Value>) -> Self {
        Self { row, value, whole: false, read: OnceLock::new() }
    }

    /// The last state of an item whose changes are no longer kept; none where it was never public.
    fn whole(row: &ItemRow) -> Option<Self> {
        let curated = row.state == ItemState::Curated;
        let change = ChangeRow {
            seq: row.seq?,
            item: row.id,
            at: row.updated,
            version: row.public_version,
            before: None,
            after: row.fields.clone().filter(|_| curated),
            withdrawn: !curated,
        };
        Some(Self { whole: true, ..Self::new(change, value(row)) })
    }

    /// The item's public form, read once however many ask; none where a later change tells of it, or it cannot be read.
    pub fn item(&self) -> Option<&CuratedV1> {
        self.read
            .get_or_init(|| {
                let value = self.value.as_ref()?;
                serde_json::from_str(&value.json)
                    .inspect_err(|error| tracing::warn!(item = %self.row.item, %error, "an item cannot be read"))
                    .ok()
            })
            .as_deref()
    }

    /// What this change is to `query`; none where it does not concern it, or a later one tells more.
    pub fn to(&self, query: &Query, vocabulary: &Vocabulary) -> Option<Kind> {
        let asked = |fields: &Option<_>| fields.as_ref().map_or(Tri::No, |fields| query.matches(fields, vocabulary));
        let was = if self.whole { Tri::NeedsText } else { asked(&self.row.before) };
        let is = match asked(&self.row.after) {
            Tri::No => false,
            Tri::Yes => true,
            Tri::NeedsText => query.matches_text(self.item()?, vocabulary),
        };
        match (was, is) {
            (Tri::No, false) => None,
            (_, false) => Some(Kind::Removed),
            (Tri::No, true) => self.value.is_some().then_some(Kind::Added),
            (_, true) if self.whole => Some(Kind::Added),
            (_, true) => self.value.is_some().then_some(Kind::Updated),
        }
    }

    /// Bytes that this holds, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.value.as_ref().map_or(0, |value| value.json.len()) + 1_000
    }
}

fn value(row: &ItemRow) -> Option<Value> {
    match public::public_json(row) {
        Ok(json) => json.map(|json| Value { curated: row.state == ItemState::Curated, json }),
        Err(error) => {
            tracing::warn!(item = %row.id, %error, "an item cannot be read and is told without its content");
            None
        }
    }
}

/// The next changes after `after`, in order, at most `limit`; none at the end. A number older than the kept change log
/// is answered from the items, each once in its last state.
///
/// # Errors
/// When the store fails.
pub async fn read(store: &Store, after: ChangeSeq, limit: usize) -> Result<Vec<Change>> {
    let rows = match store.changes(after, limit).await? {
        Changes::Rows(rows) => rows,
        Changes::TooOld => {
            let rows = store.items_by_seq(after, limit).await?;
            return Ok(rows.iter().filter_map(Change::whole).collect());
        }
    };
    let mut last: HashMap<ItemId, ChangeSeq> = HashMap::with_capacity(rows.len());
    for row in &rows {
        last.insert(row.item, row.seq);
    }
    let ids: Vec<ItemId> = last.keys().copied().collect();
    let mut values: HashMap<ChangeSeq, Value> = HashMap::with_capacity(ids.len());
    let mut others = Vec::new();
    // What is curated is handed on as it stands in its column; only of the rest the whole row is read.
    for item in store.contents(&ids).await? {
        match (item.state, item.seq) {
            (ItemState::Curated, Some(seq)) => {
                values.insert(seq, Value { curated: true, json: item.content });
            }
            _ => others.push(item.id),
        }
    }
    for row in store.items(&others).await? {
        if let (Some(seq), Some(value)) = (row.seq, value(&row)) {
            values.insert(seq, value);
        }
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let value = values.remove(&row.seq);
            Change::new(row, value)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use carewire_schemas::{ConditionCode, Fields, ItemKind};
    use uuid::Uuid;

    use super::*;

    fn fields(code: &str) -> Fields {
        Fields {
            about: vec![ConditionCode(code.to_owned())],
            mentioned: Vec::new(),
            organizations: vec!["clinic".to_owned()],
            kind: ItemKind::Article,
            language: None,
            published: 0,
            text_hash: 1,
            duration: None,
            ..Fields::default()
        }
    }

    fn change(before: Option<&str>, after: Option<&str>, current: bool) -> Change {
        let row = ChangeRow {
            seq: 5,
            item: ItemId(Uuid::nil()),
            at: 0,
            version: 1,
            before: before.map(fields),
            after: after.map(fields),
            withdrawn: after.is_none(),
        };
        Change::new(row, current.then(|| Value { curated: after.is_some(), json: "{}".to_owned() }))
    }

    #[test]
    fn both_sides_of_a_change_are_matched() {
        let (vocabulary, query) = (Vocabulary::bundled(), Query::about(ConditionCode("D003920".to_owned())));
        let (diabetes, asthma) = (Some("D003924"), Some("D001249"));
        for (before, after, current, expected) in [
            (None, diabetes, true, Some(Kind::Added)),
            (asthma, diabetes, true, Some(Kind::Added)),
            (diabetes, diabetes, true, Some(Kind::Updated)),
            (diabetes, asthma, true, Some(Kind::Removed)),
            (diabetes, None, true, Some(Kind::Removed)),
            (asthma, None, true, None),
            (None, asthma, true, None),
            // A later row tells of what is; what is no longer is told at once.
            (None, diabetes, false, None),
            (diabetes, diabetes, false, None),
            (diabetes, asthma, false, Some(Kind::Removed)),
        ] {
            let change = change(before, after, current);
            assert_eq!(change.to(&query, vocabulary), expected, "{before:?} {after:?} {current}");
        }
        // Nothing is known of what was before: what is not in any more may be in somebody's copy.
        let whole = |after| Change { whole: true, ..change(None, after, true) };
        assert_eq!(whole(diabetes).to(&query, vocabulary), Some(Kind::Added));
        assert_eq!(whole(asthma).to(&query, vocabulary), Some(Kind::Removed));
    }
}
