//! The scanner: text, tags, CDATA; nothing it is given makes it fail, and none makes it slower than linear.

use super::Entities;
use crate::problems::{Problems, line_of};
use memchr::{memchr, memchr2, memmem};
use quick_xml::events::attributes::Attributes;
use quick_xml::parser::{CommentParser, ElementParser, Parser};
use std::borrow::Cow;

/// A piece of the document.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Token<'a> {
    /// `<name …>` or `<name …/>`.
    Start(Tag<'a>),
    /// `</name>`; `start` is the position of its `<`.
    End { name: &'a str, start: usize },
    /// Text with its references not yet decoded.
    Text(&'a str),
    /// The inside of a CDATA section.
    CData(&'a str),
    /// The end.
    Eof,
}

/// A start tag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tag<'a> {
    /// Qualified name as written.
    pub name: &'a str,
    /// What stands between the name and the end of the tag.
    pub attrs: &'a str,
    /// Whether it closes itself.
    pub empty: bool,
    /// Position of its `<`.
    pub start: usize,
    /// Position after its `>`.
    pub end: usize,
}

impl<'a> Tag<'a> {
    /// Attributes as written: name and raw value, quoted or not.
    pub(crate) fn raw_attrs(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> + use<'a> {
        let mut attributes = Attributes::html(self.attrs, 0);
        attributes.with_checks(false);
        attributes.flatten().map(|a| (a.key.0, a.value))
    }
}

/// Longest tag that is looked through for its closing quote.
const TAG_WINDOW: usize = 64 << 10;
/// The same after many failures, so that hostile input stays linear.
const TAG_WINDOW_SUSPICIOUS: usize = 512;

/// Reads a document piece by piece.
pub(crate) struct Scanner<'a> {
    pub(crate) text: &'a str,
    pub(crate) pos: usize,
    pub(crate) problems: Problems,
    pub(crate) entities: Entities,
    bad_tags: u32,
    no_comment_end: bool,
    no_cdata_end: bool,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Scanner {
            text,
            pos: 0,
            problems: Problems::default(),
            entities: Entities::default(),
            bad_tags: 0,
            no_comment_end: false,
            no_cdata_end: false,
        }
    }

    pub(crate) fn repair(&mut self, code: &'static str, message: &str, pos: usize) {
        let text = self.text;
        self.problems.repair(code, message, || line_of(text, pos));
    }

    /// Decodes the references of a slice of this document.
    pub(crate) fn unescape(&mut self, raw: &'a str) -> Cow<'a, str> {
        let (text, pos) = (self.text, self.pos);
        self.entities.unescape(raw, &mut self.problems, || line_of(text, pos))
    }

    /// Decodes the references of an attribute's value.
    pub(crate) fn unescape_attr(&mut self, raw: Cow<'a, str>) -> Cow<'a, str> {
        match raw {
            Cow::Borrowed(s) => self.unescape(s),
            Cow::Owned(s) => {
                let (text, pos) = (self.text, self.pos);
                let decoded = self.entities.unescape(&s, &mut self.problems, || line_of(text, pos)).into_owned();
                Cow::Owned(decoded)
            }
        }
    }

    /// The next piece. Comments, processing instructions and the document type are passed over.
    pub(crate) fn next(&mut self) -> Token<'a> {
        loop {
            let rest = &self.text[self.pos..];
            let bytes = rest.as_bytes();
            if bytes.is_empty() {
                return Token::Eof;
            }
            if bytes[0] != b'<' {
                let end = memchr(b'<', bytes).unwrap_or(bytes.len());
                self.pos += end;
                return Token::Text(&rest[..end]);
            }
            match bytes.get(1) {
                Some(b'/') => {
                    if let Some(token) = self.end_tag(rest) {
                        return token;
                    }
                }
                Some(b'!') => {
                    if let Some(token) = self.bang(rest) {
                        return token;
                    }
                }
                Some(b'?') => {
                    let len = match memmem::find(bytes, b"?>") {
                        // a declaration that closes with a bare `>` must not swallow what follows
                        Some(i) if memchr(b'<', &bytes[1..i]).is_none() => i + 2,
                        _ => memchr(b'>', bytes).map_or(bytes.len(), |i| i + 1),
                    };
                    self.pos += len;
                }
                Some(c) if c.is_ascii_alphabetic() || *c == b'_' || *c >= 0x80 => return self.start_tag(rest),
                _ => {
                    // a bare `<`: text up to the next one
                    self.repair("bare-less-than", "a < that is not escaped", self.pos);
                    let end = memchr(b'<', &bytes[1..]).map_or(bytes.len(), |i| i + 1);
                    self.pos += end;
                    return Token::Text(&rest[..end]);
                }
            }
        }
    }

    fn end_tag(&mut self, rest: &'a str) -> Option<Token<'a>> {
        let bytes = rest.as_bytes();
        let start = self.pos;
        let (len, body_end) = match memchr2(b'>', b'<', &bytes[2..]) {
            Some(i) if bytes[i + 2] == b'>' => (i + 3, i + 2),
            Some(i) => (i + 2, i + 2),
            None => (bytes.len(), bytes.len()),
        };
        if len == body_end {
            self.repair("unclosed-tag", "a tag without its >", start);
        }
        self.pos += len;
        let name = rest[2..body_end].trim();
        let name = name.split(|c: char| c.is_whitespace()).next().unwrap_or("");
        if name.is_empty() {
            return None;
        }
        Some(Token::End { name, start })
    }

    /// Comment, CDATA, document type, or nothing known.
    fn bang(&mut self, rest: &'a str) -> Option<Token<'a>> {
        let bytes = rest.as_bytes();
        let start = self.pos;
        if bytes.starts_with(b"<!--") {
            let end = if self.no_comment_end { None } else { CommentParser::default().feed(&bytes[4..]) };
            match end {
                Some(i) => self.pos += 4 + i,
                None => {
                    self.no_comment_end = true;
                    self.repair("unclosed-comment", "a comment without its end", start);
                    self.pos += 4;
                }
            }
            return None;
        }
        if bytes.starts_with(b"<![CDATA[") {
            let end = if self.no_cdata_end { None } else { memmem::find(&bytes[9..], b"]]>") };
            return Some(match end {
                Some(i) => {
                    self.pos += 9 + i + 3;
                    Token::CData(&rest[9..9 + i])
                }
                None => {
                    self.no_cdata_end = true;
                    self.repair("unclosed-cdata", "a CDATA section without its end", start);
                    self.pos = self.text.len();
                    Token::CData(&rest[9..])
                }
            });
        }
        if bytes.len() > 9 && bytes[2..9].eq_ignore_ascii_case(b"DOCTYPE") {
            let head = memchr2(b'[', b'>', bytes).unwrap_or(bytes.len());
            let end = if bytes.get(head) == Some(&b'[') {
                subset_end(&bytes[head..]).map_or(bytes.len(), |i| head + i)
            } else {
                (head + 1).min(bytes.len())
            };
            let text = self.text;
            self.entities.declare(&rest[..end], &mut self.problems, || line_of(text, start));
            self.pos += end;
            return None;
        }
        // `<!`, or a document type cut off: nothing that carries content
        self.repair("unknown-declaration", "a <! that is neither comment, CDATA nor DOCTYPE", start);
        let end =
            memchr2(b'>', b'<', &bytes[1..]).map_or(bytes.len(), |i| if bytes[i + 1] == b'>' { i + 2 } else { i + 1 });
        self.pos += end;
        None
    }

    fn start_tag(&mut self, rest: &'a str) -> Token<'a> {
        let bytes = rest.as_bytes();
        let start = self.pos;
        let simple = memchr2(b'>', b'<', &bytes[1..]).map(|i| i + 1);
        let (len, body_end) = match simple {
            Some(i) if bytes[i] == b'>' && memchr2(b'"', b'\'', &bytes[1..i]).is_none() => (i + 1, i),
            _ => self.tag_end(bytes, simple),
        };
        self.pos += len;
        let mut body = &rest[1..body_end];
        let empty = body.ends_with('/');
        if empty {
            body = &body[..body.len() - 1];
        }
        let name_end = body
            .bytes()
            .position(|b| b.is_ascii_whitespace() || b == b'/' || b == b'"' || b == b'=')
            .unwrap_or(body.len());
        Token::Start(Tag { name: &body[..name_end], attrs: &body[name_end..], empty, start, end: start + len })
    }

    /// Length of the tag and end of its inside, where quotes are involved or the simple way found no `>`.
    fn tag_end(&mut self, bytes: &[u8], simple: Option<usize>) -> (usize, usize) {
        let window = if self.bad_tags < 64 { TAG_WINDOW } else { TAG_WINDOW_SUSPICIOUS };
        let view = &bytes[1..bytes.len().min(window)];
        if let Some(i) = ElementParser::default().feed(view) {
            let inside = &view[..i];
            if memchr(b'<', inside).is_none() || well_quoted(inside) {
                return (i + 2, i + 1);
            }
        }
        self.bad_tags += 1;
        match simple {
            Some(i) if bytes[i] == b'>' => {
                self.repair("unclosed-quote", "an attribute without its closing quote", self.pos);
                (i + 1, i)
            }
            Some(i) => {
                self.repair("unclosed-tag", "a tag without its >", self.pos);
                (i, i)
            }
            None => {
                self.repair("truncated", "the document ends in the middle of a tag", self.pos);
                (bytes.len(), bytes.len())
            }
        }
    }
}

/// Position after the `>` that ends an internal subset; `bytes` starts at its `[`.
fn subset_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        let i = at + memchr::memchr3(b']', b'"', b'\'', &bytes[at..])?;
        match bytes[i] {
            b']' => return Some(i + 1 + memchr(b'>', &bytes[i + 1..])? + 1),
            q => at = i + 1 + memchr(q, &bytes[i + 1..])? + 1,
        }
    }
}

/// Whether the inside of a tag is a name followed by properly quoted attributes only, so that a `<` in it is within a
/// value.
fn well_quoted(inside: &[u8]) -> bool {
    let mut at = 0;
    while let Some(i) = memchr2(b'"', b'\'', &inside[at..]) {
        let open = at + i;
        if open == 0 || !inside[..open].trim_ascii_end().ends_with(b"=") || memchr(b'<', &inside[at..open]).is_some() {
            return false;
        }
        let Some(close) = memchr(inside[open], &inside[open + 1..]) else { return false };
        at = open + 1 + close + 1;
        if !matches!(inside.get(at), None | Some(b' ' | b'\t' | b'\n' | b'/' | b'?')) {
            return false;
        }
    }
    memchr(b'<', &inside[at..]).is_none()
}
