//! What the grouping worker keeps.

use std::time::Duration;

use carewire_schemas::{EntryId, ItemId, StoryId, StoryRelation};
use carewire_store::{GroupBatch, GroupItem, GroupSource, GroupStory, IdentityKey};
use uuid::Uuid;

use crate::harness::{Kit, conformance, entry_id, feed, item_id, organization};

fn key(n: u8) -> IdentityKey {
    IdentityKey { kind: n % 3, key: [n; 16] }
}

fn source(entry: EntryId, feed: carewire_schemas::FeedId, item: ItemId) -> GroupSource {
    GroupSource { entry, feed, item, version: 1, run: 0, deleted: false, body: b"body".to_vec() }
}

fn item(item: ItemId, published: i64) -> GroupItem {
    GroupItem {
        item,
        version: 1,
        story: StoryId::derive(item),
        relation: StoryRelation::SameStory,
        published,
        first_seen: published,
        body: vec![0, 1, 2],
        index: vec![9],
    }
}

async fn a_batch_is_found_again(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    let f = feed(store, org.id, "https://a.example/").await.id;
    let lease = store.acquire_lease("group", Uuid::new_v4(), Duration::from_secs(60)).await.unwrap().unwrap();
    let (one, two) = (item_id(1), item_id(2));
    let batch = GroupBatch {
        sources: vec![source(entry_id(f, 1), f, one), source(entry_id(f, 2), f, one), source(entry_id(f, 3), f, two)],
        identities: vec![(key(1), two), (key(1), one), (key(2), two)],
        items: vec![item(one, 100), item(two, 100)],
        stories: vec![
            GroupStory { story: StoryId::derive(two), merged_into: Some(StoryId::derive(one)) },
            GroupStory { story: StoryId::derive(one), merged_into: None },
        ],
        standing_done: Some(7),
        ..Default::default()
    };
    store.group_apply(&lease, batch).await.unwrap();
    let state = store.group_state(&[entry_id(f, 1), entry_id(f, 99)], &[key(2), key(8)]).await.unwrap();
    assert_eq!(state.sources.len(), 3, "all sources of the items found");
    assert_eq!(state.identities.len(), 1);
    assert_eq!(state.identities[&key(2)], two);
    let mut entries = vec![entry_id(f, 1), entry_id(f, 2)];
    entries.sort_unstable();
    assert_eq!(state.items[&one].entries, entries);
    assert_eq!(state.items[&one].item, GroupItem { index: vec![], ..item(one, 100) });
    assert_eq!(store.group_state(&[], &[key(1)]).await.unwrap().identities[&key(1)], one, "the last of a batch counts");
    assert_eq!(store.standing_done().await.unwrap(), 7);
    let merged = store.group_stories(&[StoryId::derive(one), StoryId::derive(two)]).await.unwrap();
    assert_eq!(merged.into_iter().collect::<Vec<_>>(), [(StoryId::derive(two), StoryId::derive(one))]);
    // An empty index keeps the one that is there.
    let batch =
        GroupBatch { items: vec![GroupItem { index: vec![], version: 2, ..item(one, 100) }], ..Default::default() };
    store.group_apply(&lease, batch).await.unwrap();
    let window = store.group_window(100, None, 10).await.unwrap();
    assert!(window.iter().all(|row| row.index == [9]));
    assert_eq!(store.group_items(&[one]).await.unwrap().items[&one].item.version, 2);
}

async fn windows_and_organizations_are_paged(kit: Kit) {
    let store = &kit.store;
    let (a, b) = (organization(store, "a").await, organization(store, "b").await);
    let fa = feed(store, a.id, "https://a.example/").await.id;
    let fb = feed(store, b.id, "https://b.example/").await.id;
    let lease = store.acquire_lease("group", Uuid::new_v4(), Duration::from_secs(60)).await.unwrap().unwrap();
    let mut batch = GroupBatch::default();
    for n in 0..700_usize {
        let id = item_id(n as u128);
        batch.items.push(item(id, n as i64 / 7));
        batch.sources.push(source(entry_id(fa, n), fa, id));
        if n % 2 == 0 {
            batch.sources.push(source(entry_id(fb, n), fb, id));
        }
    }
    store.group_apply(&lease, batch).await.unwrap();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = store.group_window(50, after, 64).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.published, last.item));
        seen.extend(page.iter().map(|row| (row.published, row.item)));
    }
    assert_eq!(seen.len(), 350);
    assert!(seen.is_sorted());
    let (mut after, mut items) = (None, Vec::new());
    loop {
        let page = store.group_items_of_organization(b.id, after, 100).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(*last);
        items.extend(page);
    }
    assert_eq!(items.len(), 350);
    assert!(items.is_sorted());
}

conformance! { a_batch_is_found_again, windows_and_organizations_are_paged }
