//! The item that its members make: who is the origin, what the rules say, which sources it names. Pure.

use std::{cmp::Reverse, collections::HashMap};

use carewire_schemas::{EntryId, FeedId, ItemId, ItemV1, Source, StoryId, StoryRelation, Withdrawal};
use carewire_store::FeedStanding;
use jiff::Timestamp;
use url::Url;

use super::{member::Member, rules};

/// How the network stands to the feeds of a batch.
pub type Standings = HashMap<FeedId, FeedStanding>;

/// What an item has beside its members, and keeps.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    /// The item.
    pub item: ItemId,
    /// Its story.
    pub story: StoryId,
    /// How it relates to the story.
    pub relation: StoryRelation,
    /// History, not news.
    pub history: bool,
    /// When the first of its entries was first seen.
    pub first_seen: Timestamp,
}

/// Most sources that an item names: records are bounded, and nobody reads more.
const MAX_SOURCES: usize = 200;

/// The item that `members` (at least one) make, as version `version`, and its origin.
///
/// Content and outcome are the origin's. A curated item names only sources that are cleared themselves: an alien feed that
/// claims another's address gets no place beside it. A deleted origin withdraws the item; other deleted members
/// leave the sources.
#[must_use]
pub fn build(fixed: Fixed, version: i64, members: &[Member], standings: &Standings) -> Option<(EntryId, ItemV1)> {
    let mut ranked: Vec<(Rank, &Member)> =
        members.iter().map(|member| (rank(member, members, standings), member)).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    let origin = ranked.first()?.1;
    let cleared = |member: &Member| rules::cleared(standings.get(&member.feed));
    let shown = |member: &&Member| member.deleted.is_none() && (cleared(member) || !cleared(origin));
    let mut sources: Vec<Source> =
        ranked.iter().map(|(_, member)| *member).filter(shown).map(|member| source(member, standings)).collect();
    sources.truncate(MAX_SOURCES);
    if sources.is_empty() {
        sources.push(source(origin, standings));
    }
    let item = ItemV1 {
        item: fixed.item,
        version,
        story: fixed.story,
        relation: fixed.relation,
        cleaned: origin.cleaned.clone(),
        sources,
        outcome: rules::outcome(standings.get(&origin.feed)),
        withdrawn: origin.deleted.map(|at| withdrawal(origin, at)),
        history: fixed.history,
        pipeline: origin.pipeline.clone(),
        first_seen: fixed.first_seen,
    };
    Some((origin.entry, item))
}

fn withdrawal(origin: &Member, at: Timestamp) -> Withdrawal {
    let reason = origin.reason.clone().unwrap_or_else(|| "withdrawn by its publisher".to_owned());
    Withdrawal { at, reason }
}

/// The origin among `members`; none when there is none.
#[must_use]
pub fn origin(members: &[Member], standings: &Standings) -> Option<EntryId> {
    let least = members.iter().min_by_key(|member| rank(member, members, standings));
    least.map(|member| member.entry)
}

fn source(member: &Member, standings: &Standings) -> Source {
    let standing = standings.get(&member.feed);
    Source {
        entry: member.entry,
        feed: member.feed,
        organization: member.organization,
        slug: standing.map(|standing| standing.slug.clone()).unwrap_or_default(),
        name: standing.map(|standing| standing.name.clone()).unwrap_or_default(),
        url: member.cleaned.url.clone(),
        published: member.cleaned.published,
    }
}

/// The order of members; the least is the origin. True sorts after false, so each mark says what is worse.
type Rank = (bool, Reverse<bool>, bool, bool, i64, EntryId);

/// Cleared first; then who is named as the source by another organization; then who names no other; then whose own host
/// the address is on; then the earliest; then the smaller id.
fn rank(member: &Member, members: &[Member], standings: &Standings) -> Rank {
    let standing = standings.get(&member.feed);
    let uncleared = !rules::cleared(standing);
    if members.len() == 1 {
        return (uncleared, Reverse(false), false, false, member.published(), member.entry);
    }
    let named = members.iter().any(|other| {
        other.organization != member.organization && standing.is_some_and(|standing| names(other, standing))
    });
    let names_other = member.source.as_ref().is_some_and(|source| source.url.is_some())
        && !standing.is_some_and(|standing| names(member, standing));
    let foreign = !standing.is_some_and(|standing| is_own(member, standing));
    (uncleared, Reverse(named), names_other, foreign, member.published(), member.entry)
}

/// Whether `member` says that it was taken from the feed, or the site of the feed, with this standing.
fn names(member: &Member, standing: &FeedStanding) -> bool {
    let Some(address) = member.source.as_ref().and_then(|source| source.url.as_deref()) else { return false };
    address == standing.url || host(address).is_some_and(|host| is_host_of(&host, standing))
}

/// Whether the entry's address is on the host of its own feed or organization; of a video: whether the feed is the
/// channel's.
fn is_own(member: &Member, standing: &FeedStanding) -> bool {
    if let Some(channel) = member.cleaned.video.as_ref().and_then(|video| video.channel.as_deref()) {
        return standing.url.contains(channel);
    }
    member.cleaned.url.as_deref().and_then(host).is_some_and(|host| is_host_of(&host, standing))
}

fn is_host_of(address: &str, standing: &FeedStanding) -> bool {
    let sites = [standing.organization_site.as_deref(), standing.site_url.as_deref()];
    sites.into_iter().flatten().filter_map(host).chain(host(&standing.url)).any(|own| same_site(address, &own))
}

/// Host of an address, without `www.` and the like.
fn host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?;
    Some(host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host).to_owned())
}

/// The same host, or one below the other.
fn same_site(a: &str, b: &str) -> bool {
    let below = |a: &str, b: &str| b.contains('.') && a.strip_suffix(b).is_some_and(|head| head.ends_with('.'));
    a == b || below(a, b) || below(b, a)
}
