//! Which channel a page of YouTube's is about: of a channel by handle or custom name, of a video, of a Short.

use carewire_feeds::{discover, youtube};
use url::Url;

/// The id of the channel whose page or video this is; found in what the page advertises, else in its data.
pub(crate) fn channel_id(html: &str) -> Option<String> {
    let base = Url::parse("https://www.youtube.com/").ok()?;
    let advertised = discover::links(html, &base).into_iter().find_map(|found| id_of(&found.url));
    advertised.or_else(|| canonical(html)).or_else(|| {
        // The player's data of a video names its channel; that of a channel's page itself.
        [
            "\"externalChannelId\":\"",
            "\"channelId\":\"",
            "\"externalId\":\"",
            "itemprop=\"channelId\" content=\"",
            "itemprop=\"identifier\" content=\"",
        ]
        .iter()
        .find_map(|mark| valid(html.split_once(mark)?.1.split('"').next()?))
    })
}

/// The channel of a feed's or channel's address.
fn id_of(url: &Url) -> Option<String> {
    let feed = youtube::feed_url(url)?;
    let id = feed.query_pairs().find(|(name, _)| name == "channel_id")?.1.into_owned();
    valid(&id)
}

fn canonical(html: &str) -> Option<String> {
    let address = html.split_once("<link rel=\"canonical\" href=\"")?.1.split('"').next()?;
    id_of(&Url::parse(address).ok()?)
}

/// Channels' ids are `UC` and 22 characters.
fn valid(id: &str) -> Option<String> {
    let good = id.len() == 24
        && id.starts_with("UC")
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    good.then(|| id.to_owned())
}

/// The feed of the channel that a page is about, where the page is YouTube's or was registered as a channel.
pub(crate) fn feed_of(url: &Url, html: &str, registered: bool) -> Option<Url> {
    if !registered && !matches!(url.host_str(), Some("youtube.com" | "www.youtube.com" | "m.youtube.com" | "youtu.be"))
    {
        return None;
    }
    let id = channel_id(html)?;
    Url::parse_with_params("https://www.youtube.com/feeds/videos.xml", [("channel_id", id)]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_name_their_channel() {
        let id = "UCabcdefghijklmnopqrstuv";
        for (html, expected) in [
            (
                "<link rel=\"alternate\" type=\"application/rss+xml\" title=\"RSS\" href=\"https://www.youtube.com/feeds/videos.xml?channel_id=UCabcdefghijklmnopqrstuv\">",
                Some(id),
            ),
            ("<link rel=\"canonical\" href=\"https://www.youtube.com/channel/UCabcdefghijklmnopqrstuv\">", Some(id)),
            ("<meta itemprop=\"identifier\" content=\"UCabcdefghijklmnopqrstuv\">", Some(id)),
            (
                "<link rel=\"canonical\" href=\"https://www.youtube.com/watch?v=abc\"><script>{\"videoId\":\"abc\",\"channelId\":\"UCabcdefghijklmnopqrstuv\"}",
                Some(id),
            ),
            ("{\"channelId\":\"short\"}", None),
            ("{\"channelId\":\"", None),
            ("", None),
        ] {
            assert_eq!(channel_id(html).as_deref(), expected, "{html}");
        }
        let html = "{\"channelId\":\"UCabcdefghijklmnopqrstuv\"}";
        for (url, found) in [
            ("https://www.youtube.com/@clinic", true),
            ("https://youtu.be/abcdefghijk", true),
            ("https://evil.example/@clinic", false),
        ] {
            assert_eq!(feed_of(&url.parse().unwrap(), html, false).is_some(), found, "{url}");
            assert!(feed_of(&url.parse().unwrap(), html, true).is_some());
        }
    }
}
