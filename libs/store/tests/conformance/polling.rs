//! What polling learns of feeds over time: memory, push, proposals, tasks, weeks, findings.

use std::time::Duration;

use carewire_schemas::FeedId;
use carewire_store::{
    FeedMemory, FeedState, FreshnessTally, MoveSign, Moving, NewFinding, NewProposal, NewTask, ProposalReason,
    ProposalState, StoreError, TaskKind, Validators,
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    harness::{Kit, conformance, feed, organization, wait_for},
    hosts::done,
};

const MINUTE: Duration = Duration::from_secs(60);

async fn what_polling_remembers_comes_back_with_the_claim(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    let id = feed(store, org.id, "https://one.example/").await.id;
    let claim = store.claim_hosts(Uuid::new_v4(), 1, 1, MINUTE).await.unwrap().remove(0);
    assert_eq!(claim.feeds[0].memory, FeedMemory::default());
    let memory = FeedMemory {
        skip_hours: vec![1, 2],
        moving: Some(Moving {
            to: "https://two.example/".into(),
            sign: MoveSign::Redirect,
            since: "2026-11-23T20:00:00Z".parse().unwrap(),
            polls: 2,
            same: true,
            refused: false,
        }),
        unstable_ids: true,
        ..FeedMemory::default()
    };
    let mut poll = done(&claim.feeds[0]);
    poll.memory = Some(memory.clone());
    store.finish_polls(vec![poll]).await.unwrap();
    assert_eq!(store.feed(id).await.unwrap().unwrap().memory, memory);
    store.release_host(&claim.lease).await.unwrap();
    store.poll_now(id).await.unwrap();
    let claim = store.claim_hosts(Uuid::new_v4(), 1, 1, MINUTE).await.unwrap().remove(0);
    assert_eq!(claim.feeds[0].memory, memory);
    store.finish_polls(vec![done(&claim.feeds[0])]).await.unwrap();
    assert_eq!(store.feed(id).await.unwrap().unwrap().memory, memory, "a poll that learned nothing changes nothing");
}

async fn the_end_of_a_push_brings_the_next_poll_forward(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    let id = feed(store, org.id, "https://one.example/").await.id;
    let claim = store.claim_hosts(Uuid::new_v4(), 1, 1, MINUTE).await.unwrap().remove(0);
    let mut poll = done(&claim.feeds[0]);
    poll.next_poll = Timestamp::now() + SignedDuration::from_hours(6);
    poll.next_reason = "push".into();
    store.finish_polls(vec![poll]).await.unwrap();
    let until = Timestamp::from_second(Timestamp::now().as_second() + 864_000).unwrap();
    store.set_push(id, Some(until)).await.unwrap();
    let read = store.feed(id).await.unwrap().unwrap();
    assert_eq!((read.push_until, read.next_reason.as_str()), (Some(until), "push"));
    store.set_push(id, None).await.unwrap();
    let read = store.feed(id).await.unwrap().unwrap();
    assert_eq!((read.push_until, read.next_reason.as_str()), (None, "interval"));
    let wait = read.next_poll.duration_since(Timestamp::now());
    assert!(wait <= SignedDuration::from_secs(1800) && wait > SignedDuration::from_secs(1700), "{wait}");
    let due = store.next_due().await.unwrap().unwrap();
    assert!(due <= read.next_poll, "the host knows of it");
    assert!(matches!(store.set_push(FeedId::random(), None).await, Err(StoreError::NotFound(_))));
    store.set_target(id, Some(300)).await.unwrap();
    assert_eq!(store.feed(id).await.unwrap().unwrap().target_s, Some(300));
}

fn proposed(url: &str) -> NewProposal {
    let host = url.split('/').nth(2).unwrap().to_owned();
    NewProposal { url: url.into(), host, reason: ProposalReason::Page, title: Some("News".into()) }
}

async fn a_proposal_is_made_once_and_accepted_or_dismissed(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    let one = feed(store, org.id, "https://one.example/").await.id;
    let taken = feed(store, org.id, "https://taken.example/").await;
    let claims = store.claim_hosts(Uuid::new_v4(), 9, 9, MINUTE).await.unwrap();
    let claimed = claims.iter().flat_map(|claim| &claim.feeds).find(|feed| feed.id == one).unwrap();
    let mut poll = done(claimed);
    poll.validators = Some(Validators { etag: Some("\"x\"".into()), ..Validators::default() });
    poll.state = Some(FeedState::Gone);
    poll.proposals = vec![proposed("https://two.example/"), proposed(&taken.url), proposed("https://no.example/")];
    store.finish_polls(vec![poll.clone()]).await.unwrap();
    store.propose(one, &poll.proposals).await.unwrap();
    let open = store.proposals(one).await.unwrap();
    assert_eq!(open.len(), 3);
    assert!(open.iter().all(|p| p.state == ProposalState::Open && p.title.as_deref() == Some("News")));

    store.dismiss_proposal(one, "https://no.example/").await.unwrap();
    assert!(matches!(store.accept_proposal(one, "https://no.example/").await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.accept_proposal(one, &taken.url).await, Err(StoreError::Conflict(_))));
    let turn = store.feed(one).await.unwrap().unwrap().turn;
    store.accept_proposal(one, "https://two.example/").await.unwrap();
    let moved = store.feed(one).await.unwrap().unwrap();
    assert_eq!((moved.url.as_str(), moved.host.as_str()), ("https://two.example/", "two.example"));
    assert_eq!((moved.state, moved.etag, moved.next_reason.as_str()), (FeedState::Active, None, "moved"));
    assert!(moved.turn > turn, "what a poll of the old address may yet write back is refused");
    assert_eq!(store.counts().await.unwrap().feeds[&FeedState::Active], 2);
    let states: Vec<_> = store.proposals(one).await.unwrap().into_iter().map(|p| (p.url, p.state)).collect();
    assert!(states.contains(&("https://two.example/".into(), ProposalState::Accepted)), "{states:?}");
    let due = store.claim_hosts(Uuid::new_v4(), 9, 9, MINUTE).await.unwrap();
    assert!(due.iter().any(|claim| claim.lease.host == "two.example"), "it is due at its new host");
}

async fn a_task_is_claimed_by_one_and_comes_again_when_its_worker_dies(kit: Kit) {
    let store = &kit.store;
    let now = Timestamp::now();
    let task = |url: &str, due| NewTask {
        kind: TaskKind::Archive,
        feed: FeedId(Uuid::from_u128(5)),
        url: url.into(),
        host: "one.example".into(),
        due,
        payload: "{}".into(),
    };
    let later = now + SignedDuration::from_hours(1);
    store.add_tasks(&[task("https://one.example/1", now), task("https://one.example/2", later)]).await.unwrap();
    store.add_tasks(&[task("https://one.example/1", later)]).await.unwrap();
    assert!(store.next_task().await.unwrap().unwrap() <= Timestamp::now());
    let short = Duration::from_millis(300);
    let first = store.claim_tasks(10, short).await.unwrap();
    assert_eq!(first.iter().map(|task| task.url.as_str()).collect::<Vec<_>>(), ["https://one.example/1"]);
    assert!(store.claim_tasks(10, MINUTE).await.unwrap().is_empty());
    let mut again =
        wait_for(10, "the claim's end", || async { store.claim_tasks(10, MINUTE).await.unwrap().pop() }).await;
    // The first one wakes up: it has nothing to say any more.
    store.finish_task(&first[0]).await.unwrap();
    again.tries += 1;
    again.url = "https://one.example/0".into();
    store.put_off_task(&again, Timestamp::now()).await.unwrap();
    let mut last = store.claim_tasks(10, MINUTE).await.unwrap();
    assert_eq!((last.len(), last[0].tries, last[0].url.as_str()), (1, 1, "https://one.example/0"));
    store.finish_task(&last.remove(0)).await.unwrap();
    assert_eq!(store.next_task().await.unwrap().unwrap().as_second(), later.as_second());
}

async fn weeks_add_up_and_findings_begin_and_end(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    let id = feed(store, org.id, "https://one.example/").await.id;
    let finding = |code: &str| NewFinding { code: code.into(), severity: "warning".into(), message: "m".into() };
    let rounds: [(bool, &[&str], &[&str]); 5] = [
        (true, &["a", "b", "a"], &[]),
        (false, &[], &[]),
        (true, &[], &["a", "unknown"]),
        (true, &["a", "b"], &[]),
        (true, &[], &["a", "b"]),
    ];
    for (ok, begun, ended) in rounds {
        store.poll_now(id).await.unwrap();
        let claim = store.claim_hosts(Uuid::new_v4(), 1, 1, MINUTE).await.unwrap().remove(0);
        let mut poll = done(&claim.feeds[0]);
        (poll.ok, poll.at) = (ok, "2026-11-23T20:00:00Z".parse().unwrap());
        poll.tally =
            FreshnessTally { entries: 2, timed: 1, in_target: 1, delay_ms: 50, hub_ms: 7, ..Default::default() };
        poll.findings.begun = begun.iter().copied().map(finding).collect();
        poll.findings.ended = ended.iter().map(|&code| code.to_owned()).collect();
        store.finish_polls(vec![poll]).await.unwrap();
        store.release_host(&claim.lease).await.unwrap();
    }
    let weeks = store.feed_weeks(id, 10).await.unwrap();
    assert_eq!(weeks.len(), 1);
    assert_eq!(weeks[0].from, "2026-11-19T00:00:00Z".parse().unwrap());
    assert_eq!((weeks[0].polls, weeks[0].failed, weeks[0].entries), (5, 1, 10));
    assert_eq!((weeks[0].timed, weeks[0].in_target, weeks[0].delay_ms, weeks[0].hub_ms), (5, 5, 250, 35));
    let findings = store.feed_findings(id).await.unwrap();
    let told: Vec<_> = findings.iter().map(|f| (f.code.as_str(), f.times, f.gone_at.is_some())).collect();
    assert_eq!(told, [("a", 2, true), ("b", 1, true)]);
}

async fn pages_of_site_maps_are_remembered_with_their_change(kit: Kit) {
    let store = &kit.store;
    let (a, b) = (FeedId(Uuid::from_u128(1)), FeedId(Uuid::from_u128(2)));
    let day: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
    store.note_site_pages(a, &[(-5, None), (7, Some(day)), (7, Some(day))]).await.unwrap();
    store.note_site_pages(a, &[(-5, Some(day))]).await.unwrap();
    assert_eq!(store.site_pages(a).await.unwrap(), [(-5, Some(day)), (7, Some(day))].into());
    assert!(store.site_pages(b).await.unwrap().is_empty());
}

conformance! {
    pages_of_site_maps_are_remembered_with_their_change,
    what_polling_remembers_comes_back_with_the_claim,
    the_end_of_a_push_brings_the_next_poll_forward,
    a_proposal_is_made_once_and_accepted_or_dismissed,
    a_task_is_claimed_by_one_and_comes_again_when_its_worker_dies,
    weeks_add_up_and_findings_begin_and_end,
}
