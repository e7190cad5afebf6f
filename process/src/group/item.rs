//! The item that its members make: who is the origin, what the rules say, which sources it names. Pure.

use std::{cmp::Reverse, collections::HashMap};

use carewire_schemas::{Cleaned, EntryId, FeedId, ItemId, ItemV1, Source, StoryId, StoryRelation, Withdrawal};
use carewire_store::FeedStanding;
use jiff::Timestamp;
use url::Url;

use super::member::Member;
use crate::policy::{
    Policy,
    habit::same_site,
    verdict::{Verdict, verdict, waits_until},
};

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
    /// Mean similarity to the story's members when it joined.
    pub likeness: Option<f32>,
}

/// By what members are judged.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// The rules.
    pub policy: &'a Policy,
    /// How the network stands to their feeds.
    pub standings: &'a Standings,
    /// When: embargoes end.
    pub now: Timestamp,
}

impl<'a> Judge<'a> {
    fn standing(&self, member: &Member) -> Option<&'a FeedStanding> {
        self.standings.get(&member.feed)
    }

    fn verdict(&self, member: &'a Member) -> Verdict<'a> {
        verdict(self.policy, member, self.standing(member), self.now)
    }
}

/// An item as its members make it.
pub struct Built {
    /// The member whose content it has.
    pub origin: EntryId,
    /// The item.
    pub item: ItemV1,
    /// When it must be looked at again: the end of an embargo.
    pub due: Option<Timestamp>,
}

/// Most sources that an item names: records are bounded, and nobody reads more.
const MAX_SOURCES: usize = 200;

/// The item that `members` (at least one) make, as version `version`; none without members.
///
/// Content and outcome are the origin's. A curated item names only sources that are cleared themselves: an alien feed that
/// claims another's address gets no place beside it. A deleted origin withdraws the item; other deleted members
/// leave the sources.
#[must_use]
pub fn build(fixed: Fixed, version: i64, members: &[Member], judge: Judge<'_>) -> Option<Built> {
    let mut ranked: Vec<(Rank, Verdict<'_>, &Member)> = members
        .iter()
        .map(|member| {
            let verdict = judge.verdict(member);
            (rank(member, members, &verdict, judge), verdict, member)
        })
        .collect();
    ranked.sort_by_key(|(rank, ..)| *rank);
    let (_, verdict, origin) = ranked.first()?;
    let mut sources: Vec<Source> = ranked
        .iter()
        .filter(|(_, its, member)| member.deleted.is_none() && (its.cleared() || !verdict.cleared()))
        .map(|(.., member)| source(member, judge))
        .collect();
    sources.truncate(MAX_SOURCES);
    if sources.is_empty() {
        sources.push(source(origin, judge));
    }
    let standing = judge.standing(origin);
    let item = ItemV1 {
        item: fixed.item,
        version,
        story: fixed.story,
        relation: fixed.relation,
        cleaned: shown(origin, judge),
        sources,
        outcome: verdict.outcome(),
        withdrawn: origin.deleted.map(|at| withdrawal(origin, at)),
        history: fixed.history,
        pipeline: origin.pipeline.clone(),
        rules: judge.policy.version().to_owned(),
        trust: standing.map(|standing| standing.tier).unwrap_or_default(),
        rights: standing.map(|standing| standing.rights).unwrap_or_default(),
        likeness: fixed.likeness,
        first_seen: fixed.first_seen,
    };
    let due = ranked.iter().filter_map(|(_, verdict, _)| verdict.until()).min();
    Some(Built { origin: origin.entry, item, due })
}

/// The origin's content. What waited for its date of publication bears that date once it is shown.
fn shown(origin: &Member, judge: Judge<'_>) -> Cleaned {
    let mut cleaned = origin.cleaned.clone();
    let stated = cleaned.embargo.is_none_or(|embargo| embargo.stated);
    if !stated && let Some(until) = waits_until(judge.policy, origin).filter(|until| *until <= judge.now) {
        cleaned.published = Some(until);
    }
    cleaned
}

fn withdrawal(origin: &Member, at: Timestamp) -> Withdrawal {
    let reason = origin.reason.clone().unwrap_or_else(|| "withdrawn by its publisher".to_owned());
    Withdrawal { at, reason }
}

/// The origin among `members`; none when there is none.
#[must_use]
pub fn origin(members: &[Member], judge: Judge<'_>) -> Option<EntryId> {
    let least = members.iter().min_by_key(|member| rank(member, members, &judge.verdict(member), judge));
    least.map(|member| member.entry)
}

fn source(member: &Member, judge: Judge<'_>) -> Source {
    let standing = judge.standing(member);
    Source {
        entry: member.entry,
        feed: member.feed,
        organization: member.organization,
        slug: standing.map(|standing| standing.slug.clone()).unwrap_or_default(),
        name: standing.map(|standing| standing.name.clone()).unwrap_or_default(),
        url: member.cleaned.url.clone(),
        published: member.cleaned.published,
        joined: member.joined,
    }
}

/// The order of members; the least is the origin. True sorts after false, so each mark says what is worse.
type Rank = (bool, Reverse<bool>, bool, bool, i64, EntryId);

/// Cleared first; then who is named as the source by another organization; then who names no other; then whose own host
/// the address is on; then the earliest; then the smaller id.
fn rank(member: &Member, members: &[Member], verdict: &Verdict<'_>, judge: Judge<'_>) -> Rank {
    let standing = judge.standing(member);
    let uncleared = !verdict.cleared();
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
    sites(standing).any(|own| same_site(address, &own))
}

/// The hosts of a feed and its organization, without `www.` and the like.
pub fn sites(standing: &FeedStanding) -> impl Iterator<Item = String> {
    let sites = [standing.organization_site.as_deref(), standing.site_url.as_deref()];
    sites.into_iter().flatten().filter_map(host).chain(host(&standing.url))
}

/// Host of an address, without `www.` and the like.
fn host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?;
    Some(host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host).to_owned())
}
