//! Values of elements: text, markup, text constructs, numbers, dates.

use super::Reader;
use crate::ns::Ns;
use crate::xml::{Tag, Token, local_name};
use crate::{Format, Text, TextKind, html};
use jiff::Timestamp;
use std::borrow::Cow;
use std::rc::Rc;

/// Longest value in bytes; the rest is left out.
const MAX_TEXT: usize = 8 << 20;

/// The inside of an element.
pub(super) struct Captured<'a> {
    /// All text, references decoded, tags left out.
    pub text: Cow<'a, str>,
    /// The inside as markup, where it has child elements.
    pub markup: Option<String>,
}

/// How a text without a declared type is read.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Untyped {
    Plain,
    Html,
    /// HTML if it looks so: titles of RSS, where nothing says which it is.
    Sniff,
}

impl<'a> Reader<'a> {
    /// Reads to the end of the element that `tag` opened. Ends early, with a repair, where an entry begins or something
    /// around the element ends.
    pub(super) fn capture(&mut self, tag: &Tag<'a>) -> Captured<'a> {
        if tag.empty {
            return Captured { text: Cow::Borrowed(""), markup: None };
        }
        if let Some(text) = self.capture_simple(tag) {
            return Captured { text, markup: None };
        }
        self.capture_mixed(tag)
    }

    /// The common cases without building anything: only text, or only one CDATA section.
    fn capture_simple(&mut self, tag: &Tag<'a>) -> Option<Cow<'a, str>> {
        let text = self.scan.text;
        let (bytes, from) = (text.as_bytes(), self.scan.pos);
        let closes = |at: usize| -> Option<usize> {
            let end = bytes[at..].strip_prefix(b"</")?.strip_prefix(tag.name.as_bytes())?;
            (end.first() == Some(&b'>')).then_some(at + 2 + tag.name.len() + 1)
        };
        let lt = from + memchr::memchr(b'<', &bytes[from..])?;
        if lt - from > MAX_TEXT {
            return None;
        }
        if let Some(end) = closes(lt) {
            let raw = &text[from..lt];
            let value = self.scan.unescape(raw);
            self.scan.pos = end;
            return Some(value);
        }
        if bytes[lt..].starts_with(b"<![CDATA[") && text[from..lt].trim_ascii().is_empty() {
            let open = lt + 9;
            let close = open + memchr::memmem::find(&bytes[open..], b"]]>")?;
            let after = close + 3;
            let lt = after + memchr::memchr(b'<', &bytes[after..])?;
            if close - open <= MAX_TEXT
                && text[after..lt].trim_ascii().is_empty()
                && let Some(end) = closes(lt)
            {
                self.scan.pos = end;
                return Some(Cow::Borrowed(&text[open..close]));
            }
        }
        None
    }

    fn capture_mixed(&mut self, tag: &Tag<'a>) -> Captured<'a> {
        let from = self.scan.pos;
        let mut text = String::new();
        let mut markup = String::new();
        let (mut children, mut depth, mut cut) = (false, 0u32, false);
        let escape_cdata = self.has_child_markup(tag);
        loop {
            if text.len() > MAX_TEXT || markup.len() > MAX_TEXT {
                if !cut {
                    self.scan.repair("text-too-long", "a text of more than 8 MiB is cut", from);
                }
                cut = true;
                text.truncate(floor_boundary(&text, MAX_TEXT));
                markup.truncate(floor_boundary(&markup, MAX_TEXT));
            }
            match self.scan.next() {
                Token::Text(raw) => {
                    text.push_str(&self.scan.unescape(raw));
                    markup.push_str(raw);
                }
                Token::CData(raw) => {
                    text.push_str(raw);
                    if escape_cdata {
                        markup.push_str(&html::escape(raw));
                    } else {
                        markup.push_str(raw);
                    }
                }
                Token::Start(child) => {
                    if self.begins_entry(child.name) || begins_sibling(tag.name, child.name) {
                        self.scan.pos = child.start;
                        self.scan.repair("unclosed-element", "an element that is not closed", from);
                        break;
                    }
                    children = true;
                    self.write_tag(&mut markup, &child);
                    if child.name == tag.name && !child.empty {
                        depth += 1;
                    }
                }
                Token::End { name, start } => {
                    if name == tag.name {
                        if depth == 0 {
                            break;
                        }
                        depth -= 1;
                    } else if self.ends_structure(name) {
                        self.scan.pos = start;
                        self.scan.repair("unclosed-element", "an element that is not closed", from);
                        break;
                    }
                    markup.push_str("</");
                    markup.push_str(local_name(name));
                    markup.push('>');
                }
                Token::Eof => {
                    self.scan.repair("truncated", "the document ends in the middle of a text", from);
                    break;
                }
            }
        }
        Captured { text: Cow::Owned(text), markup: children.then_some(markup) }
    }

    /// Whether the element holds real child elements near its beginning, so that a CDATA section in it is text among
    /// markup.
    fn has_child_markup(&self, tag: &Tag<'a>) -> bool {
        let rest = self.scan.text[self.scan.pos..].trim_ascii_start();
        let b = rest.as_bytes();
        !tag.empty && b.len() > 1 && b[0] == b'<' && b[1].is_ascii_alphabetic()
    }

    fn write_tag(&mut self, out: &mut String, tag: &Tag<'a>) {
        out.push('<');
        out.push_str(local_name(tag.name));
        for (key, value) in tag.raw_attrs() {
            // XHTML is the default of where this goes; others such as SVG keep theirs
            if key.starts_with("xmlns") && (key != "xmlns" || crate::ns::by_uri(&value) != Ns::Other) {
                continue;
            }
            let quote = if value.contains('"') { '\'' } else { '"' };
            out.push(' ');
            out.push_str(key);
            out.push('=');
            out.push(quote);
            out.push_str(&value);
            out.push(quote);
        }
        out.push_str(if tag.empty { " />" } else { ">" });
    }

    /// Whether this is the start of another entry: only ever so if the open entry has the very same name, or if none is
    /// open and it is an entry's name.
    fn begins_entry(&self, name: &str) -> bool {
        match name {
            "item" | "entry" => {}
            _ => return false,
        }
        self.draft.is_none() || self.stack.iter().any(|f| f.name == name && f.place == super::Place::Entry)
    }

    /// Whether this ends one of the structural elements that are open.
    fn ends_structure(&self, name: &str) -> bool {
        use super::Place;
        self.stack.iter().skip(1).any(|f| f.name == name && matches!(f.place, Place::Entry | Place::Feed | Place::Root))
    }

    /// A value without markup, trimmed; none if empty.
    pub(super) fn plain(&mut self, tag: &Tag<'a>) -> Option<String> {
        let captured = self.capture(tag);
        trimmed(&captured.text)
    }

    /// A value as an absolute address.
    pub(super) fn address(&mut self, tag: &Tag<'a>) -> Option<String> {
        let value = self.plain(tag)?;
        Some(self.absolute(&value))
    }

    /// A whole number; anything after the digits is ignored.
    pub(super) fn number(&mut self, tag: &Tag<'a>) -> Option<u32> {
        self.plain(tag).and_then(|v| leading_number(&v))
    }

    /// A date. One that cannot be read is a problem, and so is one without a zone.
    pub(super) fn date(&mut self, tag: &Tag<'a>) -> Option<Timestamp> {
        let value = self.plain(tag)?;
        let date = self.read_date(&value, tag.name);
        if let Some(d) = &mut self.draft {
            d.entry.raw_dates.push((tag.name.to_owned(), value));
        }
        date
    }

    pub(super) fn read_date(&mut self, value: &str, name: &str) -> Option<Timestamp> {
        match crate::dates::parse_noted(value) {
            Some(date) => {
                if date.zone_missing && !date.time_missing {
                    let place = self.here(name);
                    self.scan.problems.repair("date-without-zone", "a date without a zone, taken as UTC", || place);
                }
                Some(date.timestamp)
            }
            None => {
                let place = self.here(name);
                let short: String = value.chars().take(60).collect();
                self.scan.problems.found("bad-date", format!("{short:?} is no date that can be read"), place);
                None
            }
        }
    }

    /// A text construct (RFC 4287, 3.1; Atom 0.3 with `mode`; RSS).
    pub(super) fn text(&mut self, tag: &Tag<'a>, untyped: Untyped) -> Option<Text> {
        let [kind, mode] = self.attrs(tag, ["type", "mode"]);
        let captured = self.capture(tag);
        let atom03 = self.format == Some(Format::Atom03);
        let mode = mode.as_deref().unwrap_or("");
        let declared = kind.as_deref().map(str::to_ascii_lowercase);
        let mut mime = None;
        let mut kind = match declared.as_deref() {
            None if atom03 && captured.markup.is_some() => TextKind::Xhtml,
            None => match untyped {
                Untyped::Html => TextKind::Html,
                Untyped::Sniff if captured.markup.is_none() && html::looks_like_html(&captured.text) => TextKind::Html,
                _ if captured.markup.is_some() => TextKind::Html,
                _ => TextKind::Plain,
            },
            Some("text" | "text/plain" | "plain") => {
                if untyped == Untyped::Html && captured.markup.is_some() {
                    TextKind::Html
                } else {
                    TextKind::Plain
                }
            }
            Some("html" | "text/html" | "escaped") => TextKind::Html,
            Some("xhtml" | "application/xhtml+xml" | "text/xhtml") => TextKind::Xhtml,
            Some(other) => {
                mime = Some(other.to_owned());
                if other.ends_with("xml") || captured.markup.is_some() {
                    TextKind::Xhtml
                } else if other.starts_with("text/") {
                    TextKind::Plain
                } else {
                    match untyped {
                        Untyped::Plain => TextKind::Plain,
                        _ => TextKind::Html,
                    }
                }
            }
        };
        let binary = mime.as_deref().is_some_and(|m| {
            m.contains('/') && !m.starts_with("text/") && !m.ends_with("xml") && !m.starts_with("multipart/")
        });
        let mut value: Cow<'_, str> = match captured.markup {
            Some(markup) if kind == TextKind::Plain => {
                // markup where none was announced: kept as what it is
                kind = TextKind::Html;
                Cow::Owned(markup)
            }
            Some(markup) if kind == TextKind::Html && declared.is_some() && mode != "xml" && only_wrapper(&markup) => {
                // escaped markup within a div, as TypePad wrote it
                Cow::Owned(captured.text.into_owned())
            }
            Some(markup) => Cow::Owned(markup),
            None if kind == TextKind::Xhtml && mode != "escaped" && mode != "base64" => {
                Cow::Owned(html::escape(&captured.text).into_owned())
            }
            None => captured.text,
        };
        if (mode == "base64" || (binary && mode.is_empty()))
            && let Some(decoded) = base64(&value)
        {
            value = Cow::Owned(decoded);
            if kind == TextKind::Plain && mode == "base64" && declared.is_none() {
                kind = TextKind::Html;
            }
        }
        if kind == TextKind::Xhtml && captured_is_escaped(mode) {
            kind = if html::looks_like_html(&value) { TextKind::Html } else { kind };
        }
        let mut body = value.trim();
        if kind == TextKind::Xhtml {
            body = html::without_wrapper(body);
        }
        if body.is_empty() {
            return None;
        }
        let mended = crate::tidy::undo_double_encoding(body);
        if mended.is_some() {
            self.scan.repair("double-encoded", "UTF-8 that was encoded twice", tag.start);
        }
        let body = mended.as_deref().unwrap_or(body);
        let frame = self.stack.last();
        let base = frame.and_then(|f| f.base.clone());
        let resolved = match (&base, kind) {
            (Some(b), TextKind::Html | TextKind::Xhtml) => html::resolve(body, &b.url),
            _ => Cow::Borrowed(body),
        };
        if matches!(resolved, Cow::Owned(_)) && !self.is_atom() && base.as_ref().is_some_and(|b| !b.stated) {
            self.scan.repair("relative-link-in-text", "a relative link, taken against the feed's address", tag.start);
        }
        let value = match resolved {
            Cow::Owned(s) => s,
            Cow::Borrowed(s) if mended.is_none() && s.len() == value.len() => value.into_owned(),
            Cow::Borrowed(s) => s.to_owned(),
        };
        let language = frame.and_then(|f| f.lang.as_deref()).map(str::to_owned);
        let base = base.as_ref().filter(|b: &&Rc<super::Base>| b.stated).map(|b| b.url.as_str().to_owned());
        Some(Text { kind, value, mime, language, base })
    }

    /// A title, with a look for markup that was escaped once too often.
    pub(super) fn title(&mut self, tag: &Tag<'a>, ns: Ns) -> Option<Text> {
        let rss = !matches!(self.format, Some(Format::Atom03 | Format::Atom10));
        let title = self.text(tag, if rss || ns != Ns::Core { Untyped::Sniff } else { Untyped::Plain })?;
        let twice = match title.kind {
            TextKind::Plain => html::has_reference(&title.value),
            _ => html::has_reference(&crate::xml::unescape_html(&title.value)),
        };
        if twice {
            let place = self.here("title");
            self.scan.problems.found(
                "double-escaped-title",
                "the title's entities are escaped twice".to_owned(),
                place,
            );
        }
        Some(title)
    }
}

/// Whether a div wraps text in which all markup is escaped.
fn only_wrapper(markup: &str) -> bool {
    let inner = html::without_wrapper(markup.trim());
    inner.len() < markup.trim().len() && inner.contains("&lt;") && !inner.contains('<')
}

/// Whether a child is really the next element of the entry, the one before it not being closed: elements that are no
/// markup of any text.
fn begins_sibling(name: &str, child: &str) -> bool {
    const SIBLINGS: [&str; 11] = [
        "guid",
        "pubDate",
        "link",
        "enclosure",
        "comments",
        "description",
        "id",
        "updated",
        "published",
        "category",
        "dc:creator",
    ];
    SIBLINGS.contains(&child)
        && child != name
        && (SIBLINGS.contains(&name) || matches!(name, "title" | "summary" | "author"))
}

fn captured_is_escaped(mode: &str) -> bool {
    matches!(mode, "escaped" | "base64")
}

/// Trimmed; none if empty.
pub(super) fn trimmed(text: &str) -> Option<String> {
    let t = text.trim();
    (!t.is_empty()).then(|| t.to_owned())
}

/// The number at the beginning.
pub(super) fn leading_number(text: &str) -> Option<u32> {
    let t = text.trim();
    let end = t.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(t.len());
    t[..end].parse().ok()
}

fn floor_boundary(s: &str, at: usize) -> usize {
    s.floor_char_boundary(at.min(s.len()))
}

/// Base64 with blanks, if the result is text.
fn base64(value: &str) -> Option<String> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let compact: Vec<u8> = value.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    String::from_utf8(STANDARD.decode(compact).ok()?).ok()
}
