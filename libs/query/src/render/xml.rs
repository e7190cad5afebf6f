//! Writing XML 1.0 that is well-formed whatever the text: escaping, and no character that XML forbids.

/// An XML document in the making.
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// A document with its declaration; `capacity` in bytes.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        out.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        Self { out }
    }

    /// Markup as it stands.
    pub fn raw(&mut self, markup: &str) -> &mut Self {
        self.out.extend_from_slice(markup.as_bytes());
        self
    }

    /// Character data.
    pub fn text(&mut self, text: &str) -> &mut Self {
        escape(text, false, &mut self.out);
        self
    }

    /// A start tag with attributes; `close` makes it an empty element.
    pub fn tag(&mut self, name: &str, attributes: &[(&str, &str)], close: bool) -> &mut Self {
        self.raw("<").raw(name);
        for (key, value) in attributes {
            self.raw(" ").raw(key).raw("=\"");
            escape(value, true, &mut self.out);
            self.raw("\"");
        }
        self.raw(if close { "/>" } else { ">" })
    }

    /// An element with text.
    pub fn element(&mut self, name: &str, text: &str) -> &mut Self {
        self.raw("<").raw(name).raw(">").text(text).raw("</").raw(name).raw(">\n")
    }

    /// An element with attributes and text.
    pub fn element_with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) -> &mut Self {
        self.tag(name, attributes, false).text(text).raw("</").raw(name).raw(">\n")
    }

    /// An empty element with attributes, on a line of its own.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> &mut Self {
        self.tag(name, attributes, true).raw("\n")
    }

    /// The document.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }
}

/// What stands for a byte that needs care; empty for a character that XML 1.0 §2.2 forbids.
fn replacement(byte: u8, attribute: bool) -> Option<&'static [u8]> {
    Some(match byte {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        // A literal one would be read as a line feed (XML 1.0 §2.11) or, in attributes, as a space (§3.3.3).
        b'\r' => b"&#13;",
        b'"' if attribute => b"&quot;",
        b'\n' if attribute => b"&#10;",
        b'\t' if attribute => b"&#9;",
        b'\n' | b'\t' => return None,
        0..0x20 => b"",
        _ => return None,
    })
}

/// Appends `text` escaped. Characters that XML 1.0 forbids (§2.2: most controls, U+FFFE and U+FFFF) are left out.
pub fn escape(text: &str, attribute: bool, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
        if byte == 0xef && matches!(bytes.get(at + 1..at + 3), Some([0xbf, 0xbe | 0xbf])) {
            out.extend_from_slice(&bytes[done..at]);
            done = at + 3;
        } else if let Some(instead) = replacement(byte, attribute) {
            out.extend_from_slice(&bytes[done..at]);
            out.extend_from_slice(instead);
            done = at + 1;
        }
    }
    out.extend_from_slice(&bytes[done..]);
}
