//! What operators and the grouping worker say of publishers: trust, rights, the brake, and holds of feeds.

use std::collections::HashMap;

use carewire_schemas::{FeedId, ItemId, OrganizationId, Rights, Tier};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::{
    Organization, Result, Standing, Store, StoreError,
    db::{LIST, Row, Tx, Value, args, transaction},
};

/// A time in which what came of a feed waits for a curator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeedHold {
    /// From when on: what was seen then or later.
    pub since: Timestamp,
    /// Until when; none while it is open.
    pub until: Option<Timestamp>,
    /// Which habits were broken: `burst`, `domains`, `language`, `no-health`, `words`.
    pub marks: Vec<String>,
    /// In words.
    pub why: String,
    /// When it was found.
    pub found_at: Timestamp,
}

/// A hold that the grouping worker found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewHold {
    /// The feed.
    pub feed: FeedId,
    /// Whose feed it is: its items are looked at again.
    pub organization: OrganizationId,
    /// The hold.
    pub hold: FeedHold,
}

/// A feed that is held now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeldFeed {
    /// The feed.
    pub feed: FeedId,
    /// Its address.
    pub url: String,
    /// Short name of its organization.
    pub organization: String,
    /// The hold.
    #[serde(flatten)]
    pub hold: FeedHold,
}

impl FeedHold {
    /// Whether what was seen then waits.
    #[must_use]
    pub fn covers(&self, seen: Timestamp) -> bool {
        self.since <= seen && self.until.is_none_or(|until| seen < until)
    }
}

fn hold(row: &Row, at: usize) -> Result<FeedHold> {
    Ok(FeedHold {
        since: row.time(at)?,
        until: row.opt_time(at + 1)?,
        marks: row.text(at + 2)?.split(' ').filter(|mark| !mark.is_empty()).map(str::to_owned).collect(),
        why: row.text(at + 3)?,
        found_at: row.time(at + 4)?,
    })
}

impl Store {
    /// Changes one column of an organization, and notes that its items must be looked at again.
    async fn set_of_organization(&self, id: OrganizationId, sql: &'static str, value: Value) -> Result<Organization> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            if tx.execute(sql, vec![Value::from(id.0), value.clone(), Value::from(now)]).await? == 0 {
                return Err(StoreError::NotFound(format!("organization {id}")));
            }
            Self::note_standing_change(&mut tx, id).await
        })?;
        self.inner.signals.stir();
        self.organization(id).await?.ok_or_else(|| StoreError::NotFound(format!("organization {id}")))
    }

    /// Says how far the network trusts an organization.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_tier(&self, id: OrganizationId, tier: Tier) -> Result<Organization> {
        let sql = "UPDATE organizations SET tier = $2, updated_at = $3 WHERE id = $1";
        self.set_of_organization(id, sql, tier.as_str().into()).await
    }

    /// Says what outputs may show of an organization's items.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_rights(&self, id: OrganizationId, rights: Rights) -> Result<Organization> {
        let sql = "UPDATE organizations SET rights = $2, updated_at = $3 WHERE id = $1";
        self.set_of_organization(id, sql, rights.as_str().into()).await
    }

    /// Suspends an organization; with a time, only what came of it since then is withdrawn, else all.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn suspend(&self, id: OrganizationId, since: Option<Timestamp>) -> Result<Organization> {
        // First the time, which says nothing while the organization is not suspended: nobody sees the one without the other.
        let sql = "UPDATE organizations SET withdraw_since = $2, updated_at = $3 WHERE id = $1";
        self.set_of_organization(id, sql, since.into()).await?;
        self.set_standing(id, Standing::Suspended).await
    }

    /// Lifts a suspension: what it withdrew comes back.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the organization is not suspended.
    pub async fn lift_suspension(&self, id: OrganizationId) -> Result<Organization> {
        let known = self.organization(id).await?;
        let known = known.ok_or_else(|| StoreError::NotFound(format!("organization {id}")))?;
        if known.standing != Standing::Suspended {
            return Err(StoreError::Conflict(format!("organization `{}` is not suspended: it", known.slug)));
        }
        self.set_standing(id, Standing::Accepted).await?;
        let sql = "UPDATE organizations SET withdraw_since = $2, updated_at = $3 WHERE id = $1";
        self.set_of_organization(id, sql, Option::<Timestamp>::None.into()).await
    }

    /// Holds of the given feeds, by feed, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holds_of(&self, feeds: &[FeedId]) -> Result<HashMap<FeedId, Vec<FeedHold>>> {
        let mut holds: HashMap<FeedId, Vec<FeedHold>> = HashMap::new();
        let ids: Vec<Uuid> = feeds.iter().map(|feed| feed.0).collect();
        for ids in ids.chunks(LIST) {
            let mut sql =
                self.inner.db.sql("SELECT feed, since, until, marks, why, found_at FROM feed_holds WHERE feed");
            sql.ids(ids).push(" ORDER BY feed, since");
            for row in self.inner.db.rows(sql).await? {
                holds.entry(FeedId(row.uuid(0)?)).or_default().push(hold(&row, 1)?);
            }
        }
        Ok(holds)
    }

    /// Feeds that are held now, the last found first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn held_feeds(&self, limit: usize) -> Result<Vec<HeldFeed>> {
        let sql = "SELECT h.feed, f.url, o.slug, h.since, h.until, h.marks, h.why, h.found_at FROM feed_holds h \
                   JOIN feeds f ON f.id = h.feed JOIN organizations o ON o.id = f.organization \
                   WHERE h.until IS NULL ORDER BY h.found_at DESC, h.feed LIMIT $1";
        let rows = self.inner.db.fetch(sql, args![limit]).await?;
        rows.iter()
            .map(|row| {
                let (feed, url, organization) = (FeedId(row.uuid(0)?), row.text(1)?, row.text(2)?);
                Ok(HeldFeed { feed, url, organization, hold: hold(row, 3)? })
            })
            .collect()
    }

    /// Ends the holds of a feed. What came meanwhile is judged as if nothing had been, or, with `keep_held`, goes on waiting for a
    /// curator. Answers how many open holds there were.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn release_feed(&self, feed: FeedId, keep_held: bool) -> Result<u64> {
        let ended = transaction!(self, |tx| {
            let sql = "SELECT organization FROM feeds WHERE id = $1";
            let Some(row) = tx.fetch_opt(sql, args![feed.0]).await? else {
                return Err(StoreError::NotFound(format!("feed {feed}")));
            };
            let organization = OrganizationId(row.uuid(0)?);
            let now = tx.now().await?;
            let ended = if keep_held {
                // A hold may begin at this very moment and would then cover nothing.
                let sql = "UPDATE feed_holds SET until = CASE WHEN since < $2 THEN $2 ELSE since + 1 END \
                           WHERE feed = $1 AND until IS NULL";
                tx.execute(sql, args![feed.0, now]).await?
            } else {
                let open = "SELECT since FROM feed_holds WHERE feed = $1 AND until IS NULL";
                let open = tx.fetch(open, args![feed.0]).await?.len();
                tx.execute("DELETE FROM feed_holds WHERE feed = $1", args![feed.0]).await?;
                open as u64
            };
            Self::count_holds(&mut tx, feed).await?;
            Self::note_standing_change(&mut tx, organization).await?;
            Ok(ended)
        })?;
        self.inner.signals.stir();
        Ok(ended)
    }

    async fn count_holds(tx: &mut Tx, feed: FeedId) -> Result<()> {
        let sql = "UPDATE feeds SET holds = (SELECT count(*) FROM feed_holds h WHERE h.feed = $1) WHERE id = $1";
        tx.execute(sql, args![feed.0]).await.map(drop)
    }

    /// Writes habits, in the transaction of their entries.
    pub(crate) async fn write_habits(tx: &mut Tx, habits: &[(FeedId, String)]) -> Result<()> {
        let rows = habits.iter().flat_map(|(feed, habit)| args![feed.0, &**habit]).collect();
        let tail = " ON CONFLICT (feed) DO UPDATE SET habit = excluded.habit";
        tx.insert("INSERT INTO feed_habits (feed, habit)", 2, tail, rows).await.map(drop)
    }

    /// Writes when items are to be looked at again, or that they need not be.
    pub(crate) async fn write_due(tx: &mut Tx, due: &[(ItemId, Option<i64>)]) -> Result<()> {
        let gone: Vec<Uuid> = due.iter().filter(|(_, due)| due.is_none()).map(|(item, _)| item.0).collect();
        for ids in gone.chunks(LIST) {
            let mut sql = tx.sql("DELETE FROM group_due WHERE item");
            sql.ids(ids);
            tx.run(sql).await?;
        }
        let rows = due.iter().filter_map(|(item, due)| Some(args![item.0, (*due)?])).flatten().collect();
        let tail = " ON CONFLICT (item) DO UPDATE SET due = excluded.due";
        tx.insert("INSERT INTO group_due (item, due)", 2, tail, rows).await.map(drop)
    }

    /// Writes holds, and notes that what came of the feeds before must be looked at again. The last writes of a transaction.
    pub(crate) async fn write_holds(tx: &mut Tx, holds: &[NewHold]) -> Result<()> {
        for NewHold { feed, organization, hold } in holds {
            let sql = "INSERT INTO feed_holds (feed, since, until, marks, why, found_at) VALUES ($1, $2, $3, $4, $5, $6) \
                       ON CONFLICT (feed, since) DO UPDATE SET until = excluded.until";
            let values = args![feed.0, hold.since, hold.until, hold.marks.join(" "), &*hold.why, hold.found_at];
            tx.execute(sql, values).await?;
            Self::count_holds(tx, *feed).await?;
            Self::note_standing_change(tx, *organization).await?;
        }
        Ok(())
    }

    /// When the next item is to be looked at again, in milliseconds since the epoch.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_look(&self) -> Result<Option<i64>> {
        let sql = "SELECT due FROM group_due ORDER BY due LIMIT 1";
        self.inner.db.fetch_opt(sql, vec![]).await?.map(|row| row.int(0)).transpose()
    }

    /// Items that are to be looked at again by then (milliseconds since the epoch), the first due first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_items(&self, by: i64, limit: usize) -> Result<Vec<ItemId>> {
        let sql = "SELECT item FROM group_due WHERE due <= $1 ORDER BY due, item LIMIT $2";
        let rows = self.inner.db.fetch(sql, args![by, limit]).await?;
        rows.iter().map(|row| Ok(ItemId(row.uuid(0)?))).collect()
    }
}
