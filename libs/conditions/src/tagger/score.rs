//! From places to tags: how sure, and about or mentioned.
//!
//! The strength of a condition is summed over its places:
//! - in the title: 2 for a name, 1.6 for what stands for it, 0.8 for what only hints at it; symptoms count full
//!   there;
//! - in the text: `weight × √frequency / (1 + first / 200)`, `first` counted in words from the start, `weight` 0.3
//!   for signs and symptoms and for what is named in passing everywhere;
//! - 0.8 for a category of the publisher.
//!
//! The score is `1 − e^(−strength)`; negated places count nothing. An item is about what its title names; where the
//! title names nothing, about the condition that is strongest in the text, if it is strong enough.

use carewire_schemas::{ConditionTag, Evidence, Field, Qualifier, Role};
use rustc_hash::FxHashMap;

use smallvec::SmallVec;

use super::{
    AllFound, Candidate, Document, Found, Place,
    context::Mark,
    rerank::{FEATURES, Model, PRIOR},
};
use crate::{
    Vocabulary,
    vocabulary::{format::Table, term},
};

/// Places shown as evidence of one condition.
const EVIDENCE: usize = 5;
/// Strength in the text from which an item whose title names nothing is about a condition.
const ENOUGH: f32 = 0.5;
/// The same where there is no title, so that the text is all there is to say what it is about.
const ENOUGH_ALONE: f32 = 0.1;
/// Strength in the text from which an item is about a topic that its title does not name.
const ENOUGH_TOPIC: f32 = 1.2;
/// Share of the strongest condition's strength from which a second one is what an item is about too.
const CLOSE: f32 = 0.9;
/// The same from which a narrower one is meant instead of a broader one.
const NARROWER: f32 = 0.6;
/// Places of what stands for a condition that make it mentioned, where it is never named.
const PROXIES: u32 = 3;
/// Words over which a first mention loses half its strength.
const HALF: f32 = 200.0;

#[derive(Default)]
struct Sum<'a> {
    title: f32,
    named_in_title: bool,
    /// Word of the title where it is named.
    title_word: usize,
    /// Places in the text where it is named, what stands for it not counted.
    named: u32,
    /// Places in the text where something stands for it.
    proxies: u32,
    frequency: f32,
    first: usize,
    category: bool,
    affirmed: bool,
    /// How it is named in all places that do not negate it.
    qualifier: Option<Qualifier>,
    /// All places, those negated.
    places: u32,
    negated: u32,
    /// The terms that stand there, each once.
    terms: SmallVec<[u32; 4]>,
    evidence: Vec<(&'a Place, Field, usize)>,
}

/// Tags from what was found; a model decides what is kept of it.
pub fn score(
    vocabulary: &Vocabulary,
    document: &Document<'_>,
    found: &AllFound,
    model: Option<&Model>,
) -> Vec<ConditionTag> {
    let mut sums = sums(vocabulary, found);
    if let Some(model) = model {
        let refused: Vec<u32> = sums
            .iter()
            .filter(|&(&index, sum)| {
                let mut features = features(vocabulary, &sums, index, sum);
                features[PRIOR] = model.prior(&sum.terms);
                !vocabulary.at(index).topic() && !model.keeps(&features)
            })
            .map(|(&index, _)| index)
            .collect();
        sums.retain(|index, _| !refused.contains(index));
    }
    if sums.is_empty() {
        return Vec::new();
    }
    let about = about(vocabulary, &sums, found.title.words > 0, &found.text);
    tags(vocabulary, document, &sums, &about)
}

/// What a model would decide on.
pub fn candidates(vocabulary: &Vocabulary, document: &Document<'_>, found: &AllFound) -> Vec<Candidate> {
    let sums = sums(vocabulary, found);
    let spans = Spans::new(document);
    let mut out: Vec<Candidate> = sums
        .iter()
        .filter(|&(&index, _)| !vocabulary.at(index).topic())
        .map(|(&index, sum)| {
            let mut names: Vec<String> = Vec::new();
            let mut terms: Vec<u32> = Vec::new();
            for (place, field, number) in &sum.evidence {
                if !terms.contains(&place.term) {
                    terms.push(place.term);
                    names.push(spans.text(*field, *number).get(place.start..place.end).unwrap_or_default().to_owned());
                }
            }
            let features = features(vocabulary, &sums, index, sum);
            Candidate { code: vocabulary.at(index).code().clone(), names, features }
        })
        .collect();
    out.sort_by(|a, b| a.code.cmp(&b.code));
    out
}

/// The features of a condition, in the order of [`FEATURES`], without the prior.
fn features(
    vocabulary: &Vocabulary,
    sums: &FxHashMap<u32, Sum<'_>>,
    index: u32,
    sum: &Sum<'_>,
) -> [f32; FEATURES.len()] {
    let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
    let others = || sums.keys().copied().filter(|&other| other != index);
    [
        1.0,
        0.0,
        (sum.places.max(1) as f32).ln(),
        flag(sum.title > 0.0),
        flag(vocabulary.at(index).weight() < 0.5),
        flag(others().any(|other| vocabulary.ancestor_indices(index).contains(&other))),
        flag(others().any(|other| vocabulary.ancestor_indices(other).contains(&index))),
        flag(sum.named == 0 && sum.proxies > 0),
        sum.negated as f32 / sum.places.max(1) as f32,
    ]
}

/// The places of each condition, summed up.
fn sums<'a>(vocabulary: &Vocabulary, found: &'a AllFound) -> FxHashMap<u32, Sum<'a>> {
    let AllFound { title, text, categories } = found;
    let tables = &vocabulary.tables;
    let mut sums: FxHashMap<u32, Sum<'_>> = FxHashMap::default();
    let fields = [(title, 0), (text, 0)].into_iter().chain(categories.iter().zip(0..));
    for (found, number) in fields {
        for place in &found.places {
            for &entry in &tables.get(Table::TermCondition)[tables.range(Table::TermEnd, place.term as usize)] {
                let (condition, flags) = (term::condition(entry), entry);
                if let Some((from, to)) = place.switched
                    && from == condition
                {
                    // Named as one, about the other: both are tagged, the strength goes to the other.
                    let sum = sums.entry(from).or_default();
                    sum.affirmed = true;
                    sum.named += 1;
                    sum.evidence.extend((sum.evidence.len() < EVIDENCE).then_some((place, found.field, number)));
                    let sum = sums.entry(to).or_default();
                    sum.affirmed = true;
                    sum.named += 1;
                    if sum.frequency == 0.0 {
                        sum.first = place.word;
                    }
                    sum.frequency += 1.0;
                    sum.evidence.extend((sum.evidence.len() < EVIDENCE).then_some((place, found.field, number)));
                    continue;
                }
                let sum = sums.entry(condition).or_default();
                sum.places += 1;
                sum.negated += u32::from(place.mark == Some(Mark::Negated));
                if !sum.terms.contains(&place.term) {
                    sum.terms.push(place.term);
                }
                if sum.evidence.len() < EVIDENCE {
                    sum.evidence.push((place, found.field, number));
                }
                if place.mark == Some(Mark::Negated) {
                    continue;
                }
                let qualifier = match place.mark {
                    Some(Mark::Qualified(qualifier)) => Some(qualifier),
                    _ => None,
                };
                sum.qualifier = if sum.affirmed { sum.qualifier.filter(|q| qualifier == Some(*q)) } else { qualifier };
                sum.affirmed = true;
                // What something else is set apart from is not what the item is about.
                if qualifier == Some(Qualifier::Contrast) {
                    continue;
                }
                let strength = match flags {
                    f if f & term::WEAK != 0 => 0.4,
                    f if f & term::PROXY != 0 => 0.8,
                    _ => 1.0,
                };
                match found.field {
                    Field::Title => {
                        if !sum.named_in_title {
                            sum.title_word = place.word;
                        }
                        sum.title = sum.title.max(2.0 * strength);
                        sum.named_in_title |= flags & term::WEAK == 0;
                    }
                    Field::Text => {
                        if sum.frequency == 0.0 {
                            sum.first = place.word;
                        }
                        sum.frequency += strength;
                        if flags & term::PROXY == 0 { sum.named += 1 } else { sum.proxies += 1 }
                    }
                    Field::Category | Field::Curator => {
                        sum.category |= place.word == 0;
                    }
                }
            }
        }
    }
    // In running text a treatment or test stands for its condition only where that is named, or where it comes
    // again and again: abstracts of anything mention insulin once.
    sums.retain(|_, s| s.title > 0.0 || s.category || s.named > 0 || s.proxies == 0 || s.proxies >= PROXIES);
    sums
}

fn tags(
    vocabulary: &Vocabulary,
    document: &Document<'_>,
    sums: &FxHashMap<u32, Sum<'_>>,
    about: &[u32],
) -> Vec<ConditionTag> {
    let mut spans = Spans::new(document);
    let mut tags: Vec<ConditionTag> = sums
        .iter()
        .map(|(&index, sum)| {
            let condition = vocabulary.at(index);
            let strength = strength(vocabulary, index, sum);
            let score = 1.0 - (-strength).exp();
            ConditionTag {
                code: condition.code().clone(),
                name: condition.name().to_owned(),
                role: if about.contains(&index) { Role::About } else { Role::Mentioned },
                score: (score * 1000.0).round() / 1000.0,
                negated: !sum.affirmed,
                qualifier: sum.qualifier,
                topic: condition.topic(),
                evidence: sum.evidence.iter().map(|(place, field, n)| spans.evidence(place, *field, *n)).collect(),
            }
        })
        .collect();
    tags.sort_by(|a, b| {
        (a.role, b.score, &a.code).partial_cmp(&(b.role, a.score, &b.code)).unwrap_or(std::cmp::Ordering::Equal)
    });
    spans.finish(&mut tags);
    tags
}

/// Strength of a condition in the text alone.
fn in_text(vocabulary: &Vocabulary, index: u32, sum: &Sum<'_>) -> f32 {
    vocabulary.at(index).weight() * sum.frequency.sqrt() / (1.0 + sum.first as f32 / HALF)
}

fn strength(vocabulary: &Vocabulary, index: u32, sum: &Sum<'_>) -> f32 {
    sum.title + in_text(vocabulary, index, sum) + if sum.category { 0.8 } else { 0.0 }
}

/// What the item is about.
fn about(vocabulary: &Vocabulary, sums: &FxHashMap<u32, Sum<'_>>, titled: bool, text: &Found) -> Vec<u32> {
    let mut about: Vec<u32> = Vec::new();
    let enough = if titled { ENOUGH } else { ENOUGH_ALONE };
    for topic in [false, true] {
        let of_kind = || sums.iter().filter(|(i, s)| s.affirmed && vocabulary.at(**i).topic() == topic);
        let named: Vec<u32> = of_kind().filter(|(_, s)| s.named_in_title).map(|(&i, _)| i).collect();
        if !named.is_empty() {
            // The most specific that is stated; what stands above it says nothing more.
            about.extend(named.iter().filter(|&&i| {
                // "AIDS" names both AIDS and HIV infection at one place: both are meant.
                !named.iter().any(|&other| {
                    other != i
                        && vocabulary.ancestor_indices(other).contains(&i)
                        && sums.get(&i).map(|s| s.title_word) != sums.get(&other).map(|s| s.title_word)
                })
            }));
            continue;
        }
        // Everyday words of topics stand in any text: one must be named again and again, and early.
        let (enough, places) = if topic { (enough.max(ENOUGH_TOPIC), 3) } else { (enough, 0) };
        let mut ranked: Vec<(u32, f32)> = of_kind()
            .filter(|(_, s)| s.places >= places)
            .map(|(&i, s)| (i, strength(vocabulary, i, s)))
            .filter(|(_, s)| *s >= enough)
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let Some(&(mut first, best)) = ranked.first() else { continue };
        if text.words == 0 {
            continue;
        }
        // The most specific that is stated: a narrower one that is named nearly as much is what the broader one means.
        let narrower = of_kind()
            .map(|(&i, s)| (i, strength(vocabulary, i, s)))
            .filter(|&(i, s)| i != first && s >= best * NARROWER && vocabulary.ancestor_indices(i).contains(&first))
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        if let Some((narrower, _)) = narrower {
            first = narrower;
        }
        about.push(first);
        about.extend(
            ranked
                .iter()
                .filter(|(i, _)| *i != first)
                .filter(|(_, s)| *s >= best * CLOSE)
                .map(|(i, _)| *i)
                .take(1)
                .filter(|&i| {
                    !vocabulary.ancestor_indices(first).contains(&i) && !vocabulary.ancestor_indices(i).contains(&first)
                }),
        );
    }
    about
}

/// Turns byte spans into spans of `char`s, for all evidence of a field in one pass.
struct Spans<'a> {
    document: &'a Document<'a>,
}

impl<'a> Spans<'a> {
    fn new(document: &'a Document<'a>) -> Self {
        Self { document }
    }

    fn text(&self, field: Field, number: usize) -> &'a str {
        match field {
            Field::Title => self.document.title,
            Field::Text => self.document.text,
            Field::Category | Field::Curator => self.document.categories.get(number).map_or("", String::as_str),
        }
    }

    fn evidence(&mut self, place: &Place, field: Field, number: usize) -> Evidence {
        let text = self.text(field, number);
        let mut evidence = Evidence {
            text: text.get(place.start..place.end).unwrap_or_default().to_owned(),
            start: place.start,
            end: place.end,
            field,
        };
        if field == Field::Category {
            evidence.start = text.get(..place.start).map_or(0, |t| t.chars().count());
            evidence.end = evidence.start + evidence.text.chars().count();
        }
        evidence
    }

    /// Bytes to `char`s for title and text.
    fn finish(&self, tags: &mut [ConditionTag]) {
        for field in [Field::Title, Field::Text] {
            let text = self.text(field, 0);
            if text.is_ascii() {
                continue;
            }
            let mut ends: Vec<&mut usize> = tags
                .iter_mut()
                .flat_map(|t| &mut t.evidence)
                .filter(|e| e.field == field)
                .flat_map(|e| [&mut e.start, &mut e.end])
                .collect();
            ends.sort_unstable();
            let (mut byte, mut chars) = (0, 0);
            for end in ends {
                chars += text.get(byte..*end).map_or(0, |t| t.chars().count());
                byte = *end;
                *end = chars;
            }
        }
    }
}
