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
    /// Two transactions met and this one gave way; handled inside the crate, never seen outside.
    #[doc(hidden)]
    #[error("gave way to another transaction")]
    Retry,
}

impl StoreError {
    /// Whether the same call may succeed later without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether a stage may go on later: trouble that is transient, or a lost lease (another process took over, and this one
    /// stands by).
    #[must_use]
    pub fn passes(&self) -> bool {
        self.is_transient() || matches!(self, Self::LeaseLost(_))
    }
}

impl StoreError {
    /// What stands in the database cannot be read.
    pub(crate) fn unreadable(error: impl std::fmt::Display) -> Self {
        Self::Database(format!("unreadable value: {error}"))
    }
}

/// Sorts the driver's errors by what a caller can do about them.
///
/// PostgreSQL: classes 08 (connection), 53 (resources), 57P01 to 57P03 (shutdown, crash, start) and 25006 (a replica)
/// pass; 40001 and 40P01 mean that one of two had to give way (PostgreSQL, appendix A). SQLite: 5 and 6 are busy and
/// locked, 10 I/O, 13 disk full, the lower byte of an extended code being the primary one.
impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Io(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => {
                Self::Unavailable(error.to_string())
            }
            E::Database(database) => {
                let code = database.code().unwrap_or_default();
                let text = || database.message().to_owned();
                match code.as_ref() {
                    "40001" | "40P01" => Self::Retry,
                    "57P01" | "57P02" | "57P03" | "25006" => Self::Unavailable(text()),
                    pg if pg.len() == 5 && (pg.starts_with("08") || pg.starts_with("53")) => Self::Unavailable(text()),
                    lite if lite.len() < 5
                        && lite.parse::<u32>().is_ok_and(|n| matches!(n & 0xff, 5 | 6 | 10 | 13)) =>
                    {
                        Self::Unavailable(text())
                    }
                    _ if database.is_unique_violation() => Self::Conflict(text()),
                    _ if database.is_foreign_key_violation() => Self::NotFound(text()),
                    _ => Self::Database(text()),
                }
            }
            _ => Self::Database(error.to_string()),
        }
    }
}
