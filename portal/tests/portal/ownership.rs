//! Proving a feed by the API.

use axum::http::StatusCode;
use carewire_store::{OwnershipOutcome, Proof};

use crate::support::network;

#[tokio::test]
async fn who_may_prove_a_feed_and_how_it_is_told() {
    let network = network().await;
    let path = format!("/v1/feeds/{}/ownership", network.feed.id);
    let (member, other, curator) = (&network.tokens.member, &network.tokens.other_member, &network.tokens.curator);
    assert_eq!(network.get(&path).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(network.send("GET", &path, Some(other), None).await.status, StatusCode::FORBIDDEN);
    let shown = network.send("GET", &path, Some(member), None).await.json();
    assert_eq!(shown["state"], "none");
    let token = shown["token"].as_str().unwrap().to_owned();
    let ways: Vec<_> = shown["ways"].as_array().unwrap().iter().map(|way| way["way"].as_str().unwrap()).collect();
    assert_eq!(ways, ["well-known", "home-page", "dns", "feed", "link-back", "mail"]);
    assert!(shown["ways"][0]["text"].as_str().unwrap().contains(&token));

    for (token, body, status, part) in [
        (other, "{}", 403, "another organization"),
        (member, r#"{"looked": true}"#, 403, "only curators"),
        (curator, r#"{"looked": true}"#, 404, "not found"),
        (member, r#"{"mail": "jane@st-anne.example"}"#, 422, "one person's address"),
        (member, r#"{"mail": "info@evil.example"}"#, 422, "must be at st-anne.example"),
        (member, r#"{"code": "0000"}"#, 422, "no code holds"),
        (member, r#"{"code": "0000", "mail": "info@st-anne.example"}"#, 422, "give one of"),
        (member, r#"{"file": "x"}"#, 422, "unknown field"),
        (member, "{}", 202, "\"state\":\"asked\""),
        (curator, r#"{"looked": true}"#, 422, "no check has found a link"),
        (member, r#"{"mail": "info@st-anne.example"}"#, 202, "\"state\":\"asked\""),
        (member, r#"{"code": "0000"}"#, 422, "4 more may be tried"),
    ] {
        let answer = network.send("POST", &path, Some(token), Some(body)).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text());
        assert!(answer.text().contains(part), "{body}: {}", answer.text());
    }
    let mail = network.store.unsent_mail(10).await.unwrap().pop().unwrap();
    assert_eq!(mail.to, "info@st-anne.example");
    let code =
        mail.text.lines().map(str::trim).find(|line| line.len() == 10 && !line.contains(' ')).unwrap().to_owned();
    let body = format!(r#"{{"code": "{code}"}}"#);
    let proven = network.send("POST", &path, Some(member), Some(&body)).await.json();
    assert_eq!((proven["state"].as_str(), proven["way"].as_str()), (Some("proven"), Some("mail")));
    let feed = network.store.feed(network.feed.id).await.unwrap().unwrap();
    assert_eq!(feed.proof, Proof::Vouched, "the operator's word stays");
    let log = network.store.audit_log(10).await.unwrap();
    let actions: Vec<_> = log.iter().rev().map(|row| (row.entry.actor.as_str(), row.entry.action.as_str())).collect();
    let by = |action| ("mary", action);
    assert_eq!(actions, ["ask-ownership", "mail-ownership-code", "ask-ownership", "prove-feed"].map(by));
}

/// A channel that the home page links to waits for a curator's look.
#[tokio::test]
async fn a_curator_looks_at_a_channel() {
    let network = network().await;
    let id = network.feed.id;
    let path = format!("/v1/feeds/{id}/ownership");
    network.store.set_proof(id, Proof::None).await.unwrap();
    network.send("POST", &path, Some(&network.tokens.member), Some("{}")).await;
    let times = carewire_store::OwnershipTimes {
        recheck: std::time::Duration::from_secs(60),
        grace: std::time::Duration::ZERO,
    };
    let linked = OwnershipOutcome::Linked { place: "https://st-anne.example/".to_owned() };
    network.store.ownership_checked(id, &linked, &[], times, "check").await.unwrap();
    let shown = network.send("GET", &path, Some(&network.tokens.member), None).await.json();
    assert_eq!(shown["state"], "linked");
    let looked = network.send("POST", &path, Some(&network.tokens.curator), Some(r#"{"looked": true}"#)).await;
    assert_eq!(looked.json()["way"], "curator");
    assert_eq!(network.store.feed(id).await.unwrap().unwrap().proof, Proof::Proven);
}
