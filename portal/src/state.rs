//! What the portal is given by the place that puts the parts together.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use carewire_conditions::Vocabulary;
use carewire_fetch::IpNet;
use carewire_query::SearchIndex;
use carewire_store::Store;
use serde_json::Value;
use url::Url;

use crate::{openapi, pages::lately::Lately};

/// What [`crate::router`] is made of.
pub struct PortalParts {
    /// The network database.
    pub store: Store,
    /// The full-text index that follows it.
    pub index: Arc<SearchIndex>,
    /// Conditions and their names.
    pub vocabulary: &'static Vocabulary,
    /// The address under which the network is reached; makes every absolute link. Never the Host header.
    pub public_url: Url,
    /// Addresses of proxies whose `X-Request-Id` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The version of the program, for the API description and the status.
    pub version: &'static str,
    /// The name of the network, as pages show it.
    pub name: String,
}

/// [`PortalParts`], shared by all requests.
#[derive(Clone)]
pub struct PortalState {
    shared: Arc<Shared>,
}

struct Shared {
    parts: PortalParts,
    /// `public_url` without a slash at its end.
    base: String,
    lately: Lately,
    openapi: OnceLock<Value>,
}

impl PortalState {
    /// Shares the parts.
    #[must_use]
    pub fn new(parts: PortalParts) -> Self {
        let base = parts.public_url.as_str().trim_end_matches('/').to_owned();
        Self { shared: Arc::new(Shared { parts, base, lately: Lately::default(), openapi: OnceLock::new() }) }
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.parts.store
    }

    /// The full-text index.
    #[must_use]
    pub fn index(&self) -> &SearchIndex {
        &self.shared.parts.index
    }

    /// The vocabulary.
    #[must_use]
    pub fn vocabulary(&self) -> &'static Vocabulary {
        self.shared.parts.vocabulary
    }

    /// The version of the program.
    #[must_use]
    pub fn version(&self) -> &'static str {
        self.shared.parts.version
    }

    /// The name of the network.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.parts.name
    }

    /// An absolute address; `path` begins with `/`.
    #[must_use]
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.shared.base)
    }

    /// Whether `peer` is a proxy of ours.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.shared.parts.trusted_proxies.iter().any(|net| net.contains(peer))
    }

    /// The OpenAPI document, made at the first call.
    #[must_use]
    pub fn openapi(&self) -> &Value {
        self.shared.openapi.get_or_init(|| openapi::document(&self.shared.base, self.version()))
    }

    pub(crate) fn lately(&self) -> &Lately {
        &self.shared.lately
    }
}
