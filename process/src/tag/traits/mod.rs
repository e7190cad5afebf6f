//! Kind, study, aspects, audience, reading level: what an item is beside what it is about.
//!
//! Two tables look at title and text: [`phrases`] sums what phrases say that were written by hand, and [`model`] weighs words, pairs
//! of words, sorts of words and forms of numbers ([`features`]) and the phrases' sums with weights learned from labelled texts. Each
//! label names the words it rests on, so that a curator can see why. [`study`] finds the numbers of studies. What is decided from the
//! sums stands here.

pub mod features;
pub mod model;
mod phrases;
pub mod study;

use carewire_schemas::{
    Aspect, AspectTag, Audience, AudienceTag, Content, Evidence, ItemKind, MediaKind, Study, StudyDesign, Traits,
};
use jiff::{SignedDuration, Timestamp};

use model::{Hit, Model};
use phrases::Span;
pub use phrases::{Label, Scores};

/// How likely a kind must be that keeps an item out of condition feeds: a wrong one would hide it from those who look for it.
const HIDING_HOLDS: f32 = 0.5;
/// What a part of the address adds to a kind's sum for each unit of its weight.
const ADDRESS: f32 = 1.0;
/// Most aspects of an item.
const ASPECTS: usize = 3;
/// Most audiences of an item.
const AUDIENCES: usize = 2;
/// Pieces of evidence of a label.
const EVIDENCE: usize = 3;
/// How many of the model's hits are looked at for them.
const HEAVY: usize = 8;
/// What a hit of the model weighs at least to be named as evidence.
const LEAST_EVIDENCE: f32 = 0.02;

/// From so many features of the model on nothing is doubted for want of words.
const ENOUGH: f32 = 40.0;
/// How much more must speak for a design, aspect or audience (half of it: for a kind) where there are no words at all.
const DOUBT: f32 = 2.0;

/// What is looked at of an item.
#[derive(Clone, Copy)]
pub struct Looked<'a> {
    /// Plain title.
    pub title: &'a str,
    /// Plain text.
    pub text: &'a str,
    /// Sanitised HTML, whose links name studies; empty where there is none.
    pub html: &'a str,
    /// The item's address.
    pub url: Option<&'a str>,
    /// Language (BCP 47).
    pub language: Option<&'a str>,
    /// The kind that its media give; [`ItemKind::Article`] where they give none.
    pub media: ItemKind,
    /// When it was last changed, reviewed or published.
    pub dated: Option<Timestamp>,
}

/// A video (a platform's video, or a video file), a sound (an enclosure), else an article. A media file that is only a
/// preview picture decides nothing.
#[must_use]
pub fn media_kind(content: &Content) -> ItemKind {
    let has = |kind| content.media.iter().any(|media| media.kind == kind && !media.thumbnail);
    if content.video.is_some() || has(MediaKind::Video) {
        ItemKind::Video
    } else if has(MediaKind::Audio) {
        ItemKind::Audio
    } else {
        ItemKind::Article
    }
}

/// Kinds in the order of the model's columns.
pub const KINDS: [ItemKind; model::KINDS] = [
    ItemKind::Article,
    ItemKind::News,
    ItemKind::PatientStory,
    ItemKind::ResearchArticle,
    ItemKind::PressRelease,
    ItemKind::Guideline,
    ItemKind::Event,
    ItemKind::Job,
    ItemKind::Recall,
    ItemKind::Outbreak,
    ItemKind::CallForParticipants,
    ItemKind::SupportGroup,
];
/// Designs in the order of the model's columns, after the one for none.
pub const DESIGNS: [StudyDesign; 7] = [
    StudyDesign::SystematicReview,
    StudyDesign::RandomizedTrial,
    StudyDesign::Observational,
    StudyDesign::CaseReport,
    StudyDesign::AnimalOrCell,
    StudyDesign::Guideline,
    StudyDesign::ExpertOpinion,
];
/// Aspects in the order of the model's columns.
pub const ASPECT_COLUMNS: [Aspect; 8] = [
    Aspect::Prevention,
    Aspect::Symptoms,
    Aspect::Tests,
    Aspect::Treatment,
    Aspect::LivingWith,
    Aspect::CaringFor,
    Aspect::Research,
    Aspect::OrganizationNews,
];
/// Audiences in the order of the model's columns.
pub const AUDIENCE_COLUMNS: [Audience; 4] =
    [Audience::Patient, Audience::Carer, Audience::Child, Audience::Professional];
/// The column of "no design", behind the kinds.
const NO_DESIGN: usize = model::KINDS;
/// The first column of an aspect.
const FIRST_ASPECT: usize = NO_DESIGN + 1 + DESIGNS.len();
/// The first column of an audience.
const FIRST_AUDIENCE: usize = FIRST_ASPECT + ASPECT_COLUMNS.len();

/// What the tables say of an item.
struct Seen<'a> {
    title: &'a str,
    text: &'a str,
    phrases: Scores,
    hits: Vec<Hit>,
    sums: [f32; model::COLUMNS],
}

impl Seen<'_> {
    /// The words that a column rests on: phrases of the table first, then what the model found, the heaviest first.
    fn evidence(&self, column: usize, label: Label) -> Vec<Evidence> {
        // The heaviest few, in order; what else was found is not worth sorting.
        let mut heavy = [(0.0f32, Span::default()); HEAVY];
        for hit in self.hits.iter().filter(|hit| hit.end > hit.start) {
            let weight = Model::committed().weight(hit, column);
            if weight >= LEAST_EVIDENCE && weight > heavy[HEAVY - 1].0 {
                let at = heavy.partition_point(|(have, _)| *have >= weight);
                heavy[at..].rotate_right(1);
                heavy[at] = (weight, Span { title: hit.title, start: hit.start, end: hit.end });
            }
        }
        let found = heavy.iter().filter(|(weight, _)| *weight > 0.0).map(|(_, span)| *span);
        let mut spans: Vec<Span> = Vec::with_capacity(EVIDENCE);
        // What shares words with a piece already named adds nothing.
        for span in self.phrases.spans(label).into_iter().chain(found) {
            if spans.len() < EVIDENCE && !spans.iter().any(|have| have.overlaps(&span)) {
                spans.push(span);
            }
        }
        spans.iter().filter_map(|span| span.show(self.title, self.text)).collect()
    }
}

/// The kind and traits of an item.
#[must_use]
pub fn of(looked: &Looked<'_>) -> (ItemKind, Traits) {
    let Looked { title, text, .. } = *looked;
    let phrases = Scores::of(title, text, looked.url);
    let mut hits = Vec::with_capacity(256);
    let mut sums = Model::committed().weigh(title, text, &phrases.sums(), &mut hits);
    // What rests on few words is doubted: the lines were drawn with whole texts, and a bare title says less.
    let doubt = DOUBT * (1.0 - hits.len() as f32 / ENOUGH).max(0.0);
    // An article or news needs no proof.
    sums[2..model::KINDS].iter_mut().for_each(|sum| *sum -= doubt / 2.0);
    sums[NO_DESIGN] += doubt;
    sums[FIRST_ASPECT..].iter_mut().for_each(|sum| *sum -= doubt);
    for (kind, sum) in KINDS.iter().zip(&mut sums) {
        *sum += phrases.address(Label::Kind(*kind)) * ADDRESS;
    }
    let seen = Seen { title, text, phrases, hits, sums };
    let mut kind = (looked.media, Vec::new());
    if looked.media == ItemKind::Article {
        let column = kind_column(&model::shares(&seen.sums[..model::KINDS]));
        let evidence = match KINDS[column] {
            ItemKind::Article => Vec::new(),
            found => seen.evidence(column, Label::Kind(found)),
        };
        kind = (KINDS[column], evidence);
    }
    let traits = Traits {
        reading: looked.language.and_then(|language| carewire_reading::read(text, language)),
        kind_evidence: kind.1,
        study: study(looked, &seen),
        aspects: aspects(&seen),
        audience: audience(&seen),
        review_by: review_by(kind.0, looked.dated),
        ..Traits::default()
    };
    (kind.0, traits)
}

/// The likeliest kind; one that hides only if it is likely enough.
fn kind_column(shares: &[f32; model::KINDS]) -> usize {
    let holds = |column: usize| !KINDS[column].is_aside() || shares[column] >= HIDING_HOLDS;
    let best = (0..model::KINDS).filter(|column| holds(*column)).reduce(|best, next| {
        // Equal shares: the one that stands first.
        if shares[next] > shares[best] { next } else { best }
    });
    best.unwrap_or(0)
}

fn study(looked: &Looked<'_>, seen: &Seen<'_>) -> Option<Study> {
    let Looked { title, text, html, url, .. } = *looked;
    let mut study = self::study::ids(if html.is_empty() { text } else { html }, url);
    let designs = &seen.sums[NO_DESIGN..FIRST_ASPECT];
    let best = (1..designs.len()).fold(0, |best, next| if designs[next] > designs[best] { next } else { best });
    if let Some(design) = best.checked_sub(1).and_then(|at| DESIGNS.get(at)).copied() {
        study.design = Some(design);
        study.explanation = Some(design.explanation().to_owned());
        study.evidence = seen.evidence(NO_DESIGN + best, Label::Design(design));
        if !matches!(design, StudyDesign::Guideline | StudyDesign::ExpertOpinion) {
            study.sample = self::study::sample(title, text);
        }
    }
    (study != Study::default()).then_some(study)
}

/// Columns from `first` on that hold, the surest first, at most `most`.
fn holding(seen: &Seen<'_>, first: usize, count: usize, most: usize) -> impl Iterator<Item = usize> {
    let mut found: Vec<usize> = (0..count).filter(|at| seen.sums[first + at] > 0.0).collect();
    found.sort_by(|a, b| seen.sums[first + b].total_cmp(&seen.sums[first + a]).then(a.cmp(b)));
    found.truncate(most);
    found.into_iter()
}

fn aspects(seen: &Seen<'_>) -> Vec<AspectTag> {
    let tag = |at: usize| {
        let aspect = ASPECT_COLUMNS[at];
        AspectTag { aspect, evidence: seen.evidence(FIRST_ASPECT + at, Label::Aspect(aspect)) }
    };
    holding(seen, FIRST_ASPECT, ASPECT_COLUMNS.len(), ASPECTS).map(tag).collect()
}

fn audience(seen: &Seen<'_>) -> Vec<AudienceTag> {
    let tag = |at: usize| {
        let audience = AUDIENCE_COLUMNS[at];
        AudienceTag { audience, evidence: seen.evidence(FIRST_AUDIENCE + at, Label::Audience(audience)) }
    };
    holding(seen, FIRST_AUDIENCE, AUDIENCE_COLUMNS.len(), AUDIENCES).map(tag).collect()
}

/// How many days an item of a kind is good for; none for what does not age.
#[must_use]
pub fn good_for_days(kind: ItemKind) -> Option<i64> {
    const YEAR: i64 = 365;
    Some(match kind {
        ItemKind::PatientStory => return None,
        ItemKind::Article | ItemKind::Video | ItemKind::Audio => 3 * YEAR,
        ItemKind::ResearchArticle | ItemKind::Guideline => 5 * YEAR,
        ItemKind::News | ItemKind::PressRelease | ItemKind::Recall | ItemKind::CallForParticipants => YEAR,
        ItemKind::SupportGroup => YEAR,
        ItemKind::Outbreak | ItemKind::Job => 60,
        ItemKind::Event => 30,
    })
}

/// When an item might be out of date.
fn review_by(kind: ItemKind, dated: Option<Timestamp>) -> Option<Timestamp> {
    dated?.checked_add(SignedDuration::from_hours(24 * good_for_days(kind)?)).ok()
}
