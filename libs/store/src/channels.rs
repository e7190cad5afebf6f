//! Channels: named, saved queries with an address of their own.

use carewire_schemas::{OrganizationId, Slug};
use jiff::Timestamp;

use crate::{
    Result, Store, StoreError,
    db::{Row, args, transaction},
};

/// A channel.
#[derive(Clone, PartialEq, Debug)]
pub struct Channel {
    /// Its short name in addresses; unique, for ever the same.
    pub slug: Slug,
    /// Its title.
    pub title: String,
    /// What it is about, in words; may be empty.
    pub description: String,
    /// The address of its picture.
    pub picture: Option<String>,
    /// The question that it asks, in canonical form.
    pub query: String,
    /// The organization that looks after it; none: the network.
    pub owner: Option<OrganizationId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a channel is made of.
#[derive(Clone, PartialEq, Debug)]
pub struct NewChannel {
    /// Short name in addresses.
    pub slug: Slug,
    /// Title.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// The address of its picture.
    pub picture: Option<String>,
    /// The question, in canonical form.
    pub query: String,
    /// The organization that looks after it; none: the network.
    pub owner: Option<OrganizationId>,
}

/// What is to change of a channel; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct ChannelPatch {
    /// New title.
    pub title: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// New picture.
    pub picture: Option<Option<String>>,
    /// New question, in canonical form.
    pub query: Option<String>,
}

macro_rules! columns {
    () => {
        "slug, title, description, picture, query, owner, created_at, updated_at"
    };
}

fn channel(row: &Row) -> Result<Channel> {
    Ok(Channel {
        slug: Slug::new(row.text(0)?).map_err(StoreError::unreadable)?,
        title: row.text(1)?,
        description: row.text(2)?,
        picture: row.opt_text(3)?,
        query: row.text(4)?,
        owner: row.opt_uuid(5)?.map(OrganizationId),
        created_at: row.time(6)?,
        updated_at: row.time(7)?,
    })
}

impl Store {
    /// Makes a channel.
    ///
    /// # Errors
    /// `Conflict` when the slug is taken.
    pub async fn add_channel(&self, new: NewChannel) -> Result<Channel> {
        let now = self.now().await?;
        let added = transaction!(self, |tx| {
            tx.execute(
                "INSERT INTO channels (slug, title, description, picture, query, owner, created_at, updated_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (slug) DO NOTHING",
                args![
                    new.slug.as_str(),
                    &*new.title,
                    &*new.description,
                    new.picture.clone(),
                    &*new.query,
                    new.owner.map(|owner| owner.0),
                    now,
                    now
                ],
            )
            .await
        })?;
        if added == 0 {
            return Err(StoreError::Conflict(format!("channel `{}`", new.slug)));
        }
        let NewChannel { slug, title, description, picture, query, owner } = new;
        Ok(Channel { slug, title, description, picture, query, owner, created_at: now, updated_at: now })
    }

    /// The channel of that slug.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel(&self, slug: &str) -> Result<Option<Channel>> {
        let sql = concat!("SELECT ", columns!(), " FROM channels WHERE slug = $1");
        self.inner.db.fetch_opt(sql, args![slug]).await?.as_ref().map(channel).transpose()
    }

    /// Channels in order of slug, after the given slug; of one organization, or all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channels(
        &self,
        after: Option<&str>,
        limit: usize,
        owner: Option<OrganizationId>,
    ) -> Result<Vec<Channel>> {
        let mut sql = self.inner.db.sql(concat!("SELECT ", columns!(), " FROM channels WHERE slug > "));
        sql.bind(after.unwrap_or_default());
        if let Some(owner) = owner {
            sql.push(" AND owner = ").bind(owner.0);
        }
        sql.push(" ORDER BY slug LIMIT ").bind(limit);
        self.inner.db.rows(sql).await?.iter().map(channel).collect()
    }

    /// Changes a channel.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn update_channel(&self, slug: &Slug, patch: ChannelPatch) -> Result<Channel> {
        transaction!(self, |tx| {
            let mut sql = tx.sql(concat!("SELECT ", columns!(), " FROM channels WHERE slug = "));
            sql.bind(slug.as_str()).for_update();
            let mut row = match tx.rows(sql).await?.first() {
                Some(row) => channel(row)?,
                None => return Err(StoreError::NotFound(format!("channel `{slug}`"))),
            };
            row.title = patch.title.clone().unwrap_or(row.title);
            row.description = patch.description.clone().unwrap_or(row.description);
            row.picture = patch.picture.clone().unwrap_or(row.picture);
            row.query = patch.query.clone().unwrap_or(row.query);
            // Later than before, whatever the clock says: copies in caches are told apart by it.
            let next = Timestamp::from_millisecond(row.updated_at.as_millisecond() + 1).unwrap_or(row.updated_at);
            row.updated_at = tx.now().await?.max(next);
            tx.execute(
                "UPDATE channels SET title = $2, description = $3, picture = $4, query = $5, updated_at = $6 \
                 WHERE slug = $1",
                args![slug.as_str(), &*row.title, &*row.description, row.picture.clone(), &*row.query, row.updated_at],
            )
            .await?;
            Ok(row)
        })
    }

    /// Takes a channel away.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn remove_channel(&self, slug: &Slug) -> Result<()> {
        let gone = transaction!(self, |tx| {
            tx.execute("DELETE FROM channels WHERE slug = $1", args![slug.as_str()]).await
        })?;
        if gone == 0 {
            return Err(StoreError::NotFound(format!("channel `{slug}`")));
        }
        Ok(())
    }
}
