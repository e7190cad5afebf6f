//! From a response with a body to events on the bus and a write-back.

use std::cell::RefCell;

use bytes::Bytes;
use carewire_bus::{
    BusError, Record,
    stage::{BackOff, event_record},
};
use carewire_feeds::{Context, Parsed, parse};
use carewire_fetch::{Response, cache_lifetime};
use carewire_schemas::{
    EntryV1, EventHeaders, TraceParent, Via,
    cloudevents::encode,
    topics::{self, Topic},
};
use carewire_store::{EntryWrite, Feed, FeedKind, FeedMemory, FeedMeta, PollDone, StoreError};
use jiff::Timestamp;
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    diff::{News, Window, identify, news},
    event::{EventContext, deletion_event, entry_event},
    metrics, outcome,
    schedule::{interval, next_poll},
    worker::Shared,
};

/// Bodies up to this size are read where they are; larger ones would hold up other tasks.
const INLINE: usize = 256 << 10;
/// Records produced at once; bounds the memory of a feed of very many entries.
const CHUNK: usize = 200;
/// Largest event; the topic takes a little more, for the headers.
const MAX_EVENT: usize = 4 << 20;
/// Revisions are many and small, and written while somebody waits.
const ZSTD_LEVEL: i32 = 1;

/// A document that was read: values, nothing of the bytes left.
struct Read {
    window: Window,
    document: carewire_feeds::Feed,
    format: carewire_feeds::Format,
    problems: Vec<(&'static str, String, String)>,
    interval: (std::time::Duration, crate::schedule::Reason),
    advertised: Option<String>,
}

/// Reads a 2xx answer, produces its news and returns the write-back; `None` where that was abandoned (a stop during an outage): nothing
/// is kept then, and the feed comes again.
pub(crate) async fn read(shared: &Shared, feed: &Feed, response: Response, ended: Instant) -> Option<PollDone> {
    let now = Timestamp::now();
    let hash = xxh3_64(&response.body).cast_signed();
    if response.complete && feed.body_hash == Some(hash) {
        return Some(outcome::unchanged(&shared.config, feed, &response, now));
    }
    let read = digest(shared, feed, &response, now).await?;
    let config = &shared.config;
    if !read.format.is_feed() {
        let found = read.problems.into_iter().chain(body_problems(&response));
        let message = match (read.format, read.advertised) {
            (_, Some(url)) => format!("a web page, which advertises the feed {url}"),
            (carewire_feeds::Format::Html, None) => "a web page, which advertises no feed".to_owned(),
            _ => "neither a feed nor a web page".to_owned(),
        };
        return Some(outcome::no_feed(config, feed, &response, &message, outcome::gathered(found), now));
    }

    let mut problems = read.problems;
    problems.extend(body_problems(&response));
    let total = read.window.entries.len();
    let ids = read.window.ids();
    let known = shared.patiently(|| shared.store.known_entries(feed.id, &ids)).await?;
    let news = match known {
        Ok(known) => news(read.window, &known),
        Err(error) => return failed(feed, &error),
    };
    let context = EventContext {
        feed: feed.id,
        organization: feed.organization,
        version: feed.turn,
        via: if feed.next_reason == "hand" { Via::Hand } else { Via::Poll },
        history: feed.last_success.is_none() && feed.entries == 0,
        seen: now,
        document: &read.document,
    };
    let unchanged = total.saturating_sub(news.iter().filter(|news| matches!(news, News::Entry(..))).count());
    let entries = emit(shared, news, &context, &mut problems).await?;
    metrics::ENTRIES.with_label_values(&["unchanged"]).inc_by(unchanged as u64);
    metrics::EMIT.observe(ended.elapsed().as_secs_f64());
    metrics::POLLS.with_label_values(&["read"]).inc();

    let fresh = cache_lifetime(&response.headers, now).lifetime;
    let memory = learned(feed, &read.document);
    let next = next_poll(config, now, read.interval, &outcome::holds(feed, &memory, fresh), fastrand::f64());
    // A body that is not whole must be asked for again as a whole.
    let validators = match response.complete {
        true => outcome::validators(&response, Some(hash)),
        false => carewire_store::Validators::default(),
    };
    Some(PollDone {
        status: Some(i32::from(response.status)),
        validators: Some(validators),
        meta: meta(&read.document, read.format),
        problems: Some(outcome::gathered(problems.into_iter())),
        entries,
        memory: (memory != feed.memory).then_some(memory),
        ..outcome::blank(feed, now, next)
    })
}

/// What is to be remembered of the feed after its document was read.
fn learned(feed: &Feed, document: &carewire_feeds::Feed) -> FeedMemory {
    FeedMemory {
        skip_hours: document.skip_hours.iter().copied().take(48).collect(),
        skip_days: document.skip_days.iter().take(14).map(|day| day.chars().take(20).collect()).collect(),
        ..feed.memory.clone()
    }
}

/// The store refused for good: logged here, and the feed comes again when its claim ends.
fn failed(feed: &Feed, error: &StoreError) -> Option<PollDone> {
    tracing::error!(feed = %feed.id, %error, "the feed's known entries could not be read");
    None
}

/// Parses and identifies; on the blocking pool where the body is large.
async fn digest(shared: &Shared, feed: &Feed, response: &Response, now: Timestamp) -> Option<Read> {
    let (config, id) = (shared.config.clone(), feed.id);
    let (body, url) = (response.body.clone(), response.url.clone());
    let content_type = response.content_type().map(str::to_owned);
    let language = response.headers.get("content-language").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let work = move || {
        let context =
            Context { content_type: content_type.as_deref(), url: Some(&url), content_language: language.as_deref() };
        let Parsed { format, feed: document, entries, deleted, problems, .. } = parse(&body, &context);
        let advertised = (!format.is_feed()).then(|| advertised(&body, &url)).flatten();
        let interval = interval(&config, &document, &entries, now);
        let window = identify(id, entries, deleted);
        let mut problems: Vec<_> = problems.into_iter().map(|p| (p.code, p.message, p.where_)).collect();
        if window.shared_ids > 0 {
            let message = format!("{} ids stand on several entries; these go by their links", window.shared_ids);
            problems.push(("shared-id", message, String::new()));
        }
        if window.repeated > 0 {
            let message = format!("{} entries stand in the feed more than once", window.repeated);
            problems.push(("repeated-entry", message, String::new()));
        }
        Read { window, document, format, problems, interval, advertised }
    };
    if response.body.len() <= INLINE {
        return Some(work());
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(read) => Some(read),
        Err(error) => {
            tracing::error!(feed = %feed.id, %error, "reading the feed ended abnormally");
            None
        }
    }
}

/// The first feed that a page advertises.
fn advertised(body: &Bytes, url: &url::Url) -> Option<String> {
    let page = String::from_utf8_lossy(body);
    carewire_feeds::discover::links(&page, url).into_iter().next().map(|found| found.url.into())
}

fn body_problems(response: &Response) -> impl Iterator<Item = (&'static str, String, String)> {
    let of_body = |problem: &carewire_fetch::BodyProblem| {
        let message = match problem.loses_data() {
            true => "the body did not come whole; what came of it was read",
            false => "the body's encoding is not as its header says",
        };
        (problem.code(), message.to_owned(), "body".to_owned())
    };
    response.problems.iter().map(of_body).collect::<Vec<_>>().into_iter()
}

fn meta(document: &carewire_feeds::Feed, format: carewire_feeds::Format) -> FeedMeta {
    let short =
        |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect::<String>();
    FeedMeta {
        title: document.title.as_ref().map(|title| short(&title.value)).filter(|title| !title.is_empty()),
        site_url: document.url.clone(),
        language: document
            .language
            .as_deref()
            .map(str::trim)
            .filter(|tag| (2..=35).contains(&tag.len()))
            .map(str::to_owned),
        format: Some(format.name().to_lowercase().replace(' ', "-")),
        hub: document.hubs.first().cloned(),
        kind: document.youtube_channel_id.is_some().then_some(FeedKind::YoutubeChannel),
    }
}

/// Produces the news in portions, each acknowledged before the next, and returns what is to be remembered of them.
async fn emit(
    shared: &Shared,
    news: Vec<News>,
    context: &EventContext<'_>,
    problems: &mut Vec<(&'static str, String, String)>,
) -> Option<Vec<EntryWrite>> {
    let topic = topics::by_name(topics::ENTRIES)?;
    let trace = TraceParent::new();
    let mut writes = Vec::with_capacity(news.len());
    let mut news = news.into_iter().peekable();
    while news.peek().is_some() {
        let mut records = Vec::new();
        for news in news.by_ref().take(CHUNK) {
            match encoded(news, context, topic, trace) {
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
    news: News,
    context: &EventContext<'_>,
    topic: &'static Topic,
    trace: TraceParent,
) -> Result<(Record, EntryWrite), (&'static str, String, String)> {
    let (mut event, hash, link) = match news {
        News::Entry(change, keyed) => {
            let link = keyed.link();
            (entry_event(*keyed.entry, keyed.id, change, context), keyed.hash, Some(link))
        }
        News::Deleted { id, guid, hash } => (deletion_event(id, &guid, context), hash, None),
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
    let write = EntryWrite { entry: event.entry, hash, version: event.version, deleted, revision, link };
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
fn compressed(value: &[u8]) -> Vec<u8> {
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
