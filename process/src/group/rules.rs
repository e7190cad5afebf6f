//! The rules: what the network says of an entry by who carries it. Pure, and every outcome names its rule.

use carewire_schemas::{Outcome, OutcomeState};
use carewire_store::{FeedStanding, Proof, Standing};

/// What the rules say of an entry of a feed with this standing; none for a feed that is no longer registered.
#[must_use]
pub fn outcome(standing: Option<&FeedStanding>) -> Outcome {
    let (state, rule, reason) = match standing {
        None => (OutcomeState::Held, "feed-not-registered", "The feed is no longer registered.".to_owned()),
        Some(FeedStanding { standing: Standing::Suspended, name, .. }) => {
            (OutcomeState::Held, "organization-suspended", format!("{name} is suspended."))
        }
        Some(FeedStanding { standing: Standing::Applied | Standing::Rejected, name, .. }) => (
            OutcomeState::Held,
            "organization-not-accepted",
            format!("{name} is not an accepted organization: a curator decides."),
        ),
        Some(FeedStanding { standing: Standing::Accepted, proof: Proof::None, name, .. }) => (
            OutcomeState::Held,
            "feed-unproven",
            format!("{name} is accepted, but has not proven that this feed is its own: a curator decides."),
        ),
        Some(FeedStanding { standing: Standing::Accepted, proof: Proof::Proven, name, .. }) => (
            OutcomeState::Curated,
            "accepted-organization",
            format!("{name} is an accepted organization and has proven that this feed is its own."),
        ),
        Some(FeedStanding { standing: Standing::Accepted, proof: Proof::Vouched, name, .. }) => (
            OutcomeState::Curated,
            "accepted-organization",
            format!("{name} is an accepted organization, and the operator vouches for this feed."),
        ),
    };
    Outcome { state, rule: rule.to_owned(), reason }
}

/// Whether entries of the feed carry the network's name at once.
#[must_use]
pub fn cleared(standing: Option<&FeedStanding>) -> bool {
    standing.is_some_and(|feed| feed.standing == Standing::Accepted && feed.proof != Proof::None)
}
