//! Who did what to the network.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Result, Store,
    db::{args, transaction},
};

/// What is to be noted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Who: the name of a token or user, or `command line`.
    pub actor: String,
    /// What, kebab-case: `add-feed`, `set-standing` …
    pub action: String,
    /// To what: a kind and an id or name, such as `feed/0190…`.
    pub subject: String,
    /// In words or JSON.
    pub detail: String,
}

/// What was noted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub entry: AuditEntry,
}

impl Store {
    /// Notes something.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(&self, entry: AuditEntry) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "INSERT INTO audit (at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5)";
            let AuditEntry { actor, action, subject, detail } = &entry;
            tx.execute(sql, args![now, &**actor, &**action, &**subject, &**detail]).await.map(drop)
        })
    }

    /// The last notes, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_log(&self, limit: usize) -> Result<Vec<AuditRow>> {
        let sql = "SELECT id, at, actor, action, subject, detail FROM audit ORDER BY id DESC LIMIT $1";
        let rows = self.inner.db.fetch(sql, args![limit]).await?;
        rows.iter()
            .map(|row| {
                let entry = AuditEntry {
                    actor: row.text(2)?,
                    action: row.text(3)?,
                    subject: row.text(4)?,
                    detail: row.text(5)?,
                };
                Ok(AuditRow { id: row.int(0)?, at: row.time(1)?, entry })
            })
            .collect()
    }
}
