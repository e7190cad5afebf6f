//! Who did what to the network.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Result, Store};

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
        todo!("{entry:?}")
    }

    /// The last notes, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_log(&self, limit: usize) -> Result<Vec<AuditRow>> {
        todo!("{limit}")
    }
}
