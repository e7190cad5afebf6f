//! Leases by name: who is the one worker that may do something, for a time.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Result, Store, StoreError,
    db::{Tx, args, later, transaction},
};

/// The right to be the one who does something, for a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// What for.
    pub name: String,
    /// Who.
    pub owner: Uuid,
    /// Raised with each change of owner: what carries an older one is refused.
    pub epoch: i64,
    /// Until when, by the database's clock.
    pub until: Timestamp,
}

impl Store {
    /// Refuses what carries an older epoch, and keeps the lease from being taken until the transaction ends.
    pub(crate) async fn fence(tx: &mut Tx, lease: &Lease) -> Result<()> {
        let mut sql = tx.sql("SELECT 1 FROM leases WHERE name = ");
        sql.bind(&*lease.name).push(" AND owner = ").bind(lease.owner);
        sql.push(" AND epoch = ").bind(lease.epoch).for_update();
        match tx.rows(sql).await?.is_empty() {
            true => Err(StoreError::LeaseLost(lease.name.clone())),
            false => Ok(()),
        }
    }

    /// Takes a lease that is free, has run out, or is the caller's already; none when somebody else holds it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn acquire_lease(&self, name: &str, owner: Uuid, ttl: Duration) -> Result<Option<Lease>> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let until = later(now, ttl);
            let sql = "INSERT INTO leases (name, owner, epoch, until) VALUES ($1, $2, 1, $3) ON CONFLICT (name) DO \
                       UPDATE SET epoch = leases.epoch + CASE WHEN leases.owner = excluded.owner THEN 0 ELSE 1 END, \
                       owner = excluded.owner, until = excluded.until \
                       WHERE leases.until <= $4 OR leases.owner = excluded.owner RETURNING epoch";
            let row = tx.fetch_opt(sql, args![name, owner, until, now]).await?;
            row.map(|row| Ok(Lease { name: name.to_owned(), owner, epoch: row.int(0)?, until })).transpose()
        })
    }

    /// Lengthens a lease to `ttl` from now. One that has run out is lengthened too, as long as nobody took it.
    ///
    /// # Errors
    /// `LeaseLost` when somebody else has taken it.
    pub async fn renew_lease(&self, lease: &mut Lease, ttl: Duration) -> Result<()> {
        let until = transaction!(self, |tx| {
            let until = later(tx.now().await?, ttl);
            let sql = "UPDATE leases SET until = $4 WHERE name = $1 AND owner = $2 AND epoch = $3";
            match tx.execute(sql, args![&*lease.name, lease.owner, lease.epoch, until]).await? {
                0 => Err(StoreError::LeaseLost(lease.name.clone())),
                _ => Ok(until),
            }
        })?;
        lease.until = until;
        Ok(())
    }

    /// Gives a lease back; nothing happens when it is no longer the caller's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_lease(&self, lease: &Lease) -> Result<()> {
        transaction!(self, |tx| {
            let sql = "UPDATE leases SET until = 0 WHERE name = $1 AND owner = $2 AND epoch = $3";
            tx.execute(sql, args![&*lease.name, lease.owner, lease.epoch]).await?;
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }
}
