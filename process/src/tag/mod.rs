//! Tag: one entry in, cleaned and tagged, out. Pure besides [`run_tag`].
//!
//! [`sanitise`] keeps the markup that an article needs, [`text`] makes plain text of it, [`language`] and [`url`] say what
//! their names say, [`traits`] tells kind, study, aspects, audience and reading level, [`clean`] puts it together, and the tagger of `carewire-conditions` adds what the entry is about.

mod clean;
mod embargo;
mod entities;
pub mod language;
mod run;
pub mod sanitise;
pub mod text;
pub mod traits;
pub mod url;

pub use run::{TagDeps, run_tag};

use carewire_conditions::{Document, TAGGER_VERSION, Tagger, Vocabulary};
use carewire_schemas::{EntryV1, PipelineVersion, TaggedV1};

/// Raised with every change of the cleaning code that changes its results; part of the pipeline version.
pub const CLEANER_VERSION: u32 = 3;

/// Cleans and tags one entry: the same entry, vocabulary and code give the same result.
#[must_use]
pub fn tag_entry(entry: &EntryV1, tagger: &Tagger, vocabulary: &Vocabulary) -> TaggedV1 {
    let mut cleaned = clean::clean(entry);
    cleaned.conditions = tagger.tag(&Document {
        title: &cleaned.title,
        text: &cleaned.text,
        language: cleaned.language.as_deref(),
        categories: &cleaned.categories,
    });
    TaggedV1 {
        entry: entry.entry,
        feed: entry.feed,
        organization: entry.organization,
        version: entry.version,
        pipeline: PipelineVersion {
            code: CLEANER_VERSION * 1000 + TAGGER_VERSION,
            vocabulary: vocabulary.version().to_owned(),
            run: 0,
        },
        via: entry.via,
        change: entry.change,
        history: entry.history,
        seen: entry.seen,
        reason: entry.reason.clone(),
        guid: entry.content.guid.clone(),
        source: entry.content.source.clone(),
        cleaned,
    }
}
