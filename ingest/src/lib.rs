//! Ingest: schedule, fetch, read, emit.
//!
//! A worker claims hosts with due feeds from the store, asks each feed conditionally under its host's lease, tells new,
//! changed and unchanged entries apart, produces the news to `carewire.entries`, and only when they are acknowledged
//! writes back what it learned (hashes, validators, the next time and its reason) in one transaction with the feed's turn.
//! Several workers share one store; none of them holds anything that another could not take over.
//!
//! ```text
//! claim ─► one task a host: gate ─► request ─┬─ 304, failure ──────────────────────────────┐
//!   ▲      (lease, pause)                    └─ body ─► read ─► tell apart ─► produce ──► write back
//!   └── the store: due feeds, leases, turns ◄────────────────────────────────────────────────┘
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `config` | [`IngestConfig`] |
//! | `worker`, `host` | the claiming loop; the task of one host |
//! | `body`, `emit` | from a response to events and a write-back; events on the bus |
//! | `identity` | entries whose ids changed: pure |
//! | `moves`, `look` | feeds that move; when a feed is looked for elsewhere |
//! | `freshness`, `findings` | how soon entries were seen and who owes the delay; what is wrong with a feed over time: pure |
//! | `sitemap` | a site map in place of a feed |
//! | `tasks` | visits beside polling: archives, https, moves, discovery, pages of site maps |
//! | [`recheck`] | pages of entries looked at again: gone, moved, reviewed |
//! | `again` | entries told beside polls: their last revision again, or withdrawn |
//! | `audience` | for how many subscribers feeds are fetched |
//! | `robots` | what is known of sites' robots.txt |
//! | `outcome` | what every kind of answer means for its feed |
//! | `diff` | identities, and what is new, changed, deleted: pure |
//! | `event` | [`entry_event`]: a feed's entry as an event: pure |
//! | `schedule` | [`schedule::next_poll`]: when next, and why: pure |
//! | `errand` | single requests outside polling, each under its host's lease |
//! | [`ownership`] | proofs that feeds are their organizations' own |
//! | `channel_page` | which channel a page of YouTube's is about: pure |
//! | [`youtube`] | what is asked of YouTube beside its feeds |
//! | [`websub`] | subscriptions at hubs, and what hubs deliver |
//! | `write_back` | ends of many polls in one transaction |
//!
//! Invariants: no two requests to one host at a time beyond its leases; validators are stored only after the entries
//! that came with them are acknowledged; an unchanged entry costs a hash and nothing else.
//!
//! The store keeps of each entry the last raw revision: the JSON of its [`EntryV1`](carewire_schemas::EntryV1), compressed with zstd.

mod again;
mod audience;
mod body;
mod channel_page;
mod config;
mod diff;
mod emit;
mod errand;
mod event;
mod findings;
mod freshness;
mod host;
mod identity;
mod look;
mod metrics;
mod moves;
mod outcome;
pub mod ownership;
pub mod recheck;
mod robots;
pub mod schedule;
mod sitemap;
mod tasks;
pub mod websub;
mod worker;
mod write_back;
pub mod youtube;

pub use config::{ConfigError, HostPolicy, IngestConfig};
pub use errand::Errands;
pub use event::{EventContext, entry_event};
pub use worker::{Ingest, run};
