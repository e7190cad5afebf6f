//! Conditions: the compiled vocabulary and the tagger.
//!
//! Everything here is a pure function over values. [`Vocabulary`] knows the conditions and topics, their names,
//! codes of other systems and parents; it is compiled by `compile-vocabulary` from open tables into one committed
//! file (see `vocabulary/README.md`) and loaded once per process. [`Tagger`] finds conditions in a [`Document`]
//! and says what each tag rests on, and whether the document is *about* the condition or only *mentions* it.
//!
//! The same word normalisation ([`normalise`]) is used when names are compiled and when text is read: whatever it
//! conflates, it conflates on both sides.

pub mod evaluation;
pub mod normalise;
pub mod overlay;
pub mod tagger;
pub mod vocabulary;

pub use carewire_schemas::{ConditionCode, ConditionTag, Evidence, Field, Qualifier, Role};
pub use tagger::{Document, TAGGER_VERSION, Tagger};
pub use vocabulary::{Condition, Name, NameHit, NameKind, Vocabulary};
