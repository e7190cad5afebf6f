//! Commands on organizations and their feeds.

use clap::Subcommand;

use super::moment;

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
