//! Figures for pages and metrics, kept while writing: asking for them never scans.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    FeedState, ItemState, Result, Standing, Store,
    db::{Tx, args},
};

/// Figures to be moved at the end of a transaction.
#[derive(Default)]
pub(crate) struct Tallies(BTreeMap<String, i64>);

impl Tallies {
    /// Moves a figure.
    pub(crate) fn add(&mut self, name: impl Into<String>, by: i64) {
        *self.0.entry(name.into()).or_default() += by;
    }

    /// Writes what moved, in order of name: transactions meet here.
    pub(crate) async fn write(self, tx: &mut Tx) -> Result<()> {
        for (name, by) in self.0 {
            if by != 0 {
                tx.execute(
                    "INSERT INTO tallies (name, n) VALUES ($1, $2) \
                     ON CONFLICT (name) DO UPDATE SET n = tallies.n + excluded.n",
                    args![name, by],
                )
                .await?;
            }
        }
        Ok(())
    }
}

/// How much there is.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Counts {
    /// Organizations by standing.
    pub organizations: BTreeMap<Standing, i64>,
    /// Feeds by state.
    pub feeds: BTreeMap<FeedState, i64>,
    /// Items by state.
    pub items: BTreeMap<ItemState, i64>,
    /// Entries known.
    pub entries: i64,
    /// Mails not sent yet.
    pub unsent_mail: i64,
    /// The last number of the sequence.
    pub last_seq: i64,
}

impl Store {
    /// How much there is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self) -> Result<Counts> {
        let mut conn = self.inner.db.reader().await?;
        let mut counts = Counts::default();
        let sql = "SELECT n, curated, held, refused, hidden, withdrawn FROM sequence WHERE id = 1";
        if let Some(row) = conn.fetch_opt(sql, vec![]).await? {
            counts.last_seq = row.int(0)?;
            for (index, state) in ItemState::ALL.iter().enumerate() {
                counts.items.insert(*state, row.int(index + 1)?);
            }
        }
        for row in conn.fetch("SELECT name, n FROM tallies", vec![]).await? {
            let (name, n) = (row.text(0)?, row.int(1)?);
            match name.split_once(':') {
                None if name == "entries" => counts.entries = n,
                Some(("organizations", standing)) => {
                    counts.organizations.insert(standing.parse()?, n);
                }
                Some(("feeds", state)) => {
                    counts.feeds.insert(state.parse()?, n);
                }
                _ => {}
            }
        }
        let sql = "SELECT COUNT(*) FROM mail WHERE sent_at IS NULL";
        if let Some(row) = conn.fetch_opt(sql, vec![]).await? {
            counts.unsent_mail = row.int(0)?;
        }
        Ok(counts)
    }
}
