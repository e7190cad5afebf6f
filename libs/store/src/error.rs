//! What can go wrong with the store, as callers branch on it.

/// The result of everything in this crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or refuses for now; try again later.
    #[error("the database is away: {0}")]
    Unavailable(String),
    /// Something with this name or address is there already.
    #[error("{0} exists already")]
    Conflict(String),
    /// There is no such thing.
    #[error("{0} not found")]
    NotFound(String),
    /// The caller decided on another version than the one that is there now.
    #[error("expected version {expected}, found version {actual}")]
    StaleVersion {
        /// What the caller saw.
        expected: i64,
        /// What is there.
        actual: i64,
    },
    /// The lease is no longer the caller's; nothing was written.
    #[error("the lease `{0}` is lost")]
    LeaseLost(String),
    /// The caller asked for something that cannot be.
    #[error("{0}")]
    Invalid(String),
    /// This database cannot do it.
    #[error("not supported by this database: {0}")]
    Unsupported(&'static str),
    /// The database answered with an error, or holds something that cannot be read.
    #[error("database: {0}")]
    Database(String),
}

impl StoreError {
    /// Whether the same call may succeed later without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
