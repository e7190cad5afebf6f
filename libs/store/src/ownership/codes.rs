//! Codes that are mailed to a feed's domain and given back by whoever reads its mail.

use std::time::Duration;

use carewire_schemas::FeedId;
use sha2::{Digest, Sha256};

use super::{audit, entry};
use crate::{
    Result, Store, StoreError,
    db::{args, later, transaction},
};

/// A code holds for so long.
const HOLDS: Duration = Duration::from_secs(24 * 3600);
/// Codes mailed for one feed in a day.
const MAILS: i64 = 3;
/// Wrong codes that are taken; then another must be mailed.
const TRIES: i64 = 5;

/// What a code that somebody gave back is worth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodeAnswer {
    /// It is the one that was mailed to this address.
    Right(String),
    /// It is not; so many more may be tried.
    Wrong(i64),
    /// None was mailed, it is too old, or too many wrong ones were given.
    Over,
}

/// `N` random bytes in hexadecimal.
pub(super) fn random_hex<const N: usize>() -> Result<String> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Unavailable(format!("random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn hash(feed: FeedId, code: &str) -> Vec<u8> {
    Sha256::new().chain_update(feed.0.as_bytes()).chain_update(code.as_bytes()).finalize().to_vec()
}

impl Store {
    /// Mails a fresh code to an address, which the caller has checked; `text` makes the mail of the code. An older code
    /// holds no more.
    ///
    /// # Errors
    /// `Invalid` when too many were mailed today; `NotFound` when there is no such feed.
    pub async fn mail_ownership_code(
        &self,
        feed: FeedId,
        address: &str,
        by: &str,
        text: impl Fn(&str) -> (String, String) + Send + Sync,
    ) -> Result<()> {
        // Some 40 bits: with few tries and a day, far beyond guessing.
        let code = random_hex::<5>()?;
        let (subject, body) = text(&code);
        transaction!(self, |tx| {
            let now = tx.now().await?;
            if tx.fetch_opt("SELECT 1 FROM feeds WHERE id = $1", args![feed.0]).await?.is_none() {
                return Err(StoreError::NotFound(format!("feed {feed}")));
            }
            let day = now.as_second() / 86_400;
            let sql = "INSERT INTO ownership_codes (feed, address, hash, expires_at, day) VALUES ($1, $2, $3, $4, $5) \
                       ON CONFLICT (feed) DO UPDATE SET address = excluded.address, hash = excluded.hash, \
                       expires_at = excluded.expires_at, tries = 0, day = excluded.day, \
                       mails = CASE WHEN ownership_codes.day = excluded.day THEN ownership_codes.mails + 1 ELSE 1 END \
                       RETURNING mails";
            let args = args![feed.0, address, hash(feed, &code), later(now, HOLDS), day];
            let mails = tx.fetch_opt(sql, args).await?.map(|row| row.int(0)).transpose()?.unwrap_or_default();
            if mails > MAILS {
                return Err(StoreError::Invalid(format!("{MAILS} codes were mailed today: use one, or try tomorrow")));
            }
            let sql = "INSERT INTO mail (recipient, subject, body, queued_at) VALUES ($1, $2, $3, $4)";
            tx.execute(sql, args![address, &*subject, &*body, now]).await?;
            audit(&mut tx, now, &entry(by, "mail-ownership-code", feed, address.to_owned())).await?;
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    /// Looks at a code that somebody gave back; a right one is used up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_ownership_code(&self, feed: FeedId, code: &str) -> Result<CodeAnswer> {
        let code = code.trim().to_ascii_lowercase();
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "UPDATE ownership_codes SET tries = tries + 1 WHERE feed = $1 AND expires_at > $2 AND tries < $3 \
                       RETURNING address, hash, tries";
            let Some(row) = tx.fetch_opt(sql, args![feed.0, now, TRIES]).await? else { return Ok(CodeAnswer::Over) };
            // Hashes are compared: how long that takes says nothing of the code.
            if row.blob(1)? != hash(feed, &code) {
                return Ok(CodeAnswer::Wrong(TRIES - row.int(2)?));
            }
            tx.execute("UPDATE ownership_codes SET expires_at = 0 WHERE feed = $1", args![feed.0]).await?;
            Ok(CodeAnswer::Right(row.text(0)?))
        })
    }
}
