//! Feeds over HTTP: Atom, RSS and JSON Feed of any question, OPML, and the sequence as NDJSON.
//!
//! Invalidation goes by what changed, not by time. A rendered feed ([`cache`]) notes the number of the sequence up to
//! which it has been checked; a request walks the change rows since then, and only a row whose fields before or after
//! answer the feed's question makes it render again ([`build`]). A request that finds nothing new costs a look-up and a
//! comparison ([`respond`]).
//!
//! What is filtered comes from the search index, which follows the sequence with some 200 ms behind; the rows that it has
//! not seen yet are laid over its answer, so that a feed is never older than the store.
//!
//! | address | what |
//! | --- | --- |
//! | `/feeds/all.{atom,rss,json}` | everything curated |
//! | `/feeds/conditions/{code}.{…}` | about a condition and what is below it; `?mentions=include` widens |
//! | `/feeds/organizations/{slug}.{…}` | carried by an organization |
//! | `/feeds/search.{…}?…` | any question; pages by `after` (RFC 5005 §3) |
//! | `?archive=A-B` | of the first three: items whose `first` is in that range (RFC 5005 §4, [`archive`]) |
//! | `/opml` | these feeds, by condition and organization |
//! | `/v1/changes` | the sequence ([`changes`]) |

mod address;
mod archive;
mod build;
mod cache;
mod changes;
pub mod metrics;
mod opml;
mod problem;
mod respond;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod topic;

use std::sync::Arc;

use axum::{Router, routing::get};
use carewire_conditions::Vocabulary;
use carewire_query::SearchIndex;
use carewire_schemas::ChangeSeq;
use carewire_store::Store;
use tokio::sync::watch;
use url::Url;

use cache::Cache;
pub use problem::Problem;
pub(crate) use problem::method_not_allowed;

/// Bytes of rendered feeds kept, compressed forms included.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// What serving feeds needs. Cheap to clone.
#[derive(Clone)]
pub struct FeedsState {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    index: Arc<SearchIndex>,
    vocabulary: &'static Vocabulary,
    /// The network's address with a slash at its end.
    base: String,
    /// Address of the WebSub hub that feeds name, when there is one.
    hub: Option<String>,
    sequence: watch::Receiver<ChangeSeq>,
    cache: Cache,
}

impl FeedsState {
    /// Feeds over `store` and the index that follows it. `public_url` makes all links.
    #[must_use]
    pub fn new(store: Store, index: Arc<SearchIndex>, vocabulary: &'static Vocabulary, public_url: Url) -> Self {
        let mut base = public_url.to_string();
        if !base.ends_with('/') {
            base.push('/');
        }
        let (hub, sequence) = (Some(topic::hub_address(&base)), store.sequence());
        let cache = Cache::new(CACHE_BYTES);
        Self { inner: Arc::new(Inner { store, index, vocabulary, base, hub, sequence, cache }) }
    }

    /// The last number of the sequence that this process knows.
    fn current(&self) -> ChangeSeq {
        *self.inner.sequence.borrow()
    }
}

/// The routes of this module.
pub fn router(state: FeedsState) -> Router {
    let wrong_method = problem::method_not_allowed;
    Router::new()
        .route("/feeds/{file}", get(respond::top).fallback(wrong_method))
        .route("/feeds/conditions/{file}", get(respond::condition).fallback(wrong_method))
        .route("/feeds/organizations/{file}", get(respond::organization).fallback(wrong_method))
        .route("/opml", get(respond::opml).fallback(wrong_method))
        .route("/v1/changes", get(changes::get).fallback(wrong_method))
        .with_state(state)
}
