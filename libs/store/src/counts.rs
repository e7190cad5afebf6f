//! Figures for pages and metrics, kept while writing: asking for them never scans.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{FeedState, ItemState, Result, Standing, Store};

/// How much there is.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Counts {
    /// Organizations by standing.
    pub organizations: BTreeMap<Standing, i64>,
    /// Feeds by state.
    pub feeds: BTreeMap<FeedState, i64>,
    /// Items by state.
    pub items: BTreeMap<ItemState, i64>,
    /// Entries known.
    pub entries: i64,
    /// Mails not sent yet.
    pub unsent_mail: i64,
    /// The last number of the sequence.
    pub last_seq: i64,
}

impl Store {
    /// How much there is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self) -> Result<Counts> {
        todo!()
    }
}
