//! What the evaluations share: the data's place, walking it, keeping the score.

#![allow(dead_code)] // each test binary uses its part

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folder of outside data, or None with a note that what needs it is skipped.
pub fn shared(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CAREWIRE_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let dir = root.join(part);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("SKIPPED: {} is absent", dir.display());
    None
}

/// All files below a folder, sorted.
pub fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            out.extend(walk(&path));
        } else {
            out.push(path);
        }
    }
    out.sort();
    out
}

/// The outcome of one expectation.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Met,
    /// With what was found instead.
    Missed(String),
    /// There is no field for it, and why.
    NoField(String),
}

/// Outcomes by set.
#[derive(Default)]
pub struct Score {
    sets: BTreeMap<&'static str, Vec<(String, Outcome)>>,
}

impl Score {
    pub fn add(&mut self, set: &'static str, name: String, outcome: Outcome) {
        self.sets.entry(set).or_default().push((name, outcome));
    }

    /// Prints the table and the expectations that are not met or have no field; gives the sets below their floor.
    pub fn report(&self, goals: &[(&'static str, f64, f64)]) -> Vec<String> {
        let mut below = Vec::new();
        println!("{:<24}{:>8}{:>8}{:>9}{:>9}{:>8}{:>8}", "set", "asked", "met", "no field", "reached", "floor", "goal");
        for (set, floor, goal) in goals {
            let empty = Vec::new();
            let list = self.sets.get(set).unwrap_or(&empty);
            let met = list.iter().filter(|(_, o)| *o == Outcome::Met).count();
            let none = list.iter().filter(|(_, o)| matches!(o, Outcome::NoField(_))).count();
            let asked = list.len() - none;
            let reached = if asked == 0 { 0.0 } else { 100.0 * met as f64 / asked as f64 };
            println!("{set:<24}{asked:>8}{met:>8}{none:>9}{reached:>8.1}%{floor:>7.1}%{goal:>7.1}%");
            if reached < *floor {
                below.push(format!("{set}: {reached:.1} % is below the floor of {floor} %"));
            }
        }
        for (set, list) in &self.sets {
            for (name, outcome) in list {
                if let Outcome::Missed(why) = outcome {
                    println!("missed    {set} {name}: {why}");
                }
            }
        }
        for (set, list) in &self.sets {
            let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (name, outcome) in list {
                if let Outcome::NoField(why) = outcome {
                    reasons.entry(why).or_default().push(name);
                }
            }
            for (why, names) in reasons {
                println!("no field  {set} ({}) {why}: {}", names.len(), names.join(" "));
            }
        }
        below
    }
}
