//! Commands on records and lists: dead letters, retractions, import, export.

use std::path::PathBuf;

use clap::Subcommand;

/// `carewire dead-letters …`.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List those that were not sent again yet
    List {
        /// Those that were sent again, too
        #[arg(long)]
        all: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one with its record
    Show {
        /// Its id, as `list` shows it
        id: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Send one again to where it stood, or all that were not sent again yet
    Retry {
        /// Its id, as `list` shows it
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// All that were not sent again yet
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

/// `carewire retractions …`.
#[derive(Debug, Subcommand)]
pub enum RetractionsCommand {
    /// Read a list (Retraction Watch or Crossref CSV) and mark the items that speak of its studies, old ones included
    Import {
        /// The file, or - for standard input
        file: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

/// `carewire import …`.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Register the feeds of an OPML file
    Opml {
        /// The file, or - for standard input
        file: String,
        /// Vouch for them: each under an accepted organization made from its outline
        #[arg(long)]
        trusted: bool,
        /// Do not look for the feeds of sites of which the list gives only the page
        #[arg(long)]
        no_discovery: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

/// `carewire export …`.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Write the registered feeds as OPML, by organization
    Opml {
        /// Of one organization only
        #[arg(long)]
        org: Option<String>,
        /// Where to: a file; standard output without it
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
}
