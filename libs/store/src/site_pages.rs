//! Pages of site maps that were looked at: what makes a page of a map new or changed.

use std::collections::HashMap;

use carewire_schemas::FeedId;
use jiff::Timestamp;

use crate::{
    Result, Store,
    db::{args, transaction},
};

impl Store {
    /// The pages of a site map that were looked at, by the hash of their address, with the change that the map stated then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn site_pages(&self, feed: FeedId) -> Result<HashMap<i64, Option<Timestamp>>> {
        let rows = self.inner.db.fetch("SELECT page, modified FROM site_pages WHERE feed = $1", args![feed.0]).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.opt_time(1)?))).collect()
    }

    /// Notes pages of a site map as looked at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_site_pages(&self, feed: FeedId, pages: &[(i64, Option<Timestamp>)]) -> Result<()> {
        if pages.is_empty() {
            return Ok(());
        }
        // One statement cannot write a row twice.
        let pages: HashMap<i64, Option<Timestamp>> = pages.iter().copied().collect();
        transaction!(self, |tx| {
            let rows = pages.iter().flat_map(|(&page, &modified)| args![feed.0, page, modified]);
            tx.insert(
                "INSERT INTO site_pages (feed, page, modified)",
                3,
                " ON CONFLICT (feed, page) DO UPDATE SET modified = excluded.modified",
                rows.collect(),
            )
            .await
            .map(drop)
        })
    }
}
