//! Words as the vocabulary and the tagger compare them.
//!
//! [`Words`] cuts a text into words without allocating. Each word carries the hash of its normalised form: lower
//! case, accents folded, Greek letters spelled, British spelling made American, plural and possessive taken off,
//! Roman numerals up to six made digits. Vocabulary names and texts go through the same function, so a rule may be
//! crude as long as it does not make two different names of conditions equal.

use unicode_normalization::char::decompose_canonical;
use xxhash_rust::xxh3::xxh3_64;

/// How a word is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// No capital, or no letter at all.
    Lower,
    /// First letter is a capital.
    Initial,
    /// At least two letters, all capitals (a plural `s` aside).
    Caps,
    /// Capitals inside ("mRNA").
    Mixed,
}

/// What stands between a word and the one before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Gap {
    /// Space, hyphen, slash, quotes: a name may go across.
    Join,
    /// A comma.
    Comma,
    /// An opening parenthesis.
    Open,
    /// End of a sentence or of a part of one.
    Hard,
}

/// One word of a text.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// Start in bytes.
    pub start: usize,
    /// End in bytes, without a possessive `'s`.
    pub end: usize,
    /// Hash of the normalised form; 0 for a word too long to be in any name.
    pub hash: u64,
    /// How it is written.
    pub shape: Shape,
    /// What stands before it.
    pub gap: Gap,
    /// Whether it is (part of) a hashtag.
    pub hashtag: bool,
}

/// Longest normalised word, in bytes; longer ones are in no name.
const LONGEST: usize = 64;

/// The normalised form of one word, in a fixed buffer.
struct Buffer {
    bytes: [u8; LONGEST],
    len: usize,
    overflow: bool,
}

impl Buffer {
    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        } else {
            self.overflow = true;
        }
    }

    fn push_char(&mut self, c: char) {
        if let Some(name) = greek(c) {
            name.bytes().for_each(|b| self.push(b));
            return;
        }
        decompose_canonical(c, |part| {
            if is_mark(part) {
                return;
            }
            for lower in part.to_lowercase() {
                match lower {
                    'æ' | 'œ' => self.push(b'e'),
                    'ø' => self.push(b'o'),
                    'ß' => {
                        self.push(b's');
                        self.push(b's');
                    }
                    'ł' => self.push(b'l'),
                    _ => lower.encode_utf8(&mut [0; 4]).bytes().for_each(|b| self.push(b)),
                }
            }
        });
    }

    fn ends(&self, suffix: &[u8]) -> bool {
        self.bytes[..self.len].ends_with(suffix)
    }
}

/// Name of a small Greek letter as it is used in names of diseases.
fn greek(c: char) -> Option<&'static str> {
    Some(match c {
        'α' => "alpha",
        'β' => "beta",
        'γ' => "gamma",
        'δ' => "delta",
        'ε' => "epsilon",
        'κ' => "kappa",
        'λ' => "lambda",
        'μ' | 'µ' => "mu",
        'ω' => "omega",
        _ => return None,
    })
}

/// Combining marks and characters without width: no part of a word's form.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Words that end in `s` and are no plural of what is left without it.
const NO_PLURAL: [&[u8]; 13] = [
    b"rabies",
    b"scabies",
    b"caries",
    b"series",
    b"species",
    b"herpes",
    b"diabetes",
    b"measles",
    b"mumps",
    b"shingles",
    b"hives",
    b"rickets",
    b"bends",
];

/// Normalises lower-case, folded letters in place: British spelling, plural, Roman numerals.
fn finish(b: &mut Buffer, short_caps: bool) {
    if b.len >= 6 {
        american(b);
    }
    if !short_caps && b.len > 3 && b.bytes[b.len - 1] == b's' && !NO_PLURAL.contains(&&b.bytes[..b.len]) {
        singular(b);
    }
    let digit = match &b.bytes[..b.len] {
        b"i" => b'1',
        b"ii" => b'2',
        b"iii" => b'3',
        b"iv" => b'4',
        b"vi" => b'6',
        _ => return,
    };
    b.bytes[0] = digit;
    b.len = 1;
}

/// `ae`, `oe` → `e`; `our` → `or`; `-tre`, `-bre` → `-ter`, `-ber`; `isation` → `ization`; `sulph` → `sulf`.
fn american(b: &mut Buffer) {
    let mut out = 0;
    let mut i = 0;
    while i < b.len {
        let rest = &b.bytes[i..b.len];
        if (rest.starts_with(b"ae") || rest.starts_with(b"oe")) && rest.len() > 2 {
            b.bytes[out] = b'e';
            i += 2;
        } else if i > 1 && rest.starts_with(b"our") {
            b.bytes[out] = b'o';
            i += 2;
        } else if rest == b"isation" || rest == b"isations" {
            b.bytes[out] = b'i';
            b.bytes[i + 1] = b'z';
            i += 1;
        } else if rest.starts_with(b"ph") && b.bytes[..out].ends_with(b"sul") {
            b.bytes[out] = b'f';
            i += 2;
        } else {
            b.bytes[out] = b.bytes[i];
            i += 1;
        }
        out += 1;
    }
    b.len = out;
    if b.ends(b"tre") || b.ends(b"bre") {
        b.bytes[out - 2] = b'e';
        b.bytes[out - 1] = b'r';
    }
}

fn singular(b: &mut Buffer) {
    let n = b.len;
    if b.ends(b"ies") && n > 4 {
        b.bytes[n - 3] = b'y';
        b.len = n - 2;
    } else if b.ends(b"sses") || b.ends(b"xes") || b.ends(b"tches") || b.ends(b"shes") || (b.ends(b"uses") && n > 6) {
        b.len = n - 2;
    } else if n > 6 && (b.ends(b"oses") || b.ends(b"yses") || b.ends(b"eses") || b.ends(b"tases")) && !b.ends(b"doses")
    {
        b.bytes[n - 2] = b'i';
    } else if !matches!(b.bytes[n - 2], b's' | b'u' | b'i') {
        b.len = n - 1;
    }
}

/// The words of a text, in order. Addresses and `@handles` are left out.
pub struct Words<'a> {
    text: &'a str,
    position: usize,
    /// End of the hashtag being cut, 0 outside one.
    hashtag_end: usize,
    /// Whether the last word may be followed by a full stop that ends nothing ("E. coli", "St. Louis").
    after_initial: bool,
    first: bool,
}

impl<'a> Words<'a> {
    /// The words of `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, position: 0, hashtag_end: 0, after_initial: false, first: true }
    }

    fn char_at(&self, position: usize) -> Option<char> {
        self.text.get(position..).and_then(|t| t.chars().next())
    }

    /// Goes over what is no word. Gives the gap and whether a hashtag begins; `None` at the end of the text.
    fn separators(&mut self) -> Option<(Gap, bool)> {
        let bytes = self.text.as_bytes();
        let mut gap = if self.first { Gap::Hard } else { Gap::Join };
        let mut hashtag = false;
        let mut newline = false;
        loop {
            let &byte = bytes.get(self.position)?;
            let seen = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                    self.first = false;
                    return Some((gap, hashtag));
                }
                b'.' if self.after_initial => Gap::Join,
                b'.' | b';' | b':' | b'!' | b'?' | b')' | b'[' | b']' | b'|' | b'<' | b'>' | b'{' | b'}' => Gap::Hard,
                b'(' => Gap::Open,
                b',' => Gap::Comma,
                b'\n' => {
                    let again = newline;
                    newline = true;
                    if again { Gap::Hard } else { Gap::Join }
                }
                b'#' => {
                    hashtag = true;
                    self.position += 1;
                    continue;
                }
                b'@' => {
                    self.skip_to_space();
                    gap = Gap::Hard;
                    continue;
                }
                0x80.. => {
                    let c = self.char_at(self.position)?;
                    if c.is_alphanumeric() {
                        self.first = false;
                        return Some((gap, hashtag));
                    }
                    self.position += c.len_utf8();
                    hashtag = false;
                    let inside = c.is_whitespace()
                        || is_mark(c)
                        || matches!(c, '‐' | '‑' | '–' | '’' | '‘' | '“' | '”' | '®' | '™');
                    gap = gap.max(if inside { Gap::Join } else { Gap::Hard });
                    continue;
                }
                _ => Gap::Join,
            };
            hashtag = false;
            gap = gap.max(seen);
            self.position += 1;
        }
    }

    fn skip_to_space(&mut self) {
        let rest = self.text.as_bytes().get(self.position..).unwrap_or_default();
        self.position += rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    }

    /// Length in bytes of an apostrophe at `position`, if one stands there.
    fn apostrophe(&self, position: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(position..)?;
        match rest {
            [b'\'', ..] => Some(1),
            [0xe2, 0x80, 0x99, ..] => Some(3),
            _ => None,
        }
    }

    /// End of "H.I.V." beginning at `position`, where it has at least two letters.
    fn dotted(&self, position: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = position;
        let mut letters = 0;
        while let [letter, b'.', ..] = bytes.get(at..)?
            && letter.is_ascii_uppercase()
        {
            letters += 1;
            at += 2;
        }
        if letters < 2 {
            return None;
        }
        // "U.S" before a space: the last letter may lack its full stop.
        match bytes.get(at..) {
            Some([letter, next, ..]) if letter.is_ascii_uppercase() && !next.is_ascii_alphanumeric() => Some(at + 1),
            Some([letter, ..]) if letter.is_ascii_alphanumeric() => None,
            _ => Some(at),
        }
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        loop {
            let (gap, tag) = self.separators()?;
            let start = self.position;
            let bytes = self.text.as_bytes();
            let rest = &bytes[start..];
            if rest.starts_with(b"http") && (rest[4..].starts_with(b"://") || rest[4..].starts_with(b"s://"))
                || rest.starts_with(b"www.")
            {
                self.skip_to_space();
                continue;
            }
            if tag {
                let length = rest.iter().position(|b| !b.is_ascii_alphanumeric() && *b < 0x80).unwrap_or(rest.len());
                self.hashtag_end = start + length;
            }
            return Some(self.word(start, gap));
        }
    }
}

impl Words<'_> {
    fn word(&mut self, start: usize, gap: Gap) -> Word {
        let bytes = self.text.as_bytes();
        let hashtag = start < self.hashtag_end;
        let mut buffer = Buffer { bytes: [0; LONGEST], len: 0, overflow: false };
        let (mut upper, mut lower, mut first_upper) = (0u32, 0u32, false);
        let mut at = start;
        let mut end = start;
        let mut last_lower = false;
        if bytes[start].is_ascii_uppercase()
            && bytes.get(start + 1) == Some(&b'.')
            && let Some(stop) = self.dotted(start)
        {
            for &b in &bytes[start..stop] {
                if b != b'.' {
                    buffer.push(b.to_ascii_lowercase());
                }
            }
            self.position = stop;
            self.after_initial = false;
            finish(&mut buffer, true);
            return close(&buffer, start, stop, Shape::Caps, gap, hashtag);
        }
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'a'..=b'z' => {
                    lower += 1;
                    last_lower = true;
                    buffer.push(byte);
                    at += 1;
                }
                b'A'..=b'Z' => {
                    if hashtag && last_lower {
                        break;
                    }
                    first_upper |= at == start;
                    upper += 1;
                    last_lower = false;
                    buffer.push(byte | 0x20);
                    at += 1;
                }
                b'0'..=b'9' => {
                    buffer.push(byte);
                    at += 1;
                }
                b'\'' | 0xe2 if self.apostrophe(at).is_some() => {
                    let mark = self.apostrophe(at).unwrap_or(1);
                    let tail = &bytes[at + mark..];
                    let letters = tail.iter().take_while(|b| b.is_ascii_alphabetic()).count();
                    if letters == 1 && matches!(tail[0], b's' | b'S') {
                        end = at;
                        at += mark + 1;
                        break;
                    }
                    if matches!(&tail[..letters], b"t" | b"re" | b"ve" | b"ll" | b"d" | b"m") {
                        at += mark;
                        continue;
                    }
                    break;
                }
                0x80.. => {
                    let Some(c) = self.char_at(at) else { break };
                    if c.is_alphanumeric() {
                        if c.is_uppercase() {
                            first_upper |= at == start;
                            upper += 1;
                            last_lower = false;
                        } else {
                            lower += 1;
                            last_lower = true;
                        }
                        buffer.push_char(c);
                    } else if !is_mark(c) {
                        break;
                    }
                    at += c.len_utf8();
                }
                _ => break,
            }
        }
        if end == start {
            end = at;
        }
        self.position = at;
        let plural_caps = upper >= 2 && lower == 1 && bytes[end - 1] == b's';
        let shape = match (upper, lower) {
            (2.., 0) => Shape::Caps,
            _ if plural_caps => Shape::Caps,
            (0, _) => Shape::Lower,
            (1, _) if first_upper => Shape::Initial,
            _ => Shape::Mixed,
        };
        self.after_initial =
            (upper == 1 && lower == 0 && end - start == 1) || matches!(&bytes[start..end], b"St" | b"Dr");
        if plural_caps && buffer.len > 1 {
            buffer.len -= 1;
        }
        let short_caps = plural_caps || (upper >= 2 && lower == 0 && end - start <= 5);
        finish(&mut buffer, short_caps);
        close(&buffer, start, end, shape, gap, hashtag)
    }
}

fn close(buffer: &Buffer, start: usize, end: usize, shape: Shape, gap: Gap, hashtag: bool) -> Word {
    let hash = if buffer.overflow { 0 } else { xxh3_64(&buffer.bytes[..buffer.len]).max(1) };
    Word { start, end, hash, shape, gap, hashtag }
}

/// The hash of the normalised form of a single word, as [`Words`] gives it.
#[must_use]
pub fn word_hash(word: &str) -> u64 {
    Words::new(word).next().map_or(0, |w| w.hash)
}

/// Lower case without accents, runs of anything but letters and digits made one space: how names are looked up by
/// what a person types.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars() {
        if c.is_alphanumeric() || is_mark(c) {
            if space && !out.is_empty() {
                out.push(' ');
            }
            space = false;
            decompose_canonical(c, |part| {
                if !is_mark(part) {
                    out.extend(part.to_lowercase());
                }
            });
        } else if !matches!(c, '\'' | '’') {
            space = true;
        }
    }
    out
}
