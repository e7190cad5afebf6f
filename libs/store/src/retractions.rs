//! Studies that were retracted, as the operator's list has them.

use carewire_schemas::ItemId;
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::{
    ItemRow, Result, Store,
    apply::{item_columns, item_row},
    db::{LIST, args, transaction},
};

/// A study that was retracted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RetractionRow {
    /// A DOI in lower case, or `pmid:` and a number.
    pub study: String,
    /// What happened: `Retraction`, `Expression of concern`, `Correction` …
    pub nature: String,
    /// On which day (ISO 8601).
    pub date: Option<String>,
    /// DOI of the notice.
    pub notice: Option<String>,
    /// Why, as the list has it.
    pub reason: String,
}

impl Store {
    /// Keeps retractions, in place of what was known of the same studies; those of `lifted` are known no longer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_retractions(&self, rows: &[RetractionRow], lifted: &[String]) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            for studies in lifted.chunks(LIST) {
                let mut sql = tx.sql("DELETE FROM retractions WHERE study");
                sql.texts(studies);
                tx.run(sql).await?;
            }
            // One statement cannot write a row twice: the last of a study counts.
            let rows: std::collections::BTreeMap<&str, &RetractionRow> =
                rows.iter().map(|row| (row.study.as_str(), row)).collect();
            let values = rows.into_values().flat_map(|row| {
                let RetractionRow { study, nature, date, notice, reason } = row;
                args![&**study, &**nature, date.clone(), notice.clone(), &**reason, now]
            });
            let tail = " ON CONFLICT (study) DO UPDATE SET nature = excluded.nature, date = excluded.date, \
                        notice = excluded.notice, reason = excluded.reason, imported_at = excluded.imported_at";
            let head = "INSERT INTO retractions (study, nature, date, notice, reason, imported_at)";
            tx.insert(head, 6, tail, values.collect()).await.map(drop)
        })
    }

    /// What is known of the given studies.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retractions_of(&self, studies: &[String]) -> Result<Vec<RetractionRow>> {
        let mut found = Vec::new();
        for studies in studies.chunks(LIST) {
            let mut sql = self.inner.db.sql("SELECT study, nature, date, notice, reason FROM retractions WHERE study");
            sql.texts(studies);
            for row in self.inner.db.rows(sql).await? {
                found.push(RetractionRow {
                    study: row.text(0)?,
                    nature: row.text(1)?,
                    date: row.opt_text(2)?,
                    notice: row.opt_text(3)?,
                    reason: row.text(4)?,
                });
            }
        }
        Ok(found)
    }

    /// How many retractions are known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retraction_count(&self) -> Result<i64> {
        let row = self.inner.db.fetch_opt("SELECT count(*) FROM retractions", vec![]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    /// Items that speak of a study, in order of id, after the given one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn items_with_studies(&self, after: Option<ItemId>, limit: usize) -> Result<Vec<ItemRow>> {
        // Of the public form only a study's traits are an object of that name.
        let sql = concat!(
            "SELECT ",
            item_columns!(),
            " FROM items WHERE id > $1 AND content LIKE '%\"study\":{%' ORDER BY id LIMIT $2"
        );
        let after = after.map_or(Uuid::nil(), |item| item.0);
        self.inner.db.fetch(sql, args![after, limit]).await?.iter().map(item_row).collect()
    }

    /// Notes that a dead letter was sent again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dead_letter_sent(&self, partition: i32, offset: i64) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "INSERT INTO dead_letters_sent (part, off, sent_at) VALUES ($1, $2, $3) \
                       ON CONFLICT (part, off) DO UPDATE SET sent_at = excluded.sent_at";
            tx.execute(sql, args![partition, offset, now]).await.map(drop)
        })
    }

    /// Dead letters that were sent again: partition and offset.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dead_letters_sent(&self) -> Result<std::collections::HashSet<(i32, i64)>> {
        let rows = self.inner.db.fetch("SELECT part, off FROM dead_letters_sent", vec![]).await?;
        rows.iter()
            .map(|row| Ok((i32::try_from(row.int(0)?).map_err(crate::StoreError::unreadable)?, row.int(1)?)))
            .collect()
    }
}
