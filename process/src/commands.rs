//! The line functions behind `carewire tag` and `carewire cluster`: JSON lines in, JSON lines out, by the pipeline's own code.

use std::{
    collections::HashMap,
    io::{BufRead, Write},
};

use carewire_conditions::{Document, Tagger};
use carewire_schemas::{
    AspectTag, AudienceTag, Change, Cleaned, ConditionCode, ConditionTag, EntryId, Evidence, FeedId, ItemKind,
    OrganizationId, PipelineVersion, Qualifier, Reading, Role, StoryRelation, Study, TaggedV1, TraceParent, Via,
};
use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    group::{Grouper, Memory, Prepared, Standings},
    tag::{language, text, traits, url},
};

/// What a line function did.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Lines {
    /// Lines answered.
    pub done: usize,
    /// Lines that were no record; each was named to the caller's `report`.
    pub bad: usize,
}

/// Records that are grouped at a time.
const BATCH: usize = 256;

#[derive(Deserialize)]
struct TagLine {
    id: Value,
    #[serde(default)]
    title: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    language: Option<String>,
}

#[derive(Deserialize)]
struct ClusterLine {
    id: Value,
    #[serde(default)]
    title: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    published: Option<String>,
    #[serde(default)]
    publisher: Option<String>,
}

/// `{"id","title","text","language"?}` per line in; `{"id","conditions":[…],"language","kind","reading","study","aspects","audience"}` out, in order. Spans of the evidence
/// are in characters of the title and the text as they were given. A bad line is named by number to `report` and the others
/// go on; empty lines are passed over.
///
/// # Errors
/// When reading or writing fails.
pub fn tag_lines(reader: impl BufRead, mut writer: impl Write, report: impl FnMut(String)) -> std::io::Result<Lines> {
    let tagger = Tagger::bundled();
    let lines = read_lines(reader, report, |line: TagLine| {
        let language = language::of(line.language.as_deref(), &line.title, &line.text);
        let tags = tagger.tag(&Document {
            title: &line.title,
            text: &line.text,
            language: language.as_deref(),
            categories: &[],
        });
        let (kind, traits) = traits::of(&traits::Looked {
            title: &line.title,
            text: &line.text,
            html: "",
            url: None,
            language: language.as_deref(),
            media: ItemKind::Article,
            dated: None,
        });
        let answer = TagAnswer {
            id: &line.id,
            conditions: tags.iter().map(Tagged::from).collect(),
            language: language.as_deref(),
            kind,
            kind_evidence: &traits.kind_evidence,
            reading: traits.reading,
            study: traits.study.as_ref(),
            aspects: &traits.aspects,
            audience: &traits.audience,
        };
        serde_json::to_writer(&mut writer, &answer)?;
        writer.write_all(b"\n")
    })?;
    writer.flush()?;
    Ok(lines)
}

#[derive(Serialize)]
struct TagAnswer<'a> {
    id: &'a Value,
    conditions: Vec<Tagged<'a>>,
    language: Option<&'a str>,
    kind: ItemKind,
    kind_evidence: &'a [Evidence],
    reading: Option<Reading>,
    study: Option<&'a Study>,
    aspects: &'a [AspectTag],
    audience: &'a [AudienceTag],
}

#[derive(Serialize)]
struct Tagged<'a> {
    code: &'a ConditionCode,
    name: &'a str,
    role: Role,
    score: f64,
    negated: bool,
    qualifier: Option<Qualifier>,
    topic: bool,
    evidence: &'a [Evidence],
}

impl<'a> From<&'a ConditionTag> for Tagged<'a> {
    fn from(tag: &'a ConditionTag) -> Self {
        let &ConditionTag { role, negated, qualifier, topic, .. } = tag;
        let score = score(tag.score);
        Self { code: &tag.code, name: &tag.name, role, score, negated, qualifier, topic, evidence: &tag.evidence }
    }
}

/// A score as it reads, not as the nearest wider float: 0.613, not 0.6129999756813049.
fn score(score: f32) -> f64 {
    (f64::from(score) * 1000.0).round() / 1000.0
}

/// `{"id","title","text","url"?,"published"?,"publisher"?}` per line in; `{"id","story","relation":"first"|"copy"|"same-story"}`
/// out, in the order of the input. Records are worked through in order of `published` (RFC 3339, or a date); those without
/// one come last, in the order of the input. Texts of one publisher are no copies of each other.
///
/// # Errors
/// When reading or writing fails.
pub fn cluster_lines(
    reader: impl BufRead,
    mut writer: impl Write,
    report: impl FnMut(String),
) -> std::io::Result<Lines> {
    let mut records: Vec<(Value, TaggedV1)> = Vec::new();
    let mut report = report;
    let mut notes = Vec::new();
    let lines = read_lines(reader, &mut report, |line: ClusterLine| {
        let number = records.len();
        let published = line.published.as_deref().and_then(moment);
        if published.is_none()
            && let Some(published) = &line.published
        {
            notes.push(format!("record {}: `published` is no RFC 3339 time and no date: {published:?}", line.id));
        }
        records.push((line.id.clone(), tagged(number, &line, published)));
        Ok(())
    })?;
    notes.into_iter().for_each(report);
    let last = records.iter().filter_map(|(_, tagged)| tagged.cleaned.published).max().unwrap_or(Timestamp::UNIX_EPOCH);
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_by_key(|n| (records[*n].1.cleaned.published.is_none(), records[*n].1.cleaned.published, *n));
    let mut grouper = Grouper::new()?;
    let mut memory = Memory::default();
    let standings = Standings::new();
    for numbers in order.chunks(BATCH) {
        let batch = numbers.iter().map(|n| {
            let mut tagged = records[*n].1.clone();
            tagged.seen = tagged.cleaned.published.unwrap_or(last);
            Prepared::new(tagged, TraceParent::new())
        });
        memory.step(&mut grouper, batch.collect(), &standings).map_err(std::io::Error::other)?;
    }
    // The record that an item began with is the one that its id is derived from.
    let begun: HashMap<_, _> =
        records.iter().map(|(_, tagged)| (carewire_schemas::ItemId::derive(tagged.entry), tagged.entry)).collect();
    for (id, tagged) in &records {
        let Some(item) = memory.item_of(tagged.entry) else { continue };
        let relation = if begun.get(&item.item) == Some(&tagged.entry) { item.relation } else { StoryRelation::Copy };
        serde_json::to_writer(&mut writer, &json!({"id": id, "story": item.story, "relation": relation}))?;
        writer.write_all(b"\n")?;
    }
    writer.flush()?;
    Ok(lines)
}

/// The record as the tag stage would hand it over. Ids depend on the record's number, not on time, so that the same input
/// gives the same output.
fn tagged(number: usize, line: &ClusterLine, published: Option<Timestamp>) -> TaggedV1 {
    let number = number as u128;
    let publisher = line.publisher.as_deref().map(str::trim).filter(|publisher| !publisher.is_empty());
    let feed =
        publisher.map_or_else(|| Uuid::from_u128(number), |name| Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()));
    TaggedV1 {
        entry: EntryId::derive(FeedId(Uuid::from_u128(number)), "record"),
        feed: FeedId(feed),
        organization: OrganizationId(feed),
        version: 1,
        pipeline: PipelineVersion { code: 0, vocabulary: String::new(), run: 0 },
        via: Via::Hand,
        change: Change::New,
        history: false,
        seen: Timestamp::UNIX_EPOCH,
        reason: None,
        guid: None,
        source: None,
        cleaned: Cleaned {
            title: text::one_line(&line.title),
            text: text::fold(&line.text),
            url: line.url.as_deref().and_then(url::canonical).map(Into::into),
            published,
            ..Cleaned::default()
        },
    }
}

/// A time (RFC 3339), or a date, which means its beginning in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let date: civil::DateTime =
            text.parse::<civil::DateTime>().ok().or_else(|| Some(text.parse::<civil::Date>().ok()?.into()))?;
        TimeZone::UTC.to_timestamp(date).ok()
    })
}

/// Hands each line's record to `answer`; names bad lines to `report`.
fn read_lines<T: for<'de> Deserialize<'de>>(
    mut reader: impl BufRead,
    mut report: impl FnMut(String),
    mut answer: impl FnMut(T) -> std::io::Result<()>,
) -> std::io::Result<Lines> {
    let mut lines = Lines::default();
    let mut line = Vec::new();
    let mut number = 0usize;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(lines);
        }
        number += 1;
        let bytes = line.trim_ascii();
        // A byte order mark is what some programs begin a file with.
        let bytes = if number == 1 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
        if bytes.is_empty() {
            continue;
        }
        match serde_json::from_slice(bytes) {
            Ok(record) => {
                answer(record)?;
                lines.done += 1;
            }
            Err(error) => {
                report(format!("line {number}: {error}"));
                lines.bad += 1;
            }
        }
    }
}
