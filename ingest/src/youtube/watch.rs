//! What a poll says of its channel: which videos there are, and whether some were missed.

use std::{collections::HashMap, time::Duration};

use carewire_schemas::{Broadcast, EntryId, Video};
use carewire_store::{Feed, StoreError, VideoFacts};

use crate::{
    diff::{Keyed, News},
    worker::Shared,
};

/// Entries of a channel's feed: a channel that publishes more between two polls loses the older of them.
pub(super) const WINDOW: usize = 15;
/// A video is looked for so long after it was seen; what follows is the task's to say.
const FIRST_LOOK: Duration = Duration::from_secs(7 * 86_400);

/// The problem that the owner is to see (code, message, place), and what the API said, by entry.
type Noted = (Option<(&'static str, String, String)>, HashMap<EntryId, VideoFacts>);

/// The videos among entries, with the entries that they are.
pub(crate) fn videos(entries: &[Keyed]) -> Vec<(String, EntryId)> {
    let of = |keyed: &Keyed| {
        let video = keyed.entry.video.as_ref().filter(|video| video.site == "youtube")?;
        Some((video.id.clone(), keyed.id))
    };
    entries.iter().filter_map(of).collect()
}

/// Whether a full window holds nothing of what was known: between may be videos that nobody saw.
pub(crate) fn is_gap(feed: &Feed, videos: &[(String, EntryId)], known: &HashMap<EntryId, (i64, bool)>) -> bool {
    feed.entries > 0 && videos.len() >= WINDOW && videos.iter().all(|(_, entry)| !known.contains_key(entry))
}

/// Gives entries what the API said. After they were compared: what is told later is no change of the feed.
pub(crate) fn with_facts(mut news: Vec<News>, facts: &mut HashMap<EntryId, VideoFacts>) -> Vec<News> {
    for one in &mut news {
        if let News::Entry(_, keyed) = one {
            keyed.video = facts.remove(&keyed.id);
        }
    }
    news
}

/// Puts what the API says into a video, nothing where it says nothing; whether that changed it.
pub(crate) fn put(facts: &VideoFacts, video: &mut Video) -> bool {
    let before = (video.duration, video.captions, video.live);
    video.duration = facts.duration_s.and_then(|seconds| u32::try_from(seconds).ok());
    video.captions = facts.captions;
    video.live = match facts.live.as_deref() {
        Some("live") => Some(Broadcast::Live),
        Some("upcoming") => Some(Broadcast::Upcoming),
        _ => None,
    };
    before != (video.duration, video.captions, video.live)
}

/// Notes a channel's videos and gaps; answers the problem that the owner is to see, and what the API said.
pub(crate) async fn noted(
    shared: &Shared,
    feed: &Feed,
    videos: &[(String, EntryId)],
    known: &HashMap<EntryId, (i64, bool)>,
    is_poll: bool,
) -> Noted {
    if videos.is_empty() {
        return (None, HashMap::new());
    }
    match store(shared, feed, videos, known, is_poll).await {
        Ok(noted) => noted,
        Err(error) => {
            tracing::debug!(feed = %feed.id, %error, "the channel's videos were not noted; the next poll does it");
            (None, HashMap::new())
        }
    }
}

async fn store(
    shared: &Shared,
    feed: &Feed,
    videos: &[(String, EntryId)],
    known: &HashMap<EntryId, (i64, bool)>,
    is_poll: bool,
) -> Result<Noted, StoreError> {
    let new: Vec<_> =
        videos.iter().filter(|(_, entry)| known.get(entry).is_none_or(|(_, deleted)| *deleted)).cloned().collect();
    shared.store.note_videos(feed.id, &new, FIRST_LOOK).await?;
    let entries: Vec<EntryId> = videos.iter().map(|(_, entry)| *entry).collect();
    let facts = shared.store.video_facts(feed.id, &entries).await?;
    if is_poll && is_gap(feed, videos, known) {
        shared.store.note_gap(feed.id).await?;
    }
    let gap = is_poll && shared.store.has_gap(feed.id).await?;
    let problem = gap.then(|| {
        let message = "more was published between two polls than the feed holds: videos between may be missing until they are asked \
                       of YouTube's API (youtube.api_key)";
        ("window-gap", message.to_owned(), String::new())
    });
    Ok((problem, facts))
}
