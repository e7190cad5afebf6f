//! Publish: from items to what others read.
//!
//! [`sink`] writes items and the change log, in one sequence; everything else reads that log by cursor, never the
//! sink: [`relay`] carries it to `carewire.curated` and `carewire.decisions`, [`feeds`] renders Atom, RSS and JSON
//! Feed and `/v1/changes` from it, [`streams`] sends it as it comes, [`push`] delivers
//! it to those who asked the [`hub`]. [`matching`] says what a change is to a question.

pub mod config;
pub mod feeds;
pub mod hub;
pub mod matching;
pub mod metrics;
pub mod push;
pub mod relay;
pub mod sink;
pub mod streams;
