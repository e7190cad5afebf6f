//! Pages of entries, looked at again: which are due, at a pace that holds for all workers together, and what was found.
//!
//! A page is looked at under a claim, as feeds are: `turn` is raised by it, and what an older claim found changes nothing.
//! Each host has one time at which it may be asked for the next of its pages, so a host of very many pages costs no more
//! to look through than one of few.

use std::{collections::HashMap, time::Duration};

use carewire_schemas::{EntryId, FeedId, Person};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::{
    ItemState, Result, Store, StoreError,
    db::{Kind, LIST, Row, Tx, Value, args, later, transaction},
    named::named_enum,
};

named_enum! {
    /// How the page of an entry stands.
    PageState {
        /// It is looked at now and then.
        Watched = "watched",
        /// It is missing, and its entry was withdrawn for it.
        Gone = "gone",
        /// It is missing, but too many of its feed are: nothing was withdrawn.
        Held = "held",
    }
}

/// The page of an entry that is to be remembered with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageAddress {
    /// Where it is.
    pub url: String,
    /// Host of `url`: name or address, without port.
    pub host: String,
    /// When it is looked at first.
    pub first_look: Timestamp,
}

/// What a page says of its review.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct PageFacts {
    /// When its content was last reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<Timestamp>,
    /// When it is to be reviewed again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_review: Option<Timestamp>,
    /// Who reviewed it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reviewed_by: Vec<Person>,
}

/// The page of an entry, and what was found of it so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryPage {
    /// The entry.
    pub entry: EntryId,
    /// Its feed.
    pub feed: FeedId,
    /// The page as the feed has it.
    pub url: String,
    /// How it stands.
    pub state: PageState,
    /// HTTP status of the last answer.
    pub status: Option<i32>,
    /// Since when it was found missing, with no other answer since.
    pub gone_since: Option<Timestamp>,
    /// Where it redirects to for good.
    pub moved_to: Option<String>,
    /// Since when it does.
    pub moved_since: Option<Timestamp>,
    /// Where it is, once a move is certain.
    pub address: Option<String>,
    /// What it says of its review.
    pub facts: PageFacts,
    /// `ETag` of the last answer, as sent.
    pub etag: Option<String>,
    /// `Last-Modified` of the last answer, as sent.
    pub last_modified: Option<String>,
    /// Where the item stands that the entry carries; none before there is one. Told by a claim only.
    pub item: Option<ItemState>,
    /// Raised with each claim.
    turn: i64,
}

impl EntryPage {
    /// A page of which nothing is known.
    #[must_use]
    pub fn new(entry: EntryId, feed: FeedId, url: &str) -> Self {
        Self {
            entry,
            feed,
            url: url.to_owned(),
            state: PageState::Watched,
            status: None,
            gone_since: None,
            moved_to: None,
            moved_since: None,
            address: None,
            facts: PageFacts::default(),
            etag: None,
            last_modified: None,
            item: None,
            turn: 0,
        }
    }
}

/// How fast pages are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PagePace {
    /// Pages in a minute at most, all workers together.
    pub per_minute: u32,
    /// Time between two pages of one host.
    pub host_pause: Duration,
    /// No page is looked at sooner after it was noted.
    pub first: Duration,
}

macro_rules! columns {
    () => {
        "entry, feed, url, state, status, gone_since, moved_to, moved_since, address, facts, etag, last_modified, turn"
    };
}

fn page(row: &Row) -> Result<EntryPage> {
    Ok(EntryPage {
        entry: EntryId(row.uuid(0)?),
        feed: FeedId(row.uuid(1)?),
        url: row.text(2)?,
        state: row.named(3)?,
        status: row.opt_int(4)?.and_then(|status| i32::try_from(status).ok()),
        gone_since: row.opt_time(5)?,
        moved_to: row.opt_text(6)?,
        moved_since: row.opt_time(7)?,
        address: row.opt_text(8)?,
        facts: row.json(9)?,
        etag: row.opt_text(10)?,
        last_modified: row.opt_text(11)?,
        item: None,
        turn: row.int(12)?,
    })
}

impl Store {
    /// Notes pages of entries, in values of (entry, feed, host, url, first look): one that is known at the same address stays
    /// as it is, unless its entry had been withdrawn for it and is there again.
    pub(crate) async fn write_pages(
        tx: &mut Tx,
        hosts: Vec<String>,
        rows: Vec<Value>,
        first: Option<Timestamp>,
    ) -> Result<()> {
        let Some(first) = first else { return Ok(()) };
        let head = "INSERT INTO page_hosts (host, ready_at)";
        let values = hosts.into_iter().flat_map(|host| args![host, first]).collect();
        tx.insert(head, 2, " ON CONFLICT (host) DO NOTHING", values).await?;
        let tail = " ON CONFLICT (entry) DO UPDATE SET url = excluded.url, host = excluded.host, state = 'watched', \
                    next_look = excluded.next_look, turn = entry_pages.turn + 1, status = NULL, gone_since = NULL, \
                    moved_to = NULL, moved_since = NULL, address = NULL, etag = NULL, last_modified = NULL \
                    WHERE entry_pages.url <> excluded.url OR entry_pages.state <> 'watched'";
        tx.insert("INSERT INTO entry_pages (entry, feed, host, url, next_look)", 5, tail, rows).await.map(drop)
    }

    /// When a page may be due; none where there are no pages.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pages_due(&self) -> Result<Option<Timestamp>> {
        let row = self.inner.db.fetch_opt("SELECT MIN(ready_at) FROM page_hosts", vec![]).await?;
        row.map(|row| row.opt_time(0)).transpose().map(Option::flatten)
    }

    /// Claims due pages for `hold`: at most one of each host, the longest waiting host first, within the pace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_pages(&self, limit: usize, pace: &PagePace, hold: Duration) -> Result<Vec<EntryPage>> {
        // Looked first without a write: mostly there is none.
        let now = self.now().await?;
        if self.pages_due().await?.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let minute = now.as_second().div_euclid(60);
            let sql = "UPDATE page_pace SET used = CASE WHEN minute = $1 THEN used ELSE 0 END, minute = $1 \
                       WHERE id = 1 RETURNING used";
            let used = tx.fetch_opt(sql, args![minute]).await?.map(|row| row.int(0)).transpose()?.unwrap_or_default();
            let left = i64::from(pace.per_minute) - used;
            let limit = limit.min(usize::try_from(left).unwrap_or_default());
            if limit == 0 {
                return Ok(Vec::new());
            }
            let mut sql = tx.sql("SELECT host FROM page_hosts WHERE ready_at <= ");
            sql.bind(now).push(" ORDER BY ready_at, host LIMIT ").bind(limit);
            sql.push_on(Kind::Postgres, " FOR UPDATE SKIP LOCKED");
            let hosts = tx.rows(sql).await?.iter().map(|row| row.text(0)).collect::<Result<Vec<_>>>()?;
            let mut claimed = Vec::new();
            for host in hosts {
                claimed.extend(Self::claim_page(&mut tx, &host, now, pace, hold).await?);
            }
            tx.execute("UPDATE page_pace SET used = used + $1 WHERE id = 1", args![claimed.len()]).await?;
            Ok(claimed)
        })
    }

    /// Claims the page of a host that waits longest, where one is due, and says when the host may be asked next.
    async fn claim_page(
        tx: &mut Tx,
        host: &str,
        now: Timestamp,
        pace: &PagePace,
        hold: Duration,
    ) -> Result<Option<EntryPage>> {
        let mut sql = tx.sql("SELECT entry FROM entry_pages WHERE host = ");
        sql.bind(host).push(" AND next_look <= ").bind(now).push(" ORDER BY next_look LIMIT 1").for_update();
        let due = tx.rows(sql).await?.first().map(|row| row.uuid(0)).transpose()?;
        let mut claimed = None;
        if let Some(entry) = due {
            let sql = concat!(
                "UPDATE entry_pages SET turn = turn + 1, next_look = $2 WHERE entry = $1 RETURNING ",
                columns!()
            );
            claimed = tx.fetch_opt(sql, args![entry, later(now, hold)]).await?.as_ref().map(page).transpose()?;
        }
        if let Some(page) = &mut claimed {
            let sql = "SELECT i.state FROM group_sources s JOIN items i ON i.id = s.item WHERE s.entry = $1";
            page.item = tx.fetch_opt(sql, args![page.entry.0]).await?.map(|row| row.named(0)).transpose()?;
        }
        let sql = "SELECT MIN(next_look) FROM entry_pages WHERE host = $1 AND next_look IS NOT NULL";
        let next = tx.fetch_opt(sql, args![host]).await?.map(|row| row.opt_time(0)).transpose()?.flatten();
        let Some(next) = next else {
            tx.execute("DELETE FROM page_hosts WHERE host = $1", args![host]).await?;
            return Ok(claimed);
        };
        // A page that is noted meanwhile does not touch this row, and is not due before then.
        let next = next.min(later(now, pace.first));
        let ready = if claimed.is_some() { next.max(later(now, pace.host_pause)) } else { next.max(now) };
        tx.execute("UPDATE page_hosts SET ready_at = $2 WHERE host = $1", args![host, ready]).await?;
        Ok(claimed)
    }

    /// Writes what was found of a claimed page and when it is looked at next (`None`: never again). False where it was
    /// claimed again or its entry was told anew meanwhile; nothing is written then. `looked` says whether the page was
    /// asked for and answered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page_looked(&self, page: &EntryPage, looked: bool, next: Option<Duration>) -> Result<bool> {
        let facts = serde_json::to_string(&page.facts).map_err(StoreError::unreadable)?;
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "UPDATE entry_pages SET state = $3, status = $4, gone_since = $5, moved_to = $6, moved_since = $7, \
                       address = $8, facts = $9, etag = $10, last_modified = $11, next_look = $12, \
                       looked_at = COALESCE($13, looked_at) WHERE entry = $1 AND turn = $2 RETURNING host";
            let next = next.map(|next| later(now, next));
            let args = args![
                page.entry.0,
                page.turn,
                page.state.as_str(),
                page.status,
                page.gone_since,
                page.moved_to.clone(),
                page.moved_since,
                page.address.clone(),
                facts.clone(),
                page.etag.clone(),
                page.last_modified.clone(),
                next,
                looked.then_some(now)
            ];
            let Some(row) = tx.fetch_opt(sql, args).await? else { return Ok(false) };
            if let Some(next) = next {
                // The host may be due later only because this page was held.
                let sql = "UPDATE page_hosts SET ready_at = $2 WHERE host = $1 AND ready_at > $2";
                tx.execute(sql, args![row.text(0)?, next]).await?;
            }
            Ok(true)
        })
    }

    /// The next of a host's pages is not looked at before `wait` has passed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delay_pages(&self, host: &str, wait: Duration) -> Result<()> {
        transaction!(self, |tx| {
            let ready = later(tx.now().await?, wait);
            let sql = "UPDATE page_hosts SET ready_at = $2 WHERE host = $1 AND ready_at < $2";
            tx.execute(sql, args![host, ready]).await.map(drop)
        })
    }

    /// What is known of the pages of these entries.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn entry_pages(&self, entries: &[EntryId]) -> Result<HashMap<EntryId, EntryPage>> {
        let mut found = HashMap::new();
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.0).collect();
        for ids in ids.chunks(LIST) {
            let mut sql = self.inner.db.sql(concat!("SELECT ", columns!(), " FROM entry_pages WHERE entry"));
            sql.ids(ids);
            for row in self.inner.db.rows(sql).await? {
                let page = page(&row)?;
                found.insert(page.entry, page);
            }
        }
        Ok(found)
    }

    /// Of a feed's pages looked at since then: how many, and how many of them are missing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn missing_pages(&self, feed: FeedId, since: Timestamp) -> Result<(i64, i64)> {
        let sql = "SELECT COUNT(*), COUNT(gone_since) FROM entry_pages WHERE feed = $1 AND looked_at >= $2";
        let row = self.inner.db.fetch_opt(sql, args![feed.0, since]).await?;
        row.map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)?)))
    }

    /// How many of a feed's pages are missing without having been withdrawn for it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn held_pages(&self, feed: FeedId) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM entry_pages WHERE feed = $1 AND looked_at IS NOT NULL AND state = 'held'";
        self.inner.db.fetch_opt(sql, args![feed.0]).await?.map_or(Ok(0), |row| row.int(0))
    }

    /// Whether another page of the feed leads to this address as well: then it is where a site sends all that is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn others_moved_to(&self, page: &EntryPage, address: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM entry_pages WHERE feed = $1 AND looked_at IS NOT NULL AND entry <> $2 \
                   AND (moved_to = $3 OR address = $3) LIMIT 1";
        Ok(self.inner.db.fetch_opt(sql, args![page.feed.0, page.entry.0, address]).await?.is_some())
    }
}
