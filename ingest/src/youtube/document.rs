//! Documents as a channel's feed has them, so that what was found elsewhere is read in the same way and gets the same identity.

use carewire_feeds::atom::escaped;
use jiff::Timestamp;

use super::api::PlaylistItem;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" \
    xmlns:media=\"http://search.yahoo.com/mrss/\" xmlns=\"http://www.w3.org/2005/Atom\">";

/// The id of a video's entry in the channel's feed.
pub(super) fn guid(video: &str) -> String {
    format!("yt:video:{video}")
}

/// Videos of a playlist as entries.
pub(super) fn of_items(items: &[PlaylistItem]) -> String {
    let mut text = HEAD.to_owned();
    for item in items {
        let (video, title) = (escaped(&item.content_details.video_id), escaped(&item.snippet.title));
        let channel = escaped(&item.snippet.channel_id);
        let date = item.content_details.video_published_at.as_deref().map(escaped).unwrap_or_default();
        text.push_str(&format!(
            "<entry><id>{guid}</id><yt:videoId>{video}</yt:videoId><yt:channelId>{channel}</yt:channelId><title>{title}</title>\
             <link rel=\"alternate\" href=\"https://www.youtube.com/watch?v={video}\"/>\
             <author><name>{name}</name><uri>https://www.youtube.com/channel/{channel}</uri></author>\
             <published>{date}</published><updated>{date}</updated><media:group><media:title>{title}</media:title>\
             <media:thumbnail url=\"https://i.ytimg.com/vi/{video}/hqdefault.jpg\" width=\"480\" height=\"360\"/>\
             <media:description>{description}</media:description></media:group></entry>",
            guid = guid(&video),
            name = escaped(&item.snippet.channel_title),
            description = escaped(&item.snippet.description),
        ));
    }
    text.push_str("</feed>");
    text
}

/// The removal of a video, as YouTube's hub tells of it.
pub(super) fn of_removal(video: &str, when: Timestamp) -> String {
    carewire_feeds::atom::of_removal(&guid(video), when)
}
