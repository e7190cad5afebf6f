//! Another address of a feed: does it give the same feed? Then the feed moves there.

use carewire_feeds::Parsed;
use carewire_fetch::{Hop, host_of};
use carewire_store::{Feed, FeedState, StoreError, Task, TaskKind};
use url::Url;

use super::{End, ask, gate, read};
use crate::{
    diff::identify,
    identity::{Known, unknown},
    metrics,
    moves::permanent_target,
    worker::Shared,
};

pub(super) async fn run(shared: &Shared, task: &Task) -> End {
    let Some(Ok(Some(feed))) = shared.patiently(|| shared.store.feed(task.feed)).await else {
        return End::Done("no-feed");
    };
    let Ok(url) = Url::parse(&task.url) else { return End::Done("no-address") };
    if feed.state != FeedState::Active || feed.url == task.url {
        return End::Done("no-feed");
    }
    let gate = match gate(shared, &url).await {
        Ok(gate) => gate,
        Err(end) => return end,
    };
    let answer = ask(shared, &gate, url.clone()).await;
    gate.close().await;
    let response = match answer {
        Ok(response) if (200..300).contains(&response.status) && response.complete => response,
        // A try of https that fails is no failure: it is remembered, and tried again much later.
        Ok(_) => return End::Done("refused"),
        Err(End::Failed(_)) if task.kind == TaskKind::Https => return End::Done("refused"),
        Err(end) => return end,
    };
    let secure = task.kind == TaskKind::Https;
    if secure && !stays_secure(&response.url, &response.hops) {
        return End::Done("refused");
    }
    let Some(parsed) = read(&response).await.filter(|parsed| parsed.format.is_feed()) else {
        return End::Done("refused");
    };
    // It must not send us on; a redirect for good says where it really is.
    let target = permanent_target(&response.hops).unwrap_or(&url);
    let names_another = |text: &Option<String>| {
        text.as_deref().and_then(|text| Url::parse(text.trim()).ok()).is_some_and(|named| named != *target)
    };
    if !secure && names_another(&parsed.feed.new_feed_url) {
        return End::Done("refused");
    }
    match is_same(shared, &feed, &parsed).await {
        None => return End::Failed("the store did not answer".to_owned()),
        Some(false) => return End::Done("refused"),
        Some(true) => {}
    }
    let Some(host) = host_of(target) else { return End::Done("refused") };
    match shared.patiently(|| shared.store.move_feed(feed.id, target.as_str(), &host)).await {
        Some(Ok(())) => {
            tracing::info!(feed = %feed.id, from = feed.url, to = %target, "the feed has moved");
            let sign = if secure { "https" } else { sign(&task.payload) };
            metrics::MOVES.with_label_values(&[sign]).inc();
            End::Done("moved")
        }
        Some(Err(StoreError::Conflict(_))) => End::Done("refused"),
        Some(Err(error)) => End::Failed(error.to_string()),
        None => End::Failed("the store did not answer".to_owned()),
    }
}

fn sign(payload: &str) -> &'static str {
    if payload.contains("new-feed-url") { "new-feed-url" } else { "self" }
}

fn stays_secure(end: &Url, hops: &[Hop]) -> bool {
    end.scheme() == "https" && hops.iter().all(|hop| hop.to.scheme() == "https")
}

/// Whether a document is the feed that is known: at least half of its entries are, by id or by link. Of a feed without entries
/// the title must do.
async fn is_same(shared: &Shared, feed: &Feed, parsed: &Parsed) -> Option<bool> {
    let window = identify(feed.id, parsed.entries.clone(), Vec::new());
    if window.entries.is_empty() || feed.entries == 0 {
        let title =
            parsed.feed.title.as_ref().map(|title| title.value.split_whitespace().collect::<Vec<_>>().join(" "));
        return Some(window.entries.is_empty() && feed.entries == 0 && title.is_some() && title == feed.title);
    }
    let ids = window.ids();
    let known: Known = shared.patiently(|| shared.store.known_entries(feed.id, &ids)).await?.ok()?;
    let places = unknown(&window, &known);
    let links: Vec<i64> = places.keys().copied().collect();
    let by_link = shared.patiently(|| shared.store.entries_by_link(feed.id, &links)).await?.ok()?;
    let mut again: Vec<i64> = by_link.into_iter().map(|(link, ..)| link).collect();
    again.sort_unstable();
    again.dedup();
    Some((known.len() + again.len()) * 2 >= window.entries.len())
}
