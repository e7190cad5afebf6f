//! A feed's archive, walked once after its registration (RFC 5005): history, so that the network knows more than the last entries.
//!
//! One page is one step of the task: asked for, read, its unknown entries produced as history, then the task goes on with the page
//! before it. Killed in between, it goes on where it was. Entries that are known stay as they are: an archive holds old revisions.

use carewire_feeds::Feed as Document;
use carewire_fetch::host_of;
use carewire_schemas::{Change, Via};
use carewire_store::{Feed, FeedMemory, FeedState, NewTask, PollDone, Task, TaskKind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use xxhash_rust::xxh3::xxh3_64;

use super::{End, ask, gate, read};
use crate::{
    config::IngestConfig,
    diff::{News, identify, news},
    emit::emit,
    event::EventContext,
    outcome::remember,
    schedule::after,
    worker::Shared,
};

/// How far the walk has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Walk {
    /// Hashes of the addresses that were read.
    seen: Vec<u64>,
}

/// The page before a document: of an archived feed (section 4), else the next page of a paged one (section 3, JSON Feed's `next_url`).
fn before(document: &Document) -> Option<Url> {
    let text = document.prev_archive.as_deref().or(document.next_url.as_deref())?;
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// Adds the walk after a feed's first document, where it has an archive.
pub(crate) fn begin(config: &IngestConfig, feed: &Feed, document: &Document, done: &mut PollDone) {
    if feed.memory.archive || config.archive_pages == 0 {
        return;
    }
    let Some((url, host)) = before(document).and_then(|url| Some((url.to_string(), host_of(&url)?))) else { return };
    let (due, payload) = (done.at, "{}".to_owned());
    done.tasks.push(NewTask { kind: TaskKind::Archive, feed: feed.id, url, host, due, payload });
    remember(feed, done, |memory: &mut FeedMemory| memory.archive = true);
}

pub(super) async fn run(shared: &Shared, task: &mut Task) -> End {
    let Some(Ok(Some(feed))) = shared.patiently(|| shared.store.feed(task.feed)).await else {
        return End::Done("no-feed");
    };
    if feed.state != FeedState::Active {
        return End::Done("no-feed");
    }
    let mut walk: Walk = serde_json::from_str(&task.payload).unwrap_or_default();
    let Ok(url) = Url::parse(&task.url) else { return End::Done("no-address") };
    let mark = xxh3_64(task.url.as_bytes());
    if walk.seen.contains(&mark) {
        return End::Done("circle");
    }
    if walk.seen.len() >= shared.config.archive_pages as usize {
        return End::Done("limit");
    }
    let host_gate = match gate(shared, &url).await {
        Ok(gate) => gate,
        Err(end) => return end,
    };
    let answer = ask(shared, &host_gate, url).await;
    host_gate.close().await;
    let response = match answer {
        Ok(response) if (200..300).contains(&response.status) && response.complete => response,
        Ok(response) if response.status >= 500 || response.status == 429 => {
            return End::Failed(format!("the server answered {}", response.status));
        }
        Ok(_) => return End::Done("no-answer"),
        Err(end) => return end,
    };
    let Some(parsed) = read(&response).await.filter(|parsed| parsed.format.is_feed()) else {
        return End::Done("no-feed");
    };
    let next = before(&parsed.feed).and_then(|url| Some((host_of(&url)?, url)));
    // The room for bodies bounds the memory of archives as it does that of polls.
    let _room = shared.room(response.body.len()).await;
    if !history(shared, &feed, parsed).await {
        return End::Failed("its entries were not taken".to_owned());
    }
    walk.seen.push(mark);
    let Some((host, url)) = next else { return End::Done("walked") };
    (task.url, task.host, task.tries) = (url.into(), host, 0);
    task.payload = serde_json::to_string(&walk).unwrap_or_else(|_| "{}".to_owned());
    // Nobody waits for history: four times the pause, so that polls come in between.
    End::Later(after(Timestamp::now(), shared.client.config().min_host_pause * 4))
}

/// Produces what is unknown of a page and remembers it; false where that was abandoned or refused.
async fn history(shared: &Shared, feed: &Feed, parsed: carewire_feeds::Parsed) -> bool {
    let window = identify(feed.id, parsed.entries, Vec::new());
    let ids = window.ids();
    let Some(Ok(known)) = shared.patiently(|| shared.store.known_entries(feed.id, &ids)).await else { return false };
    let unknown = news(window, &known).into_iter().filter(|news| matches!(news, News::Entry(Change::New, _))).collect();
    let context = EventContext {
        feed: feed.id,
        organization: feed.organization,
        version: feed.turn,
        via: Via::Poll,
        history: true,
        seen: Timestamp::now(),
        document: &parsed.feed,
    };
    let Some(entries) = emit(shared, unknown, &context, &mut Vec::new()).await else { return false };
    matches!(shared.patiently(|| shared.store.add_entries(feed.id, entries.clone())).await, Some(Ok(())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_come_before_pages() {
        let text = |text: &str| Some(text.to_owned());
        for (prev_archive, next_url, expected) in [
            (None, None, None),
            (text("https://a.example/1"), text("https://a.example/p2"), Some("https://a.example/1")),
            (None, text("https://a.example/p2"), Some("https://a.example/p2")),
            (text("mailto:a@a.example"), None, None),
        ] {
            let document = Document { prev_archive, next_url, ..Document::default() };
            assert_eq!(before(&document).as_ref().map(Url::as_str), expected);
        }
    }
}
