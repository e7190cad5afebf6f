//! Verification of intent (section 5.3): the callback is asked whether it meant it, and must send the challenge back.

use carewire_fetch::{Client, Request};
use carewire_store::NewHubRequest;
use url::Url;
use uuid::Uuid;

/// How often a callback that cannot be reached is asked.
pub const TRIES: i64 = 3;

/// What the subscriber said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It sent the challenge back.
    Confirmed,
    /// It did not.
    Refused,
    /// It could not be asked.
    Failed,
}

/// Asks the callback; redirects are not followed.
pub async fn ask(client: &Client, asked: &NewHubRequest) -> Answer {
    let challenge = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let Some(url) = question(asked, &challenge) else { return Answer::Refused };
    match client.send(Request::get(url)).await {
        Ok(answer) if (200..300).contains(&answer.status) && answer.body == challenge.as_bytes() => Answer::Confirmed,
        Ok(answer) if answer.status >= 500 => Answer::Failed,
        Ok(_) => Answer::Refused,
        Err(error) if error.is_transient() => Answer::Failed,
        Err(error) => {
            tracing::debug!(host = asked.host, %error, "a callback cannot be asked");
            Answer::Refused
        }
    }
}

/// The callback with the hub's parameters behind its own.
fn question(asked: &NewHubRequest, challenge: &str) -> Option<Url> {
    let mut url = Url::parse(&asked.callback).ok()?;
    let mut pairs = url.query_pairs_mut();
    pairs.append_pair("hub.mode", if asked.subscribe { "subscribe" } else { "unsubscribe" });
    pairs.append_pair("hub.topic", &asked.given).append_pair("hub.challenge", challenge);
    if asked.subscribe {
        pairs.append_pair("hub.lease_seconds", &asked.lease.as_secs().to_string());
    }
    drop(pairs);
    Some(url)
}
