//! Entries: what was read of each feed, with the last raw revision of each.

use std::collections::HashMap;

use carewire_schemas::{EntryId, EntryV1, FeedId};

use uuid::Uuid;

use crate::{
    Result, Store, StoreError,
    db::{LIST, Row, args, transaction},
};

/// What is remembered of an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryRow {
    /// The entry.
    pub entry: EntryId,
    /// Its feed.
    pub feed: FeedId,
    /// Hash of its content.
    pub hash: i64,
    /// Its version: the feed's turn in which it last changed.
    pub version: i64,
    /// Declared deleted.
    pub deleted: bool,
}

/// An entry with its raw revision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryForRerun {
    /// What is remembered of it.
    pub row: EntryRow,
    /// The last raw revision, compressed (zstd).
    pub revision: Vec<u8>,
}

/// Largest raw revision that is believed, decompressed.
const MAX_REVISION: u64 = 32 * 1024 * 1024;

/// Reads a raw revision as ingest wrote it: the JSON of an `EntryV1`, compressed with zstd. None where none was kept, or it
/// cannot be read.
#[must_use]
pub fn read_revision(packed: &[u8]) -> Option<EntryV1> {
    use std::io::Read;
    let mut json = Vec::new();
    zstd::Decoder::new(packed).ok()?.take(MAX_REVISION).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

fn entry(row: &Row) -> Result<EntryRow> {
    Ok(EntryRow {
        feed: FeedId(row.uuid(0)?),
        entry: EntryId(row.uuid(1)?),
        hash: row.int(2)?,
        version: row.int(3)?,
        deleted: row.flag(4)?,
    })
}

impl Store {
    /// Those of the given entries that are known: hash of the content, and whether declared deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn known_entries(&self, feed: FeedId, entries: &[EntryId]) -> Result<HashMap<EntryId, (i64, bool)>> {
        let mut known = HashMap::with_capacity(entries.len());
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.0).collect();
        for ids in ids.chunks(LIST) {
            let mut sql = self.inner.db.sql("SELECT id, hash, deleted FROM entries WHERE feed = ");
            sql.bind(feed.0).push(" AND id").ids(ids);
            for row in self.inner.db.rows(sql).await? {
                known.insert(EntryId(row.uuid(0)?), (row.int(1)?, row.flag(2)?));
            }
        }
        Ok(known)
    }

    /// Entries of a feed that have one of these identities without their ids ([`EntryWrite::link`](crate::EntryWrite)):
    /// identity, entry, hash of the content.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn entries_by_link(&self, feed: FeedId, links: &[i64]) -> Result<Vec<(i64, EntryId, i64)>> {
        let mut found = Vec::new();
        for links in links.chunks(LIST) {
            // No index is kept for this: it is asked only where ids are unknown, and looks at one feed's rows.
            let mut sql = self.inner.db.sql("SELECT link, id, hash FROM entries WHERE feed = ");
            sql.bind(feed.0).push(" AND link").ints(links);
            for row in self.inner.db.rows(sql).await? {
                found.push((row.int(0)?, EntryId(row.uuid(1)?), row.int(2)?));
            }
        }
        Ok(found)
    }

    /// The last raw revision of an entry, compressed (zstd).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revision(&self, entry: EntryId) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT data FROM revisions WHERE entry = $1";
        self.inner.db.fetch_opt(sql, args![entry.0]).await?.map(|row| row.blob(0)).transpose()
    }

    /// Takes the next number of a re-run over what the store keeps: from 1, each higher than those before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_run(&self) -> Result<u32> {
        transaction!(self, |tx| {
            let sql = "INSERT INTO cursors (name, n) VALUES ('rerun', 1) \
                       ON CONFLICT (name) DO UPDATE SET n = cursors.n + 1 RETURNING n";
            let row = tx.fetch_opt(sql, vec![]).await?.ok_or(StoreError::Retry)?;
            u32::try_from(row.int(0)?).map_err(StoreError::unreadable)
        })
    }

    /// Entries of a feed, the last changed first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_entries(&self, feed: FeedId, limit: usize) -> Result<Vec<EntryRow>> {
        let sql =
            "SELECT feed, id, hash, version, deleted FROM entries WHERE feed = $1 ORDER BY version DESC, id LIMIT $2";
        self.inner.db.fetch(sql, args![feed.0, limit]).await?.iter().map(entry).collect()
    }

    /// All entries with their revisions, in order of (feed, entry), after the given one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn entries_for_rerun(
        &self,
        after: Option<(FeedId, EntryId)>,
        limit: usize,
    ) -> Result<Vec<EntryForRerun>> {
        let (feed, id) = after.map_or((Uuid::nil(), Uuid::nil()), |(feed, entry)| (feed.0, entry.0));
        let sql = "SELECT e.feed, e.id, e.hash, e.version, e.deleted, r.data FROM entries e \
                   JOIN revisions r ON r.entry = e.id WHERE (e.feed, e.id) > ($1, $2) ORDER BY e.feed, e.id LIMIT $3";
        let rows = self.inner.db.fetch(sql, args![feed, id, limit]).await?;
        rows.iter().map(|row| Ok(EntryForRerun { row: entry(row)?, revision: row.blob(5)? })).collect()
    }
}
