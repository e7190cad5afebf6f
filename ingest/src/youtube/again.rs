//! An entry told again: its last revision with what the API says of its length.

use carewire_bus::{Producer, stage::event_record};
use carewire_schemas::{Change, EntryV1, EventHeaders, TraceParent, Via, cloudevents::encode, topics};
use carewire_store::{ChannelVideo, EntryWrite, PollDone, PushTurn, Store, StoreError};
use jiff::Timestamp;

use crate::emit::compressed;

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It was told, or there is nothing to tell.
    Done,
    /// The feed is being polled, or the bus is away: later.
    Later,
}

/// Tells a video's entry again where its length is not what was told last.
pub(super) async fn tell(
    store: &Store,
    producer: &Producer,
    one: &ChannelVideo,
    duration: Option<i64>,
) -> Result<Told, StoreError> {
    let known = store.known_entries(one.feed, &[one.entry]).await?;
    let Some(&(hash, false)) = known.get(&one.entry) else { return Ok(Told::Done) };
    let revision = store.revision(one.entry).await?.unwrap_or_default();
    let event = zstd::decode_all(&revision[..]).ok().and_then(|json| serde_json::from_slice::<EntryV1>(&json).ok());
    let Some(mut event) = event else { return Ok(Told::Done) };
    let duration = duration.and_then(|seconds| u32::try_from(seconds).ok());
    match &mut event.content.video {
        Some(video) if video.duration != duration => video.duration = duration,
        _ => return Ok(Told::Done),
    }
    let feed = match store.push_turn(one.feed).await? {
        PushTurn::Taken(feed) => *feed,
        PushTurn::Busy => return Ok(Told::Later),
        PushTurn::Off => return Ok(Told::Done),
    };
    (event.version, event.change, event.via, event.seen) = (feed.turn, Change::Changed, Via::Poll, Timestamp::now());
    let Some(topic) = topics::by_name(topics::ENTRIES) else { return Ok(Told::Done) };
    let Ok(value) = encode(&event) else { return Ok(Told::Done) };
    let headers = EventHeaders::new(topic, "ingest", event.entry.to_string(), event.version, TraceParent::new());
    let write = EntryWrite {
        entry: event.entry,
        hash,
        version: event.version,
        deleted: false,
        revision: compressed(&value),
        link: None,
    };
    if let Err(error) = producer.send(topics::ENTRIES, event_record(&headers, value)).await {
        tracing::debug!(%error, "an entry was not told again; it is tried later");
        return Ok(Told::Later);
    }
    let done: PollDone = crate::websub::pings::entries_only(&feed, vec![write]);
    Ok(match store.finish_polls(vec![done]).await?.first() {
        Some(true) => Told::Done,
        _ => Told::Later,
    })
}
