//! Ingest from end to end: real store, real bus, publishers on loopback. One binary, so that all is compiled once.

#![allow(missing_docs)]

mod behaviour;
mod common;
mod leases;
mod manners;
mod ownership;
mod polling;
mod real;
mod recheck;
mod secure;
mod sitemaps;
mod websub;
mod youtube;
