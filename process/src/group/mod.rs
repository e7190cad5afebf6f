//! Group: which entries are one item, which items one story, who is the origin, what the rules say.

mod run;

pub use run::{GroupDeps, run_group};

/// The pure core.
pub struct Grouper;
