//! Accuracy of kind, study, aspects and audience on texts of our own making: reached, floor and goal of each figure.
//!
//! Used by `examples/evaluate-traits.rs`, `examples/train-traits` and a test. The model is trained on `data/train` and on
//! `data/traits-a.tsv` and `-b.tsv`, which were in view while the table of phrases was written. Nothing was learned from
//! `-c.tsv` and `-d.tsv`; `-c.tsv` was known while the model was built, `-d.tsv` was written by somebody else and first looked at when the
//! model was finished: its figures are the honest ones.

use std::collections::BTreeSet;

use carewire_schemas::{Aspect, Audience, ItemKind, StudyDesign};

use crate::tag::traits::{Looked, of};

/// A short text with what it is.
#[derive(Clone, PartialEq, Debug)]
pub struct Labelled {
    /// Its kind.
    pub kind: ItemKind,
    /// The design of the study that it reports on.
    pub design: Option<StudyDesign>,
    /// The aspects.
    pub aspects: BTreeSet<Aspect>,
    /// Whom it speaks to.
    pub audience: BTreeSet<Audience>,
    /// Title.
    pub title: &'static str,
    /// Text.
    pub text: &'static str,
}

/// A figure of a set: all 0 to 1.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Set and measure.
    pub name: String,
    /// F1 (of kinds: the share that is right).
    pub reached: f64,
    /// Below this a test fails.
    pub floor: f64,
    /// What is wanted.
    pub goal: f64,
    /// How many labels there are.
    pub of: usize,
}

/// The sets that are measured, by name.
pub const SETS: [(&str, &str); 4] = [
    ("a", include_str!("../data/traits-a.tsv")),
    ("b", include_str!("../data/traits-b.tsv")),
    ("c", include_str!("../data/traits-c.tsv")),
    ("d", include_str!("../data/traits-d.tsv")),
];

/// The texts that the model learns from beside the sets a and b, by kind.
pub const TRAINING: [&str; 12] = [
    include_str!("../data/train/article.tsv"),
    include_str!("../data/train/call.tsv"),
    include_str!("../data/train/event.tsv"),
    include_str!("../data/train/group.tsv"),
    include_str!("../data/train/guideline.tsv"),
    include_str!("../data/train/job.tsv"),
    include_str!("../data/train/news.tsv"),
    include_str!("../data/train/outbreak.tsv"),
    include_str!("../data/train/press.tsv"),
    include_str!("../data/train/recall.tsv"),
    include_str!("../data/train/research.tsv"),
    include_str!("../data/train/story.tsv"),
];

/// What is measured together, with the floors of kind, design, aspects and audience.
const MEASURED: [(&str, &[&str], [f64; 4]); 3] = [
    ("learned from", &["a", "b"], [0.90, 0.92, 0.86, 0.82]),
    ("known", &["c"], [0.86, 0.85, 0.80, 0.80]),
    ("blind", &["d"], [0.90, 0.73, 0.69, 0.82]),
];
/// What is wanted of them.
const GOALS: [f64; 4] = [0.90, 0.90, 0.85, 0.85];

fn kind(code: &str) -> Option<ItemKind> {
    Some(match code {
        "a" => ItemKind::Article,
        "n" => ItemKind::News,
        "ps" => ItemKind::PatientStory,
        "ra" => ItemKind::ResearchArticle,
        "pr" => ItemKind::PressRelease,
        "g" => ItemKind::Guideline,
        "e" => ItemKind::Event,
        "j" => ItemKind::Job,
        "r" => ItemKind::Recall,
        "o" => ItemKind::Outbreak,
        "c" => ItemKind::CallForParticipants,
        "s" => ItemKind::SupportGroup,
        _ => return None,
    })
}

fn design(code: &str) -> Option<Option<StudyDesign>> {
    Some(Some(match code {
        "-" => return Some(None),
        "sr" => StudyDesign::SystematicReview,
        "rct" => StudyDesign::RandomizedTrial,
        "obs" => StudyDesign::Observational,
        "case" => StudyDesign::CaseReport,
        "lab" => StudyDesign::AnimalOrCell,
        "gl" => StudyDesign::Guideline,
        "op" => StudyDesign::ExpertOpinion,
        _ => return None,
    }))
}

fn aspect(code: &str) -> Option<Aspect> {
    Some(match code {
        "prev" => Aspect::Prevention,
        "sym" => Aspect::Symptoms,
        "test" => Aspect::Tests,
        "treat" => Aspect::Treatment,
        "live" => Aspect::LivingWith,
        "care" => Aspect::CaringFor,
        "res" => Aspect::Research,
        "org" => Aspect::OrganizationNews,
        _ => return None,
    })
}

fn audience(code: &str) -> Option<Audience> {
    Some(match code {
        "p" => Audience::Patient,
        "c" => Audience::Carer,
        "k" => Audience::Child,
        "h" => Audience::Professional,
        _ => return None,
    })
}

fn list<T: Ord>(codes: &str, one: impl Fn(&str) -> Option<T>) -> Option<BTreeSet<T>> {
    codes.split(',').filter(|code| *code != "-").map(one).collect()
}

fn line(line: &'static str) -> Option<Labelled> {
    let mut columns = line.split('\t');
    let mut next = || columns.next();
    let (kind, design) = (kind(next()?)?, design(next()?)?);
    let (aspects, audience) = (list(next()?, aspect)?, list(next()?, audience)?);
    let (title, text) = next()?.split_once(" | ")?;
    Some(Labelled { kind, design, aspects, audience, title, text })
}

/// Every tenth of the volume's headlines below `data` that nothing was learned from, without links.
///
/// # Errors
/// When the file cannot be read.
pub fn headlines(data: &std::path::Path) -> std::io::Result<Vec<String>> {
    let file = std::fs::read_to_string(data.join("volume/health-headlines.jsonl"))?;
    let text = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        let words = value["text"].as_str()?.split_whitespace().filter(|word| !word.starts_with("http"));
        Some(words.collect::<Vec<_>>().join(" "))
    };
    // The model learned from lines 0, 40, 80 …
    Ok(file.lines().skip(3).step_by(10).filter_map(text).collect())
}

/// The texts of a set. The error is a line that cannot be read.
pub fn texts(set: &'static str) -> Result<Vec<Labelled>, String> {
    set.lines().map(|text| line(text).ok_or_else(|| text.to_owned())).collect()
}

/// What the tag stage says of a text.
#[must_use]
pub fn tagged(text: &Labelled) -> Labelled {
    let looked = Looked {
        title: text.title,
        text: text.text,
        html: "",
        url: None,
        language: Some("en"),
        media: ItemKind::Article,
        dated: None,
    };
    let (kind, traits) = of(&looked);
    Labelled {
        kind,
        design: traits.study.and_then(|study| study.design),
        aspects: traits.aspects.into_iter().map(|tag| tag.aspect).collect(),
        audience: traits.audience.into_iter().map(|tag| tag.audience).collect(),
        ..text.clone()
    }
}

/// F1 of sets of labels over texts, and the number of labels.
fn f1<T: Ord>(pairs: impl Iterator<Item = (BTreeSet<T>, BTreeSet<T>)>) -> (f64, usize) {
    let (mut both, mut wanted, mut found) = (0, 0, 0);
    for (gold, have) in pairs {
        both += gold.intersection(&have).count();
        wanted += gold.len();
        found += have.len();
    }
    (2.0 * both as f64 / (wanted + found).max(1) as f64, wanted)
}

/// Measures all sets.
///
/// # Errors
/// When a set has a line that cannot be read.
pub fn evaluate() -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    for (name, sets, floors) in MEASURED {
        let texts: Vec<Labelled> = SETS
            .iter()
            .filter(|(set, _)| sets.contains(set))
            .map(|(_, set)| texts(set))
            .collect::<Result<Vec<_>, String>>()?
            .concat();
        let have: Vec<Labelled> = texts.iter().map(tagged).collect();
        let pairs = || texts.iter().zip(&have);
        let right = pairs().filter(|(gold, have)| gold.kind == have.kind).count();
        let designs = f1(pairs()
            .map(|(gold, have)| (gold.design.into_iter().collect::<BTreeSet<_>>(), have.design.into_iter().collect())));
        let measures = [
            ("kind, right", (right as f64 / texts.len().max(1) as f64, texts.len())),
            ("evidence, F1", designs),
            ("aspects, F1", f1(pairs().map(|(gold, have)| (gold.aspects.clone(), have.aspects.clone())))),
            ("audience, F1", f1(pairs().map(|(gold, have)| (gold.audience.clone(), have.audience.clone())))),
        ];
        for (((measure, (reached, of)), floor), goal) in measures.into_iter().zip(floors).zip(GOALS) {
            figures.push(Figure { name: format!("{name}: {measure}"), reached, floor, goal, of });
        }
    }
    Ok(figures)
}
