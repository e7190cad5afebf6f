//! The OpenAPI document says what the router does.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use carewire_portal::routes;
use serde_json::Value;

use crate::support::network;

#[tokio::test]
async fn every_route_is_described_and_every_description_answered() {
    let network = network().await;
    let document = network.get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().expect("operations").keys().map(move |method| (path.clone(), method.clone()))
        })
        .collect();
    let routed: BTreeSet<(String, String)> = routes::table()
        .iter()
        .map(|route| {
            let method = serde_json::to_value(&route.method).expect("a method has a name");
            (route.path.clone(), method.as_str().expect("text").to_lowercase())
        })
        .collect();
    assert_eq!(described, routed);
    for (path, method) in described {
        let path = path.replace("{id}", "x").replace("{slug}", "x").replace("{code}", "x");
        let answer = network.send(&method.to_uppercase(), &path, None, None).await;
        assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert!(!answer.text().contains("there is nothing at"), "{method} {path}");
    }
}

#[tokio::test]
async fn references_lead_somewhere_and_operations_are_complete() {
    let network = network().await;
    let document = network.get("/openapi.json").await.json();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("references are within the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let at = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().expect("an id").to_owned()), "{at}: id used twice");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{at}: no summary");
            assert!(operation["security"].is_array(), "{at}: no security");
            let tag = &operation["tags"][0];
            assert!(
                document["tags"].as_array().expect("tags").iter().any(|one| one["name"] == *tag),
                "{at}: tag {tag}"
            );
            let named: BTreeSet<_> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().expect("a name"))
                .collect();
            let in_path: BTreeSet<_> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            assert_eq!(named, in_path, "{at}: parameters of the path");
            // Where tokens are not looked at, none can be wrong.
            let open = operation["security"] == serde_json::json!([{}]);
            assert_ne!(operation["responses"]["401"].is_object(), open, "{at}: the answer to a wrong token");
        }
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                references.insert(reference.to_owned());
            }
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(list) => list.iter().for_each(|one| collect(one, references)),
        _ => {}
    }
}
