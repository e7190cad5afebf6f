//! Words of a field as numbers of the vocabulary's words.

use rustc_hash::FxHashMap;

use crate::{
    normalise::{Gap, Shape, Words},
    vocabulary::format::{Table, Tables},
};

/// A word of a field.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// Bytes in the field.
    pub start: u32,
    pub end: u32,
    /// Number of the word; 0 for one that is in no name.
    pub word: u32,
    pub shape: Shape,
    pub gap: Gap,
    pub hashtag: bool,
}

/// The numbers of all words that matter.
pub struct Dictionary {
    numbers: FxHashMap<u64, u32>,
    /// Terms written as one word in a hashtag get their numbers after the words'.
    next: u32,
}

/// Fields longer than this are cut: byte positions are kept in 32 bits.
const LONGEST: usize = 1 << 30;

impl Dictionary {
    pub fn new(tables: &Tables) -> Self {
        let (low, high) = (tables.get(Table::WordLow), tables.get(Table::WordHigh));
        let numbers: FxHashMap<_, _> =
            low.iter().zip(high).zip(1u32..).map(|((&l, &h), n)| (u64::from(h) << 32 | u64::from(l), n)).collect();
        let next = low.len() as u32 + 1;
        Self { numbers, next }
    }

    /// Number of a hash that may be new.
    pub fn add(&mut self, hash: u64) -> u32 {
        let next = &mut self.next;
        *self.numbers.entry(hash).or_insert_with(|| {
            *next += 1;
            *next - 1
        })
    }

    /// One more than the largest number.
    pub fn len(&self) -> usize {
        self.next as usize
    }

    /// The numbers of the words of a phrase of the code or of a rule.
    pub fn phrase(&mut self, phrase: &str) -> Vec<u32> {
        Words::new(phrase).map(|w| self.add(w.hash)).collect()
    }

    pub fn number(&self, hash: u64) -> u32 {
        self.numbers.get(&hash).copied().unwrap_or(0)
    }

    /// The words of a field.
    pub fn tokens(&self, text: &str) -> Vec<Token> {
        let mut cut = text.len().min(LONGEST);
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let text = &text[..cut];
        let mut tokens = Vec::with_capacity(text.len() / 6 + 1);
        tokens.extend(Words::new(text).map(|w| Token {
            start: w.start as u32,
            end: w.end as u32,
            word: self.number(w.hash),
            shape: w.shape,
            gap: w.gap,
            hashtag: w.hashtag,
        }));
        tokens
    }
}
