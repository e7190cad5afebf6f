//! `/websub/{token}`: where hubs verify our intent (section 5.3), deny (5.2) and deliver (7).
//!
//! Who does not know a token gets nowhere, and who knows one but not its secret is answered as if all were well (section 7.1.2), so that
//! nothing can be learned by trying.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use carewire_store::{NewPing, Store, StoreError, SubscriptionState};
use sha2::{Digest, Sha256};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use url::form_urlencoded;

use super::{
    WebsubConfig,
    link::links,
    polled::random_text,
    signature::{Signature, check},
};
use crate::metrics;

/// Bodies taken in at the same time: bounds memory to so many times `max_body`.
const AT_ONCE: usize = 16;
/// A body must have come by then.
const BODY_TIME: Duration = Duration::from_secs(30);
/// The longest challenge that is sent back.
const MAX_CHALLENGE: usize = 4096;
/// A hub that denied is asked again after this time.
const DENIED_RETRY: Duration = Duration::from_secs(7 * 86_400);
/// Leases outside of these bounds are taken as the nearer one.
const LEASE: (u64, u64) = (1, 90 * 86_400);

/// What requests share.
struct Shared {
    store: Store,
    config: WebsubConfig,
    slots: Semaphore,
    /// Pings of each subscription in the running minute.
    rates: Mutex<HashMap<String, (Instant, u32)>>,
}

/// The callbacks of all subscriptions. Needs no fallback of its own: it is merged into whatever serves `public_url`.
pub fn router(store: Store, config: WebsubConfig) -> Router {
    let shared = Shared { store, config, slots: Semaphore::new(AT_ONCE), rates: Mutex::default() };
    Router::new().route("/websub/{token}", get(verify).post(deliver)).with_state(Arc::new(shared))
}

fn answer(status: StatusCode, text: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        // The challenge is the hub's text: no browser may take it for anything else.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, text.into()).into_response()
}

fn away(error: &StoreError) -> Response {
    tracing::warn!(%error, "a hub was sent away for now");
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, "try again later\n");
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("60"));
    response
}

/// Whether a text has the form of our tokens; others need not be looked up.
fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

async fn verify(State(shared): State<Arc<Shared>>, Path(token): Path<String>, RawQuery(query): RawQuery) -> Response {
    let pairs: HashMap<String, String> =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let value = |name: &str| pairs.get(name).map_or("", String::as_str);
    let (mode, topic, challenge) = (value("hub.mode"), value("hub.topic"), value("hub.challenge"));
    let unknown = || answer(StatusCode::NOT_FOUND, "no such subscription\n");
    if !is_token(&token) {
        return unknown();
    }
    let done = match mode {
        "subscribe" | "unsubscribe" if challenge.is_empty() || challenge.len() > MAX_CHALLENGE => {
            return answer(StatusCode::BAD_REQUEST, "hub.challenge is missing or too long\n");
        }
        "subscribe" => {
            let given = value("hub.lease_seconds").parse::<u64>().ok().filter(|&seconds| seconds > 0);
            let lease = given.map_or(shared.config.lease, |s| Duration::from_secs(s.clamp(LEASE.0, LEASE.1)));
            shared.store.verify_subscription(&token, topic, Some((lease, lease.mul_f64(0.8)))).await
        }
        "unsubscribe" => shared.store.verify_subscription(&token, topic, None).await,
        "denied" => {
            let reason: String = value("hub.reason").chars().filter(|c| !c.is_control()).take(300).collect();
            let reason = format!("the hub denied it: {reason}");
            deny(&shared.store, &token, topic, &reason).await
        }
        _ => return answer(StatusCode::BAD_REQUEST, "hub.mode must be subscribe, unsubscribe or denied\n"),
    };
    let confirmed = match done {
        Ok(confirmed) => confirmed,
        Err(error) => return away(&error),
    };
    let outcome = match (mode, confirmed) {
        ("denied", true) => "denied",
        (_, true) => "confirmed",
        (_, false) => "unknown",
    };
    metrics::WEBSUB_VERIFICATIONS.with_label_values(&[outcome]).inc();
    match confirmed {
        true => answer(StatusCode::OK, challenge.to_owned()),
        false => unknown(),
    }
}

/// Notes a denial, and turns to the feed's next hub where it names one.
async fn deny(store: &Store, token: &str, topic: &str, reason: &str) -> Result<bool, StoreError> {
    let denied = store.deny_subscription(token, topic, reason, DENIED_RETRY).await?;
    if denied && let Some(next) = store.fall_back(token, reason, (&random_text(), &random_text()), DENIED_RETRY).await?
    {
        tracing::info!(topic, reason, next, "the feed's next hub is asked");
    }
    Ok(denied)
}

async fn deliver(
    State(shared): State<Arc<Shared>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (status, outcome) = match take(&shared, token, &headers, body).await {
        Ok(done) => done,
        Err(error) => {
            metrics::WEBSUB_PINGS.with_label_values(&["failed"]).inc();
            return away(&error);
        }
    };
    metrics::WEBSUB_PINGS.with_label_values(&[outcome]).inc();
    let mut response = answer(status, "");
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("60"));
    }
    response
}

/// Checks a ping and keeps it; answers the status and what the metric counts.
async fn take(
    shared: &Shared,
    token: String,
    headers: &HeaderMap,
    body: Body,
) -> Result<(StatusCode, &'static str), StoreError> {
    if !is_token(&token) {
        return Ok((StatusCode::NOT_FOUND, "unknown"));
    }
    let Some(subscription) = shared.store.subscription(&token).await? else {
        return Ok((StatusCode::NOT_FOUND, "unknown"));
    };
    if !matches!(subscription.state, SubscriptionState::Asked | SubscriptionState::Active) {
        // Section 7: 410 tells the hub that there is nobody any more.
        return Ok((StatusCode::GONE, "ended"));
    }
    if !shared.admits(&token) {
        return Ok((StatusCode::TOO_MANY_REQUESTS, "too-many"));
    }
    let Ok(_slot) = shared.slots.acquire().await else { return Ok((StatusCode::SERVICE_UNAVAILABLE, "failed")) };
    let body = match timeout(BODY_TIME, to_bytes(body, shared.config.max_body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Ok((StatusCode::PAYLOAD_TOO_LARGE, "too-large")),
        Err(_) => return Ok((StatusCode::REQUEST_TIMEOUT, "too-slow")),
    };
    let header = headers.get("x-hub-signature").and_then(|value| value.to_str().ok());
    match check(header, &subscription.secret, &body) {
        Signature::Good => {}
        Signature::Missing => return Ok((StatusCode::ACCEPTED, "unsigned")),
        Signature::Wrong => return Ok((StatusCode::ACCEPTED, "wrong-signature")),
    }
    let thin = is_thin(headers, &body, &subscription.topic);
    let ping = NewPing {
        token,
        content_type: headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned),
        digest: Sha256::digest(&body).into(),
        body: if thin { Vec::new() } else { body.into() },
        thin,
    };
    Ok(match shared.store.store_ping(ping).await? {
        true => (StatusCode::ACCEPTED, if thin { "thin" } else { "stored" }),
        false => (StatusCode::GONE, "ended"),
    })
}

/// Whether a ping says only that something changed: it is empty, or of another topic than ours.
fn is_thin(headers: &HeaderMap, body: &Bytes, topic: &str) -> bool {
    let links = links(headers);
    let mut own = links.iter().filter(|(_, rels)| rels.split(' ').any(|rel| rel == "self")).peekable();
    let other = own.peek().is_some() && !own.any(|(url, _)| url == topic);
    other || body.iter().all(u8::is_ascii_whitespace)
}

impl Shared {
    /// Counts a ping; false where its subscription has had its share of this minute.
    fn admits(&self, token: &str) -> bool {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        if rates.len() > 10_000 {
            rates.retain(|_, (since, _)| now.duration_since(*since) < minute);
        }
        let (since, count) = rates.entry(token.to_owned()).or_insert((now, 0));
        if now.duration_since(*since) >= minute {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= self.config.pings_per_minute
    }
}
