//! Pages of a site map, read as entries: under the host's lease, within its robots.txt, a few at a time.

use std::time::Duration;

use carewire_feeds::{
    page,
    robots::Robots,
    sitemap::{self, SitemapKind},
};
use carewire_fetch::host_of;
use carewire_schemas::Via;
use carewire_store::{Feed, FeedState, Task};
use carewire_visit::LeaseGate;
use jiff::Timestamp;
use url::Url;

use super::{End, ask, gate};
use crate::{
    diff::{identify, news},
    emit::emit,
    event::EventContext,
    robots::Known,
    schedule::after,
    sitemap::{Due, Work, fresh, page_hash},
    worker::Shared,
};

/// Requests of one turn under the lease; polls of the host come in between.
const TURN: usize = 10;

pub(super) async fn run(shared: &Shared, task: &mut Task) -> End {
    let Some(Ok(Some(feed))) = shared.patiently(|| shared.store.feed(task.feed)).await else {
        return End::Done("no-feed");
    };
    if feed.state != FeedState::Active {
        return End::Done("no-feed");
    }
    let Ok(mut work) = serde_json::from_str::<Work>(&task.payload) else { return End::Done("no-address") };
    let Ok(url) = Url::parse(&task.url) else { return End::Done("no-address") };
    let host_gate = match gate(shared, &url).await {
        Ok(gate) => gate,
        Err(end) => return end,
    };
    let outcome = turn(shared, &host_gate, &feed, &url, &mut work).await;
    host_gate.close().await;
    task.payload = serde_json::to_string(&work).unwrap_or_default();
    match outcome {
        Err(end) => end,
        Ok(_) if work.maps.is_empty() && work.pages.is_empty() => End::Done("read"),
        Ok(wait) => {
            task.tries = 0;
            End::Later(after(Timestamp::now(), wait))
        }
    }
}

/// One turn; answers how long to wait before the next. What is done is taken out of `work`.
async fn turn(shared: &Shared, gate: &LeaseGate, feed: &Feed, url: &Url, work: &mut Work) -> Result<Duration, End> {
    let robots = robots(shared, gate, url).await?;
    let delay = robots.crawl_delay_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default();
    let pause = shared.client.config().min_host_pause;
    // Who asks for pauses between requests gets one request a turn.
    let most = if delay > pause { 1 } else { TURN };
    for _ in 0..most {
        if shared.stop.is_cancelled() {
            break;
        }
        if let Some(map) = work.maps.last().cloned() {
            read_map(shared, gate, feed, &robots, &map, work).await?;
            work.maps.pop();
        } else if let Some(due) = work.pages.first() {
            read_page(shared, gate, feed, &robots, due, work.history).await?;
            work.pages.remove(0);
        } else {
            break;
        }
    }
    Ok(delay.max(pause * 4))
}

/// The site's robots.txt.
async fn robots(shared: &Shared, gate: &LeaseGate, url: &Url) -> Result<Robots, End> {
    match shared.robots.of(url) {
        Known::Rules(robots) => Ok(robots),
        Known::Ask(address) => {
            let response = ask(shared, gate, address.clone()).await?;
            let refused = |status| End::Failed(format!("robots.txt: the server answered {status}"));
            shared.robots.learn(address, &response).map_err(refused)
        }
    }
}

async fn read_map(
    shared: &Shared,
    gate: &LeaseGate,
    feed: &Feed,
    robots: &Robots,
    map: &str,
    work: &mut Work,
) -> Result<(), End> {
    let Some(url) = usable(map, feed, robots) else { return Ok(()) };
    let response = ask(shared, gate, url).await?;
    if !(200..300).contains(&response.status) {
        return Ok(());
    }
    let map = sitemap::parse(&response.body, response.content_type(), &response.url);
    // An index within an index is more than the protocol allows.
    if map.kind == SitemapKind::Index {
        return Ok(());
    }
    let Some(Ok(known)) = shared.patiently(|| shared.store.site_pages(feed.id)).await else {
        return Err(End::Failed("the store did not answer".to_owned()));
    };
    let (due, rest) = fresh(&map, &known);
    if work.history {
        let seen: Vec<_> = rest.iter().map(|due| (page_hash(&due.url), due.modified)).collect();
        note(shared, feed, &seen).await?;
    }
    work.pages.extend(due);
    Ok(())
}

/// A page's address, where it is one of the feed's host and may be read.
fn usable(address: &str, feed: &Feed, robots: &Robots) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    (host_of(&url).as_deref() == Some(&*feed.host) && robots.allows(&url)).then_some(url)
}

async fn note(shared: &Shared, feed: &Feed, pages: &[(i64, Option<Timestamp>)]) -> Result<(), End> {
    match shared.patiently(|| shared.store.note_site_pages(feed.id, pages)).await {
        Some(Ok(())) => Ok(()),
        _ => Err(End::Failed("pages were not noted".to_owned())),
    }
}

async fn read_page(
    shared: &Shared,
    gate: &LeaseGate,
    feed: &Feed,
    robots: &Robots,
    due: &Due,
    history: bool,
) -> Result<(), End> {
    let seen = [(page_hash(&due.url), due.modified)];
    let Some(url) = usable(&due.url, feed, robots) else { return note(shared, feed, &seen).await };
    let response = match ask(shared, gate, url).await {
        Ok(response) => response,
        Err(End::Done(_)) => return note(shared, feed, &seen).await,
        Err(end) => return Err(end),
    };
    if matches!(response.status, 429 | 503) {
        return Err(End::Failed(format!("the server answered {}", response.status)));
    }
    if (200..300).contains(&response.status) {
        let page = page::read(&response.body, response.content_type(), &response.url);
        // Only what says that it is something published is an entry: a site map names contact pages too.
        if page.is_article && !page.noindex && !publish(shared, feed, page, due, history).await {
            return Err(End::Failed("the page's entry was not taken".to_owned()));
        }
    }
    note(shared, feed, &seen).await
}

/// Produces a page's entry where it is new or changed; false where that was abandoned or refused.
async fn publish(shared: &Shared, feed: &Feed, page: page::Page, due: &Due, history: bool) -> bool {
    let mut entry = page.entry;
    entry.updated = entry.updated.or(due.modified);
    let window = identify(feed.id, vec![entry], Vec::new());
    let ids = window.ids();
    let Some(Ok(known)) = shared.patiently(|| shared.store.known_entries(feed.id, &ids)).await else { return false };
    let context = EventContext {
        feed: feed.id,
        organization: feed.organization,
        version: feed.turn,
        via: Via::Poll,
        history,
        seen: Timestamp::now(),
        document: &carewire_feeds::Feed::default(),
    };
    let Some(entries) = emit(shared, news(window, &known), &context, &mut Vec::new()).await else { return false };
    matches!(shared.patiently(|| shared.store.add_entries(feed.id, entries.clone())).await, Some(Ok(())))
}
