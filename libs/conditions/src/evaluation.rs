//! Accuracy of the tagger on labelled sets outside the repository: reached, floor and goal of each figure.
//!
//! Used by `examples/evaluate-tagging.rs` and by a test. Without the folder of sets there is nothing to measure.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use carewire_schemas::{ConditionTag, Role};
use serde::Deserialize;

use crate::{Document, Tagger, Vocabulary};

/// One labelled text.
#[derive(Deserialize, Debug)]
pub struct Record {
    /// The set's id of it.
    pub id: String,
    /// Title; empty where the set has none.
    #[serde(default)]
    pub title: String,
    /// Text; empty where the set has titles only.
    #[serde(default)]
    pub text: String,
    /// The conditions asked for.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// Conditions neither asked for nor wrong.
    #[serde(default)]
    pub optional: Vec<String>,
    /// Concept identifiers of what the text is about.
    #[serde(default)]
    pub umls: Vec<String>,
    /// Name of what the text is about.
    #[serde(default)]
    pub focus: String,
    /// The topics asked for.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Topics neither asked for nor wrong.
    #[serde(default)]
    pub optional_topics: Vec<String>,
}

/// The own labelled headlines of the volume: line number, conditions, optional ones, topics, optional ones.
const HEADLINES: &str = include_str!("../tests/data/headlines.tsv");
/// The same, labelled after the vocabulary was written.
const LATER: &str = include_str!("../tests/data/headlines-later.tsv");

/// The own labelled headlines with their texts from `volume/health-headlines.jsonl` beside `folder`; none where that is
/// absent. Those labelled `later` were not in view when the vocabulary was written.
#[must_use]
pub fn own_headlines(folder: &Path, later: bool) -> Vec<Record> {
    #[derive(Deserialize)]
    struct Line {
        text: String,
    }
    let volume = std::fs::read_to_string(folder.join("../volume/health-headlines.jsonl")).unwrap_or_default();
    let lines: Vec<&str> = volume.lines().collect();
    let codes = |column: Option<&str>| column.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let labels = if later { LATER } else { HEADLINES };
    let labelled = labels.lines().filter(|l| !l.starts_with('#'));
    labelled
        .filter_map(|labels| {
            let mut columns = labels.split('\t');
            let id = columns.next()?;
            let line: Line = serde_json::from_str(lines.get(id.parse::<usize>().ok()?)?).ok()?;
            Some(Record {
                id: id.to_owned(),
                title: line.text,
                text: String::new(),
                conditions: codes(columns.next()),
                optional: codes(columns.next()),
                umls: Vec::new(),
                focus: String::new(),
                topics: codes(columns.next()),
                optional_topics: codes(columns.next()),
            })
        })
        .collect()
}

/// A figure: what is reached, below what a test fails, and what is wanted.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Set and measure.
    pub name: &'static str,
    /// 0 to 1.
    pub reached: f64,
    /// 0 to 1.
    pub floor: f64,
    /// 0 to 1.
    pub goal: f64,
    /// Precision and recall, or the number of texts.
    pub detail: String,
}

/// The folder of the sets: `CAREWIRE_SHARED_DATA`, else beside the workspace of `manifest`.
#[must_use]
pub fn data_folder(manifest: &str) -> PathBuf {
    std::env::var_os("CAREWIRE_SHARED_DATA")
        .map_or_else(|| Path::new(manifest).join("../../../shared/data"), PathBuf::from)
        .join("tagging")
}

/// The records of a set; none where the file is absent.
#[must_use]
pub fn records(path: &Path) -> Vec<Record> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The tags of a record.
#[must_use]
pub fn tag(tagger: &Tagger, record: &Record) -> Vec<ConditionTag> {
    tagger.tag(&document(record))
}

fn document(record: &Record) -> Document<'_> {
    Document { title: &record.title, text: &record.text, language: Some("en"), categories: &[] }
}

/// The conditions that a text is about: descriptors, without topics.
#[must_use]
pub fn about(tags: &[ConditionTag]) -> BTreeSet<String> {
    tags.iter().filter(|t| t.role == Role::About && !t.topic).map(|t| t.code.0.clone()).collect()
}

/// The topics that a text is about.
#[must_use]
pub fn about_topics(tags: &[ConditionTag]) -> BTreeSet<String> {
    tags.iter().filter(|t| t.role == Role::About && t.topic).map(|t| t.code.0.clone()).collect()
}

/// All conditions that a text names and that are MeSH descriptors (the sets have no others).
#[must_use]
pub fn all(tags: &[ConditionTag]) -> BTreeSet<String> {
    tags.iter().filter(|t| !t.topic && t.code.as_str().starts_with('D')).map(|t| t.code.0.clone()).collect()
}

/// What a measure takes of a text's tags.
type Predict = fn(&[ConditionTag]) -> BTreeSet<String>;

/// Precision, recall and F1 over all texts together (micro average): what is predicted against the wanted codes; optional
/// ones count neither way.
fn f1(tagger: &Tagger, records: &[Record], predict: Predict, topics: bool) -> (f64, String) {
    let (mut right, mut found, mut wanted) = (0usize, 0usize, 0usize);
    for record in records {
        let (gold, optional) =
            if topics { (&record.topics, &record.optional_topics) } else { (&record.conditions, &record.optional) };
        let gold: BTreeSet<&String> = gold.iter().collect();
        let mut predicted = predict(&tag(tagger, record));
        predicted.retain(|c| !optional.contains(c) || gold.contains(c));
        right += predicted.iter().filter(|c| gold.contains(c)).count();
        found += predicted.len();
        wanted += gold.len();
    }
    let (precision, recall) = (right as f64 / found.max(1) as f64, right as f64 / wanted.max(1) as f64);
    let f1 = if right == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
    let reports = records.iter().filter(|r| tagger.candidates(&document(r)).is_some()).count();
    (f1, format!("precision {precision:.3}, recall {recall:.3}, {} texts, {reports} read as reports", records.len()))
}

/// The conditions that a text's focus stands for: by its concept identifiers and by its name.
#[must_use]
pub fn focus_codes(vocabulary: &Vocabulary, record: &Record) -> BTreeSet<String> {
    let by_code = record.umls.iter().filter_map(|umls| vocabulary.resolve(&format!("umls:{umls}")));
    by_code.chain(vocabulary.by_name(&record.focus)).map(|c| c.0).collect()
}

/// Whether the condition in focus is found, and whether it is the first: shares of the texts whose focus has a code.
fn focus(tagger: &Tagger, vocabulary: &Vocabulary, records: &[Record]) -> (f64, f64, String) {
    let (mut asked, mut found, mut first) = (0usize, 0usize, 0usize);
    for record in records {
        let wanted = focus_codes(vocabulary, record);
        if wanted.is_empty() {
            continue;
        }
        asked += 1;
        let tags: Vec<_> = tag(tagger, record).into_iter().filter(|t| !t.topic).collect();
        found += usize::from(tags.iter().any(|t| wanted.contains(&t.code.0)));
        first += usize::from(tags.first().is_some_and(|t| wanted.contains(&t.code.0)));
    }
    let share = |n: usize| n as f64 / asked.max(1) as f64;
    let reports = records.iter().filter(|r| tagger.candidates(&document(r)).is_some()).count();
    let detail = format!("{asked} texts with a code of {}, {reports} read as reports", records.len());
    (share(found), share(first), detail)
}

/// All figures of the sets in `folder`; none where it is absent.
#[must_use]
pub fn evaluate(folder: &Path, tagger: &Tagger, vocabulary: &Vocabulary) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut measure = |records: &[Record], name, floor, goal, predict: Predict, topics| {
        if !records.is_empty() {
            let (reached, detail) = f1(tagger, records, predict, topics);
            figures.push(Figure { name, reached, floor, goal, detail });
        }
    };
    let set = |file: &str| records(&folder.join(file));
    measure(&set("headlines.dev.jsonl"), "headlines.dev, about, F1", 0.92, 0.88, about, false);
    let own = own_headlines(folder, false);
    measure(&own, "own headlines, about, F1", 0.90, 0.88, about, false);
    measure(&own, "own headlines, topics, F1", 0.82, 0.80, about_topics, true);
    let later = own_headlines(folder, true);
    measure(&later, "later headlines, about, F1", 0.88, 0.88, about, false);
    measure(&later, "later headlines, topics, F1", 0.78, 0.80, about_topics, true);
    measure(&set("who-outbreak-news.to-2022.jsonl"), "WHO to 2022, about, F1", 0.84, 0.92, about, false);
    measure(&set("ncbi-disease.dev.jsonl"), "NCBI disease dev, all codes, F1", 0.78, 0.80, all, false);
    measure(&set("bc5cdr.dev.jsonl"), "BC5CDR dev, all codes, F1", 0.79, 0.80, all, false);
    let records = records(&folder.join("medquad.dev.jsonl"));
    if !records.is_empty() {
        let (found, first, detail) = focus(tagger, vocabulary, &records);
        figures.push(Figure {
            name: "MedQuAD dev, focus found",
            reached: found,
            floor: 0.87,
            goal: 0.95,
            detail: detail.clone(),
        });
        figures.push(Figure { name: "MedQuAD dev, focus first", reached: first, floor: 0.79, goal: 0.85, detail });
    }
    figures
}
