//! What the portal is given by the place that puts the parts together.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use carewire_conditions::Vocabulary;
use carewire_fetch::{Client, IpNet};
use carewire_query::SearchIndex;
use carewire_store::{OwnershipTimes, Store};
use serde_json::Value;
use tokio::sync::Semaphore;
use url::Url;

use crate::{openapi, pages::lately::Lately};

/// Checks of feeds at the same time.
const MAX_CHECKS: usize = 4;

/// What [`crate::router`] is made of, shared by all requests.
#[derive(Clone)]
pub struct PortalState {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    client: Client,
    index: Arc<SearchIndex>,
    vocabulary: &'static Vocabulary,
    /// `public_url` without a slash at its end.
    base: String,
    trusted_proxies: Vec<IpNet>,
    name: String,
    lately: Lately,
    openapi: OnceLock<Value>,
    checks: Semaphore,
    ownership: OnceLock<OwnershipTimes>,
}

impl PortalState {
    /// Puts the parts together.
    ///
    /// `public_url` is the address under which the network is reached: it makes every absolute link, never the Host
    /// header. `trusted_proxies` are the addresses of proxies whose `X-Request-Id` is believed. The network is called
    /// `name`.
    #[must_use]
    pub fn new(
        store: Store,
        client: Client,
        index: Arc<SearchIndex>,
        vocabulary: &'static Vocabulary,
        public_url: &Url,
        trusted_proxies: Vec<IpNet>,
        name: impl Into<String>,
    ) -> Self {
        let shared = Shared {
            store,
            client,
            index,
            vocabulary,
            base: public_url.as_str().trim_end_matches('/').to_owned(),
            trusted_proxies,
            name: name.into(),
            lately: Lately::default(),
            openapi: OnceLock::new(),
            checks: Semaphore::new(MAX_CHECKS),
            ownership: OnceLock::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Says how often proofs of ownership are looked at again; without it, weekly with two weeks of grace.
    #[must_use]
    pub fn with_ownership(self, times: OwnershipTimes) -> Self {
        let _ = self.shared.ownership.set(times);
        self
    }

    /// How often proofs of ownership are looked at again.
    #[must_use]
    pub fn ownership(&self) -> OwnershipTimes {
        const DAY: Duration = Duration::from_secs(86_400);
        *self.shared.ownership.get_or_init(|| OwnershipTimes { recheck: 7 * DAY, grace: 14 * DAY })
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The guarded HTTP client, for what members ask the network to look at.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// The full-text index.
    #[must_use]
    pub fn index(&self) -> &SearchIndex {
        &self.shared.index
    }

    /// The vocabulary.
    #[must_use]
    pub fn vocabulary(&self) -> &'static Vocabulary {
        self.shared.vocabulary
    }

    /// The version of the program: all crates of the workspace carry the same.
    #[must_use]
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// The name of the network.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// An absolute address; `path` begins with `/`.
    #[must_use]
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.shared.base)
    }

    /// Whether `peer` is a proxy of ours.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.shared.trusted_proxies.iter().any(|net| net.contains(peer))
    }

    /// The OpenAPI document, made at the first call.
    #[must_use]
    pub fn openapi(&self) -> &Value {
        self.shared.openapi.get_or_init(|| openapi::document(&self.shared.base, self.version()))
    }

    /// Turns of checks: each holds a body and a connection.
    pub(crate) fn checks(&self) -> &Semaphore {
        &self.shared.checks
    }

    pub(crate) fn lately(&self) -> &Lately {
        &self.shared.lately
    }
}
