//! Opening: several at once, a server that is away, a newer schema, changes of others noticed.

use std::time::{Duration, Instant};

use carewire_store::{ItemState, Store, StoreConfig, StoreError, Target};

use crate::{
    harness::{Kit, conformance, item_id, organization, put, row, target_of},
    sequence::Worker,
};

async fn four_processes_migrate_at_once(kit: Kit) {
    // A database that nobody has opened yet.
    let target = match &kit.config.target {
        Target::Sqlite(_) => kit.dir.path().join("fresh.db").to_str().unwrap().to_owned(),
        Target::Postgres(_) => Kit::empty_database().await,
    };
    let mut workers: Vec<Worker> = (0..4).map(|n| Worker::start("open", &target, n)).collect();
    for worker in &mut workers {
        worker.wait_for_line("opened");
        assert!(worker.child.wait().unwrap().success());
    }
    let store = Store::open(&StoreConfig::new(target_of(&target))).await.unwrap();
    put(&store, &[row(item_id(1), ItemState::Curated, "x")]).await;
    assert_eq!(store.last_seq().await.unwrap(), 1);
}

async fn changes_of_others_are_noticed(kit: Kit) {
    let other = kit.again().await;
    let (mut sequence, mut activity) = (kit.store.sequence(), kit.store.activity());
    activity.borrow_and_update();
    put(&other, &[row(item_id(1), ItemState::Curated, "x")]).await;
    let started = Instant::now();
    tokio::time::timeout(Duration::from_secs(5), sequence.wait_for(|seq| *seq == 1)).await.unwrap().unwrap();
    organization(&other, "new").await;
    tokio::time::timeout(Duration::from_secs(5), activity.changed()).await.unwrap().unwrap();
    eprintln!("noticed both after {:?}", started.elapsed());
    kit.store.ping().await.unwrap();
    let drift = kit.store.now().await.unwrap().duration_since(jiff::Timestamp::now()).abs();
    assert!(drift < jiff::SignedDuration::from_secs(5), "{drift}");
}

async fn what_is_away_or_wrong_is_told(kit: Kit) {
    if kit.is_sqlite() {
        let missing = kit.dir.path().join("no/such/folder/store.db");
        let error = Store::open(&StoreConfig::new(Target::Sqlite(missing))).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid(_)), "{error:?}");
        return;
    }
    let away = StoreConfig::new(Target::Postgres("postgres://postgres@127.0.0.1:1/none".into()));
    let error = Store::open(&away).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    let wrong = StoreConfig::new(Target::Postgres("no address".into()));
    assert!(matches!(Store::open(&wrong).await.unwrap_err(), StoreError::Invalid(_)));
    // Connections that the server ended: at most one error each, then new ones.
    kit.store.ping().await.unwrap();
    kit.terminate_backends().await;
    crate::harness::wait_for(10, "the database to be back", async || kit.store.ping().await.ok()).await;
}

async fn a_newer_schema_is_refused(kit: Kit) {
    kit.store.close().await;
    kit.run_sql("INSERT INTO schema_migrations (version, applied_at) VALUES (999, 0)").await;
    let error = Store::open(&kit.config).await.unwrap_err();
    assert!(matches!(&error, StoreError::Invalid(text) if text.contains("999")), "{error:?}");
}

conformance! {
    four_processes_migrate_at_once,
    changes_of_others_are_noticed,
    what_is_away_or_wrong_is_told,
    a_newer_schema_is_refused,
}
