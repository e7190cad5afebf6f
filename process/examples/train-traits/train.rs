//! Logistic regression by gradient descent over all texts at once: small, without chance, the same on every machine of a sort.

use std::collections::BTreeMap;

use crate::{
    features::Part,
    model::{COLUMNS, KINDS, SUMS, Weights, damp, phrase_value, shares},
};

/// What is not a feature of words: sums of phrases, then the shares of the kinds.
const OTHERS: usize = SUMS + KINDS;

/// Parts in which the kinds are told beforehand.
const INNER: usize = 4;
/// The columns of one question: exactly one of them is right, or (with `single`) each for itself.
pub const GROUPS: [(std::ops::Range<usize>, bool); 3] = [(0..12, true), (12..20, true), (20..32, false)];

/// A text of the training, with what may be said of it.
#[derive(Clone)]
pub struct Example {
    /// Keys of its features: of the title, of the text.
    pub keys: [Vec<u32>; 2],
    /// What the table of phrases says.
    pub sums: [f32; SUMS],
    /// How likely each kind is, by a model that has not seen the text; 0 while the kinds themselves are learned.
    pub kinds: [f32; KINDS],
    /// By group: the columns that are right; of a single choice any of them. None: not known.
    pub right: [Option<u32>; 3],
    /// How much it counts.
    pub weight: f32,
}

/// Settings of a training.
#[derive(Clone, Copy)]
pub struct Settings {
    /// A feature is learned from at least so many texts.
    pub least: usize,
    /// Pull of the weights to 0.
    pub pull: f32,
    /// Pull of the weights of phrases to 0.
    pub phrase_pull: f32,
    /// Pull of the weights of kinds, on which the rest rests, to 0.
    pub kind_pull: f32,
    /// Rounds.
    pub rounds: usize,
}

struct Row {
    features: Vec<(u32, f32)>,
    others: [f32; OTHERS],
    right: [Option<u32>; 3],
    weight: f32,
}

/// Adam's state of one number.
#[derive(Clone, Copy, Default)]
struct Moment {
    mean: f32,
    square: f32,
}

fn others(example: &Example) -> [f32; OTHERS] {
    let mut others = [0f32; OTHERS];
    others[..SUMS].iter_mut().zip(example.sums).for_each(|(to, sum)| *to = phrase_value(sum));
    others[SUMS..].copy_from_slice(&example.kinds);
    others
}

fn sum_of(bias: &[f32; COLUMNS], words: &[[f32; COLUMNS]], more: &[[f32; COLUMNS]], row: &Row) -> [f32; COLUMNS] {
    let mut all = *bias;
    for (at, value) in &row.features {
        all.iter_mut().zip(&words[*at as usize]).for_each(|(all, weight)| *all += weight * value);
    }
    for (weights, value) in more.iter().zip(row.others).filter(|(_, value)| *value != 0.0) {
        all.iter_mut().zip(weights).for_each(|(all, weight)| *all += weight * value);
    }
    all
}

/// The known features of an example, by their place in `keys`, each with its value.
fn known(example: &Example, place: impl Fn(u32) -> Option<u32>) -> Vec<(u32, f32)> {
    let mut features = Vec::new();
    for (part, found) in [Part::Title, Part::Text].into_iter().zip(&example.keys) {
        let mut known: Vec<u32> = found.iter().filter_map(|key| place(*key)).collect();
        known.sort_unstable();
        known.dedup();
        let value = damp(part, known.len());
        features.extend(known.into_iter().map(|at| (at, value)));
    }
    features
}

/// The sums of all columns for an example, as the tag stage would have them.
#[must_use]
pub fn weigh(weights: &Weights, example: &Example) -> [f32; COLUMNS] {
    let place = |key: u32| weights.features.binary_search_by_key(&key, |(key, _)| *key).ok().map(|at| at as u32);
    let mut all = weights.bias;
    for (at, value) in known(example, place) {
        all.iter_mut().zip(weights.features[at as usize].1).for_each(|(all, weight)| *all += weight * value);
    }
    let add = |all: &mut [f32; COLUMNS], more: &[f32], from: usize| {
        for (weights, value) in weights.sums[from..].iter().zip(more) {
            all.iter_mut().zip(weights).for_each(|(all, weight)| *all += weight * value);
        }
    };
    add(&mut all, &example.sums.map(phrase_value), 0);
    let kinds = shares(&all[..KINDS]);
    add(&mut all, &kinds, SUMS);
    all
}

/// Learns the kinds, tells those of each text by a model that has not seen it, and learns the rest with them.
#[must_use]
pub fn train_all(examples: &[Example], settings: Settings) -> Weights {
    let mut examples = examples.to_vec();
    for fold in 0..INNER {
        let without: Vec<&Example> =
            examples.iter().enumerate().filter(|(at, _)| at % INNER != fold).map(|(_, e)| e).collect();
        let weights = train(&without, settings, 0..1);
        for example in examples.iter_mut().skip(fold).step_by(INNER) {
            example.kinds = shares(&weigh(&weights, example)[..KINDS]);
        }
    }
    train(&examples.iter().collect::<Vec<_>>(), settings, 0..3)
}

/// What each column should have been less: the slope of the loss by the sums.
fn slope(all: &[f32; COLUMNS], right: &[Option<u32>; 3]) -> [f32; COLUMNS] {
    let mut slope = [0f32; COLUMNS];
    for ((columns, choice), right) in GROUPS.into_iter().zip(right) {
        let Some(right) = right else { continue };
        let first = columns.start;
        let is = |column: usize| right >> (column - first) & 1 == 1;
        if choice {
            let most = columns.clone().map(|column| all[column]).fold(f32::MIN, f32::max);
            let parts: Vec<f32> = columns.clone().map(|column| (all[column] - most).exp()).collect();
            let whole: f32 = parts.iter().sum();
            let good: f32 = columns.clone().zip(&parts).filter(|(column, _)| is(*column)).map(|(_, part)| part).sum();
            for (column, part) in columns.zip(&parts) {
                slope[column] = part / whole - if is(column) { part / good.max(1e-9) } else { 0.0 };
            }
        } else {
            for column in columns {
                slope[column] = 1.0 / (1.0 + (-all[column]).exp()) - f32::from(u8::from(is(column)));
            }
        }
    }
    slope
}

/// Learns weights of the `groups` from texts.
fn train(examples: &[&Example], settings: Settings, groups: std::ops::Range<usize>) -> Weights {
    let mut counts = BTreeMap::<u32, usize>::new();
    for example in examples {
        let mut keys: Vec<u32> = example.keys.concat();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
    }
    let keys: Vec<u32> = counts.into_iter().filter(|(_, count)| *count >= settings.least).map(|(key, _)| key).collect();
    let rows: Vec<Row> = examples
        .iter()
        .map(|example| {
            let mut right = [None; 3];
            right[groups.clone()].copy_from_slice(&example.right[groups.clone()]);
            let features = known(example, |key| keys.binary_search(&key).ok().map(|at| at as u32));
            Row { features, others: others(example), right, weight: example.weight }
        })
        .collect();
    let mut bias = [0f32; COLUMNS];
    let mut weights = vec![[0f32; COLUMNS]; keys.len() + OTHERS];
    let mut moments = vec![[Moment::default(); COLUMNS]; keys.len() + OTHERS + 1];
    let mut slopes = vec![[0f32; COLUMNS]; keys.len() + OTHERS + 1];
    for round in 1..=settings.rounds {
        slopes.iter_mut().for_each(|slope| *slope = [0.0; COLUMNS]);
        let (words, phrases) = weights.split_at(keys.len());
        for row in &rows {
            let slope = slope(&sum_of(&bias, words, phrases, row), &row.right).map(|slope| slope * row.weight);
            for (at, value) in &row.features {
                slopes[*at as usize].iter_mut().zip(slope).for_each(|(sum, slope)| *sum += slope * value);
            }
            for (at, value) in row.others.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                slopes[keys.len() + at].iter_mut().zip(slope).for_each(|(sum, slope)| *sum += slope * value);
            }
            slopes[keys.len() + OTHERS].iter_mut().zip(slope).for_each(|(sum, slope)| *sum += slope);
        }
        let pace = 0.05 * (1.0 - round as f32 / (settings.rounds + 1) as f32);
        let (a, b) = (1.0 - 0.9f32.powi(round as i32), 1.0 - 0.99f32.powi(round as i32));
        for (at, (slopes, moments)) in slopes.iter().zip(&mut moments).enumerate() {
            let pull = match at - keys.len().min(at) {
                0 if at < keys.len() => settings.pull,
                other if other < SUMS => settings.phrase_pull,
                _ => settings.kind_pull,
            };
            // The kinds do not rest on themselves.
            let from = if (keys.len() + SUMS..keys.len() + OTHERS).contains(&at) { KINDS } else { 0 };
            let row = if at < weights.len() { &mut weights[at] } else { &mut bias };
            for ((weight, slope), moment) in row.iter_mut().zip(slopes).zip(moments).skip(from) {
                let slope = slope + if at < keys.len() + OTHERS { pull * *weight } else { 0.0 };
                moment.mean = 0.9 * moment.mean + 0.1 * slope;
                moment.square = 0.99 * moment.square + 0.01 * slope * slope;
                *weight -= pace * (moment.mean / a) / ((moment.square / b).sqrt() + 1e-6);
            }
        }
    }
    let sums = weights.split_off(keys.len());
    Weights { features: keys.into_iter().zip(weights).collect(), sums, bias }
}
