//! `GET /v1/stream?…`: changes of whatever answers a question, as server-sent events.
//!
//! Thousands of clients share one reading of the change log and one writing of each event ([`live`], [`frames`]); a
//! client is a position and a question ([`client`]). The sequence is the one cursor: `Last-Event-ID` is a number of it,
//! so a client that was cut anywhere goes on without gap or double.
//!
//! | event | when | data |
//! | --- | --- | --- |
//! | `add` | an item answers the question from now on | as a line of `/v1/changes` |
//! | `update` | it did and does, and is another now | the same |
//! | `remove` | it does no longer | the same with `state` `withdrawn` (and why) or `left` |
//! | `synced` | everything until now was sent | `{"seq":…}` |

mod client;
mod config;
pub(crate) mod frames;
mod live;
pub mod metrics;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, RawQuery, Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use carewire_bus::Health;
use carewire_conditions::Vocabulary;
use carewire_query::{Query, SearchIndex};
use carewire_schemas::ChangeSeq;
use carewire_store::Store;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::feeds::Problem;
use client::{Client, Place};
pub use config::StreamsConfig;
use live::Live;

/// Clients for which the store is read at the same time; the others wait for their turn.
const READERS: usize = 4;

/// What serving streams needs. Cheap to clone.
#[derive(Clone)]
pub struct Streams {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    index: Arc<SearchIndex>,
    vocabulary: &'static Vocabulary,
    config: StreamsConfig,
    live: Live,
    sequence: watch::Receiver<ChangeSeq>,
    readers: Semaphore,
    addresses: Mutex<HashMap<IpAddr, usize>>,
    trusts: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
    stop: CancellationToken,
}

impl Streams {
    /// Streams over `store` and the index that follows it; they end when `stop` is cancelled. `trusts` says which
    /// peers are proxies whose `X-Forwarded-For` names the client.
    #[must_use]
    pub fn new(
        store: Store,
        index: Arc<SearchIndex>,
        vocabulary: &'static Vocabulary,
        config: StreamsConfig,
        trusts: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
        stop: CancellationToken,
    ) -> Self {
        let inner = Inner {
            live: Live::new(store.clone()),
            sequence: store.sequence(),
            store,
            index,
            vocabulary,
            config,
            readers: Semaphore::new(READERS),
            addresses: Mutex::default(),
            trusts: Box::new(trusts),
            stop,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Reads the change log for all streams, until the stop signal.
    pub async fn run(&self, health: &Health) {
        self.inner.live.run(health, &self.inner.stop).await;
    }
}

/// The route of this module.
pub fn router(streams: Streams) -> Router {
    Router::new().route("/v1/stream", get(stream).fallback(crate::feeds::method_not_allowed)).with_state(streams)
}

async fn stream(State(streams): State<Streams>, RawQuery(query): RawQuery, request: Request) -> Response {
    let inner = &streams.inner;
    let (query, after) = match asked(query.as_deref(), request.headers(), inner.vocabulary) {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let address = peer.map(|peer| match (inner.trusts)(peer) {
        true => forwarded(request.headers()).unwrap_or(peer),
        false => peer,
    });
    let Some(place) = Place::take(inner, address) else {
        metrics::REFUSED.inc();
        let detail = "there are too many streams, of this address or in all; try again later, or poll /v1/changes";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response();
    };
    let client = Client::new(inner, place, Arc::new(query), after);
    let mut response = Response::new(Body::from_stream(futures::stream::unfold(client, Client::next)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    // nginx would keep events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The question, and up to which number the client has everything. `Last-Event-ID` is newer than the address, which a
/// browser asks again as it is.
fn asked(
    raw: Option<&str>,
    headers: &HeaderMap,
    vocabulary: &Vocabulary,
) -> Result<(Query, Option<ChangeSeq>), Problem> {
    let number = |text: &str| text.trim().parse::<ChangeSeq>().ok().filter(|number| *number >= 0);
    let (mut after, mut rest) = (None, Vec::new());
    for (key, value) in url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
        if key == "after" {
            let right = "after: must be a number of the sequence, 0 for everything that is there";
            after = Some(number(&value).ok_or_else(|| Problem::parameter("after", right))?);
        } else {
            rest.push((key, value));
        }
    }
    let query = question(rest, vocabulary)?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let last = last.map(|text| {
        number(text).ok_or_else(|| Problem::parameter("Last-Event-ID", "Last-Event-ID: must be an id of this stream"))
    });
    Ok((query, last.transpose()?.or(after)))
}

/// A question asked of changes, which come in one order.
pub(crate) fn question<'a>(
    pairs: Vec<(std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>)>,
    vocabulary: &Vocabulary,
) -> Result<Query, Problem> {
    let query = Query::from_pairs(pairs, vocabulary)?;
    if query.sort.is_some() {
        return Err(Problem::parameter("sort", "sort: changes come in the order of the sequence; leave it out"));
    }
    Ok(query)
}

/// The client that the last proxy names.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}
