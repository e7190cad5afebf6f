//! Tokens and links in a web page, by a scan of its tags that nothing can make panic.

use url::Url;

use crate::NAME;

/// Most of a page that is looked at, in bytes.
const MAX: usize = 2 << 20;

/// Whether the page's head has `<meta name="carewire-verification" content="TOKEN">` or a `link` of that relation. What stands in the
/// body does not count: others may write there.
#[must_use]
pub fn has_token(html: &str, token: &str) -> bool {
    let mut found = false;
    tags(html, |tag| {
        match tag.name.as_str() {
            "body" => return false,
            "meta" if tag.is("name", NAME) => found = found || tag.get("content").map(str::trim) == Some(token),
            "link" if tag.is("rel", NAME) => {
                let last = tag.get("href").map(|href| href.trim().rsplit(['/', '#', ':']).next().unwrap_or_default());
                found = found || last == Some(token);
            }
            _ => {}
        }
        !found
    });
    found
}

/// Whether the page links to an address for which `wanted` holds.
#[must_use]
pub fn links_to(html: &str, base: &Url, wanted: impl Fn(&Url) -> bool) -> bool {
    let mut found = false;
    tags(html, |tag| {
        if matches!(tag.name.as_str(), "a" | "link") {
            let url = tag.get("href").and_then(|href| base.join(href.trim()).ok());
            found = url.is_some_and(|url| wanted(&url));
        }
        !found
    });
    found
}

/// A start tag: its name and attributes in lower case, values with the usual references undone.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.get(name).is_some_and(|given| given.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(value)))
    }
}

/// Hands each start tag to `each` until that answers false. Comments, scripts, styles and the like are passed over.
fn tags(html: &str, mut each: impl FnMut(&Tag) -> bool) {
    let mut rest = html.get(..html.floor_char_boundary(MAX)).unwrap_or(html);
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let name: String =
            after.chars().take_while(char::is_ascii_alphanumeric).take(20).collect::<String>().to_ascii_lowercase();
        if name.is_empty() {
            rest = after;
            continue;
        }
        let (attributes, after) = attributes(&after[name.len()..]);
        rest = after;
        let raw =
            matches!(name.as_str(), "script" | "style" | "textarea" | "title" | "template" | "noscript" | "iframe");
        let end = format!("</{name}");
        if !each(&Tag { name, attributes }) {
            return;
        }
        if raw {
            rest = find_ignoring_case(rest, &end).map_or("", |at| &rest[at..]);
        }
    }
}

fn find_ignoring_case(text: &str, what: &str) -> Option<usize> {
    text.match_indices('<')
        .map(|(at, _)| at)
        .find(|&at| text.get(at..at + what.len()).is_some_and(|part| part.eq_ignore_ascii_case(what)))
}

/// The attributes up to the tag's end, and what follows it.
fn attributes(mut text: &str) -> (Vec<(String, String)>, &str) {
    let mut all = Vec::new();
    loop {
        text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if text.is_empty() || all.len() > 100 {
            return (all, text);
        }
        if let Some(after) = text.strip_prefix('>') {
            return (all, after);
        }
        let end = text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(text.len());
        // An equals sign without a name before it.
        let end = if end == 0 { 1 } else { end };
        let name = text[..end].to_ascii_lowercase();
        text = text[end..].trim_start();
        let mut value = "";
        if let Some(after) = text.strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            (value, text) = match quote {
                Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                None => {
                    after.split_at(after.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(after.len()))
                }
            };
        }
        all.push((name, value.replace("&amp;", "&").replace("&quot;", "\"").replace("&#39;", "'")));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_in_heads() {
        let token = "carewire-0123abcd";
        for (html, expected) in [
            ("<!DOCTYPE html><html><head><META NAME='Carewire-Verification' content=carewire-0123abcd></head>", true),
            ("<head><meta content=\"carewire-0123abcd\" name=\"carewire-verification\"/>", true),
            ("<head><link rel=\"me carewire-verification\" href=\"https://net.example/t/carewire-0123abcd\">", true),
            ("<head><link rel=carewire-verification href='urn:carewire:carewire-0123abcd'>", true),
            ("<head><title><meta name=carewire-verification content=carewire-0123abcd></title>", false),
            ("<head><!-- <meta name=carewire-verification content=carewire-0123abcd> -->", false),
            ("<head><script>'<meta name=carewire-verification content=carewire-0123abcd>'</SCRIPT>", false),
            ("<head></head><body><meta name=carewire-verification content=carewire-0123abcd>", false),
            ("<head><meta name=carewire-verification content=carewire-0123abcdef>", false),
            ("<head><meta name=description content=carewire-0123abcd>", false),
            ("carewire-0123abcd", false),
        ] {
            assert_eq!(has_token(html, token), expected, "{html}");
        }
    }

    #[test]
    fn links_of_pages() {
        let base: Url = "https://clinic.example/".parse().unwrap();
        let channel = |url: &Url| url.host_str() == Some("www.youtube.com") && url.path() == "/@clinic";
        for (html, expected) in [
            ("<a class=x href=\"https://www.youtube.com/@clinic\">", true),
            ("<a href='//www.youtube.com/@clinic?a=1&amp;b=2'>", true),
            ("<a href=/@clinic>", false),
            ("<!-- <a href=https://www.youtube.com/@clinic> -->", false),
            ("<img src=https://www.youtube.com/@clinic>", false),
        ] {
            assert_eq!(links_to(html, &base, channel), expected, "{html}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(html in "[<>/=!'\" a-zé-]{0,200}") {
            let _ = has_token(&html, "x");
            let _ = links_to(&html, &"https://a.example/".parse().unwrap(), |_| false);
        }
    }
}
