//! The kind of an item: what one does with it.

use carewire_schemas::{Content, ItemKind, MediaKind};

/// A video (a platform's video, or a video file), a sound (an enclosure), else an article. A media file that is only a
/// preview picture decides nothing.
#[must_use]
pub fn of(content: &Content) -> ItemKind {
    let has = |kind| content.media.iter().any(|media| media.kind == kind && !media.thumbnail);
    if content.video.is_some() || has(MediaKind::Video) {
        ItemKind::Video
    } else if has(MediaKind::Audio) {
        ItemKind::Audio
    } else {
        ItemKind::Article
    }
}
