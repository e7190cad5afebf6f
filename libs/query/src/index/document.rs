//! From an item's public form to what the index holds of it.

use std::borrow::Cow;

use carewire_conditions::Vocabulary;
use carewire_schemas::{Aspect, Audience, ChangeSeq, ConditionCode, ItemId, ItemKind, ReadingLevel, Role, StudyDesign};
use jiff::Timestamp;
use serde::Deserialize;
use tantivy::TantivyDocument;

use super::{
    facets::{self, FacetKind},
    schema::Fields,
};
use crate::{query::BODY_LIMIT, text::append_plain};

/// An item to be indexed: its public form as the store holds it.
#[derive(Clone, Debug)]
pub struct IndexedItem {
    /// The item.
    pub id: ItemId,
    /// The number by which feeds are ordered.
    pub first: ChangeSeq,
    /// `CuratedV1` as JSON.
    pub content: String,
}

/// What the index looks at of a `CuratedV1`, borrowed from its JSON where it can be.
#[derive(Deserialize)]
struct Looked<'a> {
    #[serde(borrow, default)]
    title: Cow<'a, str>,
    #[serde(borrow, default)]
    summary: Cow<'a, str>,
    #[serde(borrow, default)]
    html: Cow<'a, str>,
    #[serde(borrow, default)]
    language: Option<Cow<'a, str>>,
    #[serde(default)]
    kind: ItemKind,
    published: Timestamp,
    updated: Timestamp,
    #[serde(borrow, default)]
    media: Vec<LookedDuration<'a>>,
    #[serde(borrow, default)]
    video: Option<LookedDuration<'a>>,
    #[serde(default)]
    conditions: Vec<LookedCondition>,
    #[serde(borrow, default)]
    sources: Vec<LookedSource<'a>>,
    #[serde(borrow, default)]
    traits: LookedTraits<'a>,
}

/// Of the traits only what is asked for; their evidence is passed over.
#[derive(Default, Deserialize)]
#[serde(default)]
struct LookedTraits<'a> {
    reading: Option<LookedReading>,
    #[serde(borrow)]
    study: Option<LookedStudy<'a>>,
    aspects: Vec<LookedAspect>,
    audience: Vec<LookedAudience>,
}

#[derive(Deserialize)]
struct LookedReading {
    level: ReadingLevel,
    #[serde(default)]
    grade: Option<f32>,
}

#[derive(Deserialize)]
struct LookedStudy<'a> {
    #[serde(default)]
    design: Option<StudyDesign>,
    #[serde(borrow, default)]
    registrations: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    dois: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    pmids: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct LookedAspect {
    aspect: Aspect,
}

#[derive(Deserialize)]
struct LookedAudience {
    audience: Audience,
}

#[derive(Deserialize)]
struct LookedDuration<'a> {
    #[serde(default)]
    duration: Option<u32>,
    #[serde(borrow, default, rename = "url")]
    _url: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct LookedCondition {
    code: ConditionCode,
    role: Role,
    #[serde(default)]
    negated: bool,
}

#[derive(Deserialize)]
struct LookedSource<'a> {
    #[serde(borrow)]
    slug: Cow<'a, str>,
}

/// The document of an item. `scratch` is a buffer that is used again.
pub(super) fn document(
    item: &IndexedItem,
    fields: &Fields,
    vocabulary: &Vocabulary,
    scratch: &mut String,
) -> Result<TantivyDocument, serde_json::Error> {
    let looked: Looked<'_> = serde_json::from_str(&item.content)?;
    let mut document = TantivyDocument::default();
    let (high, low) = item.id.0.as_u64_pair();
    document.add_bytes(fields.id, item.id.0.as_bytes());
    document.add_u64(fields.id_high, high);
    document.add_u64(fields.id_low, low);
    document.add_i64(fields.first, item.first);
    document.add_i64(fields.published, looked.published.as_millisecond());
    document.add_i64(fields.updated, looked.updated.as_millisecond());
    let mut count = |kind: FacetKind, value: &str| document.add_u64(fields.facets[kind as usize], facets::key(value));
    for tag in looked.conditions.iter().filter(|tag| !tag.negated && tag.role == Role::About) {
        count(FacetKind::Condition, tag.code.as_str());
    }
    looked.sources.iter().for_each(|source| count(FacetKind::Organization, &source.slug));
    count(FacetKind::Kind, looked.kind.as_str());
    looked.traits.reading.iter().for_each(|reading| count(FacetKind::Level, reading.level.as_str()));
    if let Some(tag) = &looked.language {
        count(FacetKind::Language, &facets::primary(tag));
    }
    let durations = looked.video.iter().chain(&looked.media);
    if let Some(seconds) = durations.filter_map(|one| one.duration).next() {
        document.add_u64(fields.duration, seconds.into());
    }
    document.add_text(fields.title, &looked.title);
    scratch.clear();
    append_plain(if looked.html.is_empty() { &looked.summary } else { &looked.html }, BODY_LIMIT, scratch);
    document.add_text(fields.body, scratch.as_str());
    let mut seen: Vec<(&str, Role)> = Vec::new();
    for tag in looked.conditions.iter().filter(|tag| !tag.negated) {
        let field = if tag.role == Role::About { fields.about } else { fields.mentioned };
        let above = vocabulary.ancestors(&tag.code).map(ConditionCode::as_str);
        for code in std::iter::once(tag.code.as_str()).chain(above) {
            if !seen.contains(&(code, tag.role)) {
                seen.push((code, tag.role));
                document.add_text(field, code);
            }
        }
    }
    for source in &looked.sources {
        document.add_text(fields.organization, &source.slug);
    }
    document.add_text(fields.kind, looked.kind.as_str());
    let mut put = |sort: &str, name: &str| document.add_text(fields.traits, format!("{sort}:{name}"));
    let traits = &looked.traits;
    traits.reading.iter().for_each(|reading| put("level", reading.level.as_str()));
    traits.aspects.iter().for_each(|tag| put("aspect", tag.aspect.as_str()));
    traits.audience.iter().for_each(|tag| put("audience", tag.audience.as_str()));
    if let Some(study) = &traits.study {
        study.design.iter().for_each(|design| put("evidence", design.as_str()));
        study.registrations.iter().chain(&study.dois).chain(&study.pmids).for_each(|id| put("study", id));
    }
    if let Some(grade) = traits.reading.as_ref().and_then(|reading| reading.grade) {
        document.add_u64(fields.grade, (grade * 10.0).round() as u64);
    }
    if let Some(tag) = looked.language {
        let tag = tag.to_ascii_lowercase();
        for (end, _) in tag.match_indices('-') {
            document.add_text(fields.language, &tag[..end]);
        }
        document.add_text(fields.language, &tag);
    }
    Ok(document)
}
