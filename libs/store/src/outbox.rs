//! Mail that is to be sent, and what became of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Result, Store, StoreError,
    db::{Row, args, transaction},
};

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

macro_rules! columns {
    () => {
        "id, recipient, subject, body, queued_at, sent_at, tries, error"
    };
}

fn mail(row: &Row) -> Result<Mail> {
    Ok(Mail {
        id: row.int(0)?,
        to: row.text(1)?,
        subject: row.text(2)?,
        text: row.text(3)?,
        queued_at: row.time(4)?,
        sent_at: row.opt_time(5)?,
        tries: row.int(6)?,
        error: row.opt_text(7)?,
    })
}

impl Store {
    /// Queues a mail.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue_mail(&self, to: &str, subject: &str, text: &str) -> Result<i64> {
        let id = transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "INSERT INTO mail (recipient, subject, body, queued_at) VALUES ($1, $2, $3, $4) RETURNING id";
            let row = tx.fetch_opt(sql, args![to, subject, text, now]).await?;
            let id = row.map(|row| row.int(0)).transpose()?.unwrap_or_default();
            Self::note_activity(&mut tx).await?;
            Ok(id)
        })?;
        self.inner.signals.stir();
        Ok(id)
    }

    /// Mails not sent yet, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unsent_mail(&self, limit: usize) -> Result<Vec<Mail>> {
        let sql = concat!("SELECT ", columns!(), " FROM mail WHERE sent_at IS NULL ORDER BY id LIMIT $1");
        self.inner.db.fetch(sql, args![limit]).await?.iter().map(mail).collect()
    }

    /// Notes that a mail was sent, or why not.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn mark_mail_sent(&self, id: i64, error: Option<&str>) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "UPDATE mail SET sent_at = CASE WHEN $2 = 1 THEN $3 ELSE sent_at END, \
                       tries = tries + CASE WHEN $2 = 1 THEN 0 ELSE 1 END, error = $4 WHERE id = $1";
            match tx.execute(sql, args![id, error.is_none(), now, error]).await? {
                0 => Err(StoreError::NotFound(format!("mail {id}"))),
                _ => Ok(()),
            }
        })
    }

    /// The last mails, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recent_mail(&self, limit: usize) -> Result<Vec<Mail>> {
        let sql = concat!("SELECT ", columns!(), " FROM mail ORDER BY id DESC LIMIT $1");
        self.inner.db.fetch(sql, args![limit]).await?.iter().map(mail).collect()
    }
}
