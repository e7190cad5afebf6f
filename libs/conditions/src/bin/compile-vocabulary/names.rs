//! The forms in which a source's name may stand in a text.

use std::collections::BTreeSet;

use carewire_conditions::normalise::fold;

/// "Diabetes Mellitus, Type 2" → "Type 2 Diabetes Mellitus". Names without a comma stay as they are.
pub fn uninvert(name: &str) -> String {
    let parts: Vec<&str> = name.split(", ").collect();
    if parts.len() == 1 {
        return name.to_owned();
    }
    // "Pneumonia, Progressive Interstitial, of Sheep": what begins small belongs at the end.
    let (tail, front): (Vec<&str>, Vec<&str>) =
        parts.into_iter().rev().partition(|p| p.starts_with("of ") || p.starts_with("in "));
    front.into_iter().chain(tail).collect::<Vec<_>>().join(" ")
}

/// What stands in parentheses or brackets is the source's remark.
pub fn without_remarks(name: &str) -> String {
    let mut depth = 0i32;
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out.trim().to_owned()
}

/// Prefixes that are written with and without a hyphen.
const PREFIXES: [&str; 14] = [
    "post", "anti", "non", "pre", "hyper", "hypo", "neuro", "cardio", "micro", "co", "meta", "osteo", "gastro", "extra",
];

/// "Post-Traumatic Stress" → "PostTraumatic Stress".
pub fn joined(name: &str) -> Option<String> {
    let (left, right) = name.split_once('-')?;
    let prefix = left.rsplit(' ').next().unwrap_or(left).to_lowercase();
    (PREFIXES.contains(&prefix.as_str()) && right.starts_with(|c: char| c.is_alphabetic()))
        .then(|| format!("{left}{}", right.to_lowercase()))
}

/// Organs whose "X Diseases" people name by what is wrong with them.
const ORGANS: [&str; 26] = [
    "liver",
    "kidney",
    "heart",
    "lung",
    "brain",
    "skin",
    "eye",
    "thyroid",
    "muscle",
    "muscular",
    "bone",
    "nerve",
    "retinal",
    "vascular",
    "spinal cord",
    "pancreatic",
    "gallbladder",
    "prostatic",
    "gum",
    "joint",
    "stomach",
    "intestinal",
    "cardiovascular",
    "respiratory tract",
    "gastrointestinal",
    "optic nerve",
];
/// Other words for the same organs.
const ORGAN_WORDS: [(&str, &str); 10] = [
    ("liver", "hepatic"),
    ("kidney", "renal"),
    ("heart", "cardiac"),
    ("lung", "pulmonary"),
    ("brain", "cerebral"),
    ("skin", "cutaneous"),
    ("eye", "ocular"),
    ("muscle", "muscular"),
    ("pancreatic", "pancreas"),
    ("prostatic", "prostate"),
];
const TROUBLES: [&str; 9] =
    ["disease", "disorder", "dysfunction", "damage", "injury", "toxicity", "problem", "complication", "impairment"];
const TUMORS: [&str; 5] = ["cancer", "tumor", "carcinoma", "malignancy", "neoplasm"];

/// Names made by rule from a preferred name: tumours by their other words, organs by what is wrong with them,
/// pathogens for their infections. They count only where no source has the same words.
pub fn generated(preferred: &str, organisms: &BTreeSet<String>) -> Vec<String> {
    let name = fold(preferred);
    let mut out = Vec::new();
    let tumor = TUMORS
        .iter()
        .find_map(|t| name.strip_suffix(&format!(" {t}s")).or_else(|| name.strip_suffix(&format!(" {t}"))));
    if let Some(site) = tumor {
        for word in TUMORS {
            out.push(format!("{site} {word}"));
            out.push(format!("{word} of {site}"));
            out.push(format!("{word} of the {site}"));
        }
    }
    if let Some(organ) = name.strip_suffix(" diseases").filter(|o| ORGANS.contains(o)) {
        let other = ORGAN_WORDS.iter().find(|(o, _)| *o == organ).map(|(_, w)| *w);
        for organ in std::iter::once(organ).chain(other) {
            for trouble in TROUBLES {
                out.push(format!("{organ} {trouble}"));
            }
            out.push(format!("disease of the {organ}"));
            out.push(format!("damage to the {organ}"));
        }
    }
    if let Some(site) = name.strip_suffix(" diseases") {
        out.extend(["disorder", "problem"].map(|word| format!("{site} {word}")));
    } else if let Some(site) = name.strip_suffix(" disorders") {
        out.push(format!("{site} disease"));
    }
    if let Some(pathogen) = name.strip_suffix(" infections").filter(|p| !p.contains(' ') && organisms.contains(*p)) {
        out.push(pathogen.to_owned());
        out.push(format!("{pathogen} outbreak"));
    }
    out
}
