//! "Did you mean": words of a question that nothing has, set right by the words that there are.

use carewire_conditions::Vocabulary;
use tantivy::Term;

use super::{IndexError, SearchIndex, Snapshot};
use crate::{
    query::TextQuery,
    spelling::{Nearest, Spoken},
};

/// Words of the items looked at in one field of one part of the index.
const LOOKED_AT: usize = 300_000;
/// A word that stands in so many items is no slip, whatever else there is.
const COMMON: u64 = 20;
/// A word this much commoner than what was typed was meant.
const COMMONER: u64 = 50;

impl SearchIndex {
    /// The words of a question as they were probably meant; none where each is well known, or nothing is near. Of
    /// questions in quotes and of names of conditions nothing is changed.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn did_you_mean(&self, q: &TextQuery, vocabulary: &Vocabulary) -> Result<Option<String>, IndexError> {
        let snapshot = self.snapshot();
        let mut changed = false;
        let mut words = Vec::with_capacity(q.clauses.len());
        for clause in &q.clauses {
            let meant = match &clause.words[..] {
                [word] if !clause.quoted && !clause.not && clause.code.is_none() => {
                    self.meant(&snapshot, word, vocabulary)?
                }
                _ => None,
            };
            changed |= meant.is_some();
            words.push(meant.unwrap_or_else(|| {
                let (not, quote) = (if clause.not { "-" } else { "" }, if clause.quoted { "\"" } else { "" });
                format!("{not}{quote}{}{quote}", clause.text)
            }));
        }
        Ok(changed.then(|| words.join(" ")))
    }

    fn meant(&self, snapshot: &Snapshot, word: &str, vocabulary: &Vocabulary) -> Result<Option<String>, IndexError> {
        let typed = self.holding(snapshot, word)?;
        let (Some(mut nearest), true) = (Nearest::to(word), typed < COMMON) else { return Ok(None) };
        let spoken = self.spoken.get_or_init(|| Spoken::new(vocabulary));
        // People rarely slip on the first letter; what begins alike is a small part of all words.
        let Some(first) = word.chars().next() else { return Ok(None) };
        let (from, to) = (first.to_string(), char::from_u32(first as u32 + 1).unwrap_or(char::MAX).to_string());
        for segment in snapshot.searcher.segment_readers() {
            for field in [self.fields.title, self.fields.body] {
                let inverted = segment.inverted_index(field)?;
                let range = inverted.terms().range().ge(from.as_bytes()).lt(to.as_bytes());
                let mut terms = range.into_stream().map_err(tantivy::TantivyError::from)?;
                let mut looked_at = 0;
                while terms.advance() && looked_at < LOOKED_AT {
                    looked_at += 1;
                    if let Ok(other) = std::str::from_utf8(terms.key()) {
                        nearest.look(other, terms.value().doc_freq.into(), 0);
                    }
                }
            }
        }
        for (other, names) in spoken.iter().filter(|(other, _)| other.starts_with(first)) {
            nearest.look(other, 0, names.into());
        }
        let Some(found) = nearest.found() else { return Ok(None) };
        let enough = typed == 0 || self.holding(snapshot, &found)? >= typed.saturating_mul(COMMONER);
        Ok(enough.then(|| spoken.written(&found).to_owned()))
    }

    /// In about how many items a word stands.
    fn holding(&self, snapshot: &Snapshot, word: &str) -> Result<u64, IndexError> {
        let mut most = 0;
        for field in [self.fields.title, self.fields.body] {
            most = most.max(snapshot.searcher.doc_freq(&Term::from_field_text(field, word))?);
        }
        Ok(most)
    }
}
