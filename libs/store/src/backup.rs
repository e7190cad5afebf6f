//! A copy of the store while it runs.

use std::path::Path;

use crate::{Result, Store};

impl Store {
    /// Writes a consistent copy to a new file while others go on reading and writing. To restore, put the copy in the
    /// place of the file (and remove its `-wal` and `-shm`).
    ///
    /// # Errors
    /// `Unsupported` on PostgreSQL, which has tools of its own; `Conflict` when the file is there already.
    pub async fn backup_to(&self, file: &Path) -> Result<()> {
        todo!("{file:?}")
    }
}
