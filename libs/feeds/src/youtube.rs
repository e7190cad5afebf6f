//! YouTube's addresses: which feed belongs to the page of a channel or playlist, which film to an address.

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

/// The id of the film that an address leads to: of its page, of the short form, of an embedded player, of a Short.
#[must_use]
pub fn video_id(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let host = ["www.", "m.", "music."].iter().find_map(|p| host.strip_prefix(p)).unwrap_or(host);
    let mut parts = url.path_segments()?;
    let id = match host {
        "youtu.be" => parts.next()?.to_owned(),
        "youtube.com" | "youtube-nocookie.com" => match parts.next()? {
            "watch" => url.query_pairs().find(|(key, _)| key == "v")?.1.into_owned(),
            "embed" | "shorts" | "live" | "v" => parts.next()?.to_owned(),
            _ => return None,
        },
        _ => return None,
    };
    let good = id.len() == 11 && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    good.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::{feed_url, video_id};

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

    #[test]
    fn addresses_of_films() {
        let id = Some("dQw4w9WgXcQ");
        for (given, expected) in [
            ("https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=3", id),
            ("https://youtu.be/dQw4w9WgXcQ?si=x", id),
            ("https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ", id),
            ("https://m.youtube.com/shorts/dQw4w9WgXcQ", id),
            ("https://www.youtube.com/watch?v=short", None),
            ("https://www.youtube.com/channel/dQw4w9WgXcQ", None),
            ("https://example.org/watch?v=dQw4w9WgXcQ", None),
        ] {
            assert_eq!(video_id(&given.parse().unwrap()).as_deref(), expected, "{given}");
        }
    }
}
