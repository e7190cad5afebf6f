//! From names to terms: which words stand for which conditions.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use carewire_conditions::{
    NameKind,
    normalise::{Gap, Shape, Words, fold, word_hash},
    vocabulary::term,
};

use super::{
    names,
    own::{Force, Own},
    sources::{Conditions, Origin},
};

/// Sources' names that are words of other languages (French shingles, elsewhere a neighbourhood): left to the own tables.
const NOT_ENGLISH: [&str; 1] = ["zona"];
/// Names longer than this are descriptions.
const MOST_WORDS: usize = 12;

/// A sequence of words and what it stands for.
pub struct Term {
    /// Hashes of the words.
    pub words: Vec<u64>,
    /// Only where written in capitals.
    pub caps: bool,
    pub flags: u32,
    /// What it stands for, and how: [`term::PROXY`], [`term::WEAK`].
    pub codes: Vec<(String, u32)>,
    /// Hash of the words written as one, where that may be a hashtag.
    pub compact: Option<u64>,
}

/// Trust in a term: the smaller wins. 0 the stop list, 1 own, 2 the sources in order, 3 own of other languages, 4 what was
/// made by rule.
type Rank = (u8, usize, String);
/// First part of an own term's rank.
const OWN: u8 = 1;
/// First part of the rank of an own term of another language than English.
const FOREIGN: u8 = 3;

#[derive(Default)]
struct Terms {
    map: BTreeMap<(Vec<u64>, bool), (Rank, Term)>,
    /// Words of the stop list: what is put together from other terms leaves them alone.
    stopped: BTreeSet<Vec<u64>>,
}

/// The words of a name and whether it counts only in capitals; `None` for what is no usable name.
fn words(name: &str) -> Option<(Vec<u64>, bool)> {
    let all: Vec<_> = Words::new(name).collect();
    if all.is_empty() || all.len() > MOST_WORDS || all.iter().any(|w| w.hash == 0) {
        return None;
    }
    if all.iter().skip(1).any(|w| w.gap != Gap::Join) {
        return None;
    }
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    if letters < 2 {
        return None;
    }
    let caps = all.len() == 1 && all[0].shape == Shape::Caps;
    Some((all.iter().map(|w| w.hash).collect(), caps))
}

impl Terms {
    fn add(&mut self, name: &str, rank: Rank, flags: u32, codes: &[(String, u32)]) {
        let Some((words, caps)) = words(name) else { return };
        let folded = fold(name);
        let letters = folded.replace(' ', "");
        let compact = (words.len() > 1 && words.len() < 6 && letters.len() >= 8 && flags & term::STOP == 0)
            .then(|| word_hash(&letters));
        if flags & term::STOP != 0 {
            self.stopped.insert(words.clone());
        }
        let new = Term { words: words.clone(), caps, flags, codes: codes.to_vec(), compact };
        match self.map.entry((words, caps)) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert((rank, new));
            }
            std::collections::btree_map::Entry::Occupied(mut slot) => {
                let (old_rank, old) = slot.get_mut();
                let topics = (old.flags | flags) & term::TOPIC != 0;
                if topics && old.flags & term::STOP != 0 && rank.0 == OWN {
                    // Words that name no condition may name a topic.
                    slot.insert((rank, new));
                } else if topics && rank.0 == OWN && old_rank.0 == OWN && (old.flags ^ flags) & term::FOREIGN == 0 {
                    old.stand_for(codes);
                    old.flags &= flags | !term::TOPIC;
                } else if rank.0 == FOREIGN && old_rank.0 == FOREIGN && old.codes == codes {
                    old.flags |= flags & term::FOREIGN;
                } else if rank < *old_rank {
                    slot.insert((rank, new));
                }
            }
        }
    }

    /// The codes of the condition or topic names within the words of a term, left to right, the longest first.
    fn within(&self, words: &[u64], wanted: impl Fn(&Term) -> bool) -> Vec<(String, u32)> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let longest = (1..=words.len() - at)
                .rev()
                .filter(|&length| length < words.len())
                .find_map(|length| self.map.get(&(words[at..at + length].to_vec(), false)).map(|(_, t)| (length, t)));
            match longest {
                Some((length, term)) => {
                    if wanted(term) {
                        found.extend(term.codes.iter().cloned());
                    }
                    at += length;
                }
                None => at += 1,
            }
        }
        found
    }

    /// The longest match takes its words, so a topic's name also stands for the conditions named in it ("prostate
    /// cancer screening"), and a treatment that stands for a condition for the topics named in it ("flu vaccine").
    fn put_together(&mut self, undecided: impl Fn(&Term) -> bool) {
        let mut more = Vec::new();
        for (key, (rank, own)) in &self.map {
            if rank.0 != OWN
                || own.words.len() < 2
                || own.flags & term::FOREIGN != 0
                || self.stopped.contains(&own.words)
            {
                continue;
            }
            let plain = |t: &Term| t.flags & (term::STOP | term::FOREIGN) == 0 && !t.caps;
            let codes = if own.flags & term::TOPIC != 0 {
                self.within(&own.words, |t| plain(t) && t.flags & term::TOPIC == 0 && !undecided(t))
            } else if own.codes.iter().all(|(_, force)| *force == term::PROXY) {
                let mut codes = self.within(&own.words, |t| plain(t) && t.flags & term::TOPIC != 0);
                codes.retain(|(_, force)| force & term::WEAK == 0);
                codes
            } else {
                continue;
            };
            if !codes.is_empty() {
                more.push((key.clone(), codes));
            }
        }
        for (key, codes) in more {
            if let Some((_, term)) = self.map.get_mut(&key) {
                term.stand_for(&codes);
                term.flags &= !term::TOPIC;
            }
        }
    }
}

impl Term {
    /// Adds what the term stands for; a stronger way of standing for the same stays.
    fn stand_for(&mut self, codes: &[(String, u32)]) {
        for (code, force) in codes {
            match self.codes.iter_mut().find(|(known, _)| known == code) {
                Some((_, known)) => *known = (*known).min(*force),
                None => self.codes.push((code.clone(), *force)),
            }
        }
    }
}

/// All terms, in order of their words.
pub fn build(conditions: &Conditions, own: &Own) -> Result<Vec<Term>> {
    let mut terms = Terms::default();
    for stop in &own.stop {
        terms.add(stop, (0, 0, String::new()), term::STOP, &[]);
    }
    for (at, lay) in own.lay.iter().enumerate() {
        let force = match lay.force {
            Force::Name => 0,
            Force::Proxy => term::PROXY,
            Force::Weak => term::PROXY | term::WEAK,
        };
        let topic = lay.codes.iter().all(|code| conditions.all.get(code).is_some_and(|e| e.topic));
        let mut flags = if topic { term::LAY | term::TOPIC } else { term::LAY };
        // An English name, a source's too, wins over the same letters in another language.
        let mut rank = OWN;
        if lay.language != "en" {
            flags |= term::language(&lay.language);
            anyhow::ensure!(flags & term::FOREIGN != 0, "`{}` is not among the languages of `term`", lay.language);
            rank = FOREIGN;
        }
        let codes: Vec<_> = lay.codes.iter().map(|code| (code.clone(), force)).collect();
        terms.add(&lay.name, (rank, at, String::new()), flags, &codes);
    }
    for (code, entry) in &conditions.all {
        let codes = [(code.clone(), 0)];
        let topic = if entry.topic { term::TOPIC } else { 0 };
        for name in entry.names.iter().filter(|n| n.origin != Origin::Own) {
            let rank = (2, name.origin as usize, code.clone());
            for form in forms(&name.text) {
                if usable(&form, name.origin) {
                    terms.add(&form, rank.clone(), topic, &codes);
                }
            }
            if name.kind == NameKind::Preferred && name.origin != Origin::Mondo && !entry.topic {
                for made in names::generated(&names::uninvert(&name.text), &conditions.organisms) {
                    terms.add(&made, (4, name.origin as usize, code.clone()), term::GENERATED, &codes);
                }
            }
        }
    }
    let mut used = vec![false; own.rule_lines.len()];
    for (name, &rule) in &own.rules {
        let Some((words, caps)) = words(name) else { bail!("ambiguous.tsv: `{name}` is no name") };
        // A rule covers the words in any capitals and in capitals, where there are such terms.
        for key in [(words.clone(), false), (words, true)] {
            if (!key.1 && caps) || key.1 && !caps {
                continue;
            }
            if let Some((_, term)) = terms.map.get_mut(&key) {
                term.flags |= (rule as u32 + 1) << term::RULE_SHIFT;
                used[rule] = true;
            }
        }
    }
    if let Some(unused) =
        used.iter().zip(&own.rule_lines).find_map(|(used, line)| (!used && !line.starts_with('@')).then_some(line))
    {
        bail!("ambiguous.tsv: no term for `{unused}`");
    }
    terms.put_together(|t| {
        // A word that counts only in certain company does not count within another name.
        term::rule(t.flags).is_some_and(|rule| own.rule_lines[rule].split('\t').nth(1) == Some("no"))
    });
    let learned = own.learned.iter().filter_map(|(name, code)| {
        let (words, caps) = words(name)?;
        Some(Term { words, caps, flags: term::LEARNED, codes: vec![(code.clone(), 0)], compact: None })
    });
    let learned: Vec<Term> = learned.collect();
    Ok(terms.map.into_values().map(|(_, term)| term).chain(learned).collect())
}

/// The forms of a source's name.
fn forms(name: &str) -> Vec<String> {
    let name = names::without_remarks(name);
    let mut out = vec![names::uninvert(&name)];
    out.extend(names::joined(&out[0]));
    out
}

/// Very short names and words of one language only are left to the own tables and to abbreviations that a text
/// defines.
fn usable(form: &str, origin: Origin) -> bool {
    if NOT_ENGLISH.contains(&form.to_lowercase().as_str()) {
        return false;
    }
    let letters = form.chars().filter(|c| c.is_alphanumeric()).count();
    let capitals = form.chars().filter(|c| c.is_uppercase()).count();
    let single = !form.trim().contains([' ', '-']);
    let digit = form.chars().any(|c| c.is_ascii_digit());
    match origin {
        // Single words of the rare diseases' synonyms are mostly abbreviations or words of general use.
        Origin::Mondo if single => (digit && letters >= 5) || (capitals < 2 && rare_word(form)),
        // Other abbreviations of four letters and fewer mean too many things; a text that uses them defines them.
        Origin::DoidName | Origin::DoidSynonym if single && capitals >= 2 && !digit => letters >= 5,
        _ if single && capitals >= 2 => letters >= 4,
        _ => letters >= 4,
    }
}

/// Whether a single word is made as names of diseases are.
fn rare_word(word: &str) -> bool {
    const ENDINGS: [&str; 16] = [
        "osis", "itis", "emia", "aemia", "pathy", "oma", "plasia", "uria", "trophy", "algia", "penia", "cele",
        "trichia", "melia", "cephaly", "tonia",
    ];
    let lower = word.to_lowercase();
    lower.len() >= 8 && ENDINGS.iter().any(|e| lower.ends_with(e))
}
