//! Plain names for readers, made from the sources' preferred names where `labels-en.tsv` has none.

use std::collections::HashMap;

use carewire_conditions::{NameKind, vocabulary::capitalised};

use super::{
    names,
    sources::{Conditions, Entry, Origin},
};

/// How the ontologies, which write common words small, write each word: MeSH gives all words capitals.
pub struct Casing {
    /// Word in small letters → times written small, times written with a capital.
    counts: HashMap<String, (u32, u32)>,
}

fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| c.is_whitespace() || matches!(c, '-' | '/' | '(' | ')' | ',')).filter(|w| !w.is_empty())
}

impl Casing {
    /// Counts the words of the ontologies' names.
    pub fn of(conditions: &Conditions) -> Self {
        let mut counts: HashMap<String, (u32, u32)> = HashMap::new();
        let names = conditions.all.values().flat_map(|e| &e.names);
        for name in names.filter(|n| matches!(n.origin, Origin::DoidName | Origin::DoidSynonym | Origin::Mondo)) {
            for word in parts(&name.text) {
                let count = counts.entry(word.to_lowercase()).or_default();
                if word.starts_with(char::is_lowercase) { count.0 += 1 } else { count.1 += 1 }
            }
        }
        Self { counts }
    }

    /// Whether a word that MeSH writes with a capital is a common word.
    fn common(&self, word: &str) -> bool {
        let rest_small = word.chars().skip(1).all(char::is_lowercase);
        let letters = word.chars().count();
        rest_small
            && letters > 1
            && self.counts.get(&word.to_lowercase()).is_some_and(|(small, capital)| small > capital)
    }

    /// A word that the ontologies do not have: in a topic's name an everyday word.
    fn unknown(&self, word: &str) -> bool {
        word.chars().skip(1).all(char::is_lowercase) && !self.counts.contains_key(&word.to_lowercase())
    }

    /// The preferred name turned round and in small letters.
    pub fn label(&self, code: &str, entry: &Entry) -> String {
        let preferred = entry.names.iter().find(|n| n.kind == NameKind::Preferred);
        let name = preferred.map_or(code, |n| n.text.as_str());
        if preferred.is_none_or(|n| n.origin != Origin::MeshPreferred) {
            return capitalised(name);
        }
        let mut out = String::with_capacity(name.len());
        for word in names::uninvert(name).split_inclusive([' ', '-', '/', '(', ')']) {
            let end = word.trim_end_matches([' ', '-', '/', '(', ')']).len();
            let (letters, rest) = word.split_at(end);
            match letters {
                "Neoplasms" => out.push_str("tumors"),
                "Neoplasm" => out.push_str("tumor"),
                letters if self.common(letters) || entry.topic && self.unknown(letters) => {
                    out.push_str(&letters.to_lowercase())
                }
                letters => out.push_str(letters),
            }
            out.push_str(rest);
        }
        capitalised(&out)
    }
}
