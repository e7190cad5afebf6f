//! Which hub and topic an answer announces (section 4): `Link` headers (RFC 8288) before the document's own links.

use carewire_feeds::Feed;
use carewire_fetch::HeaderMap;
use carewire_store::FeedKind;
use url::Url;

/// The hub that carries YouTube's channels; their feeds do not name it.
const YOUTUBE_HUB: &str = "https://pubsubhubbub.appspot.com/subscribe";
/// Links of one answer that are looked at.
const MAX_LINKS: usize = 100;
/// No address of a hub or topic is longer.
const MAX_URL: usize = 2_000;

/// Hubs of one feed that are kept.
const MAX_HUBS: usize = 5;

/// The hubs that an answer announces, and the topic to subscribe to there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// In the order of statement, each once; at least one.
    pub(crate) hubs: Vec<String>,
    pub(crate) topic: String,
}

/// What an answer from `url` announces; `None` where it names no hub.
///
/// The header counts before the document, as the specification orders them; a topic that is not named is the address that answered.
pub(crate) fn offer(headers: &HeaderMap, url: &Url, document: &Feed, kind: FeedKind) -> Option<Offer> {
    let links = links(headers);
    let of =
        |rel: &'static str| links.iter().filter(move |(_, rels)| rels.split(' ').any(|r| r == rel)).map(|(url, _)| url);
    let web = |target: &String| {
        let target = url.join(target.trim()).ok()?;
        let good = matches!(target.scheme(), "http" | "https") && target.as_str().len() <= MAX_URL;
        (good && target.username().is_empty() && target.password().is_none()).then_some(target)
    };
    let mut hubs: Vec<String> = Vec::new();
    for hub in of("hub").chain(&document.hubs).filter_map(web).map(String::from) {
        if hubs.len() < MAX_HUBS && !hubs.contains(&hub) {
            hubs.push(hub);
        }
    }
    if !hubs.is_empty() {
        let topic = of("self").chain(&document.self_url).find_map(web).unwrap_or_else(|| url.clone());
        return Some(Offer { hubs, topic: topic.into() });
    }
    youtube(url).filter(|_| kind == FeedKind::YoutubeChannel)
}

/// A channel's topic has an address of its own, which is not that of its feed.
fn youtube(url: &Url) -> Option<Offer> {
    if url.host_str() != Some("www.youtube.com") || url.path() != "/feeds/videos.xml" {
        return None;
    }
    let channel = url.query_pairs().find(|(name, _)| name == "channel_id")?.1.into_owned();
    let mut topic = Url::parse("https://www.youtube.com/xml/feeds/videos.xml").ok()?;
    topic.query_pairs_mut().append_pair("channel_id", &channel);
    Some(Offer { hubs: vec![YOUTUBE_HUB.to_owned()], topic: topic.into() })
}

/// Targets and relations (lower case, one space between) of all `Link` headers.
pub(crate) fn links(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for value in headers.get_all("link") {
        let text = String::from_utf8_lossy(value.as_bytes());
        let mut rest = text.as_ref();
        while let Some((_, after)) = rest.split_once('<') {
            let Some((target, after)) = after.split_once('>') else { break };
            let (parameters, after) = until(after, ',');
            if let Some(rel) = rel(parameters) {
                found.push((target.to_owned(), rel));
            }
            rest = after;
            if found.len() >= MAX_LINKS {
                return found;
            }
        }
    }
    found
}

/// Splits at the first `separator` outside quotes: what stands before it, and what follows.
fn until(text: &str, separator: char) -> (&str, &str) {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == separator && !quoted => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

/// The first `rel` parameter (RFC 8288 section 3.3: others do not count).
fn rel(mut parameters: &str) -> Option<String> {
    while !parameters.is_empty() {
        let (parameter, after) = until(parameters, ';');
        parameters = after;
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("rel")
        {
            let value = value.trim().trim_matches('"').to_ascii_lowercase();
            return Some(value.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("link", value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn hubs_and_topics() {
        let feed = "https://clinic.example/feed";
        let youtube = "https://www.youtube.com/feeds/videos.xml?channel_id=UCx";
        let document = |hubs: &[&str], own: Option<&str>| Feed {
            hubs: hubs.iter().map(|hub| (*hub).to_owned()).collect(),
            self_url: own.map(str::to_owned),
            ..Feed::default()
        };
        let in_body = || document(&["https://body.example/hub"], Some("https://clinic.example/self"));
        let both = Some(("https://hub.example/", "https://clinic.example/topic"));
        for (url, values, document, kind, expected) in [
            (feed, &[][..], document(&[], None), FeedKind::Feed, None),
            (feed, &["<https://hub.example/>; rel=\"hub\", </topic>; rel=self"], in_body(), FeedKind::Feed, both),
            (feed, &["<https://hub.example/>; rel=hub", "<topic>;REL=\"Self first\""], in_body(), FeedKind::Feed, both),
            (
                feed,
                &["<https://hub.example/>; title=\"a, b; rel=x\"; rel=\"self hub\""],
                document(&[], None),
                FeedKind::Feed,
                Some(("https://hub.example/", "https://hub.example/")),
            ),
            (feed, &[], in_body(), FeedKind::Feed, Some(("https://body.example/hub", "https://clinic.example/self"))),
            (feed, &[], document(&["/hub"], None), FeedKind::Feed, Some(("https://clinic.example/hub", feed))),
            (
                feed,
                &["<ftp://hub.example/>; rel=hub"],
                document(&["https://me:pw@hub.example/"], None),
                FeedKind::Feed,
                None,
            ),
            (
                feed,
                &["<https://hub.example/; rel=hub", "rel=hub", "<x>; rel"],
                document(&[], None),
                FeedKind::Feed,
                None,
            ),
            (
                youtube,
                &[],
                document(&[], Some("http://www.youtube.com/feeds/videos.xml?channel_id=UCx")),
                FeedKind::YoutubeChannel,
                Some((YOUTUBE_HUB, "https://www.youtube.com/xml/feeds/videos.xml?channel_id=UCx")),
            ),
            (youtube, &[], document(&[], None), FeedKind::Feed, None),
            (
                "https://www.youtube.com/feeds/videos.xml?playlist_id=PLx",
                &[],
                document(&[], None),
                FeedKind::YoutubeChannel,
                None,
            ),
        ] {
            let found = offer(&headers(values), &url.parse().unwrap(), &document, kind);
            let found = found.as_ref().map(|offer| (offer.hubs[0].as_str(), offer.topic.as_str()));
            assert_eq!(found, expected, "{url} {values:?}");
        }
    }

    #[test]
    fn all_hubs_count_in_their_order_each_once() {
        let value = "<https://a.example/>; rel=hub, <https://b.example/>; rel=hub, <https://a.example/>; rel=hub";
        let named: Vec<String> = (0..9).map(|n| format!("https://c{n}.example/")).collect();
        let document = Feed { hubs: named, ..Feed::default() };
        let url = "https://clinic.example/feed".parse().unwrap();
        let found = offer(&headers(&[value]), &url, &document, FeedKind::Feed).unwrap();
        let names: Vec<&str> = found.hubs.iter().map(|hub| hub.split('/').nth(2).unwrap()).collect();
        assert_eq!(names, ["a.example", "b.example", "c0.example", "c1.example", "c2.example"]);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(value in "[<>;,=\" a-z\\\\/:]{0,80}") {
            links(&headers(&[&value]));
        }
    }
}
