//! Plain text: out of HTML in one pass, whitespace folded, cut at words.
//!
//! [`plain`] reads any HTML, cleaned or not, and its result is text: whoever shows it escapes it. So it need not be a
//! parser that agrees with browsers, only one that is linear and drops what nobody reads (scripts, styles, comments).

use super::entities;

/// Elements whose content is no text for readers. `svg` and `math` are left in: their titles and formulas are.
const HIDDEN: [&str; 7] = ["script", "style", "template", "noscript", "iframe", "object", "head"];

/// Elements that stand within a line; all others end one.
const INLINE: [&str; 33] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "ins", "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u",
    "var", "wbr",
];

/// The text of `html`: entities decoded, block elements and `<br>` end a line, other whitespace folded to one space.
/// Lines are separated by `\n`, without empty ones.
#[must_use]
pub fn plain(html: &str) -> String {
    let mut out = Folder::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = memchr::memchr2(b'<', b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('&') { entity(rest, &mut out) } else { markup(rest, &mut out) };
    }
    out.push_str(rest);
    out.finish()
}

/// Plain text with its whitespace folded as [`plain`] does; line ends stay line ends.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = Folder::with_capacity(text.len());
    for line in text.split(['\n', '\r']) {
        out.push_str(line);
        out.line();
    }
    out.finish()
}

/// All in one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut out = Folder::with_capacity(text.len());
    out.push_str(text);
    out.finish()
}

/// Decodes `&…;` at the beginning of `rest`; returns what follows.
fn entity<'a>(rest: &'a str, out: &mut Folder) -> &'a str {
    match entities::decode(rest) {
        Some((c, length)) => {
            out.push(c);
            &rest[length..]
        }
        None => {
            out.push('&');
            &rest[1..]
        }
    }
}

/// Passes over a tag, comment or declaration at the beginning of `rest`; returns what follows.
fn markup<'a>(rest: &'a str, out: &mut Folder) -> &'a str {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return comment.find("-->").map_or("", |end| &comment[end + 3..]);
    }
    let bytes = rest.as_bytes();
    let closing = bytes.get(1) == Some(&b'/');
    let start = 1 + usize::from(closing);
    match bytes.get(start) {
        Some(b'a'..=b'z' | b'A'..=b'Z') => {}
        Some(b'!' | b'?') => return after_tag(rest),
        // "a < b": no tag at all.
        _ => {
            out.push('<');
            return &rest[1..];
        }
    }
    let end =
        bytes[start..].iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'-').map_or(bytes.len(), |n| start + n);
    let name = &rest[start..end];
    let after = after_tag(rest);
    if !INLINE.iter().any(|inline| inline.eq_ignore_ascii_case(name)) {
        // Cells of one row stay in one line.
        if name.eq_ignore_ascii_case("td") || name.eq_ignore_ascii_case("th") {
            out.push(' ');
        } else {
            out.line();
        }
    }
    if !closing && let Some(hidden) = HIDDEN.iter().find(|hidden| hidden.eq_ignore_ascii_case(name)) {
        return after_closing(after, hidden);
    }
    after
}

/// What follows the tag at the beginning of `rest`; `>` in quoted attribute values does not end it.
fn after_tag(rest: &str) -> &str {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while let Some(n) = memchr::memchr3(b'>', b'"', b'\'', &bytes[at..]) {
        at += n;
        let quote = bytes[at];
        if quote == b'>' {
            return &rest[at + 1..];
        }
        // A quote opens a value only after "="; elsewhere ("Crohn's" in a broken tag) it is a letter.
        let value = rest[..at].trim_ascii_end().ends_with('=');
        at += 1;
        if value {
            match memchr::memchr(quote, &bytes[at..]) {
                Some(n) => at += n + 1,
                None => break,
            }
        }
    }
    // Never closed: what looks like a tag up to the next ">" is one, else the rest is lost markup.
    memchr::memchr(b'>', bytes).map_or("", |n| &rest[n + 1..])
}

/// What follows `</name …>` in `rest`; nothing when it is never closed.
fn after_closing<'a>(rest: &'a str, name: &str) -> &'a str {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(n) = memchr::memchr(b'<', &bytes[at..]) {
        at += n + 1;
        let end = at + 1 + name.len();
        if bytes.get(at) == Some(&b'/')
            && bytes.get(at + 1..end).is_some_and(|have| have.eq_ignore_ascii_case(name.as_bytes()))
        {
            return after_tag(&rest[at - 1..]);
        }
    }
    ""
}

/// Collects text, folding whitespace as it comes.
struct Folder {
    out: String,
    /// A space or a line end that waits for the next visible character.
    gap: Option<char>,
}

impl Folder {
    fn with_capacity(bytes: usize) -> Self {
        Self { out: String::with_capacity(bytes), gap: None }
    }

    fn push_str(&mut self, text: &str) {
        let mut words = text.split(is_space);
        if let Some(first) = words.next() {
            self.word(first);
        }
        for word in words {
            self.gap = self.gap.or(Some(' '));
            self.word(word);
        }
    }

    fn word(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        if word.contains(is_control) {
            word.chars().filter(|c| !is_control(*c)).for_each(|c| self.push(c));
            return;
        }
        self.fill_gap();
        self.out.push_str(word);
    }

    fn push(&mut self, c: char) {
        if is_space(c) {
            self.gap = self.gap.or(Some(' '));
        } else if !is_control(c) {
            self.fill_gap();
            self.out.push(c);
        }
    }

    fn line(&mut self) {
        self.gap = Some('\n');
    }

    fn fill_gap(&mut self) {
        if let Some(gap) = self.gap.take()
            && !self.out.is_empty()
        {
            self.out.push(gap);
        }
    }

    fn finish(self) -> String {
        self.out
    }
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}')
}

/// Control characters, and those that turn the reading direction of what stands around a text (Trojan titles); marks
/// that belong into right-to-left text (U+200E, U+200F, isolates) stay.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{fffe}' | '\u{ffff}')
}

/// At most `max` characters of `text`, cut at the end of a word, with an ellipsis (counted) where something is missing.
#[must_use]
pub fn cut(text: &str, max: usize) -> String {
    let Some((limit, _)) = text.char_indices().nth(max) else { return text.to_owned() };
    // One character is for the ellipsis.
    let room = text[..limit].char_indices().next_back().map_or(0, |(at, _)| at);
    let head = &text[..room];
    let word_ends = text[room..].starts_with(char::is_whitespace);
    let end = if word_ends { room } else { head.rfind(char::is_whitespace).unwrap_or(room) };
    // A text without spaces (Chinese, one long word) is cut where it must be.
    let end = if end * 2 < room { room } else { end };
    let mut out = head[..end]
        .trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '-' | '–'))
        .to_owned();
    out.push('…');
    out
}

/// The first sentence of `text`, at most `max` characters: what stands in for a missing title.
#[must_use]
pub fn first_sentence(text: &str, max: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let end = line
        .match_indices(['.', '!', '?', '。', '！', '？'])
        .map(|(at, mark)| at + mark.len())
        // "Dr. Smith", "2.5 mg": a sentence of fewer than 20 characters is none, nor one without a space after it.
        .find(|end| {
            *end >= 20 && (line[*end..].is_empty() || line[*end..].starts_with(' ') || !line[..*end].is_ascii())
        })
        .unwrap_or(line.len());
    cut(line[..end].trim_end_matches('.'), max)
}
