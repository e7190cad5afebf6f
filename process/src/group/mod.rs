//! Group: which entries are one item, which items one story, who is the origin, what the rules say.
//!
//! The core is [`Grouper`], pure: tagged entries ([`Prepared`]) and what the store knows of them in, what the store shall
//! know and the items to produce ([`Step`]) out. Its only state is the index over the window ([`index`]), which is rebuilt
//! from the store at take-over. [`identity`] and [`copies`] decide what is one item, [`stories`] what is one story,
//! [`item`] and [`crate::policy`] what the item is. [`run_group`] is the loop around it: one active worker, others stand by.
//!
//! Invariants: an entry stays with its item, an item with its story, so ids never change when members join. A repeat or a
//! late arrival changes nothing and has the item produced again. The same records in the same order give the same
//! result, whatever the batches, and whoever takes over in between.

mod active;
pub mod copies;
mod grouper;
mod habits;
pub mod identity;
pub mod index;
mod item;
mod member;
mod memory;
mod packed;
mod postings;
mod run;
mod standing;
pub mod stories;
mod work;

pub use grouper::{Grouper, Prepared, Step, StepError};
pub use item::Standings;
pub use member::{Damaged, Member};
pub use memory::Memory;
pub use run::{GroupDeps, run_group};
pub use work::stored_item;
