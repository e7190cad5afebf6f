//! The command line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

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

/// `carewire org …`.
#[derive(Debug, Subcommand)]
pub enum OrgCommand {
    /// Add an organization
    Add {
        /// Its name
        name: String,
        /// Short name in addresses; made from the name where it is not given
        #[arg(long)]
        slug: Option<String>,
        /// Its web site
        #[arg(long)]
        site: Option<String>,
        /// Country (ISO 3166-1 alpha-2)
        #[arg(long)]
        country: Option<String>,
        /// Kind: hospital, patient-organization, institute, society, other
        #[arg(long)]
        kind: Option<String>,
        /// Accept it at once; else it waits
        #[arg(long)]
        accept: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// List organizations
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show an organization and its feeds
    Show {
        /// Its short name
        slug: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say how far the network trusts an organization
    Trust {
        /// Its short name
        slug: String,
        /// unproven, member, trusted or core
        tier: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what outputs may show of an organization's items
    Rights {
        /// Its short name
        slug: String,
        /// link, excerpt or full
        rights: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop an organization: what comes of it waits, what came of it is withdrawn everywhere
    Suspend {
        /// Its short name
        slug: String,
        /// Withdraw only what came since then: RFC 3339, a date, or as 2h or 3d (ago)
        #[arg(long, value_name = "TIME", value_parser = moment)]
        withdraw_since: Option<jiff::Timestamp>,
        /// Lift the suspension: what it withdrew comes back
        #[arg(long, conflicts_with = "withdraw_since")]
        undo: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Accept, suspend or reject an organization
    Standing {
        /// Its short name
        slug: String,
        /// accepted, suspended, rejected or applied
        standing: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

/// `carewire feed …`.
#[derive(Debug, Subcommand)]
pub enum FeedCommand {
    /// Register a feed or a YouTube channel of an organization
    Add {
        /// The organization's short name
        org: String,
        /// Address of the feed
        url: String,
        /// Vouch that the feed is the organization's own
        #[arg(long)]
        vouch: bool,
        /// Only show what would be read: the last entries, of a site map those that its newest pages would be
        #[arg(long, conflicts_with = "vouch")]
        preview: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// List feeds with their next time and the reason for it
    List {
        /// Of one organization only
        #[arg(long)]
        org: Option<String>,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a feed: state, problems, next time
    Show {
        /// Its id or address
        feed: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a feed's report card: availability, freshness, who owes delays, tags and reading level, what is and was wrong
    Report {
        /// Its id or address
        feed: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Poll a feed at an address that was proposed for it (`feed show` lists them)
    AcceptProposal {
        /// Its id or address
        feed: String,
        /// The proposed address; may be left out where there is one only
        url: Option<String>,
        /// Dismiss it instead
        #[arg(long)]
        dismiss: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Set how soon after its publication an entry should be seen
    Target {
        /// Its id or address
        feed: String,
        /// As 10m or 1h; none for the network's own target
        time: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Prove that a feed is its organization's own: shows what to do, looks whether it is done
    Prove {
        /// Its id or address
        feed: String,
        /// Mail a code to this address of the feed's domain
        #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["code", "looked"])]
        mail: Option<String>,
        /// Give the code back that was mailed
        #[arg(long, conflicts_with = "looked")]
        code: Option<String>,
        /// A curator looked at the channel: it is the organization's own
        #[arg(long)]
        looked: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// List feeds that are held because they did what they never did
    Held {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// End the hold of a feed: what came meanwhile is judged anew, and what it does is its habit
    Release {
        /// Its id or address
        feed: String,
        /// The break was real: what came meanwhile goes on waiting, and its habits are as before
        #[arg(long)]
        keep_held: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Poll a feed now (a running worker does it within a second)
    Poll {
        /// Its id or address
        #[arg(required_unless_present = "all")]
        feed: Option<String>,
        /// Every active feed, each as soon as its host may be asked
        #[arg(long, conflicts_with = "feed")]
        all: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

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

/// `carewire token …`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is shown once
    Create {
        /// What it is for
        name: String,
        /// operator, curator or member
        #[arg(long)]
        role: String,
        /// Of a member: the organization's short name
        #[arg(long)]
        org: Option<String>,
        /// Days until it ends
        #[arg(long)]
        days: Option<u32>,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// List tokens
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token
    Revoke {
        /// Its id
        id: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

/// `carewire user …`.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a person; the password is read from standard input, or made and shown once
    Add {
        /// Mail address
        email: String,
        /// Name
        #[arg(long)]
        name: Option<String>,
        /// operator, curator or member
        #[arg(long)]
        role: String,
        /// Read the password from standard input (one line)
        #[arg(long)]
        password_stdin: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a person a new password, and optionally another role
    Reset {
        /// Mail address
        email: String,
        /// operator, curator or member
        #[arg(long)]
        role: Option<String>,
        /// Read the password from standard input (one line)
        #[arg(long)]
        password_stdin: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// List people
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

/// A time: RFC 3339, a date (its beginning in UTC), or a span ago as `2h` or `3d`.
pub fn moment(text: &str) -> Result<jiff::Timestamp, String> {
    use jiff::{Timestamp, civil::Date, tz::TimeZone};
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let wrong = || format!("`{text}` is no time: give 2026-11-24T08:00:00Z, 2026-11-24, or 2h or 3d for a time ago");
    if let Ok(date) = text.parse::<Date>() {
        return TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_err(|_| wrong());
    }
    let days = text.strip_suffix('d').and_then(|days| days.trim().parse::<u32>().ok());
    let span = match days {
        Some(days) => Duration::from_secs(86_400 * u64::from(days)),
        None => duration(text).map_err(|_| wrong())?,
    };
    Timestamp::now().checked_sub(span).map_err(|_| wrong())
}

/// `90s`, `2m`, `1h 30m`; a bare number is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let wrong = || format!("`{text}` is no time: give a number and a unit, as 60s or 2m");
    let time: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(time).map_err(|_| wrong())
}
