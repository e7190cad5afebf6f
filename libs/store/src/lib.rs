//! The network database: PostgreSQL or SQLite behind one type, [`Store`].
//!
//! SQL stands only here. One SQL text serves both databases; a `match` on the database is made only where they
//! truly differ. One file per aggregate, each an `impl Store` with its row types:
//!
//! | file | what |
//! | --- | --- |
//! | [`organizations`], [`feeds`], [`hosts`], [`polls`], [`entries`] | who publishes, where, what is due, what was read |
//! | [`memory`], [`proposals`], [`report`], [`feed_items`], [`tasks`], [`site_pages`] | what polling learns of feeds over time; requests beside polling |
//! | [`pages`] | pages of entries, looked at again |
//! | `posts` | what organizations post themselves |
//! | [`grouping`] | what the grouping worker keeps for itself: sources, identities, items, stories |
//! | [`items`], [`changes`], [`decisions`] | the curated state, its sequence and change log, what curators decided |
//! | [`leases`], [`positions`], [`cursors`] | who may do what, and how far everybody is |
//! | [`channels`] | named, saved queries |
//! | [`accounts`], [`outbox`], [`audit`] | tokens and users, mail to be sent, who did what |
//! | [`ownership`] | what proves that feeds are their organizations' own |
//! | [`websub`] | subscriptions at hubs, and what hubs delivered |
//! | [`push`] | who follows what by deliveries, how far each is; requests to the hub |
//! | [`trust`], [`retractions`] | trust, rights, the brake, holds of feeds; studies that were retracted |
//! | [`youtube`] | videos of channels, and gaps in what was seen of them |
//! | [`standing`], [`counts`], [`backup`] | changes of standing, figures for pages and metrics, copies |
//!
//! Invariants: numbers of the sequence come in commit order without gaps ([`Store::change_items`]); positions never
//! go back; a write of an older turn or by a lost lease changes nothing.

pub mod accounts;
mod apply;
pub mod audit;
pub mod backup;
pub mod changes;
pub mod channels;
pub mod counts;
pub mod cursors;
mod db;
pub mod decisions;
pub mod entries;
mod error;
pub mod feed_items;
pub mod feeds;
pub mod grouping;
pub mod hosts;
pub mod items;
mod leading;
pub mod leases;
pub mod memory;
mod named;
pub mod organizations;
pub mod outbox;
pub mod ownership;
pub mod pages;
pub mod polls;
pub mod positions;
mod posts;
pub mod proposals;
pub mod push;
pub mod report;
pub mod retractions;
pub mod site_pages;
pub mod standing;
mod store;
pub mod tasks;
pub mod trust;
pub mod websub;
pub mod youtube;

pub use accounts::{NewUser, Principal, Role, Token, TokenId, User, UserId};
pub use audit::{AuditEntry, AuditRow};
pub use changes::{ChangeRow, Changes};
pub use channels::{Channel, ChannelPatch, NewChannel};
pub use counts::Counts;
pub use decisions::{DecisionRow, DecisionView};
pub use entries::{EntryForRerun, EntryRow, read_revision};
pub use error::{Result, StoreError};
pub use feed_items::FeedItems;
pub use feeds::{Feed, FeedFilter, FeedKind, FeedProblem, FeedState, NewFeed, Proof};
pub use grouping::{
    GroupBatch, GroupItem, GroupSource, GroupState, GroupStory, GroupWindowRow, IdentityKey, StoredGroupItem,
    StoredSource,
};
pub use hosts::{Host, HostClaim, HostLease};
pub use items::{Applied, ItemChange, ItemContent, ItemRow, ItemState, ItemsView};
pub use leading::Leading;
pub use leases::Lease;
pub use memory::{FeedMemory, MoveSign, Moving, Tried};
pub use organizations::{NewOrganization, Organization, OrganizationPatch, Standing};
pub use outbox::Mail;
pub use ownership::{CodeAnswer, Ownership, OwnershipFinding, OwnershipOutcome, OwnershipState, OwnershipTimes};
pub use pages::{EntryPage, PageAddress, PageFacts, PagePace, PageState};
pub use polls::{EntryWrite, FeedMeta, PollDone, Validators};
pub use positions::Position;
pub use proposals::{NewProposal, Proposal, ProposalReason, ProposalState};
pub use push::{
    HubRequest, NewHubRequest, PushClaim, PushDone, PushId, PushKind, PushOutcome, PushState, PushSubscription,
    PushTopic,
};
pub use report::{Fared, FeedFinding, FeedWeek, FindingsChange, FreshnessTally, NewFinding, Owed};
pub use retractions::RetractionRow;
pub use standing::FeedStanding;
pub use store::{Store, StoreConfig, Target};
pub use tasks::{NewTask, Task, TaskKind};
pub use trust::{FeedHold, HeldFeed, NewHold};
pub use websub::{NewPing, Ping, PushTurn, Subscription, SubscriptionState};
pub use youtube::{ChannelGap, ChannelVideo, VideoFacts};
