//! WebSub subscriber (W3C Recommendation, 23 January 2018): publishers' hubs tell of changes, so that feeds need hardly be polled.
//!
//! ```text
//! poll ─► offer (hub, topic) ─► store ◄─ claim ─ subscriber ─ POST hub.mode=subscribe ─► hub
//!                                 ▲                                                      │
//!              GET challenge ─────┤ verified: lease, renewed before its end ◄────────────┤
//!              POST ping ─ check ─┘ stored raw ─► reader: the way of a poll ─► entries ◄─┘
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `config` | [`WebsubConfig`] |
//! | `link` | which hub and topic an answer announces: pure |
//! | `signature` | `X-Hub-Signature`: pure |
//! | `subscriber` | [`run`]: asks hubs, renews, leaves, notices silent ones |
//! | `callback` | [`router`]: `/websub/{token}`, where hubs verify and deliver |
//! | `pings` | reads what was delivered, in the way of polls |
//! | `polled` | what a poll says of its feed's hub |
//!
//! Invariants: an answer of 2xx to a ping means that it is stored durably, or that it is worth nothing; only what a subscription's own
//! secret signed is read; a poll under way and a ping never write the same turn.

mod callback;
mod config;
mod link;
pub(crate) mod pings;
pub(crate) mod polled;
mod signature;
mod subscriber;

pub use callback::router;
pub use config::WebsubConfig;
pub use subscriber::{WebSub, run};
