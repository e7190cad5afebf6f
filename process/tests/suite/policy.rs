//! Policy: rules, embargoes, habits, the brake.

use std::sync::Arc;

use carewire_process::{
    Policy, PolicyConfig,
    group::{Grouper, Memory, Prepared, Standings, Step},
};
use carewire_schemas::{
    ConditionCode, ConditionTag, Embargo, ItemId, ItemKind, ItemV1, OutcomeState, Rights, Role, TaggedV1, Tier,
    TraceParent,
};
use carewire_store::{Proof, Standing};
use jiff::Timestamp;

use crate::entries::{accepted, at, feed, standing, tagged, text};

/// A network in memory under a policy; what it holds and learns is remembered as the store would.
struct Network {
    memory: Memory,
    grouper: Grouper,
    policy: Arc<Policy>,
    standings: Standings,
}

impl Network {
    fn new(config: &str) -> Self {
        let config: PolicyConfig = serde_json::from_str(config).unwrap();
        let policy = Arc::new(Policy::new(config).unwrap());
        let grouper = Grouper::under(policy.clone()).unwrap();
        Self { memory: Memory::default(), grouper, policy, standings: accepted() }
    }

    fn group(&mut self, batch: Vec<TaggedV1>) -> Step {
        let ready = |tagged| Prepared::under(&self.policy, tagged, TraceParent::new());
        let batch: Vec<Prepared> = batch.into_iter().map(ready).collect();
        let step = self.memory.step(&mut self.grouper, batch, &self.standings).unwrap();
        for (feed, habit) in &step.batch.habits {
            if let Some(standing) = self.standings.get_mut(feed) {
                standing.habit = Some(habit.clone());
            }
        }
        for new in &step.batch.holds {
            if let Some(standing) = self.standings.get_mut(&new.feed) {
                standing.holds.push(new.hold.clone());
            }
        }
        step
    }

    fn one(&mut self, entry: TaggedV1) -> ItemV1 {
        let mut items = self.group(vec![entry]).items;
        assert_eq!(items.len(), 1);
        items.remove(0).0
    }

    fn reconsider(&mut self) -> Vec<ItemV1> {
        let ids: Vec<ItemId> = self.memory.all().map(|item| item.item).collect();
        let step = self.grouper.reconsider(self.memory.items(ids), &self.standings, false).unwrap();
        self.memory.apply(&step.batch);
        step.items.into_iter().map(|(item, _)| item).collect()
    }
}

fn outcome(item: &ItemV1) -> (OutcomeState, &str) {
    (item.outcome.state, item.outcome.rule.as_str())
}

/// An entry on diabetes, in English, of the feed's own site.
fn usual(number: u8, guid: u64, minutes: i64) -> TaggedV1 {
    let url = format!("https://org{number}.example/{guid}");
    let mut entry = tagged(number, &format!("g{guid}"), &format!("Diabetes {guid}"), &text(guid), &url, minutes);
    entry.cleaned.language = Some("en".to_owned());
    entry.cleaned.conditions = vec![ConditionTag {
        code: ConditionCode("D003920".to_owned()),
        name: "Diabetes".to_owned(),
        role: Role::About,
        score: 1.0,
        negated: false,
        qualifier: None,
        topic: false,
        evidence: Vec::new(),
    }];
    entry
}

fn casino(number: u8, guid: u64, minutes: i64) -> TaggedV1 {
    let url = format!("https://spins.example/{guid}");
    let title = format!("Best casino bonus {guid}");
    let mut entry = tagged(number, &format!("c{guid}"), &title, &text(90_000 + guid), &url, minutes);
    entry.cleaned.language = Some("en".to_owned());
    entry
}

#[test]
fn every_outcome_names_its_rule() {
    let rules = r#"{"rules":[
        {"name":"no-cures","outcome":"refuse","words":["Miracle Cure","wundermittel"],"reason":"We take no cures."},
        {"name":"jobs-wait","outcome":"hold","kinds":["job"]},
        {"name":"core-at-once","outcome":"curate","tiers":["core"]},
        {"name":"only-spanish-of-five","outcome":"hold","organizations":["org5"],"languages":["en","none"]},
        {"name":"no-free-copies","outcome":"refuse","licences":["all rights reserved"]},
        {"name":"that-feed-waits","outcome":"hold","feeds":["https://org6.example/feed.xml"]}
    ]}"#;
    let mut network = Network::new(rules);
    if let Some(core) = network.standings.get_mut(&feed(2)) {
        (core.tier, core.proof) = (Tier::Core, Proof::None);
    }
    let mut job = usual(2, 2, 2);
    job.cleaned.kind = ItemKind::Job;
    let mut cure = usual(1, 3, 3);
    cure.cleaned.title = "The MIRACLE cure".to_owned();
    let mut spanish = usual(5, 5, 5);
    spanish.cleaned.language = Some("es-MX".to_owned());
    let mut closed = usual(1, 7, 7);
    closed.cleaned.licence = Some("© 2026, All Rights Reserved.".to_owned());
    let mut nothing = usual(1, 8, 8);
    nothing.cleaned.title = "Miracle cures".to_owned();
    use OutcomeState::{Curated, Held, Refused};
    for (entry, want) in [
        (usual(2, 1, 1), (Curated, "core-at-once")),
        (job, (Held, "jobs-wait")),
        (cure.clone(), (Refused, "no-cures")),
        (usual(5, 4, 4), (Held, "only-spanish-of-five")),
        (spanish, (Curated, "accepted-organization")),
        (usual(6, 6, 6), (Held, "that-feed-waits")),
        (closed, (Refused, "no-free-copies")),
        (nothing, (Curated, "accepted-organization")),
    ] {
        let item = network.one(entry);
        assert_eq!(outcome(&item), want, "{}", item.cleaned.title);
        assert!(item.rules.starts_with("1-"), "{}", item.rules);
    }
    let refused = network.reconsider();
    assert!(refused.is_empty(), "the words found are remembered: {refused:?}");
    cure.version = 2;
    let item = network.one(cure);
    assert_eq!(item.outcome.reason, "We take no cures. (Found: “Miracle Cure”.)");
    network.standings.insert(feed(2), standing(2, Standing::Suspended, Proof::None));
    assert!(
        network.reconsider().iter().all(|item| item.outcome.rule == "organization-suspended"),
        "no rule lifts that"
    );
}

#[test]
fn an_embargo_holds_until_its_time() {
    let mut network = Network::new("{}");
    network.grouper.at(at(10));
    let mut ahead = usual(1, 1, 5);
    ahead.cleaned.embargo = Some(Embargo { until: Some(at(60)), stated: false });
    let step = network.group(vec![ahead.clone()]);
    let item = step.items[0].0.clone();
    assert_eq!(outcome(&item), (OutcomeState::Held, "embargo"));
    assert_eq!(step.batch.due, [(item.item, Some(at(60).as_millisecond()))]);
    // Another carries it already: the item is out, its source under embargo is not named yet.
    let mut copy = usual(2, 1, 6);
    copy.cleaned.url = Some("https://org1.example/1".to_owned());
    let out = network.one(copy);
    assert_eq!((outcome(&out), out.sources.len()), ((OutcomeState::Curated, "accepted-organization"), 1));
    assert_eq!(out.item, item.item);

    let mut alone = usual(3, 2, 5);
    alone.cleaned.embargo = Some(Embargo { until: Some(at(60)), stated: true });
    network.one(alone);
    network.grouper.at(at(60));
    let released = network.reconsider();
    assert_eq!(released.len(), 2);
    assert!(released.iter().all(|item| item.outcome.state == OutcomeState::Curated));
    let first = released.iter().find(|one| one.item == item.item).unwrap();
    assert_eq!((first.sources.len(), first.cleaned.published), (2, Some(at(60))), "dated by its publication");
    assert!(network.reconsider().is_empty(), "released once");

    network.grouper.at(at(10));
    let mut far = usual(1, 3, 5);
    far.cleaned.embargo = Some(Embargo { until: Some(at(90 * 24 * 60)), stated: false });
    assert_eq!(outcome(&network.one(far)), (OutcomeState::Curated, "accepted-organization"), "a wrong date");
    let mut event = usual(1, 4, 5);
    event.cleaned.kind = ItemKind::Event;
    event.cleaned.embargo = Some(Embargo { until: Some(at(60)), stated: false });
    assert_eq!(network.one(event).outcome.state, OutcomeState::Curated, "an event is dated by when it takes place");
    let mut unclear = usual(1, 5, 5);
    unclear.cleaned.embargo = Some(Embargo { until: None, stated: true });
    assert_eq!(outcome(&network.one(unclear)), (OutcomeState::Held, "embargo-unclear"));
    let mut taking = Network::new(r#"{"future_dates":"take"}"#);
    taking.grouper.at(at(10));
    assert_eq!(taking.one(ahead).outcome.state, OutcomeState::Curated);
}

/// A member of the highest tier is hacked: 100 items reach nobody, whatever the batches; what was there before stays; its
/// release lets through what a curator says.
#[test]
fn a_hacked_feed_reaches_nobody() {
    for size in [1, 7, 100] {
        let mut network = Network::new("{}");
        if let Some(member) = network.standings.get_mut(&feed(1)) {
            member.tier = Tier::Core;
        }
        let mut history: Vec<TaggedV1> = (0..30).map(|n| usual(1, n, n as i64)).collect();
        history.iter_mut().for_each(|entry| entry.history = true);
        assert!(network.group(history).batch.holds.is_empty(), "the first poll is no break of habit");
        for n in 30..40 {
            assert!(network.group(vec![usual(1, n, n as i64)]).batch.holds.is_empty());
        }
        let hacked: Vec<TaggedV1> = (0..100).map(|n| casino(1, n, 100)).collect();
        let mut holds = Vec::new();
        for batch in hacked.chunks(size) {
            let step = network.group(batch.to_vec());
            holds.extend(step.batch.holds);
            for (item, _) in &step.items {
                assert_eq!(outcome(item), (OutcomeState::Held, "break-of-habit"), "in batches of {size}");
            }
        }
        assert_eq!(holds.len(), 1, "one hold, not one for each entry");
        assert!(holds[0].hold.marks.iter().any(|mark| mark == "domains"), "{:?}", holds[0].hold);
        assert!(holds[0].hold.why.contains("hosts new to it"), "{}", holds[0].hold.why);
        assert!(network.reconsider().is_empty(), "what came before is as it was");
        assert_eq!(network.one(usual(1, 50, 120)).outcome.rule, "break-of-habit", "until a curator says otherwise");
        assert_eq!(network.one(usual(2, 51, 120)).outcome.state, OutcomeState::Curated, "others are not concerned");

        let standing = network.standings.get_mut(&feed(1)).unwrap();
        standing.holds[0].until = Some(at(130));
        assert!(network.reconsider().is_empty(), "kept: what came meanwhile goes on waiting");
        assert_eq!(network.one(usual(1, 52, 140)).outcome.state, OutcomeState::Curated);
        network.standings.get_mut(&feed(1)).unwrap().holds.clear();
        assert_eq!(network.reconsider().len(), 101, "released: all is judged as if nothing had been");
    }
}

#[test]
fn a_burst_is_held_from_its_first_entry() {
    let mut network = Network::new("{}");
    let mut history: Vec<TaggedV1> = (0..30).map(|n| usual(1, n, n as i64 * 60 - 40 * 24 * 60)).collect();
    history.iter_mut().for_each(|entry| (entry.history, entry.seen) = (true, at(0)));
    network.group(history);
    let burst: Vec<TaggedV1> = (100..180).map(|n| usual(1, n, 10)).collect();
    let mut first = network.group(burst[..40].to_vec());
    assert!(
        first.batch.holds.is_empty() && first.items.iter().all(|(item, _)| item.outcome.state == OutcomeState::Curated)
    );
    first = network.group(burst[40..].to_vec());
    assert_eq!(first.batch.holds[0].hold.marks, ["burst"]);
    assert!(first.items.iter().all(|(item, _)| item.outcome.rule == "break-of-habit"));
    let back = network.reconsider();
    assert_eq!(back.len(), 40, "those before it wait too");
    let mut off = Network::new(r#"{"habits":{"enabled":false}}"#);
    assert!(off.group(burst).batch.habits.is_empty());
}

/// The brake: 1,000 items of an organization, 600 of which came since the time. What copies of others carry stays out.
#[test]
fn the_brake_withdraws_what_came_since_and_its_undo_restores() {
    let mut network = Network::new(r#"{"habits":{"enabled":false}}"#);
    let entries: Vec<TaggedV1> = (0..1000).map(|n| usual(1, n, if n < 400 { 10 } else { 100 })).collect();
    entries.chunks(250).for_each(|batch| drop(network.group(batch.to_vec())));
    let mut other = usual(2, 999, 110);
    other.cleaned.url = Some("https://org1.example/999".to_owned());
    network.one(other);
    let set = |network: &mut Network, standing_now, since: Option<Timestamp>| {
        let standing = network.standings.get_mut(&feed(1)).unwrap();
        (standing.standing, standing.withdraw_since) = (standing_now, since);
    };
    set(&mut network, Standing::Suspended, Some(at(50)));
    let stopped = network.reconsider();
    let held = stopped.iter().filter(|item| outcome(item) == (OutcomeState::Held, "organization-suspended")).count();
    assert_eq!((stopped.len(), held), (600, 599));
    let carried = stopped.iter().find(|item| item.outcome.state == OutcomeState::Curated).unwrap();
    assert_eq!(carried.sources[0].slug, "org2", "another carries it too");
    assert_eq!(network.one(usual(1, 2000, 120)).outcome.rule, "organization-suspended");
    set(&mut network, Standing::Accepted, None);
    let restored = network.reconsider();
    assert_eq!(restored.len(), 601);
    assert!(restored.iter().all(|item| item.outcome.state == OutcomeState::Curated));
}

#[test]
fn trust_and_rights_are_the_origin_s() {
    let mut network = Network::new("{}");
    let item = network.one(usual(1, 1, 1));
    assert_eq!((item.trust, item.rights), (Tier::Unproven, Rights::Full));
    if let Some(standing) = network.standings.get_mut(&feed(1)) {
        (standing.tier, standing.rights) = (Tier::Trusted, Rights::Link);
    }
    let changed = network.reconsider();
    assert_eq!((changed[0].trust, changed[0].rights, changed[0].version), (Tier::Trusted, Rights::Link, 2));
}

#[test]
fn wrong_policies_are_named() {
    for (config, says) in [
        (r#"{"rules":[{"name":"A","outcome":"hold"}]}"#, "policy.rules: `A`"),
        (r#"{"rules":[{"name":"embargo","outcome":"hold"}]}"#, "the network's own"),
        (r#"{"rules":[{"name":"a","outcome":"hold"},{"name":"a","outcome":"hold"}]}"#, "stands twice"),
        (r#"{"rules":[{"name":"a","outcome":"hold","words":[" "]}]}"#, "empty text"),
        (r#"{"longest_hold_days":0}"#, "longest_hold_days"),
        (r#"{"habits":{"once_in":1}}"#, "habits.once_in"),
    ] {
        let config: PolicyConfig = serde_json::from_str(config).unwrap();
        let error = Policy::new(config).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    assert!(serde_json::from_str::<PolicyConfig>(r#"{"rules":[{"name":"a","outcome":"burn"}]}"#).is_err());
    assert!(serde_json::from_str::<PolicyConfig>(r#"{"rule":[]}"#).is_err());
}
