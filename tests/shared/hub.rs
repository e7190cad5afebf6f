//! A hub for tests, written from the W3C Recommendation of 23 January 2018 (section numbers below) and not from our subscriber.
//! Shared by the tests of the subscriber and those of the whole.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Form, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use hmac::{Hmac, KeyInit, Mac};
use url::Url;

/// How the hub behaves towards whoever asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Mood {
    /// 202, and verifies at once (5.2, 5.3).
    #[default]
    Kind,
    /// Verifies before it answers, as hubs of older versions do.
    Synchronous,
    /// Answers 503 with `Retry-After`.
    Overloaded,
    /// Refuses by a 4xx with a reason in the body (5.2).
    Refusing,
    /// Accepts, then denies by GET (5.2).
    Denying,
    /// Accepts, and verifies another topic (an attack, or a mistake).
    WrongTopic,
    /// Accepts and is never heard of again.
    Forgetful,
}

/// A request as it came: the form's fields.
pub type Asked = HashMap<String, String>;

/// A subscription that was verified.
#[derive(Clone, Debug)]
pub struct Subscriber {
    pub callback: String,
    pub secret: Option<String>,
    pub until: Instant,
}

#[derive(Default)]
struct Inner {
    mood: Mood,
    lease: Option<Duration>,
    asked: Vec<Asked>,
    /// Statuses that callbacks gave to verifications.
    verified: Vec<(String, u16)>,
    /// By topic and callback (4: a subscription's key).
    subscribers: HashMap<(String, String), Subscriber>,
}

#[derive(Clone)]
pub struct Hub {
    inner: Arc<Mutex<Inner>>,
    address: SocketAddr,
    client: reqwest::Client,
}

impl Hub {
    pub async fn start() -> Hub {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hub = Hub { inner: Arc::default(), address, client: reqwest::Client::new() };
        let router = Router::new().route("/hub", post(ask)).with_state(hub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        hub
    }

    /// On a host of its own, so that its pauses are not the publisher's.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hub", self.address.port())
    }

    pub fn mood(&self, mood: Mood) {
        self.inner.lock().unwrap().mood = mood;
    }

    /// The lease given, whatever was asked (5.1: the hub decides).
    pub fn lease(&self, lease: Duration) {
        self.inner.lock().unwrap().lease = Some(lease);
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.inner.lock().unwrap().asked.clone()
    }

    pub fn verified(&self) -> Vec<(String, u16)> {
        self.inner.lock().unwrap().verified.clone()
    }

    /// Who is subscribed to a topic now.
    pub fn subscribers(&self, topic: &str) -> Vec<Subscriber> {
        let inner = self.inner.lock().unwrap();
        let now = Instant::now();
        let of = inner.subscribers.iter().filter(|((of, _), one)| of == topic && one.until > now);
        of.map(|(_, one)| one.clone()).collect()
    }

    /// 7: delivers to all subscribers of a topic, signed by `method` where they gave a secret. Answers the statuses.
    pub async fn publish(&self, topic: &str, body: &str, content_type: &str, method: &str) -> Vec<u16> {
        // Our side holds a subscription for active a moment before the hub has read our answer.
        let end = Instant::now() + Duration::from_secs(30);
        while self.subscribers(topic).is_empty() {
            assert!(Instant::now() < end, "waited too long for a subscriber of {topic}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let subscribers = self.subscribers(topic);
        let mut statuses = Vec::new();
        for one in subscribers {
            let signature = one.secret.as_deref().map(|secret| sign(method, secret, body.as_bytes()));
            statuses.push(self.deliver(&one.callback, topic, body, content_type, signature.as_deref()).await);
        }
        statuses
    }

    /// One delivery, as told.
    pub async fn deliver(
        &self,
        callback: &str,
        topic: &str,
        body: &str,
        content_type: &str,
        signature: Option<&str>,
    ) -> u16 {
        let link = format!("<{}>; rel=\"hub\", <{topic}>; rel=\"self\"", self.url());
        let mut request = self.client.post(callback).header("content-type", content_type).header("link", link);
        if let Some(signature) = signature {
            request = request.header("x-hub-signature", signature);
        }
        request.body(body.to_owned()).send().await.map_or(0, |answer| answer.status().as_u16())
    }

    /// 5.3: asks the subscriber whether it means it; the status, and whether it sent the challenge back.
    pub async fn verify(&self, callback: &str, mode: &str, topic: &str, lease: Option<u64>) -> (u16, bool) {
        let challenge = format!("challenge-{}", fastrand::u64(..));
        let mut url = Url::parse(callback).unwrap();
        url.query_pairs_mut()
            .append_pair("hub.mode", mode)
            .append_pair("hub.topic", topic)
            .append_pair("hub.challenge", &challenge);
        if let Some(lease) = lease {
            url.query_pairs_mut().append_pair("hub.lease_seconds", &lease.to_string());
        }
        let Ok(answer) = self.client.get(url).send().await else { return (0, false) };
        let status = answer.status().as_u16();
        let echoed = answer.text().await.is_ok_and(|text| text == challenge);
        (status, echoed)
    }

    async fn settle(&self, form: Asked, mood: Mood) {
        let (mode, topic, callback) =
            (form["hub.mode"].clone(), form["hub.topic"].clone(), form["hub.callback"].clone());
        if mood == Mood::Denying {
            let mut url = Url::parse(&callback).unwrap();
            url.query_pairs_mut()
                .append_pair("hub.mode", "denied")
                .append_pair("hub.topic", &topic)
                .append_pair("hub.reason", "not in our list");
            let status = self.client.get(url).send().await.map_or(0, |answer| answer.status().as_u16());
            self.inner.lock().unwrap().verified.push(("denied".to_owned(), status));
            return;
        }
        let asked = form.get("hub.lease_seconds").and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let lease = self.inner.lock().unwrap().lease.or(asked).unwrap_or(Duration::from_secs(864_000));
        let told = if mood == Mood::WrongTopic { "http://127.0.0.1/another".to_owned() } else { topic.clone() };
        let (status, echoed) = self.verify(&callback, &mode, &told, Some(lease.as_secs())).await;
        let mut inner = self.inner.lock().unwrap();
        inner.verified.push((mode.clone(), status));
        // 5.3.1: 2xx and the challenge, or it does not count.
        if !(200..300).contains(&status) || !echoed {
            return;
        }
        let key = (topic, callback.clone());
        match mode.as_str() {
            "unsubscribe" => drop(inner.subscribers.remove(&key)),
            _ => {
                let one =
                    Subscriber { callback, secret: form.get("hub.secret").cloned(), until: Instant::now() + lease };
                inner.subscribers.insert(key, one);
            }
        }
    }
}

async fn ask(State(hub): State<Hub>, headers: HeaderMap, Form(form): Form<Asked>) -> Response {
    assert_eq!(headers["content-type"], "application/x-www-form-urlencoded", "5.1");
    let mood = {
        let mut inner = hub.inner.lock().unwrap();
        inner.asked.push(form.clone());
        inner.mood.clone()
    };
    // 5.1: these must be there; a secret has less than 200 bytes.
    let good = ["hub.callback", "hub.mode", "hub.topic"].iter().all(|name| form.contains_key(*name));
    if !good || form.get("hub.secret").is_some_and(|secret| secret.len() >= 200) {
        return (StatusCode::BAD_REQUEST, "a parameter is missing or wrong").into_response();
    }
    match mood {
        Mood::Overloaded => {
            return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")], Body::empty()).into_response();
        }
        Mood::Refusing => return (StatusCode::FORBIDDEN, "this topic is not ours").into_response(),
        Mood::Forgetful => {}
        Mood::Synchronous => hub.settle(form, mood).await,
        mood => drop(tokio::spawn(async move { hub.settle(form, mood).await })),
    }
    StatusCode::ACCEPTED.into_response()
}

/// 7.1: `method=signature` in hexadecimal.
pub fn sign(method: &str, secret: &str, body: &[u8]) -> String {
    fn hex<M: Mac + KeyInit>(secret: &str, body: &[u8]) -> String {
        let mac = <M as KeyInit>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
    let digits = match method {
        "sha1" => hex::<Hmac<sha1::Sha1>>(secret, body),
        "sha256" => hex::<Hmac<sha2::Sha256>>(secret, body),
        "sha384" => hex::<Hmac<sha2::Sha384>>(secret, body),
        "sha512" => hex::<Hmac<sha2::Sha512>>(secret, body),
        other => panic!("{other} is no method of the specification"),
    };
    format!("{method}={digits}")
}
