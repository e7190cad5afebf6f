//! Kind, study, aspects, audience, reading level: what an item is beside what it is about.
//!
//! Rules over words, so that a curator can see why: [`phrases`] is a table of phrases with weights, and each label's
//! evidence is the phrases found. [`study`] finds the numbers of studies. What is decided from the sums stands here.

mod phrases;
pub mod study;

use carewire_schemas::{
    Aspect, AspectTag, Audience, AudienceTag, Content, ItemKind, MediaKind, Study, StudyDesign, Traits,
};
use jiff::{SignedDuration, Timestamp};

use phrases::{Label, Score, Scores};

/// The least sum for which a label holds.
const HOLDS: f32 = 2.0;
/// The same for an audience of patients, whom most texts speak to by the way.
const PATIENT_HOLDS: f32 = 3.0;
/// What a kind must reach.
const KIND_HOLDS: f32 = 3.0;
/// What a kind must reach that keeps an item out of condition feeds: a wrong one would hide it from those who look for it.
const HIDING_HOLDS: f32 = 6.0;
/// News is told by many small words, so its sum counts less beside a finer kind's.
const NEWS_COUNTS: f32 = 0.7;
/// Most aspects of an item.
const ASPECTS: usize = 3;

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

/// The kind and traits of an item.
#[must_use]
pub fn of(looked: &Looked<'_>) -> (ItemKind, Traits) {
    let Looked { title, text, .. } = *looked;
    let scores = Scores::of(title, text, looked.url);
    let mut kind = (looked.media, None);
    if looked.media == ItemKind::Article {
        let counted = |kind, sum: f32| if kind == ItemKind::News { sum * NEWS_COUNTS } else { sum };
        let kinds = scores.iter().filter_map(|(label, score)| match label {
            Label::Kind(kind) => Some((kind, score, counted(kind, score.sum))),
            _ => None,
        });
        // Equal sums: the one that stands first in the table.
        let best = kinds.reduce(|best, next| if next.2 > best.2 { next } else { best });
        let least = |kind| match kind {
            ItemKind::News => HOLDS * NEWS_COUNTS,
            ItemKind::Job | ItemKind::Event => HIDING_HOLDS,
            _ => KIND_HOLDS,
        };
        if let Some((found, score, _)) = best.filter(|(found, _, sum)| *sum >= least(*found)) {
            kind = (found, Some(score));
        }
    }
    let traits = Traits {
        reading: looked.language.and_then(|language| carewire_reading::read(text, language)),
        kind_evidence: kind.1.map(|score| score.evidence(title, text)).unwrap_or_default(),
        study: study(looked, &scores),
        aspects: aspects(looked, &scores),
        audience: audience(looked, &scores),
        review_by: review_by(kind.0, looked.dated),
        ..Traits::default()
    };
    (kind.0, traits)
}

fn study(looked: &Looked<'_>, scores: &Scores) -> Option<Study> {
    let Looked { title, text, html, url, .. } = *looked;
    let mut study = self::study::ids(if html.is_empty() { text } else { html }, url);
    let designs = scores.iter().filter_map(|(label, score)| match label {
        Label::Design(design) if score.sum >= HOLDS + 1.0 => Some((design, score)),
        _ => None,
    });
    // What was done in animals says so more plainly than how it was done; a guideline rests on trials that it names.
    let best = designs.reduce(|best, next| if next.1.sum > best.1.sum { next } else { best });
    if let Some((design, score)) = best {
        study.design = Some(design);
        study.explanation = Some(design.explanation().to_owned());
        study.evidence = score.evidence(title, text);
        if !matches!(design, StudyDesign::Guideline | StudyDesign::ExpertOpinion) {
            study.sample = self::study::sample(title, text);
        }
    }
    (study != Study::default()).then_some(study)
}

fn aspects(looked: &Looked<'_>, scores: &Scores) -> Vec<AspectTag> {
    let mut found: Vec<(Aspect, &Score)> = scores
        .iter()
        .filter_map(|(label, score)| match label {
            Label::Aspect(aspect) if score.sum >= HOLDS + 1.0 => Some((aspect, score)),
            _ => None,
        })
        .collect();
    found.sort_by(|a, b| b.1.sum.total_cmp(&a.1.sum).then(a.0.cmp(&b.0)));
    // Weak beside the strongest: named by the way.
    let least = found.first().map_or(0.0, |(_, score)| score.sum * 0.5);
    found.retain(|(_, score)| score.sum >= least);
    found.truncate(ASPECTS);
    let tag =
        |(aspect, score): (Aspect, &Score)| AspectTag { aspect, evidence: score.evidence(looked.title, looked.text) };
    found.into_iter().map(tag).collect()
}

fn audience(looked: &Looked<'_>, scores: &Scores) -> Vec<AudienceTag> {
    let mut found: Vec<(Audience, &Score)> = scores
        .iter()
        .filter_map(|(label, score)| match label {
            Label::Audience(Audience::Patient) if score.sum >= PATIENT_HOLDS => Some((Audience::Patient, score)),
            Label::Audience(audience) if audience != Audience::Patient && score.sum >= HOLDS + 1.0 => {
                Some((audience, score))
            }
            _ => None,
        })
        .collect();
    // Who speaks to carers, children or professionals says "you" as well.
    if found.len() > 1 && found.iter().any(|(audience, score)| *audience != Audience::Patient && score.sum >= 4.0) {
        found.retain(|(audience, _)| *audience != Audience::Patient);
    }
    found.sort_by(|a, b| b.1.sum.total_cmp(&a.1.sum).then(a.0.cmp(&b.0)));
    found.truncate(2);
    let tag = |(audience, score): (Audience, &Score)| AudienceTag {
        audience,
        evidence: score.evidence(looked.title, looked.text),
    };
    found.into_iter().map(tag).collect()
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
