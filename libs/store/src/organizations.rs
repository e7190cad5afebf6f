//! Organizations: who publishes, and how the network stands to them.

use carewire_schemas::{OrganizationId, Slug};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Result, Store, named::named_enum};

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

impl Store {
    /// Adds an organization.
    ///
    /// # Errors
    /// `Conflict` when the slug is taken.
    pub async fn add_organization(&self, new: NewOrganization) -> Result<Organization> {
        todo!("{new:?}")
    }

    /// Adds many; each result stands at the place of its organization (`Conflict` for a slug that is taken).
    ///
    /// # Errors
    /// When the database fails as a whole.
    pub async fn add_organizations(
        &self,
        new: Vec<NewOrganization>,
    ) -> Result<Vec<Result<Organization>>> {
        todo!("{new:?}")
    }

    /// The organization with that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>> {
        todo!("{id:?}")
    }

    /// The organization with that slug.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn organization_by_slug(&self, slug: &str) -> Result<Option<Organization>> {
        todo!("{slug:?}")
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
        todo!("{after:?} {limit} {standing:?}")
    }

    /// Changes an organization's particulars.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn update_organization(
        &self,
        id: OrganizationId,
        patch: OrganizationPatch,
    ) -> Result<Organization> {
        todo!("{id} {patch:?}")
    }

    /// Changes the standing, and notes that for the grouping worker in the same transaction.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_standing(
        &self,
        id: OrganizationId,
        standing: Standing,
    ) -> Result<Organization> {
        todo!("{id} {standing:?}")
    }
}
