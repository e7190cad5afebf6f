//! Conditions and terms into the tables of the file.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use anyhow::{Context, Result};
use carewire_conditions::{
    NameKind,
    normalise::fold,
    vocabulary::{
        format::{Table, Tables},
        term,
    },
};

use super::{
    labels::Casing,
    own::Own,
    sources::{Conditions, Entry, Origin, SourceName},
    terms::Term,
};

/// Numbers strings in order of first use.
#[derive(Default)]
struct Strings {
    numbers: HashMap<String, u32>,
}

impl Strings {
    fn number(&mut self, tables: &mut Tables, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.numbers.len() as u32;
        tables.pool.push_str(text);
        let end = tables.pool.len() as u32;
        tables.get_mut(Table::StringEnd).push(end);
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

/// Symptoms and signs named in passing in every other text.
const SYMPTOM_WEIGHT: u32 = 300;

/// The file's bytes.
pub fn write(conditions: &Conditions, terms: &[Term], own: &Own) -> Result<Vec<u8>> {
    let mut tables = Tables::new();
    let mut strings = Strings::default();
    let numbers: BTreeMap<&str, u32> =
        conditions.all.keys().enumerate().map(|(i, code)| (code.as_str(), i as u32)).collect();
    let casing = Casing::of(conditions);
    let mut lookup = BTreeMap::new();
    let mut search = BTreeSet::new();
    for (code, entry) in &conditions.all {
        let index = numbers[code.as_str()];
        let text = strings.number(&mut tables, code);
        tables.get_mut(Table::Code).push(text);
        let label = own.labels.get(code).cloned().unwrap_or_else(|| casing.label(code, entry));
        let label = strings.number(&mut tables, &label);
        tables.get_mut(Table::Label).push(label);
        tables.get_mut(Table::Topic).push(u32::from(entry.topic));
        let weight = own.weights.get(code).copied().unwrap_or_else(|| weight(entry));
        tables.get_mut(Table::Weight).push(weight);
        for name in kept_names(entry) {
            let number = tables.get(Table::NameText).len() as u32;
            let text = strings.number(&mut tables, &name.text);
            let language = strings.number(&mut tables, &name.language);
            tables.get_mut(Table::NameText).push(text);
            tables.get_mut(Table::NameMeta).push(name.kind.number() | language << 8);
            search.insert((fold(&name.text), index, number));
            let direct = super::names::uninvert(&name.text);
            if direct != name.text {
                search.insert((fold(&direct), index, number));
            }
        }
        end(&mut tables, Table::NameEnd, Table::NameText);
        for parent in &entry.parents {
            let parent = *numbers.get(parent.as_str()).with_context(|| format!("{code}: unknown parent {parent}"))?;
            tables.get_mut(Table::Parent).push(parent);
        }
        end(&mut tables, Table::ParentEnd, Table::Parent);
        for (system, xref) in &entry.xrefs {
            let (s, x) = (strings.number(&mut tables, system), strings.number(&mut tables, xref));
            tables.get_mut(Table::XrefSystem).push(s);
            tables.get_mut(Table::XrefCode).push(x);
            // Where several have a code, the one with the fewest codes of that system is the closest.
            let rank = (entry.xrefs.iter().filter(|(s, _)| s == system).count(), index);
            let slot = lookup.entry(format!("{system}:{}", xref.to_lowercase())).or_insert(rank);
            *slot = rank.min(*slot);
        }
        end(&mut tables, Table::XrefEnd, Table::XrefCode);
        for tree in &entry.trees {
            let tree = strings.number(&mut tables, tree);
            tables.get_mut(Table::Tree).push(tree);
        }
        end(&mut tables, Table::TreeEnd, Table::Tree);
    }
    for (key, (_, index)) in lookup {
        let key = strings.number(&mut tables, &key);
        tables.get_mut(Table::LookupKey).push(key);
        tables.get_mut(Table::LookupCondition).push(index);
    }
    for (key, index, name) in search {
        let key = strings.number(&mut tables, &key);
        tables.get_mut(Table::SearchKey).push(key);
        tables.get_mut(Table::SearchCondition).push(index);
        tables.get_mut(Table::SearchName).push(name);
    }
    for line in &own.rule_lines {
        let line = strings.number(&mut tables, line);
        tables.get_mut(Table::Rule).push(line);
    }
    for line in &own.model {
        let line = strings.number(&mut tables, line);
        tables.get_mut(Table::Model).push(line);
    }
    for line in &own.switches {
        let line = strings.number(&mut tables, line);
        tables.get_mut(Table::Switch).push(line);
    }
    write_terms(&mut tables, terms, &numbers);
    tables.encode().context("compressing")
}

fn end(tables: &mut Tables, ends: Table, elements: Table) {
    let length = tables.get(elements).len() as u32;
    tables.get_mut(ends).push(length);
}

/// Conditions that stand in C23 (signs and symptoms) alone are mostly named in passing.
fn weight(entry: &Entry) -> u32 {
    if !entry.trees.is_empty() && entry.trees.iter().all(|t| t.starts_with("C23")) { SYMPTOM_WEIGHT } else { 1000 }
}

/// A condition's names without repetitions (inverted forms are repetitions), the preferred one first.
fn kept_names(entry: &Entry) -> Vec<&SourceName> {
    let mut seen = BTreeSet::new();
    let mut names: Vec<&SourceName> = entry.names.iter().collect();
    names.sort_by_key(|n| match n.kind {
        NameKind::Preferred => 0,
        NameKind::Lay if n.language == "en" => 1,
        NameKind::Synonym => 2,
        NameKind::Lay => 3,
        NameKind::Proxy => 4,
    });
    names.retain(|n| {
        let mut words: Vec<_> = fold(&n.text).split(' ').map(|w| w.trim_end_matches('s').to_owned()).collect();
        words.sort();
        seen.insert(words) || n.kind == NameKind::Preferred || n.origin == Origin::Own
    });
    names
}

/// The trie, breadth first, so that a node's children are numbered one after the other.
fn write_terms(tables: &mut Tables, terms: &[Term], numbers: &BTreeMap<&str, u32>) {
    let hashes: BTreeSet<u64> = terms.iter().flat_map(|t| t.words.iter().copied()).collect();
    let words: BTreeMap<u64, u32> = hashes.iter().zip(1u32..).map(|(&hash, number)| (hash, number)).collect();
    for hash in &hashes {
        tables.get_mut(Table::WordLow).push(*hash as u32);
        tables.get_mut(Table::WordHigh).push((hash >> 32) as u32);
    }
    let mut compact = BTreeMap::new();
    let mut sorted: Vec<(Vec<u32>, usize)> = Vec::with_capacity(terms.len());
    for (at, term) in terms.iter().enumerate() {
        tables.get_mut(Table::TermFlags).push(term.flags);
        for (code, force) in &term.codes {
            tables.get_mut(Table::TermCondition).push(numbers[code.as_str()] | force);
        }
        end(tables, Table::TermEnd, Table::TermCondition);
        if let Some(hash) = term.compact {
            compact.entry(hash).or_insert(at as u32);
        }
        sorted.push((term.words.iter().map(|w| words[w]).collect(), at));
    }
    sorted.sort();
    for (hash, term) in compact {
        tables.get_mut(Table::CompactLow).push(hash as u32);
        tables.get_mut(Table::CompactHigh).push((hash >> 32) as u32);
        tables.get_mut(Table::CompactTerm).push(term);
    }
    let mut queue = VecDeque::from([(0..sorted.len(), 0usize)]);
    while let Some((range, depth)) = queue.pop_front() {
        let (mut plain, mut caps, mut learned) = (0, 0, 0);
        let mut at = range.start;
        while at < range.end && sorted[at].0.len() == depth {
            let number = sorted[at].1 as u32 + 1;
            let term = &terms[sorted[at].1];
            let slot = match (term.flags & term::LEARNED != 0, term.caps) {
                (true, _) => &mut learned,
                (false, true) => &mut caps,
                (false, false) => &mut plain,
            };
            *slot = number;
            at += 1;
        }
        tables.get_mut(Table::NodeTerm).push(plain);
        tables.get_mut(Table::NodeCaps).push(caps);
        tables.get_mut(Table::NodeLearned).push(learned);
        while at < range.end {
            let word = sorted[at].0[depth];
            let stop = at + sorted[at..range.end].partition_point(|(w, _)| w[depth] == word);
            tables.get_mut(Table::ChildWord).push(word);
            queue.push_back((at..stop, depth + 1));
            at = stop;
        }
        end(tables, Table::ChildEnd, Table::ChildWord);
    }
}
