//! `/hub`: the network's own WebSub hub (W3C Recommendation, 23 January 2018) for every feed of the network.
//!
//! A request is read and kept here ([`request`]), answered 202, and then verified by whoever delivers ([`verify`], called
//! by [`crate::push`]): a callback that does not want the topic must not be sent anything. A topic is a feed's newest part;
//! its spellings are one topic, and each subscriber is told of it under the spelling that it used.

mod request;
pub mod verify;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use carewire_conditions::Vocabulary;
use carewire_store::{Store, StoreError};
use http::{HeaderValue, StatusCode, header};
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as humane;
use serde::{Deserialize, Serialize};

use crate::{config::ConfigError, feeds::Problem};

/// Largest request.
const MAX_BODY: usize = 16 * 1024;
/// A request must have come by then.
const BODY_TIME: Duration = Duration::from_secs(15);

/// `[hub]`: what may be asked of the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HubConfig {
    /// The lease of who asks for none.
    #[serde(with = "humane")]
    pub lease: Duration,
    /// The shortest lease.
    #[serde(with = "humane")]
    pub min_lease: Duration,
    /// The longest lease.
    #[serde(with = "humane")]
    pub max_lease: Duration,
    /// Most subscriptions of callbacks at one host.
    pub per_host: usize,
    /// Most requests of one host that wait for verification.
    pub requests_per_host: usize,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(10 * 86_400),
            min_lease: Duration::from_secs(300),
            max_lease: Duration::from_secs(30 * 86_400),
            per_host: 1_000,
            requests_per_host: 100,
        }
    }
}

impl HubConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let rules = [
            ("min_lease", self.min_lease >= Duration::from_secs(1), "must be at least \"1s\""),
            ("max_lease", self.max_lease >= self.min_lease, "must not be shorter than hub.min_lease"),
            ("max_lease", self.max_lease <= Duration::from_secs(365 * 86_400), "must be at most \"365d\""),
            ("per_host", self.per_host >= 1, "must be at least 1"),
            ("requests_per_host", self.requests_per_host >= 1, "must be at least 1"),
        ];
        ConfigError::first("hub", &rules)
    }

    /// The lease that somebody gets who asks for so many seconds.
    fn granted(&self, asked: Option<u64>) -> Duration {
        asked.map_or(self.lease, Duration::from_secs).clamp(self.min_lease, self.max_lease)
    }
}

/// What the hub needs to take requests.
struct Hub {
    store: Store,
    vocabulary: &'static Vocabulary,
    base: String,
    config: HubConfig,
}

/// The route of this module. `base` is the network's address with a slash at its end.
pub fn router(store: Store, vocabulary: &'static Vocabulary, base: String, config: HubConfig) -> Router {
    let wrong_method = async || {
        let mut response = said(StatusCode::METHOD_NOT_ALLOWED, "this is a WebSub hub: send it requests by POST\n");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        response
    };
    Router::new().route("/hub", post(take).fallback(wrong_method)).with_state(Arc::new(Hub {
        store,
        vocabulary,
        base,
        config,
    }))
}

/// Section 5.2: errors are told in plain text.
fn said(status: StatusCode, text: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let mut response = (status, headers, text.into()).into_response();
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

async fn take(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    let form = request.headers().get(header::CONTENT_TYPE).is_some_and(|value| {
        let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    });
    if !form {
        let text = "the request must be a form: application/x-www-form-urlencoded\n";
        return said(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    }
    let body = match tokio::time::timeout(BODY_TIME, to_bytes(request.into_body(), MAX_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return said(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large\n"),
        Err(_) => return said(StatusCode::REQUEST_TIMEOUT, "the request took too long\n"),
    };
    let asked = match request::read(&body, &hub.base, hub.vocabulary) {
        Ok(asked) => asked,
        Err(wrong) => return said(StatusCode::BAD_REQUEST, format!("{wrong}\n")),
    };
    if let Err(Problem { status, detail, .. }) = asked.topic.check(&hub.store, hub.vocabulary).await {
        let status = if status == StatusCode::NOT_FOUND { StatusCode::BAD_REQUEST } else { status };
        return said(status, format!("hub.topic: {detail}\n"));
    }
    let new = asked.into_new(|seconds| hub.config.granted(seconds));
    match hub.store.hub_request(&new, hub.config.requests_per_host, hub.config.per_host).await {
        Ok(()) => said(StatusCode::ACCEPTED, "it will be verified at the callback\n"),
        Err(StoreError::Conflict(text)) => said(StatusCode::TOO_MANY_REQUESTS, format!("{text} is asked already\n")),
        Err(error) => {
            tracing::warn!(%error, "a request to the hub could not be kept");
            said(StatusCode::SERVICE_UNAVAILABLE, "try again later\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_keep_within_their_bounds() {
        let config = HubConfig::default();
        for (asked, granted) in [(None, 864_000), (Some(0), 300), (Some(3_600), 3_600), (Some(u64::MAX), 30 * 86_400)] {
            assert_eq!(config.granted(asked).as_secs(), granted, "{asked:?}");
        }
    }
}
