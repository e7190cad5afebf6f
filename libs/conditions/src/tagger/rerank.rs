//! The learned part: in scientific reports a logistic model decides which of the conditions found are kept.
//!
//! Names differ in how often they are meant as diseases there ("hepatitis" in "hepatitis B surface antigen"), which
//! no list says. The model was trained by `examples/train-tagging.rs` on the public-domain training sets of the NCBI
//! Disease and BioCreative V CDR corpora; its numbers are part of the compiled vocabulary.

use rustc_hash::FxHashMap;

/// The features, in the order of the weights.
pub const FEATURES: [&str; 9] =
    ["bias", "prior", "ln-places", "in-title", "sign", "broader-too", "narrower-too", "proxy-only", "negated"];
/// Position of the prior among the features.
pub const PRIOR: usize = 1;
/// Texts of belief that a new name is right as often as all names are.
const SMOOTHING: f32 = 3.0;

/// A trained model.
#[derive(Default)]
pub struct Model {
    weights: [f32; FEATURES.len()],
    /// Least probability of what is kept.
    threshold: f32,
    /// Share of all found conditions that are right.
    base: f32,
    /// Term → texts in which it was right, and all in which it was found.
    priors: FxHashMap<u32, (f32, f32)>,
}

/// Log-odds of a name that was right in `right` of `all` texts.
#[must_use]
pub fn log_odds(right: f32, all: f32, base: f32) -> f32 {
    let p = (right + SMOOTHING * base) / (all + SMOOTHING);
    (p / (1.0 - p)).ln()
}

impl Model {
    /// Reads the model's lines: `weight <tab> feature <tab> number`, `threshold` and `base` likewise, `prior <tab> name
    /// <tab> right <tab> all`. `None` where there is no model. Names that are no terms are passed over.
    pub fn parse<'a>(lines: impl Iterator<Item = &'a str>, term: impl Fn(&str) -> Option<u32>) -> Option<Self> {
        let mut model = Self::default();
        for line in lines {
            let columns: Vec<&str> = line.split('\t').collect();
            let number = |i: usize| columns.get(i).and_then(|n: &&str| n.parse::<f32>().ok());
            match columns.as_slice() {
                ["weight", feature, _] => {
                    let at = FEATURES.iter().position(|f| f == feature)?;
                    model.weights[at] = number(2)?;
                }
                ["threshold", _] => model.threshold = number(1)?,
                ["base", _] => model.base = number(1)?,
                ["prior", name, _, _] => {
                    if let Some(term) = term(name) {
                        let slot = model.priors.entry(term).or_default();
                        *slot = (slot.0 + number(2)?, slot.1 + number(3)?);
                    }
                }
                _ => return None,
            }
        }
        (model.threshold > 0.0).then_some(model)
    }

    /// Log-odds of the most trusted of the terms.
    pub fn prior(&self, terms: &[u32]) -> f32 {
        let of = |term: &u32| {
            let (right, all) = self.priors.get(term).copied().unwrap_or_default();
            log_odds(right, all, self.base)
        };
        terms.iter().map(of).fold(f32::NEG_INFINITY, f32::max)
    }

    /// Whether a condition with these features is kept.
    pub fn keeps(&self, features: &[f32; FEATURES.len()]) -> bool {
        let sum: f32 = self.weights.iter().zip(features).map(|(w, f)| w * f).sum();
        1.0 / (1.0 + (-sum).exp()) >= self.threshold
    }
}
