//! Mail that is to be sent, and what became of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Result, Store};

/// A mail.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Mail {
    /// Its number, in the order of queueing.
    pub id: i64,
    /// To whom.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub text: String,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// Tries that failed.
    pub tries: i64,
    /// Why the last try failed.
    pub error: Option<String>,
}

impl Store {
    /// Queues a mail.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue_mail(&self, to: &str, subject: &str, text: &str) -> Result<i64> {
        todo!("{to} {subject} {text}")
    }

    /// Mails not sent yet, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unsent_mail(&self, limit: usize) -> Result<Vec<Mail>> {
        todo!("{limit}")
    }

    /// Notes that a mail was sent, or why not.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn mark_mail_sent(&self, id: i64, error: Option<&str>) -> Result<()> {
        todo!("{id} {error:?}")
    }

    /// The last mails, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recent_mail(&self, limit: usize) -> Result<Vec<Mail>> {
        todo!("{limit}")
    }
}
