//! From a response with a body to events on the bus and a write-back.

use bytes::Bytes;
use carewire_feeds::{Context, Parsed, discover::Discovered, parse, sitemap::SitemapKind};
use carewire_fetch::{Response, cache_lifetime};
use carewire_schemas::{Change, Via};
use carewire_store::{Feed, FeedKind, FeedMemory, FeedMeta, PollDone, ProposalReason, StoreError};
use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    channel_page,
    diff::{News, Window, identify, news},
    emit::{Problem, emit},
    event::EventContext,
    findings,
    freshness::{self, Visit},
    identity::{Known, recognise, unknown},
    look, metrics, moves, outcome, recheck,
    schedule::{interval, next_poll},
    sitemap, tasks,
    websub::polled,
    worker::Shared,
    youtube::watch,
};

/// Bodies up to this size are read where they are; larger ones would hold up other tasks.
const INLINE: usize = 256 << 10;

/// A document that was read: values, nothing of the bytes left.
struct Read {
    window: Window,
    document: carewire_feeds::Feed,
    format: carewire_feeds::Format,
    problems: Vec<Problem>,
    found: Vec<carewire_store::NewFinding>,
    interval: (std::time::Duration, crate::schedule::Reason),
    advertised: Vec<Discovered>,
}

/// Reads a 2xx answer, produces its news and returns the write-back; `None` where that was abandoned (a stop during an outage): nothing
/// is kept then, and the feed comes again.
pub(crate) async fn read(shared: &Shared, feed: &Feed, response: Response, visit: Visit) -> Option<PollDone> {
    let now = Timestamp::now();
    let hash = xxh3_64(&response.body).cast_signed();
    if response.complete && feed.body_hash == Some(hash) {
        let mut done = outcome::unchanged(&shared.config, feed, &response, now);
        moves::follow(shared, feed, &response, None, true, &mut done).await;
        return Some(done);
    }
    if feed.kind == FeedKind::Sitemap || sitemap::looks_like_one(&response.body) {
        let map = carewire_feeds::sitemap::parse(&response.body, response.content_type(), &response.url);
        if map.kind != SitemapKind::Unknown {
            metrics::POLLS.with_label_values(&["read"]).inc();
            return sitemap::read(shared, feed, &response, map, hash, now).await;
        }
    }
    let read = digest(shared, feed, &response, now).await?;
    let config = &shared.config;
    if !read.format.is_feed() {
        return Some(no_feed(shared, feed, &response, read, now));
    }

    let mut problems = read.problems;
    problems.extend(body_problems(&response));
    let mut window = read.window;
    let total = window.entries.len();
    let ids = window.ids();
    let mut known = answered(feed, shared.patiently(|| shared.store.known_entries(feed.id, &ids)).await?)?;
    // Told before ids are changed: a redirect to another feed must not pass for this one by a link alone.
    let same = feed.entries == 0 || !known.is_empty() || is_named_as_before(feed, &read.document);
    let posted = feed.kind == FeedKind::Posted;
    let again = if posted { 0 } else { recognised(shared, feed, &mut window, &mut known).await? };
    if again > 0 {
        let message = format!("{again} entries came with new ids; they are known by their links, or by title and date");
        problems.push(("changing-id", message, String::new()));
    }
    let videos = watch::videos(&window.entries);
    let (gap, mut facts) = watch::noted(shared, feed, &videos, &known, !polled::is_delivered(feed)).await;
    problems.extend(gap);
    let news = watch::with_facts(polled::without_poorer(feed, news(window, &known)), &mut facts);
    let news = recheck::remembered(shared, news, &known).await;
    let first = feed.last_success.is_none() && feed.entries == 0;
    let history = !posted && (first || feed.memory.partial);
    let context = EventContext {
        feed: feed.id,
        organization: feed.organization,
        version: feed.turn,
        via: if posted { Via::Hand } else { polled::via(&feed.next_reason) },
        history,
        seen: now,
        document: &read.document,
    };
    let unchanged = total.saturating_sub(news.iter().filter(|news| matches!(news, News::Entry(..))).count());
    let dates: Vec<Option<Timestamp>> = match history || posted {
        true => Vec::new(),
        false => news.iter().filter_map(published).collect(),
    };
    let hubs = polled::hubs(shared, feed, &response, &read.document, &news).await;
    problems.extend(hubs.problem);
    let entries = emit(shared, news, &context, &mut problems).await?;
    let end = Timestamp::now();
    metrics::ENTRIES.with_label_values(&["unchanged"]).inc_by(unchanged as u64);
    metrics::EMIT.observe(end.duration_since(visit.answered).as_secs_f64().max(0.0));
    metrics::POLLS.with_label_values(&["read"]).inc();

    let fresh = cache_lifetime(&response.headers, now).lifetime;
    let partial = history && !response.complete;
    let mut memory = FeedMemory { hub: hubs.any, partial, ..learned(feed, &read.document, again > 0) };
    let problems = outcome::gathered(problems.into_iter());
    let by_rule = |code: &str| read.found.iter().any(|finding| finding.code == code);
    let others: Vec<_> = problems.iter().filter(|problem| !by_rule(&problem.code)).map(findings::problem).collect();
    let found = read.found.into_iter().chain(others).collect();
    let findings = findings::after_reading(&mut memory, found);
    let next = next_poll(config, now, read.interval, &outcome::holds(feed, &memory, fresh), fastrand::f64());
    // A body that is not whole must be asked for again as a whole.
    let validators = match response.complete {
        true => outcome::validators(&response, Some(hash)),
        false => carewire_store::Validators::default(),
    };
    let mut done = PollDone {
        status: Some(i32::from(response.status)),
        validators: Some(validators),
        meta: meta(&read.document, read.format),
        problems: Some(problems),
        entries,
        memory: (memory != feed.memory).then_some(memory),
        tally: freshness::tally(&dates, &visit, end, freshness::target(feed, config.freshness_target)),
        findings,
        ..outcome::blank(feed, now, next)
    };
    if polled::is_delivered(feed) {
        // It says nothing of the feed's address, archive or transport.
        return Some(done);
    }
    tasks::archive::begin(config, feed, &read.document, &mut done);
    moves::follow(shared, feed, &response, Some(&read.document), same, &mut done).await;
    look::for_https(config, feed, &mut done);
    Some(done)
}

/// A body that is no feed: the feeds that a page advertises are proposed; where it advertises none, they are looked for.
fn no_feed(shared: &Shared, feed: &Feed, response: &Response, read: Read, now: Timestamp) -> PollDone {
    let found = read.problems.into_iter().chain(body_problems(response));
    let is_page = read.format == carewire_feeds::Format::Html;
    let message = match read.advertised.first() {
        Some(found) => format!("a web page, which advertises the feed {}", found.url),
        None if is_page => "a web page, which advertises no feed".to_owned(),
        None => "neither a feed nor a web page".to_owned(),
    };
    let mut done = outcome::no_feed(&shared.config, feed, response, &message, outcome::gathered(found), now);
    if let Some(channel) = channel_page::feed_of(
        &response.url,
        &String::from_utf8_lossy(&response.body),
        feed.kind == FeedKind::YoutubeChannel,
    ) && !polled::is_delivered(feed)
    {
        // Registered by its handle, its name or one of its videos: from here on the channel's feed is polled, at once.
        done.new_url = carewire_fetch::host_of(&channel).map(|host| (channel.into(), host));
        done.meta.kind = Some(FeedKind::YoutubeChannel);
        (done.next_poll, done.failures, done.error) = (now, feed.failures, None);
        return done;
    }
    done.proposals = tasks::discover::proposals(read.advertised, &feed.url, ProposalReason::Page);
    if done.proposals.is_empty() && is_page {
        look::for_feeds_at(feed, &response.url, "page", &mut done);
    }
    done
}

/// Gives entries with new ids those by which they are known; answers how many. `None` where the store was not waited for.
async fn recognised(shared: &Shared, feed: &Feed, window: &mut Window, known: &mut Known) -> Option<usize> {
    if feed.entries == 0 {
        return Some(0);
    }
    let places = unknown(window, known);
    if places.is_empty() {
        return Some(0);
    }
    let links: Vec<i64> = places.keys().copied().collect();
    let candidates = answered(feed, shared.patiently(|| shared.store.entries_by_link(feed.id, &links)).await?)?;
    Some(recognise(window, known, &places, candidates, feed.memory.unstable_ids))
}

/// The date of a new entry: when it was published, as far as it says.
fn published(news: &News) -> Option<Option<Timestamp>> {
    match news {
        News::Entry(Change::New, keyed) => Some(keyed.entry.published.or(keyed.entry.created)),
        _ => None,
    }
}

/// The id by which a document names itself.
fn document_id(document: &carewire_feeds::Feed) -> Option<String> {
    let id = document.podcast_guid.as_ref().or(document.id.as_ref())?;
    Some(id.chars().take(500).collect())
}

fn is_named_as_before(feed: &Feed, document: &carewire_feeds::Feed) -> bool {
    feed.memory.document_id.is_some() && feed.memory.document_id == document_id(document)
}

/// What is to be remembered of the feed after its document was read.
fn learned(feed: &Feed, document: &carewire_feeds::Feed, ids_changed: bool) -> FeedMemory {
    FeedMemory {
        gone_since: None,
        document_id: document_id(document),
        unstable_ids: feed.memory.unstable_ids || ids_changed,
        skip_hours: document.skip_hours.iter().copied().take(48).collect(),
        skip_days: document.skip_days.iter().take(14).map(|day| day.chars().take(20).collect()).collect(),
        ..feed.memory.clone()
    }
}

/// What the store said of a feed's entries; where it refused for good that is logged, and the feed comes again when its claim ends.
fn answered<T>(feed: &Feed, answer: Result<T, StoreError>) -> Option<T> {
    answer
        .inspect_err(|error| tracing::error!(feed = %feed.id, %error, "the feed's known entries could not be read"))
        .ok()
}

/// Parses and identifies; on the blocking pool where the body is large.
async fn digest(shared: &Shared, feed: &Feed, response: &Response, now: Timestamp) -> Option<Read> {
    let (config, id) = (shared.config.clone(), feed.id);
    // Its body is shared, not copied.
    let answer = response.clone();
    let asked = url::Url::parse(&feed.url).ok();
    let work = move || {
        let (body, url) = (&answer.body, &answer.url);
        let language = answer.headers.get("content-language").and_then(|value| value.to_str().ok());
        let context = Context { content_type: answer.content_type(), url: Some(url), content_language: language };
        let parsed = parse(body, &context);
        let found = match parsed.format.is_feed() {
            true => findings::of_document(&parsed, &answer, asked.as_ref(), now),
            false => Vec::new(),
        };
        let Parsed { format, feed: document, entries, deleted, problems, .. } = parsed;
        let advertised = if format.is_feed() { Vec::new() } else { advertised(body, url) };
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
        Read { window, document, format, problems, found, interval, advertised }
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

/// The feeds that a page advertises.
fn advertised(body: &Bytes, url: &url::Url) -> Vec<Discovered> {
    carewire_feeds::discover::links(&String::from_utf8_lossy(body), url)
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
