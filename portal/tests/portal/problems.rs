//! Bad input: every problem names the field or parameter, and says what would be right.

use std::fmt::Write;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use crate::support::{network, settled};

#[tokio::test]
async fn problems_say_what_is_wrong() {
    let network = network().await;
    let (operator, curator) = (network.tokens.operator.as_str(), network.tokens.curator.as_str());
    let cases: &[(&str, &str, Option<&str>, Option<&str>)] = &[
        ("GET", "/v1/nothing", None, None),
        ("DELETE", "/v1/items", None, None),
        ("POST", "/v1/tokens", None, Some("{}")),
        ("POST", "/v1/tokens", Some(curator), Some("{}")),
        ("POST", "/v1/organizations", Some(operator), Some("{\"name\": ")),
        ("POST", "/v1/organizations", Some(operator), Some("{\"nmae\": \"X\"}")),
        ("POST", "/v1/organizations", Some(operator), Some("{}")),
        ("POST", "/v1/organizations", Some(operator), Some("{\"name\": 3}")),
        ("POST", "/v1/organizations", Some(operator), Some("{\"name\": \"X\", \"standing\": \"friend\"}")),
        (
            "POST",
            "/v1/organizations",
            Some(operator),
            Some("{\"name\": \" \", \"slug\": \"No!\", \"site\": \"ftp://x\", \"country\": \"Austria\"}"),
        ),
        ("POST", "/v1/organizations", Some(operator), Some("{\"name\": \"St. Anne\", \"slug\": \"st-anne\"}")),
        ("POST", "/v1/feeds", Some(operator), Some("{\"organization\": \"nobody\", \"url\": \"https://x.example/\"}")),
        (
            "POST",
            "/v1/feeds",
            Some(operator),
            Some("{\"organization\": \"st-anne\", \"url\": \"https://u:p@x.example/\"}"),
        ),
        ("POST", "/v1/feeds", Some(operator), Some("{\"organization\": \"st-anne\", \"url\": \"x.example\"}")),
        (
            "POST",
            "/v1/decisions",
            Some(curator),
            Some("{\"item\": \"x\", \"verdict\": {\"kind\": \"hide\"}, \"reason\": \"r\"}"),
        ),
        (
            "POST",
            "/v1/decisions",
            Some(curator),
            Some(
                "{\"item\": \"00000000-0000-0000-0000-000000000000\", \"verdict\": {\"kind\": \"burn\"}, \"reason\": \"r\"}",
            ),
        ),
        (
            "POST",
            "/v1/decisions",
            Some(curator),
            Some(
                "{\"item\": \"00000000-0000-0000-0000-000000000000\", \"verdict\": {\"kind\": \"retag\", \"about\": [\"D003924\", \"nonsense\"]}, \"reason\": \"\"}",
            ),
        ),
        (
            "POST",
            "/v1/decisions",
            Some(curator),
            Some(
                "{\"item\": \"00000000-0000-0000-0000-000000000000\", \"verdict\": {\"kind\": \"hide\"}, \"reason\": \"r\", \"expected_version\": 1}",
            ),
        ),
        ("POST", "/v1/tokens", Some(operator), Some("{\"name\": \"m\", \"role\": \"member\"}")),
        (
            "POST",
            "/v1/tokens",
            Some(operator),
            Some("{\"name\": \"m\", \"role\": \"curator\", \"expires\": \"2001-01-01T00:00:00Z\"}"),
        ),
        ("DELETE", "/v1/tokens/x", Some(operator), None),
        ("GET", "/v1/items?limit=0", None, None),
        ("GET", "/v1/items?limit=5&limit=6", None, None),
        ("GET", "/v1/items?colour=red", None, None),
        ("GET", "/v1/items?condition=nonsense", None, None),
        ("GET", "/v1/items?after=x", None, None),
        ("GET", "/v1/items?q=a&after=x", None, None),
        ("GET", "/v1/items?state=gone", Some(curator), None),
        ("GET", "/v1/items?state=held&q=a", Some(curator), None),
        ("GET", "/v1/items?state=held&after=a", Some(curator), None),
        ("GET", "/v1/items/x", None, None),
        ("GET", "/v1/conditions", None, None),
        ("GET", "/v1/conditions/nonsense", None, None),
        ("GET", "/v1/feeds?state=odd", None, None),
        ("GET", "/v1/feeds?organization=nobody", None, None),
        ("GET", "/v1/feeds/x", None, None),
        ("GET", "/v1/organizations/Nobody!", None, None),
    ];
    let mut all = String::new();
    for (method, path, token, body) in cases {
        let answer = network.send(method, path, *token, *body).await;
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/problem+json", "{method} {path}");
        let problem = answer.json();
        assert_eq!(problem["status"], answer.status.as_u16());
        assert!(!answer.header("x-request-id".parse().expect("a name")).is_empty());
        assert_eq!(answer.status == StatusCode::UNAUTHORIZED, answer.headers.contains_key(header::WWW_AUTHENTICATE));
        assert_eq!(answer.status == StatusCode::METHOD_NOT_ALLOWED, answer.headers.contains_key(header::ALLOW));
        let body = body.map(|body| format!(" {body}")).unwrap_or_default();
        let text = serde_json::to_string(&settled(problem)).expect("JSON");
        writeln!(all, "{method} {path}{body}\n    {text}").expect("a string takes all");
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn bodies_that_are_no_json_or_too_large() {
    let network = network().await;
    let request = |kind: Option<&str>, body: Body| {
        let mut request = Request::post("/v1/organizations")
            .header(header::AUTHORIZATION, format!("Bearer {}", network.tokens.operator));
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        request.body(body).expect("a request")
    };
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(carewire_portal::MAX_BODY_BYTES));
    let deep = "[".repeat(100_000);
    let cases = [
        (None, Body::from("{\"name\": \"X\"}"), 415),
        (Some("text/plain"), Body::from("{\"name\": \"X\"}"), 415),
        (Some("application/json"), Body::from(large), 413),
        (Some("application/json"), Body::from(deep), 422),
        (Some("application/json"), Body::from(vec![0xff, 0xfe]), 400),
        (Some("application/json"), Body::empty(), 400),
        (Some("application/json; charset=utf-8"), Body::from("{\"name\": \"Good\"}"), 201),
    ];
    for (kind, body, expected) in cases {
        let answer = network.answer(request(kind, body)).await;
        assert_eq!(answer.status.as_u16(), expected, "{kind:?}: {}", answer.text());
    }
}
