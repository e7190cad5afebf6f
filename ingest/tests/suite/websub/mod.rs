//! The subscriber against a hub that is written from the specification, over real sockets. Sections are those of the W3C
//! Recommendation "WebSub" of 23 January 2018.
//!
//! - `subscribing`: asking hubs, verification, leases, refusals, silent hubs.
//! - `delivering`: pings, good and bad, and what is read of them.

mod delivering;
mod network;
mod subscribing;
