//! What is delivered: the changes of a topic between two numbers, written once for all who are equally far. Pure but for
//! the reading.

use std::collections::HashMap;

use bytes::Bytes;
use carewire_query::render::Deleted;
use carewire_schemas::{ChangeSeq, CuratedV1, ItemId};
use carewire_store::{PushTopic, Store};
use http::HeaderValue;
use jiff::Timestamp;

use crate::{
    feeds::{Problem, topic::Topic},
    matching::{self, Change, Kind},
};

/// Items of one delivery.
const ITEMS: usize = 100;
/// Changes read at once.
const ROWS: usize = 200;
/// Changes looked at for one delivery: a rare topic must not walk through the whole log in one go.
const SCANNED: usize = 4_000;

/// Where deliveries are made from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub store: &'a Store,
    pub vocabulary: &'static carewire_conditions::Vocabulary,
    /// The network's address with a slash at its end.
    pub base: &'a str,
}

/// What a subscriber gets.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Everything up to this number is in it, or does not concern the topic.
    pub upto: ChangeSeq,
    /// The body; none where nothing is to be told.
    pub body: Option<Bytes>,
    /// Its media type.
    pub media_type: HeaderValue,
}

/// What happened to each item of a topic, the last of it.
struct Told {
    upto: ChangeSeq,
    /// In the order of their last change.
    changes: Vec<(Kind, Change)>,
}

/// The changes after `from` that concern the topic, up to `to` or a full delivery.
async fn told(source: Source<'_>, topic: &Topic, from: ChangeSeq, to: ChangeSeq) -> Result<Told, Problem> {
    let query = topic.query();
    let (mut upto, mut scanned) = (from, 0);
    let mut last: HashMap<ItemId, (Kind, Change)> = HashMap::new();
    'reading: while upto < to && scanned < SCANNED {
        let changes = matching::read(source.store, upto, ROWS).await?;
        if changes.is_empty() {
            break;
        }
        for change in changes {
            if change.row.seq > to || last.len() >= ITEMS {
                break 'reading;
            }
            (upto, scanned) = (change.row.seq, scanned + 1);
            if let Some(kind) = change.to(&query, source.vocabulary) {
                last.insert(change.row.item, (kind, change));
            }
        }
    }
    let mut changes: Vec<(Kind, Change)> = last.into_values().collect();
    changes.sort_by_key(|(_, change)| change.row.seq);
    Ok(Told { upto, changes })
}

/// What the hub distributes to those who have everything up to `from`: a feed of the items that changed since.
///
/// # Errors
/// When the topic is none any more, or the store fails.
pub async fn of_hub(source: Source<'_>, topic: &PushTopic, from: ChangeSeq) -> Result<Parcel, Problem> {
    let feed = Topic::read(&topic.topic, source.vocabulary)?;
    let told = told(source, &feed, from, topic.last).await?;
    let mut items: Vec<CuratedV1> = Vec::new();
    let mut deleted: Vec<Deleted> = Vec::new();
    let mut updated = Timestamp::UNIX_EPOCH;
    // The newest first, as in every feed.
    for (kind, change) in told.changes.iter().rev() {
        let at = Timestamp::from_millisecond(change.row.at).unwrap_or(Timestamp::UNIX_EPOCH);
        match (kind, change.item()) {
            (Kind::Added | Kind::Updated, Some(item)) => items.push(item.clone()),
            (Kind::Removed, item) if feed.tells_removals() => {
                let withdrawn = item.and_then(|item| item.withdrawn.as_ref());
                let reason =
                    withdrawn.map_or_else(|| "no longer part of this feed".to_owned(), |why| why.reason.clone());
                deleted.push(Deleted { id: change.row.item, at, reason: Some(reason) });
            }
            _ => continue,
        }
        updated = updated.max(at);
    }
    let body = match items.is_empty() && deleted.is_empty() {
        true => None,
        false => {
            let place = (source.store, source.vocabulary, source.base);
            Some(feed.render(place, items, deleted, updated).await?.into())
        }
    };
    Ok(Parcel { upto: told.upto, body, media_type: feed.media_type() })
}
