//! How far relays are in the store's own sequences.

use crate::{
    Lease, Result, Store,
    db::{Tx, args, transaction},
};

impl Store {
    pub(crate) async fn move_cursor(tx: &mut Tx, name: &str, value: i64) -> Result<()> {
        tx.execute(
            "INSERT INTO cursors (name, n) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET n = excluded.n WHERE excluded.n > cursors.n",
            args![name, value],
        )
        .await
        .map(drop)
    }

    /// How far the named relay is; 0 at first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cursor(&self, name: &str) -> Result<i64> {
        let row = self.inner.db.fetch_opt("SELECT n FROM cursors WHERE name = $1", args![name]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    /// Moves a relay's cursor on (never back).
    ///
    /// # Errors
    /// `LeaseLost` when the lease is given and lost.
    pub async fn set_cursor(&self, name: &str, value: i64, lease: Option<&Lease>) -> Result<()> {
        transaction!(self, |tx| {
            if let Some(lease) = lease {
                Self::fence(&mut tx, lease).await?;
            }
            Self::move_cursor(&mut tx, name, value).await
        })
    }
}
