//! The vocabulary: conditions and topics with names, codes and parents.
//!
//! It is decoded once from the committed `vocabulary.bin` ([`mod@format`]) and answers from flat tables; only the
//! codes and the closures are built at load. `compile-vocabulary` fills the same tables.

mod condition;
pub mod format;
mod lookup;
pub mod term;

use std::sync::{
    LazyLock,
    atomic::{AtomicBool, Ordering},
};

use carewire_schemas::ConditionCode;
use xxhash_rust::xxh3::xxh3_64;

pub use condition::{Condition, Name, NameKind, capitalised};
pub use lookup::NameHit;

use crate::overlay::{self, AddedTerm, Overlay, OverlayError};
use format::{FormatError, Table, Tables};

static BUNDLED: LazyLock<Vocabulary> = LazyLock::new(|| {
    IN_USE.store(true, Ordering::Release);
    let vocabulary = Vocabulary::decode(Vocabulary::FILE).expect("the committed vocabulary decodes: a test reads it");
    match overlay::installed() {
        Some((overlay, version)) => vocabulary.with_overlay(overlay, version).expect("tried when it was installed"),
        None => vocabulary,
    }
});

/// Whether [`BUNDLED`] is loaded, or being loaded.
static IN_USE: AtomicBool = AtomicBool::new(false);

/// The conditions and topics of the network. One per process: [`Vocabulary::bundled`].
pub struct Vocabulary {
    pub(crate) tables: Tables,
    version: String,
    codes: Vec<ConditionCode>,
    ancestors: Closure,
    descendants: Closure,
    children: Closure,
    /// Conditions in order of code; those of an overlay come after them.
    sorted: usize,
    /// Terms of an overlay.
    added: Vec<AddedTerm>,
    /// Names of an overlay for conditions that are there: condition, position of the name; in order of condition.
    added_names: Vec<(u32, u32)>,
}

/// Lists of condition numbers, one per condition.
#[derive(Default)]
struct Closure {
    ends: Vec<u32>,
    members: Vec<u32>,
}

impl Closure {
    fn of(&self, index: u32) -> &[u32] {
        let index = index as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.members[start..self.ends[index] as usize]
    }

    /// The lists turned round: `b` is in the list of `a` there where `a` is in the list of `b` here.
    fn reversed(&self) -> Self {
        let n = self.ends.len();
        let mut ends = vec![0u32; n];
        for &member in &self.members {
            ends[member as usize] += 1;
        }
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        let mut members = vec![0u32; self.members.len()];
        let mut next: Vec<u32> = std::iter::once(0).chain(ends.iter().copied()).take(n).collect();
        for from in 0..n as u32 {
            for &to in self.of(from) {
                members[next[to as usize] as usize] = from;
                next[to as usize] += 1;
            }
        }
        Self { ends, members }
    }
}

impl Vocabulary {
    /// The committed file.
    pub(crate) const FILE: &'static [u8] = include_bytes!("../../vocabulary/vocabulary.bin");

    /// The vocabulary committed with the code, with the overlay that was installed, decoded at the first call.
    #[must_use]
    pub fn bundled() -> &'static Self {
        &BUNDLED
    }

    /// Whether [`Self::bundled`] was called.
    pub(crate) fn in_use() -> bool {
        IN_USE.load(Ordering::Acquire)
    }

    /// The terms that an overlay added.
    pub(crate) fn overlay(&self) -> &[AddedTerm] {
        &self.added
    }

    /// This vocabulary with an overlay; `version` is the overlay's part of the new version.
    ///
    /// # Errors
    /// When the overlay names what is not there, or what cannot be a name.
    pub fn with_overlay(self, overlay: &Overlay, version: &str) -> Result<Self, OverlayError> {
        let applied = overlay::apply(&self, overlay)?;
        let mut names = applied.names;
        names.sort_unstable();
        let version = format!("{}+{version}", self.version);
        let sorted = self.codes.len();
        Ok(Self { added: applied.terms, added_names: names, ..Self::from_tables(applied.tables, version, sorted) })
    }

    /// Reads a compiled file.
    ///
    /// # Errors
    /// When the bytes are no such file, or one of another version.
    pub fn decode(file: &[u8]) -> Result<Self, FormatError> {
        let tables = Tables::decode(file)?;
        let version = format!("{:016x}", xxh3_64(file));
        let sorted = tables.get(Table::Code).len();
        Ok(Self::from_tables(tables, version, sorted))
    }

    fn from_tables(tables: Tables, version: String, sorted: usize) -> Self {
        let codes: Vec<_> =
            tables.get(Table::Code).iter().map(|&s| ConditionCode(tables.string(s).to_owned())).collect();
        let n = codes.len();
        let mut parents = Closure::default();
        let mut ancestors = Closure::default();
        let mut seen = vec![u32::MAX; n];
        for index in 0..n {
            let start = ancestors.members.len();
            ancestors.members.push(index as u32);
            seen[index] = index as u32;
            let mut at = start;
            while at < ancestors.members.len() {
                let current = ancestors.members[at] as usize;
                for &parent in &tables.get(Table::Parent)[tables.range(Table::ParentEnd, current)] {
                    if at == start {
                        parents.members.push(parent);
                    }
                    if seen[parent as usize] != index as u32 {
                        seen[parent as usize] = index as u32;
                        ancestors.members.push(parent);
                    }
                }
                at += 1;
            }
            parents.ends.push(parents.members.len() as u32);
            ancestors.ends.push(ancestors.members.len() as u32);
        }
        let descendants = ancestors.reversed();
        let children = parents.reversed();
        let (added, added_names) = Default::default();
        Self { tables, version, codes, ancestors, descendants, children, sorted, added, added_names }
    }

    /// Hash of the compiled file, 16 hex digits, and of an overlay `+` its version and hash: part of every tag's pipeline
    /// version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Number of conditions and topics.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    pub(crate) fn index(&self, code: &str) -> Option<u32> {
        let (base, own) = self.codes.split_at(self.sorted);
        let in_base = base.binary_search_by(|c| c.as_str().cmp(code)).ok();
        in_base.or_else(|| own.iter().position(|c| c.as_str() == code).map(|i| i + self.sorted)).map(|i| i as u32)
    }

    pub(crate) fn at(&self, index: u32) -> Condition<'_> {
        Condition { vocabulary: self, index }
    }

    /// Numbers of the condition and everything above it, itself first.
    pub(crate) fn ancestor_indices(&self, index: u32) -> &[u32] {
        self.ancestors.of(index)
    }

    /// The condition of a code of the network.
    #[must_use]
    pub fn get(&self, code: &ConditionCode) -> Option<Condition<'_>> {
        self.index(code.as_str()).map(|i| self.at(i))
    }

    /// The code and everything above it, itself first. Empty for a code that is not in the vocabulary.
    pub fn ancestors(&self, code: &ConditionCode) -> impl Iterator<Item = &ConditionCode> + '_ {
        let members = self.index(code.as_str()).map_or(&[][..], |i| self.ancestors.of(i));
        members.iter().map(|&i| &self.codes[i as usize])
    }

    /// The code and everything below it, in order of code. Empty for a code that is not in the vocabulary.
    pub fn descendants(&self, code: &ConditionCode) -> impl Iterator<Item = &ConditionCode> + '_ {
        let members = self.index(code.as_str()).map_or(&[][..], |i| self.descendants.of(i));
        members.iter().map(|&i| &self.codes[i as usize])
    }

    /// Whether `code` is `ancestor` or stands below it. False where either is not in the vocabulary.
    #[must_use]
    pub fn is_within(&self, code: &ConditionCode, ancestor: &ConditionCode) -> bool {
        match (self.index(code.as_str()), self.index(ancestor.as_str())) {
            (Some(code), Some(ancestor)) => self.ancestors.of(code).contains(&ancestor),
            _ => false,
        }
    }

    /// All conditions and topics in order of code; those of an overlay last.
    pub fn iter(&self) -> impl Iterator<Item = Condition<'_>> {
        (0..self.codes.len() as u32).map(|index| self.at(index))
    }
}
