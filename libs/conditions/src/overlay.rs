//! An overlay of the vocabulary: what curators of one network add to it and take from it, in a TOML file of theirs.
//!
//! ```toml
//! version = "2026-11-24"
//!
//! [[name]]                      # a further name of a condition
//! name = "sugar trouble"
//! code = "D003920"              # a code of any system
//! kind = "name"                 # or "proxy": a treatment or test that stands for it; or "weak": only hints at it
//!
//! [[condition]]                 # a condition of one's own
//! code = "local:burnout-clinic"
//! name = "Burn-out of carers"
//! names = ["carer burn-out"]
//! parents = ["D003863"]
//! topic = false
//!
//! [[not]]                       # words that are not that
//! name = "shock"
//! code = "D012769"              # without a code: they are no condition at all
//! ```
//!
//! The overlay's version and hash are part of [`Vocabulary::version`], so that every tag says which overlay made it.

use std::sync::OnceLock;

use rustc_hash::FxHashSet;
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    NameKind, Vocabulary,
    normalise::{Gap, Shape, Words, fold},
    vocabulary::{
        format::{FormatError, Table, Tables},
        term,
    },
};

/// Most entries of each kind: an overlay is written by people.
const MOST: usize = 10_000;

/// An overlay as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// What its keepers call this state of it.
    pub version: String,
    /// Further names.
    #[serde(default)]
    pub name: Vec<AddedName>,
    /// Further conditions.
    #[serde(default)]
    pub condition: Vec<AddedCondition>,
    /// Words that are not that.
    #[serde(default)]
    pub not: Vec<NotThat>,
}

/// A further name of a condition.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddedName {
    /// The name, as it stands in texts.
    pub name: String,
    /// A code of any system.
    pub code: String,
    /// What it does.
    #[serde(default)]
    pub kind: AddedKind,
}

/// What an added name does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddedKind {
    /// A name.
    #[default]
    Name,
    /// A treatment or test that stands for the condition.
    Proxy,
    /// Only hints at it.
    Weak,
}

/// A further condition.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddedCondition {
    /// `local:` and a name of small letters, digits and hyphens.
    pub code: String,
    /// The name shown.
    pub name: String,
    /// Further names.
    #[serde(default)]
    pub names: Vec<String>,
    /// Codes of what stands above it.
    #[serde(default)]
    pub parents: Vec<String>,
    /// Whether it is a topic.
    #[serde(default)]
    pub topic: bool,
}

/// Words that are not that.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotThat {
    /// The words.
    pub name: String,
    /// What they are not; without it they are no condition at all.
    pub code: Option<String>,
}

/// Why an overlay cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    /// No such TOML.
    #[error("the overlay is not as it should be: {0}")]
    Toml(#[from] toml::de::Error),
    /// A code that no condition has.
    #[error("the overlay names `{0}`, which is no condition's code")]
    UnknownCode(String),
    /// A code of one's own that is not as such codes are, or is there already.
    #[error("`{0}` cannot be a condition of one's own: `local:` and small letters, digits and hyphens, each once")]
    BadCode(String),
    /// A name without words, or with too many.
    #[error("`{0}` cannot be a name: one to twelve words")]
    BadName(String),
    /// Too long.
    #[error("the overlay has more than {MOST} entries of a kind")]
    TooLong,
    /// The vocabulary is in use already.
    #[error("an overlay must be installed before the vocabulary is first used")]
    TooLate,
    /// The committed vocabulary cannot be read.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// A sequence of words that an overlay adds to the terms.
#[derive(Clone, Debug)]
pub struct AddedTerm {
    /// Hashes of the words.
    pub words: Vec<u64>,
    /// Only where written in capitals.
    pub caps: bool,
    /// Number of the term.
    pub term: u32,
}

static INSTALLED: OnceLock<(Overlay, String)> = OnceLock::new();

/// Makes [`Vocabulary::bundled`] carry an overlay, for the rest of the process.
///
/// # Errors
/// When the text is no overlay, names codes that are not there, or the vocabulary is in use already.
pub fn install(text: &str) -> Result<(), OverlayError> {
    let overlay: Overlay = toml::from_str(text)?;
    let version = format!("{}-{:08x}", overlay.version, xxh3_64(text.as_bytes()) as u32);
    // Once on trial: what is installed must not fail when the vocabulary is first used.
    Vocabulary::decode(Vocabulary::FILE)?.with_overlay(&overlay, &version)?;
    INSTALLED.set((overlay, version)).map_err(|_| OverlayError::TooLate)?;
    if Vocabulary::in_use() && Vocabulary::bundled().overlay().is_empty() {
        return Err(OverlayError::TooLate);
    }
    Ok(())
}

/// The overlay that was installed, and its version.
pub(crate) fn installed() -> Option<&'static (Overlay, String)> {
    INSTALLED.get()
}

/// What an overlay changes in the tables.
pub(crate) struct Applied {
    pub tables: Tables,
    pub terms: Vec<AddedTerm>,
    /// Condition, name (position in [`Table::NameText`]).
    pub names: Vec<(u32, u32)>,
}

/// Applies an overlay to the tables of a vocabulary.
pub(crate) fn apply(vocabulary: &Vocabulary, overlay: &Overlay) -> Result<Applied, OverlayError> {
    if [overlay.name.len(), overlay.condition.len(), overlay.not.len()].into_iter().any(|n| n > MOST) {
        return Err(OverlayError::TooLong);
    }
    let mut work =
        Work { vocabulary, tables: vocabulary.tables.clone(), terms: Vec::new(), names: Vec::new(), own: Vec::new() };
    work.conditions(&overlay.condition)?;
    for added in &overlay.name {
        let condition = work.code(&added.code)?;
        let force = match added.kind {
            AddedKind::Name => 0,
            AddedKind::Proxy => term::PROXY,
            AddedKind::Weak => term::PROXY | term::WEAK,
        };
        let kind = if added.kind == AddedKind::Name { NameKind::Lay } else { NameKind::Proxy };
        let name = work.name(&added.name, kind);
        work.names.push((condition, name));
        work.term(&added.name, term::LAY, &[condition | force])?;
    }
    for not in &overlay.not {
        let conditions = match &not.code {
            None => Vec::new(),
            Some(code) => {
                let refused = work.code(code)?;
                let mut kept = work.conditions_of(&not.name);
                kept.retain(|&entry| term::condition(entry) != refused);
                kept
            }
        };
        let flags = if conditions.is_empty() { term::STOP } else { term::LAY };
        work.term(&not.name, flags, &conditions)?;
    }
    work.sort_names();
    Ok(Applied { tables: work.tables, terms: work.terms, names: work.names })
}

struct Work<'a> {
    vocabulary: &'a Vocabulary,
    tables: Tables,
    terms: Vec<AddedTerm>,
    names: Vec<(u32, u32)>,
    /// Codes of the overlay's own conditions, in order of number.
    own: Vec<String>,
}

impl Work<'_> {
    fn code(&self, code: &str) -> Result<u32, OverlayError> {
        if let Some(at) = self.own.iter().position(|own| own == code) {
            return Ok((self.vocabulary.len() + at) as u32);
        }
        let found = self.vocabulary.resolve(code).and_then(|code| self.vocabulary.index(code.as_str()));
        found.ok_or_else(|| OverlayError::UnknownCode(code.to_owned()))
    }

    fn conditions(&mut self, added: &[AddedCondition]) -> Result<(), OverlayError> {
        let mut seen = FxHashSet::default();
        for condition in added {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            let local = condition.code.strip_prefix("local:").filter(|c| !c.is_empty() && c.len() <= 48);
            if local.is_none_or(|c| !c.bytes().all(plain)) || !seen.insert(&condition.code) {
                return Err(OverlayError::BadCode(condition.code.clone()));
            }
            self.own.push(condition.code.clone());
        }
        for condition in added {
            let index = self.code(&condition.code)?;
            let code = self.tables.add_string(&condition.code);
            let label = self.tables.add_string(&condition.name);
            self.tables.get_mut(Table::Code).push(code);
            self.tables.get_mut(Table::Label).push(label);
            self.tables.get_mut(Table::Topic).push(u32::from(condition.topic));
            self.tables.get_mut(Table::Weight).push(1000);
            let names = std::iter::once((&condition.name, NameKind::Preferred));
            for (name, kind) in names.chain(condition.names.iter().map(|n| (n, NameKind::Lay))) {
                let at = self.name(name, kind);
                self.search(name, index, at);
                self.term(name, term::LAY | if condition.topic { term::TOPIC } else { 0 }, &[index])?;
            }
            for parent in &condition.parents {
                let parent = self.code(parent)?;
                self.tables.get_mut(Table::Parent).push(parent);
            }
            for (ends, elements) in [
                (Table::NameEnd, Table::NameText),
                (Table::ParentEnd, Table::Parent),
                (Table::XrefEnd, Table::XrefCode),
                (Table::TreeEnd, Table::Tree),
            ] {
                let length = self.tables.get(elements).len() as u32;
                self.tables.get_mut(ends).push(length);
            }
        }
        Ok(())
    }

    /// Adds a name's text; its position.
    fn name(&mut self, name: &str, kind: NameKind) -> u32 {
        let text = self.tables.add_string(name);
        let language = self.tables.add_string("en");
        self.tables.get_mut(Table::NameText).push(text);
        self.tables.get_mut(Table::NameMeta).push(kind.number() | language << 8);
        self.tables.get(Table::NameText).len() as u32 - 1
    }

    fn search(&mut self, name: &str, condition: u32, at: u32) {
        let key = self.tables.add_string(&fold(name));
        self.tables.get_mut(Table::SearchKey).push(key);
        self.tables.get_mut(Table::SearchCondition).push(condition);
        self.tables.get_mut(Table::SearchName).push(at);
    }

    /// Puts the added names among those that are searched, in order.
    fn sort_names(&mut self) {
        for (condition, at) in self.names.clone() {
            let text = self.tables.string(self.tables.get(Table::NameText)[at as usize]).to_owned();
            self.search(&text, condition, at);
        }
        let keys = self.tables.get(Table::SearchKey);
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by(|&a, &b| self.tables.string(keys[a]).cmp(self.tables.string(keys[b])).then(a.cmp(&b)));
        for table in [Table::SearchKey, Table::SearchCondition, Table::SearchName] {
            let sorted = order.iter().map(|&at| self.tables.get(table)[at]).collect();
            *self.tables.get_mut(table) = sorted;
        }
    }

    /// What the vocabulary's term of exactly these words stands for.
    fn conditions_of(&self, name: &str) -> Vec<u32> {
        let words: Vec<u64> = Words::new(name).map(|w| w.hash).collect();
        let Some(term) = self.tables.term_of(&words) else { return Vec::new() };
        self.tables.get(Table::TermCondition)[self.tables.range(Table::TermEnd, term as usize)].to_vec()
    }

    fn term(&mut self, name: &str, flags: u32, conditions: &[u32]) -> Result<(), OverlayError> {
        let words: Vec<_> = Words::new(name).collect();
        let broken = words.iter().skip(1).any(|w| w.gap != Gap::Join) || words.iter().any(|w| w.hash == 0);
        if words.is_empty() || words.len() > 12 || broken {
            return Err(OverlayError::BadName(name.to_owned()));
        }
        let term = self.tables.get(Table::TermFlags).len() as u32;
        self.tables.get_mut(Table::TermFlags).push(flags);
        self.tables.get_mut(Table::TermCondition).extend_from_slice(conditions);
        let end = self.tables.get(Table::TermCondition).len() as u32;
        self.tables.get_mut(Table::TermEnd).push(end);
        let caps = words.len() == 1 && words[0].shape == Shape::Caps;
        self.terms.push(AddedTerm { words: words.iter().map(|w| w.hash).collect(), caps, term });
        Ok(())
    }
}
