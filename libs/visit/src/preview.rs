//! What the network would read of an address, before it is registered: the last entries of a feed, or the last pages of a site map as the
//! entries that they would be.

use carewire_feeds::{
    Context, Entry, page, parse,
    robots::Robots,
    sitemap::{self, Sitemap, SitemapKind},
};
use carewire_fetch::{Client, FetchError, HostGate, Request, Response, host_of};
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use crate::ACCEPT_FEEDS;

/// The name by which robots.txt may speak to us: the head of the `User-Agent`.
pub const ROBOT: &str = "Carewire";
/// Entries shown of a feed.
const ENTRIES: usize = 10;
/// Pages asked for of a site map: each is a request.
const PAGES: usize = 5;

/// What would be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// The address that answered, after redirects.
    pub url: Url,
    /// Status of the answer.
    pub status: u16,
    /// What it is: a feed's format such as `RSS 2.0`, or `site map`; none where it is neither.
    pub format: Option<String>,
    /// The feed's title.
    pub title: Option<String>,
    /// Entries of the feed, or pages of the map, in all.
    pub of: usize,
    /// The last of them.
    pub entries: Vec<PreviewEntry>,
    /// Pages that would be no entries, with the reason.
    pub passed_over: Vec<PassedOver>,
}

/// An entry as it would be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PreviewEntry {
    /// Title, plain.
    pub title: Option<String>,
    /// Whether the title was made from the text.
    pub title_made: bool,
    /// Address.
    pub url: Option<String>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When it was last changed.
    pub updated: Option<Timestamp>,
    /// When it was last reviewed.
    pub reviewed: Option<Timestamp>,
    /// When it is to be reviewed again.
    pub next_review: Option<Timestamp>,
    /// Language as stated.
    pub language: Option<String>,
    /// Whether there is a text beyond the title.
    pub text: bool,
}

/// A page that would be no entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// Its address.
    pub url: String,
    /// Why.
    pub reason: String,
}

impl PreviewEntry {
    fn of(entry: &Entry) -> Self {
        let (title, title_made) = entry.shown_title().unzip();
        let reviewed = entry.review();
        Self {
            title,
            title_made: title_made.unwrap_or_default(),
            url: entry.url.clone(),
            published: entry.published.or(entry.created),
            updated: entry.updated,
            reviewed: reviewed.last,
            next_review: reviewed.next,
            language: entry.language.clone(),
            text: entry.content.is_some() || entry.summary.is_some(),
        }
    }
}

/// Looks at `url`: one request for a feed; for a site map its robots.txt, of an index its newest map, and a few pages besides, within
/// robots.txt.
///
/// # Errors
/// When there is no answer, or the gate does not let the request through.
pub async fn preview(client: &Client, gate: &impl HostGate, url: &Url) -> Result<Preview, FetchError> {
    let response = ask(client, gate, url.clone()).await?;
    let mut preview = Preview {
        url: response.url.clone(),
        status: response.status,
        format: None,
        title: None,
        of: 0,
        entries: Vec::new(),
        passed_over: Vec::new(),
    };
    if !(200..300).contains(&response.status) {
        return Ok(preview);
    }
    let map = map_of(&response);
    if map.kind != SitemapKind::Unknown {
        preview.format = Some("site map".to_owned());
        pages(client, gate, map, &mut preview).await?;
        return Ok(preview);
    }
    let reading = tokio::task::spawn_blocking(move || {
        let context = Context { content_type: response.content_type(), url: Some(&response.url), ..Context::default() };
        parse(&response.body, &context)
    });
    let Ok(parsed) = reading.await else { return Ok(preview) };
    if parsed.format.is_feed() {
        preview.format = Some(parsed.format.name().to_owned());
        preview.title = parsed.feed.title.as_ref().map(|title| title.value.clone());
        preview.of = parsed.entries.len();
        preview.entries = parsed.entries.iter().take(ENTRIES).map(PreviewEntry::of).collect();
    }
    Ok(preview)
}

async fn ask(client: &Client, gate: &impl HostGate, url: Url) -> Result<Response, FetchError> {
    let mut request = Request::get(url);
    request.accept = Some(ACCEPT_FEEDS);
    client.follow(request, gate).await
}

fn map_of(response: &Response) -> Sitemap {
    sitemap::parse(&response.body, response.content_type(), &response.url)
}

/// The newest addresses of a map, on its own host, where that is all that is read of it.
fn newest(map: &Sitemap, host: Option<&str>) -> Vec<Url> {
    let mut rows: Vec<_> = map.pages.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.modified));
    let at_host = |url: &Url| host_of(url).as_deref() == host;
    rows.iter().filter_map(|row| Url::parse(&row.url).ok()).filter(at_host).collect()
}

async fn pages(client: &Client, gate: &impl HostGate, map: Sitemap, preview: &mut Preview) -> Result<(), FetchError> {
    let host = host_of(&preview.url);
    let Ok(address) = preview.url.join("/robots.txt") else { return Ok(()) };
    let answer = ask(client, gate, address).await?;
    let robots = Robots::from_response(answer.status, &answer.body, ROBOT);
    let map = match map.kind {
        SitemapKind::Index => {
            let first = newest(&map, host.as_deref()).into_iter().find(|url| robots.allows(url));
            let Some(first) = first else { return Ok(()) };
            map_of(&ask(client, gate, first).await?)
        }
        _ => map,
    };
    preview.of = map.pages.len();
    for url in newest(&map, host.as_deref()).into_iter().take(PAGES) {
        let reason = match robots.allows(&url) {
            false => "robots.txt forbids it".to_owned(),
            true => {
                let response = ask(client, gate, url.clone()).await?;
                match response.status {
                    200..=299 => {
                        let page = page::read(&response.body, response.content_type(), &response.url);
                        match (page.is_article, page.noindex) {
                            (true, false) => {
                                preview.entries.push(PreviewEntry::of(&page.entry));
                                continue;
                            }
                            (true, true) => "it asks not to be listed (noindex)".to_owned(),
                            (false, _) => "it does not say that it is an article (JSON-LD, OpenGraph)".to_owned(),
                        }
                    }
                    status => format!("the server answered {status}"),
                }
            }
        };
        preview.passed_over.push(PassedOver { url: url.into(), reason });
    }
    Ok(())
}
