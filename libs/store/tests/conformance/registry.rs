//! Organizations and feeds.

use carewire_schemas::{OrganizationId, Slug};
use carewire_store::{FeedFilter, FeedState, OrganizationPatch, Proof, Standing, StoreError};

use crate::harness::{Kit, conformance, feed, new_feed, new_organization, organization};

async fn organizations_are_found_listed_and_changed(kit: Kit) {
    let store = &kit.store;
    let b = organization(store, "b-org").await;
    let a = organization(store, "a-org").await;
    assert!(matches!(store.add_organization(new_organization("a-org")).await, Err(StoreError::Conflict(_))));
    assert_eq!(store.organization(a.id).await.unwrap().unwrap().name, "The a-org");
    assert_eq!(store.organization_by_slug("b-org").await.unwrap().unwrap().id, b.id);
    assert!(store.organization_by_slug("none").await.unwrap().is_none());
    let slugs = |list: Vec<carewire_store::Organization>| {
        list.into_iter().map(|o| o.slug.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(slugs(store.organizations(None, 10, None).await.unwrap()), ["a-org", "b-org"]);
    assert_eq!(slugs(store.organizations(Some("a-org"), 10, None).await.unwrap()), ["b-org"]);
    let patch = OrganizationPatch { site: Some(None), name: Some("New\0 name".into()), ..Default::default() };
    let changed = store.update_organization(a.id, patch).await.unwrap();
    assert_eq!((changed.site, changed.name.as_str()), (None, "New\0 name"));
    let read = store.organization(a.id).await.unwrap().unwrap();
    assert_eq!(read.name, "New\u{fffd} name", "NUL is no text in PostgreSQL");
    let none = store.update_organization(OrganizationId::random(), OrganizationPatch::default()).await;
    assert!(matches!(none, Err(StoreError::NotFound(_))));
}

async fn changes_of_standing_are_numbered_and_counted(kit: Kit) {
    let store = &kit.store;
    let a = organization(store, "a").await;
    let b = organization(store, "b").await;
    let f = feed(store, b.id, "https://b.example/feed").await;
    let before = store.standing_changes(0, 10).await.unwrap();
    assert_eq!(before, []);
    store.set_standing(a.id, Standing::Suspended).await.unwrap();
    store.set_standing(a.id, Standing::Suspended).await.unwrap();
    store.set_proof(f.id, Proof::Vouched).await.unwrap();
    store.set_proof(f.id, Proof::Vouched).await.unwrap();
    assert_eq!(store.standing_changes(0, 10).await.unwrap(), [(1, a.id), (2, b.id)]);
    assert_eq!(store.standing_changes(1, 10).await.unwrap(), [(2, b.id)]);
    let standings = store.standings(&[f.id]).await.unwrap();
    let standing = &standings[&f.id];
    assert_eq!((standing.proof, standing.standing), (Proof::Vouched, Standing::Accepted));
    assert_eq!((standing.slug.as_str(), standing.host.as_str()), ("b", "b.example"));
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.organizations[&Standing::Suspended], 1);
    assert_eq!(counts.organizations[&Standing::Accepted], 1);
}

async fn feeds_are_registered_once(kit: Kit) {
    let store = &kit.store;
    let a = organization(store, "a").await;
    let one = feed(store, a.id, "https://a.example/feed").await;
    assert!(matches!(store.add_feed(new_feed(a.id, "https://a.example/feed")).await, Err(StoreError::Conflict(_))));
    let many = vec![
        new_feed(a.id, "https://a.example/2"),
        new_feed(a.id, "https://a.example/2"),
        new_feed(OrganizationId::random(), "https://a.example/3"),
        new_feed(a.id, "https://a.example/feed"),
        new_feed(a.id, "https://a.example/4"),
    ];
    let results = store.add_feeds(many).await.unwrap();
    assert!(results[0].is_ok() && results[4].is_ok());
    assert!(matches!(results[1], Err(StoreError::Conflict(_))));
    assert!(matches!(results[2], Err(StoreError::NotFound(_))));
    assert!(matches!(results[3], Err(StoreError::Conflict(_))));
    assert_eq!(store.feed_by_url("https://a.example/feed").await.unwrap().unwrap(), one);
    let filter = FeedFilter { organization: Some(a.id), state: Some(FeedState::Active) };
    let all = store.feeds(&filter, None, 10).await.unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(store.feeds(&filter, Some(all[0].id), 1).await.unwrap(), all[1..2]);
    store.set_feed_state(one.id, FeedState::Paused).await.unwrap();
    let counts = store.counts().await.unwrap().feeds;
    assert_eq!((counts[&FeedState::Active], counts[&FeedState::Paused]), (2, 1));
    assert!(matches!(store.poll_now(one.id).await, Err(StoreError::Invalid(_))));
}

async fn ten_thousand_feeds_are_added_at_once(kit: Kit) {
    let store = &kit.store;
    let organizations = (0..500).map(|n| new_organization(&format!("o{n}"))).collect();
    let organizations = store.add_organizations(organizations).await.unwrap();
    let ids: Vec<_> = organizations.into_iter().map(|o| o.unwrap().id).collect();
    let feeds = (0..10_000).map(|n| new_feed(ids[n % 500], &format!("https://h{}.example/{n}", n % 700)));
    let results = store.add_feeds(feeds.collect()).await.unwrap();
    assert!(results.iter().all(Result::is_ok));
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.feeds[&FeedState::Active], 10_000);
    assert_eq!(counts.organizations[&Standing::Accepted], 500);
    assert!(Slug::new("o1").is_ok());
}

conformance! {
    organizations_are_found_listed_and_changed,
    changes_of_standing_are_numbered_and_counted,
    feeds_are_registered_once,
    ten_thousand_feeds_are_added_at_once,
}
