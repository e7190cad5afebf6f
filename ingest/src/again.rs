//! Entries told beside polls: the last revision again with what was learned elsewhere, or that an entry is withdrawn.

use carewire_bus::{Producer, stage::event_record};
use carewire_schemas::{
    Change, Content, EntryId, EntryV1, EventHeaders, FeedId, TraceParent, Via, cloudevents::encode, topics,
};
use carewire_store::{EntryWrite, Feed, PollDone, PushTurn, Store, StoreError};
use jiff::Timestamp;

use crate::emit::compressed;

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It was told, or there is nothing to tell.
    Done,
    /// The feed is being polled, or the bus is away: later.
    Later,
}

/// Which entry, and where what is told of it goes.
#[derive(Clone, Copy)]
pub(crate) struct Again<'a> {
    pub(crate) store: &'a Store,
    pub(crate) producer: &'a Producer,
    pub(crate) feed: FeedId,
    pub(crate) entry: EntryId,
}

impl Again<'_> {
    /// Tells the last revision again where `change` says that it changed it. One that is declared deleted stays so, unless
    /// `revive`.
    pub(crate) async fn tell(&self, revive: bool, change: impl Fn(&mut Content) -> bool) -> Result<Told, StoreError> {
        let Some((hash, deleted)) = self.known().await? else { return Ok(Told::Done) };
        let Some(mut event) = self.revision().await? else { return Ok(Told::Done) };
        if (deleted && !revive) || (!change(&mut event.content) && !deleted) {
            return Ok(Told::Done);
        }
        let feed = match self.turn().await? {
            Ok(feed) => feed,
            Err(told) => return Ok(told),
        };
        // Read again: only now nobody else writes a newer one unseen.
        let Some(mut event) = self.revision().await? else { return Ok(Told::Done) };
        change(&mut event.content);
        (event.version, event.change, event.via, event.seen) =
            (feed.turn, Change::Changed, Via::Poll, Timestamp::now());
        self.send(&feed, event, hash).await
    }

    /// Tells that the entry is withdrawn, and why.
    pub(crate) async fn withdraw(&self, reason: &str) -> Result<Told, StoreError> {
        let Some((hash, false)) = self.known().await? else { return Ok(Told::Done) };
        let guid = self.revision().await?.and_then(|event| event.content.guid);
        let feed = match self.turn().await? {
            Ok(feed) => feed,
            Err(told) => return Ok(told),
        };
        let event = EntryV1 {
            entry: self.entry,
            feed: feed.id,
            organization: feed.organization,
            version: feed.turn,
            via: Via::Poll,
            change: Change::Deleted,
            history: false,
            seen: Timestamp::now(),
            reason: Some(reason.to_owned()),
            content: Content { guid, ..Content::default() },
        };
        self.send(&feed, event, hash).await
    }

    /// Hash of the last revision, and whether it is declared deleted.
    async fn known(&self) -> Result<Option<(i64, bool)>, StoreError> {
        Ok(self.store.known_entries(self.feed, &[self.entry]).await?.get(&self.entry).copied())
    }

    async fn revision(&self) -> Result<Option<EntryV1>, StoreError> {
        let revision = self.store.revision(self.entry).await?.unwrap_or_default();
        Ok(zstd::decode_all(&revision[..]).ok().and_then(|json| serde_json::from_slice(&json).ok()))
    }

    async fn turn(&self) -> Result<Result<Feed, Told>, StoreError> {
        Ok(match self.store.page_turn(self.feed).await? {
            PushTurn::Taken(feed) => Ok(*feed),
            PushTurn::Busy => Err(Told::Later),
            PushTurn::Off => Err(Told::Done),
        })
    }

    async fn send(&self, feed: &Feed, event: EntryV1, hash: i64) -> Result<Told, StoreError> {
        let Some(topic) = topics::by_name(topics::ENTRIES) else { return Ok(Told::Done) };
        let Ok(value) = encode(&event) else { return Ok(Told::Done) };
        let headers = EventHeaders::new(topic, "ingest", event.entry.to_string(), event.version, TraceParent::new());
        let deleted = event.change == Change::Deleted;
        let write = EntryWrite {
            entry: event.entry,
            hash,
            version: event.version,
            deleted,
            // Of a deleted entry the last revision stays.
            revision: if deleted { Vec::new() } else { compressed(&value) },
            link: None,
            page: None,
        };
        if let Err(error) = self.producer.send(topics::ENTRIES, event_record(&headers, value)).await {
            tracing::debug!(%error, "an entry was not told again; it is tried later");
            return Ok(Told::Later);
        }
        let done: PollDone = crate::websub::pings::entries_only(feed, vec![write]);
        Ok(match self.store.finish_polls(vec![done]).await?.first() {
            Some(true) => Told::Done,
            _ => Told::Later,
        })
    }
}
