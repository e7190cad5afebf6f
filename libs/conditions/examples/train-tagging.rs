//! Trains the part of the tagger that is used for scientific reports, on the public-domain training sets of the NCBI
//! Disease and BioCreative V CDR corpora in `../shared/data/tagging`.
//!
//! `train-tagging names|model FILE`: `names` writes the names that the corpora use and the vocabulary lacks, `model` the
//! logistic model. `vocabulary/train` runs both and compiles the vocabulary in between. Deterministic.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use carewire_conditions::{
    ConditionCode, Document, Tagger, Vocabulary, evaluation,
    normalise::{Gap, Words, word_hash},
    tagger::rerank::{FEATURES, PRIOR, log_odds},
};

/// The corpora.
const SETS: [&str; 2] = ["ncbi-disease.train.jsonl", "bc5cdr.train.jsonl"];
/// Longest learned name, in words.
const WORDS: usize = 4;
/// Texts in which a name must stand for a condition that was missed.
const MISSED: usize = 2;
/// Share of the texts with the name that are labelled with the condition.
const PRECISION: f64 = 0.7;
/// Words that make a phrase look like the name of an illness.
const HEADS: &str = "disease disorder syndrome deficiency cancer tumor tumour carcinoma toxicity injury damage failure dysfunction \
    impairment lesion abnormality anomaly defect malformation neoplasm infection inflammation necrosis fibrosis death deterioration \
    attack block disturbance loss degeneration atrophy reaction effect bleeding hypersensitivity complication overdose pain \
    symptom episode ischemia stenosis predisposition phenotype state";
/// Words that no name begins or ends with.
const FUNCTION: &str = "a an the of in and or with to for by from on at as is was were are be been this that these those its their \
    our we not no than patient patients who which may can all both between after before during due into use used using";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, output] = arguments.as_slice() else {
        eprintln!("usage: train-tagging names|model FILE");
        std::process::exit(2);
    };
    let folder = evaluation::data_folder(env!("CARGO_MANIFEST_DIR"));
    let records: Vec<_> = SETS.iter().flat_map(|set| evaluation::records(&folder.join(set))).collect();
    assert!(!records.is_empty(), "no training sets at {}", folder.display());
    let text = if mode == "names" { names(&records) } else { model(&records) };
    std::fs::write(output, text).expect("the output can be written");
}

fn hashes(words: &str) -> BTreeSet<u64> {
    words.split_whitespace().map(word_hash).collect()
}

/// Phrases of a text: their words' hashes and how they are written first.
fn phrases(text: &str, out: &mut BTreeMap<Vec<u64>, String>, function: &BTreeSet<u64>) {
    let words: Vec<_> = Words::new(text).collect();
    for first in 0..words.len() {
        for length in 1..=WORDS.min(words.len() - first) {
            let phrase = &words[first..first + length];
            if length > 1 && phrase[length - 1].gap != Gap::Join {
                break;
            }
            let (begin, end) = (phrase[0], phrase[length - 1]);
            if function.contains(&begin.hash) || function.contains(&end.hash) || end.end - begin.start < 4 {
                continue;
            }
            let key: Vec<u64> = phrase.iter().map(|w| w.hash).collect();
            out.entry(key).or_insert_with(|| text[begin.start..end.end].to_lowercase());
        }
    }
}

/// A text's phrases, the conditions that it is labelled with, and those of them that the tagger misses.
type Labelled = (BTreeMap<Vec<u64>, String>, BTreeSet<String>, BTreeSet<String>);

/// Names of conditions that the tagger misses again and again.
fn names(records: &[evaluation::Record]) -> String {
    let vocabulary = Vocabulary::bundled();
    let tagger = Tagger::untrained(vocabulary, false);
    let (heads, function) = (hashes(HEADS), hashes(FUNCTION));
    let own_words = |code: &str| -> BTreeSet<u64> {
        let names = vocabulary.get(&ConditionCode(code.to_owned())).into_iter().flat_map(|c| c.names());
        names.flat_map(|n| Words::new(n.text).filter(|w| w.end - w.start > 3).map(|w| w.hash)).collect()
    };
    let mut texts: Vec<Labelled> = Vec::new();
    for record in records {
        let gold: BTreeSet<String> = record.conditions.iter().cloned().collect();
        let found = evaluation::all(&evaluation::tag(&tagger, record));
        let missed = gold.difference(&found).filter(|c| vocabulary.get(&ConditionCode((*c).clone())).is_some());
        let missed = missed.cloned().collect();
        let mut phrases_of = BTreeMap::new();
        phrases(&record.title, &mut phrases_of, &function);
        phrases(&record.text, &mut phrases_of, &function);
        texts.push((phrases_of, gold, missed));
    }
    let mut frequency: BTreeMap<&Vec<u64>, usize> = BTreeMap::new();
    let mut missed: BTreeMap<(&Vec<u64>, &String), BTreeSet<usize>> = BTreeMap::new();
    for (number, (phrases, _, codes)) in texts.iter().enumerate() {
        for phrase in phrases.keys() {
            *frequency.entry(phrase).or_default() += 1;
        }
        for code in codes {
            let own = own_words(code);
            for phrase in phrases.keys().filter(|p| p.iter().any(|w| own.contains(w) || heads.contains(w))) {
                missed.entry((phrase, code)).or_default().insert(number);
            }
        }
    }
    let mut ranked: Vec<_> = missed
        .into_iter()
        .filter(|(_, texts)| texts.len() >= MISSED)
        .filter_map(|((phrase, code), missed)| {
            let right = texts.iter().filter(|(p, gold, _)| p.contains_key(phrase) && gold.contains(code)).count();
            let precision = right as f64 / frequency[phrase] as f64;
            (precision >= PRECISION).then_some((missed, phrase.len(), precision, phrase, code))
        })
        .collect();
    ranked.sort_by(|a, b| {
        (b.0.len(), b.2, b.1).partial_cmp(&(a.0.len(), a.2, a.1)).expect("no NaN").then(a.3.cmp(b.3)).then(a.4.cmp(b.4))
    });
    // The best name of each missed condition first; another one only for what is still missed.
    let mut covered: BTreeSet<(usize, &String)> = BTreeSet::new();
    let mut out = BTreeSet::new();
    let mut taken: BTreeSet<&Vec<u64>> = BTreeSet::new();
    for (missed, _, _, phrase, code) in ranked {
        let new: Vec<usize> = missed.iter().copied().filter(|&t| !covered.contains(&(t, code))).collect();
        // A phrase that shares no word with the condition's names is only likely where it comes more often.
        let own = own_words(code);
        let enough = if phrase.iter().any(|w| own.contains(w)) { MISSED } else { MISSED + 1 };
        if new.len() < enough || !taken.insert(phrase) {
            continue;
        }
        covered.extend(new.iter().map(|&text| (text, code)));
        let first = *missed.iter().next().expect("at least two");
        let name = vocabulary.get(&ConditionCode(code.clone())).map_or("", |c| c.name());
        out.insert(format!("{}\t{name}", texts[first].0[phrase]));
    }
    let mut text = String::from(
        "# Names learned by examples/train-tagging.rs from the training sets of the NCBI Disease and BioCreative V CDR corpora\n\
         # (US government works, public domain): name, descriptor. They count in scientific reports only.\n",
    );
    out.iter().for_each(|line| _ = writeln!(text, "{line}"));
    text
}

/// One condition found in one text.
struct Example {
    text: usize,
    names: Vec<String>,
    features: [f64; FEATURES.len()],
    right: bool,
}

fn model(records: &[evaluation::Record]) -> String {
    let tagger = Tagger::untrained(Vocabulary::bundled(), true);
    let mut examples = Vec::new();
    let mut missed = 0usize;
    for (text, record) in records.iter().enumerate() {
        let document = Document { title: &record.title, text: &record.text, language: Some("en"), categories: &[] };
        let Some(candidates) = tagger.candidates(&document) else { continue };
        let found = candidates.iter().filter(|c| record.conditions.contains(&c.code.0)).count();
        missed += record.conditions.iter().collect::<BTreeSet<_>>().len() - found;
        // The sets have descriptors only: of other codes nothing is known.
        examples.extend(candidates.into_iter().filter(|c| c.code.as_str().starts_with('D')).map(|c| Example {
            text,
            names: c.names.iter().map(|n| n.to_lowercase()).collect(),
            features: c.features.map(f64::from),
            right: record.conditions.contains(&c.code.0),
        }));
    }
    let base = examples.iter().filter(|e| e.right).count() as f64 / examples.len() as f64;
    let mut priors: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for example in &examples {
        for name in &example.names {
            let slot = priors.entry(name).or_default();
            *slot = (slot.0 + f64::from(u8::from(example.right)), slot.1 + 1.0);
        }
    }
    // The prior of a name without the text itself: what a new text would see.
    let mut rows: Vec<([f64; FEATURES.len()], bool)> = Vec::with_capacity(examples.len());
    for example in &examples {
        let mut features = example.features;
        features[PRIOR] = example
            .names
            .iter()
            .map(|name| {
                let (right, all) = priors[name.as_str()];
                let own = f64::from(u8::from(example.right));
                f64::from(log_odds((right - own) as f32, (all - 1.0) as f32, base as f32))
            })
            .fold(f64::NEG_INFINITY, f64::max);
        rows.push((features, example.right));
    }
    let weights = logistic(&rows);
    let probability = |x: &[f64]| 1.0 / (1.0 + (-x.iter().zip(&weights).map(|(a, b)| a * b).sum::<f64>()).exp());
    let (mut best, mut threshold) = (0.0, 0.5);
    for step in 20..60 {
        let at = f64::from(step) / 100.0;
        let kept: Vec<_> = rows.iter().filter(|(x, _)| probability(x) >= at).collect();
        let right = kept.iter().filter(|(_, right)| *right).count() as f64;
        let wanted = rows.iter().filter(|(_, right)| *right).count() + missed;
        let f1 = 2.0 * right / (kept.len() + wanted) as f64;
        // Of thresholds that are as good, the lowest: a reader misses more by what is left out.
        if f1 > best + 0.001 {
            (best, threshold) = (f1, at);
        }
    }
    let texts = examples.iter().map(|e| e.text).collect::<BTreeSet<_>>().len();
    println!("{texts} reports of {}, {} examples, F1 {best:.3} at {threshold}", records.len(), rows.len());
    let mut text = String::from(
        "# The model of src/tagger/rerank.rs, trained by examples/train-tagging.rs on the training sets of the NCBI Disease and\n\
         # BioCreative V CDR corpora (US government works, public domain).\n",
    );
    for (feature, weight) in FEATURES.iter().zip(&weights) {
        _ = writeln!(text, "weight\t{feature}\t{weight:.4}");
    }
    _ = writeln!(text, "threshold\t{threshold}\nbase\t{base:.4}");
    for (name, (right, all)) in priors.iter().filter(|(_, (_, all))| *all >= 2.0) {
        _ = writeln!(text, "prior\t{name}\t{right}\t{all}");
    }
    text
}

/// Weights by gradient descent with a small penalty; the features are few and of like size.
fn logistic(rows: &[([f64; FEATURES.len()], bool)]) -> [f64; FEATURES.len()] {
    const PENALTY: f64 = 1e-3;
    let mut weights = [0.0; FEATURES.len()];
    for _ in 0..4000 {
        let mut gradient = weights.map(|w| w * PENALTY);
        for (x, right) in rows {
            let sum: f64 = x.iter().zip(&weights).map(|(a, b)| a * b).sum();
            let error = 1.0 / (1.0 + (-sum).exp()) - f64::from(u8::from(*right));
            gradient.iter_mut().zip(x).for_each(|(g, x)| *g += error * x / rows.len() as f64);
        }
        weights.iter_mut().zip(gradient).for_each(|(w, g)| *w -= 0.5 * g);
    }
    weights
}
