//! The little HTML that a feed reader must see: addresses, whether a text is HTML at all. Sanitising is not done here.

use memchr::{memchr, memchr2, memchr3_iter, memmem};
use std::borrow::Cow;
use url::Url;

/// Makes an address absolute where there is a base; an absolute one stays as written, blanks around it removed.
pub(crate) fn absolute(href: &str, base: Option<&Url>) -> String {
    let href = href.trim();
    if has_scheme(href) {
        return href.to_owned();
    }
    match base.and_then(|b| b.join(href).ok()) {
        Some(url) => url.into(),
        None => href.to_owned(),
    }
}

/// Whether it begins with a scheme (RFC 3986, 3.1).
pub(crate) fn has_scheme(href: &str) -> bool {
    match href.find(':') {
        Some(i) if i > 0 => {
            let s = &href.as_bytes()[..i];
            s[0].is_ascii_alphabetic() && s.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        }
        _ => false,
    }
}

/// The value of an attribute in a tag as written, `<` first; empty where the attribute stands alone.
pub(crate) fn attribute_value<'t>(tag: &'t str, name: &str) -> Option<Cow<'t, str>> {
    let after_name = tag.find(|c: char| c.is_ascii_whitespace())?;
    let mut attributes = quick_xml::events::attributes::Attributes::html(&tag[after_name..], 0);
    attributes.with_checks(false);
    attributes.flatten().find(|a| a.key.0.eq_ignore_ascii_case(name)).map(|a| a.value)
}

/// Attributes that hold one address.
const URL_ATTRIBUTES: [&str; 11] =
    ["href", "src", "cite", "action", "poster", "background", "longdesc", "data", "usemap", "codebase", "classid"];

/// Makes the addresses in a fragment's attributes absolute. One pass, which copies only if it finds one.
pub(crate) fn resolve<'t>(fragment: &'t str, base: &Url) -> Cow<'t, str> {
    let b = fragment.as_bytes();
    let mut out: Option<String> = None;
    let (mut copied, mut at) = (0, 0);
    while let Some(i) = memchr(b'=', &b[at..]) {
        let eq = at + i;
        at = eq + 1;
        let name_end = b[..eq].trim_ascii_end().len();
        let name_start = b[..name_end].iter().rposition(|c| !c.is_ascii_alphabetic()).map_or(0, |p| p + 1);
        let name = &fragment[name_start..name_end];
        if name.len() < 3 || !URL_ATTRIBUTES.iter().any(|a| a.eq_ignore_ascii_case(name)) {
            continue;
        }
        // only within a tag
        if name_start == 0
            || !b[name_start - 1].is_ascii_whitespace() && !matches!(b[name_start - 1], b'"' | b'\'' | b'/')
        {
            continue;
        }
        match memchr::memrchr2(b'<', b'>', &b[..name_start]) {
            Some(p) if b[p] == b'<' => {}
            _ => continue,
        }
        let mut from = at + (b[at..].len() - b[at..].trim_ascii_start().len());
        let end = match b.get(from) {
            Some(q @ (b'"' | b'\'')) => {
                from += 1;
                from + memchr(*q, &b[from..]).unwrap_or(b.len() - from)
            }
            _ => from + b[from..].iter().position(|c| c.is_ascii_whitespace() || *c == b'>').unwrap_or(b.len() - from),
        };
        at = end;
        let value = fragment[from..end].trim();
        if value.starts_with('#') || has_scheme(value) || (value.is_empty() && !name.eq_ignore_ascii_case("href")) {
            continue;
        }
        let decoded = crate::xml::unescape_html(value);
        let Ok(url) = base.join(&decoded) else { continue };
        let out = out.get_or_insert_with(|| String::with_capacity(fragment.len() + 64));
        out.push_str(&fragment[copied..from]);
        out.push_str(&escape(url.as_str()));
        copied = end;
    }
    match out {
        Some(mut out) => {
            out.push_str(&fragment[copied..]);
            Cow::Owned(out)
        }
        None => Cow::Borrowed(fragment),
    }
}

/// Escapes text for HTML and XML.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    let mut out: Option<String> = None;
    let mut copied = 0;
    for i in memchr3_iter(b'<', b'>', b'&', text.as_bytes()) {
        let out = out.get_or_insert_with(|| String::with_capacity(text.len() + 32));
        out.push_str(&text[copied..i]);
        out.push_str(match text.as_bytes()[i] {
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => "&amp;",
        });
        copied = i + 1;
    }
    match out {
        Some(mut out) => {
            out.push_str(&text[copied..]);
            Cow::Owned(out)
        }
        None => Cow::Borrowed(text),
    }
}

/// Elements that mark a text as HTML.
const TAGS: [&str; 36] = [
    "a",
    "abbr",
    "acronym",
    "b",
    "big",
    "blockquote",
    "br",
    "cite",
    "code",
    "del",
    "div",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "i",
    "img",
    "ins",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "tt",
    "u",
    "ul",
];

/// Whether a text of no declared type is meant as HTML: it has a known entity, or only tags that HTML knows and at least
/// one that ends or stands alone.
pub(crate) fn looks_like_html(text: &str) -> bool {
    if memchr2(b'<', b'&', text.as_bytes()).is_none() {
        return false;
    }
    let mut closed = false;
    let mut rest = text;
    while let Some(i) = memchr(b'<', rest.as_bytes()) {
        rest = &rest[i + 1..];
        let (end_tag, body) = match rest.strip_prefix('/') {
            Some(b) => (true, b),
            None => (false, rest),
        };
        let len = body.bytes().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(body.len());
        let name = &body[..len];
        if len == 0 || !TAGS.iter().any(|t| t.eq_ignore_ascii_case(name)) || memchr(b'>', body.as_bytes()).is_none() {
            return false;
        }
        closed |= end_tag
            || name.eq_ignore_ascii_case("br")
            || name.eq_ignore_ascii_case("img")
            || name.eq_ignore_ascii_case("p");
    }
    closed || has_reference(text)
}

/// Whether a character reference stands in the text.
pub(crate) fn has_reference(text: &str) -> bool {
    let b = text.as_bytes();
    memchr::memchr_iter(b'&', b).any(|i| {
        let body = &b[i + 1..b.len().min(i + 40)];
        let Some(end) = memchr(b';', body) else { return false };
        let name = &text[i + 1..i + 1 + end];
        match name.strip_prefix('#') {
            Some(n) => !n.is_empty() && n.trim_start_matches(['x', 'X']).bytes().all(|c| c.is_ascii_hexdigit()),
            None => {
                !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric()) && crate::xml::named(name).is_some()
            }
        }
    })
}

/// The text of a fragment: tags left out, those of blocks as line ends, references decoded. For looking at, not for showing.
pub(crate) fn plain(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = memchr(b'<', rest.as_bytes()) {
        out.push_str(&rest[..open]);
        let name = rest[open + 1..].trim_start_matches('/');
        let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
        let block = ["p", "br", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "tr", "table", "blockquote", "figure"];
        if block.iter().any(|b| b.eq_ignore_ascii_case(&name[..end])) {
            out.push('\n');
        }
        rest = match memchr(b'>', &rest.as_bytes()[open..]) {
            Some(close) => &rest[open + close + 1..],
            None => "",
        };
    }
    out.push_str(rest);
    unescaped(&out)
}

/// References decoded, non-breaking blanks as blanks, trimmed.
fn unescaped(text: &str) -> String {
    crate::xml::unescape_html(text).replace('\u{A0}', " ").trim().to_owned()
}

/// Takes off the `div` that wraps XHTML content (RFC 4287, 3.1.1.3), if it wraps all of it.
pub(crate) fn without_wrapper(body: &str) -> &str {
    let Some(rest) = body.strip_prefix("<div") else { return body };
    if !rest.starts_with(['>', ' ', '\n', '\t', '/']) {
        return body;
    }
    let Some(open) = memchr(b'>', rest.as_bytes()) else { return body };
    if rest[..open].ends_with('/') {
        let after = rest[open + 1..].trim();
        return if after.is_empty() { "" } else { body };
    }
    // the div that closes last must be the one that opened first
    let inner = &rest[open + 1..];
    let mut depth = 1;
    let mut at = 0;
    let bytes = inner.as_bytes();
    while let Some(i) = memmem::find(&bytes[at..], b"div") {
        let p = at + i;
        at = p + 3;
        if bytes[..p].ends_with(b"</") {
            depth -= 1;
            if depth == 0 {
                let close = p + 3 + memchr(b'>', &bytes[p + 3..]).map_or(0, |x| x + 1);
                return if inner[close..].trim().is_empty() { inner[..p - 2].trim() } else { body };
            }
        } else if bytes[..p].ends_with(b"<") && bytes.get(at).is_none_or(|c| !c.is_ascii_alphanumeric()) {
            let end = memchr(b'>', &bytes[at..]).map_or(bytes.len(), |x| at + x);
            if bytes.get(end.wrapping_sub(1)) != Some(&b'/') {
                depth += 1;
            }
        }
    }
    inner.trim()
}
