//! Entries: what was read of each feed, with the last raw revision of each.

use std::collections::HashMap;

use carewire_schemas::{EntryId, FeedId};

use crate::{Result, Store};

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

impl Store {
    /// Those of the given entries that are known: hash of the content, and whether declared deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn known_entries(
        &self,
        feed: FeedId,
        entries: &[EntryId],
    ) -> Result<HashMap<EntryId, (i64, bool)>> {
        todo!("{feed} {entries:?}")
    }

    /// The last raw revision of an entry, compressed (zstd).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revision(&self, entry: EntryId) -> Result<Option<Vec<u8>>> {
        todo!("{entry}")
    }

    /// Entries of a feed, the last changed first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_entries(&self, feed: FeedId, limit: usize) -> Result<Vec<EntryRow>> {
        todo!("{feed} {limit}")
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
        todo!("{after:?} {limit}")
    }
}
