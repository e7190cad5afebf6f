//! Words as search and streams compare them: lower case, accents folded, light plural and possessive fold.
//!
//! The same reader cuts the text that is indexed, the words of `q`, and the text that a stream asks: what it
//! conflates, it conflates everywhere. A change here that changes words must raise [`VERSION`], so that indexes
//! made before are built anew.

use unicode_normalization::char::decompose_compatible;

/// Raised with each change that changes the words of a text.
pub const VERSION: u32 = 1;

/// Longest word kept, in bytes; what is longer is cut (it is no word that anybody types).
const MAX_WORD: usize = 64;

/// Reads the words of a text one after the other.
pub struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    /// The words of `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Puts the next word into `word` (replacing what it holds) and gives its byte range in the text; `None` at
    /// the end.
    pub fn next_into(&mut self, word: &mut String) -> Option<(usize, usize)> {
        loop {
            let (start, end, ascii) = self.next_run()?;
            word.clear();
            let run = &self.text[start..end];
            if ascii {
                let bytes = run.as_bytes();
                let kept = bytes.len().min(MAX_WORD);
                word.extend(bytes[..kept].iter().map(|b| b.to_ascii_lowercase() as char));
            } else {
                fold_into(run, word);
            }
            fold_ending(word);
            if !word.is_empty() {
                return Some((start, end));
            }
        }
    }

    /// The next run of word characters: start, end, whether it is pure ASCII.
    fn next_run(&mut self) -> Option<(usize, usize, bool)> {
        let bytes = self.text.as_bytes();
        let mut start = self.at;
        loop {
            let &b = bytes.get(start)?;
            if b.is_ascii() {
                if b.is_ascii_alphanumeric() {
                    break;
                }
                start += 1;
            } else {
                let c = char_at(self.text, start)?;
                if is_word(c) {
                    break;
                }
                start += c.len_utf8();
            }
        }
        let (mut end, mut ascii) = (start, true);
        while let Some(&b) = bytes.get(end) {
            if b.is_ascii_alphanumeric() {
                end += 1;
            } else if b.is_ascii() {
                // An apostrophe between letters belongs to the word ("Alzheimer's").
                if b == b'\'' && letter_after(self.text, end + 1) {
                    end += 1;
                } else {
                    break;
                }
            } else {
                let Some(c) = char_at(self.text, end) else { break };
                if c == '\u{2019}' && letter_after(self.text, end + c.len_utf8()) {
                    ascii = false;
                    end += c.len_utf8();
                    continue;
                }
                if !is_word(c) {
                    break;
                }
                if stands_alone(c) {
                    // Scripts without spaces: each character is a word, phrases do the rest.
                    if end == start {
                        end += c.len_utf8();
                        ascii = false;
                    }
                    break;
                }
                ascii = false;
                end += c.len_utf8();
            }
        }
        self.at = end;
        Some((start, end, ascii))
    }
}

fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

fn letter_after(text: &str, at: usize) -> bool {
    char_at(text, at).is_some_and(|c| c.is_alphabetic() && !stands_alone(c))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_dropped_mark(c) || unicode_normalization::char::is_combining_mark(c)
}

/// Accents and points that readers leave out when they type.
fn is_dropped_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}'
        | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{ad}' | '\u{200c}'..='\u{200d}')
}

/// Characters of scripts written without spaces between words.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

fn fold_into(run: &str, word: &mut String) {
    for c in run.chars().flat_map(char::to_lowercase) {
        if word.len() >= MAX_WORD {
            return;
        }
        match c {
            'a'..='z' | '0'..='9' | '\'' => word.push(c),
            '\u{2019}' => word.push('\''),
            'ß' => word.push_str("ss"),
            'æ' => word.push_str("ae"),
            'œ' => word.push_str("oe"),
            'ø' => word.push('o'),
            'ł' => word.push('l'),
            'đ' | 'ð' => word.push('d'),
            'þ' => word.push_str("th"),
            'ı' => word.push('i'),
            'ς' => word.push('σ'),
            _ => decompose_compatible(c, |part| {
                if !is_dropped_mark(part) && is_word(part) {
                    word.extend(part.to_lowercase());
                }
            }),
        }
    }
}

/// Drops a possessive and the commonest plural endings. Light on purpose: a false join costs more than a miss.
fn fold_ending(word: &mut String) {
    if let Some(stem) = word.strip_suffix("'s") {
        word.truncate(stem.len());
    }
    if word.contains('\'') {
        word.retain(|c| c != '\'');
    }
    let bytes = word.as_bytes();
    if bytes.len() < 4 || bytes[bytes.len() - 1] != b's' || !bytes[bytes.len() - 2].is_ascii_lowercase() {
        return;
    }
    if word.ends_with("ies") && word.len() > 4 {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if word.ends_with("sses") || word.ends_with("ches") || word.ends_with("shes") || word.ends_with("xes") {
        word.truncate(word.len() - 2);
    } else if !(word.ends_with("ss") || word.ends_with("us") || word.ends_with("is")) {
        word.truncate(word.len() - 1);
    }
}

/// The words of a text, in order.
#[must_use]
pub fn tokens(text: &str) -> Vec<String> {
    let (mut words, mut word, mut out) = (Words::new(text), String::new(), Vec::new());
    while words.next_into(&mut word).is_some() {
        out.push(word.clone());
    }
    out
}

/// Appends the plain text of sanitised HTML to `out`: tags become spaces, the entities that a sanitiser writes and
/// numeric ones are decoded. At most `limit` bytes of text are appended.
pub fn append_plain(html: &str, limit: usize, out: &mut String) {
    let stop = out.len().saturating_add(limit);
    let mut rest = html;
    while !rest.is_empty() && out.len() < stop {
        let plain = rest.find(['<', '&']).unwrap_or(rest.len());
        out.push_str(&rest[..plain]);
        rest = &rest[plain..];
        if rest.starts_with('<') {
            out.push(' ');
            rest = rest.find('>').map_or("", |end| &rest[end + 1..]);
        } else if rest.starts_with('&') {
            let (decoded, len) = entity(rest);
            out.push(decoded);
            rest = &rest[len..];
        }
    }
    if out.len() > stop {
        let cut = (0..=stop).rev().find(|&at| out.is_char_boundary(at)).unwrap_or(0);
        out.truncate(cut);
    }
}

/// Appends `text` as HTML character data: what could be markup is escaped, quotes too.
pub fn escape_html(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // No character of HTML (WHATWG, "preprocessing the input stream"), nor of XML.
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => {}
            _ => out.push(c),
        }
    }
}

/// The character of the entity that `text` begins with, and the entity's length; a lone `&` stands for itself.
fn entity(text: &str) -> (char, usize) {
    for (name, c) in [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&nbsp;", ' '), ("&apos;", '\'')]
    {
        if text.starts_with(name) {
            return (c, name.len());
        }
    }
    let numeric = || {
        let body = text.strip_prefix("&#")?;
        let end = body.bytes().take(9).position(|b| b == b';')?;
        let (digits, radix) = match body[..end].strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16),
            None => (&body[..end], 10),
        };
        Some((char::from_u32(u32::from_str_radix(digits, radix).ok()?)?, end + 3))
    };
    numeric().unwrap_or(('&', 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_folded_alike() {
        let table: &[(&str, &[&str])] = &[
            ("Alzheimer's disease", &["alzheimer", "disease"]),
            ("Alzheimer’s Diseases", &["alzheimer", "disease"]),
            ("Diabétes  MELLITUS, type-2", &["diabete", "mellitus", "type", "2"]),
            ("allergies & biopsies", &["allergy", "biopsy"]),
            ("Sjögren Ménière Straße", &["sjogren", "meniere", "strasse"]),
            ("糖尿病です", &["糖", "尿", "病", "て\u{3099}", "す"]),
            ("ИНСУЛЬТ сосудов", &["инсульт", "сосудов"]),
            ("b'𠀀", &["b", "𠀀"]),
            ("COVID-19's", &["covid", "19"]),
            ("'' - ’ !", &[]),
            ("ﬁbrosis ①", &["fibrosis", "1"]),
        ];
        for (text, expected) in table {
            let got = tokens(text);
            assert_eq!(&got, expected, "{text}");
        }
    }

    #[test]
    fn plain_text_of_html() {
        let mut out = String::new();
        append_plain("<p>Tom &amp; <b>Ann</b> &#233;t&#xe9; & more &lt;x&gt;</p>", 1000, &mut out);
        assert_eq!(out.split_whitespace().collect::<Vec<_>>().join(" "), "Tom & Ann été & more <x>");
        out.clear();
        append_plain("ééééé", 3, &mut out);
        assert_eq!(out, "é");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>()) {
            for word in tokens(&text) {
                prop_assert!(!word.is_empty() && word.len() <= MAX_WORD + 16);
            }
            let mut out = String::new();
            append_plain(&text, 50, &mut out);
            prop_assert!(out.len() <= 50);
        }

        #[test]
        fn folding_twice_changes_nothing_but_endings(text in "[a-zA-Z éüñ]{0,40}") {
            let once = tokens(&text);
            prop_assert_eq!(tokens(&text.to_uppercase()), once);
        }
    }
}
