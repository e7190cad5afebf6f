//! How far relays are in the store's own sequences.

use crate::{Lease, Result, Store};

impl Store {
    /// How far the named relay is; 0 at first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cursor(&self, name: &str) -> Result<i64> {
        todo!("{name}")
    }

    /// Moves a relay's cursor on (never back).
    ///
    /// # Errors
    /// `LeaseLost` when the lease is given and lost.
    pub async fn set_cursor(&self, name: &str, value: i64, lease: Option<&Lease>) -> Result<()> {
        todo!("{name} {value} {lease:?}")
    }
}
