//! Copies made while others write.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use carewire_store::{Changes, ItemState, Store, StoreConfig, StoreError, Target};

use crate::harness::{Kit, conformance, item_id, put, row};

async fn a_backup_is_consistent_while_writing(kit: Kit) {
    let file = kit.dir.path().join("copy.db");
    if !kit.is_sqlite() {
        assert!(matches!(kit.store.backup_to(&file).await, Err(StoreError::Unsupported(_))));
        return;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (store, stop) = (kit.store.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                let rows: Vec<_> = (0..5).map(|k| row(item_id(n * 5 + k), ItemState::Curated, "x")).collect();
                put(&store, &rows).await;
                n += 1;
            }
        })
    };
    let mut sequence = kit.store.sequence();
    sequence.wait_for(|seq| *seq >= 50).await.unwrap();
    kit.store.backup_to(&file).await.unwrap();
    let during = *sequence.borrow();
    sequence.wait_for(|seq| *seq > during).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    assert!(matches!(kit.store.backup_to(&file).await, Err(StoreError::Conflict(_))));

    let copy = Store::open(&StoreConfig::new(Target::Sqlite(file))).await.unwrap();
    let last = copy.last_seq().await.unwrap();
    assert!(last >= 50 && last % 5 == 0, "whole transactions: {last}");
    let Changes::Rows(changes) = copy.changes(0, usize::MAX >> 1).await.unwrap() else { panic!("too old") };
    assert_eq!(changes.len() as i64, last);
    let ids: Vec<_> = changes.iter().map(|change| change.item).collect();
    assert_eq!(copy.items(&ids).await.unwrap().len() as i64, last);
    assert_eq!(copy.counts().await.unwrap().items[&ItemState::Curated], last);
    // It goes on where the copy was made.
    assert_eq!(put(&copy, &[row(item_id(u128::MAX), ItemState::Curated, "x")]).await.last_seq, Some(last + 1));
}

conformance! { a_backup_is_consistent_while_writing }
