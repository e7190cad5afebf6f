//! One look at one page: asked for under its host's lease, judged, and told where that changes something.

use carewire_feeds::{page, robots::Robots};
use carewire_fetch::{FetchError, GateError, HeaderValue, Request, Response};
use carewire_schemas::EntryId;
use carewire_store::{EntryPage, FeedProblem, FeedState, ItemState, NewFinding, PageFacts, PageState, StoreError};
use carewire_visit::LeaseGate;
use jiff::Timestamp;
use std::time::Duration;
use url::Url;

use super::{
    Outcome, busy,
    judge::{self, Moved, Seen, Verdict},
};
use crate::{
    again::{Again, Told},
    diff,
    robots::Known,
    worker::Shared,
};

/// How long a busy host is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is asked for.
const ACCEPT: HeaderValue = HeaderValue::from_static("text/html, application/xhtml+xml;q=0.9, */*;q=0.1");
/// Why an entry is withdrawn, for readers.
const PAGE_GONE: &str = "page gone";
/// The code of the finding that its feed's owner sees.
const HELD: &str = "pages-gone";

/// Looks at a page; answers what came of it, for the metric.
pub(super) async fn look(shared: &Shared, mut page: EntryPage) -> Outcome {
    let (store, config) = (&shared.store, &shared.config.recheck);
    let before = page.clone();
    let Some(feed) = store.feed(page.feed).await? else {
        return store.page_looked(&page, false, None).await.map(|_| "off");
    };
    let known = store.known_entries(page.feed, &[page.entry]).await?.get(&page.entry).copied();
    let Some((_, deleted)) = known else { return store.page_looked(&page, false, None).await.map(|_| "off") };
    let withheld = match page.item {
        None | Some(ItemState::Curated) => deleted && page.state != PageState::Gone,
        Some(ItemState::Withdrawn) => page.state != PageState::Gone,
        Some(_) => true,
    };
    if withheld || feed.state == FeedState::Paused {
        if deleted && page.gone_since.is_some() {
            // Withdrawn by a look that was cut short before it was noted.
            page.state = PageState::Gone;
        }
        return store.page_looked(&page, false, Some(config.every)).await.map(|_| "off");
    }
    let Ok(url) = Url::parse(&page.url) else { return store.page_looked(&page, false, None).await.map(|_| "off") };
    let gate = match LeaseGate::take(store.clone(), &url, shared.client.config(), PATIENCE).await {
        Ok(gate) => gate,
        Err(_) => return store.page_looked(&page, false, Some(busy())).await.map(|_| "busy"),
    };
    let answer = ask(shared, &gate, &page, &url).await;
    gate.close().await;
    let (answer, robots) = match answer {
        Ok(answer) => answer,
        Err(Unasked::Disallowed) => {
            return store.page_looked(&page, false, Some(config.every)).await.map(|_| "disallowed");
        }
        Err(Unasked::NoRobots) => {
            return store.page_looked(&page, false, Some(config.gone_after)).await.map(|_| "unknown");
        }
    };
    if let Err(FetchError::Gate(GateError::Busy { .. } | GateError::Lost { .. })) = answer {
        return store.page_looked(&page, false, Some(busy())).await.map(|_| "busy");
    }
    let mut seen = judge::seen(&url, &answer);
    if let Seen::There(Some(moved)) = &mut seen {
        moved.alone = is_alone(shared, &page, moved).await?;
    }
    let (verdict, next) = judge::judge(&mut page, &seen, Timestamp::now(), config);
    if let Ok(response) = answer {
        page.status = Some(i32::from(response.status));
        // Where a redirect led out of what may be read, what stands there is not read.
        if matches!(seen, Seen::There(_)) && response.status != 304 && robots.allows(&response.url) {
            let plain = response.hops.is_empty() && response.complete;
            page.etag = response.etag().filter(|_| plain);
            page.last_modified = response.last_modified().filter(|_| plain);
            page.facts = facts(response).await.unwrap_or(page.facts);
        }
    }
    let again = Again { store, producer: &shared.producer, feed: page.feed, entry: page.entry };
    let (outcome, told) = match verdict {
        Verdict::Gone => gone(shared, &mut page, &again).await?,
        Verdict::Missed => ("missing", Told::Done),
        Verdict::Back => ("back", again.tell(true, |content| judge::update(&page, content)).await?),
        Verdict::Stands if seen == Seen::Missing => ("missing", Told::Done),
        Verdict::Stands if seen == Seen::Unknown => ("unknown", Told::Done),
        Verdict::Stands if page.address != before.address => {
            ("moved", again.tell(false, |content| judge::update(&page, content)).await?)
        }
        Verdict::Stands if page.facts != before.facts => {
            ("there", again.tell(false, |content| judge::update(&page, content)).await?)
        }
        Verdict::Stands => ("there", Told::Done),
    };
    if told == Told::Later {
        return store.page_looked(&before, false, Some(busy())).await.map(|_| "busy");
    }
    let next = if page.state == PageState::Held { Some(config.gone_after) } else { next };
    let jitter = 1.0 + shared.config.jitter * fastrand::f64();
    store.page_looked(&page, !matches!(seen, Seen::Unknown), next.map(|next| next.mul_f64(jitter))).await?;
    if before.state == PageState::Held && page.state != PageState::Held && store.held_pages(page.feed).await? == 0 {
        store.end_finding(page.feed, HELD).await?;
    }
    Ok(outcome)
}

/// Why a page was not asked for.
enum Unasked {
    /// The site's robots.txt forbids it.
    Disallowed,
    /// The site's robots.txt cannot be read, so nothing may be.
    NoRobots,
}

type Answer = Result<Response, FetchError>;

/// Asks for a page, after its site's robots.txt where that is not known: the answer and the site's rules.
async fn ask(shared: &Shared, gate: &LeaseGate, page: &EntryPage, url: &Url) -> Result<(Answer, Robots), Unasked> {
    let robots = match shared.robots.of(url) {
        Known::Rules(robots) => robots,
        Known::Ask(address) => match send(shared, gate, Request::get(address.clone())).await {
            Ok(answer) => match shared.robots.learn(address, &answer) {
                Ok(robots) => robots,
                Err(_) => return Err(Unasked::NoRobots),
            },
            Err(error @ FetchError::Gate(_)) => return Ok((Err(error), Robots::default())),
            Err(_) => return Err(Unasked::NoRobots),
        },
    };
    if let Some(delay) = robots.crawl_delay_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        && delay > shared.config.recheck.host_pause
        && let Some(host) = carewire_fetch::host_of(url)
        && let Err(error) = shared.store.delay_pages(&host, delay).await
    {
        tracing::debug!(host, %error, "the pause that a site asks for was not noted");
    }
    if !robots.allows(url) {
        return Err(Unasked::Disallowed);
    }
    let mut request = Request::get(url.clone());
    (request.etag, request.last_modified) = (page.etag.clone(), page.last_modified.clone());
    request.accept = Some(ACCEPT);
    Ok((send(shared, gate, request).await, robots))
}

async fn send(shared: &Shared, gate: &LeaseGate, request: Request) -> Answer {
    let answer = shared.client.follow(request, gate).await;
    gate.ended().await;
    if let Ok(response) = &answer {
        crate::host::note_retry_after(shared, response).await;
    }
    answer
}

/// Whether no other entry of the feed is at the address, or led there.
async fn is_alone(shared: &Shared, page: &EntryPage, moved: &Moved) -> Result<bool, StoreError> {
    if shared.store.others_moved_to(page, moved.to.as_str()).await? {
        return Ok(false);
    }
    let at = diff::link_of(moved.to.as_str());
    let there = shared.store.entries_by_link(page.feed, &[at]).await?;
    Ok(there.iter().all(|(_, entry, _): &(i64, EntryId, i64)| *entry == page.entry))
}

/// What a page says of its review; none where it is no web page.
async fn facts(response: Response) -> Option<PageFacts> {
    let is_page = response.content_type().is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    if !is_page {
        return None;
    }
    let work = move || judge::facts(&page::read(&response.body, response.content_type(), &response.url).entry);
    tokio::task::spawn_blocking(work).await.ok()
}

/// Withdraws the entry of a page that is gone, unless too many of its feed are.
async fn gone(shared: &Shared, page: &mut EntryPage, again: &Again<'_>) -> Result<(&'static str, Told), StoreError> {
    let config = &shared.config.recheck;
    let window = Timestamp::now().checked_sub(config.gone_after * 2).unwrap_or(Timestamp::UNIX_EPOCH);
    let (looked, missing) = shared.store.missing_pages(page.feed, window).await?;
    if judge::is_held(config, looked, missing) {
        page.state = PageState::Held;
        let message = format!(
            "{missing} of {looked} pages looked at lately answer 404 or 410: none is withdrawn for it while so many are missing at once"
        );
        tracing::warn!(feed = %page.feed, looked, missing, "pages are missing, too many at once to be believed");
        let finding = NewFinding { code: HELD.to_owned(), severity: "warning".to_owned(), message: message.clone() };
        shared.store.begin_finding(page.feed, &finding).await?;
        let count = u32::try_from(missing).unwrap_or(u32::MAX);
        let problem = FeedProblem { code: HELD.to_owned(), message, where_: None, count };
        shared.store.note_problem(page.feed, problem).await?;
        return Ok(("held", Told::Done));
    }
    let told = again.withdraw(PAGE_GONE).await?;
    if told == Told::Done {
        tracing::info!(feed = %page.feed, url = page.url, "a page is gone: its entry is withdrawn");
        page.state = PageState::Gone;
    }
    Ok(("withdrawn", told))
}
