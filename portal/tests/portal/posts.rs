//! `POST /v1/items`: who may post, what is named as wrong, what is kept.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::network;

#[tokio::test]
async fn what_is_posted_is_kept_as_a_document_before_the_answer() {
    let network = network().await;
    let (mary, kim) = (&network.tokens.member, &network.tokens.other_member);
    let post = async |token: Option<&str>, body: Value| {
        network.send("POST", "/v1/items", token, Some(&body.to_string())).await
    };
    let body = json!({"organization": "st-anne", "id": "flu", "title": "Flu & you", "text": "Wash your hands.",
        "media": [{"url": "https://st-anne.example/flu.jpg", "type": "image/jpeg", "title": "Clean hands"}]});
    assert_eq!(post(None, body.clone()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(post(Some(kim), body.clone()).await.status, StatusCode::FORBIDDEN, "another's organization");
    let answer = post(Some(mary), body.clone()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let posted = answer.json();
    assert_eq!(posted["id"], "flu");
    let kept = network.store.claim_pings(10, Duration::from_secs(60)).await.expect("what waits");
    assert_eq!((kept.len(), kept[0].feed.to_string().as_str()), (1, posted["feed"].as_str().expect("an id")));
    let parsed = carewire_feeds::parse(&kept[0].body, &carewire_feeds::Context::default());
    let entry = &parsed.entries[0];
    assert_eq!(
        (entry.id.as_deref(), entry.title.as_ref().map(|title| &*title.value)),
        (Some("flu"), Some("Flu & you"))
    );
    assert_eq!(entry.media[0].title.as_deref(), Some("Clean hands"));
    network.store.ping_done(kept[0].id).await.expect("read");

    let back = post(Some(mary), json!({"organization": "st-anne", "id": "flu", "withdraw": true})).await;
    assert_eq!((back.status, &back.json()["entry"]), (StatusCode::ACCEPTED, &posted["entry"]));
    let kept = network.store.claim_pings(10, Duration::from_secs(60)).await.expect("what waits");
    let parsed = carewire_feeds::parse(&kept[0].body, &carewire_feeds::Context::default());
    assert_eq!(parsed.deleted[0].ref_, "flu");
    let log = network.store.audit_log(10).await.expect("the log");
    let actions: Vec<&str> = log.iter().map(|row| row.entry.action.as_str()).collect();
    assert_eq!(actions[..2], ["withdraw-post", "post-item"]);
}

#[tokio::test]
async fn what_is_wrong_is_named_by_its_field() {
    let network = network().await;
    let with = |more: Value| {
        let mut body = json!({"organization": "st-anne", "id": "flu", "title": "Flu"});
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    for (body, field) in [
        (json!({"id": "a", "title": "A"}), "organization"),
        (with(json!({"organization": "nobody"})), "organization"),
        (json!({"organization": "st-anne", "title": "A"}), "id"),
        (with(json!({"id": "x".repeat(501)})), "id"),
        (with(json!({"id": "a\u{7}"})), "id"),
        (with(json!({"title": " "})), "title"),
        (with(json!({"title": "x".repeat(501)})), "title"),
        (with(json!({"html": "<p>a</p>", "text": "a"})), "html"),
        (with(json!({"url": "javascript:alert(1)"})), "url"),
        (with(json!({"url": "https://me:secret@st-anne.example/"})), "url"),
        (with(json!({"licence": "free"})), "licence"),
        (with(json!({"language": "<b>"})), "language"),
        (with(json!({"published": "yesterday"})), "published"),
        (with(json!({"authors": [{"name": "A", "url": "file:///etc/passwd"}]})), "authors[0].url"),
        (with(json!({"media": [{"url": ""}]})), "media[0].url"),
        (with(json!({"categories": vec!["a"; 51]})), "categories"),
        (with(json!({"withdraw": true})), "withdraw"),
        (with(json!({"colour": "red"})), "colour"),
    ] {
        let answer = network.send("POST", "/v1/items", Some(&network.tokens.curator), Some(&body.to_string())).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.text());
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}: {}", answer.text());
    }
    assert!(network.store.claim_pings(10, Duration::from_secs(60)).await.expect("what waits").is_empty());
    // Where what it posts is paused, that is said, not dropped.
    let feed = network.store.posted_feed(network.organization.id).await.expect("a feed");
    network.store.set_feed_state(feed.id, carewire_store::FeedState::Paused).await.expect("paused");
    let paused = with(json!({})).to_string();
    let answer = network.send("POST", "/v1/items", Some(&network.tokens.member), Some(&paused)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    let registered =
        json!({"organization": "st-anne", "url": "https://st-anne.example/x", "kind": "posted"}).to_string();
    let answer = network.send("POST", "/v1/feeds", Some(&network.tokens.member), Some(&registered)).await;
    assert_eq!(answer.json()["errors"][0]["field"], "kind", "{}", answer.text());
}
