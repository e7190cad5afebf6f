//! The feeds of a site: those that its page advertises.

use carewire_feeds::{Context, Format, decode, discover, discover::Discovered, parse};
use carewire_fetch::{Client, FetchError, HostGate, Request};
use url::Url;

/// What stands at an address that may be a feed or a page.
#[derive(Debug, Clone, PartialEq)]
pub enum Site {
    /// A feed itself, at this address after redirects.
    Feed(Url),
    /// A page with these feeds, best first; none where it advertises none.
    Page(Vec<Discovered>),
    /// The server answered with this status.
    Refused(u16),
    /// Neither feed nor page.
    Other,
}

/// Looks at an address, with one request.
///
/// # Errors
/// When there is no answer.
pub async fn look(client: &Client, gate: &impl HostGate, url: &Url) -> Result<Site, FetchError> {
    let response = client.follow(Request::get(url.clone()), gate).await?;
    if !(200..300).contains(&response.status) {
        return Ok(Site::Refused(response.status));
    }
    let context = Context { content_type: response.content_type(), url: Some(&response.url), ..Context::default() };
    let format = parse(&response.body, &context).format;
    Ok(match format {
        Format::Html => {
            let decoded = decode(&response.body, response.content_type());
            Site::Page(discover::links(&decoded.text, &response.url))
        }
        format if format.is_feed() => Site::Feed(response.url),
        _ => Site::Other,
    })
}
