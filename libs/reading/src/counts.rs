//! What the formulas ask for, counted in one pass.

use crate::{Language, Shape, pieces, syllables::syllables, words};

/// Most bytes of a text that are read: a formula's figure hardly moves after a few pages.
pub const READ: usize = 6_000;
/// Shortest item of a list that counts as a sentence, in words; shorter ones are labels.
const ITEM_WORDS: u32 = 4;
/// Longest word whose syllables are counted by rule, in bytes; what is longer is a chain or no word.
const LONGEST: usize = 40;

/// Counts of a text. Headings and labels are left out.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Sentences, and items of lists that are as long as one.
    pub sentences: u32,
    /// Words with at least one letter.
    pub words: u32,
    /// Letters in them.
    pub letters: u32,
    /// Syllables in them.
    pub syllables: u32,
    /// Words of one syllable.
    pub monosyllables: u32,
    /// Words of three syllables or more.
    pub polysyllables: u32,
    /// Words of more than six letters.
    pub long_words: u32,
    /// Words that are not among the common ones (English only).
    pub rare: u32,
    /// Words that are among the commonest (English only).
    pub plain: u32,
    /// Words that speak to or of people ("you", "we", "people"; English only).
    pub personal: u32,
    /// Numbers.
    pub numbers: u32,
    /// Brackets, per cent and comparison signs, semicolons and colons: what statistics are written with.
    pub signs: u32,
    /// Commas.
    pub commas: u32,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.words += other.words;
        self.letters += other.letters;
        self.syllables += other.syllables;
        self.monosyllables += other.monosyllables;
        self.polysyllables += other.polysyllables;
        self.long_words += other.long_words;
        self.rare += other.rare;
        self.plain += other.plain;
        self.personal += other.personal;
        self.numbers += other.numbers;
        self.signs += other.signs;
        self.commas += other.commas;
    }
}

/// Counts the beginning of a plain text, whose lines are blocks of its page.
#[must_use]
pub fn count(text: &str, language: Language) -> Counts {
    let text = &text[..text.floor_char_boundary(READ)];
    let mut all = Counts::default();
    for piece in pieces(text) {
        if piece.shape == Shape::Heading {
            continue;
        }
        let counts = piece_counts(piece.text, language);
        if counts.words == 0 || piece.shape == Shape::Item && counts.words < ITEM_WORDS {
            continue;
        }
        all.add(&counts);
        all.sentences += 1;
    }
    all
}

fn piece_counts(text: &str, language: Language) -> Counts {
    let mut counts = Counts::default();
    let bytes = text.as_bytes();
    let mut buffer = [0u8; LONGEST];
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte.is_ascii() && !byte.is_ascii_alphanumeric() {
            match byte {
                b'(' | b'[' | b'%' | b'<' | b'>' | b'=' | b';' | b':' => counts.signs += 1,
                b',' => counts.commas += 1,
                _ => {}
            }
            at += 1;
            continue;
        }
        let (length, kind) = word_at(&text[at..]);
        let word = &text[at..at + length];
        at += length;
        match kind {
            Run::Other => {}
            Run::Number => counts.numbers += 1,
            Run::Word if length > LONGEST => {
                counts.words += 1;
                counts.letters += 12;
                counts.syllables += 4;
                counts.polysyllables += 1;
                counts.long_words += 1;
                counts.rare += 1;
            }
            Run::Word => {
                if word.is_ascii() {
                    let lower = &mut buffer[..length];
                    lower.copy_from_slice(word.as_bytes());
                    lower.make_ascii_lowercase();
                    // ASCII stays UTF-8 in lower case.
                    let lower = std::str::from_utf8(lower).unwrap_or_default();
                    word_counts(lower, word, language, &mut counts);
                } else {
                    let lower: String = word.chars().flat_map(char::to_lowercase).collect();
                    word_counts(&lower, word, language, &mut counts);
                }
            }
        }
    }
    counts
}

#[derive(PartialEq)]
enum Run {
    Word,
    Number,
    Other,
}

/// The run of letters and digits that `text` begins with; an apostrophe between letters is within it. Never empty.
fn word_at(text: &str) -> (usize, Run) {
    let bytes = text.as_bytes();
    let (mut letter, mut digit) = (false, false);
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte.is_ascii_alphabetic() {
            letter = true;
            at += 1;
        } else if byte.is_ascii_digit() {
            digit = true;
            at += 1;
        } else if byte.is_ascii() {
            // "don't"; "1.53", "6,545"
            let within = bytes.get(at + 1).is_some_and(|next| match byte {
                b'\'' => letter && next.is_ascii_alphabetic(),
                b'.' | b',' => digit && !letter && next.is_ascii_digit(),
                _ => false,
            });
            if !within {
                break;
            }
            at += 1;
        } else {
            let Some(c) = text[at..].chars().next() else { break };
            if c.is_alphabetic() || c == '’' && letter && bytes.get(at + 3).is_some_and(u8::is_ascii_alphabetic) {
                letter = true;
            } else if at == 0 {
                return (c.len_utf8(), Run::Other);
            } else if !matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}') {
                break;
            }
            at += c.len_utf8();
        }
    }
    let kind = match (letter, digit) {
        (true, _) => Run::Word,
        (false, true) => Run::Number,
        (false, false) => Run::Other,
    };
    (at.max(1), kind)
}

fn word_counts(lower: &str, word: &str, language: Language, counts: &mut Counts) {
    let letters = if word.is_ascii() { word.len() } else { word.chars().count() } as u32;
    // An abbreviation in capitals is spelt: each letter counts, and nobody knows it by its look.
    let spelt = (2..=6).contains(&letters) && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let syllables = if spelt { letters } else { syllables(lower, language) };
    counts.words += 1;
    counts.letters += letters;
    counts.syllables += syllables;
    counts.monosyllables += u32::from(syllables == 1);
    counts.polysyllables += u32::from(syllables >= 3);
    counts.long_words += u32::from(letters > 6);
    if language == Language::English {
        match words::tier(lower) {
            words::Tier::Personal => {
                counts.personal += 1;
                counts.plain += 1;
            }
            words::Tier::Plain => counts.plain += 1,
            words::Tier::Known => {}
            words::Tier::Rare => counts.rare += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_sentences() {
        let c = count(
            "Diabetes\nYou don't need 1.53 mg (95% CI) of it. Wash your hands often!\n• salt\n",
            Language::English,
        );
        // You don't need mg CI of it | Wash your hands often
        assert_eq!((c.words, c.sentences, c.numbers, c.signs), (11, 2, 2, 2));
        assert_eq!(c.personal, 2, "you, your");
    }

    #[test]
    fn hostile_texts_take_linear_time_and_do_not_panic() {
        let combining = "e\u{301}".repeat(500_000);
        let rtl = "مرحبا بالعالم. ".repeat(50_000);
        let one = "supercalifragilistic".repeat(500_000);
        let marks = ".!?…".repeat(500_000);
        for text in [&combining, &rtl, &one, &marks] {
            for language in Language::ALL {
                let _ = count(text, language);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_counted(text in "\\PC{0,300}") {
            for language in Language::ALL {
                let c = count(&text, language);
                assert!(c.syllables >= c.words && c.monosyllables + c.polysyllables <= c.words);
            }
        }
    }
}
