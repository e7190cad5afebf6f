//! A copy of the store while it runs.

use std::path::Path;

use crate::{Result, Store, StoreError};

impl Store {
    /// Writes a consistent copy to a new file while others go on reading and writing. To restore, put the copy in the
    /// place of the file (and remove its `-wal` and `-shm`).
    ///
    /// # Errors
    /// `Unsupported` on PostgreSQL, which has tools of its own; `Conflict` when the file is there already.
    pub async fn backup_to(&self, file: &Path) -> Result<()> {
        let Some(name) = file.to_str() else {
            return Err(StoreError::Invalid("the name of the backup is not UTF-8".into()));
        };
        if tokio::fs::try_exists(file).await.unwrap_or(false) {
            return Err(StoreError::Conflict(format!("the file {name}")));
        }
        self.inner.db.copy_to(name).await?;
        let synced = async { tokio::fs::File::open(file).await?.sync_all().await }.await;
        synced.map_err(|error| StoreError::Unavailable(format!("{name}: {error}")))
    }
}
