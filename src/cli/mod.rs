//! The command line.

mod data;
mod network;
mod people;
mod time;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::{
    data::{DeadLettersCommand, ExportCommand, ImportCommand, RetractionsCommand},
    network::{FeedCommand, OrgCommand},
    people::{TokenCommand, UserCommand},
    time::{duration, moment},
};
use crate::config::Overrides;

/// Carewire: an event-driven content syndication network for health care
#[derive(Debug, Parser)]
#[command(name = "carewire", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// Where data and configuration are
    #[command(flatten)]
    pub overrides: Overrides,
    /// How to write logs
    #[arg(long, value_enum, default_value_t = LogFormat::Text, global = true)]
    pub log: LogFormat,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the network at work with sample organizations, on this machine only
    Demo(DemoArgs),
    /// Run everything in one process
    Up(ListenArgs),
    /// Run the ingest stage: poll feeds into carewire.entries
    Ingest(ListenArgs),
    /// Run the process stage: tag entries, group them into items
    Process(ListenArgs),
    /// Run the publish stage: database, change log, carewire.curated
    Publish(ListenArgs),
    /// Serve the API, pages and feeds
    Serve(ListenArgs),
    /// Organizations of the network
    #[command(subcommand)]
    Org(OrgCommand),
    /// Feeds of an organization
    #[command(subcommand)]
    Feed(FeedCommand),
    /// Import from other systems
    #[command(subcommand)]
    Import(ImportCommand),
    /// Export for other systems
    #[command(subcommand)]
    Export(ExportCommand),
    /// API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// People who sign in
    #[command(subcommand)]
    User(UserCommand),
    /// Show the whole way of an item: where it came from, each step's outcome and why, where it went
    Explain {
        /// Its id
        item: carewire_schemas::ItemId,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Tag everything anew with the vocabulary, rules and code of now, beside live work; curators' decisions stay
    Reclassify {
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
        /// Most entries a second
        #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        rate: u32,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Tag anew what came in since a time, from the event log
    Replay {
        /// Since when: RFC 3339, a date, or as 2h or 3d (ago)
        #[arg(long, value_name = "TIME", value_parser = moment)]
        since: jiff::Timestamp,
        /// Most entries a second
        #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        rate: u32,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Records that could not be handled
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Studies that were retracted
    #[command(subcommand)]
    Retractions(RetractionsCommand),
    /// Print the configuration in force, secrets hidden
    Config,
    /// Copy the embedded data folder while it is in use
    Backup {
        /// Where to: a folder that is not there yet
        to: PathBuf,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a backup in place as the data folder
    Restore {
        /// The backup's folder
        from: PathBuf,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Read a feed as the network would, without storing anything
    Parse {
        /// A file, an address, or - for standard input
        source: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Look at a feed as its owner should: what is wrong, what it means for readers, how to mend it (ends with 1 on errors)
    Check {
        /// An address, a file, or - for standard input
        source: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Tag texts with conditions: JSON lines in, JSON lines out
    Tag {
        /// A file, or - for standard input
        #[arg(default_value = "-")]
        source: String,
        /// Answer as JSON lines (the only form)
        #[arg(long)]
        json: bool,
    },
    /// Group texts into items and stories: JSON lines in, JSON lines out
    Cluster {
        /// A file, or - for standard input
        #[arg(default_value = "-")]
        source: String,
        /// Answer as JSON lines (the only form)
        #[arg(long)]
        json: bool,
    },
}

/// Where to listen.
#[derive(Clone, Debug, Default, Args)]
pub struct ListenArgs {
    /// Address to serve HTTP on (port 0: any free one)
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

/// `carewire demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Address to serve HTTP on (port 0: any free one)
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// End by itself after this time, having checked its own outputs
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub run_for: Option<Duration>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}
