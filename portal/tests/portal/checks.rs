//! `POST /v1/checks`: a real feed on loopback, looked at under its host's lease.

use std::time::Duration;

use axum::{Router, http::StatusCode, routing::get};
use carewire_fetch::FetchConfig;
use carewire_visit::LeaseGate;

use crate::support::network;

const FEED: &str = "<rss version=\"2.0\"><channel><title>Clinic</title><link>https://clinic.example/</link>\
    <item><title>A & B</title><guid>1</guid></item></channel></rss>";

#[tokio::test]
async fn a_feed_is_checked_for_whoever_has_a_token() {
    let network = network().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().route("/feed.xml", get(|| async { ([("content-type", "application/rss+xml")], FEED) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let body = format!(r#"{{"url": "http://{address}/feed.xml"}}"#);
    let ask = async |token: Option<&str>, body: &str| network.send("POST", "/v1/checks", token, Some(body)).await;

    assert_eq!(ask(None, &body).await.status, StatusCode::UNAUTHORIZED);
    let answer = ask(Some(&network.tokens.other_member), &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let found = answer.json();
    assert_eq!((&found["ok"], &found["status"]), (&false.into(), &200.into()));
    assert_eq!(found["feed"]["title"], "Clinic");
    let codes: Vec<&str> =
        found["findings"].as_array().expect("a list").iter().filter_map(|f| f["code"].as_str()).collect();
    assert_eq!(codes[0], "bare-ampersand", "{codes:?}");
    for code in ["no-https", "no-validators", "language-missing", "entry-without-date", "hub-missing"] {
        assert!(codes.contains(&code), "{code} is not in {codes:?}");
    }
    let first = &found["findings"][0];
    assert_eq!(first["severity"], "error");
    for field in ["title", "effect", "mend", "spec", "link"] {
        assert!(first[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
    }

    for wrong in [
        r#"{"url": "ftp://clinic.example/"}"#,
        r#"{"url": "https://me:secret@clinic.example/"}"#,
        r#"{}"#,
        r#"{"url": 5}"#,
    ] {
        assert_eq!(ask(Some(&network.tokens.member), wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let closed = ask(Some(&network.tokens.member), r#"{"url": "http://192.168.0.1/feed"}"#).await.json();
    assert_eq!(closed["findings"][0]["code"], "unreachable", "{closed}");

    // While somebody else has the host, it is not asked.
    let url = format!("http://{address}/").parse().expect("an address");
    let config = FetchConfig { min_host_pause: Duration::ZERO, ..FetchConfig::default() };
    let gate = LeaseGate::take(network.store.clone(), &url, &config, Duration::from_secs(10)).await.expect("the lease");
    let busy = ask(Some(&network.tokens.curator), &body).await;
    assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE, "{}", busy.text());
    assert_eq!(busy.json()["type"], "/docs#busy");
    gate.close().await;
    assert_eq!(ask(Some(&network.tokens.curator), &body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_preview_shows_what_would_be_read() {
    let network = network().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().route("/feed.xml", get(|| async { ([("content-type", "application/rss+xml")], FEED) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let ask = async |token: Option<&str>, url: &str| {
        network.send("POST", "/v1/previews", token, Some(&format!(r#"{{"url": "{url}"}}"#))).await
    };
    let url = format!("http://{address}/feed.xml");
    assert_eq!(ask(None, &url).await.status, StatusCode::UNAUTHORIZED);
    let answer = ask(Some(&network.tokens.member), &url).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let found = answer.json();
    assert_eq!((&found["format"], &found["title"], &found["of"]), (&"RSS 2.0".into(), &"Clinic".into(), &1.into()));
    assert_eq!((&found["entries"][0]["title"], &found["entries"][0]["title_made"]), (&"A & B".into(), &false.into()));
    let closed = ask(Some(&network.tokens.member), "http://192.168.0.1/feed").await.json();
    assert!(closed["error"].is_string() && closed["format"].is_null(), "{closed}");
    let wrong = ask(Some(&network.tokens.member), "ftp://clinic.example/").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}
