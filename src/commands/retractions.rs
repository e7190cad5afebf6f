//! `carewire retractions …`: the list of retracted studies, and the items that speak of them.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail};
use carewire_conditions::Vocabulary;
use carewire_process::policy::RetractionPolicy;
use carewire_publish::sink::retraction;
use carewire_query::{public, retraction as notice};
use carewire_schemas::ItemId;
use carewire_store::{ItemChange, RetractionRow, Store, StoreError};
use jiff::Timestamp;
use serde::Serialize;

use super::{answer, bytes_of, open_store};
use crate::{cli::RetractionsCommand, config::Config, csv};

/// Rows that are written, and items that are looked at, at a time.
const PAGE: usize = 500;

/// What an import did.
#[derive(Default, Serialize)]
struct Imported {
    /// Studies marked.
    studies: usize,
    /// Studies that were reinstated.
    reinstated: usize,
    /// Rows without a DOI or PubMed id of the study.
    without_id: usize,
    /// Items that speak of one of all studies known now.
    items: usize,
    /// Of these, items that changed.
    changed: usize,
}

pub async fn run(config: Config, command: RetractionsCommand) -> Result<()> {
    let RetractionsCommand::Import { file, json } = command;
    let bytes = bytes_of(&file)?;
    let (rows, lifted, without_id) = read(&bytes)?;
    let store = open_store(&config).await?;
    let mut done = Imported { studies: rows.len(), reinstated: lifted.len(), without_id, ..Imported::default() };
    for rows in rows.chunks(PAGE) {
        store.put_retractions(rows, &[]).await?;
    }
    store.put_retractions(&[], &lifted).await?;
    let hold = config.policy.retractions == RetractionPolicy::Hold;
    // The sink asks the table before it writes a row, so a row may come in between: the second round finds it.
    for _ in 0..2 {
        mark(&store, hold, &mut done).await?;
    }
    let known = store.retraction_count().await?;
    answer(json, &done, || {
        let Imported { studies, reinstated, without_id, items, changed } = &done;
        let what = if hold { "held" } else { "marked with a notice" };
        format!(
            "{studies} studies read, {reinstated} reinstated, {without_id} rows without DOI or PubMed id; {known} studies known\n{items} items speak of them, {changed} changed: {what}"
        )
    })
}

/// Marks the items that speak of a retracted study, and unmarks those that no longer do.
async fn mark(store: &Store, hold: bool, done: &mut Imported) -> Result<()> {
    let (mut after, mut found) = (None, 0);
    loop {
        let page = store.items_with_studies(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        let mut studies: HashMap<ItemId, carewire_schemas::Study> = HashMap::new();
        for row in &page {
            if let Some(study) = public::content(row)?.traits.study {
                studies.insert(row.id, study);
            }
        }
        let ids: HashSet<String> =
            studies.values().flat_map(|study| study.ids()).map(str::to_ascii_lowercase).collect();
        let known = store.retractions_of(&ids.into_iter().collect::<Vec<_>>()).await?;
        let known: notice::Retractions =
            known.into_iter().map(|row| (row.study.clone(), retraction(row, hold))).collect();
        let now = Timestamp::now();
        let mut concerned = Vec::new();
        for row in &page {
            let is = notice::of(studies.get(&row.id), &known);
            found += usize::from(is.is_some());
            if public::meta(row)?.retraction != is {
                concerned.push(row.id);
            }
        }
        if concerned.is_empty() {
            continue;
        }
        let applied = store
            .change_items(concerned.clone(), &[], None, |view| {
                let rows = concerned.iter().filter_map(|id| view.rows.get(id));
                rows.map(|row| {
                    let broken = |error: public::RowError| StoreError::Invalid(error.to_string());
                    let study = public::content(row).map_err(broken)?.traits.study;
                    let is = notice::of(study.as_ref(), &known);
                    let row = public::retract(row, is, Vocabulary::bundled(), now).map_err(broken)?;
                    Ok(ItemChange { row, decision: None })
                })
                .collect()
            })
            .await?;
        done.changed += applied.changed;
    }
    done.items = found;
    Ok(())
}

/// The retractions of a list, the studies that were reinstated, and how many rows name no study.
///
/// Columns are those of the Retraction Watch data that Crossref publishes: `OriginalPaperDOI`, `OriginalPaperPubMedID`,
/// `RetractionNature`, `RetractionDate`, `RetractionDOI`, `Reason`; in any order, others beside them.
fn read(bytes: &[u8]) -> Result<(Vec<RetractionRow>, Vec<String>, usize)> {
    let text = String::from_utf8_lossy(bytes);
    let mut rows = csv::rows(&text);
    let head = rows.next().context("the list is empty")?;
    let column = |name: &str| head.iter().position(|have| have.trim().eq_ignore_ascii_case(name));
    let (doi, pmid) = (column("OriginalPaperDOI"), column("OriginalPaperPubMedID"));
    if doi.is_none() && pmid.is_none() {
        bail!(
            "no column OriginalPaperDOI or OriginalPaperPubMedID: this is no list of Retraction Watch (found: {})",
            head.iter().take(30).map(|name| name.chars().take(40).collect::<String>()).collect::<Vec<_>>().join(", ")
        );
    }
    let (nature, date) = (column("RetractionNature"), column("RetractionDate"));
    let (notice, reason) = (column("RetractionDOI"), column("Reason"));
    let mut retracted: HashMap<String, RetractionRow> = HashMap::new();
    let (mut lifted, mut without_id) = (Vec::new(), 0);
    for row in rows {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).map_or("", |cell| cell.trim());
        let studies: Vec<String> = [study_doi(cell(doi)), study_pmid(cell(pmid))].into_iter().flatten().collect();
        if studies.is_empty() {
            without_id += usize::from(row.iter().any(|cell| !cell.trim().is_empty()));
            continue;
        }
        let nature = Some(cell(nature)).filter(|text| !text.is_empty()).unwrap_or("Retraction");
        for study in studies {
            if nature.eq_ignore_ascii_case("reinstatement") {
                retracted.remove(&study);
                lifted.push(study);
                continue;
            }
            let row = RetractionRow {
                study: study.clone(),
                nature: nature.chars().take(60).collect(),
                date: day(cell(date)),
                notice: study_doi(cell(notice)),
                reason: cell(reason).trim_matches([';', '+', ' ']).chars().take(500).collect(),
            };
            // Of several notices about a study the gravest holds.
            match retracted.get(&study) {
                Some(have) if have.nature.eq_ignore_ascii_case("retraction") => {}
                _ => drop(retracted.insert(study, row)),
            }
        }
    }
    let mut rows: Vec<RetractionRow> = retracted.into_values().collect();
    rows.sort_by(|a, b| a.study.cmp(&b.study));
    Ok((rows, lifted, without_id))
}

/// A DOI in lower case, without the address in front of it.
fn study_doi(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let at = text.find("10.")?;
    let doi = text[at..].trim();
    (doi.contains('/') && doi.len() <= 300 && !doi.contains(char::is_whitespace)).then(|| doi.to_owned())
}

fn study_pmid(text: &str) -> Option<String> {
    let digits = text.trim();
    let good = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    (good && digits != "0").then(|| format!("pmid:{digits}"))
}

/// `1/31/2024 0:00` or `2024-01-31` as ISO 8601.
fn day(text: &str) -> Option<String> {
    let date = text.split_whitespace().next()?;
    if let Ok(date) = date.parse::<jiff::civil::Date>() {
        return Some(date.to_string());
    }
    let parts: Vec<i16> = date.split('/').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [month, day, year] = parts.as_slice() else { return None };
    let date = jiff::civil::Date::new(*year, i8::try_from(*month).ok()?, i8::try_from(*day).ok()?).ok()?;
    Some(date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read() {
        let list = "Record ID,Title,RetractionDate,RetractionDOI,OriginalPaperDOI,OriginalPaperPubMedID,RetractionNature,Reason\n\
            1,\"A title, with comma\",1/31/2024 0:00,10.1/Notice,10.1000/ABC,12345678,Retraction,+Falsification;\n\
            2,x,2024-02-01,unavailable,https://doi.org/10.1000/def,0,Expression of concern,\n\
            3,x,,,unavailable,0,Retraction,\n\
            4,x,,,10.1000/ghi,,Retraction,\n\
            5,x,,,10.1000/ghi,,Reinstatement,\n";
        let (rows, lifted, without_id) = read(list.as_bytes()).unwrap();
        assert_eq!(
            rows.iter().map(|row| row.study.as_str()).collect::<Vec<_>>(),
            ["10.1000/abc", "10.1000/def", "pmid:12345678"]
        );
        let first = &rows[0];
        assert_eq!((first.date.as_deref(), first.notice.as_deref()), (Some("2024-01-31"), Some("10.1/notice")));
        assert_eq!((first.nature.as_str(), first.reason.as_str()), ("Retraction", "Falsification"));
        assert_eq!((rows[1].date.as_deref(), rows[1].notice.as_deref()), (Some("2024-02-01"), None));
        assert_eq!((lifted, without_id), (vec!["10.1000/ghi".to_owned()], 1));
        assert!(read(b"a,b\n1,2\n").unwrap_err().to_string().contains("OriginalPaperDOI"));
        assert!(read(b"").is_err());
    }
}
