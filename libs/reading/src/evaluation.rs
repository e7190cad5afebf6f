//! How well levels are told apart on texts outside the repository: reached, floor and goal of each figure.
//!
//! Used by `examples/evaluate-reading.rs` and by a test. Without the folder of texts there is nothing to measure.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{Counts, Language, count, difficulty, formulas};

/// A figure: what is reached, below what a test fails, and what is wanted; all 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Set and measure.
    pub name: &'static str,
    /// What is reached.
    pub reached: f64,
    /// Below this a test fails.
    pub floor: f64,
    /// What is wanted.
    pub goal: f64,
    /// Articles or pairs.
    pub of: usize,
}

/// An article at its levels, easiest first, or a pair of which the first is the plain side.
pub type Ladder = Vec<Counts>;

#[derive(Deserialize)]
struct Level {
    id: String,
    level: String,
    text: String,
}

#[derive(Deserialize)]
struct Pair {
    technical: String,
    plain: String,
}

/// The folder of the texts: `CAREWIRE_SHARED_DATA`, else beside the workspace of `manifest`.
#[must_use]
pub fn data_folder(manifest: &str) -> PathBuf {
    std::env::var_os("CAREWIRE_SHARED_DATA")
        .map_or_else(|| Path::new(manifest).join("../../../shared/data"), PathBuf::from)
        .join("readability")
}

fn records<T: for<'de> Deserialize<'de>>(path: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Articles of OneStopEnglish at their three levels.
#[must_use]
pub fn onestop(folder: &Path) -> Vec<Ladder> {
    let mut articles: BTreeMap<String, [Option<Counts>; 3]> = BTreeMap::new();
    for record in records::<Level>(&folder.join("onestop.jsonl")) {
        let place = ["Ele", "Int", "Adv"].iter().position(|level| record.level.starts_with(level));
        if let Some(place) = place {
            articles.entry(record.id).or_default()[place] = Some(count(&record.text, Language::English));
        }
    }
    articles.into_values().filter_map(|levels| levels.into_iter().collect()).collect()
}

/// Cochrane reviews: plain-language summary and technical abstract.
#[must_use]
pub fn cochrane(folder: &Path) -> Vec<Ladder> {
    let pairs = records::<Pair>(&folder.join("cochrane.val.jsonl"));
    pairs
        .iter()
        .map(|pair| [&pair.plain, &pair.technical].map(|text| count(text, Language::English)).to_vec())
        .collect()
}

/// The share of ladders whose steps come out in order.
fn in_order(ladders: &[Ladder], measure: impl Fn(&Counts) -> f64) -> f64 {
    let good = ladders.iter().filter(|ladder| ladder.is_sorted_by(|a, b| measure(a) < measure(b))).count();
    good as f64 / ladders.len().max(1) as f64
}

/// Measures on the folder's texts; empty where there are none.
#[must_use]
pub fn evaluate(folder: &Path) -> Vec<Figure> {
    let (onestop, cochrane) = (onestop(folder), cochrane(folder));
    if onestop.is_empty() || cochrane.is_empty() {
        return Vec::new();
    }
    let mark = |c: &Counts| difficulty(c, Language::English);
    let figure =
        |name, ladders: &[Ladder], reached, floor, goal| Figure { name, reached, floor, goal, of: ladders.len() };
    vec![
        figure("OneStop, combined grade", &onestop, in_order(&onestop, formulas::combined_grade), 0.93, 0.90),
        figure("OneStop, Flesch-Kincaid", &onestop, in_order(&onestop, formulas::flesch_kincaid), 0.94, 0.90),
        figure("OneStop, SMOG", &onestop, in_order(&onestop, formulas::smog), 0.89, 0.90),
        figure("OneStop, difficulty mark", &onestop, in_order(&onestop, mark), 0.94, 0.90),
        figure("Cochrane, combined grade", &cochrane, in_order(&cochrane, formulas::combined_grade), 0.73, 0.70),
        figure("Cochrane, Flesch-Kincaid", &cochrane, in_order(&cochrane, formulas::flesch_kincaid), 0.75, 0.70),
        figure("Cochrane, SMOG", &cochrane, in_order(&cochrane, formulas::smog), 0.73, 0.70),
        figure("Cochrane, difficulty mark", &cochrane, in_order(&cochrane, mark), 0.90, 0.85),
    ]
}
