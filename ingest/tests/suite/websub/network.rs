//! A sandbox with a hub, callbacks on a real socket, and a subscriber.

use std::time::Duration;

use carewire_bus::Health;
use carewire_fetch::Client;
use carewire_ingest::websub::{self, WebSub, WebsubConfig};
use carewire_schemas::{Change, FeedId, Via};
use carewire_store::{Subscription, SubscriptionState};
use tokio_util::sync::CancellationToken;

use crate::common::{
    Sandbox, Worker, eventually,
    hub::Hub,
    publisher::{Page, item, rss},
};

pub const RSS: &str = "application/rss+xml";

/// A sandbox with a hub, callbacks on a real socket, and a subscriber.
pub struct Network {
    pub sandbox: Sandbox,
    pub hub: Hub,
    pub config: WebsubConfig,
    pub callbacks: url::Url,
    pub worker: Worker,
    pub subscriber: Option<Worker>,
}

pub fn quick() -> WebsubConfig {
    WebsubConfig {
        retry: Duration::from_millis(100),
        verify_within: Duration::from_millis(300),
        check: Duration::from_millis(50),
        silent_after: Duration::from_millis(100),
        max_body: 20_000,
        ..WebsubConfig::default()
    }
}

impl Network {
    pub async fn new(config: WebsubConfig) -> Network {
        let sandbox = Sandbox::new().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let callbacks = format!("http://{}/network/", listener.local_addr().unwrap()).parse().unwrap();
        let router = axum::Router::new().nest("/network", websub::router(sandbox.store.clone(), config.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let worker = sandbox.worker();
        let hub = Hub::start().await;
        let mut network = Network { sandbox, hub, config, callbacks, worker, subscriber: None };
        network.subscriber = Some(network.start());
        network
    }

    pub fn start(&self) -> Worker {
        let stop = CancellationToken::new();
        let deps = WebSub {
            store: self.sandbox.store.clone(),
            client: Client::new(&self.sandbox.fetch).unwrap(),
            config: self.config.clone(),
            public_url: Some(self.callbacks.clone()),
            health: Health::new("websub"),
        };
        Worker { stop: stop.clone(), task: tokio::spawn(websub::run(deps, stop)) }
    }

    /// A page with the hub in its header.
    pub fn page(&self, path: &str, body: String) -> Page {
        let link = format!("<{}>; rel=\"hub\", <{}>; rel=\"self\"", self.hub.url(), self.topic(path));
        Page::feed(body).header("link", &link)
    }

    pub fn topic(&self, path: &str) -> String {
        self.sandbox.publisher.url(2, path)
    }

    /// A feed of one entry that is subscribed to.
    pub async fn subscribed(&self, path: &str) -> FeedId {
        let page = self.page(path, rss(&[item("a", "First", 1)]));
        self.sandbox.publisher.set(path, page);
        let id = self.sandbox.add(2, path).await;
        self.sandbox.polled(id).await;
        self.reaches(id, SubscriptionState::Active).await;
        id
    }

    pub async fn subscription(&self, id: FeedId) -> Option<Subscription> {
        self.sandbox.store.feed_subscription(id).await.unwrap()
    }

    pub async fn reaches(&self, id: FeedId, state: SubscriptionState) -> Subscription {
        eventually(state.as_str(), || async { self.subscription(id).await.filter(|one| one.state == state) }).await
    }

    pub async fn callback(&self, id: FeedId) -> String {
        let token = self.subscription(id).await.unwrap().token;
        format!("{}websub/{token}", self.callbacks)
    }

    /// Waits until `guid` was told, and says how it came.
    pub async fn told(&self, id: FeedId, guid: &str, change: Change) -> Via {
        eventually(guid, || async {
            let events = self.sandbox.events(id).await;
            let of = |event: &&carewire_schemas::EntryV1| {
                event.content.guid.as_deref() == Some(guid) && event.change == change
            };
            events.iter().find(of).map(|event| event.via)
        })
        .await
    }

    pub async fn end(self) {
        self.worker.end().await;
        if let Some(subscriber) = self.subscriber {
            subscriber.end().await;
        }
    }
}
