//! The ways to prove a feed, and how an organization is told of those that its feed has.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{DNS_LABEL, NAME, WELL_KNOWN, mail, platforms, txt_record};

/// How a feed was proven.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The token in a file under `/.well-known/` on the feed's host.
    WellKnown,
    /// The token in a `meta` or `link` element of the home page of the feed's host.
    HomePage,
    /// The token in a TXT record of the feed's host.
    Dns,
    /// The token in the feed itself.
    Feed,
    /// A code mailed to an address of the feed's domain.
    Mail,
    /// The organization's proven home page, to which the feed links back.
    LinkBack,
    /// The organization's proven home page links to it, and a curator looked.
    Curator,
}

impl Way {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 7] =
        [Self::WellKnown, Self::HomePage, Self::Dns, Self::Feed, Self::LinkBack, Self::Mail, Self::Curator];

    /// The name in JSON and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WellKnown => "well-known",
            Self::HomePage => "home-page",
            Self::Dns => "dns",
            Self::Feed => "feed",
            Self::Mail => "mail",
            Self::LinkBack => "link-back",
            Self::Curator => "curator",
        }
    }

    /// The way of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.as_str() == name)
    }
}

/// What is known of the feed that is to be proven.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The feed's address.
    pub feed: &'a Url,
    /// Whether it is a video channel: its host is the platform's.
    pub channel: bool,
    /// The organization's home page.
    pub site: Option<&'a Url>,
}

/// What an organization can do, in words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Instruction {
    /// By which way.
    pub way: Way,
    /// Where: an address, or a name in the DNS.
    pub place: String,
    /// What is to stand there.
    pub text: String,
}

/// The ways that a feed at this place has.
#[must_use]
pub fn ways(place: &Place<'_>, token: &str) -> Vec<Instruction> {
    let mut all = Vec::new();
    let mut add = |way, place: String, text: String| all.push(Instruction { way, place, text });
    let element = format!("<meta name=\"{NAME}\" content=\"{token}\">");
    let host = place.feed.host_str().unwrap_or_default();
    let own = !place.channel && !platforms::is_shared(host);
    if own {
        let at = |path: &str| place.feed.join(path).map_or_else(|_| path.to_owned(), String::from);
        add(Way::WellKnown, at(WELL_KNOWN), format!("a text file with the line {token}"));
        add(Way::HomePage, at("/"), format!("in its head, {element}"));
        if place.feed.domain().is_some() {
            let name = format!("{host} or {DNS_LABEL}.{host}");
            add(Way::Dns, name, format!("a TXT record {}", txt_record(token)));
        }
    }
    let inside = match place.channel {
        true => format!("{token} in the description of a recent video"),
        false => format!("<podcast:txt purpose=\"verify\">{token}</podcast:txt>, or {token} in any text of the feed"),
    };
    add(Way::Feed, place.feed.to_string(), inside);
    if let Some(site) = place.site.filter(|site| site.host_str().is_some_and(|host| !platforms::is_shared(host))) {
        let text = match place.channel {
            true => format!(
                "in its head, {element}, and a link to the channel; then a link to it in a recent video's description, or a curator's look"
            ),
            false => format!("in its head, {element}; the feed must give it as its own site"),
        };
        add(if place.channel { Way::Curator } else { Way::LinkBack }, site.to_string(), text);
    }
    if own && let Some(domain) = mail::domain(host) {
        let names = mail::NAMES.join(", ");
        add(Way::Mail, format!("@{domain}"), format!("a code is mailed to one of {names} at {domain}"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_told_the_ways_that_it_has() {
        let site: Url = "https://clinic.example/".parse().unwrap();
        for (feed, channel, expected) in [
            (
                "https://clinic.example/feed.xml",
                false,
                &[Way::WellKnown, Way::HomePage, Way::Dns, Way::Feed, Way::LinkBack, Way::Mail][..],
            ),
            ("http://192.0.2.1:8080/feed", false, &[Way::WellKnown, Way::HomePage, Way::Feed, Way::LinkBack]),
            ("https://clinic.blogspot.com/feed", false, &[Way::Feed, Way::LinkBack]),
            ("https://medium.com/feed/@clinic", false, &[Way::Feed, Way::LinkBack]),
            ("https://www.youtube.com/feeds/videos.xml?channel_id=UCx", true, &[Way::Feed, Way::Curator]),
        ] {
            let feed = feed.parse().unwrap();
            let told = ways(&Place { feed: &feed, channel, site: Some(&site) }, "carewire-x");
            assert_eq!(told.iter().map(|one| one.way).collect::<Vec<_>>(), expected, "{feed}");
            assert!(told.iter().all(|one| one.way == Way::Mail || one.text.contains("carewire-x")));
        }
        assert!(Way::ALL.iter().all(|way| Way::named(way.as_str()) == Some(*way)));
    }
}
