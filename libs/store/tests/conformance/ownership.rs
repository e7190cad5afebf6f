//! Proofs of ownership and what follows from them.

use std::time::Duration;

use carewire_store::{
    CodeAnswer, Feed, OwnershipFinding, OwnershipOutcome as Outcome, OwnershipState as State, OwnershipTimes, Proof,
    Store, StoreError,
};
use jiff::Timestamp;

use crate::harness::{Kit, conformance, feed, organization};

const HOUR: Duration = Duration::from_secs(3600);
const TIMES: OwnershipTimes = OwnershipTimes { recheck: HOUR, grace: HOUR };

async fn asked(store: &Store) -> Feed {
    let organization = organization(store, "a").await;
    let feed = feed(store, organization.id, "https://a.example/feed").await;
    store.ask_ownership(feed.id, "mary").await.unwrap();
    feed
}

fn proven(way: &str) -> Outcome {
    Outcome::Proven { way: way.to_owned(), place: "https://a.example/".to_owned() }
}

async fn check(store: &Store, feed: &Feed, outcome: &Outcome, times: OwnershipTimes) -> (State, Proof) {
    let finding = OwnershipFinding { way: "dns".into(), place: "x".into(), found: Some(true), message: "there".into() };
    let state = store.ownership_checked(feed.id, outcome, &[finding], times, "check").await.unwrap();
    (state, store.feed(feed.id).await.unwrap().unwrap().proof)
}

async fn actions(store: &Store) -> Vec<String> {
    let mut log = store.audit_log(20).await.unwrap();
    log.reverse();
    log.into_iter().map(|row| format!("{}: {}", row.entry.actor, row.entry.action)).collect()
}

async fn tokens_are_made_once_and_are_nobody_elses(kit: Kit) {
    let (store, other) = (&kit.store, kit.again().await);
    let (a, b) = (organization(store, "a").await, organization(store, "b").await);
    let (first, second) = tokio::join!(store.ownership_token(a.id), other.ownership_token(a.id));
    assert_eq!(first.as_ref().unwrap(), second.as_ref().unwrap());
    let token = first.unwrap();
    assert!(token.starts_with("carewire-") && token.len() == 49, "{token}");
    assert_ne!(store.ownership_token(b.id).await.unwrap(), token);
}

async fn a_check_is_claimed_by_one_and_its_outcome_is_written_with_all_that_follows(kit: Kit) {
    let (store, other) = (&kit.store, kit.again().await);
    let feed = asked(store).await;
    assert!(store.ownership_due().await.unwrap().unwrap() <= Timestamp::now());
    let (mine, others) = tokio::join!(store.claim_ownership(5, HOUR), other.claim_ownership(5, HOUR));
    assert_eq!(mine.unwrap().len() + others.unwrap().len(), 1);
    assert_eq!(check(store, &feed, &Outcome::Nothing, TIMES).await, (State::Failed, Proof::None));
    assert_eq!(store.ownership_due().await.unwrap(), None, "only when somebody asks again");
    let standing = store.standing_changes(0, 10).await.unwrap().len();
    store.ask_ownership(feed.id, "mary").await.unwrap();
    assert_eq!(store.ownership(feed.id).await.unwrap().unwrap().state, State::Asked);
    assert_eq!(check(store, &feed, &proven("dns"), TIMES).await, (State::Proven, Proof::Proven));
    assert_eq!(store.standing_changes(0, 10).await.unwrap().len(), standing + 1, "its items are looked at again");
    let stands = store.ownership(feed.id).await.unwrap().unwrap();
    assert_eq!((stands.way.as_deref(), stands.findings.len()), (Some("dns"), 1));
    assert!(stands.next_check.unwrap() > Timestamp::now());
    // The same again is no news; another way is.
    check(store, &feed, &proven("dns"), TIMES).await;
    check(store, &feed, &proven("feed"), TIMES).await;
    assert_eq!(
        actions(store).await,
        ["mary: ask-ownership", "mary: ask-ownership", "check: prove-feed", "check: prove-feed"]
    );
}

async fn a_lost_proof_is_told_then_ends_and_what_is_down_is_not_lost(kit: Kit) {
    let store = &kit.store;
    let feed = asked(store).await;
    check(store, &feed, &proven("dns"), TIMES).await;
    assert_eq!(check(store, &feed, &Outcome::Unreachable, TIMES).await, (State::Proven, Proof::Proven));
    assert_eq!(check(store, &feed, &Outcome::Nothing, TIMES).await, (State::Lost, Proof::Proven));
    let problems = store.feed(feed.id).await.unwrap().unwrap().problems;
    assert_eq!(problems[0].code, "proof-lost");
    assert_eq!(check(store, &feed, &Outcome::Nothing, TIMES).await, (State::Lost, Proof::Proven), "the grace runs");
    assert_eq!(check(store, &feed, &proven("dns"), TIMES).await, (State::Proven, Proof::Proven));
    check(store, &feed, &Outcome::Nothing, TIMES).await;
    let over = OwnershipTimes { grace: Duration::ZERO, ..TIMES };
    assert_eq!(check(store, &feed, &Outcome::Unreachable, over).await, (State::Lost, Proof::Proven));
    assert_eq!(check(store, &feed, &Outcome::Nothing, over).await, (State::Failed, Proof::None));
    let told = actions(store).await;
    assert_eq!(told.last().map(String::as_str), Some("check: end-proof"), "{told:?}");
}

async fn a_mailed_code_holds_whatever_else_is_looked_for(kit: Kit) {
    let store = &kit.store;
    let feed = asked(store).await;
    check(store, &feed, &proven("mail"), TIMES).await;
    let until = store.ownership(feed.id).await.unwrap().unwrap().next_check.unwrap();
    assert!(until > Timestamp::now() + 364 * 24 * HOUR, "{until}");
    // Somebody asks for a check, and nothing else stands anywhere: the code holds all the same.
    for outcome in [Outcome::Nothing, Outcome::Unreachable] {
        store.ask_ownership(feed.id, "mary").await.unwrap();
        assert_eq!(check(store, &feed, &outcome, TIMES).await, (State::Proven, Proof::Proven));
        assert_eq!(store.ownership(feed.id).await.unwrap().unwrap().next_check, Some(until), "{outcome:?}");
    }
    assert!(store.feed(feed.id).await.unwrap().unwrap().problems.is_empty());
    // A year later it does not.
    kit.run_sql("UPDATE ownership SET proven_at = proven_at - 31622400000").await;
    assert_eq!(check(store, &feed, &Outcome::Nothing, TIMES).await, (State::Lost, Proof::Proven));
    assert_eq!(check(store, &feed, &proven("mail"), TIMES).await, (State::Proven, Proof::Proven));
    let again = store.ownership(feed.id).await.unwrap().unwrap();
    assert!(again.proven_at.unwrap() > Timestamp::now() - HOUR, "a new code begins its time anew");
}

async fn the_operators_word_is_not_touched(kit: Kit) {
    let store = &kit.store;
    let feed = asked(store).await;
    store.set_proof(feed.id, Proof::Vouched).await.unwrap();
    let over = OwnershipTimes { grace: Duration::ZERO, ..TIMES };
    for outcome in [proven("dns"), Outcome::Nothing, Outcome::Nothing] {
        assert_eq!(check(store, &feed, &outcome, over).await.1, Proof::Vouched);
    }
    assert!(matches!(store.ownership_looked(feed.id, TIMES, "carl").await, Err(StoreError::Invalid(_))));
}

async fn a_proof_is_of_the_host_that_served_the_feed(kit: Kit) {
    let store = &kit.store;
    let feed = asked(store).await;
    check(store, &feed, &proven("mail"), TIMES).await;
    store.moved_ownership().await.unwrap();
    assert!(store.claim_ownership(5, HOUR).await.unwrap().is_empty(), "a year from now");
    kit.run_sql("UPDATE feeds SET host = 'b.example', url = 'https://b.example/feed'").await;
    store.moved_ownership().await.unwrap();
    let due = store.claim_ownership(5, HOUR).await.unwrap();
    assert_eq!((due.len(), due[0].way.as_deref()), (1, None), "mail of the old domain proves nothing here");
    store.moved_ownership().await.unwrap();
    assert!(store.claim_ownership(5, HOUR).await.unwrap().is_empty(), "once");
}

async fn codes_are_few_and_short_lived(kit: Kit) {
    let store = &kit.store;
    let feed = asked(store).await;
    let mailed = async || {
        let text = |code: &str| ("a code".to_owned(), code.to_owned());
        store.mail_ownership_code(feed.id, "info@a.example", "mary", text).await?;
        let mail = store.unsent_mail(10).await?;
        let last = mail.last().unwrap();
        assert_eq!(last.to, "info@a.example");
        Ok::<_, StoreError>(last.text.clone())
    };
    assert_eq!(store.use_ownership_code(feed.id, "0").await.unwrap(), CodeAnswer::Over, "none was mailed");
    let old = mailed().await.unwrap();
    let code = mailed().await.unwrap();
    assert_ne!(old, code);
    assert_eq!(store.use_ownership_code(feed.id, &old).await.unwrap(), CodeAnswer::Wrong(4), "a newer one was mailed");
    let upper = format!(" {} ", code.to_uppercase());
    assert_eq!(store.use_ownership_code(feed.id, &upper).await.unwrap(), CodeAnswer::Right("info@a.example".into()));
    assert_eq!(store.use_ownership_code(feed.id, &code).await.unwrap(), CodeAnswer::Over, "used up");
    let code = mailed().await.unwrap();
    for left in [4, 3, 2, 1, 0] {
        assert_eq!(store.use_ownership_code(feed.id, "wrong").await.unwrap(), CodeAnswer::Wrong(left));
    }
    assert_eq!(store.use_ownership_code(feed.id, &code).await.unwrap(), CodeAnswer::Over, "too many were wrong");
    assert!(matches!(mailed().await, Err(StoreError::Invalid(_))), "three a day");
    assert_eq!(store.unsent_mail(10).await.unwrap().len(), 3);
}

conformance!(
    tokens_are_made_once_and_are_nobody_elses,
    a_check_is_claimed_by_one_and_its_outcome_is_written_with_all_that_follows,
    a_lost_proof_is_told_then_ends_and_what_is_down_is_not_lost,
    a_mailed_code_holds_whatever_else_is_looked_for,
    the_operators_word_is_not_touched,
    a_proof_is_of_the_host_that_served_the_feed,
    codes_are_few_and_short_lived,
);
