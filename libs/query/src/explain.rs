//! The whole way of an item, step by step: where it came from, what each step made of it and why, where it went.

use carewire_schemas::{CuratedV1, EntryV1, ItemId, JoinedBy, OrganizationId, Role, Source, StoryRelation, Verdict};
use carewire_store::{FeedStanding, ItemRow, ItemState, Store, StoreError, read_revision};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::public::{self, ItemMeta, RowError};

/// The way of an item.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Explanation {
    /// The item.
    pub item: ItemId,
    /// Where it stands: `curated`, `held`, `refused`, `hidden`, `withdrawn`.
    pub state: &'static str,
    /// Its title.
    pub title: String,
    /// Its address.
    pub url: Option<String>,
    /// The organizations that carry it: they may read this.
    #[serde(skip)]
    pub organizations: Vec<OrganizationId>,
    /// What happened to it, in order of the stages.
    pub steps: Vec<Step>,
}

/// One step of the way.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Step {
    /// Which: `entry`, `feed`, `language`, `kind`, `conditions`, `item`, `story`, `rules`, `retraction`, `decision`, `published`.
    pub step: &'static str,
    /// What came of it, in a few words.
    pub outcome: String,
    /// Why, in words.
    pub why: String,
    /// When, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What it rests on, for programs.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

/// There is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored cannot be read.
    #[error(transparent)]
    Row(#[from] RowError),
}

/// Explains an item; none where there is no such item.
///
/// # Errors
/// When the database fails, or what it holds of the item cannot be read.
pub async fn explain(store: &Store, id: ItemId) -> Result<Option<Explanation>, ExplainError> {
    let Some(row) = store.item(id).await? else { return Ok(None) };
    let (content, meta) = (public::content(&row)?, public::meta(&row)?);
    let feeds: Vec<_> = meta.sources.iter().map(|source| source.feed).collect();
    let standings = store.standings(&feeds).await?;
    let mut steps = Vec::new();
    for (at, source) in meta.sources.iter().enumerate() {
        let revision = store.revision(source.entry).await?.as_deref().and_then(read_revision);
        steps.push(entry(source, revision.as_ref(), standings.get(&source.feed), at == 0));
    }
    if let Some(origin) = meta.sources.first() {
        steps.push(feed(store, origin, standings.get(&origin.feed)).await?);
    }
    steps.extend(tagging(&content, &meta));
    steps.extend(meta.sources.iter().filter_map(joined));
    steps.push(story(&content, &meta));
    steps.push(rules(&meta));
    if let Some(retraction) = &meta.retraction {
        let outcome = if retraction.hold { "held" } else { "notice" };
        let why = crate::retraction::words(&retraction.notice);
        steps.push(Step::new("retraction", outcome, why, json!(retraction.notice)));
    }
    for decided in store.decisions_of(id).await? {
        let decision = decided.decision;
        let outcome = match &decision.verdict {
            Verdict::Approve => "approved",
            Verdict::Hide => "hidden",
            Verdict::Retag { .. } => "retagged",
            Verdict::Undo => "undone",
        };
        let data = json!({"number": decided.number, "verdict": decision.verdict, "by": decision.by});
        let why = format!("{}: {}", decision.by, decision.reason);
        steps.push(Step { at: Some(decision.at), ..Step::new("decision", outcome, why, data) });
    }
    steps.push(published(&row, &meta, &content));
    Ok(Some(Explanation {
        item: id,
        state: row.state.as_str(),
        title: content.title,
        url: content.url,
        organizations: meta.sources.iter().map(|source| source.organization).collect(),
        steps,
    }))
}

impl Step {
    fn new(step: &'static str, outcome: impl Into<String>, why: impl Into<String>, data: Value) -> Self {
        Self { step, outcome: outcome.into(), why: why.into(), at: None, data }
    }
}

fn entry(source: &Source, revision: Option<&EntryV1>, standing: Option<&FeedStanding>, origin: bool) -> Step {
    let outcome = if origin { "origin" } else { "also carried" };
    let address = standing.map_or("a feed that is no longer registered", |standing| standing.url.as_str());
    let mut why = format!("{} published it by {address}", source.name);
    let mut data = json!({
        "entry": source.entry, "feed": source.feed, "organization": source.slug, "url": source.url, "published": source.published,
    });
    if let Some(revision) = revision {
        let via = serde_json::to_value(revision.via).unwrap_or_default();
        let history = if revision.history { ", as history" } else { "" };
        why.push_str(&format!(
            "; came by {}{history}, as version {}",
            via.as_str().unwrap_or_default(),
            revision.version
        ));
        data["via"] = via;
        data["version"] = revision.version.into();
        data["guid"] = json!(revision.content.guid);
        data["history"] = revision.history.into();
    }
    Step { at: revision.map(|revision| revision.seen), ..Step::new("entry", outcome, why, data) }
}

async fn feed(store: &Store, origin: &Source, standing: Option<&FeedStanding>) -> Result<Step, StoreError> {
    let Some(standing) = standing else {
        return Ok(Step::new("feed", "not registered", "The feed is no longer registered.", Value::Null));
    };
    let problems = store.feed(origin.feed).await?.map(|feed| feed.problems).unwrap_or_default();
    let outcome = format!("{}, {}, {}", standing.standing, standing.proof, standing.tier.as_str());
    let why = if problems.is_empty() {
        "Nothing was wrong with the feed at its last poll.".to_owned()
    } else {
        let list: Vec<String> =
            problems.iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect();
        format!("At its last poll: {}", list.join("; "))
    };
    let data = json!({
        "standing": standing.standing, "proof": standing.proof, "tier": standing.tier, "rights": standing.rights,
        "problems": problems, "holds": standing.holds,
    });
    Ok(Step::new("feed", outcome, why, data))
}

fn tagging(content: &CuratedV1, meta: &ItemMeta) -> Vec<Step> {
    let pipeline = &meta.pipeline;
    let made = format!("Code {}, vocabulary {}, run {}.", pipeline.code, pipeline.vocabulary, pipeline.run);
    let quoted = |evidence: &[carewire_schemas::Evidence]| {
        let words: Vec<String> = evidence.iter().take(6).map(|found| format!("“{}”", found.text)).collect();
        if words.is_empty() { "no words of its own".to_owned() } else { words.join(", ") }
    };
    let mut steps = vec![
        Step::new("language", content.language.as_deref().unwrap_or("not told"), made, json!({"pipeline": pipeline})),
        Step::new("kind", content.kind.as_str(), quoted(&content.traits.kind_evidence), Value::Null),
    ];
    let tags = meta.tags.as_ref().unwrap_or(&content.conditions);
    if tags.is_empty() {
        steps.push(Step::new("conditions", "none", "No name of a condition or topic was found.", Value::Null));
    }
    for tag in tags {
        let role = match (tag.negated, tag.role) {
            (true, _) => "denied",
            (_, Role::About) => "about",
            (_, Role::Mentioned) => "mentioned",
        };
        let outcome = format!("{role}: {} ({})", tag.name, tag.code);
        steps.push(Step::new("conditions", outcome, quoted(&tag.evidence), json!(tag)));
    }
    steps
}

fn joined(source: &Source) -> Option<Step> {
    let joined = source.joined?;
    let measure = joined.measure.map(|share| format!(" ({share:.2} of the shorter one)")).unwrap_or_default();
    let outcome = if joined.by == JoinedBy::Text { "copy" } else { "same item" };
    let why = format!("{}'s entry has {}{measure}.", source.name, joined.by.words());
    Some(Step::new("item", outcome, why, json!({"entry": source.entry, "joined": joined})))
}

fn story(content: &CuratedV1, meta: &ItemMeta) -> Step {
    let (outcome, why) = match (meta.relation, meta.likeness) {
        (StoryRelation::First, _) => ("first", "It was like no story of the days around it.".to_owned()),
        (_, Some(likeness)) => ("same story", format!("Mean similarity to the story's members: {likeness:.2}.")),
        (_, None) => ("same story", "It joined a story; by how much was not recorded then.".to_owned()),
    };
    Step::new(
        "story",
        outcome,
        why,
        json!({"story": content.story, "relation": meta.relation, "likeness": meta.likeness}),
    )
}

fn rules(meta: &ItemMeta) -> Step {
    let outcome = &meta.outcome;
    let state = serde_json::to_value(outcome.state).unwrap_or_default();
    let text = format!("{} by {}", state.as_str().unwrap_or_default(), outcome.rule);
    Step::new("rules", text, outcome.reason.clone(), json!({"outcome": outcome, "version": meta.rules}))
}

fn published(row: &ItemRow, meta: &ItemMeta, content: &CuratedV1) -> Step {
    let why = match (row.state, row.first, row.seq) {
        (ItemState::Curated, Some(first), Some(seq)) => {
            format!("Public since change {first}, last changed with {seq}: in every feed and stream that asks for it.")
        }
        (_, Some(first), Some(seq)) => {
            let reason = meta.shown_withdrawal.as_ref().map_or("", |withdrawal| withdrawal.reason.as_str());
            format!("Public since change {first}, withdrawn with {seq}: {reason}")
        }
        _ => "It never was public.".to_owned(),
    };
    let data = json!({"first": row.first, "seq": row.seq, "version": row.public_version, "rights": content.rights});
    Step { at: Some(content.updated), ..Step::new("published", row.state.as_str(), why, data) }
}
