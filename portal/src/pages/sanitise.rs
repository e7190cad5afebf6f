//! An item's text on the network's own pages: nothing that runs, nothing that is loaded from elsewhere.
//!
//! Stored HTML was sanitised when it came in. It is cleaned again here, more strictly: pictures, sound and films
//! become links, because loading them would tell their hosts who reads about which condition.

use std::{borrow::Cow, collections::HashSet, sync::LazyLock};

use ammonia::Builder;

use super::layout::web;

/// Elements that may stand in a text.
const ELEMENTS: [&str; 42] = [
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "ins",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "tr",
];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    let mut elements: HashSet<&'static str> = ELEMENTS.into_iter().collect();
    elements.extend(["thead", "tfoot", "ul", "u", "var", "mark"]);
    builder
        .tags(elements)
        .generic_attributes(HashSet::from(["lang", "dir", "title"]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

/// `html` as it may stand on a page.
#[must_use]
pub fn clean(html: &str) -> String {
    CLEANER.clean(&media_to_links(html)).to_string()
}

/// Start tags of pictures, sound and films become links to them. Whatever this makes of broken markup is cleaned
/// afterwards, so it need not be right about it, only harmless.
fn media_to_links(html: &str) -> Cow<'_, str> {
    const NAMES: [(&str, &str); 4] = [("img", "Picture"), ("audio", "Sound"), ("video", "Film"), ("source", "File")];
    let mut out = String::new();
    let mut rest = html;
    let mut changed = false;
    while let Some(open) = rest.find('<') {
        let tag = &rest[open + 1..];
        let name_end = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len());
        let known = NAMES.iter().find(|(name, _)| tag[..name_end].eq_ignore_ascii_case(name));
        let Some((_, label)) = known else {
            out.push_str(&rest[..=open]);
            rest = tag;
            continue;
        };
        // A tag without an end takes all that follows with it.
        let Some(close) = tag_end(tag) else { break };
        changed = true;
        out.push_str(&rest[..open]);
        rest = &tag[close + 1..];
        let attributes = &tag[name_end..close];
        if let Some(address) = attribute(attributes, "src").filter(|address| web(address).is_some()) {
            let label = attribute(attributes, "alt").filter(|text| !text.trim().is_empty()).unwrap_or(label);
            // Both come from inside a quoted attribute and are escaped as such; quotes cannot be among them.
            out.push_str(&format!("<a href=\"{address}\">{}</a> ", label.replace('<', "&lt;")));
        }
    }
    if !changed {
        return Cow::Borrowed(html);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Where the `>` stands that ends a tag: quoted attribute values may hold others.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (position, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(position),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if byte == open => quote = None,
            _ => {}
        }
    }
    None
}

/// The value of a double-quoted attribute, still escaped.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut from = 0;
    while let Some(found) = tag[from..].find(name) {
        let start = from + found;
        let before = tag[..start].chars().next_back();
        let after = &tag[start + name.len()..];
        if before.is_some_and(char::is_whitespace)
            && let Some(value) = after.strip_prefix("=\"")
        {
            return value.split('"').next();
        }
        from = start + name.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn only_what_may_stand_on_a_page() {
        let cases = [
            ("<p>Hello <em>there</em></p>", "<p>Hello <em>there</em></p>"),
            ("<p onclick=\"x()\" style=\"color:red\" class=\"a\">t</p>", "<p>t</p>"),
            ("a<script>alert(1)</script>b", "ab"),
            (
                "<p>x<img src=\"https://a.example/p.png?a=1&amp;b=2\" alt=\"A heart\">y</p>",
                "<p>x<a href=\"https://a.example/p.png?a=1&amp;b=2\" rel=\"noopener noreferrer nofollow\">A heart</a> y</p>",
            ),
            ("<img src=\"javascript:alert(1)\" alt=\"x\">", ""),
            (
                "<img alt=\"a > b\" src=\"https://a.example/\">",
                "<a href=\"https://a.example/\" rel=\"noopener noreferrer nofollow\">a &gt; b</a> ",
            ),
            ("<a href=\"javascript:alert(1)\">t</a>", "<a rel=\"noopener noreferrer nofollow\">t</a>"),
            ("<a href=\"/x\">t</a>", "<a rel=\"noopener noreferrer nofollow\">t</a>"),
            ("<iframe src=\"https://a.example/\"></iframe>", ""),
            ("t<img", "t"),
            ("1 < 2", "1 &lt; 2"),
            ("<svg><image href=\"https://a.example/\"/></svg>", ""),
        ];
        for (html, expected) in cases {
            assert_eq!(clean(html), expected, "{html}");
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let hostile = [
            "<IMG SRC=\"https://a.example/\">",
            "<img src='https://a.example/'>",
            "<img/src=\"https://a.example/\">",
            "<video poster=\"https://a.example/\"><source src=\"https://a.example/\"></video>",
            "<picture><source srcset=\"https://a.example/\"></picture>",
            "<link rel=stylesheet href=\"https://a.example/\">",
            "<p style=\"background:url(https://a.example/)\">x</p>",
            "<input type=image src=\"https://a.example/\">",
            "<a><img src=\"https://a.example/\" alt=\"&quot;><img src=https://a.example/>\"></a>",
            "<math><mtext><img src=\"https://a.example/\"></mtext></math>",
        ];
        for html in hostile {
            let clean = clean(html).to_lowercase();
            for loader in ["<img", "<video", "<audio", "<source", "<link", "<input", "style=", "<picture", "<svg"] {
                assert!(!clean.contains(loader), "{html} -> {clean}");
            }
        }
    }
}
