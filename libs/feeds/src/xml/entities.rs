//! Character and entity references.

use crate::problems::Problems;
use memchr::memchr;
use rustc_hash::FxHashMap as HashMap;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Longest entity name that is looked up; longer ones are text.
const MAX_NAME: usize = 40;
/// How many entities a document type may declare.
const MAX_DECLARED: usize = 1_000;
/// How many bytes all expansions of declared entities may add to a document: enough for any honest use, too little
/// for a bomb.
const MAX_EXPANDED: usize = 1 << 20;

/// The entities that the document declared, and how much they may still expand.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    declared: HashMap<String, String>,
    expanded: usize,
}

/// What a reference stands for.
enum Resolved<'r> {
    Char(char),
    Str(&'r str),
    /// No reference at all: a bare ampersand.
    Bare,
    /// Well-formed, but nobody knows the name.
    Unknown,
    /// Declared, but the budget is spent.
    Spent,
}

impl Entities {
    /// Reads the `<!ENTITY` declarations of an internal subset. Values are taken as they stand: references in them are
    /// never expanded a second time, so nesting cannot multiply. External entities are never read.
    pub(crate) fn declare(&mut self, doctype: &str, problems: &mut Problems, place: impl Fn() -> String) {
        let mut rest = doctype;
        while let Some(i) = rest.find("<!ENTITY") {
            rest = &rest[i + 8..];
            let decl = rest.trim_start();
            if decl.starts_with('%') {
                continue;
            }
            let Some(end) = decl.find(|c: char| c.is_whitespace()) else { break };
            let (name, value) = (&decl[..end], decl[end..].trim_start());
            match value.as_bytes().first() {
                Some(q @ (b'"' | b'\'')) => {
                    let Some(close) = memchr(*q, &value.as_bytes()[1..]) else { break };
                    if self.declared.len() < MAX_DECLARED {
                        let value = unescape_plain(&value[1..=close]).into_owned();
                        self.declared.entry(name.to_owned()).or_insert(value);
                    }
                    rest = &value[close + 1..];
                }
                _ => problems.repair("external-entity", "an external entity is not read", &place),
            }
        }
    }

    fn resolve(&mut self, name: &str) -> Resolved<'_> {
        if let Some(number) = name.strip_prefix('#') {
            return match char_reference(number) {
                Some(c) => Resolved::Char(c),
                None => Resolved::Bare,
            };
        }
        match name {
            "amp" => return Resolved::Char('&'),
            "lt" => return Resolved::Char('<'),
            "gt" => return Resolved::Char('>'),
            "quot" => return Resolved::Char('"'),
            "apos" => return Resolved::Char('\''),
            _ => {}
        }
        if let Some(value) = self.declared.get(name) {
            if self.expanded + value.len() > MAX_EXPANDED {
                return Resolved::Spent;
            }
            self.expanded += value.len();
            return Resolved::Str(value);
        }
        match named(name) {
            Some(s) => Resolved::Str(s),
            None => Resolved::Unknown,
        }
    }

    /// Decodes the references of `raw` once. HTML's named entities count as declared; bare ampersands and unknown
    /// names stay as they are. All of it is reported.
    pub(crate) fn unescape<'a>(
        &mut self,
        raw: &'a str,
        problems: &mut Problems,
        place: impl Fn() -> String,
    ) -> Cow<'a, str> {
        let bytes = raw.as_bytes();
        let Some(first) = memchr(b'&', bytes) else { return Cow::Borrowed(raw) };
        let mut out = String::with_capacity(raw.len());
        out.push_str(&raw[..first]);
        let mut at = first;
        while at < raw.len() {
            // `at` stands on an ampersand
            let body = &raw[at + 1..];
            let end = body
                .bytes()
                .take(MAX_NAME)
                .position(|b| !(b.is_ascii_alphanumeric() || b == b'#' || b == b'_' || b == b'.' || b == b'-'));
            let name_len = match end {
                Some(e) if e > 0 && body.as_bytes()[e] == b';' => e,
                _ => 0,
            };
            let resolved = if name_len == 0 { Resolved::Bare } else { self.resolve(&body[..name_len]) };
            match resolved {
                Resolved::Char(c) => out.push(c),
                Resolved::Str(s) => out.push_str(s),
                Resolved::Spent => {
                    problems.repair("entity-limit", "the document's entities expand to too much; left out", &place)
                }
                Resolved::Bare => {
                    problems.repair("bare-ampersand", "an & that is not escaped", &place);
                    out.push('&');
                    let next = at + 1;
                    at = next + memchr(b'&', &bytes[next..]).unwrap_or(bytes.len() - next);
                    out.push_str(&raw[next..at]);
                    continue;
                }
                Resolved::Unknown => {
                    problems.repair("undeclared-entity", "an entity that is not declared", &place);
                    out.push_str(&raw[at..at + name_len + 2]);
                }
            }
            let next = at + 1 + name_len + 1;
            at = next + memchr(b'&', &bytes[next..]).unwrap_or(bytes.len() - next);
            out.push_str(&raw[next..at]);
        }
        Cow::Owned(out)
    }
}

/// The named character references of the HTML Living Standard (13.5), one a line: name, code points in hexadecimal.
/// quick-xml's own table cuts code points above U+00FF short (0.42), so it is not used.
static NAMED: LazyLock<HashMap<&'static str, String>> = LazyLock::new(|| {
    let line = |l: &'static str| {
        let mut parts = l.split(' ');
        let name = parts.next()?;
        let text = parts.filter_map(|p| u32::from_str_radix(p, 16).ok()).filter_map(char::from_u32);
        Some((name, text.collect()))
    };
    include_str!("named.txt").lines().filter_map(line).collect()
});

/// What HTML's named reference stands for; `name` without `&` and `;`.
pub(crate) fn named(name: &str) -> Option<&'static str> {
    NAMED.get(name).map(String::as_str)
}

/// `#8217` and `#x2019` without their `#`; the numbers 128–159, which mean controls and are meant as windows-1252.
fn char_reference(number: &str) -> Option<char> {
    let n = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse::<u32>().ok()?,
    };
    match n {
        0..=8 | 0xB | 0xC | 0xE..=0x1F => None,
        0x80..=0x9F => {
            let byte = [n as u8];
            let (s, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte);
            s.chars().next()
        }
        _ => char::from_u32(n),
    }
}

/// Decodes references without a document's own declarations, silently.
fn unescape_plain(raw: &str) -> Cow<'_, str> {
    Entities::default().unescape(raw, &mut Problems::default(), String::new)
}

/// Decodes the character references of HTML text once; what is no reference stays.
pub(crate) fn unescape_html(raw: &str) -> Cow<'_, str> {
    unescape_plain(raw)
}
