//! Answers of the Data API v3 (`playlistItems.list`, `videos.list`), as far as they are used.

use carewire_store::VideoFacts;
use jiff::{SignedDuration, Span};
use serde::Deserialize;

/// A page of a playlist.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PlaylistPage {
    pub(super) items: Vec<PlaylistItem>,
    pub(super) next_page_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PlaylistItem {
    pub(super) snippet: Snippet,
    pub(super) content_details: ItemDetails,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Snippet {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) channel_id: String,
    pub(super) channel_title: String,
    /// `none`, `live`, `upcoming`.
    pub(super) live_broadcast_content: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ItemDetails {
    pub(super) video_id: String,
    /// None of a video that is private, deleted, or not published yet: the playlist goes on listing it.
    pub(super) video_published_at: Option<String>,
}

impl PlaylistItem {
    /// Whether everybody can see the video.
    pub(super) fn is_public(&self) -> bool {
        self.content_details.video_published_at.is_some()
    }
}

/// Videos by their ids.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VideoList {
    pub(super) items: Vec<VideoItem>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct VideoItem {
    pub(super) id: String,
    pub(super) snippet: Snippet,
    pub(super) content_details: VideoDetails,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VideoDetails {
    /// ISO 8601, as `PT4M13S`.
    pub(super) duration: Option<String>,
    /// `"true"` or `"false"`.
    pub(super) caption: Option<String>,
}

impl VideoItem {
    /// What is kept of it. A broadcast that has not ended has no duration yet, though the API says zero.
    pub(super) fn facts(&self) -> VideoFacts {
        let live = self
            .snippet
            .live_broadcast_content
            .clone()
            .filter(|live| matches!(live.as_str(), "none" | "live" | "upcoming"));
        let running = matches!(live.as_deref(), Some("live" | "upcoming"));
        VideoFacts {
            duration_s: self
                .content_details
                .duration
                .as_deref()
                .and_then(seconds)
                .filter(|seconds| *seconds > 0 && !running),
            captions: self.content_details.caption.as_deref().map(|caption| caption == "true"),
            live,
        }
    }
}

/// Seconds of an ISO 8601 duration of days and less.
fn seconds(text: &str) -> Option<i64> {
    let span: Span = text.parse().ok()?;
    let relative = jiff::SpanRelativeTo::days_are_24_hours();
    let duration: SignedDuration = span.to_duration(relative).ok()?;
    Some(duration.as_secs()).filter(|seconds| *seconds >= 0)
}

/// The playlist of all uploads of a channel: its id with `UU` in place of `UC`.
pub(super) fn uploads(channel: &str) -> Option<String> {
    channel.strip_prefix("UC").map(|rest| format!("UU{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_broadcasts() {
        for (duration, live, expected) in [
            ("PT4M13S", "none", Some(253)),
            ("PT1H", "none", Some(3600)),
            ("P1DT1S", "none", Some(86_401)),
            ("P0D", "upcoming", None),
            ("PT5M", "live", None),
            ("P0D", "none", None),
            ("four minutes", "none", None),
            ("-PT5M", "none", None),
        ] {
            let text = format!(
                r#"{{"items": [{{"id": "v", "snippet": {{"liveBroadcastContent": "{live}"}}, "contentDetails": {{"duration": "{duration}", "caption": "true"}}, "etag": "x"}}]}}"#
            );
            let list: VideoList = serde_json::from_str(&text).unwrap();
            let facts = list.items[0].facts();
            assert_eq!(
                (facts.duration_s, facts.captions, facts.live.as_deref()),
                (expected, Some(true), Some(live)),
                "{duration}"
            );
        }
        assert_eq!(uploads("UCabc").as_deref(), Some("UUabc"));
        assert_eq!(uploads("PLabc"), None);
    }
}
