//! Leases by name, positions and cursors.

use std::time::Duration;

use carewire_store::{GroupBatch, Position, StoreError};
use uuid::Uuid;

use crate::harness::{Kit, conformance, item_id, row, wait_for};

const MINUTE: Duration = Duration::from_secs(60);

async fn a_lease_has_one_owner_and_its_epoch_rises(kit: Kit) {
    let store = &kit.store;
    let (a, b) = (Uuid::new_v4(), Uuid::new_v4());
    let mut first = store.acquire_lease("work", a, Duration::from_millis(200)).await.unwrap().unwrap();
    assert_eq!(first.epoch, 1);
    assert!(store.acquire_lease("work", b, MINUTE).await.unwrap().is_none());
    assert_eq!(store.acquire_lease("work", a, Duration::from_millis(200)).await.unwrap().unwrap().epoch, 1);
    store.renew_lease(&mut first, Duration::from_millis(200)).await.unwrap();
    let second = wait_for(10, "the take-over", async || store.acquire_lease("work", b, MINUTE).await.unwrap()).await;
    assert_eq!(second.epoch, 2);
    assert!(matches!(store.renew_lease(&mut first, MINUTE).await, Err(StoreError::LeaseLost(_))));
    store.release_lease(&first).await.unwrap();
    assert!(store.acquire_lease("work", a, MINUTE).await.unwrap().is_none(), "a lost lease releases nothing");
    store.release_lease(&second).await.unwrap();
    assert_eq!(store.acquire_lease("work", a, MINUTE).await.unwrap().unwrap().epoch, 3);
}

async fn of_many_takers_one_gets_it(kit: Kit) {
    let mut takers = Vec::new();
    for _ in 0..8 {
        let store = kit.store.clone();
        takers.push(tokio::spawn(async move { store.acquire_lease("one", Uuid::new_v4(), MINUTE).await.unwrap() }));
    }
    let mut got = 0;
    for taker in takers {
        got += usize::from(taker.await.unwrap().is_some());
    }
    assert_eq!(got, 1);
}

async fn what_carries_an_older_epoch_writes_nothing(kit: Kit) {
    let store = &kit.store;
    let old = store.acquire_lease("group", Uuid::new_v4(), Duration::from_millis(1)).await.unwrap().unwrap();
    let new =
        wait_for(10, "the take-over", async || store.acquire_lease("group", Uuid::new_v4(), MINUTE).await.unwrap())
            .await;
    let position = Position { consumer: "c".into(), topic: "t".into(), partition: 0, next_offset: 5 };
    let batch = GroupBatch { positions: vec![position.clone()], ..Default::default() };
    assert!(matches!(store.group_apply(&old, batch.clone()).await, Err(StoreError::LeaseLost(_))));
    assert_eq!(store.positions("c").await.unwrap(), []);
    let item = item_id(1);
    let written = store
        .change_items(vec![item], std::slice::from_ref(&position), Some(&old), |_| {
            Ok(vec![crate::harness::change(row(item, carewire_store::ItemState::Curated, "x"))])
        })
        .await;
    assert!(matches!(written, Err(StoreError::LeaseLost(_))));
    assert_eq!(store.last_seq().await.unwrap(), 0);
    assert!(matches!(store.set_cursor("relay", 4, Some(&old)).await, Err(StoreError::LeaseLost(_))));
    store.set_cursor("relay", 4, Some(&new)).await.unwrap();
    store.set_cursor("relay", 3, None).await.unwrap();
    assert_eq!(store.cursor("relay").await.unwrap(), 4);
    store.group_apply(&new, batch).await.unwrap();
    assert_eq!(store.positions("c").await.unwrap(), [position]);
}

async fn positions_never_go_back(kit: Kit) {
    let store = &kit.store;
    let at = |partition, next_offset| Position { consumer: "sink".into(), topic: "t".into(), partition, next_offset };
    for (given, expected) in [
        (vec![at(1, 10), at(0, 3)], vec![at(0, 3), at(1, 10)]),
        (vec![at(0, 2), at(1, 11), at(1, 9)], vec![at(0, 3), at(1, 11)]),
    ] {
        store.change_items(vec![], &given, None, |_| Ok(vec![])).await.unwrap();
        assert_eq!(store.positions("sink").await.unwrap(), expected);
    }
    assert_eq!(store.positions("other").await.unwrap(), []);
}

conformance! {
    a_lease_has_one_owner_and_its_epoch_rises,
    of_many_takers_one_gets_it,
    what_carries_an_older_epoch_writes_nothing,
    positions_never_go_back,
}
