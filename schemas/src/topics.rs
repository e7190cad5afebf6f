//! The topics: names, keys, what is kept.

use std::time::Duration;

/// Entries as their feeds had them.
pub const ENTRIES: &str = "carewire.entries";
/// Entries cleaned and tagged.
pub const TAGGED: &str = "carewire.tagged";
/// Items after grouping.
pub const ITEMS: &str = "carewire.items";
/// What curators decided.
pub const DECISIONS: &str = "carewire.decisions";
/// The public output.
pub const CURATED: &str = "carewire.curated";
/// What could not be handled.
pub const DEAD_LETTERS: &str = "carewire.dead-letters";

/// How long a topic keeps its records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// For a time.
    Time(Duration),
    /// The last record of each key; a tombstone for the given time.
    Compacted(Duration),
    /// For ever.
    Forever,
}

/// A topic of the network.
#[derive(Clone, Copy, Debug)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// What the key is.
    pub key: &'static str,
    /// What it carries, in words.
    pub description: &'static str,
    /// The type of its events, as in `ce_type`.
    pub event_type: &'static str,
    /// How long records are kept.
    pub kept: Kept,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a withdrawal stays a value before the null follows, and a tombstone after it.
pub const WITHDRAWAL_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Largest record, in bytes.
pub const MAX_RECORD_BYTES: usize = 4 * 1024 * 1024 + 64 * 1024;

/// All topics.
pub const ALL: [Topic; 6] = [
    Topic {
        name: ENTRIES,
        key: "entry id",
        description: "an entry as its feed had it: new, changed or declared deleted",
        event_type: "carewire.entry.v1",
        kept: Kept::Time(Duration::from_secs(7 * DAY.as_secs())),
    },
    Topic {
        name: TAGGED,
        key: "entry id",
        description: "the entry cleaned and tagged: text, conditions with evidence, language, kind",
        event_type: "carewire.tagged.v1",
        kept: Kept::Time(Duration::from_secs(7 * DAY.as_secs())),
    },
    Topic {
        name: ITEMS,
        key: "item id",
        description: "the item after grouping: its sources, its story, the rule's outcome",
        event_type: "carewire.item.v1",
        kept: Kept::Compacted(WITHDRAWAL_KEPT),
    },
    Topic {
        name: DECISIONS,
        key: "item id",
        description: "what a curator decided and why, undo included",
        event_type: "carewire.decision.v1",
        kept: Kept::Forever,
    },
    Topic {
        name: CURATED,
        key: "item id",
        description: "the public output; a withdrawal is a value first, then a tombstone",
        event_type: "carewire.curated.v1",
        kept: Kept::Compacted(WITHDRAWAL_KEPT),
    },
    Topic {
        name: DEAD_LETTERS,
        key: "source key",
        description: "what could not be handled: record, stage, error, tries",
        event_type: "carewire.dead-letter.v1",
        kept: Kept::Time(Duration::from_secs(30 * DAY.as_secs())),
    },
];

/// The topic of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Topic> {
    ALL.iter().find(|topic| topic.name == name)
}
