//! Process: what lies between what a feed said and what the network publishes.
//!
//! Two stages. [`tag`] cleans an entry and says what it is about: a pure function over one entry, run by as many
//! workers as there are partitions. [`group`] decides which entries are one item, which items tell one story, who is
//! the origin, and what the rules say: it needs one view, so one worker is active at a time (by lease) and others
//! stand by.
//!
//! Everything that decides is pure ([`tag::tag_entry`], [`group::Grouper`]); I/O stands in the two `run` modules. The commands
//! `carewire tag` and `carewire cluster` ([`commands`]) run the same code over lines of text.

pub mod commands;
mod decode;
pub mod evaluation;
pub mod group;
mod metrics;
pub mod policy;
pub mod rerun;
pub mod tag;

pub use group::{GroupDeps, run_group};
pub use policy::{Policy, PolicyConfig};
pub use tag::{TagDeps, run_tag};
