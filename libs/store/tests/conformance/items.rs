//! Items, changes and decisions.

use carewire_schemas::{ConditionCode, Verdict};
use carewire_store::{Applied, Changes, ItemRow, ItemState, StoreError};
use jiff::{SignedDuration, Timestamp};

use crate::harness::{Kit, change, conformance, decision, fields, item_id, put, row};

fn applied(first: i64, last: i64, changed: usize) -> Applied {
    Applied { first_seq: Some(first), last_seq: Some(last), changed }
}

async fn changes_of_the_public_form_get_numbers(kit: Kit) {
    let store = &kit.store;
    let (a, b, c) = (item_id(1), item_id(2), item_id(3));
    let first = [row(a, ItemState::Curated, "a"), row(b, ItemState::Held, "b"), row(c, ItemState::Curated, "c")];
    assert_eq!(put(store, &first).await, applied(1, 2, 3));
    // Nothing moved: nothing is written.
    assert_eq!(put(store, &first).await.changed, 0);
    // Only what is not public moved: written without a number.
    let quiet = ItemRow { version: 2, meta: "{\"x\":1}".into(), ..first[0].clone() };
    assert_eq!(put(store, &[quiet]).await, Applied { first_seq: None, last_seq: None, changed: 1 });
    assert_eq!(put(store, &[ItemRow { version: 2, ..row(b, ItemState::Held, "b2") }]).await.last_seq, None);
    // Approved, retagged, withdrawn, back.
    assert_eq!(put(store, &[row(b, ItemState::Curated, "b2")]).await, applied(3, 3, 1));
    let retagged = ItemRow { fields: Some(fields("D001943")), ..row(a, ItemState::Curated, "a") };
    assert_eq!(put(store, &[retagged]).await, applied(4, 4, 1));
    assert_eq!(put(store, &[row(a, ItemState::Withdrawn, "gone")]).await, applied(5, 5, 1));
    assert_eq!(put(store, &[row(a, ItemState::Withdrawn, "gone")]).await.last_seq, None);
    assert_eq!(put(store, &[row(a, ItemState::Curated, "back")]).await, applied(6, 6, 1));
    let back = store.item(a).await.unwrap().unwrap();
    assert_eq!((back.first, back.seq), (Some(1), Some(6)));
    // Withdrawn before it was public: nobody has it.
    assert_eq!(put(store, &[row(item_id(4), ItemState::Withdrawn, "never")]).await.last_seq, None);

    let Changes::Rows(log) = store.changes(0, 100).await.unwrap() else { panic!("too old") };
    assert_eq!(log.iter().map(|change| change.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(log[0].before, None);
    assert_eq!(log[0].after, Some(fields("D003924")));
    assert_eq!(log[3].before.as_ref().unwrap().about, [ConditionCode("D003924".into())]);
    assert_eq!(log[3].after.as_ref().unwrap().about, [ConditionCode("D001943".into())]);
    assert!(log[4].withdrawn && log[4].after.is_none() && log[4].before.is_some());
    assert_eq!(store.changes(4, 1).await.unwrap(), Changes::Rows(vec![log[4].clone()]));
    assert_eq!(store.changes(6, 1).await.unwrap(), Changes::Rows(vec![]));
    assert_eq!(*store.sequence().borrow(), 6);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.items[&ItemState::Curated], counts.items[&ItemState::Withdrawn], counts.last_seq), (3, 1, 6));
}

async fn items_are_listed(kit: Kit) {
    let store = &kit.store;
    let rows: Vec<ItemRow> = (0..300).map(|n| row(item_id(n), ItemState::Curated, &n.to_string())).collect();
    put(store, &rows).await;
    put(store, &[row(item_id(5), ItemState::Withdrawn, "")]).await;
    let held: Vec<ItemRow> =
        (300..310).map(|n| ItemRow { published: 310 - n as i64, ..row(item_id(n), ItemState::Held, "") }).collect();
    put(store, &held).await;
    let firsts = |rows: &[ItemRow]| rows.iter().map(|row| row.first.unwrap()).collect::<Vec<_>>();
    let latest = store.latest(None, 2).await.unwrap();
    assert_eq!(firsts(&latest), [300, 299]);
    assert_eq!(firsts(&store.latest(Some(7), 2).await.unwrap()), [5, 4], "6 is withdrawn");
    let by_seq = store.items_by_seq(299, 10).await.unwrap();
    assert_eq!(by_seq.iter().map(|row| row.seq.unwrap()).collect::<Vec<_>>(), [300, 301]);
    assert_eq!(by_seq[1].state, ItemState::Withdrawn);
    let queue = store.queue(None, 3).await.unwrap();
    assert_eq!(queue.iter().map(|row| row.published).collect::<Vec<_>>(), [1, 2, 3]);
    let last = &queue[2];
    assert_eq!(store.queue(Some((last.published, last.id)), 1).await.unwrap()[0].published, 4);
    let ids: Vec<_> = (0..400).rev().map(item_id).collect();
    assert_eq!(store.items(&ids).await.unwrap().len(), 310);
    let contents = store.contents(&ids).await.unwrap();
    assert_eq!(contents.len(), 310);
    assert_eq!((contents[309].content.as_str(), contents[309].first), ("0", Some(1)), "in the order asked for");
}

async fn old_changes_are_forgotten(kit: Kit) {
    let store = &kit.store;
    for n in 0..20 {
        put(store, &[row(item_id(n), ItemState::Curated, "x")]).await;
    }
    assert_eq!(store.prune_changes(Timestamp::now() - SignedDuration::from_secs(3600)).await.unwrap(), 0);
    let gone = store.prune_changes(Timestamp::now() + SignedDuration::from_secs(3600)).await.unwrap();
    assert_eq!(gone, 19, "the last one stays");
    assert_eq!(store.changes(5, 10).await.unwrap(), Changes::TooOld);
    assert!(matches!(store.changes(19, 10).await.unwrap(), Changes::Rows(rows) if rows.len() == 1));
    assert_eq!(store.changes(20, 10).await.unwrap(), Changes::Rows(vec![]));
    assert_eq!(put(store, &[row(item_id(99), ItemState::Curated, "x")]).await.last_seq, Some(21));
}

async fn what_cannot_be_is_refused_whole(kit: Kit) {
    let store = &kit.store;
    let (a, b) = (item_id(1), item_id(2));
    put(store, &[row(a, ItemState::Curated, "a")]).await;
    let cases: [(&str, Vec<ItemRow>); 4] = [
        ("public and only held", vec![row(b, ItemState::Curated, "b"), row(a, ItemState::Held, "a")]),
        ("curated without fields", vec![ItemRow { fields: None, ..row(b, ItemState::Curated, "b") }]),
        ("not asked for", vec![row(item_id(3), ItemState::Curated, "c")]),
        ("twice", vec![row(b, ItemState::Held, "b"), row(b, ItemState::Held, "b")]),
    ];
    for (name, rows) in cases {
        let ids = vec![a, b];
        let result = store.change_items(ids, &[], None, |_| Ok(rows.iter().cloned().map(change).collect())).await;
        assert!(matches!(result, Err(StoreError::Invalid(_))), "{name}: {result:?}");
    }
    let said = store.change_items(vec![b], &[], None, |_| Err(StoreError::Unsupported("said so"))).await;
    assert!(matches!(said, Err(StoreError::Unsupported(_))));
    assert_eq!((store.last_seq().await.unwrap(), store.item(b).await.unwrap()), (1, None));
}

async fn decisions_check_the_version_seen(kit: Kit) {
    let store = &kit.store;
    let a = item_id(1);
    put(store, &[ItemRow { version: 3, ..row(a, ItemState::Held, "a") }]).await;
    let approve = |row: &ItemRow, _: &[_]| {
        Ok(Some(ItemRow { state: ItemState::Curated, fields: Some(fields("D003924")), ..row.clone() }))
    };
    let stale = store.decide(decision(a, Verdict::Approve, Some(2)), approve).await;
    assert!(matches!(stale, Err(StoreError::StaleVersion { expected: 2, actual: 3 })), "{stale:?}");
    let nothing = store.decide(decision(item_id(9), Verdict::Approve, Some(1)), approve).await;
    assert!(matches!(nothing, Err(StoreError::NotFound(_))));
    assert_eq!(store.decisions(0, 10).await.unwrap(), []);
    let approved = decision(a, Verdict::Approve, Some(3));
    let now = store.decide(approved.clone(), approve).await.unwrap().unwrap();
    assert_eq!(store.item(a).await.unwrap().unwrap(), now);
    assert_eq!((now.first, now.seq), (Some(1), Some(1)));
    // The second sees the first, and changes nothing public.
    let undo = decision(a, Verdict::Undo, Some(3));
    let seen = |row: &ItemRow, before: &[carewire_store::DecisionRow]| {
        assert_eq!(before.len(), 1);
        Ok(Some(ItemRow { decided: Some("[]".into()), ..row.clone() }))
    };
    store.decide(undo, seen).await.unwrap();
    assert_eq!(store.last_seq().await.unwrap(), 1);
    let twice = store.decide(approved.clone(), |_, _| Ok(None)).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
    let all = store.decisions(0, 10).await.unwrap();
    assert_eq!(all.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(all[0].decision, approved);
    assert_eq!(store.decisions_of(a).await.unwrap(), all);
    assert_eq!(store.decisions(1, 10).await.unwrap(), all[1..]);
}

async fn a_decision_waits_for_its_item(kit: Kit) {
    let store = &kit.store;
    let a = item_id(1);
    let early = decision(a, Verdict::Hide, None);
    assert_eq!(store.decide(early.clone(), |_, _| panic!("there is no row")).await.unwrap(), None);
    assert_eq!(store.pending_decisions(&[a]).await.unwrap()[&a], [early]);
    let with = |view: &carewire_store::ItemsView| {
        let state = if view.pending.contains_key(&a) { ItemState::Hidden } else { ItemState::Curated };
        Ok(vec![change(row(a, state, "a"))])
    };
    store.change_items(vec![a, item_id(2)], &[], None, with).await.unwrap();
    assert_eq!(store.item(a).await.unwrap().unwrap().state, ItemState::Hidden);
    assert!(store.pending_decisions(&[a]).await.unwrap().is_empty());
    assert!(!store.decisions(0, 10).await.unwrap()[0].pending);
}

conformance! {
    changes_of_the_public_form_get_numbers,
    items_are_listed,
    old_changes_are_forgotten,
    what_cannot_be_is_refused_whole,
    decisions_check_the_version_seen,
    a_decision_waits_for_its_item,
}
