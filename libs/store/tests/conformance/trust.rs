//! Trust, rights, the brake, habits and holds of feeds, embargoes, retractions.

use std::time::Duration;

use carewire_schemas::{Rights, Tier};
use carewire_store::{FeedHold, GroupBatch, ItemState, NewHold, RetractionRow, Standing, StoreError};
use jiff::Timestamp;
use uuid::Uuid;

use crate::harness::{Kit, conformance, feed, item_id, organization, put, row};

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn hold(since: i64) -> FeedHold {
    FeedHold {
        since: time(since),
        until: None,
        marks: vec!["burst".into(), "words".into()],
        why: "it does what it never did".into(),
        found_at: time(since + 5),
    }
}

async fn trust_and_rights_reach_the_worker(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    let f = feed(store, org.id, "https://a.example/").await.id;
    assert_eq!((org.tier, org.rights, org.withdraw_since), (Tier::Unproven, Rights::Full, None));
    let changed = store.set_tier(org.id, Tier::Trusted).await.unwrap();
    assert_eq!(changed.tier, Tier::Trusted);
    assert_eq!(store.set_rights(org.id, Rights::Excerpt).await.unwrap().rights, Rights::Excerpt);
    assert_eq!(store.standing_changes(0, 10).await.unwrap().len(), 2, "its items are looked at again");
    let standing = store.standings(&[f]).await.unwrap().remove(&f).unwrap();
    assert_eq!((standing.tier, standing.rights), (Tier::Trusted, Rights::Excerpt));
    let nobody = carewire_schemas::OrganizationId::random();
    assert!(matches!(store.set_tier(nobody, Tier::Core).await, Err(StoreError::NotFound(_))));

    let suspended = store.suspend(org.id, Some(time(7))).await.unwrap();
    assert_eq!((suspended.standing, suspended.withdraw_since), (Standing::Suspended, Some(time(7))));
    let standing = store.standings(&[f]).await.unwrap().remove(&f).unwrap();
    assert_eq!(standing.withdraw_since, Some(time(7)));
    // Another time for one who is suspended already.
    let before = store.standing_changes(0, 100).await.unwrap().len();
    store.suspend(org.id, Some(time(3))).await.unwrap();
    assert!(store.standing_changes(0, 100).await.unwrap().len() > before);
    let lifted = store.lift_suspension(org.id).await.unwrap();
    assert_eq!((lifted.standing, lifted.withdraw_since), (Standing::Accepted, None));
    assert!(matches!(store.lift_suspension(org.id).await, Err(StoreError::Conflict(_))));
    assert_eq!(store.counts().await.unwrap().organizations[&Standing::Accepted], 1);
}

async fn holds_and_habits_are_kept_and_ended(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    let (f, other) =
        (feed(store, org.id, "https://a.example/").await.id, feed(store, org.id, "https://a.example/2").await.id);
    let lease = store.acquire_lease("group", Uuid::new_v4(), Duration::from_secs(60)).await.unwrap().unwrap();
    let mut batch = GroupBatch { habits: vec![(f, "{\"n\":1}".into())], ..Default::default() };
    batch.holds.push(NewHold { feed: f, organization: org.id, hold: hold(10) });
    let before = store.standing_changes(0, 100).await.unwrap().len();
    store.group_apply(&lease, batch).await.unwrap();
    assert_eq!(store.standing_changes(0, 100).await.unwrap().len(), before + 1, "what came before is looked at again");
    let standings = store.standings(&[f, other]).await.unwrap();
    assert_eq!((standings[&f].habit.as_deref(), &standings[&f].holds), (Some("{\"n\":1}"), &vec![hold(10)]));
    assert!(standings[&other].habit.is_none() && standings[&other].holds.is_empty());
    assert!(hold(10).covers(time(10)) && !hold(10).covers(time(9)));
    let held = store.held_feeds(10).await.unwrap();
    assert_eq!((held.len(), held[0].feed, held[0].organization.as_str()), (1, f, "a"));

    assert_eq!(store.release_feed(f, true).await.unwrap(), 1);
    let kept = store.standings(&[f]).await.unwrap().remove(&f).unwrap().holds;
    assert!(kept.len() == 1 && kept[0].until.is_some(), "what came meanwhile goes on waiting");
    assert!(store.held_feeds(10).await.unwrap().is_empty());
    assert_eq!(store.release_feed(f, false).await.unwrap(), 0, "none was open");
    assert!(store.standings(&[f]).await.unwrap()[&f].holds.is_empty());
    let habits = GroupBatch { habits: vec![(f, "{}".into())], ..Default::default() };
    store.group_apply(&lease, habits).await.unwrap();
    assert_eq!(store.standings(&[f]).await.unwrap()[&f].habit.as_deref(), Some("{}"));
    let nobody = carewire_schemas::FeedId::random();
    assert!(matches!(store.release_feed(nobody, false).await, Err(StoreError::NotFound(_))));
}

async fn items_are_due_in_order_and_once(kit: Kit) {
    let store = &kit.store;
    let lease = store.acquire_lease("group", Uuid::new_v4(), Duration::from_secs(60)).await.unwrap().unwrap();
    let due = |due| GroupBatch { due, ..Default::default() };
    assert_eq!(store.next_look().await.unwrap(), None);
    let three = vec![(item_id(1), Some(300)), (item_id(2), Some(100)), (item_id(3), Some(200))];
    store.group_apply(&lease, due(three)).await.unwrap();
    assert_eq!(store.next_look().await.unwrap(), Some(100));
    assert_eq!(store.due_items(200, 10).await.unwrap(), [item_id(2), item_id(3)]);
    store
        .group_apply(&lease, due(vec![(item_id(2), None), (item_id(3), Some(400)), (item_id(9), None)]))
        .await
        .unwrap();
    assert_eq!(store.due_items(1000, 10).await.unwrap(), [item_id(1), item_id(3)]);
}

async fn retractions_are_found_and_lifted(kit: Kit) {
    let store = &kit.store;
    let retraction = |study: &str, nature: &str| RetractionRow {
        study: study.into(),
        nature: nature.into(),
        date: Some("2026-01-31".into()),
        notice: None,
        reason: "Data".into(),
    };
    let rows =
        [retraction("10.1/a", "Correction"), retraction("pmid:7", "Retraction"), retraction("10.1/a", "Retraction")];
    store.put_retractions(&rows, &[]).await.unwrap();
    assert_eq!(store.retraction_count().await.unwrap(), 2);
    let found = store.retractions_of(&["10.1/a".into(), "10.1/b".into()]).await.unwrap();
    assert_eq!(found, [retraction("10.1/a", "Retraction")], "the last of a list counts");
    store.put_retractions(&[], &["10.1/a".into()]).await.unwrap();
    assert!(store.retractions_of(&["10.1/a".into()]).await.unwrap().is_empty());

    let with = row(item_id(1), ItemState::Curated, r#"{"traits":{"study":{"dois":["10.1/a"]}}}"#);
    let without = row(item_id(2), ItemState::Curated, r#"{"retraction":{"study":"10.1/a"}}"#);
    put(store, &[with, without]).await;
    let found = store.items_with_studies(None, 10).await.unwrap();
    assert_eq!(found.iter().map(|row| row.id).collect::<Vec<_>>(), [item_id(1)]);
    assert!(store.items_with_studies(Some(item_id(1)), 10).await.unwrap().is_empty());
    store.dead_letter_sent(2, 7).await.unwrap();
    store.dead_letter_sent(2, 7).await.unwrap();
    assert_eq!(store.dead_letters_sent().await.unwrap(), [(2, 7)].into());
    assert_eq!((store.next_run().await.unwrap(), store.next_run().await.unwrap()), (1, 2));
}

conformance! {
    trust_and_rights_reach_the_worker,
    holds_and_habits_are_kept_and_ended,
    items_are_due_in_order_and_once,
    retractions_are_found_and_lifted,
}
