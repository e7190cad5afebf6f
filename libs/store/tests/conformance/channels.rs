//! Channels.

use carewire_schemas::Slug;
use carewire_store::{Channel, ChannelPatch, NewChannel, StoreError};

use crate::harness::{Kit, conformance, organization};

fn new(slug: &str, owner: Option<carewire_schemas::OrganizationId>) -> NewChannel {
    NewChannel {
        slug: Slug::new(slug).unwrap(),
        title: format!("The {slug}"),
        description: String::new(),
        picture: None,
        query: "condition=D003920".to_owned(),
        owner,
    }
}

async fn channels_are_made_found_changed_and_taken_away(kit: Kit) {
    let store = &kit.store;
    let a = organization(store, "a").await;
    let made = store.add_channel(new("b-channel", None)).await.unwrap();
    store.add_channel(new("a-channel", Some(a.id))).await.unwrap();
    assert!(matches!(store.add_channel(new("b-channel", None)).await, Err(StoreError::Conflict(_))));
    assert_eq!(store.channel("b-channel").await.unwrap(), Some(made.clone()));
    assert_eq!(store.channel("none").await.unwrap(), None);
    let slugs = |list: Vec<Channel>| list.into_iter().map(|one| one.slug.to_string()).collect::<Vec<_>>();
    assert_eq!(slugs(store.channels(None, 10, None).await.unwrap()), ["a-channel", "b-channel"]);
    assert_eq!(slugs(store.channels(Some("a-channel"), 10, None).await.unwrap()), ["b-channel"]);
    assert_eq!(slugs(store.channels(None, 10, Some(a.id)).await.unwrap()), ["a-channel"]);
    assert_eq!(slugs(store.channels(None, 1, None).await.unwrap()), ["a-channel"]);
    let patch = ChannelPatch {
        title: Some("Sugar".to_owned()),
        picture: Some(Some("https://a.example/p.png".to_owned())),
        query: Some("q=insulin".to_owned()),
        ..ChannelPatch::default()
    };
    let changed = store.update_channel(&made.slug, patch).await.unwrap();
    assert_eq!((changed.title.as_str(), changed.query.as_str()), ("Sugar", "q=insulin"));
    assert!(changed.updated_at > made.updated_at && changed.created_at == made.created_at);
    assert_eq!(store.channel("b-channel").await.unwrap(), Some(changed.clone()));
    let emptied = ChannelPatch { picture: Some(None), ..ChannelPatch::default() };
    assert_eq!(store.update_channel(&made.slug, emptied).await.unwrap().picture, None);
    let missing = Slug::new("none").unwrap();
    let none = store.update_channel(&missing, ChannelPatch::default()).await;
    assert!(matches!(none, Err(StoreError::NotFound(_))));
    store.remove_channel(&made.slug).await.unwrap();
    assert!(matches!(store.remove_channel(&made.slug).await, Err(StoreError::NotFound(_))));
    assert_eq!(slugs(store.channels(None, 10, None).await.unwrap()), ["a-channel"]);
}

conformance!(channels_are_made_found_changed_and_taken_away);
