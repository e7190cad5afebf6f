//! Videos of channels, gaps, the API's quota.

use std::time::Duration;

use carewire_store::VideoFacts;

use crate::harness::{Kit, conformance, entry_id, feed, organization};

const HOUR: Duration = Duration::from_secs(3600);

async fn videos_are_claimed_once_and_what_is_known_of_them_is_kept_and_erased(kit: Kit) {
    let (store, other) = (&kit.store, kit.again().await);
    let organization = organization(store, "a").await;
    let feed = feed(store, organization.id, "https://www.youtube.com/feeds/videos.xml?channel_id=UCx").await;
    let videos: Vec<_> = (0..3).map(|n| (format!("v{n}"), entry_id(feed.id, n))).collect();
    store.note_videos(feed.id, &videos, HOUR).await.unwrap();
    store.note_videos(feed.id, &videos, HOUR).await.unwrap();
    assert!(store.claim_videos(true, 10, HOUR).await.unwrap().is_empty(), "looked for in an hour");
    let (mine, others) = tokio::join!(store.claim_videos(false, 10, HOUR), other.claim_videos(false, 10, HOUR));
    let due: Vec<_> = mine.unwrap().into_iter().chain(others.unwrap()).collect();
    assert_eq!(due.len(), 3);
    let facts = VideoFacts { duration_s: Some(253), captions: Some(false), live: Some("none".into()) };
    store.video_fetched(&due[0], Some(&facts), HOUR).await.unwrap();
    let ids: Vec<_> = videos.iter().map(|(_, entry)| *entry).collect();
    assert_eq!(store.video_facts(feed.id, &ids).await.unwrap(), [(due[0].entry, facts.clone())].into());
    let known = store.channel_video(feed.id, &due[0].video).await.unwrap().unwrap();
    assert!(known.facts == facts && known.fetched_at.is_some());
    store.video_fetched(&known, None, HOUR).await.unwrap();
    let erased = store.channel_video(feed.id, &due[0].video).await.unwrap().unwrap();
    assert_eq!((erased.facts, erased.fetched_at), (VideoFacts::default(), None));

    // The API does not know one: since when is kept until it does.
    store.video_missing(&due[2], Duration::ZERO).await.unwrap();
    let missing = store.claim_videos(false, 10, HOUR).await.unwrap();
    assert_eq!((missing.len(), &missing[0].video), (1, &due[2].video));
    let since = missing[0].missing_at.unwrap();
    store.video_missing(&missing[0], Duration::ZERO).await.unwrap();
    let missing = store.claim_videos(false, 10, HOUR).await.unwrap();
    assert_eq!(missing[0].missing_at, Some(since));
    store.video_fetched(&missing[0], Some(&facts), HOUR).await.unwrap();
    assert_eq!(store.channel_video(feed.id, &due[2].video).await.unwrap().unwrap().missing_at, None);

    store.video_soon_looked(&due[1], Duration::ZERO).await.unwrap();
    let looked = store.claim_videos(true, 10, HOUR).await.unwrap();
    assert_eq!((looked.len(), looked[0].gone_at), (1, None));
    store.video_looked(&looked[0], true, Some(Duration::ZERO)).await.unwrap();
    let missed = store.claim_videos(true, 10, HOUR).await.unwrap();
    assert!(missed[0].gone_at.is_some());
    store.video_looked(&missed[0], true, None).await.unwrap();
    assert!(store.claim_videos(true, 10, HOUR).await.unwrap().is_empty(), "withdrawn: never again");
    store.note_videos(feed.id, &videos, Duration::ZERO).await.unwrap();
    let back = store.claim_videos(true, 10, HOUR).await.unwrap();
    assert_eq!((back.len(), back[0].gone_at), (1, None), "in the feed again");
}

async fn gaps_are_filled_once_and_what_fills_them_is_read(kit: Kit) {
    let store = &kit.store;
    let organization = organization(store, "a").await;
    let feed = feed(store, organization.id, "https://www.youtube.com/feeds/videos.xml?channel_id=UCx").await;
    assert_eq!(store.claim_gap(HOUR).await.unwrap(), None);
    store.note_gap(feed.id).await.unwrap();
    assert!(store.has_gap(feed.id).await.unwrap());
    assert_eq!(store.claim_gap(HOUR).await.unwrap().map(|gap| (gap.feed, gap.tries)), Some((feed.id, 0)));
    assert_eq!(store.claim_gap(HOUR).await.unwrap(), None, "somebody is at it");
    store.fill_channel(feed.id, Some(b"<feed/>".to_vec()), Some(4)).await.unwrap();
    assert!(!store.has_gap(feed.id).await.unwrap());
    let read = store.claim_pings(10, HOUR).await.unwrap();
    assert_eq!((read.len(), read[0].topic.as_str(), &*read[0].body), (1, "", &b"<feed/>"[..]), "no hub delivered it");
}

async fn the_quota_is_kept_by_all_together(kit: Kit) {
    let (store, other) = (&kit.store, kit.again().await);
    let mut taken = 0;
    for _ in 0..4 {
        let (a, b) = tokio::join!(store.take_quota(3, 10), other.take_quota(3, 10));
        taken += usize::from(a.unwrap()) + usize::from(b.unwrap());
    }
    assert_eq!((taken, store.quota_used().await.unwrap()), (3, 9));
    assert!(store.take_quota(1, 10).await.unwrap());
    assert!(!store.take_quota(1, 10).await.unwrap());
}

conformance!(
    videos_are_claimed_once_and_what_is_known_of_them_is_kept_and_erased,
    gaps_are_filled_once_and_what_fills_them_is_read,
    the_quota_is_kept_by_all_together,
);
