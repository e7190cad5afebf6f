//! What is said of one entry, and by which rule. Pure; every outcome names its rule.

use carewire_schemas::{Outcome, OutcomeState};
use carewire_store::{FeedHold, FeedStanding, Proof, Standing};
use jiff::Timestamp;

use super::{FutureDates, Policy, RuleConfig, RuleOutcome, is_dated_ahead};
use crate::group::Member;

/// Where an entry stands, and why; made for each comparison, so it borrows.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    /// Where it stands.
    pub state: OutcomeState,
    why: Why<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Why<'a> {
    NotRegistered,
    Suspended(&'a FeedStanding),
    NotAccepted(&'a FeedStanding),
    Rule(&'a RuleConfig, Option<&'a str>),
    Embargo(Timestamp, bool),
    EmbargoUnclear,
    Habit(&'a FeedHold),
    Unproven(&'a FeedStanding),
    Proven(&'a FeedStanding),
    Vouched(&'a FeedStanding),
}

/// What the rules say of an entry of a feed with this standing at `now`; none for a feed that is no longer registered.
///
/// In this order: how the network stands to the organization; a rule that refuses; an embargo; a break of habit; a rule that
/// holds; a rule that curates; whether the feed is proven.
#[must_use]
pub fn verdict<'a>(
    policy: &'a Policy,
    member: &'a Member,
    standing: Option<&'a FeedStanding>,
    now: Timestamp,
) -> Verdict<'a> {
    let held = |why| Verdict { state: OutcomeState::Held, why };
    let Some(feed) = standing else { return held(Why::NotRegistered) };
    match feed.standing {
        Standing::Accepted => {}
        // What came before the time from which on it is suspended stays as it was.
        Standing::Suspended if feed.withdraw_since.is_some_and(|since| member.seen < since) => {}
        Standing::Suspended => return held(Why::Suspended(feed)),
        Standing::Applied | Standing::Rejected => return held(Why::NotAccepted(feed)),
    }
    let rule = if policy.config.rules.is_empty() { None } else { policy.rule(member, feed) };
    if let Some((rule, word)) = rule
        && rule.outcome == RuleOutcome::Refuse
    {
        return Verdict { state: OutcomeState::Refused, why: Why::Rule(rule, word) };
    }
    if let Some(why) = embargo(policy, member, now) {
        return held(why);
    }
    if policy.config.habits.enabled
        && let Some(hold) = feed.holds.iter().find(|hold| hold.covers(member.seen))
    {
        return held(Why::Habit(hold));
    }
    let curated = |why| Verdict { state: OutcomeState::Curated, why };
    match (rule, feed.proof) {
        (Some((rule, word)), _) if rule.outcome == RuleOutcome::Hold => held(Why::Rule(rule, word)),
        (Some((rule, word)), _) => curated(Why::Rule(rule, word)),
        (None, Proof::None) => held(Why::Unproven(feed)),
        (None, Proof::Proven) => curated(Why::Proven(feed)),
        (None, Proof::Vouched) => curated(Why::Vouched(feed)),
    }
}

fn embargo<'a>(policy: &Policy, member: &Member, now: Timestamp) -> Option<Why<'a>> {
    let embargo = member.cleaned.embargo?;
    if embargo.until.is_none() {
        return Some(Why::EmbargoUnclear);
    }
    waits_until(policy, member).filter(|until| *until > now).map(|until| Why::Embargo(until, embargo.stated))
}

/// Until when an entry waits by itself, be that over or not: its embargo, or its date of publication, where the policy
/// believes them.
#[must_use]
pub fn waits_until(policy: &Policy, member: &Member) -> Option<Timestamp> {
    let embargo = member.cleaned.embargo?;
    let until = embargo.until?;
    let longest = jiff::SignedDuration::from_hours(24 * i64::from(policy.config.longest_hold_days));
    let believed = until.duration_since(member.seen) <= longest;
    let counts =
        embargo.stated || policy.config.future_dates == FutureDates::Hold && !is_dated_ahead(member.cleaned.kind);
    (believed && counts).then_some(until)
}

impl Verdict<'_> {
    /// Whether it carries the network's name.
    #[must_use]
    pub fn cleared(&self) -> bool {
        self.state == OutcomeState::Curated
    }

    /// Until when it is held, where that ends by itself.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        match self.why {
            Why::Embargo(until, _) => Some(until),
            _ => None,
        }
    }

    /// The outcome, in words.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let (rule, reason) = match self.why {
            Why::NotRegistered => ("feed-not-registered", "The feed is no longer registered.".to_owned()),
            Why::Suspended(feed) => ("organization-suspended", format!("{} is suspended.", feed.name)),
            Why::NotAccepted(feed) => (
                "organization-not-accepted",
                format!("{} is not an accepted organization: a curator decides.", feed.name),
            ),
            Why::Rule(rule, word) => (rule.name.as_str(), by_rule(rule, word)),
            Why::Embargo(until, true) => ("embargo", format!("Under embargo until {until}, as its text says.")),
            Why::Embargo(until, false) => {
                ("embargo", format!("Its date of publication is {until}: it waits until then."))
            }
            Why::EmbargoUnclear => (
                "embargo-unclear",
                "Its text says that it is under embargo, and not until when: a curator decides.".to_owned(),
            ),
            Why::Habit(hold) => ("break-of-habit", format!("{} A curator decides.", hold.why)),
            Why::Unproven(feed) => (
                "feed-unproven",
                format!("{} is accepted, but has not proven that this feed is its own: a curator decides.", feed.name),
            ),
            Why::Proven(feed) => (
                "accepted-organization",
                format!("{} is an accepted organization and has proven that this feed is its own.", feed.name),
            ),
            Why::Vouched(feed) => (
                "accepted-organization",
                format!("{} is an accepted organization, and the operator vouches for this feed.", feed.name),
            ),
        };
        Outcome { state: self.state, rule: rule.to_owned(), reason }
    }
}

fn by_rule(rule: &RuleConfig, word: Option<&str>) -> String {
    let said = match (&rule.reason, rule.outcome) {
        (Some(reason), _) => reason.clone(),
        (None, RuleOutcome::Curate) => format!("The network's rule `{}` takes it.", rule.name),
        (None, RuleOutcome::Hold) => format!("The network's rule `{}` holds it: a curator decides.", rule.name),
        (None, RuleOutcome::Refuse) => format!("The network's rule `{}` refuses it.", rule.name),
    };
    match word {
        Some(word) => format!("{said} (Found: “{word}”.)"),
        None => said,
    }
}
