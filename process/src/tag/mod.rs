//! Tag: one entry in, cleaned and tagged, out. Pure besides [`run_tag`].

mod run;

pub use run::{TagDeps, run_tag};

use carewire_conditions::{Tagger, Vocabulary};
use carewire_schemas::{EntryV1, TaggedV1};

/// Cleans and tags one entry: the same entry, vocabulary and code give the same result.
#[must_use]
pub fn tag_entry(entry: &EntryV1, tagger: &Tagger, vocabulary: &Vocabulary) -> TaggedV1 {
    let _ = (entry, tagger, vocabulary);
    todo!()
}
