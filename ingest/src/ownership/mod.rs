//! Proofs of ownership: looked for when somebody asks, looked at again at intervals.
//!
//! What counts as a proof is decided by [`carewire_ownership`]; what follows from it is written by the store in one transaction.
//! Here is what lies between: the places are asked, each under its host's lease.
//!
//! | file | what |
//! | --- | --- |
//! | `config` | [`OwnershipConfig`] |
//! | `check` | [`Checker`]: looks at all places of one feed |
//! | `channel` | which channel a link leads to |
//! | `dns` | TXT records |
//! | `run` | [`run`]: proofs that are due |

mod channel;
mod check;
mod config;
mod dns;
mod run;

pub(crate) use channel::id_of as channel_of;
pub use check::Checker;
pub use config::OwnershipConfig;
pub use dns::{DnsError, Resolver};
pub use run::{Owners, run};
