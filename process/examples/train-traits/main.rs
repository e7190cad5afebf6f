//! Learns the weights of kinds and traits from the labelled texts of `process/data` and writes `process/src/tag/traits/traits.model`.
//!
//! `train-traits [--check]`: `--check` only says how well texts are told that were held back, each fifth in turn. Nothing is
//! left to chance: the same texts give the same weights.
//!
//! Beside them, with little weight and for the kind only, from `CAREWIRE_SHARED_DATA`: every 40th headline of UCI Health News in Twitter
//! (CC BY 4.0), which is hardly ever a job, an event or a call, and abstracts of the training sets of the NCBI Disease and BioCreative V
//! CDR corpora (public domain), which are research articles.

use carewire_process::{
    evaluation::{self, Labelled},
    tag::traits::{self, Scores, features, model},
};

use carewire_schemas::ItemKind;

mod report;
mod train;

use model::{COLUMNS, KINDS, READ, SUMS};
use train::{Example, Settings};

/// Chosen by the texts held back.
const SETTINGS: Settings = Settings { least: 2, pull: 1.2, phrase_pull: 0.2, kind_pull: 0.05, rounds: 150 };
/// Most features that are kept: those with the heaviest weights.
const KEPT: usize = 8_000;
/// What a headline and an abstract count.
const HEADLINE: f32 = 0.03;
const ABSTRACT: f32 = 0.2;
/// Into how many parts the texts are cut of which one is held back.
const FOLDS: usize = 5;

fn keys(text: &str, part: features::Part) -> Vec<u32> {
    let mut keys = Vec::new();
    features::scan(&text[..text.floor_char_boundary(READ)], part, |key, _, _| keys.push(key));
    keys
}

fn bit<T: PartialEq>(list: &[T], wanted: &T) -> u32 {
    list.iter().position(|have| have == wanted).map_or(0, |at| 1 << at)
}

/// `phrases`: whether the table of phrases was written without this text in view, so that its sums may be trusted.
fn example(text: &Labelled, phrases: bool) -> Example {
    let traits = text.aspects.iter().fold(0, |all, aspect| all | bit(&traits::ASPECT_COLUMNS, aspect));
    let audiences = text.audience.iter().fold(0, |all, audience| all | bit(&traits::AUDIENCE_COLUMNS, audience));
    let design = text.design.map_or(1, |design| bit(&traits::DESIGNS, &design) << 1);
    Example {
        keys: [keys(text.title, features::Part::Title), keys(text.text, features::Part::Text)],
        sums: if phrases { Scores::of(text.title, text.text, None).sums() } else { [0.0; SUMS] },
        kinds: [0.0; KINDS],
        right: [
            Some(bit(&traits::KINDS, &text.kind)),
            Some(design),
            Some(traits | audiences << traits::ASPECT_COLUMNS.len()),
        ],
        weight: 1.0,
    }
}

/// Lines of a file of JSON objects: each `step`th, with the texts of two of its fields.
fn lines(path: &str, step: usize, fields: [&str; 2]) -> Result<Vec<[String; 2]>, String> {
    let data = std::env::var("CAREWIRE_SHARED_DATA").map_err(|_| "CAREWIRE_SHARED_DATA is not set".to_owned())?;
    let file = std::fs::read_to_string(format!("{data}/{path}")).map_err(|error| format!("{path}: {error}"))?;
    let one = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).map_err(|error| format!("{path}: {error}"))?;
        Ok(fields.map(|field| value[field].as_str().unwrap_or_default().to_owned()))
    };
    file.lines().step_by(step).map(one).collect()
}

/// Texts of which only the kind is known: one of `kinds`.
fn weak(title: &str, text: &str, kinds: &[ItemKind], weight: f32) -> Example {
    Example {
        keys: [keys(title, features::Part::Title), keys(text, features::Part::Text)],
        sums: Scores::of(title, text, None).sums(),
        kinds: [0.0; KINDS],
        right: [Some(kinds.iter().fold(0, |all, kind| all | bit(&traits::KINDS, kind))), None, None],
        weight,
    }
}

fn weak_texts() -> Result<Vec<Example>, String> {
    let told = [ItemKind::Article, ItemKind::News, ItemKind::ResearchArticle, ItemKind::Recall, ItemKind::Outbreak];
    let mut all = Vec::new();
    for [headline, _] in lines("volume/health-headlines.jsonl", 40, ["text", "outlet"])? {
        all.push(weak(&without_links(&headline), "", &told, HEADLINE));
    }
    for path in ["tagging/ncbi-disease.train.jsonl", "tagging/bc5cdr.train.jsonl"] {
        for [title, text] in lines(path, 5, ["title", "text"])? {
            all.push(weak(&title, &text, &[ItemKind::ResearchArticle], ABSTRACT));
        }
    }
    Ok(all)
}

fn without_links(headline: &str) -> String {
    headline.split_whitespace().filter(|word| !word.starts_with("http")).collect::<Vec<_>>().join(" ")
}

fn main() -> Result<(), String> {
    let weak = weak_texts()?;
    let mut own = Vec::new();
    for set in evaluation::TRAINING {
        own.extend(evaluation::texts(set)?.iter().map(|text| example(text, true)));
    }
    let mut seen = Vec::new();
    for (_, set) in evaluation::SETS.iter().filter(|(name, _)| matches!(*name, "a" | "b")) {
        seen.extend(evaluation::texts(set)?.iter().map(|text| example(text, false)));
    }
    let mut held_back: Vec<(usize, [f32; COLUMNS])> = Vec::new();
    for fold in 0..FOLDS {
        let others = own.iter().enumerate().filter(|(at, _)| at % FOLDS != fold).map(|(_, example)| example);
        let texts: Vec<Example> = others.chain(&seen).chain(&weak).cloned().collect();
        let weights = train::train_all(&texts, SETTINGS);
        let fold = own.iter().enumerate().skip(fold).step_by(FOLDS);
        held_back.extend(fold.map(|(at, example)| (at, train::weigh(&weights, example))));
    }
    let shifts = report::shifts(&own, &held_back);
    report::print(&own, &held_back, &shifts);
    if std::env::args().any(|argument| argument == "--check") {
        return Ok(());
    }
    let texts: Vec<Example> = own.into_iter().chain(seen).chain(weak).collect();
    let mut weights = train::train_all(&texts, SETTINGS);
    weights.bias.iter_mut().zip(shifts).for_each(|(bias, shift)| *bias += shift);
    let size = |row: &[f32; COLUMNS]| row.iter().map(|weight| weight * weight).sum::<f32>();
    weights.features.sort_by(|a, b| size(&b.1).total_cmp(&size(&a.1)).then(a.0.cmp(&b.0)));
    weights.features.truncate(KEPT);
    weights.features.sort_by_key(|(key, _)| *key);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tag/traits/traits.model");
    let bytes = weights.to_bytes();
    std::fs::write(path, &bytes).map_err(|error| format!("{path}: {error}"))?;
    println!("{} texts, {} features, {} bytes: {path}", texts.len(), weights.features.len(), bytes.len());
    Ok(())
}
