//! News of a feed on the bus: encoded, bounded, acknowledged.

use std::cell::RefCell;

use carewire_bus::{
    BusError, Record,
    stage::{BackOff, event_record},
};
use carewire_schemas::{
    EntryV1, EventHeaders, TraceParent,
    cloudevents::encode,
    topics::{self, Topic},
};
use carewire_store::EntryWrite;

use crate::{
    diff::News,
    event::{EventContext, deletion_event, entry_event},
    metrics,
    recheck::{self, RecheckConfig},
    worker::Shared,
    youtube::watch,
};

/// Records produced at once; bounds the memory of a feed of very many entries.
const CHUNK: usize = 200;
/// Largest event; the topic takes a little more, for the headers.
const MAX_EVENT: usize = 4 << 20;
/// Revisions are many and small, and written while somebody waits.
const ZSTD_LEVEL: i32 = 1;

/// A problem of a feed: code, message, place.
pub(crate) type Problem = (&'static str, String, String);

/// Produces the news in portions, each acknowledged before the next, and returns what is to be remembered of them.
pub(crate) async fn emit(
    shared: &Shared,
    news: Vec<News>,
    context: &EventContext<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Vec<EntryWrite>> {
    let topic = topics::by_name(topics::ENTRIES)?;
    let trace = TraceParent::new();
    let mut writes = Vec::with_capacity(news.len());
    let mut news = news.into_iter().peekable();
    while news.peek().is_some() {
        let mut records = Vec::new();
        for news in news.by_ref().take(CHUNK) {
            match encoded(&shared.config.recheck, news, context, topic, trace) {
                Ok((record, write)) => {
                    records.push(record);
                    writes.push(write);
                }
                Err(problem) => problems.push(problem),
            }
        }
        produce(shared, records).await?;
    }
    Some(writes)
}

/// An event's record and what the store keeps of it.
fn encoded(
    recheck: &RecheckConfig,
    news: News,
    context: &EventContext<'_>,
    topic: &'static Topic,
    trace: TraceParent,
) -> Result<(Record, EntryWrite), Problem> {
    let (mut event, hash, link, page) = match news {
        News::Entry(change, keyed) => {
            let link = keyed.link();
            let mut event = entry_event(*keyed.entry, keyed.id, change, context);
            // The page as the feed has it, before what is known of it changes that.
            let address = recheck::address(recheck, &event.content);
            if let Some(page) = &keyed.page {
                recheck::apply(page, &mut event.content);
            }
            if let (Some(facts), Some(video)) = (&keyed.video, &mut event.content.video) {
                watch::put(facts, video);
            }
            (event, keyed.hash, Some(link), address)
        }
        News::Deleted { id, guid, hash } => (deletion_event(id, &guid, context), hash, None, None),
    };
    let deleted = event.change == carewire_schemas::Change::Deleted;
    let change = match event.change {
        carewire_schemas::Change::New => "new",
        carewire_schemas::Change::Changed => "changed",
        carewire_schemas::Change::Deleted => "deleted",
    };
    let value = fitting(&mut event).ok_or_else(|| {
        let place = event.content.guid.as_deref().unwrap_or("an entry").chars().take(200).collect();
        ("entry-too-large", format!("the entry is larger than {MAX_EVENT} bytes and was left out"), place)
    })?;
    metrics::ENTRIES.with_label_values(&[change]).inc();
    // Of a deleted entry the last revision stays; there is nothing newer to keep.
    let revision = if deleted { Vec::new() } else { compressed(&value) };
    let headers = EventHeaders::new(topic, "ingest", event.entry.to_string(), event.version, trace.child());
    let write = EntryWrite { entry: event.entry, hash, version: event.version, deleted, revision, link, page };
    Ok((event_record(&headers, value), write))
}

/// The event as JSON; what makes it too large is left out, the full text first. `None` where even that does not help.
fn fitting(event: &mut EntryV1) -> Option<Vec<u8>> {
    for attempt in 0..3 {
        match attempt {
            0 => {}
            1 => event.content.body = None,
            _ => event.content.summary = None,
        }
        match encode(event) {
            Ok(value) if value.len() <= MAX_EVENT => return Some(value),
            _ => {}
        }
    }
    None
}

thread_local! {
    /// Setting a compressor up costs more than compressing a revision.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> =
        RefCell::new(zstd::bulk::Compressor::new(ZSTD_LEVEL).ok());
}

/// A revision as the store keeps it. Empty, which means that none is kept, where compressing fails (no memory).
pub(crate) fn compressed(value: &[u8]) -> Vec<u8> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.as_mut().and_then(|compressor| compressor.compress(value).ok()).unwrap_or_default()
    })
}

/// Produces records and waits for their acknowledgement, through outages; `None` where that was abandoned or refused for good.
async fn produce(shared: &Shared, records: Vec<Record>) -> Option<()> {
    if records.is_empty() {
        return Some(());
    }
    let mut wait = BackOff::default();
    let mut waited = false;
    loop {
        match shared.producer.send_all(topics::ENTRIES, records.clone()).await {
            Ok(_) => {
                if waited {
                    shared.health.well();
                }
                return Some(());
            }
            Err(error) if error.is_transient() || matches!(error, BusError::UnknownTopic(_)) => {
                waited = true;
                shared.health.waits(error.to_string());
                if wait.stopped(&shared.abandon).await {
                    return None;
                }
            }
            Err(error) => {
                tracing::error!(%error, "entries were not produced; their feed comes again");
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use carewire_schemas::Via;
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn an_event_that_is_too_large_loses_its_full_text_first() {
        let text = |length: usize| {
            Some(carewire_schemas::Text { r#type: carewire_schemas::TextType::Text, value: "x".repeat(length) })
        };
        for (body, summary, title, kept) in [
            (10, 10, 10, Some((true, true))),
            (MAX_EVENT, 10, 10, Some((false, true))),
            (MAX_EVENT, MAX_EVENT, 10, Some((false, false))),
            (10, 10, MAX_EVENT, None),
        ] {
            let document = carewire_feeds::Feed::default();
            let context = EventContext {
                feed: carewire_schemas::FeedId(uuid::Uuid::nil()),
                organization: carewire_schemas::OrganizationId(uuid::Uuid::nil()),
                version: 1,
                via: Via::Poll,
                history: false,
                seen: Timestamp::UNIX_EPOCH,
                document: &document,
            };
            let mut event = deletion_event(carewire_schemas::EntryId(uuid::Uuid::nil()), "g", &context);
            (event.content.body, event.content.summary, event.content.title) = (text(body), text(summary), text(title));
            let fits = fitting(&mut event).map(|_| (event.content.body.is_some(), event.content.summary.is_some()));
            assert_eq!(fits, kept);
        }
    }

    #[test]
    fn a_revision_can_be_read_again() {
        let value = br#"{"entry":"an entry"}"#.repeat(50);
        let revision = compressed(&value);
        assert!(!revision.is_empty() && revision.len() < value.len());
        assert_eq!(zstd::decode_all(&revision[..]).unwrap(), value);
    }
}
