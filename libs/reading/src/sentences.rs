//! Sentences that are sentences.
//!
//! A plain text as cleaning makes it: one line a block of the page. A line is a heading, an item of a list, or holds
//! sentences; within it a full stop ends a sentence unless it belongs to an abbreviation, an initial, a number or an
//! address. What a formula would read as one endless sentence (a menu, a list without full stops) is told apart.

/// What a piece of text is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Shape {
    /// A sentence.
    Sentence,
    /// An item of a list, without an end of its own.
    Item,
    /// A heading, a label, a button: too short to be a sentence and without an end.
    Heading,
}

/// A piece of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece<'a> {
    /// What it is.
    pub shape: Shape,
    /// Where it begins in the text, in bytes.
    pub start: usize,
    /// The words, without white space at the ends; never empty.
    pub text: &'a str,
}

/// Most words of a line without an end that is still a heading rather than a sentence that lost its full stop.
const HEADING_WORDS: usize = 9;

/// The pieces of `text`, in order; they do not overlap.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut at = 0;
    text.split('\n').flat_map(move |line| {
        let start = at;
        at += line.len() + 1;
        Line { start, rest: line, bullet: false, begun: false }
    })
}

struct Line<'a> {
    start: usize,
    rest: &'a str,
    bullet: bool,
    begun: bool,
}

impl<'a> Iterator for Line<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let trimmed = self.rest.trim_start();
            self.start += self.rest.len() - trimmed.len();
            self.rest = trimmed;
            if self.rest.is_empty() {
                return None;
            }
            if !self.begun {
                self.begun = true;
                if let Some(length) = bullet(self.rest) {
                    self.bullet = true;
                    self.start += length;
                    self.rest = &self.rest[length..];
                    continue;
                }
            }
            let (length, ended) = sentence_end(self.rest);
            let text = self.rest[..length].trim_end();
            let start = self.start;
            self.start += length;
            self.rest = &self.rest[length..];
            let shape = if ended {
                Shape::Sentence
            } else if self.bullet {
                Shape::Item
            } else if text.split_whitespace().nth(HEADING_WORDS).is_none() {
                Shape::Heading
            } else {
                Shape::Sentence
            };
            return Some(Piece { shape, start, text });
        }
    }
}

/// Length of a bullet or number that begins an item of a list, its white space included.
fn bullet(line: &str) -> Option<usize> {
    let first = line.chars().next()?;
    let after = |length: usize| {
        let rest = &line[length..];
        let space = rest.len() - rest.trim_start().len();
        (space > 0 && space < rest.len()).then_some(length + space)
    };
    if matches!(first, '•' | '·' | '▪' | '‣' | '◦' | '●' | '-' | '–' | '*' | '+' | '»' | '→' | '✓' | '✔')
    {
        return after(first.len_utf8());
    }
    // "1." "12)" "a)"
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let head = if digits == 0 && first.is_ascii_alphabetic() { 1 } else { digits };
    match line.as_bytes().get(head) {
        Some(b')') if (1..=2).contains(&head) => after(head + 1),
        Some(b'.') if (1..=2).contains(&digits) => after(head + 1),
        _ => None,
    }
}

/// Where the first sentence of a line ends, in bytes, and whether by a mark of its own.
fn sentence_end(line: &str) -> (usize, bool) {
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let mark = match bytes[at] {
            b'.' | b'!' | b'?' => 1,
            // "…" U+2026, "。" U+3002
            0xe2 if bytes[at..].starts_with("…".as_bytes()) => 3,
            0xe3 if bytes[at..].starts_with("。".as_bytes()) => return (at + 3, true),
            _ => 0,
        };
        if mark == 0 {
            at += 1;
            continue;
        }
        let stop = bytes[at] == b'.';
        let mut end = at + mark;
        // Marks and closing quotes that follow belong to the sentence.
        while let Some(c) = line[end..].chars().next()
            && matches!(c, '.' | '!' | '?' | '…' | '"' | '\'' | '”' | '’' | '»' | ')' | ']')
        {
            end += c.len_utf8();
        }
        match line[end..].chars().next() {
            None => return (end, true),
            // "3.5", "example.org", "p.m.": no space follows.
            Some(c) if !c.is_whitespace() => {}
            Some(_) => {
                let next = line[end..].trim_start().chars().next();
                // What goes on in lower case was no end ("approx. five"), nor is a mark inside a quotation.
                let goes_on = next.is_some_and(char::is_lowercase);
                if !(goes_on || stop && end == at + 1 && is_abbreviation(&line[..at], next)) {
                    return (end, true);
                }
            }
        }
        at = end;
    }
    (bytes.len(), false)
}

/// Words that a full stop shortens, in lower case, of the languages with a formula.
const ABBREVIATIONS: [&str; 54] = [
    "al", "approx", "art", "bzw", "ca", "cf", "co", "corp", "d.h", "dept", "dr", "dra", "e.g", "ej", "etc", "fig",
    "figs", "ggf", "gen", "gov", "hon", "i.e", "inc", "incl", "inkl", "jr", "lt", "ltd", "mme", "mr", "mrs", "ms",
    "mt", "no", "nos", "nr", "p", "p.ej", "pp", "prof", "profa", "rev", "sen", "sr", "sra", "st", "str", "u.a", "u.s",
    "usw", "vgl", "vol", "vs", "z.b",
];

/// Whether the full stop after `head` belongs to its last word. `next` is the first character of what follows.
fn is_abbreviation(head: &str, next: Option<char>) -> bool {
    let word =
        head.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '“' | '/')).next().unwrap_or(head);
    if word.is_empty() || word.len() > 8 {
        return false;
    }
    let mut letters = word.chars();
    // An initial: "J. Smith", "E. coli"; not "hepatitis C. The" which nobody can tell, nor "type 1. In".
    if let (Some(only), None) = (letters.next(), letters.next()) {
        return only.is_uppercase()
            && next.is_some_and(char::is_alphabetic)
            && head.len() > only.len_utf8()
            && starts_name(&head[..head.len() - only.len_utf8()])
            || only.is_uppercase() && head.len() == only.len_utf8();
    }
    let mut buffer = [0u8; 8];
    buffer[..word.len()].copy_from_slice(word.as_bytes());
    buffer.make_ascii_lowercase();
    let lower: &[u8] = &buffer[..word.len()];
    // "etc." and "al." end sentences as often as not: the capital that follows decides, and it is one.
    if matches!(lower, b"etc" | b"usw" | b"co" | b"inc" | b"corp" | b"ltd" | b"no" | b"p" | b"u.s" | b"str" | b"ca") {
        let numbered = next.is_some_and(|c| c.is_ascii_digit()) && !matches!(lower, b"etc" | b"usw");
        return numbered || lower == b"u.s" && next.is_some_and(char::is_uppercase);
    }
    ABBREVIATIONS.iter().any(|known| known.as_bytes() == lower)
}

/// Whether what stands before an initial makes it one: the beginning, another name or initial.
fn starts_name(before: &str) -> bool {
    let before = before.trim_end();
    let word = before.rsplit(char::is_whitespace).next().unwrap_or(before);
    word.ends_with('.')
        || word.ends_with(',')
        || word.ends_with('(')
        || word.chars().next().is_none_or(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(&str, Shape)> {
        pieces(text).map(|piece| (piece.text, piece.shape)).collect()
    }

    #[test]
    fn full_stops_that_end_nothing() {
        for (text, want) in [
            ("It rose by 3.5 kg. Then it fell.", 2),
            ("Dr. Smith met Mrs. Jones. They spoke.", 2),
            ("Use sugar, e.g. Glucose, daily.", 1),
            ("See example.org for more. It helps.", 2),
            ("Smith et al. Found nothing.", 1),
            ("J. R. Smith wrote it. We read it.", 2),
            ("Approx. five people came! Did they? Yes.", 3),
            ("The U.S. Department spoke. It was short.", 2),
            ("He said: \"Stop.\" Then he left.", 2),
            ("Wait… what? No.", 2),
            ("Das ist z.B. Wasser. Trinken Sie es.", 2),
            ("La Dra. Pérez habló. Luego calló.", 2),
            ("Take it at 8 p.m. every day.", 1),
            ("糖尿病是一种病。它很常见。", 2),
        ] {
            let found = cut(text);
            assert_eq!(found.len(), want, "{text}: {found:?}");
            assert!(found.iter().all(|(_, shape)| *shape == Shape::Sentence), "{text}: {found:?}");
        }
    }

    #[test]
    fn headings_and_lists() {
        let text = "What is diabetes?\nSymptoms\n• feeling very thirsty\n• weight loss. This may be slow.\n1. Rest\n2) Drink water\n\
            Read more\nA line of more than nine words that has simply lost its full stop";
        assert_eq!(
            cut(text),
            [
                ("What is diabetes?", Shape::Sentence),
                ("Symptoms", Shape::Heading),
                ("feeling very thirsty", Shape::Item),
                ("weight loss.", Shape::Sentence),
                ("This may be slow.", Shape::Sentence),
                ("Rest", Shape::Item),
                ("Drink water", Shape::Item),
                ("Read more", Shape::Heading),
                ("A line of more than nine words that has simply lost its full stop", Shape::Sentence),
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn pieces_lie_in_the_text_in_order(text in "[ a-zA-Z0-9.!?…。•()\"\n\u{e9}\u{301}-]{0,200}") {
            let mut end = 0;
            for piece in pieces(&text) {
                assert!(piece.start >= end, "{piece:?} begins before {end}");
                assert!(!piece.text.is_empty());
                assert_eq!(&text[piece.start..piece.start + piece.text.len()], piece.text);
                end = piece.start + piece.text.len();
            }
        }
    }
}
