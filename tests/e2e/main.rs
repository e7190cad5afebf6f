//! End to end: the real binary, driven from outside, against publishers of our own on loopback.
//!
//! - `sandbox`: publishers with scripted behaviour, the network under test, the outputs as a subscriber sees them.
//! - `thread`: a feed of each format to every output, a change, a withdrawal, a curator's decision.
//! - `cli`: the commands, wrong configuration, wrong requests, backup and restore, the demo.
//! - `apart`: stages as processes of their own, killed with SIGKILL in mid-work.
//! - `polling`: restarts, conditional requests, one request at a time for each host, none before its time.
//! - `policy`: a hacked feed, embargoes, the brake, rights, retractions, running again, explanations, dead letters.
//! - `takeover`: two workers killed in turn while 500 feeds change.
//! - `bad_input`: what publishers do wrong; the other entries and feeds do not suffer.
//! - `servers`: all of it that depends on the pair, on PostgreSQL and Kafka, with both taken away for a while.
//! - `websub`: a publisher's hub delivers through a reverse proxy, to one process and to another after a kill.
//! - `ownership`: `feed prove` by a file on the site, and by a code that comes in a mail over SMTP.
//! - `old_content`: pages that go, move and are reviewed, up to what readers see.
//! - `posting`: items posted by their organization over the API, changed and taken back.
//! - `real_feeds`: captured feeds of live sites, every entry accounted for.

mod apart;
mod bad_input;
mod cli;
mod data_folder;
mod old_content;
mod ownership;
mod policy;
mod polling;
mod posting;
mod real_feeds;
mod sandbox;
mod servers;
mod takeover;
mod thread;
mod websub;
