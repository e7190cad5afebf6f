//! What the store promises, asked of both databases: SQLite always, PostgreSQL when `CAREWIRE_TEST_POSTGRES` is `auto`
//! (a throw-away server is started, once) or an address, or when `CI=true`.

#![allow(missing_docs)]

mod accounts;
mod backup;
mod channels;
mod entries;
mod grouping;
mod harness;
mod hosts;
mod items;
mod leases;
mod opening;
mod ownership;
mod pages;
mod polling;
mod posts;
mod push;
mod registry;
mod sequence;
mod trust;
mod websub;
mod youtube;
