//! Visits to publishers' hosts: whatever asks a publisher's host for something does it under the host's lease, one request at a
//! time, with the pause between two.
//!
//! [`LeaseGate`] holds the leases of one job and keeps the pauses; the HTTP client asks it before every request. A worker that
//! claimed a host makes one of its claim ([`LeaseGate::new`]); anything else takes the host's lease with [`LeaseGate::take`]. Where
//! there is no network to share leases with, [`PauseGate`] keeps the pauses alone.
//!
//! | what | where |
//! | --- | --- |
//! | the preflight of a feed | [`check()`] |
//! | the feeds of a site | [`look`] |
//! | what would be read of a feed or site map | [`preview()`] |

mod check;
mod discover;
mod gate;
mod pause;
mod preview;

pub use check::{ACCEPT_FEEDS, Check, Summary, check, exchange};
pub use discover::{Site, look};
pub use gate::{LeaseGate, UNSET_PAUSE};
pub use pause::PauseGate;
pub use preview::{PassedOver, Preview, PreviewEntry, ROBOT, preview};
