//! What a poll that read a body says of its feed's hub: which they are, and whether they tell of what is new.

use carewire_feeds::Feed as Document;
use carewire_fetch::Response;
use carewire_schemas::{Change, Via};
use carewire_store::{Feed, FeedKind, StoreError, SubscriptionState};
use uuid::Uuid;

use super::link::{Offer, offer};
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
    if !is_delivered(feed) || feed.kind == FeedKind::Posted {
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

/// What a poll said of its feed's hubs.
pub(crate) struct Hubs {
    /// The problem that the owner is to see.
    pub(crate) problem: Option<(&'static str, String, String)>,
    /// Whether a subscription may be there.
    pub(crate) any: bool,
}

/// Notes which hubs the answer announces, and what they did not tell of.
pub(crate) async fn hubs(
    shared: &Shared,
    feed: &Feed,
    response: &Response,
    document: &Document,
    news: &[News],
) -> Hubs {
    let any = feed.memory.hub;
    if is_delivered(feed) {
        return Hubs { problem: None, any };
    }
    let kind = if document.youtube_channel_id.is_some() { FeedKind::YoutubeChannel } else { feed.kind };
    let found = offer(&response.headers, &response.url, document, kind);
    // Most feeds have none and never had: that costs no question.
    if found.is_none() && !any && feed.hub.is_none() && feed.push_until.is_none() {
        return Hubs { problem: None, any };
    }
    match noted(shared, feed, found.as_ref(), news).await {
        Ok(problem) => Hubs { problem, any: found.is_some() },
        Err(error) => {
            // The next poll says the same.
            tracing::debug!(feed = %feed.id, %error, "the feed's hubs were not noted");
            Hubs { problem: None, any }
        }
    }
}

async fn noted(
    shared: &Shared,
    feed: &Feed,
    found: Option<&Offer>,
    news: &[News],
) -> Result<Option<(&'static str, String, String)>, StoreError> {
    let known = shared.store.feed_subscription(feed.id).await?;
    let same = match (found, &known) {
        (Some(found), Some(known)) => {
            found.topic == known.topic
                && found.hubs.len() == known.others.len() + 1
                && found.hubs.iter().all(|hub| *hub == known.hub || known.others.contains(hub))
        }
        (None, None) => true,
        _ => false,
    };
    if !same {
        let offer = found.map(|found| (found.hubs.as_slice(), found.topic.as_str()));
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
pub(super) fn random_text() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
