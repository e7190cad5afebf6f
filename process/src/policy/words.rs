//! Blocked words: whole words and phrases, in any case, found in one pass over title and text.

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Serialize};

use super::{PolicyConfig, PolicyError};

/// A word that a rule blocks, as it was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FoundWord {
    /// The rule's name.
    pub rule: String,
    /// The word, as the rule has it.
    pub word: String,
}

/// What was found in an entry.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Found {
    /// For each rule with words, the first of them that is there.
    pub rules: Vec<FoundWord>,
    /// Whether one of the words is there that a feed of health care seldom has.
    pub unusual: bool,
}

/// Finds words.
#[derive(Debug)]
pub struct Words {
    finder: Option<AhoCorasick>,
    /// For each pattern its rule's name, none for unusual words, and the word.
    owners: Vec<(Option<String>, String)>,
    /// Whether a pattern has letters beyond ASCII, whose case must be folded.
    beyond_ascii: bool,
}

/// Most bytes of a text that are looked through.
const MOST: usize = 256 * 1024;

impl Words {
    /// What finds the words of a configuration.
    ///
    /// # Errors
    /// When there are too many.
    pub fn new(config: &PolicyConfig) -> Result<Self, PolicyError> {
        let of_rules =
            config.rules.iter().flat_map(|rule| rule.words.iter().map(|word| (Some(rule.name.clone()), word.clone())));
        let unusual = config.habits.words.iter().filter(|_| config.habits.enabled).map(|word| (None, word.clone()));
        let owners: Vec<(Option<String>, String)> =
            of_rules.chain(unusual).filter(|(_, word)| !word.trim().is_empty()).collect();
        let patterns: Vec<String> = owners.iter().map(|(_, word)| one_spaced(word)).collect();
        let beyond_ascii = patterns.iter().any(|pattern| !pattern.is_ascii());
        let finder = (!patterns.is_empty())
            .then(|| {
                AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(&patterns)
            })
            .transpose()
            .map_err(|error| PolicyError::new("rules", format!("the words of all rules: {error}")))?;
        Ok(Self { finder, owners, beyond_ascii })
    }

    /// Looks through a title and a text.
    #[must_use]
    pub fn find(&self, title: &str, text: &str) -> Found {
        let mut found = Found::default();
        let Some(finder) = &self.finder else { return found };
        for text in [title, &text[..text.floor_char_boundary(MOST)]] {
            if self.beyond_ascii && !text.is_ascii() {
                self.look(finder, &text.to_lowercase(), &mut found);
            } else {
                self.look(finder, text, &mut found);
            }
        }
        found
    }

    fn look(&self, finder: &AhoCorasick, text: &str, found: &mut Found) {
        for hit in finder.find_overlapping_iter(text) {
            let Some((rule, word)) = self.owners.get(hit.pattern().as_usize()) else { continue };
            let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            if inside(text[..hit.start()].chars().next_back()) || inside(text[hit.end()..].chars().next()) {
                continue;
            }
            match rule {
                None => found.unusual = true,
                Some(rule) if found.rules.iter().any(|have| have.rule == *rule) => {}
                Some(rule) => found.rules.push(FoundWord { rule: rule.clone(), word: word.clone() }),
            }
        }
    }
}

/// In lower case, with single spaces.
fn one_spaced(word: &str) -> String {
    word.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{RuleConfig, RuleOutcome};

    fn words(list: &[(&str, &[&str])]) -> Words {
        let rules = list.iter().map(|(name, words)| RuleConfig {
            name: (*name).to_owned(),
            outcome: RuleOutcome::Hold,
            reason: None,
            kinds: Vec::new(),
            languages: Vec::new(),
            licences: Vec::new(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            organizations: Vec::new(),
            feeds: Vec::new(),
            tiers: Vec::new(),
        });
        Words::new(&PolicyConfig { rules: rules.collect(), ..PolicyConfig::default() }).unwrap()
    }

    #[test]
    fn whole_words_in_any_case() {
        let words = words(&[("cure", &["miracle  cure", "Wundermittel"]), ("greek", &["Ζώνη"])]);
        for (title, text, rules) in [
            ("A MIRACLE cure?", "", vec!["cure"]),
            ("Miracle cures", "", vec![]),
            ("", "Das Wundermittel.", vec!["cure"]),
            ("", "Das Wundermittelchen.", vec![]),
            ("miracle cure", "ζώνη and ΖΏΝΗ", vec!["cure", "greek"]),
            ("Nothing", "of the kind", vec![]),
        ] {
            let found = words.find(title, text);
            assert_eq!(found.rules.iter().map(|one| one.rule.as_str()).collect::<Vec<_>>(), rules, "{title}: {text}");
            assert!(!found.unusual);
        }
        assert!(words.find("Best CASINO bonus", "").unusual);
        assert!(!words.find("Occasions", "").unusual);
    }
}
