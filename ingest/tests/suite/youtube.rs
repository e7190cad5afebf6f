//! Gaps, durations and removals against a server of the form of YouTube's Data API v3.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::common::{Sandbox, Worker, eventually, publisher::Page};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use carewire_bus::{Health, Secret};
use carewire_fetch::{Client, host_of};
use carewire_ingest::youtube::{Youtube, YoutubeConfig};
use carewire_schemas::{Broadcast, Change, EntryV1, FeedId, Via};
use carewire_store::{FeedKind, NewFeed, Proof};
use serde_json::json;
use tokio_util::sync::CancellationToken;

const CHANNEL: &str = "UCabcdefghijklmnopqrstuv";

#[derive(Default)]
struct Platform {
    /// The channel's videos, the newest first.
    uploads: Vec<String>,
    live: Option<String>,
    asked: Vec<(String, HashMap<String, String>, Option<String>)>,
    /// Statuses of oEmbed and picture, by video.
    seen: HashMap<String, (u16, u16)>,
    down: bool,
    /// Videos that the API does not know.
    unknown: Vec<String>,
}

type Shared = Arc<Mutex<Platform>>;

fn note(platform: &Shared, method: &str, query: &HashMap<String, String>, headers: &HeaderMap) -> Option<Response> {
    let key = headers.get("x-goog-api-key").map(|key| key.to_str().unwrap().to_owned());
    let mut platform = platform.lock().unwrap();
    platform.asked.push((method.to_owned(), query.clone(), key.clone()));
    (platform.down || key.as_deref() != Some("key-1")).then(|| StatusCode::FORBIDDEN.into_response())
}

async fn playlist_items(
    State(platform): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = note(&platform, "playlistItems", &query, &headers) {
        return refused;
    }
    assert_eq!(query["playlistId"], CHANNEL.replacen("UC", "UU", 1));
    let size: usize = query["maxResults"].parse().unwrap();
    let start: usize = query.get("pageToken").map_or(0, |token| token.parse().unwrap());
    let uploads = platform.lock().unwrap().uploads.clone();
    let items: Vec<_> = uploads
        .iter()
        .skip(start)
        .take(size)
        .map(|id| {
            let mut details = json!({"videoId": id, "videoPublishedAt": "2026-11-20T10:00:00Z"});
            // A private video stays in the list, without the date of its publication.
            if id == "v040" {
                details = json!({"videoId": id});
            }
            json!({"snippet": {"title": format!("Film {id} & more"), "description": format!("About <{id}>"), "channelId": CHANNEL, "channelTitle": "Clinic",
                "publishedAt": "2026-11-20T10:00:00Z"}, "contentDetails": details})
        })
        .collect();
    let next = (start + size < uploads.len()).then(|| (start + size).to_string());
    Json(json!({"items": items, "nextPageToken": next})).into_response()
}

async fn videos(
    State(platform): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = note(&platform, "videos", &query, &headers) {
        return refused;
    }
    let live = platform.lock().unwrap().live.clone();
    let unknown = platform.lock().unwrap().unknown.clone();
    let items: Vec<_> = query["id"]
        .split(',')
        .filter(|id| !unknown.iter().any(|one| one == id))
        .map(|id| {
            let state = if live.as_deref() == Some(id) { "upcoming" } else { "none" };
            json!({"id": id, "snippet": {"liveBroadcastContent": state}, "contentDetails": {"duration": "PT4M13S", "caption": "true"}})
        })
        .collect();
    Json(json!({"items": items})).into_response()
}

async fn oembed(State(platform): State<Shared>, Query(query): Query<HashMap<String, String>>) -> StatusCode {
    let id = query["url"].rsplit('=').next().unwrap();
    let status = platform.lock().unwrap().seen.get(id).map_or(200, |seen| seen.0);
    StatusCode::from_u16(status).unwrap()
}

async fn picture(State(platform): State<Shared>, axum::extract::Path(id): axum::extract::Path<String>) -> StatusCode {
    let status = platform.lock().unwrap().seen.get(&id).map_or(200, |seen| seen.1);
    StatusCode::from_u16(status).unwrap()
}

struct Network {
    sandbox: Sandbox,
    platform: Shared,
    config: YoutubeConfig,
    worker: Worker,
}

impl Network {
    async fn new(key: Option<&str>) -> Network {
        let sandbox = Sandbox::new().await;
        let platform = Shared::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/api/playlistItems", get(playlist_items))
            .route("/api/videos", get(videos))
            .route("/oembed", get(oembed))
            .route("/vi/{id}/hqdefault.jpg", get(picture))
            .with_state(platform.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = YoutubeConfig {
            api_key: key.map(|key| Secret(key.to_owned())),
            api_url: format!("{base}api/").parse().unwrap(),
            site_url: base.parse().unwrap(),
            thumbnail_url: base.parse().unwrap(),
            gone_after: Duration::from_millis(300),
            ..YoutubeConfig::default()
        };
        let worker = sandbox.worker();
        Network { sandbox, platform, config, worker }
    }

    /// What the feed holds: the newest 15 of the channel's videos.
    fn publish(&self, uploads: &[String]) {
        self.platform.lock().unwrap().uploads = uploads.to_vec();
        let entries: String = uploads
            .iter()
            .take(15)
            .map(|id| {
                format!(
                    "<entry><id>yt:video:{id}</id><yt:videoId>{id}</yt:videoId><yt:channelId>{CHANNEL}</yt:channelId><title>Film {id} &amp; more</title>\
                     <link rel=\"alternate\" href=\"https://www.youtube.com/watch?v={id}\"/><published>2026-11-20T10:00:00Z</published>\
                     <updated>2026-11-20T10:00:00Z</updated><media:group><media:description>About &lt;{id}&gt;</media:description></media:group></entry>"
                )
            })
            .collect();
        let head = "<feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" xmlns:media=\"http://search.yahoo.com/mrss/\" xmlns=\"http://www.w3.org/2005/Atom\">";
        let page = format!("{head}<yt:channelId>{CHANNEL}</yt:channelId><title>Clinic</title>{entries}</feed>");
        self.sandbox.publisher.set("/feeds/videos.xml", Page::feed(page));
    }

    async fn channel(&self) -> FeedId {
        let url = self.sandbox.publisher.url(2, &format!("/feeds/videos.xml?channel_id={CHANNEL}"));
        let host = host_of(&url.parse().unwrap()).unwrap();
        let new = NewFeed {
            organization: self.sandbox.organization,
            url,
            kind: FeedKind::YoutubeChannel,
            title: None,
            site_url: None,
            host,
            proof: Proof::Vouched,
            interval_s: 1800,
        };
        let id = self.sandbox.store.add_feed(new).await.unwrap().id;
        self.sandbox.polled(id).await;
        id
    }

    fn start(&self) -> Worker {
        let stop = CancellationToken::new();
        let task = Youtube {
            store: self.sandbox.store.clone(),
            bus: self.sandbox.bus.clone(),
            client: Client::new(&self.sandbox.fetch).unwrap(),
            config: self.config.clone(),
            health: Health::new("youtube"),
        };
        Worker { stop: stop.clone(), task: tokio::spawn(task.run(stop)) }
    }

    /// The last event of each video.
    async fn last(&self, feed: FeedId) -> HashMap<String, EntryV1> {
        let mut events = self.sandbox.events(feed).await;
        events.sort_by_key(|event| event.version);
        events.into_iter().map(|event| (event.content.guid.clone().unwrap().replace("yt:video:", ""), event)).collect()
    }

    fn asked(&self, method: &str) -> usize {
        self.platform.lock().unwrap().asked.iter().filter(|asked| asked.0 == method).count()
    }
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.rev().map(|n| format!("v{n:03}")).collect()
}

#[tokio::test]
async fn a_gap_is_reported_and_filled_from_the_api() {
    let network = Network::new(Some("key-1")).await;
    network.publish(&ids(0..10));
    let id = network.channel().await;
    // 75 more since the last poll: the feed holds the newest 15 of them, and none that was known.
    network.publish(&ids(0..85));
    let feed = network.sandbox.poll(id).await;
    assert!(feed.problems.iter().any(|problem| problem.code == "window-gap"), "{:?}", feed.problems);
    assert_eq!(feed.entries, 25);
    let youtube = network.start();
    eventually("all videos", || async { (network.last(id).await.len() == 84).then_some(()) }).await;
    assert!(!network.last(id).await.contains_key("v040"), "what nobody may see is not published");
    let filled = &network.last(id).await["v030"];
    assert_eq!((filled.via, filled.content.title.as_ref().unwrap().value.as_str()), (Via::Poll, "Film v030 & more"));
    assert_eq!(filled.content.url.as_deref(), Some("https://www.youtube.com/watch?v=v030"));
    assert_eq!(network.asked("playlistItems"), 2, "followed back until something known came");
    eventually("written back", || async { (network.sandbox.feed(id).await.entries == 84).then_some(()) }).await;
    // The problem goes with the gap, and what the feed says of a filled video later is no news.
    network.publish(&ids(0..86));
    let feed = network.sandbox.poll(id).await;
    assert!(feed.problems.is_empty(), "{:?}", feed.problems);
    let keys: Vec<_> = network.platform.lock().unwrap().asked.iter().map(|asked| asked.2.clone()).collect();
    assert!(keys.iter().all(|key| key.as_deref() == Some("key-1")));
    youtube.end().await;
    network.worker.end().await;
}

#[tokio::test]
async fn durations_come_from_the_api_within_its_budget_and_stay_out_of_comparison() {
    let mut network = Network::new(Some("key-1")).await;
    network.config.daily_quota = 1;
    network.platform.lock().unwrap().live = Some("v001".to_owned());
    network.publish(&ids(0..3));
    let id = network.channel().await;
    assert!(network.last(id).await.values().all(|event| event.content.video.as_ref().unwrap().duration.is_none()));
    let youtube = network.start();
    let duration = async |video: &str| network.last(id).await[video].content.video.as_ref().unwrap().duration;
    eventually("what the API said", || async { (network.sandbox.events(id).await.len() == 6).then_some(()) }).await;
    assert_eq!(duration("v002").await, Some(253));
    assert_eq!(
        (duration("v000").await, duration("v001").await),
        (Some(253), None),
        "an announced broadcast has none yet"
    );
    let facts = network.sandbox.store.channel_video(id, "v000").await.unwrap().unwrap();
    assert_eq!((facts.facts.captions, facts.facts.live.as_deref()), (Some(true), Some("none")));
    assert!(facts.fetched_at.is_some());
    let told = network.sandbox.events(id).await.len();
    assert_eq!(told, 6, "three new, each told again");
    let video = |id: &str, events: &HashMap<String, EntryV1>| {
        let video = events[id].content.video.clone().unwrap();
        (video.captions, video.live)
    };
    let last = network.last(id).await;
    assert_eq!(
        (video("v000", &last), video("v001", &last)),
        ((Some(true), None), (Some(true), Some(Broadcast::Upcoming)))
    );
    // The feed says the same as before: that is no news, though it knows no durations; a change keeps them.
    network.publish(&ids(0..4));
    network.sandbox.poll(id).await;
    assert_eq!(network.sandbox.events(id).await.len(), told + 1);
    assert_eq!(duration("v000").await, Some(253));
    // The budget is used up: the new video is not asked for, and its duration stays unknown.
    assert_eq!((network.asked("videos"), duration("v003").await), (1, None));
    assert_eq!(network.sandbox.store.quota_used().await.unwrap(), 1);
    youtube.end().await;
    network.worker.end().await;
}

/// The API's terms: what it said is refreshed within 30 days or erased; days are milliseconds here.
#[tokio::test]
async fn what_the_api_said_is_refreshed_and_erased_when_it_cannot_be() {
    let mut network = Network::new(Some("key-1")).await;
    (network.config.refresh, network.config.erase) = (Duration::from_millis(250), Duration::from_millis(290));
    network.publish(&ids(0..1));
    let id = network.channel().await;
    let youtube = network.start();
    let known = async || network.sandbox.store.channel_video(id, "v000").await.unwrap().unwrap();
    let first = eventually("what it said", || async { known().await.fetched_at }).await;
    eventually("a refresh", || async { known().await.fetched_at.filter(|at| *at > first) }).await;
    let shown = async || network.last(id).await["v000"].content.video.clone().unwrap();
    let told = network.sandbox.events(id).await.len();
    assert_eq!(
        (shown().await.duration, shown().await.captions, told),
        (Some(253), Some(true), 2),
        "the same is not told again"
    );
    network.platform.lock().unwrap().down = true;
    eventually("the erasure", || async { known().await.fetched_at.is_none().then_some(()) }).await;
    assert_eq!(known().await.facts, carewire_store::VideoFacts::default());
    eventually("outputs without it", || async {
        let shown = shown().await;
        (shown.duration.is_none() && shown.captions.is_none()).then_some(())
    })
    .await;
    network.platform.lock().unwrap().down = false;
    eventually("known again", || async { shown().await.duration }).await;
    youtube.end().await;
    network.worker.end().await;
}

#[tokio::test]
async fn without_a_key_nothing_is_asked_and_nothing_is_guessed() {
    let network = Network::new(None).await;
    network.publish(&ids(0..3));
    let id = network.channel().await;
    network.publish(&ids(0..40));
    let feed = network.sandbox.poll(id).await;
    let youtube = network.start();
    let noted = eventually("a look", || async {
        let one = network.sandbox.store.channel_video(id, "v039").await.unwrap();
        one.filter(|one| one.fetched_at.is_none())
    })
    .await;
    assert_eq!(noted.facts, carewire_store::VideoFacts::default());
    assert!(feed.problems.iter().any(|problem| problem.code == "window-gap"), "reported all the same");
    youtube.end().await;
    assert_eq!((network.asked("videos"), network.asked("playlistItems")), (0, 0));
    network.worker.end().await;
}

/// Gone is what neither oEmbed nor the picture shows, twice and a while apart.
#[tokio::test]
async fn removed_videos_are_withdrawn_and_others_are_not() {
    let network = Network::new(None).await;
    network.publish(&ids(0..4));
    let id = network.channel().await;
    for (video, seen) in [("v000", (404, 404)), ("v001", (401, 404)), ("v002", (404, 200)), ("v003", (503, 404))] {
        network.platform.lock().unwrap().seen.insert(video.to_owned(), seen);
    }
    for video in ["v000", "v001", "v002", "v003"] {
        let one = network.sandbox.store.channel_video(id, video).await.unwrap().unwrap();
        network.sandbox.store.video_soon_looked(&one, Duration::ZERO).await.unwrap();
    }
    let youtube = network.start();
    let missed = eventually("first missed", || async {
        network.sandbox.store.channel_video(id, "v000").await.unwrap().unwrap().gone_at
    })
    .await;
    eventually("withdrawn", || async {
        network.sandbox.events(id).await.iter().any(|event| event.change == Change::Deleted).then_some(())
    })
    .await;
    let deleted: Vec<_> = network
        .last(id)
        .await
        .into_iter()
        .filter(|(_, event)| event.change == Change::Deleted)
        .map(|(video, _)| video)
        .collect();
    assert_eq!(deleted, ["v000"]);
    assert!(network.last(id).await["v000"].seen >= missed + network.config.gone_after, "missed once is not gone");
    // The feed's own 404 is no removal.
    network.sandbox.publisher.set("/feeds/videos.xml", Page::status(404));
    network.sandbox.poll(id).await;
    assert_eq!(network.sandbox.events(id).await.len(), 5);
    youtube.end().await;
    network.worker.end().await;
}

/// With a key the API is the first to know of a removal, and the only one to know that a video was made private.
#[tokio::test]
async fn videos_that_the_api_does_not_know_twice_are_withdrawn() {
    let mut network = Network::new(Some("key-1")).await;
    (network.config.refresh, network.config.gone_after) = (Duration::from_millis(100), Duration::from_millis(400));
    network.publish(&ids(0..4));
    let id = network.channel().await;
    // oEmbed answers of a private video as of one that may not be embedded: it says nothing of it.
    network.platform.lock().unwrap().seen.insert("v000".to_owned(), (401, 200));
    let youtube = network.start();
    let known = async |video: &str| network.sandbox.store.channel_video(id, video).await.unwrap().unwrap();
    eventually("what it said", || async { known("v000").await.fetched_at }).await;
    network.platform.lock().unwrap().unknown = vec!["v000".to_owned()];
    let missed = eventually("missed", || async { known("v000").await.missing_at }).await;
    eventually("withdrawn", || async { (network.last(id).await["v000"].change == Change::Deleted).then_some(()) })
        .await;
    let last = network.last(id).await;
    assert!(last["v000"].seen >= missed + network.config.gone_after, "missed once is not gone");
    assert!(ids(1..4).iter().all(|video| last[video].change != Change::Deleted));
    youtube.end().await;
    network.worker.end().await;
}
