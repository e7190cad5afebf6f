//! Rendering a feed from store and index.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use carewire_conditions::Vocabulary;
use carewire_query::{
    Cursor, Query, Tri, public,
    render::{self, Deleted, FeedItem, FeedMeta, Format, Paging},
};
use carewire_schemas::{ChangeSeq, CuratedV1, Fields, ItemId};
use carewire_store::{ChangeRow, ItemState, Store};
use jiff::Timestamp;

use super::{
    FeedsState, Problem,
    address::{FeedAddress, Part, Subject},
    archive::{self, PAGE, Range},
};

/// Items of the newest part of a feed.
const NEWEST: usize = 100;
/// Most items of an archive: it was cut at [`PAGE`], but items withdrawn then may have come back.
const ARCHIVE_MOST: usize = 256;
/// Most withdrawals that an Atom feed tells of.
const DELETED: usize = 100;

/// A feed as bytes, and what it is checked by.
pub(super) struct Built {
    pub body: Vec<u8>,
    /// When anything in it last changed, where that is known.
    pub updated: Option<Timestamp>,
    /// Changes up to this number are in it.
    pub checked: ChangeSeq,
}

/// Items of a feed, newest (or best) first.
struct Found {
    items: Vec<(ChangeSeq, CuratedV1)>,
    /// Where the next page of a search begins.
    next: Option<Cursor>,
    checked: ChangeSeq,
}

impl FeedsState {
    /// Renders a feed as of now.
    pub(super) async fn build(&self, address: &FeedAddress) -> Result<Built, Problem> {
        // What the log has now, every later reading of the store has too.
        let inner = &self.inner;
        inner.index.recent().advance(&inner.store, self.current()).await?;
        let known = inner.index.recent().tip().max(0);
        let (title, page_url) = title(&inner.store, inner.vocabulary, &inner.base, address).await?;
        let query = address.subject.query();
        let (found, paging) = match address.part {
            Part::Newest => self.newest(address, &query, known).await?,
            Part::After(cursor) => {
                let found = self.search(&query, address, Some(cursor), NEWEST, known).await?;
                let next = found.next.map(|next| address.part(Part::After(next)).url(&inner.base));
                let first = Some(address.part(Part::Newest).url(&inner.base));
                (found, Paging { first, next, ..Paging::default() })
            }
            Part::Archive(range) => self.archive(address, &query, range, known).await?,
        };
        let departed = self.departed(address, &query);
        let deleted = if address.format == Format::Atom && !paging.archive {
            self.deleted(&query, &departed).await?
        } else {
            Vec::new()
        };
        let left = departed.iter().filter_map(|row| Timestamp::from_millisecond(row.at).ok());
        let left = if paging.archive { None } else { left.max() };
        let changed = found.items.iter().map(|(_, item)| item.updated);
        let updated = changed.chain(left).max().unwrap_or(Timestamp::UNIX_EPOCH);
        let newest_part = address.part(Part::Newest);
        let alternates = Format::ALL.into_iter().filter(|format| *format != address.format);
        let meta = FeedMeta {
            id: render::feed_id(&newest_part.in_format(Format::Atom).url(&inner.base)),
            title,
            description: format!("Health content from the organizations of this network, curated. {}", inner.base),
            base: inner.base.clone(),
            self_url: address.url(&inner.base),
            page_url,
            alternates: alternates.map(|format| (format, address.in_format(format).url(&inner.base))).collect(),
            language: "en".to_owned(),
            updated,
            // An archive or a page further back is followed through its feed.
            hub: inner.hub.clone().filter(|_| matches!(address.part, Part::Newest)),
            paging,
            deleted,
        };
        let items: Vec<FeedItem> = found.items.into_iter().map(|(_, value)| FeedItem { value }).collect();
        let body = render::render(address.format, &meta, &items);
        Ok(Built { body, updated: Some(updated), checked: found.checked })
    }

    async fn newest(&self, address: &FeedAddress, query: &Query, known: ChangeSeq) -> Result<(Found, Paging), Problem> {
        let base = &self.inner.base;
        if let Subject::Search(_) = address.subject {
            let found = self.search(query, address, None, NEWEST, known).await?;
            let next = found.next.map(|next| address.part(Part::After(next)).url(base));
            return Ok((found, Paging { next, ..Paging::default() }));
        }
        // One more than is shown tells whether there is an archive.
        let mut found = match address.subject {
            Subject::All => self.latest(None, NEWEST + 1, known).await?,
            _ => self.search(query, address, None, NEWEST + 1, known).await?,
        };
        let mut paging = Paging::default();
        if let (Some((hidden, _)), Some((newest, _))) = (found.items.get(NEWEST), found.items.first())
            && let Some(end) = archive::newest_end(*hidden, *newest)
        {
            paging.prev_archive = self.archive_before(address, query, end).await?;
        }
        found.items.truncate(NEWEST);
        Ok((found, paging))
    }

    async fn archive(
        &self,
        address: &FeedAddress,
        query: &Query,
        range: Range,
        known: ChangeSeq,
    ) -> Result<(Found, Paging), Problem> {
        if range.to > known.saturating_add(1) {
            return Err(Problem::not_found("there is no such archive yet: archives hold complete ranges"));
        }
        let mut found = match address.subject {
            Subject::All => self.latest(Some(range.to), ARCHIVE_MOST + 1, known).await?,
            _ => self.search(query, address, Some(Cursor::First(range.to)), ARCHIVE_MOST + 1, known).await?,
        };
        found.items.retain(|(first, _)| *first >= range.from);
        if found.items.len() > ARCHIVE_MOST {
            return Err(Problem::not_found("there is no such archive: it would hold too much"));
        }
        let paging = Paging {
            archive: true,
            current: Some(address.part(Part::Newest).url(&self.inner.base)),
            prev_archive: self.archive_before(address, query, range.from).await?,
            ..Paging::default()
        };
        Ok((found, paging))
    }

    /// The address of the archive before `end`.
    async fn archive_before(
        &self,
        address: &FeedAddress,
        query: &Query,
        end: ChangeSeq,
    ) -> Result<Option<String>, Problem> {
        let index = &self.inner.index;
        let firsts: Vec<ChangeSeq> = if address.subject == Subject::All && index.position() < end {
            let rows = self.inner.store.latest(Some(end), PAGE + 1).await?;
            rows.iter().filter_map(|row| row.first).collect()
        } else {
            let (index, query) = (Arc::clone(index), query.clone());
            let search = move || index.search(&query, Some(Cursor::First(end)), PAGE + 1);
            let hits = tokio::task::spawn_blocking(search).await??;
            hits.hits.iter().map(|hit| hit.first).collect()
        };
        let range = archive::before(end, &firsts);
        Ok(range.map(|range| address.part(Part::Archive(range)).url(&self.inner.base)))
    }

    /// The newest of all, straight from the store.
    async fn latest(&self, before: Option<ChangeSeq>, limit: usize, known: ChangeSeq) -> Result<Found, Problem> {
        let rows = self.inner.store.latest(before, limit).await?;
        let items = rows.iter().filter_map(|row| Some((row.first?, read(row.id, &row.content)?))).collect();
        Ok(Found { items, next: None, checked: known })
    }

    /// Answers of the index, with the changes that it has not seen laid over them.
    async fn search(
        &self,
        query: &Query,
        address: &FeedAddress,
        after: Option<Cursor>,
        limit: usize,
        known: ChangeSeq,
    ) -> Result<Found, Problem> {
        let inner = &self.inner;
        let (index, asked, order) = (Arc::clone(&inner.index), query.clone(), address.subject.order());
        let hits = tokio::task::spawn_blocking(move || index.search_in_order(&asked, order, after, limit)).await??;
        let unseen = inner.index.recent().between(hits.position, known);
        // Far behind (it is being built): what it has is the answer, and it is asked again when it has more.
        let checked = if unseen.is_some() { known } else { hits.position.min(known) };
        let unseen = unseen.unwrap_or_default();
        let mut ids: Vec<ItemId> = hits.hits.iter().map(|hit| hit.id).collect();
        let mut changed: HashSet<ItemId> = HashSet::new();
        for row in &unseen {
            if touches(row, query, self).is_some() && changed.insert(row.item) && !ids.contains(&row.item) {
                ids.push(row.item);
            }
        }
        let mut by_id: HashMap<ItemId, (ChangeSeq, CuratedV1)> = HashMap::with_capacity(ids.len());
        for content in inner.store.contents(&ids).await? {
            if let (ItemState::Curated, Some(first)) = (content.state, content.first)
                && let Some(item) = read(content.id, &content.content)
            {
                let answers = || {
                    query.matches(&public::fields(&item), inner.vocabulary) != Tri::No
                        && query.matches_text(&item, inner.vocabulary)
                };
                if !changed.contains(&content.id) || answers() {
                    by_id.insert(content.id, (first, item));
                }
            }
        }
        let mut items: Vec<(ChangeSeq, CuratedV1)> = ids.iter().filter_map(|id| by_id.remove(id)).collect();
        if order == carewire_query::Sort::Newest {
            if let Some(Cursor::First(before)) = after {
                items.retain(|(first, _)| *first < before);
            }
            if let Some(Cursor::First(last)) = hits.next {
                // What lies behind this page belongs to the next.
                items.retain(|(first, _)| *first >= last);
            }
            items.sort_by_key(|(first, _)| std::cmp::Reverse(*first));
        }
        let cut = items.len() > limit;
        items.truncate(limit);
        let next = match (cut, order, items.last()) {
            (true, carewire_query::Sort::Newest, Some((last, _))) => Some(Cursor::First(*last)),
            _ => hits.next,
        };
        Ok(Found { items, next, checked })
    }

    /// The newest rows by which an item left this feed.
    fn departed(&self, address: &FeedAddress, query: &Query) -> Vec<Arc<ChangeRow>> {
        if !matches!(address.part, Part::Newest) {
            return Vec::new();
        }
        self.inner.index.recent().departures(DELETED, |row| {
            let answers = |fields: &Fields| query.matches(fields, self.inner.vocabulary);
            let (was, is) = (row.before.as_ref().map(answers), row.after.as_ref().map(answers));
            match (was, is) {
                (None | Some(Tri::No), _) => false,
                (_, None | Some(Tri::No)) => true,
                // Only its text could tell whether it left; that it changed is enough for `updated`.
                (_, is) => is == Some(Tri::NeedsText),
            }
        })
    }

    /// Of departures those that still hold: the item is withdrawn, or is no longer what the feed is about.
    async fn deleted(&self, query: &Query, departed: &[Arc<ChangeRow>]) -> Result<Vec<Deleted>, Problem> {
        let mut at: HashMap<ItemId, i64> = HashMap::new();
        let mut ids = Vec::new();
        for row in departed {
            at.entry(row.item).or_insert_with(|| {
                ids.push(row.item);
                row.at
            });
        }
        let mut by_id = HashMap::new();
        if !ids.is_empty() {
            for row in self.inner.store.items(&ids).await? {
                let reason = match (&row.fields, row.state) {
                    (Some(fields), ItemState::Curated) => {
                        if query.matches(fields, self.inner.vocabulary) != Tri::No {
                            continue;
                        }
                        "no longer part of this feed".to_owned()
                    }
                    _ => match public::withdrawal(&row) {
                        Ok(Some(CuratedV1 { withdrawn: Some(withdrawn), .. })) => withdrawn.reason,
                        _ => "withdrawn".to_owned(),
                    },
                };
                by_id.insert(row.id, reason);
            }
        }
        let deleted = |id: ItemId| {
            let reason = by_id.remove(&id)?;
            let at = Timestamp::from_millisecond(*at.get(&id)?).ok()?;
            Some(Deleted { id, at, reason: Some(reason) })
        };
        Ok(ids.into_iter().filter_map(deleted).collect())
    }
}

/// The feed's title and the page that shows the same.
pub(super) async fn title(
    store: &Store,
    vocabulary: &Vocabulary,
    base: &str,
    address: &FeedAddress,
) -> Result<(String, String), Problem> {
    Ok(match &address.subject {
        Subject::All => ("Carewire: all curated health content".to_owned(), base.to_owned()),
        Subject::Condition { code, .. } => {
            let name = vocabulary.get(code).map_or_else(|| code.to_string(), |found| found.name().to_owned());
            (format!("Carewire: {name}"), format!("{base}conditions/{code}"))
        }
        Subject::Organization(slug) => {
            let found = store.organization_by_slug(slug.as_str()).await?;
            let organization =
                found.ok_or_else(|| Problem::not_found(format!("there is no organization named {slug}")))?;
            (format!("Carewire: {}", organization.name), format!("{base}organizations/{slug}"))
        }
        Subject::Search(query) => {
            let words = query.q.as_ref().map_or_else(|| query.canonical(), |q| q.canonical());
            (format!("Carewire: {words}"), format!("{base}search?{}", query.canonical()))
        }
    })
}

/// Whether a change may have altered the answers to a question; `Some(true)`: an item no
/// longer answers it.
pub(super) fn touches(row: &ChangeRow, query: &Query, state: &FeedsState) -> Option<bool> {
    let answers = |fields: &Fields| query.matches(fields, state.inner.vocabulary) != Tri::No;
    let was = row.before.as_ref().is_some_and(answers);
    let is = row.after.as_ref().is_some_and(answers);
    (was || is).then_some(was && !is)
}

/// The public form from its column; one that cannot be read is left out of feeds.
fn read(id: ItemId, content: &str) -> Option<CuratedV1> {
    match serde_json::from_str(content) {
        Ok(item) => Some(item),
        Err(error) => {
            tracing::warn!(item = %id, %error, "an item cannot be read and is left out of feeds");
            None
        }
    }
}
