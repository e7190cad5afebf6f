//! From names to terms: which words stand for which conditions.

use std::collections::BTreeMap;

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

/// Names longer than this are descriptions.
const MOST_WORDS: usize = 12;

/// A sequence of words and what it stands for.
pub struct Term {
    /// Hashes of the words.
    pub words: Vec<u64>,
    /// Only where written in capitals.
    pub caps: bool,
    pub flags: u32,
    pub codes: Vec<String>,
    /// Hash of the words written as one, where that may be a hashtag.
    pub compact: Option<u64>,
}

/// Trust in a term: the smaller wins. 0 own, then the sources in order, then what was made by rule.
type Rank = (u8, usize, String);

#[derive(Default)]
struct Terms {
    map: BTreeMap<(Vec<u64>, bool), (Rank, Term)>,
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
    fn add(&mut self, name: &str, rank: Rank, flags: u32, codes: &[String]) {
        let Some((words, caps)) = words(name) else { return };
        let folded = fold(name);
        let letters = folded.replace(' ', "");
        let compact = (words.len() > 1 && words.len() < 6 && letters.len() >= 8 && flags & term::STOP == 0)
            .then(|| word_hash(&letters));
        let new = Term { words: words.clone(), caps, flags, codes: codes.to_vec(), compact };
        match self.map.entry((words, caps)) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert((rank, new));
            }
            std::collections::btree_map::Entry::Occupied(mut slot) => {
                if rank < slot.get().0 {
                    slot.insert((rank, new));
                }
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
        let mut flags = term::LAY;
        flags |= match lay.force {
            Force::Name => 0,
            Force::Proxy => term::PROXY,
            Force::Weak => term::PROXY | term::WEAK,
        };
        if lay.language != "en" {
            flags |= term::FOREIGN;
        }
        // An English word wins over the same letters in another language.
        let order = if lay.language == "en" { at } else { at + 1_000_000 };
        terms.add(&lay.name, (1, order, String::new()), flags, &lay.codes);
    }
    for (code, entry) in &conditions.all {
        for name in entry.names.iter().filter(|n| n.origin != Origin::Own) {
            let rank = (2, name.origin as usize, code.clone());
            for form in forms(&name.text) {
                if usable(&form, name.origin) {
                    terms.add(&form, rank.clone(), 0, std::slice::from_ref(code));
                }
            }
            if name.kind == NameKind::Preferred && name.origin != Origin::Mondo && !entry.topic {
                for made in names::generated(&names::uninvert(&name.text), &conditions.organisms) {
                    terms.add(
                        &made,
                        (3, name.origin as usize, code.clone()),
                        term::GENERATED,
                        std::slice::from_ref(code),
                    );
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
    Ok(terms.map.into_values().map(|(_, term)| term).collect())
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
