//! How the network stands to feeds, and the log of changes of that, which the grouping worker reads.

use std::collections::HashMap;

use carewire_schemas::{FeedId, OrganizationId};

use crate::{Proof, Result, Standing, Store};

/// How the network stands to a feed and its organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedStanding {
    /// Whose feed it is.
    pub organization: OrganizationId,
    /// Short name of the organization.
    pub slug: String,
    /// Name of the organization.
    pub name: String,
    /// How the network stands to the organization.
    pub standing: Standing,
    /// What shows that the feed is the organization's own.
    pub proof: Proof,
    /// The feed's title.
    pub title: Option<String>,
    /// The feed's address.
    pub url: String,
    /// The feed's host.
    pub host: String,
    /// The site that the feed says it belongs to.
    pub site_url: Option<String>,
    /// The organization's site.
    pub organization_site: Option<String>,
}

impl Store {
    /// How the network stands to the given feeds, in one query. Feeds that are not there are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn standings(&self, feeds: &[FeedId]) -> Result<HashMap<FeedId, FeedStanding>> {
        todo!("{feeds:?}")
    }

    /// Changes of standing or proof after the given number: number and organization, in order of the number, which is
    /// commit order. [`GroupBatch::standing_done`](crate::GroupBatch) says how far the worker is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn standing_changes(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, OrganizationId)>> {
        todo!("{after} {limit}")
    }

    /// Up to where the grouping worker has handled changes of standing; 0 at first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn standing_done(&self) -> Result<i64> {
        todo!()
    }
}
