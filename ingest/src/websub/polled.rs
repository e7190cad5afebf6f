//! What a poll that read a body says of its feed's hub: which one it is, and whether it tells of what is new.

use carewire_feeds::Feed as Document;
use carewire_fetch::Response;
use carewire_schemas::{Change, Via};
use carewire_store::{Feed, StoreError, SubscriptionState};
use uuid::Uuid;

use super::link::offer;
use crate::{diff::News, worker::Shared};

/// `next_reason` of a feed whose hub delivered a body, which is read now.
pub(crate) const BODY_REASON: &str = "pushed";
/// `next_reason` of a feed of which something was found beside it, which is read now as if the feed had said it.
pub(crate) const FILLED_REASON: &str = "filled";
/// `next_reason` of a feed that is polled because its hub said so.
const POLL_REASON: &str = "pinged";

/// How the entries of a feed that is due for this reason come.
pub(crate) fn via(next_reason: &str) -> Via {
    match next_reason {
        "hand" => Via::Hand,
        POLL_REASON | BODY_REASON => Via::Push,
        _ => Via::Poll,
    }
}

/// Whether what is read was not polled.
pub(crate) fn is_delivered(feed: &Feed) -> bool {
    feed.next_reason == BODY_REASON || feed.next_reason == FILLED_REASON
}

/// Drops what a delivered body says less of than the feed did: a hub's notice of a change need not carry the content.
pub(crate) fn without_poorer(feed: &Feed, news: Vec<News>) -> Vec<News> {
    if !is_delivered(feed) {
        return news;
    }
    let says = |news: &News| match news {
        News::Entry(Change::Changed, keyed) => {
            let entry = &keyed.entry;
            entry.content.is_some() || entry.summary.is_some() || !entry.media.is_empty()
        }
        _ => true,
    };
    news.into_iter().filter(says).collect()
}

/// Notes which hub the answer announces, and what it did not tell of; answers the problem that the owner is to see.
pub(crate) async fn hub(
    shared: &Shared,
    feed: &Feed,
    response: &Response,
    document: &Document,
    news: &[News],
) -> Option<(&'static str, String, String)> {
    if is_delivered(feed) {
        return None;
    }
    match noted(shared, feed, response, document, news).await {
        Ok(problem) => problem,
        Err(error) => {
            // The next poll says the same.
            tracing::debug!(feed = %feed.id, %error, "the feed's hub was not noted");
            None
        }
    }
}

async fn noted(
    shared: &Shared,
    feed: &Feed,
    response: &Response,
    document: &Document,
    news: &[News],
) -> Result<Option<(&'static str, String, String)>, StoreError> {
    let kind = if document.youtube_channel_id.is_some() { carewire_store::FeedKind::YoutubeChannel } else { feed.kind };
    let found = offer(&response.headers, &response.url, document, kind);
    let known = shared.store.feed_subscription(feed.id).await?;
    let same = match (&found, &known) {
        (Some(found), Some(known)) => found.hub == known.hub && found.topic == known.topic,
        (None, None) => true,
        _ => false,
    };
    if !same {
        let offer = found.as_ref().map(|found| (found.hub.as_str(), found.topic.as_str()));
        shared.store.offer_hub(feed.id, offer, &random_text(), &random_text()).await?;
        return Ok(None);
    }
    let Some(known) = known.filter(|known| known.state == SubscriptionState::Active) else { return Ok(None) };
    let new = news.iter().filter(|news| matches!(news, News::Entry(Change::New, _))).count();
    // Only what appeared since the poll before, all of that time under the subscription, could have been told.
    let under = known.verified_at.is_some_and(|verified| feed.last_success.is_some_and(|last| verified <= last));
    if new > 0 && under && via(&feed.next_reason) == Via::Poll {
        shared.store.note_missed(&known.token, new).await?;
    }
    let problem = known.silent_at.map(|_| known.silent_problem());
    Ok(problem.map(|problem| ("silent-hub", problem.message, String::new())))
}

/// 244 random bits in hexadecimal: a callback's token, a subscription's secret (section 5.1: at most 200 bytes).
fn random_text() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
