//! What a run changes of items: counts, and examples by condition. Pure.

use std::collections::{BTreeMap, BTreeSet};

use carewire_schemas::{ItemId, ItemV1, Role};
use serde::Serialize;

/// Most examples of each change.
const EXAMPLES: usize = 3;

/// What would change.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
pub struct Report {
    /// Entries looked at.
    pub entries: u64,
    /// Entries that cannot be read, or that grouping never saw.
    pub passed_over: u64,
    /// Items looked at. One that several entries carry may count more than once.
    pub items: u64,
    /// Items that would change.
    pub changed: u64,
    /// Changed items by what would change: `conditions`, `kind`, `language`, `outcome`, `text`, `traits`.
    pub by_what: BTreeMap<&'static str, u64>,
    /// By condition: how many items it would gain and lose, as what they are about.
    pub conditions: BTreeMap<String, ConditionChange>,
    /// By outcome before and after, such as `curated by accepted-organization → held by no-jobs`.
    pub outcomes: BTreeMap<String, OutcomeChange>,
}

/// What would change of a condition.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
pub struct ConditionChange {
    /// Its name.
    pub name: String,
    /// Items that would be about it.
    pub gained: u64,
    /// Items that would be about it no longer.
    pub lost: u64,
    /// Some of them; a title is marked `+` or `−`.
    pub examples: Vec<Example>,
}

/// A change of outcome.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
pub struct OutcomeChange {
    /// Items.
    pub items: u64,
    /// Some of them.
    pub examples: Vec<Example>,
}

/// An item that would change.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Example {
    /// The item.
    pub item: ItemId,
    /// Its title.
    pub title: String,
}

impl Report {
    /// Counts an item as it is and as it would be.
    pub fn count(&mut self, before: &ItemV1, after: &ItemV1) {
        self.items += 1;
        let mut what: Vec<&'static str> = Vec::new();
        let (old, new) = (about(before), about(after));
        let example = |mark: &str| Example { item: after.item, title: format!("{mark}{}", after.cleaned.title) };
        for (code, name) in new.iter().filter(|(code, _)| !old.contains_key(*code)) {
            let change = self.conditions.entry((*code).to_owned()).or_default();
            (change.name, change.gained) = ((*name).to_owned(), change.gained + 1);
            add(&mut change.examples, example("+ "));
        }
        for (code, name) in old.iter().filter(|(code, _)| !new.contains_key(*code)) {
            let change = self.conditions.entry((*code).to_owned()).or_default();
            (change.name, change.lost) = ((*name).to_owned(), change.lost + 1);
            add(&mut change.examples, example("− "));
        }
        let (a, b) = (&before.cleaned, &after.cleaned);
        if tags(before) != tags(after) {
            what.push("conditions");
        }
        if a.kind != b.kind {
            what.push("kind");
        }
        if a.language != b.language {
            what.push("language");
        }
        if a.title != b.title || a.summary != b.summary || a.html != b.html {
            what.push("text");
        }
        if a.traits != b.traits {
            what.push("traits");
        }
        let said = |item: &ItemV1| {
            let state = serde_json::to_value(item.outcome.state).unwrap_or_default();
            format!("{} by {}", state.as_str().unwrap_or_default(), item.outcome.rule)
        };
        let (was, is) = (said(before), said(after));
        if was != is {
            what.push("outcome");
            let change = self.outcomes.entry(format!("{was} → {is}")).or_default();
            change.items += 1;
            add(&mut change.examples, example(""));
        }
        self.changed += u64::from(!what.is_empty());
        for one in what {
            *self.by_what.entry(one).or_default() += 1;
        }
    }
}

fn add(examples: &mut Vec<Example>, example: Example) {
    if examples.len() < EXAMPLES {
        examples.push(example);
    }
}

/// Codes that an item is about, with their names.
fn about(item: &ItemV1) -> BTreeMap<&str, &str> {
    let about = item.cleaned.conditions.iter().filter(|tag| tag.role == Role::About && !tag.negated);
    about.map(|tag| (tag.code.as_str(), tag.name.as_str())).collect()
}

/// What of the tags readers and queries see.
fn tags(item: &ItemV1) -> BTreeSet<(&str, bool, bool)> {
    let tag = |tag: &'_ carewire_schemas::ConditionTag| (tag.role == Role::About, tag.negated);
    item.cleaned.conditions.iter().map(|one| (one.code.as_str(), tag(one).0, tag(one).1)).collect()
}
