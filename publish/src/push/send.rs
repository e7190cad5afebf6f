//! One delivery over the network: sent, answered, and what follows from the answer.

use std::{sync::Arc, time::Duration};

use carewire_fetch::{Client, Request, retry_after};
use carewire_store::{PushDone, PushOutcome, PushSubscription};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderValue, header};
use jiff::Timestamp;
use sha2::Sha256;
use url::Url;

use super::{PushConfig, metrics, parcel::Parcel};
use crate::feeds::topic::hub_links;

/// Longest reason that is kept of a failure.
const REASON: usize = 200;

/// Why a delivery was not taken.
struct Refused {
    why: String,
    asked: Option<Duration>,
    gone: bool,
}

/// `sha256=…` of the body under the subscriber's secret (WebSub, section 7.1).
pub fn hub_signature(secret: &str, body: &[u8]) -> Option<HeaderValue> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?.chain_update(body).finalize();
    let digits: String = mac.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("sha256={digits}")).ok()
}

/// Delivers a parcel and says what came of it.
pub async fn deliver(
    client: Client,
    config: Arc<PushConfig>,
    base: Arc<str>,
    to: PushSubscription,
    parcel: Parcel,
) -> PushDone {
    let kind = to.kind.as_str();
    let (cursor, outcome) = match post(&client, &base, &to, &parcel).await {
        Ok(()) => {
            metrics::DELIVERIES.with_label_values(&[kind, "taken"]).inc();
            (parcel.upto, PushOutcome::Taken { messages: 1, pause: config.pause })
        }
        Err(refused) => {
            let failing = to.failing_since.map_or(Duration::ZERO, |since| {
                Duration::try_from(Timestamp::now().duration_since(since)).unwrap_or_default()
            });
            let end = refused.gone || failing >= config.give_up;
            metrics::DELIVERIES.with_label_values(&[kind, if end { "given-up" } else { "failed" }]).inc();
            if end {
                tracing::info!(subscription = %to.id, host = to.host, why = refused.why, "a subscriber is given up");
            }
            let wait = config.wait(to.tries, refused.asked);
            (to.cursor, PushOutcome::Failed { error: refused.why, wait, end })
        }
    };
    PushDone { id: to.id, cursor, outcome }
}

async fn post(client: &Client, base: &str, to: &PushSubscription, parcel: &Parcel) -> Result<(), Refused> {
    let refused = |why: String| Refused { why: why.chars().take(REASON).collect(), asked: None, gone: false };
    let Some(body) = &parcel.body else { return Ok(()) };
    let url: Url = to.callback.parse().map_err(|error| refused(format!("the callback is no address: {error}")))?;
    let mut request = Request::post(url, parcel.media_type.clone(), body.clone());
    if let Ok(links) = HeaderValue::from_str(&hub_links(base, &to.given)) {
        request.headers.insert(header::LINK, links);
    }
    if let Some(signature) = to.secret.as_deref().and_then(|secret| hub_signature(secret, body)) {
        request.headers.insert("x-hub-signature", signature);
    }
    let answer = client.send(request).await.map_err(|error| refused(error.to_string()))?;
    metrics::SECONDS.observe(answer.elapsed.as_secs_f64());
    match answer.status {
        200..=299 => Ok(()),
        410 => Err(Refused { gone: true, ..refused("the subscriber is gone (410)".to_owned()) }),
        status => {
            let asked = retry_after(&answer.headers, Timestamp::now());
            Err(Refused { asked, ..refused(format!("the subscriber answered {status}")) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_specification() {
        // RFC 4231, case 2.
        let signature = hub_signature("Jefe", b"what do ya want for nothing?").expect("a signature");
        assert_eq!(signature, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
