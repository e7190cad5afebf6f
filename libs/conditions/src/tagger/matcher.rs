//! The longest name at each place, and names whose head is shared ("breast and ovarian cancer").

use rustc_hash::FxHashMap;

use super::{
    Language,
    tokens::{Dictionary, Token},
};
use crate::{
    Vocabulary,
    normalise::{Gap, Shape},
    vocabulary::{
        format::{Table, Tables},
        term,
    },
};

/// A term in a field: words `first..=last`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Hit {
    pub first: u32,
    pub last: u32,
    pub term: u32,
}

/// The trie's first level as an array, and the terms that may be hashtags.
pub struct Matcher {
    /// Word → node of the trie; 0 where no name begins with the word.
    roots: Vec<u32>,
    /// Word → term written as one word.
    compact: FxHashMap<u32, u32>,
    /// First word → further words, whether in capitals only, and the term, of an overlay.
    added: FxHashMap<u32, Vec<(Vec<u32>, bool, u32)>>,
    and: u32,
    or: u32,
}

/// How the names of a field are read.
#[derive(Clone, Copy)]
pub struct Reading {
    pub language: Language,
    /// Whether it is a scientific report, with learned names.
    pub scientific: bool,
}

/// Longest list of coordinated words that is followed to the left.
const LIST: usize = 8;

impl Matcher {
    pub fn new(vocabulary: &Vocabulary, dictionary: &mut Dictionary) -> Self {
        let tables = &vocabulary.tables;
        let (low, high) = (tables.get(Table::CompactLow), tables.get(Table::CompactHigh));
        let compact = low
            .iter()
            .zip(high)
            .zip(tables.get(Table::CompactTerm))
            .map(|((&l, &h), &term)| (dictionary.add(u64::from(h) << 32 | u64::from(l)), term))
            .collect();
        let and = dictionary.phrase("and")[0];
        let or = dictionary.phrase("or")[0];
        let mut added: FxHashMap<u32, Vec<(Vec<u32>, bool, u32)>> = FxHashMap::default();
        for term in vocabulary.overlay() {
            let words: Vec<u32> = term.words.iter().map(|&hash| dictionary.add(hash)).collect();
            if let Some((first, rest)) = words.split_first() {
                added.entry(*first).or_default().push((rest.to_vec(), term.caps, term.term));
            }
        }
        let mut roots = vec![0; dictionary.len()];
        for child in tables.range(Table::ChildEnd, 0) {
            roots[tables.get(Table::ChildWord)[child] as usize] = child as u32 + 1;
        }
        Self { roots, compact, added, and, or }
    }

    fn child(tables: &Tables, node: u32, word: u32) -> Option<u32> {
        let range = tables.range(Table::ChildEnd, node as usize);
        let start = range.start;
        let at = tables.get(Table::ChildWord)[range].binary_search(&word).ok()?;
        Some((start + at) as u32 + 1)
    }

    /// The term of exactly these words, in any capitals.
    fn exact<'t>(&self, tables: &Tables, mut words: impl Iterator<Item = &'t Token>) -> Option<u32> {
        let mut node = *self.roots.get(words.next()?.word as usize).filter(|&&n| n != 0)?;
        for token in words {
            node = Self::child(tables, node, token.word)?;
        }
        tables.get(Table::NodeTerm)[node as usize].checked_sub(1)
    }

    /// The term that all of `text` is, in its own capitals.
    pub fn term(&self, tables: &Tables, dictionary: &Dictionary, text: &str) -> Option<u32> {
        let tokens = dictionary.tokens(text);
        tokens.first()?;
        let reading = Reading { language: Language::English, scientific: true };
        let (length, term) = self.longest(tables, &tokens, 0, reading, false)?;
        (length == tokens.len()).then_some(term)
    }

    /// All hits of a field, left to right, none within another.
    pub fn hits(&self, tables: &Tables, tokens: &[Token], reading: Reading) -> Vec<Hit> {
        let shouting = shouting(tokens);
        let mut hits = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            match self.longest(tables, tokens, at, reading, shouting) {
                Some((length, term)) if !self.gives_way(tables, tokens, at, length, term, reading, shouting) => {
                    hits.push(Hit { first: at as u32, last: (at + length - 1) as u32, term });
                    at += length;
                }
                _ => at += 1,
            }
        }
        hits
    }

    /// Whether a topic's words end within a longer name of a condition: "a new heart | attack drug".
    #[expect(clippy::too_many_arguments, reason = "what `longest` takes, and its answer")]
    fn gives_way(
        &self,
        tables: &Tables,
        tokens: &[Token],
        at: usize,
        length: usize,
        term: u32,
        reading: Reading,
        shouting: bool,
    ) -> bool {
        let flags = tables.get(Table::TermFlags);
        if length < 2 || flags[term as usize] & term::TOPIC == 0 {
            return false;
        }
        (at + 1..at + length).any(|start| {
            self.longest(tables, tokens, start, reading, shouting).is_some_and(|(inner, other)| {
                start + inner > at + length && flags[other as usize] & (term::TOPIC | term::STOP) == 0
            })
        })
    }

    fn longest(
        &self,
        tables: &Tables,
        tokens: &[Token],
        at: usize,
        reading: Reading,
        shouting: bool,
    ) -> Option<(usize, u32)> {
        let first = tokens[at];
        if first.hashtag
            && let Some(&term) = self.compact.get(&first.word)
        {
            return Some((1, term));
        }
        let mut best = if self.added.is_empty() { None } else { self.longest_added(tokens, at) };
        let mut node = self.roots[first.word as usize];
        if node == 0 {
            return best;
        }
        let mut length = 1;
        loop {
            // The overlay wins over a name that is no longer than its own.
            if best.is_none_or(|(known, _)| length > known)
                && let Some(term) = Self::term_at(tables, node, &tokens[at..at + length], reading, shouting)
            {
                best = Some((length, term));
            }
            let Some(token) = tokens.get(at + length).filter(|t| t.gap == Gap::Join && t.word != 0) else { break };
            let Some(next) = Self::child(tables, node, token.word) else { break };
            node = next;
            length += 1;
        }
        best
    }

    /// The longest name of the overlay at a place.
    fn longest_added(&self, tokens: &[Token], at: usize) -> Option<(usize, u32)> {
        let names = self.added.get(&tokens[at].word)?;
        let fits = |(rest, caps, _): &&(Vec<u32>, bool, u32)| {
            let follow = tokens.get(at + 1..at + 1 + rest.len());
            follow.is_some_and(|f| f.iter().zip(rest).all(|(t, w)| t.gap == Gap::Join && t.word == *w))
                && (!caps || tokens[at].shape == Shape::Caps)
        };
        // Of the same words the last entry counts.
        names.iter().filter(fits).max_by_key(|(rest, ..)| rest.len()).map(|(rest, _, term)| (rest.len() + 1, *term))
    }

    /// The term that ends at `node`, if the words are written as it wants them.
    fn term_at(tables: &Tables, node: u32, words: &[Token], reading: Reading, shouting: bool) -> Option<u32> {
        if reading.scientific
            && let Some(term) = tables.get(Table::NodeLearned)[node as usize].checked_sub(1)
        {
            return Some(term);
        }
        let word = words[0];
        let letters = word.end - word.start;
        let capitals = word.shape == Shape::Caps && !(shouting && letters <= 3) || (word.hashtag && letters >= 4);
        let caps = tables.get(Table::NodeCaps)[node as usize];
        if caps != 0 && capitals {
            return Some(caps - 1);
        }
        let term = tables.get(Table::NodeTerm)[node as usize].checked_sub(1)?;
        let foreign = tables.get(Table::TermFlags)[term as usize] & term::FOREIGN;
        let allowed = match reading.language {
            Language::English => false,
            Language::Known(bit) => foreign & bit != 0,
            // One word alone may be anything in a language that is not known.
            Language::Other => words.len() > 1,
        };
        (foreign == 0 || allowed).then_some(term)
    }

    /// Adds names that share their head or their beginning with a neighbour: "breast and ovarian cancer",
    /// "hepatitis B and C".
    pub fn coordinate(&self, tables: &Tables, tokens: &[Token], hits: &mut Vec<Hit>) {
        let mut found = Vec::new();
        for (number, hit) in hits.iter().enumerate() {
            let (first, last) = (hit.first as usize, hit.last as usize);
            if first == last || tables.get(Table::TermFlags)[hit.term as usize] & term::STOP != 0 {
                continue;
            }
            let previous_end = number.checked_sub(1).map_or(0, |p| hits[p].last as usize + 1);
            self.shared_head(tables, tokens, first, last, previous_end, &mut found);
            // "hepatitis B and C": the words before the last one, with what follows "and".
            if let (Some(connector), Some(right)) = (tokens.get(last + 1), tokens.get(last + 2))
                && self.connects(connector)
                && right.gap == Gap::Join
                && hits.get(number + 1).is_none_or(|next| next.first as usize > last + 2)
                && let Some(term) = self.exact(tables, tokens[first..last].iter().chain([right]))
            {
                found.push(Hit { first: last as u32 + 2, last: last as u32 + 2, term });
            }
        }
        if !found.is_empty() {
            found.retain(|h| tables.get(Table::TermFlags)[h.term as usize] & term::STOP == 0);
            hits.extend(found);
            hits.sort_unstable();
        }
    }

    fn connects(&self, token: &Token) -> bool {
        token.gap <= Gap::Comma && (token.word == self.and || token.word == self.or)
    }

    fn shared_head(
        &self,
        tables: &Tables,
        tokens: &[Token],
        first: usize,
        last: usize,
        previous_end: usize,
        found: &mut Vec<Hit>,
    ) {
        let Some(connector) =
            first.checked_sub(1).filter(|&c| self.connects(&tokens[c]) && tokens[first].gap == Gap::Join)
        else {
            return;
        };
        let mut end = connector;
        for _ in 0..LIST {
            let Some((begin, term)) = self.left_of(tables, tokens, end, first, last, previous_end) else { return };
            found.push(Hit { first: begin as u32, last: end as u32 - 1, term });
            // Only a comma goes on with the list.
            if begin == 0 || tokens[begin].gap != Gap::Comma {
                return;
            }
            end = begin;
        }
    }

    /// One or two words that end before `end` and make a term with the end of `first..=last`.
    fn left_of(
        &self,
        tables: &Tables,
        tokens: &[Token],
        end: usize,
        first: usize,
        last: usize,
        previous_end: usize,
    ) -> Option<(usize, u32)> {
        for width in [2, 1] {
            let Some(begin) = end.checked_sub(width).filter(|&b| b >= previous_end) else { continue };
            if tokens[begin + 1..end].iter().any(|t| t.gap != Gap::Join) {
                continue;
            }
            for head in first + 1..=last {
                let words = tokens[begin..end].iter().chain(&tokens[head..=last]);
                if let Some(term) = self.exact(tables, words) {
                    return Some((begin, term));
                }
            }
        }
        None
    }
}

/// Whether capitals say nothing here: most words are written in them.
fn shouting(tokens: &[Token]) -> bool {
    let sample = &tokens[..tokens.len().min(40)];
    let capitals = sample.iter().filter(|t| t.shape == Shape::Caps).count();
    sample.len() >= 4 && capitals * 10 > sample.len() * 6
}
