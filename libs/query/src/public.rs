//! From an item and its decisions to its row: what the public sees of it, and what queries see. Pure.
//!
//! The row keeps the item's content as if it were public, and beside it what is needed to decide again
//! ([`ItemMeta`], [`Decided`]); so a decision made today and an undo next year need no other record.
//! Who reads a row asks [`public_json`] for the form that may leave the house.

use carewire_conditions::Vocabulary;
use carewire_schemas::{
    ConditionCode, ConditionTag, CuratedV1, DecisionV1, Evidence, Field, Fields, ItemV1, OrganizationRef, Outcome,
    OutcomeState, PipelineVersion, PublicSource, PublicState, Rights, Role, Source, StoryRelation, Study, Tier, Traits,
    Verdict, Withdrawal,
};
use carewire_store::{ItemRow, ItemState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::retraction::{self, Retraction, Retractions};

/// What the row keeps of an item beside its content.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ItemMeta {
    /// The item's version that the row shows. (The row's own version also rises with decisions.)
    pub applied: i64,
    /// What the rules said.
    pub outcome: Outcome,
    /// The tagger's conditions, negated ones included; none where they are those of the content but for their
    /// names, as most are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<ConditionTag>>,
    /// Who carries it, with ids, the origin first.
    pub sources: Vec<Source>,
    /// What made the content.
    pub pipeline: PipelineVersion,
    /// Version of the rules that made the outcome.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rules: String,
    /// Mean similarity to its story's members when it joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likeness: Option<f32>,
    /// That a study it speaks of was retracted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retraction: Option<Retraction>,
    /// How the item relates to its story.
    pub relation: StoryRelation,
    /// When the first of its entries was first seen.
    pub first_seen: Timestamp,
    /// History, not news.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub history: bool,
    /// Withdrawn by its origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
    /// Why the public form is a withdrawal, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_withdrawal: Option<Withdrawal>,
}

/// The decisions that hold for an item: the newest of each kind.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct Decided {
    /// Show it or hide it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<Shown>,
    /// The conditions it is about, in place of the tagger's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Vec<ConditionCode>>,
}

/// Approve or hide, by whom and why.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Shown {
    /// Approved, else hidden.
    pub approved: bool,
    /// Why, in words.
    pub reason: String,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Decided {
    /// What holds after `decision`.
    fn with(mut self, decision: &DecisionV1) -> Self {
        let shown = |approved| {
            Some(Shown { approved, reason: decision.reason.clone(), by: decision.by.clone(), at: decision.at })
        };
        match &decision.verdict {
            Verdict::Approve => self.show = shown(true),
            Verdict::Hide => self.show = shown(false),
            Verdict::Retag { about } => self.about = Some(about.clone()),
            Verdict::Undo => self = Self::default(),
        }
        self
    }
}

/// A row whose own columns cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("row of item {item}: column `{column}` cannot be read: {source}")]
pub struct RowError {
    item: carewire_schemas::ItemId,
    column: &'static str,
    source: serde_json::Error,
}

/// The row of `item`, over what the store holds of it and decisions that waited for it.
///
/// `retractions` holds those that concern the item, if any. What its organization does not let outputs show is left out.
///
/// An item version that the row already has, or an older one, gives the row unchanged: a repeat or a late arrival.
///
/// # Errors
/// When columns of `existing` cannot be read.
pub fn make_row(
    item: &ItemV1,
    existing: Option<&ItemRow>,
    pending: &[DecisionV1],
    retractions: &Retractions,
    vocabulary: &Vocabulary,
    now: Timestamp,
) -> Result<ItemRow, RowError> {
    if let Some(row) = existing
        && meta(row)?.applied >= item.version
    {
        return Ok(row.clone());
    }
    let decided = existing.map(decided).transpose()?.unwrap_or_default();
    let decided = pending.iter().fold(decided, Decided::with);
    let cleaned = &item.cleaned;
    let mut meta = ItemMeta {
        applied: item.version,
        outcome: item.outcome.clone(),
        tags: None,
        sources: item.sources.clone(),
        pipeline: item.pipeline.clone(),
        rules: item.rules.clone(),
        likeness: item.likeness,
        retraction: retraction::of(cleaned.traits.study.as_ref(), retractions),
        relation: item.relation,
        first_seen: item.first_seen,
        history: item.history,
        withdrawn: item.withdrawn.clone(),
        shown_withdrawal: None,
    };
    let mut sources: Vec<PublicSource> = Vec::with_capacity(item.sources.len());
    for source in &item.sources {
        if sources.iter().all(|known| known.organization.slug != source.slug) {
            sources.push(PublicSource {
                organization: OrganizationRef { slug: source.slug.clone(), name: source.name.clone() },
                url: source.url.clone(),
            });
        }
    }
    let public = CuratedV1 {
        id: item.item,
        version: existing.map_or(0, |row| row.public_version),
        state: PublicState::Curated,
        title: cleaned.title.clone(),
        url: cleaned.url.clone(),
        summary: if item.rights == Rights::Link { String::new() } else { cleaned.summary.clone() },
        html: if item.rights == Rights::Full { cleaned.html.clone() } else { String::new() },
        language: cleaned.language.clone(),
        kind: cleaned.kind,
        published: cleaned.published.unwrap_or(item.first_seen),
        updated: existing.and_then(|row| Timestamp::from_millisecond(row.updated).ok()).unwrap_or(now),
        authors: cleaned.authors.clone(),
        media: cleaned.media.clone(),
        video: cleaned.video.clone(),
        licence: cleaned.licence.clone(),
        conditions: Vec::new(),
        traits: cleaned.traits.clone(),
        sources,
        trust: item.trust,
        rights: item.rights,
        retraction: None,
        story: item.story,
        withdrawn: None,
    };
    Ok(finish(public, &mut meta, &cleaned.conditions, &decided, existing, vocabulary, now))
}

/// The row after a curator's decision.
///
/// # Errors
/// When columns of `row` cannot be read.
pub fn apply_verdict(
    row: &ItemRow,
    decision: &DecisionV1,
    vocabulary: &Vocabulary,
    now: Timestamp,
) -> Result<ItemRow, RowError> {
    let mut meta = meta(row)?;
    let decided = decided(row)?.with(decision);
    let mut public = content(row)?;
    let tags = meta.tags.take().unwrap_or_else(|| std::mem::take(&mut public.conditions));
    Ok(finish(public, &mut meta, &tags, &decided, Some(row), vocabulary, now))
}

/// The row when it is known that a study it speaks of was retracted, or no longer.
///
/// # Errors
/// When columns of `row` cannot be read.
pub fn retract(
    row: &ItemRow,
    retraction: Option<Retraction>,
    vocabulary: &Vocabulary,
    now: Timestamp,
) -> Result<ItemRow, RowError> {
    let mut meta = ItemMeta { retraction, ..meta(row)? };
    let mut public = content(row)?;
    let tags = meta.tags.take().unwrap_or_else(|| std::mem::take(&mut public.conditions));
    Ok(finish(public, &mut meta, &tags, &decided(row)?, Some(row), vocabulary, now))
}

/// The kept content of a row, as if it were public.
///
/// # Errors
/// When the column cannot be read.
pub fn content(row: &ItemRow) -> Result<CuratedV1, RowError> {
    serde_json::from_str(&row.content).map_err(|source| RowError { item: row.id, column: "content", source })
}

/// What the row keeps beside its content.
///
/// # Errors
/// When the column cannot be read.
pub fn meta(row: &ItemRow) -> Result<ItemMeta, RowError> {
    serde_json::from_str(&row.meta).map_err(|source| RowError { item: row.id, column: "meta", source })
}

/// The decisions that hold.
///
/// # Errors
/// When the column cannot be read.
pub fn decided(row: &ItemRow) -> Result<Decided, RowError> {
    row.decided.as_deref().map_or_else(
        || Ok(Decided::default()),
        |text| serde_json::from_str(text).map_err(|source| RowError { item: row.id, column: "decided", source }),
    )
}

/// The public form of a row as JSON: the content where it is curated, a withdrawal where it once was, else none.
///
/// # Errors
/// When columns of the row cannot be read.
pub fn public_json(row: &ItemRow) -> Result<Option<String>, RowError> {
    if row.state == ItemState::Curated {
        return Ok(Some(row.content.clone()));
    }
    Ok(withdrawal(row)?.map(|form| serde_json::to_string(&form).unwrap_or_default()))
}

/// The public form of a row that was public once and is no longer: id, address, times, why; no content.
///
/// # Errors
/// When columns of the row cannot be read.
pub fn withdrawal(row: &ItemRow) -> Result<Option<CuratedV1>, RowError> {
    if row.state == ItemState::Curated || row.first.is_none() {
        return Ok(None);
    }
    let (kept, meta) = (content(row)?, meta(row)?);
    let at = kept.updated;
    let withdrawn = meta.shown_withdrawal.unwrap_or_else(|| Withdrawal { at, reason: "withdrawn".to_owned() });
    Ok(Some(CuratedV1 {
        id: row.id,
        version: row.public_version,
        state: PublicState::Withdrawn,
        title: String::new(),
        url: kept.url,
        summary: String::new(),
        html: String::new(),
        language: kept.language,
        kind: kept.kind,
        published: kept.published,
        updated: kept.updated,
        authors: Vec::new(),
        media: Vec::new(),
        video: None,
        licence: None,
        conditions: Vec::new(),
        traits: Traits::default(),
        sources: kept.sources,
        trust: Tier::default(),
        rights: Rights::default(),
        retraction: None,
        story: kept.story,
        withdrawn: Some(withdrawn),
    }))
}

/// Settles state, conditions, version and `updated` of a row.
fn finish(
    mut public: CuratedV1,
    meta: &mut ItemMeta,
    tags: &[ConditionTag],
    decided: &Decided,
    existing: Option<&ItemRow>,
    vocabulary: &Vocabulary,
    now: Timestamp,
) -> ItemRow {
    let notice = meta.retraction.as_ref().map(|retraction| &retraction.notice);
    if notice.is_some() || public.retraction.is_some() {
        retraction::show(&mut public, notice);
    }
    public.conditions = conditions(tags, decided.about.as_deref(), public.language.as_deref(), vocabulary);
    // What is shown says the same unless a curator or a negation changed it.
    let differs = decided.about.is_some() || tags.iter().any(|tag| tag.negated);
    meta.tags = differs.then(|| tags.to_vec());
    let was_public = existing.is_some_and(|row| row.first.is_some());
    // What was public once leaves a withdrawal, whatever the reason: who has a copy must hear of it.
    let state = match state(meta, decided) {
        ItemState::Curated => ItemState::Curated,
        _ if was_public => ItemState::Withdrawn,
        state => state,
    };
    meta.shown_withdrawal =
        (state != ItemState::Curated && was_public).then(|| why_withdrawn(meta, decided, existing, now));
    let same = existing
        .is_some_and(|row| row.state == state && serde_json::to_string(&public).is_ok_and(|text| text == row.content));
    if !same {
        public.version += 1;
        // To the millisecond, as the row has it: else no later version would ever be found to be the same.
        public.updated = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    }
    let fields = fields(&public);
    ItemRow {
        id: public.id,
        version: existing.map_or(0, |row| row.version) + 1,
        state,
        first: existing.and_then(|row| row.first),
        seq: existing.and_then(|row| row.seq),
        story: public.story,
        published: public.published.as_millisecond(),
        updated: public.updated.as_millisecond(),
        rule: if is_held_back(meta, decided) { RETRACTED.to_owned() } else { meta.outcome.rule.clone() },
        content: serde_json::to_string(&public).unwrap_or_default(),
        meta: serde_json::to_string(meta).unwrap_or_default(),
        fields: (state == ItemState::Curated).then_some(fields),
        decided: (*decided != Decided::default()).then(|| serde_json::to_string(decided).unwrap_or_default()),
        public_version: public.version,
    }
}

fn state(meta: &ItemMeta, decided: &Decided) -> ItemState {
    // What its publisher withdrew stays withdrawn: no curator can keep up what its author took back.
    if meta.withdrawn.is_some() {
        return ItemState::Withdrawn;
    }
    match (&decided.show, meta.outcome.state) {
        (Some(shown), _) if shown.approved => ItemState::Curated,
        (Some(_), _) => ItemState::Hidden,
        (None, OutcomeState::Curated) if is_held_back(meta, decided) => ItemState::Held,
        (None, OutcomeState::Curated) => ItemState::Curated,
        (None, OutcomeState::Held) => ItemState::Held,
        (None, OutcomeState::Refused) => ItemState::Refused,
    }
}

/// The rule that holds what speaks of a retracted study.
const RETRACTED: &str = "retracted-study";

/// Whether it would be curated, but speaks of a retracted study and the policy is to hold that.
fn is_held_back(meta: &ItemMeta, decided: &Decided) -> bool {
    decided.show.is_none()
        && meta.outcome.state == OutcomeState::Curated
        && meta.retraction.as_ref().is_some_and(|retraction| retraction.hold)
}

fn why_withdrawn(meta: &ItemMeta, decided: &Decided, existing: Option<&ItemRow>, now: Timestamp) -> Withdrawal {
    if let Some(withdrawn) = &meta.withdrawn {
        return withdrawn.clone();
    }
    if let Some(shown) = decided.show.as_ref().filter(|shown| !shown.approved) {
        return Withdrawal { at: shown.at, reason: shown.reason.clone() };
    }
    if let Some(retraction) = meta.retraction.as_ref().filter(|_| is_held_back(meta, decided)) {
        return Withdrawal { at: now, reason: retraction::words(&retraction.notice) };
    }
    let before = existing
        .filter(|row| row.state != ItemState::Curated)
        .and_then(|row| self::meta(row).ok())
        .and_then(|meta| meta.shown_withdrawal);
    before.unwrap_or_else(|| Withdrawal { at: now, reason: meta.outcome.reason.clone() })
}

/// The public conditions: the tagger's without negated ones; where a curator retagged, the curator's are what the
/// item is about and the tagger's others are only mentioned.
/// They bear the plain names for readers, in the item's language where there is one.
fn conditions(
    tags: &[ConditionTag],
    about: Option<&[ConditionCode]>,
    language: Option<&str>,
    vocabulary: &Vocabulary,
) -> Vec<ConditionTag> {
    let label = |code: &ConditionCode| vocabulary.get(code).map(|found| found.label(language).into_owned());
    let named = |tag: &ConditionTag| match label(&tag.code) {
        Some(name) => ConditionTag { name, ..tag.clone() },
        None => tag.clone(),
    };
    let shown = tags.iter().filter(|tag| !tag.negated);
    let Some(about) = about else { return shown.map(named).collect() };
    let mut out: Vec<ConditionTag> = Vec::with_capacity(about.len() + tags.len());
    for code in about {
        if out.iter().any(|tag| tag.code == *code) {
            continue;
        }
        let condition = vocabulary.get(code);
        out.push(ConditionTag {
            code: code.clone(),
            name: label(code).unwrap_or_else(|| code.to_string()),
            role: Role::About,
            score: 1.0,
            negated: false,
            qualifier: None,
            topic: condition.as_ref().is_some_and(|found| found.topic()),
            evidence: vec![Evidence { text: String::new(), start: 0, end: 0, field: Field::Curator }],
        });
    }
    for tag in shown {
        if out.iter().all(|known| known.code != tag.code) {
            out.push(ConditionTag { role: Role::Mentioned, ..named(tag) });
        }
    }
    out
}

/// What queries see of a public form.
#[must_use]
pub fn fields(public: &CuratedV1) -> Fields {
    let traits = &public.traits;
    let mut hash = Xxh3::new();
    for text in [&public.title, &public.summary, &public.html] {
        hash.update(text.as_bytes());
        hash.update(&[0]);
    }
    Fields {
        about: public.codes(Role::About).cloned().collect(),
        mentioned: public.codes(Role::Mentioned).cloned().collect(),
        organizations: public.sources.iter().map(|source| source.organization.slug.clone()).collect(),
        kind: public.kind,
        language: public.language.clone(),
        published: public.published.as_millisecond(),
        text_hash: hash.digest(),
        duration: public.video.as_ref().and_then(|video| video.duration),
        level: traits.reading.map(|reading| reading.level),
        grade: traits.reading.and_then(|reading| reading.grade).map(|grade| (grade * 10.0).round() as u16),
        evidence: traits.study.as_ref().and_then(|study| study.design),
        aspects: traits.aspects.iter().map(|tag| tag.aspect).collect(),
        audience: traits.audience.iter().map(|tag| tag.audience).collect(),
        studies: traits.study.iter().flat_map(Study::ids).map(str::to_owned).collect(),
        trust: public.trust,
    }
}
