//! A preflight of one feed: asked for as a poll asks, read as a poll reads, and judged by [`carewire_feeds::lint`].

use carewire_feeds::{
    Context, Parsed, discover,
    discover::Discovered,
    lint::{self, Again, Exchange, Finding, Redirect, Severity},
    parse,
};
use carewire_fetch::{
    Client, FetchError, GateError, HeaderMap, HeaderValue, HostGate, Request, Response, cache_lifetime,
};
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

/// Feeds in all their media types, and what they are often served as.
pub const ACCEPT_FEEDS: HeaderValue = HeaderValue::from_static(
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1",
);

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The address that was checked; none for a document that did not come from one.
    pub url: Option<Url>,
    /// The address that answered, after redirects.
    pub answered: Option<Url>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Whether there is no finding of severity error.
    pub ok: bool,
    /// What the feed is, where it is one.
    pub feed: Option<Summary>,
    /// What is wrong, the most severe first.
    pub findings: Vec<Finding>,
    /// Feeds that the page advertises, where it is a page and no feed.
    pub advertised: Vec<Discovered>,
}

/// A feed in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Format, such as `RSS 2.0`.
    pub format: String,
    /// Encoding.
    pub encoding: String,
    /// Title.
    pub title: Option<String>,
    /// Language as stated.
    pub language: Option<String>,
    /// How many entries.
    pub entries: usize,
    /// The newest date of an entry.
    pub newest: Option<Timestamp>,
    /// The first hub.
    pub hub: Option<String>,
    /// The licence.
    pub licence: Option<String>,
}

impl Check {
    /// The check of a document alone: what can be said without a server.
    #[must_use]
    pub fn of_document(parsed: &Parsed, now: Timestamp) -> Check {
        Check::new(None, summary(parsed), lint::lint(parsed, None, now), Vec::new())
    }

    fn new(url: Option<Url>, feed: Option<Summary>, findings: Vec<Finding>, advertised: Vec<Discovered>) -> Check {
        let ok = findings.iter().all(|f| f.rule.severity != Severity::Error);
        Check { url, answered: None, status: None, ok, feed, findings, advertised }
    }

    /// How many findings there are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.rule.severity == severity).count()
    }
}

fn summary(parsed: &Parsed) -> Option<Summary> {
    let feed = &parsed.feed;
    parsed.format.is_feed().then(|| Summary {
        format: parsed.format.name().to_owned(),
        encoding: parsed.encoding.to_owned(),
        title: feed.title.as_ref().map(|t| t.value.clone()),
        language: feed.language.clone(),
        entries: parsed.entries.len(),
        newest: parsed.entries.iter().filter_map(|e| e.published.or(e.updated)).max(),
        hub: feed.hubs.first().cloned(),
        licence: feed.licence.clone(),
    })
}

/// Checks the feed at `url` with at most two requests (and their redirects): as a poll asks, and once more with the validators
/// that came, which shows whether they are honoured and whether ids stay the same.
///
/// A server that cannot be reached is a finding, no error.
///
/// # Errors
/// When the gate does not let the request through: the host is being asked by somebody else, or wants to be left alone.
pub async fn check(client: &Client, gate: &impl HostGate, url: &Url) -> Result<Check, GateError> {
    let first = match client.follow(request(url.clone()), gate).await {
        Ok(response) => response,
        Err(FetchError::Gate(error)) => return Err(error),
        Err(error) => {
            let findings = lint::finding("unreachable", error.to_string()).into_iter().collect();
            return Ok(Check::new(Some(url.clone()), None, findings, Vec::new()));
        }
    };
    let (first, parsed) = read(first).await;
    let mut exchange = exchange(&first, url);
    let mut later = None;
    if parsed.format.is_feed() && (200..300).contains(&first.status) && first.complete {
        let mut again = request(first.url.clone());
        (again.etag, again.last_modified) = (first.etag(), first.last_modified());
        let answer = match client.follow(again, gate).await {
            Ok(second) if second.status == 304 => Again::NotModified,
            Ok(second) if (200..300).contains(&second.status) && second.complete => {
                let same = second.body == first.body;
                if !same {
                    later = Some(read(second).await.1);
                }
                if same { Again::SameBody } else { Again::OtherBody }
            }
            Ok(_) | Err(_) => Again::Failed,
        };
        exchange.again = Some(answer);
    }
    let now = Timestamp::now();
    let mut findings = lint::lint(&parsed, Some(&exchange), now);
    if let Some(later) = &later {
        findings.extend(lint::compare(&parsed, later));
        findings.sort_by_key(|f| f.rule.severity);
    }
    let advertised = match parsed.format {
        carewire_feeds::Format::Html => {
            let decoded = carewire_feeds::decode(&first.body, first.content_type());
            discover::links(&decoded.text, &first.url)
        }
        _ => Vec::new(),
    };
    let mut check = Check::new(Some(url.clone()), summary(&parsed), findings, advertised);
    (check.answered, check.status) = (Some(first.url), Some(first.status));
    Ok(check)
}

fn request(url: Url) -> Request {
    let mut request = Request::get(url);
    request.accept = Some(ACCEPT_FEEDS);
    request
}

/// Reads a body where it disturbs nobody: a large one takes tens of milliseconds.
async fn read(response: Response) -> (Response, Parsed) {
    let reading = tokio::task::spawn_blocking({
        let response = response.clone();
        move || {
            let language = response.headers.get("content-language").and_then(|value| value.to_str().ok());
            let context =
                Context { content_type: response.content_type(), url: Some(&response.url), content_language: language };
            parse(&response.body, &context)
        }
    });
    match reading.await {
        Ok(parsed) => (response, parsed),
        // The reader does not panic; should it all the same, this is a document that could not be read.
        Err(_) => (response, parse(b"", &Context::default())),
    }
}

/// What of a response a linter can use. `asked` is the address that was asked for first.
#[must_use]
pub fn exchange(response: &Response, asked: &Url) -> Exchange {
    let headers = &response.headers;
    let redirects = response.hops.iter();
    let redirects = redirects.map(|hop| Redirect { status: hop.status, from: hop.from.clone(), to: hop.to.clone() });
    Exchange {
        asked: asked.clone(),
        url: response.url.clone(),
        status: response.status,
        redirects: redirects.collect(),
        etag: response.etag(),
        last_modified: response.last_modified(),
        cache_control: joined(headers, "cache-control"),
        expires: joined(headers, "expires"),
        content_type: joined(headers, "content-type"),
        content_encoding: joined(headers, "content-encoding"),
        links: texts(headers, "link").collect(),
        fresh_s: cache_lifetime(headers, Timestamp::now()).lifetime.map(|lifetime| lifetime.as_secs()),
        wire_bytes: response.wire_bytes,
        body_bytes: response.body.len() as u64,
        complete: response.complete,
        elapsed: response.elapsed,
        again: None,
    }
}

fn texts<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = String> + 'h {
    headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let all: Vec<String> = texts(headers, name).collect();
    (!all.is_empty()).then(|| all.join(", "))
}
