//! Words, pairs of words, sorts of words and forms of numbers in a title or text, as keys that [`super::model`] weighs.
//!
//! A key is the hash of what was found; a sort ("a weekday") comes from `lexicon.txt`. So "Tuesday 7 pm" and "Freitag 19 Uhr"
//! share the pairs `weekday number` and `number clock`.

use std::sync::LazyLock;

/// Where a feature was looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The title, whose words count once more for themselves.
    Title,
    /// The text.
    Text,
}

/// Sorts of words by the hash of the word.
struct Lexicon {
    /// Open addressing; 0 is free. Above the key's 32 bits stands the sort.
    slots: Box<[u64]>,
}

/// Places of [`Lexicon::slots`]; a power of two, at least twice the number of words.
const SLOTS: usize = 8192;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::read(include_str!("lexicon.txt")));

impl Lexicon {
    fn read(text: &str) -> Self {
        let (mut slots, mut sort) = (vec![0u64; SLOTS], 0u32);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if line.starts_with('[') {
                sort += 1;
                continue;
            }
            for word in line.split(' ').filter(|word| !word.is_empty()) {
                let key = word.strip_prefix('~').map_or_else(|| hash(word.as_bytes()), |end| ending(end.as_bytes()));
                let mut at = key as usize % SLOTS;
                while slots[at] != 0 && slots[at] as u32 != key {
                    at = (at + 1) % SLOTS;
                }
                // The sort that stands first is kept.
                if slots[at] == 0 {
                    slots[at] = u64::from(sort) << 32 | u64::from(key);
                }
            }
        }
        Self { slots: slots.into() }
    }

    #[inline]
    fn sort(&self, key: u32) -> Option<u32> {
        let mut at = key as usize % SLOTS;
        loop {
            match self.slots[at] {
                0 => return None,
                slot if slot as u32 == key => return Some((slot >> 32) as u32),
                _ => at = (at + 1) % SLOTS,
            }
        }
    }
}

/// FNV-1a over bytes in lower case.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| step(hash, byte.to_ascii_lowercase()))
}

#[inline]
fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

#[inline]
fn mix(kind: u32, a: u32, b: u32) -> u32 {
    let mixed = (a.rotate_left(11) ^ b).wrapping_mul(0x9e37_79b1) ^ kind.wrapping_mul(0x85eb_ca6b);
    // Never 0, which marks a free place.
    (mixed ^ mixed >> 15).wrapping_mul(0x2c1b_3c6d) | 1
}

/// The key of a word's ending of four letters.
fn ending(bytes: &[u8]) -> u32 {
    mix(ENDING, hash(bytes), 0)
}

/// What a key is of.
const WORD: u32 = 1;
const SORT: u32 = 2;
const PAIR: u32 = 3;
const SORTS: u32 = 4;
const ENDING: u32 = 5;
const MARK: u32 = 6;
const IN_TITLE: u32 = 7;

/// What stands before the first word, after a full stop, after a colon, and after the title's last word.
const BEGIN: u32 = 11;
const SENTENCE: u32 = 12;
const COLON: u32 = 13;
const END: u32 = 14;
/// Forms of numbers.
const SMALL: u32 = 21;
const HUNDREDS: u32 = 22;
const THOUSANDS: u32 = 23;
const YEAR: u32 = 24;
const DECIMAL: u32 = 25;
const CLOCK: u32 = 26;
const MONEY: u32 = 27;
const PERCENT: u32 = 28;
/// Marks that are no word.
const CAPITALS: u32 = 31;
const HEADLINE_CASE: u32 = 32;
const EMAIL: u32 = 33;
const QUOTED: u32 = 34;
const LENGTH: u32 = 40;

/// A word or number that was read.
#[derive(Clone, Copy)]
struct Token {
    word: u32,
    sort: u32,
    start: usize,
}

/// Looks at a title or text; `found` gets each feature's key and its bytes, in order, repeats included.
pub fn scan(text: &str, part: Part, mut found: impl FnMut(u32, usize, usize)) {
    let lexicon = &*LEXICON;
    let bytes = text.as_bytes();
    let title = part == Part::Title;
    let edge = |mark, start| Token { word: mark, sort: mark, start };
    let mut before = edge(BEGIN, 0);
    let (mut at, mut count, mut long, mut raised) = (0, 0usize, 0usize, 0usize);
    let mut end = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let (word, sort);
        if byte.is_ascii_digit() {
            word = number(bytes, &mut at);
            sort = None;
        } else if is_letter(byte) {
            let mut key = 0x811c_9dc5;
            let mut capitals = true;
            while let Some(&byte) = bytes.get(at).filter(|byte| is_inner(**byte)) {
                // Letters of Latin-1 fold as those of ASCII do: C3 80..9E to C3 A0..BE.
                let byte = match byte {
                    b'A'..=b'Z' => byte | 0x20,
                    0x80..=0x9e if bytes[at - 1] == 0xc3 && at > start => byte + 0x20,
                    _ => {
                        capitals &= byte < 0x80 && !byte.is_ascii_lowercase();
                        byte
                    }
                };
                key = step(key, byte);
                at += 1;
            }
            word = key;
            let last = (at - start >= 7).then(|| ending(&bytes[at - 4..at]));
            sort = lexicon.sort(word).or_else(|| last.and_then(|last| lexicon.sort(last)));
            if let Some(last) = last {
                found(last, start, at);
            }
            if at - start >= 4 {
                long += 1;
                raised += usize::from(byte.is_ascii_uppercase());
                if capitals && count < 3 && !title {
                    found(mix(MARK, CAPITALS, 0), start, at);
                }
            }
        } else {
            let next = bytes.get(at + 1).copied().unwrap_or(b' ');
            let mark = match byte {
                b'.' if next.is_ascii_whitespace() => {
                    before = edge(SENTENCE, start);
                    0
                }
                b'!' | b'?' => {
                    before = edge(SENTENCE, start);
                    u32::from(byte)
                }
                b':' => {
                    before = edge(COLON, start);
                    u32::from(byte)
                }
                b'(' | b'[' | b'/' | b'|' => u32::from(byte),
                b'@' => EMAIL,
                b'"' => QUOTED,
                0xe2 if next == 0x80 => match bytes.get(at + 2) {
                    Some(0x9c..=0x9f) => QUOTED,
                    Some(0x93 | 0x94) => u32::from(b'-'),
                    _ => 0,
                },
                0xc2 if next == 0xab => QUOTED,
                b'-' if next == b' ' => u32::from(b'-'),
                _ => 0,
            };
            at += match byte {
                0xe2 => 3,
                0xc2 => 2,
                _ => 1,
            };
            if mark != 0 {
                let end = at.min(bytes.len());
                found(mix(MARK, mark, 0), start, end);
                if title {
                    found(mix(IN_TITLE, mark, 0), start, end);
                }
            }
            continue;
        }
        count += 1;
        end = at;
        let token = Token { word, sort: sort.unwrap_or(word), start };
        found(mix(WORD, word, 0), start, at);
        found(mix(PAIR, before.word, word), before.start, at);
        if sort.is_some() {
            found(mix(SORT, token.sort, 0), start, at);
        }
        if token.sort != word || before.sort != before.word {
            found(mix(SORTS, before.sort, token.sort), before.start, at);
        }
        if title {
            found(mix(IN_TITLE, word, 1), start, at);
            if token.sort != word {
                found(mix(IN_TITLE, token.sort, 2), start, at);
            }
        }
        before = token;
    }
    if title {
        // A full stop may stand behind the last word.
        before.start = before.start.min(end);
        found(mix(PAIR, before.word, END), before.start, end);
        if before.sort != before.word {
            found(mix(SORTS, before.sort, END), before.start, end);
        }
        let length = match count {
            0..=2 => 0,
            3..=5 => 1,
            6..=9 => 2,
            10..=14 => 3,
            _ => 4,
        };
        found(mix(MARK, LENGTH, length), 0, 0);
        if long >= 4 && raised * 10 >= long * 8 {
            found(mix(MARK, HEADLINE_CASE, 0), 0, 0);
        }
    }
}

/// Begins a word: a letter of ASCII, or a byte that begins a character beyond it other than those of the blocks that hold
/// punctuation (U+0080 to U+00BF, U+2000 to U+2FFF).
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80 && !matches!(byte, 0xc2 | 0xe2)
}

fn is_inner(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 && !matches!(byte, 0xc2 | 0xe2)
}

/// The form of the number at `at`, which is moved past it.
fn number(bytes: &[u8], at: &mut usize) -> u32 {
    let start = *at;
    let digits = |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let first = digits(start);
    *at = start + first;
    let mut form = match first {
        1 | 2 => SMALL,
        3 => HUNDREDS,
        4 if matches!(&bytes[start..start + 2], b"19" | b"20") => YEAR,
        _ => THOUSANDS,
    };
    loop {
        let more = digits(*at + 1);
        form = match bytes.get(*at) {
            Some(b',' | b'.') if more == 3 => THOUSANDS,
            Some(b',' | b'.') if more > 0 => DECIMAL,
            Some(b':') if more == 2 => CLOCK,
            _ => break,
        };
        *at += 1 + more;
    }
    let money = start > 0
        && (bytes[start - 1] == b'$'
            || bytes[..start].ends_with("£".as_bytes())
            || bytes[..start].ends_with("€".as_bytes()));
    match bytes.get(*at) {
        Some(b'%') => PERCENT,
        _ if money => MONEY,
        _ => form,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str, part: Part) -> Vec<u32> {
        let mut keys = Vec::new();
        scan(text, part, |key, _, _| keys.push(key));
        keys
    }

    fn shared(a: &str, b: &str) -> usize {
        let b = keys(b, Part::Text);
        keys(a, Part::Text).iter().filter(|key| b.contains(key)).count()
    }

    #[test]
    fn words_of_one_sort_are_alike_in_every_language() {
        assert!(shared("Tuesday 7 pm", "Freitag, 19 Uhr") >= 5);
        assert_eq!(shared("Tuesday 7 pm", "velvet hippos"), 0);
        assert_eq!(keys("DIÄT", Part::Text)[..1], keys("diät", Part::Text)[..1]);
    }

    #[test]
    fn numbers_by_their_form() {
        let form = |text: &str| {
            let (bytes, mut at) = (text.as_bytes(), text.find(|c: char| c.is_ascii_digit()).unwrap());
            (number(bytes, &mut at), at)
        };
        for (text, want) in [
            ("7 pm", (SMALL, 1)),
            ("312", (HUNDREDS, 3)),
            ("2026", (YEAR, 4)),
            ("3226", (THOUSANDS, 4)),
            ("1,204,000 x", (THOUSANDS, 9)),
            ("0.87", (DECIMAL, 4)),
            ("18:30.", (CLOCK, 5)),
            ("$5", (MONEY, 2)),
            ("€1.200", (MONEY, 8)),
            ("14.4%", (PERCENT, 4)),
        ] {
            assert_eq!(form(text), want, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_within_its_bytes(text in "\\PC{0,60}([0-9]{1,5}[.,:%$€£]?){0,3}[À-ÿ“”«»–]{0,5}\\PC{0,20}") {
            for part in [Part::Title, Part::Text] {
                scan(&text, part, |key, start, end| {
                    assert!(key != 0 && start <= end);
                    assert!(text.get(start..end).is_some(), "{start} {end} of {text:?}");
                });
            }
        }
    }
}
