//! What the API shows of the store's rows. Own types, so that a column can be added without the API changing.

use carewire_schemas::Slug;
use carewire_store::{Feed, FeedStanding, Organization, Token};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::state::PortalState;

/// How the network stands to an organization.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum StandingName {
    /// Asked to join; its entries wait for a curator.
    Applied,
    /// A member.
    Accepted,
    /// A member whose entries wait for a curator for now.
    Suspended,
    /// Not taken.
    Rejected,
}

/// How far the network trusts an organization.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum TierName {
    /// Nothing was said of it.
    Unproven,
    /// A member in good standing.
    Member,
    /// Known for careful work.
    Trusted,
    /// One of those who carry the network.
    Core,
}

/// What outputs may show of an organization's items.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum RightsName {
    /// Title and link.
    Link,
    /// Title, link and summary.
    Excerpt,
    /// The full text.
    Full,
}

/// What a registered address is.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub enum FeedKindName {
    /// A feed in RSS, Atom or JSON.
    Feed,
    /// A channel's feed on YouTube.
    YoutubeChannel,
    /// A site map, whose pages are read as entries.
    Sitemap,
    /// What its organization posts (`POST /v1/items`); it is never polled.
    Posted,
}

/// Whether a feed is polled.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum FeedStateName {
    /// It is.
    Active,
    /// Not for now.
    Paused,
    /// Its publisher has ended it.
    Gone,
}

/// What shows that a feed is its organization's own.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum ProofName {
    /// Nothing yet.
    None,
    /// A check of the network's.
    Proven,
    /// The operator's word.
    Vouched,
}

/// What a token allows.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum RoleName {
    /// Runs the network.
    Operator,
    /// Decides what carries the network's name.
    Curator,
    /// Looks after one organization.
    Member,
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct Page<T: ToSchema> {
    /// The things.
    pub items: Vec<T>,
    /// The address of the next page; none on the last.
    pub next: Option<String>,
}

/// An organization.
#[derive(Serialize, ToSchema)]
#[schema(as = Organization)]
pub struct OrganizationView {
    /// Its short name in addresses.
    #[schema(value_type = String, example = "st-anne")]
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// Its site.
    pub site: Option<String>,
    /// Country (ISO 3166-1 alpha-2).
    pub country: Option<String>,
    /// What it is: hospital, society …
    pub kind: Option<String>,
    /// How the network stands to it.
    #[schema(value_type = StandingName)]
    pub standing: &'static str,
    /// How far the network trusts it.
    #[schema(value_type = TierName)]
    pub trust: &'static str,
    /// What outputs may show of its items.
    #[schema(value_type = RightsName)]
    pub rights: &'static str,
    /// While it is suspended: only what came since is withdrawn; none: all.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdraw_since: Option<Timestamp>,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated: Timestamp,
    /// Its page.
    pub page: String,
    /// The Atom feed of what it carries.
    pub feed: String,
}

impl OrganizationView {
    /// What is shown of `row`.
    #[must_use]
    pub fn new(state: &PortalState, row: Organization) -> Self {
        Self {
            page: state.absolute(&format!("/organizations/{}", row.slug)),
            feed: state.absolute(&format!("/feeds/organizations/{}.atom", row.slug)),
            slug: row.slug,
            name: row.name,
            site: row.site,
            country: row.country,
            kind: row.kind,
            standing: row.standing.as_str(),
            trust: row.tier.as_str(),
            rights: row.rights.as_str(),
            withdraw_since: row.withdraw_since,
            created: row.created_at,
            updated: row.updated_at,
        }
    }
}

/// When a feed is polled next, and why then.
#[derive(Serialize, ToSchema)]
pub struct NextPoll {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why then, such as `hand`.
    pub reason: String,
}

/// Something wrong with a feed, as found at its last poll.
#[derive(Serialize, ToSchema)]
pub struct FeedProblemView {
    /// Stable name.
    pub code: String,
    /// In words.
    pub message: String,
    /// Where: an entry, a line, a header.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// How often.
    pub count: u32,
}

/// A registered feed or channel, and how it fares.
#[derive(Serialize, ToSchema)]
#[schema(as = Feed)]
pub struct FeedView {
    /// Its id.
    pub id: Uuid,
    /// Short name of the organization whose it is.
    pub organization: String,
    /// Where it is polled.
    pub url: String,
    /// What it is.
    #[schema(value_type = FeedKindName)]
    pub kind: &'static str,
    /// Its title.
    pub title: Option<String>,
    /// The site it belongs to.
    pub site: Option<String>,
    /// Whether it is polled.
    #[schema(value_type = FeedStateName)]
    pub state: &'static str,
    /// What shows that it is its organization's own.
    #[schema(value_type = ProofName)]
    pub proof: &'static str,
    /// Format, such as `rss-2.0`.
    pub format: Option<String>,
    /// Language (BCP 47).
    pub language: Option<String>,
    /// Entries known.
    pub entries: i64,
    /// When it is polled next; none while it is not active, and of what is posted.
    pub next_poll: Option<NextPoll>,
    /// Seconds between polls for now.
    pub interval_s: i64,
    /// When it was last polled.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_poll: Option<Timestamp>,
    /// When a poll last succeeded.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_success: Option<Timestamp>,
    /// HTTP status of the last answer.
    pub last_status: Option<i32>,
    /// What went wrong at the last poll.
    pub last_error: Option<String>,
    /// Failures in a row.
    pub failures: i64,
    /// What is wrong with it.
    pub problems: Vec<FeedProblemView>,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
}

impl FeedView {
    /// What is shown of `row`.
    #[must_use]
    pub fn new(row: Feed, standing: Option<&FeedStanding>) -> Self {
        let polled = row.state == carewire_store::FeedState::Active && row.kind != carewire_store::FeedKind::Posted;
        let problems = row.problems.into_iter().map(|problem| FeedProblemView {
            code: problem.code,
            message: problem.message,
            place: problem.where_,
            count: problem.count,
        });
        Self {
            id: row.id.0,
            organization: standing.map_or_else(|| row.organization.to_string(), |found| found.slug.clone()),
            url: row.url,
            kind: row.kind.as_str(),
            title: row.title,
            site: row.site_url,
            state: row.state.as_str(),
            proof: row.proof.as_str(),
            format: row.format,
            language: row.language,
            entries: row.entries,
            next_poll: polled.then_some(NextPoll { at: row.next_poll, reason: row.next_reason }),
            interval_s: row.interval_s,
            last_poll: row.last_poll,
            last_success: row.last_success,
            last_status: row.last_status,
            last_error: row.last_error,
            failures: row.failures,
            problems: problems.collect(),
            created: row.created_at,
        }
    }
}

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenView {
    /// Its id.
    pub id: Uuid,
    /// Its name, as it stands in decisions.
    pub name: String,
    /// What it allows.
    #[schema(value_type = RoleName)]
    pub role: &'static str,
    /// Short name of a member's organization.
    pub organization: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked: Option<Timestamp>,
}

impl TokenView {
    /// What is shown of `row`; `organization` is the slug of a member's.
    #[must_use]
    pub fn new(row: Token, organization: Option<String>) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            role: row.role.as_str(),
            organization,
            created: row.created_at,
            expires: row.expires_at,
            revoked: row.revoked_at,
        }
    }
}
