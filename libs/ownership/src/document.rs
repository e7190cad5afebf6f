//! Tokens and links in a feed.

use carewire_feeds::{Entry, Parsed, Text};
use url::Url;

use crate::in_text;

/// Where in a feed its token stands: in `podcast:txt`, in a text of the feed, or in one of an entry of its own.
///
/// Entries that were taken from another feed, and answers to others, are other people's texts and do not count.
#[must_use]
pub fn token_in(parsed: &Parsed, token: &str) -> Option<&'static str> {
    let feed = &parsed.feed;
    if feed.verify_tokens.iter().any(|given| in_text(given, token)) {
        return Some("podcast:txt");
    }
    let texts = [&feed.title, &feed.subtitle, &feed.info, &feed.rights];
    if texts.into_iter().flatten().any(|text| in_text(&text.value, token)) {
        return Some("the feed's own text");
    }
    let own = |entry: &&Entry| entry.source.is_none() && entry.in_reply_to.is_empty();
    parsed
        .entries
        .iter()
        .filter(own)
        .any(|entry| texts_of(entry).any(|text| in_text(&text.value, token)))
        .then_some("an entry")
}

/// Whether a text of the feed or of an entry leads to `host`: for channels, which have no site of their own.
#[must_use]
pub fn links_to(parsed: &Parsed, host: &str) -> bool {
    parsed.entries.iter().flat_map(texts_of).chain(&parsed.feed.subtitle).any(|text| leads_to(&text.value, host))
}

fn texts_of(entry: &Entry) -> impl Iterator<Item = &Text> {
    [&entry.title, &entry.summary, &entry.content].into_iter().flatten()
}

/// Whether a text holds an address on that very host.
fn leads_to(text: &str, host: &str) -> bool {
    // Within an address (a query that names another one) none begins.
    let begins = |at: usize| {
        let before = text[..at].chars().next_back();
        before.is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '(' | '['))
    };
    text.match_indices("http").filter(|(at, _)| begins(*at)).any(|(at, _)| {
        let address = text[at..].split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')')).next();
        address.and_then(|address| Url::parse(address).ok()).is_some_and(|url| url.host_str() == Some(host))
    })
}

#[cfg(test)]
mod tests {
    use carewire_feeds::{Context, parse};

    use super::*;

    const TOKEN: &str = "carewire-0123abcd";

    #[test]
    fn tokens_in_feeds() {
        let rss = |channel: &str, item: &str| {
            format!(
                "<rss version=\"2.0\" xmlns:podcast=\"https://podcastindex.org/namespace/1.0\" xmlns:thr=\"http://purl.org/syndication/thread/1.0\">\
                 <channel><title>Clinic</title>{channel}<item><title>News</title>{item}</item></channel></rss>"
            )
        };
        for (channel, item, expected) in [
            ("", "", None),
            ("<podcast:txt purpose=\"verify\">carewire-0123abcd</podcast:txt>", "", Some("podcast:txt")),
            ("<podcast:txt purpose=\"other\">carewire-0123abcd</podcast:txt>", "", None),
            ("<description>We are carewire-0123abcd.</description>", "", Some("the feed's own text")),
            ("<description>carewire-0123abcdef</description>", "", None),
            ("", "<description>&lt;p&gt;carewire-0123abcd&lt;/p&gt;</description>", Some("an entry")),
            (
                "",
                "<description>carewire-0123abcd</description><source url=\"https://other.example/\">Other</source>",
                None,
            ),
            ("", "<description>carewire-0123abcd</description><thr:in-reply-to ref=\"x\"/>", None),
            ("", "<link>https://clinic.example/carewire-0123abcd</link>", None),
        ] {
            let parsed = parse(rss(channel, item).as_bytes(), &Context::default());
            assert_eq!(token_in(&parsed, TOKEN), expected, "{channel} {item}");
        }
    }

    #[test]
    fn links_back() {
        for (text, expected) in [
            ("More at https://clinic.example/stroke.", true),
            ("(http://clinic.example)", true),
            ("https://clinic.example.evil.example/", false),
            ("https://evil.example/?https://clinic.example", false),
            ("clinic.example", false),
            ("https://www.clinic.example/", false),
            ("http", false),
        ] {
            assert_eq!(leads_to(text, "clinic.example"), expected, "{text}");
        }
    }
}
