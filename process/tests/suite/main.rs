//! Tests of cleaning, grouping, stories, commands, and the two stages on real parts: one binary, linked once.

mod cleaning;
mod commands;
mod entries;
mod grouping;
mod policy;
mod shared;
mod stages;
mod stories;
mod traits;
