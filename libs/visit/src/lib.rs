//! Visits to publishers' hosts: whatever asks a publisher's host for something does it under the host's lease, one request at a
//! time, with the pause between two.
//!
//! [`LeaseGate`] holds the leases of one job and keeps the pauses; the HTTP client asks it before every request. A worker that
//! claimed a host makes one of its claim ([`LeaseGate::new`]); anything else takes the host's lease with [`LeaseGate::take`].

mod gate;

pub use gate::{LeaseGate, UNSET_PAUSE};
