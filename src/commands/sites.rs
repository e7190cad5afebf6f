//! The feeds of sites of which a list gives only the page: each page is looked at, and the feed that it advertises is taken.

use std::time::Duration;

use carewire_feeds::opml::Subscription;
use carewire_fetch::{Client, FetchConfig};
use carewire_store::Store;
use carewire_visit::{LeaseGate, Site, look};
use futures::{StreamExt, stream};
use indicatif::ProgressBar;
use serde::Serialize;
use url::Url;

/// Hosts looked at side by side; each by itself is asked once.
const AT_ONCE: usize = 8;
/// How long a site waits for its host's lease.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was found of a site.
#[derive(Debug, Serialize)]
pub struct Found {
    /// The site as the list has it.
    pub site: String,
    /// Its feed.
    pub feed: String,
    /// How many feeds it advertises; the best was taken.
    pub of: usize,
}

/// Fills in the feed's address where only the site's is given; gives what was found, and what was not and why.
pub async fn find_feeds(
    store: &Store,
    config: &FetchConfig,
    outlines: &mut [Subscription],
    bar: &ProgressBar,
) -> anyhow::Result<(Vec<Found>, Vec<(String, String)>)> {
    let client = Client::new(config)?;
    let wanted = outlines.iter().enumerate().filter(|(_, outline)| outline.xml_url.is_none());
    let wanted: Vec<(usize, String)> =
        wanted.filter_map(|(at, outline)| Some((at, outline.html_url.clone()?))).collect();
    let looks = stream::iter(wanted).map(|(at, site)| {
        let (store, client) = (store.clone(), client.clone());
        async move {
            let feed = feed_of(store, &client, &site).await;
            bar.inc(1);
            (at, site, feed)
        }
    });
    let mut looked: Vec<_> = looks.buffer_unordered(AT_ONCE).collect().await;
    looked.sort_by_key(|(at, ..)| *at);
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for (at, site, feed) in looked {
        match feed {
            Ok((feed, of)) => {
                outlines[at].xml_url = Some(feed.to_string());
                found.push(Found { site, feed: feed.into(), of });
            }
            Err(why) => refused.push((site, why)),
        }
    }
    Ok((found, refused))
}

/// The feed of a site, and among how many; why there is none, where there is none.
async fn feed_of(store: Store, client: &Client, site: &str) -> Result<(Url, usize), String> {
    let written = if site.contains("://") { site.to_owned() } else { format!("https://{site}") };
    let url = Url::parse(&written).map_err(|_| "it is no address".to_owned())?;
    if let Some(feed) = carewire_feeds::youtube::feed_url(&url) {
        return Ok((feed, 1));
    }
    let gate = LeaseGate::take(store, &url, client.config(), PATIENCE).await.map_err(|error| error.to_string())?;
    let seen = look(client, &gate, &url).await;
    gate.ended().await;
    gate.close().await;
    match seen.map_err(|error| error.to_string())? {
        Site::Feed(feed) => Ok((feed, 1)),
        Site::Page(feeds) => {
            let of = feeds.len();
            let best = feeds.into_iter().next().ok_or("its page advertises no feed: give the feed's own address")?;
            Ok((best.url, of))
        }
        Site::Refused(status) => Err(format!("it answered with status {status}")),
        Site::Other => Err("it is neither a page nor a feed".to_owned()),
    }
}
