//! How the network stands to feeds, and the log of changes of that, which the grouping worker reads.

use std::collections::HashMap;

use carewire_schemas::{FeedId, OrganizationId, Rights, Tier};
use jiff::Timestamp;

use uuid::Uuid;

use crate::{
    FeedHold, Proof, Result, Standing, Store, StoreError,
    db::{LIST, Tx, args},
};

/// The grouping worker's cursor in the log of changes of standing.
pub(crate) const STANDING_CURSOR: &str = "grouping:standing";

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
    /// How far the network trusts the organization.
    pub tier: Tier,
    /// What outputs may show of its items.
    pub rights: Rights,
    /// Of a suspended organization: only what came since is withdrawn. None: all.
    pub withdraw_since: Option<Timestamp>,
    /// What the feed is used to do, in the grouping worker's own form (JSON).
    pub habit: Option<String>,
    /// Times in which what came of the feed waits for a curator, the oldest first.
    pub holds: Vec<FeedHold>,
}

/// A tier by its name.
pub(crate) fn tier(name: &str) -> Result<Tier> {
    Tier::named(name).ok_or_else(|| StoreError::unreadable("a tier of another name"))
}

/// Rights by their name.
pub(crate) fn rights(name: &str) -> Result<Rights> {
    Rights::named(name).ok_or_else(|| StoreError::unreadable("rights of another name"))
}

impl Store {
    /// Notes in the transaction that items of the organization must be looked at again. Takes a number from the row
    /// that all share: the last writes of a transaction.
    pub(crate) async fn note_standing_change(tx: &mut Tx, organization: OrganizationId) -> Result<()> {
        let now = tx.now().await?;
        let sql =
            "UPDATE sequence SET standing = standing + 1, activity = activity + 1 WHERE id = 1 RETURNING standing";
        if let Some(row) = tx.fetch_opt(sql, vec![]).await? {
            let sql = "INSERT INTO standing_changes (n, organization, at) VALUES ($1, $2, $3)";
            tx.execute(sql, args![row.int(0)?, organization.0, now]).await?;
        }
        Ok(())
    }

    /// How the network stands to the given feeds, in one query. Feeds that are not there are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn standings(&self, feeds: &[FeedId]) -> Result<HashMap<FeedId, FeedStanding>> {
        let mut standings = HashMap::with_capacity(feeds.len());
        let mut held = Vec::new();
        let ids: Vec<Uuid> = feeds.iter().map(|feed| feed.0).collect();
        for ids in ids.chunks(LIST) {
            let mut sql = self.inner.db.sql(
                "SELECT f.id, o.id, o.slug, o.name, o.standing, f.proof, f.title, f.url, f.host, \
                 f.site_url, o.site, o.tier, o.rights, o.withdraw_since, h.habit, f.holds FROM feeds f \
                 JOIN organizations o ON o.id = f.organization LEFT JOIN feed_habits h ON h.feed = f.id WHERE f.id",
            );
            sql.ids(ids);
            for row in self.inner.db.rows(sql).await? {
                let standing = FeedStanding {
                    organization: OrganizationId(row.uuid(1)?),
                    slug: row.text(2)?,
                    name: row.text(3)?,
                    standing: row.named(4)?,
                    proof: row.named(5)?,
                    title: row.opt_text(6)?,
                    url: row.text(7)?,
                    host: row.text(8)?,
                    site_url: row.opt_text(9)?,
                    organization_site: row.opt_text(10)?,
                    tier: tier(&row.text(11)?)?,
                    rights: rights(&row.text(12)?)?,
                    withdraw_since: row.opt_time(13)?,
                    habit: row.opt_text(14)?,
                    holds: Vec::new(),
                };
                let feed = FeedId(row.uuid(0)?);
                if row.int(15)? > 0 {
                    held.push(feed);
                }
                standings.insert(feed, standing);
            }
        }
        if !held.is_empty() {
            for (feed, holds) in self.holds_of(&held).await? {
                if let Some(standing) = standings.get_mut(&feed) {
                    standing.holds = holds;
                }
            }
        }
        Ok(standings)
    }

    /// Changes of standing or proof after the given number: number and organization, in order of the number, which is
    /// commit order. [`GroupBatch::standing_done`](crate::GroupBatch) says how far the worker is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn standing_changes(&self, after: i64, limit: usize) -> Result<Vec<(i64, OrganizationId)>> {
        let sql = "SELECT n, organization FROM standing_changes WHERE n > $1 ORDER BY n LIMIT $2";
        let rows = self.inner.db.fetch(sql, args![after, limit]).await?;
        rows.iter().map(|row| Ok((row.int(0)?, OrganizationId(row.uuid(1)?)))).collect()
    }

    /// Up to where the grouping worker has handled changes of standing; 0 at first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn standing_done(&self) -> Result<i64> {
        self.cursor(STANDING_CURSOR).await
    }
}
