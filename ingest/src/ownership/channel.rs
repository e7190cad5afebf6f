//! Which channel a link or a page is about.

use carewire_feeds::youtube;
use url::Url;

/// The channel's id in the address of a channel's page or feed.
pub(crate) fn id_of(url: &Url) -> Option<String> {
    let feed = match url.path() {
        "/feeds/videos.xml" => Some(url.clone()),
        _ => youtube::feed_url(url),
    }?;
    feed.query_pairs().find(|(name, _)| name == "channel_id").map(|(_, id)| id.into_owned())
}

/// Whether an address is that of a channel by another name (`@handle`, `/c/`, `/user/`): its page says which.
pub(crate) fn is_named(url: &Url) -> bool {
    let youtube = matches!(url.host_str(), Some("youtube.com" | "www.youtube.com" | "m.youtube.com"));
    let path = url.path();
    youtube && (path.starts_with("/@") || path.starts_with("/c/") || path.starts_with("/user/"))
}
