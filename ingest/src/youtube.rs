//! YouTube's addresses: which feed belongs to a channel's or playlist's page.

use url::Url;

/// The feed of a YouTube channel or playlist: of its feed's own address, of `/channel/UC…`, or of `/playlist?list=…`.
/// None for every other address; `@handles` and custom names need a look at the page.
#[must_use]
pub fn feed_url(url: &Url) -> Option<Url> {
    let host = url.host_str()?;
    if !matches!(host, "youtube.com" | "www.youtube.com" | "m.youtube.com") {
        return None;
    }
    let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let (name, id) = if url.path() == "/feeds/videos.xml" {
        match parameter("channel_id") {
            Some(id) => ("channel_id", id),
            None => ("playlist_id", parameter("playlist_id")?),
        }
    } else if url.path() == "/playlist" {
        ("playlist_id", parameter("list")?)
    } else {
        let mut parts = url.path_segments()?;
        if parts.next() != Some("channel") {
            return None;
        }
        ("channel_id", parts.next()?.to_owned())
    };
    let good =
        (2..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !good {
        return None;
    }
    let mut feed = Url::parse("https://www.youtube.com/feeds/videos.xml").ok()?;
    feed.query_pairs_mut().append_pair(name, &id);
    Some(feed)
}

#[cfg(test)]
mod tests {
    use super::feed_url;

    #[test]
    fn addresses_of_channels_and_playlists() {
        let channel = Some("https://www.youtube.com/feeds/videos.xml?channel_id=UCabcdefghijklmnopqrstuv");
        let list = Some("https://www.youtube.com/feeds/videos.xml?playlist_id=PL123");
        for (given, feed) in [
            ("https://www.youtube.com/feeds/videos.xml?channel_id=UCabcdefghijklmnopqrstuv", channel),
            ("https://youtube.com/channel/UCabcdefghijklmnopqrstuv/videos", channel),
            ("https://m.youtube.com/channel/UCabcdefghijklmnopqrstuv?si=x", channel),
            ("https://www.youtube.com/playlist?list=PL123", list),
            ("https://www.youtube.com/@handle", None),
            ("https://www.youtube.com/watch?v=abc", None),
            ("https://www.youtube.com/channel/a%20b", None),
            ("https://youtube.com.example/channel/UCabcdefghijklmnopqrstuv", None),
        ] {
            assert_eq!(feed_url(&given.parse().unwrap()).as_ref().map(url::Url::as_str), feed, "{given}");
        }
    }
}
