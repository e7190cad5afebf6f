//! Abbreviations that a text defines, by the rule of Schwartz and Hearst ("A simple algorithm for identifying
//! abbreviation definitions in biomedical text", PSB 2003): the letters of the short form in parentheses are found
//! from the right in the words before it.
//!
//! The long form decides: where it is a name, the short form means the same everywhere in the field; where it is
//! none, a sense that the vocabulary has for the short form is dropped, unless it shares a word with the long form.

use rustc_hash::FxHashMap;

use super::{matcher::Hit, tokens::Token};
use crate::{
    Vocabulary,
    normalise::{Gap, Shape, Words},
    vocabulary::{format::Table, term},
};

/// What a short form means here.
#[derive(Clone, Copy)]
enum Meaning {
    Term(u32),
    /// Something that is no condition.
    Other,
}

/// Applies the field's abbreviations to its hits.
pub fn apply(vocabulary: &Vocabulary, text: &str, tokens: &[Token], hits: &mut Vec<Hit>) {
    let mut meanings: FxHashMap<&str, Meaning> = FxHashMap::default();
    for (at, token) in tokens.iter().enumerate() {
        if token.gap != Gap::Open || at == 0 || !closes(tokens, at) {
            continue;
        }
        let short = &text[token.start as usize..token.end as usize];
        let Some(begin) = long_form(text, tokens, at, short) else { continue };
        let hit = hits.binary_search_by(|h| h.last.cmp(&(at as u32 - 1))).ok().map(|i| hits[i]);
        let meaning = match hit {
            Some(hit) if flags(vocabulary, hit.term) & term::STOP == 0 => Meaning::Term(hit.term),
            _ if shares_word(vocabulary, text, tokens, hits, begin, at) => continue,
            _ => Meaning::Other,
        };
        meanings.entry(short).or_insert(meaning);
    }
    if meanings.is_empty() {
        return;
    }
    let mut kept = Vec::with_capacity(hits.len());
    let mut next = hits.iter().copied().peekable();
    for (at, token) in tokens.iter().enumerate() {
        let at = at as u32;
        let meaning = if token.shape == Shape::Caps || token.shape == Shape::Mixed {
            let word = &text[token.start as usize..token.end as usize];
            meanings.get(word).or_else(|| meanings.get(word.strip_suffix('s')?)).copied()
        } else {
            None
        };
        let hit = next.next_if(|h| h.first == at);
        let alone = hit.is_none_or(|h| h.last == h.first);
        let inside = kept.last().is_some_and(|h: &Hit| h.last >= at);
        match meaning {
            Some(Meaning::Term(term)) if alone && !inside => kept.push(Hit { first: at, last: at, term }),
            Some(Meaning::Other) if alone => {}
            _ => kept.extend(hit),
        }
    }
    *hits = kept;
}

fn flags(vocabulary: &Vocabulary, term: u32) -> u32 {
    vocabulary.tables.get(Table::TermFlags)[term as usize]
}

/// Whether the parenthesis has this word alone, or this word and more after a comma or semicolon.
fn closes(tokens: &[Token], at: usize) -> bool {
    tokens.get(at + 1).is_none_or(|t| t.gap != Gap::Join)
}

/// First word of the long form of `short`, which stands in parentheses as word `at`.
fn long_form(text: &str, tokens: &[Token], at: usize, short: &str) -> Option<usize> {
    let count = short.len();
    if !(2..=10).contains(&count) || !short.is_ascii() || !short.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let furthest = (count + 5).min(count * 2);
    let letters: smallvec::SmallVec<[u8; 10]> = short.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let mut left = letters.len();
    let mut word = at;
    while word > 0 && at - word < furthest {
        word -= 1;
        let token = tokens[word];
        let bytes = &text.as_bytes()[token.start as usize..token.end as usize];
        for place in (0..bytes.len().min(64)).rev() {
            // The first letter of the short form must begin a word; the others may stand anywhere.
            if bytes[place].eq_ignore_ascii_case(&letters[left - 1]) && (left > 1 || place == 0) {
                left -= 1;
                if left == 0 {
                    return Some(word);
                }
            }
        }
        if token.gap >= Gap::Open {
            return None;
        }
    }
    None
}

/// Whether the sense that the vocabulary has for the short form shares a word with the long form.
fn shares_word(vocabulary: &Vocabulary, text: &str, tokens: &[Token], hits: &[Hit], begin: usize, at: usize) -> bool {
    let Ok(hit) = hits.binary_search_by(|h| h.first.cmp(&(at as u32))) else { return false };
    let found = hits[hit].term as usize;
    let long: Vec<u64> = Words::new(&text[tokens[begin].start as usize..tokens[at - 1].end as usize])
        .filter(|w| w.end - w.start > 3)
        .map(|w| w.hash)
        .collect();
    let tables = &vocabulary.tables;
    tables.get(Table::TermCondition)[tables.range(Table::TermEnd, found)]
        .iter()
        .flat_map(|&c| vocabulary.at(term::condition(c)).names())
        .any(|name| Words::new(name.text).any(|w| long.contains(&w.hash)))
}
