//! Every route of the table × every role.

use axum::http::StatusCode;
use carewire_portal::{auth::Access, routes};
use carewire_schemas::OutcomeState;
use carewire_store::Standing;

use crate::support::{self, network};

/// With a body that no route takes, so that nothing is changed: who may not is told so before the body is looked at.
#[tokio::test]
async fn every_route_asks_for_its_role() {
    let network = network().await;
    let callers = [
        ("nobody", None, None),
        ("member", Some(&network.tokens.member), Some(Access::Member)),
        ("curator", Some(&network.tokens.curator), Some(Access::Curator)),
        ("operator", Some(&network.tokens.operator), Some(Access::Operator)),
    ];
    for route in routes::table() {
        let method = format!("{:?}", MethodName(&route)).replace('"', "");
        let path = route
            .path
            .replace("{slug}", "st-anne")
            .replace("{id}", "00000000-0000-0000-0000-000000000000")
            .replace("{code}", support::DIABETES);
        let body = (method != "GET").then_some("[]");
        for (name, token, role) in callers {
            let answer = network.send(&method, &path, token.map(String::as_str), body).await;
            let allowed =
                matches!(route.access, Access::Open | Access::Public) || role.is_some_and(|role| role >= route.access);
            let refused = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            assert_eq!(!refused, allowed, "{name}: {method} {path}: {} {}", answer.status, answer.text());
            if !allowed {
                let expected = if token.is_none() { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
                assert_eq!(answer.status, expected, "{name}: {method} {path}");
            }
            assert!(!answer.status.is_server_error(), "{name}: {method} {path}: {}", answer.text());
        }
        let unknown = network.send(&method, &path, Some("cw_unknown"), body).await;
        let refused = unknown.status == StatusCode::UNAUTHORIZED;
        assert_eq!(
            refused,
            route.access != Access::Open,
            "a wrong token is refused where tokens count: {method} {path}"
        );
    }
}

struct MethodName<'a>(&'a routes::Route);

impl std::fmt::Debug for MethodName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = serde_json::to_string(&self.0.method).expect("a method has a name");
        f.write_str(&text.to_uppercase())
    }
}

/// What depends on the object: members write to their own organization's things only, and see nobody else's secrets.
#[tokio::test]
async fn members_keep_to_their_own() {
    let network = network().await;
    let applied = support::organization(&network.store, "newcomer", "Newcomer", Standing::Applied).await;
    let (member, other, curator) = (&network.tokens.member, &network.tokens.other_member, &network.tokens.curator);
    let operator = &network.tokens.operator;
    let feed = format!("/v1/feeds/{}", network.feed.id);
    let poll = format!("{feed}/poll");
    let new_feed = r#"{"organization": "st-anne", "url": "https://st-anne.example/other.xml"}"#;
    let cases: &[(&str, &str, &str, &str, u16)] = &[
        (member, "PATCH", "/v1/organizations/st-anne", r#"{"kind": "clinic"}"#, 200),
        (other, "PATCH", "/v1/organizations/st-anne", r#"{"kind": "clinic"}"#, 403),
        (curator, "PATCH", "/v1/organizations/st-anne", r#"{"kind": "hospital"}"#, 200),
        (other, "POST", "/v1/feeds", new_feed, 403),
        (member, "POST", "/v1/feeds", new_feed, 201),
        (member, "POST", "/v1/feeds", new_feed, 409),
        (other, "PATCH", &feed, r#"{"state": "paused"}"#, 403),
        (member, "PATCH", &feed, r#"{"state": "paused"}"#, 200),
        (member, "POST", &poll, "", 422),
        (member, "PATCH", &feed, r#"{"state": "active"}"#, 200),
        (member, "POST", &poll, "", 202),
        (other, "POST", &poll, "", 403),
        (member, "PATCH", &feed, r#"{"proof": "vouched"}"#, 403),
        (curator, "PATCH", &feed, r#"{"proof": "vouched"}"#, 403),
        (operator, "PATCH", &feed, r#"{"proof": "none"}"#, 200),
        (operator, "PATCH", &feed, r#"{"proof": "proven"}"#, 422),
        (member, "GET", "/v1/organizations/newcomer", "", 404),
        (curator, "GET", "/v1/organizations/newcomer", "", 200),
        (member, "GET", "/v1/organizations?standing=applied", "", 403),
        (curator, "GET", "/v1/organizations?standing=applied", "", 200),
        (member, "GET", "/v1/items?state=held", "", 403),
        (curator, "GET", "/v1/items?state=held", "", 200),
    ];
    for (token, method, path, body, expected) in cases {
        let body = (!body.is_empty()).then_some(*body);
        let answer = network.send(method, path, Some(token), body).await;
        assert_eq!(answer.status.as_u16(), *expected, "{method} {path} {body:?}: {}", answer.text());
    }
    assert_eq!(network.get("/v1/organizations/newcomer").await.status, StatusCode::NOT_FOUND);
    assert_eq!(network.get("/organizations/newcomer").await.status, StatusCode::NOT_FOUND);
    assert_eq!(applied.standing, Standing::Applied);
}

/// What was never public is not there for the public, by any address.
#[tokio::test]
async fn held_items_are_hidden() {
    let network = network().await;
    let item = support::item(&network, 1, "Waiting", OutcomeState::Held);
    network.put(vec![item.clone()]).await;
    let (json, page) = (format!("/v1/items/{}", item.item), format!("/items/{}", item.item));
    for path in [&json, &page] {
        let answer = network.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.text().contains("Waiting"), "{path}");
    }
    assert!(!network.get("/v1/items").await.text().contains("Waiting"));
    let review = format!("{json}?view=review");
    assert_eq!(network.get(&review).await.status, StatusCode::UNAUTHORIZED);
    let seen = network.send("GET", &review, Some(&network.tokens.curator), None).await;
    assert_eq!(seen.json()["content"]["title"], "Waiting");
}
