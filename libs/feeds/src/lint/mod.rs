//! What is wrong with a feed, for its owner: each finding says what it means for the network's readers, how to mend it, and
//! where that is laid down. A linter, pure: over what was read, what was repaired, and how the server answered.
//!
//! [`lint`] looks at one reading and is cheap enough for every poll that reads a body; [`compare`] looks at two readings of the
//! same feed, for what only shows in time. All that can be found stands in one table, [`RULES`], which docs/checks.md shows.

mod entries;
mod exchange;
mod feed;
mod rules;

pub use exchange::{Again, Exchange, Redirect};
pub use rules::RULES;

use crate::Parsed;
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Readers lose content, or get none.
    Error,
    /// Content comes late, wrong, or at a cost.
    Warning,
    /// It could be better.
    Note,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// One thing that can be found.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable name, kebab-case. Those of [`crate::parse`]'s problems are among them.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What it means for the network's readers.
    pub effect: &'static str,
    /// How the owner mends it.
    pub mend: &'static str,
    /// Where it is laid down: document and section.
    pub spec: &'static str,
    /// That document on the web.
    pub link: &'static str,
}

impl Rule {
    /// The rule of a code.
    #[must_use]
    pub fn of(code: &str) -> Option<&'static Rule> {
        RULES.iter().find(|rule| rule.code == code)
    }
}

/// Something found. Serialises as one flat object: `code`, `severity`, `title`, `detail`, `count`, `places`, `effect`, `mend`,
/// `spec`, `link`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub rule: &'static Rule,
    /// What was found here: values, numbers.
    pub detail: String,
    /// How often.
    pub count: u32,
    /// The first places, such as `entry 3 “Living with …”`; at most [`MAX_PLACES`].
    pub places: Vec<String>,
}

/// Places that a finding names.
pub const MAX_PLACES: usize = 3;

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut s = serializer.serialize_struct("Finding", 10)?;
        s.serialize_field("code", self.rule.code)?;
        s.serialize_field("severity", &self.rule.severity)?;
        s.serialize_field("title", self.rule.title)?;
        s.serialize_field("detail", &self.detail)?;
        s.serialize_field("count", &self.count)?;
        s.serialize_field("places", &self.places)?;
        s.serialize_field("effect", self.rule.effect)?;
        s.serialize_field("mend", self.rule.mend)?;
        s.serialize_field("spec", self.rule.spec)?;
        s.serialize_field("link", self.rule.link)?;
        s.end()
    }
}

/// Gathers findings: one of each rule, with its count and first places.
#[derive(Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// A finding about the feed as a whole.
    pub(crate) fn add(&mut self, code: &str, detail: impl Into<String>) {
        self.put(code, || detail.into());
    }

    /// One more of a finding at a place; `detail` is that of the first.
    pub(crate) fn at(&mut self, code: &str, place: impl FnOnce() -> String, detail: impl FnOnce() -> String) {
        if let Some(finding) = self.put(code, detail)
            && finding.places.len() < MAX_PLACES
        {
            finding.places.push(place());
        }
    }

    fn put(&mut self, code: &str, detail: impl FnOnce() -> String) -> Option<&mut Finding> {
        match self.0.iter().position(|f| f.rule.code == code) {
            Some(at) => {
                self.0[at].count += 1;
                self.0.get_mut(at)
            }
            None => {
                // A code without a rule is none that an owner can do something about; the tests hold that there is none.
                let rule = Rule::of(code)?;
                self.0.push(Finding { rule, detail: detail(), count: 1, places: Vec::new() });
                self.0.last_mut()
            }
        }
    }

    /// The most severe first, within that in order of the rules.
    pub(crate) fn into_sorted(self) -> Vec<Finding> {
        let mut list = self.0;
        let rank = |f: &Finding| RULES.iter().position(|r| r.code == f.rule.code);
        list.sort_by_key(|f| (f.rule.severity, rank(f)));
        list
    }
}

/// What is wrong with one reading of a feed: the problems of the reader, what the feed leaves out, and, where the exchange is
/// known, how the server answered. `now` tells which dates lie ahead.
///
/// A document that is no feed has that as its finding, and what the server did, and nothing of what a feed would need.
#[must_use]
pub fn lint(parsed: &Parsed, exchange: Option<&Exchange>, now: Timestamp) -> Vec<Finding> {
    let mut found = Findings::default();
    if let Some(exchange) = exchange {
        exchange::check(&mut found, exchange, parsed);
    }
    let answered = exchange.is_none_or(|e| (200..300).contains(&e.status));
    if answered {
        for problem in &parsed.problems {
            found.at(problem.code, || problem.where_.clone(), || problem.message.clone());
        }
    }
    if parsed.format.is_feed() {
        feed::check(&mut found, parsed, exchange);
        entries::check(&mut found, &parsed.entries, now);
    }
    found.into_sorted()
}

/// What only two readings of the same feed show: ids or dates that are made anew at each request.
#[must_use]
pub fn compare(before: &Parsed, after: &Parsed) -> Vec<Finding> {
    let mut found = Findings::default();
    entries::compare(&mut found, &before.entries, &after.entries);
    found.into_sorted()
}

/// A finding that something outside of this crate made, such as a fetch that failed. None for a code without a rule.
#[must_use]
pub fn finding(code: &str, detail: impl Into<String>) -> Option<Finding> {
    Some(Finding { rule: Rule::of(code)?, detail: detail.into(), count: 1, places: Vec::new() })
}
