//! Old content: pages of published entries looked at again, at a slow pace, within robots.txt. One that is gone is withdrawn, one that
//! moved gets its new link, and what it says of its review is told with its entry.
//!
//! | file | what |
//! | --- | --- |
//! | `config` | [`RecheckConfig`] |
//! | `judge` | what an answer says, and what follows: pure |
//! | `look` | one look at one page |
//!
//! Invariants: nothing is withdrawn for what a network or a server did wrong; a site that answers 404 to everything makes no mass
//! withdrawal ([`RecheckConfig::hold_share`]).

mod config;
mod judge;
mod look;

use std::{collections::HashMap, sync::Arc, time::Duration};

use carewire_bus::stage::BackOff;
use carewire_fetch::host_of;
use carewire_schemas::{Change, Content, EntryId};
use carewire_store::{EntryPage, PageAddress, PagePace, PageState, StoreError};
use jiff::Timestamp;
use tokio::task::JoinSet;
use url::Url;

pub use config::RecheckConfig;

use crate::{diff::News, identity::Known, metrics, schedule::after, worker::Shared};

/// Pages of one worker at a time.
const AT_ONCE: usize = 8;
/// How often due pages are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// Longer than a look may take.
const HOLD: Duration = Duration::from_secs(600);
/// No address of a page is longer.
const MAX_URL: usize = 2_000;

/// Looks at due pages until the worker is to stop.
pub(crate) async fn run(shared: Arc<Shared>) {
    let config = &shared.config.recheck;
    if !config.enabled {
        return;
    }
    let pace = PagePace { per_minute: config.per_minute, host_pause: config.host_pause, first: config.every / 2 };
    let mut under_way: JoinSet<()> = JoinSet::new();
    let mut wait = BackOff::default();
    while !shared.stop.is_cancelled() {
        while under_way.try_join_next().is_some() {}
        let free = AT_ONCE.saturating_sub(under_way.len());
        match shared.store.claim_pages(free, &pace, HOLD).await {
            Ok(pages) => {
                wait = BackOff::default();
                for page in pages {
                    under_way.spawn(one(shared.clone(), page));
                }
            }
            Err(error) => {
                tracing::debug!(%error, "pages were not claimed");
                if wait.stopped(&shared.stop).await {
                    break;
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK.min(config.every / 4)) => {}
            () = shared.stop.cancelled() => {}
        }
    }
    // What is cut short is claimed again; nothing of it was noted.
    let rest = async { while under_way.join_next().await.is_some() {} };
    tokio::select! {
        () = rest => {}
        () = shared.abandon.cancelled() => {}
    }
}

async fn one(shared: Arc<Shared>, page: EntryPage) {
    let look = tokio::time::timeout(HOLD, look::look(&shared, page));
    let ended = tokio::select! {
        ended = look => ended,
        () = shared.abandon.cancelled() => return,
    };
    match ended {
        Ok(Ok(outcome)) => metrics::PAGE_LOOKS.with_label_values(&[outcome]).inc(),
        // Claimed again when this claim ends.
        Ok(Err(error)) => tracing::debug!(%error, "a look at a page was not noted"),
        Err(_) => tracing::debug!("a look at a page took too long"),
    }
}

/// The page of an entry as its feed tells it, to be looked at again; none where that is off, there is no page, or the page is a film of a
/// platform, which is looked for in another way.
pub(crate) fn address(config: &RecheckConfig, content: &Content) -> Option<PageAddress> {
    let text =
        content.url.as_deref().filter(|url| config.enabled && url.len() <= MAX_URL && content.video.is_none())?;
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = host_of(&url)?;
    // Spread, or all entries of a feed's first reading would come due together.
    let wait = config.every.mul_f64(0.5 + 0.5 * fastrand::f64());
    Some(PageAddress { url: text.to_owned(), host, first_look: after(Timestamp::now(), wait) })
}

/// Gives changed entries what is known of their pages, and drops those that were withdrawn because their page is gone and that the feed tells
/// as it did before: it only still lists them.
pub(crate) async fn remembered(shared: &Shared, news: Vec<News>, known: &Known) -> Vec<News> {
    let is_changed = |one: &News| match one {
        News::Entry(Change::Changed, keyed) => Some(keyed.id),
        _ => None,
    };
    let changed: Vec<EntryId> = news.iter().filter_map(is_changed).collect();
    if changed.is_empty() {
        return news;
    }
    let mut pages: HashMap<EntryId, EntryPage> = match shared.store.entry_pages(&changed).await {
        Ok(pages) => pages,
        Err(error) => {
            tracing::debug!(%error, "what is known of pages was not read");
            return news;
        }
    };
    let told = |one: News| match one {
        News::Entry(Change::Changed, mut keyed) => {
            let page = pages.remove(&keyed.id);
            let listed = page.as_ref().is_some_and(|page| {
                page.state == PageState::Gone
                    && known.get(&keyed.id) == Some(&(keyed.hash, true))
                    && keyed.entry.url.as_deref() == Some(&*page.url)
            });
            keyed.page = page.map(Box::new);
            (!listed).then_some(News::Entry(Change::Changed, keyed))
        }
        other => Some(other),
    };
    news.into_iter().filter_map(told).collect()
}

/// Puts what is known of an entry's page into what its feed tells.
pub(crate) fn apply(page: &EntryPage, content: &mut Content) {
    judge::apply(page, content);
}

/// So often a page is tried again whose host or feed is busy.
fn busy() -> Duration {
    Duration::from_secs(30).mul_f64(0.5 + fastrand::f64())
}

type Outcome = Result<&'static str, StoreError>;
