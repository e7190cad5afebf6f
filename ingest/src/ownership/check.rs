//! Looking at all places where the proof of one feed may stand.

use carewire_feeds::{Context, Parsed, parse};
use carewire_fetch::{Request, Response, host_of};
use carewire_ownership::{DNS_LABEL, WELL_KNOWN, Way, document, in_file, in_records, page, platforms};
use carewire_store::{Feed, FeedKind, OwnershipFinding, OwnershipOutcome};
use url::Url;

use super::{channel, dns::Resolver};
use crate::errand::Errands;

/// Links of a home page to channels by name, each of whose pages is looked at.
const MAX_NAMED: usize = 3;

/// Looks for proofs.
#[derive(Clone, Debug)]
pub struct Checker {
    /// Sends the requests.
    pub errands: Errands,
    /// Asks the DNS.
    pub resolver: Resolver,
}

/// What one way came to.
enum Look {
    Found(String),
    /// The proven home page links to the channel.
    Linked(String),
    Not(String),
    /// It could not be found out.
    Unknown(String),
}

/// A feed as it is looked at: its document is fetched once, where a way needs it.
struct Case<'a> {
    feed: &'a Feed,
    url: Url,
    host: String,
    site: Option<&'a Url>,
    token: &'a str,
    document: Option<Result<Parsed, String>>,
}

impl Checker {
    /// Looks at the places of a feed until the proof is found, at that of `before` first.
    ///
    /// `site` is the organization's home page, `token` its token.
    pub async fn check(
        &self,
        feed: &Feed,
        site: Option<&Url>,
        token: &str,
        before: Option<Way>,
    ) -> (OwnershipOutcome, Vec<OwnershipFinding>) {
        let parsed = Url::parse(&feed.url).ok().and_then(|url| Some((host_of(&url)?, url)));
        let Some((host, url)) = parsed else { return (OwnershipOutcome::Nothing, Vec::new()) };
        let mut case = Case { feed, url, host, site, token, document: None };
        let ways = before.into_iter().chain(Way::ALL.into_iter().filter(|way| Some(*way) != before));
        let (mut findings, mut linked) = (Vec::new(), None);
        for way in ways {
            let Some((place, look)) = self.look(&mut case, way).await else { continue };
            let (found, message) = match look {
                Look::Found(message) => (Some(true), message),
                Look::Linked(message) => {
                    linked = Some(place.clone());
                    (Some(false), message)
                }
                Look::Not(message) => (Some(false), message),
                Look::Unknown(message) => (None, message),
            };
            findings.push(OwnershipFinding { way: way.as_str().to_owned(), place: place.clone(), found, message });
            if found == Some(true) {
                return (OwnershipOutcome::Proven { way: way.as_str().to_owned(), place }, findings);
            }
        }
        // The place where the proof stood decides; others that are down say nothing of it.
        let unknown = match before.and_then(|way| findings.iter().find(|finding| finding.way == way.as_str())) {
            Some(finding) => finding.found.is_none(),
            None => findings.iter().any(|finding| finding.found.is_none()),
        };
        let outcome = match linked {
            Some(place) => OwnershipOutcome::Linked { place },
            None if unknown => OwnershipOutcome::Unreachable,
            None => OwnershipOutcome::Nothing,
        };
        (outcome, findings)
    }

    /// Looks at one place; `None` where the feed has no such way.
    async fn look(&self, case: &mut Case<'_>, way: Way) -> Option<(String, Look)> {
        let channel = case.feed.kind == FeedKind::YoutubeChannel;
        let own = !channel && !platforms::is_shared(&case.host);
        match way {
            Way::WellKnown if own => {
                let url = case.url.join(WELL_KNOWN).ok()?;
                let token = case.token;
                Some((url.to_string(), self.text(&url, |text| in_file(text, token)).await))
            }
            Way::HomePage if own => {
                let url = case.url.join("/").ok()?;
                let token = case.token;
                Some((url.to_string(), self.text(&url, |text| page::has_token(text, token)).await))
            }
            Way::Dns if own && case.url.domain().is_some() => {
                Some((format!("{0}, {DNS_LABEL}.{0}", case.host), self.dns(&case.host, case.token).await))
            }
            Way::Feed => {
                let token = case.token;
                let look = match self.document(case).await {
                    Ok(parsed) => match document::token_in(parsed, token) {
                        Some(place) => Look::Found(format!("the token stands in {place}")),
                        None => Look::Not("the token is not in the feed".to_owned()),
                    },
                    Err(error) => Look::Unknown(error),
                };
                Some((case.url.to_string(), look))
            }
            Way::LinkBack => {
                let site = case.site.filter(|site| site.host_str().is_some_and(|host| !platforms::is_shared(host)))?;
                Some((site.to_string(), self.link_back(case, site, channel).await))
            }
            // A code cannot be looked at again, and a curator's look stands on the link.
            _ => None,
        }
    }

    /// A text that must come from the very host that was asked.
    async fn text(&self, url: &Url, holds: impl Fn(&str) -> bool) -> Look {
        match self.fetch(url).await {
            Ok(response) if host_of(&response.url) != host_of(url) => {
                Look::Not(format!("it redirects to another host, {}", response.url.host_str().unwrap_or_default()))
            }
            Ok(response) if response.status == 200 => match holds(&String::from_utf8_lossy(&response.body)) {
                true => Look::Found("the token stands there".to_owned()),
                false => Look::Not("the token is not there".to_owned()),
            },
            Ok(response) if response.status == 429 || response.status >= 500 => {
                Look::Unknown(format!("the server answered {}", response.status))
            }
            Ok(response) => Look::Not(format!("the server answered {}", response.status)),
            Err(error) => Look::Unknown(error),
        }
    }

    async fn dns(&self, host: &str, token: &str) -> Look {
        let mut failed = None;
        for name in [host.to_owned(), format!("{DNS_LABEL}.{host}")] {
            match self.resolver.txt(&name).await {
                Ok(records) if in_records(&records, token) => {
                    return Look::Found(format!("the record stands at {name}"));
                }
                Ok(_) => {}
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) => Look::Unknown(error.to_string()),
            None => Look::Not("there is no such record".to_owned()),
        }
    }

    /// The organization's home page, proven by its token: it covers a feed that links back to it. A channel without a link back is a
    /// curator's to look at, where the page links to it.
    async fn link_back(&self, case: &mut Case<'_>, site: &Url, channel: bool) -> Look {
        let token = case.token;
        let response = match self.fetch(site).await {
            Ok(response) if response.status == 200 && host_of(&response.url) == host_of(site) => response,
            Ok(response) if response.status >= 500 => {
                return Look::Unknown(format!("the server answered {}", response.status));
            }
            Ok(response) => {
                return Look::Not(format!("no page on that host: {} from {}", response.status, response.url));
            }
            Err(error) => return Look::Unknown(error),
        };
        let html = String::from_utf8_lossy(&response.body).into_owned();
        if !page::has_token(&html, token) {
            return Look::Not("the token is not on the home page".to_owned());
        }
        let host = site.host_str().unwrap_or_default().to_owned();
        if !channel {
            let back = case.feed.site_url.as_deref().and_then(|url| Url::parse(url).ok());
            return match back.as_ref().and_then(Url::host_str) == Some(host.as_str()) {
                true => Look::Found("the feed gives the home page as its site".to_owned()),
                false => Look::Not("the feed does not give the home page as its site".to_owned()),
            };
        }
        match self.document(case).await {
            Ok(parsed) if document::links_to(parsed, &host) => {
                return Look::Found("a recent video links to the home page".to_owned());
            }
            Ok(_) => {}
            Err(error) => return Look::Unknown(error),
        }
        match self.names_channel(case, &html, &response.url).await {
            true => Look::Linked("the home page links to the channel; a curator looks at it".to_owned()),
            false => Look::Not("the home page does not link to the channel".to_owned()),
        }
    }

    /// Whether a page links to the channel, by its id or by a name whose page has that id.
    async fn names_channel(&self, case: &Case<'_>, html: &str, base: &Url) -> bool {
        let Some(id) = channel::id_of(&case.url) else { return false };
        if page::links_to(html, base, |url| channel::id_of(url).as_ref() == Some(&id)) {
            return true;
        }
        let named = std::cell::RefCell::new(Vec::new());
        // Gathers names; that no link was the one is known already.
        let _ = page::links_to(html, base, |url| {
            let mut named = named.borrow_mut();
            if channel::is_named(url) && !named.contains(url) {
                named.push(url.clone());
            }
            named.len() >= MAX_NAMED
        });
        for url in named.into_inner() {
            if let Ok(response) = self.fetch(&url).await
                && response.status == 200
                && crate::channel_page::channel_id(&String::from_utf8_lossy(&response.body)).as_ref() == Some(&id)
            {
                return true;
            }
        }
        false
    }

    async fn fetch(&self, url: &Url) -> Result<Response, String> {
        self.errands.send(Request::get(url.clone())).await.map_err(|error| format!("{}: {error}", error.code()))
    }

    /// The feed's document, fetched once.
    async fn document<'c>(&self, case: &'c mut Case<'_>) -> Result<&'c Parsed, String> {
        if case.document.is_none() {
            let read = self.fetch(&case.url).await.and_then(|response| {
                let context =
                    Context { content_type: response.content_type(), url: Some(&response.url), ..Context::default() };
                let parsed = parse(&response.body, &context);
                match parsed.format.is_feed() {
                    true if (200..300).contains(&response.status) => Ok(parsed),
                    _ => Err(format!("the feed could not be read: the server answered {}", response.status)),
                }
            });
            case.document = Some(read);
        }
        match &case.document {
            Some(Ok(parsed)) => Ok(parsed),
            Some(Err(error)) => Err(error.clone()),
            None => Err(String::new()),
        }
    }
}
