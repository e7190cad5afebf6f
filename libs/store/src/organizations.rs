//! Organizations: who publishes, and how the network stands to them.

use std::collections::HashSet;

use carewire_schemas::{OrganizationId, Rights, Slug, Tier};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::{
    Result, Store, StoreError,
    counts::Tallies,
    db::{Row, args, transaction},
    named::named_enum,
    standing::{rights, tier},
};

named_enum! {
    /// How the network stands to an organization.
    Standing {
        /// Asked to join; its entries wait for a curator.
        Applied = "applied",
        /// A member.
        Accepted = "accepted",
        /// A member whose entries wait for a curator for now.
        Suspended = "suspended",
        /// Not taken.
        Rejected = "rejected",
    }
}

/// An organization.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its short name in addresses; unique.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// Its site.
    pub site: Option<String>,
    /// Country (ISO 3166-1 alpha-2).
    pub country: Option<String>,
    /// What it is, in its own words: hospital, society …
    pub kind: Option<String>,
    /// How the network stands to it.
    pub standing: Standing,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How far the network trusts it.
    pub tier: Tier,
    /// What outputs may show of its items.
    pub rights: Rights,
    /// While it is suspended: only what came since is withdrawn. None: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdraw_since: Option<Timestamp>,
}

/// What an organization is made of.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NewOrganization {
    /// Short name in addresses.
    pub slug: Slug,
    /// Name.
    pub name: String,
    /// Site.
    pub site: Option<String>,
    /// Country (ISO 3166-1 alpha-2).
    pub country: Option<String>,
    /// What it is.
    pub kind: Option<String>,
    /// How the network stands to it from the start.
    pub standing: Standing,
}

/// What is to change of an organization; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct OrganizationPatch {
    /// New name.
    pub name: Option<String>,
    /// New site.
    pub site: Option<Option<String>>,
    /// New country.
    pub country: Option<Option<String>>,
    /// New kind.
    pub kind: Option<Option<String>>,
}

macro_rules! columns {
    () => {
        "id, slug, name, site, country, kind, standing, created_at, updated_at, tier, rights, withdraw_since"
    };
}

fn organization(row: &Row) -> Result<Organization> {
    Ok(Organization {
        id: OrganizationId(row.uuid(0)?),
        slug: Slug::new(row.text(1)?).map_err(StoreError::unreadable)?,
        name: row.text(2)?,
        site: row.opt_text(3)?,
        country: row.opt_text(4)?,
        kind: row.opt_text(5)?,
        standing: row.named(6)?,
        created_at: row.time(7)?,
        updated_at: row.time(8)?,
        tier: tier(&row.text(9)?)?,
        rights: rights(&row.text(10)?)?,
        withdraw_since: row.opt_time(11)?,
    })
}

fn conflict(slug: &Slug) -> StoreError {
    StoreError::Conflict(format!("organization `{}`", slug.as_str()))
}

impl Store {
    /// Adds an organization.
    ///
    /// # Errors
    /// `Conflict` when the slug is taken.
    pub async fn add_organization(&self, new: NewOrganization) -> Result<Organization> {
        let slug = new.slug.clone();
        match self.add_organizations(vec![new]).await?.pop() {
            Some(result) => result,
            None => Err(StoreError::Conflict(format!("organization `{}`", slug.as_str()))),
        }
    }

    /// Adds many; each result stands at the place of its organization (`Conflict` for a slug that is taken).
    ///
    /// # Errors
    /// When the database fails as a whole.
    pub async fn add_organizations(&self, new: Vec<NewOrganization>) -> Result<Vec<Result<Organization>>> {
        let now = self.now().await?;
        let mut seen = HashSet::new();
        let rows: Vec<Result<Organization>> = new
            .into_iter()
            .map(|new| {
                if !seen.insert(new.slug.clone()) {
                    return Err(conflict(&new.slug));
                }
                Ok(Organization {
                    id: OrganizationId::random(),
                    slug: new.slug,
                    name: new.name,
                    site: new.site,
                    country: new.country,
                    kind: new.kind,
                    standing: new.standing,
                    created_at: now,
                    updated_at: now,
                    tier: Tier::default(),
                    rights: Rights::default(),
                    withdraw_since: None,
                })
            })
            .collect();
        let added: HashSet<Uuid> = transaction!(self, |tx| {
            let values = rows.iter().flatten().flat_map(|o| {
                let slug = o.slug.as_str();
                args![
                    o.id.0,
                    slug,
                    &*o.name,
                    o.site.clone(),
                    o.country.clone(),
                    o.kind.clone(),
                    o.standing.as_str(),
                    now,
                    now
                ]
            });
            let added = tx
                .insert_returning(
                    "INSERT INTO organizations (id, slug, name, site, country, kind, standing, created_at, updated_at)",
                    9,
                    " ON CONFLICT (slug) DO NOTHING RETURNING id, standing",
                    values.collect(),
                )
                .await?;
            let mut tallies = Tallies::default();
            for row in &added {
                tallies.add(format!("organizations:{}", row.text(1)?), 1);
            }
            tallies.write(&mut tx).await?;
            Self::note_activity(&mut tx).await?;
            added.iter().map(|row| row.uuid(0)).collect()
        })?;
        self.inner.signals.stir();
        Ok(rows
            .into_iter()
            .map(|row| row.and_then(|o| if added.contains(&o.id.0) { Ok(o) } else { Err(conflict(&o.slug)) }))
            .collect())
    }

    /// The organization with that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>> {
        let sql = concat!("SELECT ", columns!(), " FROM organizations WHERE id = $1");
        self.inner.db.fetch_opt(sql, args![id.0]).await?.as_ref().map(organization).transpose()
    }

    /// The organization with that slug.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn organization_by_slug(&self, slug: &str) -> Result<Option<Organization>> {
        let sql = concat!("SELECT ", columns!(), " FROM organizations WHERE slug = $1");
        self.inner.db.fetch_opt(sql, args![slug]).await?.as_ref().map(organization).transpose()
    }

    /// Organizations in order of slug, after the given slug, with the given standing or any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn organizations(
        &self,
        after: Option<&str>,
        limit: usize,
        standing: Option<Standing>,
    ) -> Result<Vec<Organization>> {
        let mut sql = self.inner.db.sql(concat!("SELECT ", columns!(), " FROM organizations WHERE slug > "));
        sql.bind(after.unwrap_or_default());
        if let Some(standing) = standing {
            sql.push(" AND standing = ").bind(standing.as_str());
        }
        sql.push(" ORDER BY slug LIMIT ").bind(limit);
        self.inner.db.rows(sql).await?.iter().map(organization).collect()
    }

    /// Changes an organization's particulars.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn update_organization(&self, id: OrganizationId, patch: OrganizationPatch) -> Result<Organization> {
        let changed = transaction!(self, |tx| {
            let sql = concat!("SELECT ", columns!(), " FROM organizations WHERE id = ");
            let mut sql = tx.sql(sql);
            sql.bind(id.0).for_update();
            let mut row = match tx.rows(sql).await?.first() {
                Some(row) => organization(row)?,
                None => return Err(StoreError::NotFound(format!("organization {id}"))),
            };
            row.name = patch.name.clone().unwrap_or(row.name);
            row.site = patch.site.clone().unwrap_or(row.site);
            row.country = patch.country.clone().unwrap_or(row.country);
            row.kind = patch.kind.clone().unwrap_or(row.kind);
            row.updated_at = tx.now().await?;
            tx.execute(
                "UPDATE organizations SET name = $2, site = $3, country = $4, kind = $5, updated_at = $6 WHERE id = $1",
                args![id.0, &*row.name, row.site.clone(), row.country.clone(), row.kind.clone(), row.updated_at],
            )
            .await?;
            // Items carry the organization's name: the grouping worker must look at them again.
            Self::note_standing_change(&mut tx, id).await?;
            Ok(row)
        })?;
        self.inner.signals.stir();
        Ok(changed)
    }

    /// Changes the standing, and notes that for the grouping worker in the same transaction.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_standing(&self, id: OrganizationId, standing: Standing) -> Result<Organization> {
        let changed = transaction!(self, |tx| {
            let mut sql = tx.sql(concat!("SELECT ", columns!(), " FROM organizations WHERE id = "));
            sql.bind(id.0).for_update();
            let mut row = match tx.rows(sql).await?.first() {
                Some(row) => organization(row)?,
                None => return Err(StoreError::NotFound(format!("organization {id}"))),
            };
            if row.standing == standing {
                return Ok(row);
            }
            let mut tallies = Tallies::default();
            tallies.add(format!("organizations:{}", row.standing), -1);
            tallies.add(format!("organizations:{standing}"), 1);
            row.standing = standing;
            row.updated_at = tx.now().await?;
            tx.execute(
                "UPDATE organizations SET standing = $2, updated_at = $3 WHERE id = $1",
                args![id.0, standing.as_str(), row.updated_at],
            )
            .await?;
            tallies.write(&mut tx).await?;
            Self::note_standing_change(&mut tx, id).await?;
            Ok(row)
        })?;
        self.inner.signals.stir();
        Ok(changed)
    }
}
