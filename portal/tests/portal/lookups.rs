//! What electronic health records ask: `/service`, `/application`, `/fhir`.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use carewire_schemas::{ItemV1, OutcomeState::Curated};
use serde_json::Value;

use crate::support::{Network, item, network};

const ICD: &str = "mainSearchCriteria.v.cs=2.16.840.1.113883.6.90";
const FHIR: &str = "application/fhir+json; charset=utf-8";

async fn with_items() -> (Network, Vec<ItemV1>) {
    let network = network().await;
    let mut spanish = item(&network, 3, "Diabetes tipo 2", Curated);
    spanish.cleaned.language = Some("es".to_owned());
    let items =
        vec![item(&network, 1, "Living with type 2 diabetes", Curated), item(&network, 2, "Sugar", Curated), spanish];
    network.put(items.clone()).await;
    (network, items)
}

#[tokio::test]
async fn a_client_of_medlineplus_connect_works_by_changing_the_host() {
    let (network, _) = with_items().await;
    // As the service's own examples ask, and as clients read the answer.
    let path = format!("/service?{ICD}&mainSearchCriteria.v.c=E11.9&knowledgeResponseType=application/json");
    let answer = network.get(&path).await;
    assert_eq!(
        (answer.status, answer.header(header::CONTENT_TYPE)),
        (StatusCode::OK, "application/json; charset=utf-8")
    );
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    let feed = &answer.json()["feed"];
    assert_eq!(feed["title"]["_value"], "Carewire");
    assert_eq!(feed["subtitle"]["_value"], "Carewire results for ICD-10-CM E11.9");
    let entries = feed["entry"].as_array().expect("a list");
    let titles: Vec<&str> = entries.iter().filter_map(|entry| entry["title"]["_value"].as_str()).collect();
    assert_eq!(titles, ["Sugar", "Living with type 2 diabetes"], "English without another wish");
    assert_eq!(entries[0]["link"][0]["href"], "https://st-anne.example/2");
    // Atom without another wish; an unlisted code takes its parent; Spanish.
    let xml = network
        .get(&format!("/service?{ICD}&mainSearchCriteria.v.c=E11.99999&informationRecipient.languageCode.c=es"))
        .await;
    assert_eq!(xml.header(header::CONTENT_TYPE), "application/atom+xml; charset=utf-8");
    assert!(xml.text().contains("<title type=\"text\">Diabetes tipo 2</title>") && !xml.text().contains("Sugar"));
    let jsonp =
        format!("/service?{ICD}&mainSearchCriteria.v.c=E11&knowledgeResponseType=application/javascript&callback=show");
    let jsonp = network.get(&jsonp).await;
    assert_eq!(jsonp.header(header::CONTENT_TYPE), "application/javascript; charset=utf-8");
    assert!(jsonp.text().starts_with("/**/show({\"feed\":"));
    assert_eq!(jsonp.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
}

#[tokio::test]
async fn codes_of_other_things_get_a_valid_empty_answer_and_wrong_requests_are_named() {
    let (network, _) = with_items().await;
    for (system, code) in [("6.88", "637188"), ("6.69", "00310075190"), ("6.1", "3187-2"), ("6.12", "99213")] {
        let path = format!(
            "/service?mainSearchCriteria.v.cs=2.16.840.1.113883.{system}&mainSearchCriteria.v.c={code}\
             &mainSearchCriteria.v.dn=diabetes&knowledgeResponseType=application/json"
        );
        let answer = network.get(&path).await;
        assert_eq!(
            (answer.status, &answer.json()["feed"]["entry"]),
            (StatusCode::OK, &serde_json::json!([])),
            "{path}"
        );
    }
    for (query, field) in [
        ("", "mainSearchCriteria.v.c"),
        ("mainSearchCriteria.v.c=E11&knowledgeResponseType=application/javascript&callback=a(b)", "callback"),
    ] {
        let answer = network.get(&format!("/service?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{query}");
    }
    // A token of another system is passed over.
    let path = format!("/service?{ICD}&mainSearchCriteria.v.c=E11");
    assert_eq!(network.send("GET", &path, Some("of-the-ehr"), None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_same_look_up_is_a_page() {
    let (network, _) = with_items().await;
    let page = network.get(&format!("/application?{ICD}&mainSearchCriteria.v.c=E11.9")).await;
    assert_eq!(page.status, StatusCode::OK);
    for text in ["Living with type 2 diabetes", "Type 2 diabetes", "/conditions/D003924"] {
        assert!(page.text().contains(text), "{text}");
    }
    let drug = network.get("/application?mainSearchCriteria.v.cs=RXNORM&mainSearchCriteria.v.c=637188").await;
    assert_eq!(drug.status, StatusCode::OK);
    assert!(drug.text().contains("nothing under this code"));
    assert_eq!(network.get("/application").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn fhir_is_searched_page_by_page() {
    let (network, items) = with_items().await;
    let statement = network.get("/fhir/metadata").await;
    assert_eq!(statement.header(header::CONTENT_TYPE), FHIR);
    let statement = statement.json();
    assert_eq!(
        (&statement["resourceType"], &statement["fhirVersion"]),
        (&"CapabilityStatement".into(), &"4.0.1".into())
    );
    let mut next = Some("/fhir/DocumentReference?category=http://snomed.info/sct|44054006&_count=1".to_owned());
    let mut titles = Vec::new();
    while let Some(path) = next {
        let answer = network.get(&path).await;
        assert_eq!((answer.status, answer.header(header::CONTENT_TYPE)), (StatusCode::OK, FHIR), "{path}");
        let bundle = answer.json();
        assert_eq!((&bundle["type"], &bundle["total"]), (&"searchset".into(), &3.into()));
        for entry in bundle["entry"].as_array().into_iter().flatten() {
            let resource = &entry["resource"];
            assert_eq!(
                (&resource["resourceType"], &resource["status"]),
                (&"DocumentReference".into(), &"current".into())
            );
            titles.push(resource["content"][0]["attachment"]["title"].as_str().expect("a title").to_owned());
        }
        let link = bundle["link"].as_array().expect("links").iter().find(|link| link["relation"] == "next");
        next = link.map(|link| link["url"].as_str().expect("an address").replace("https://care.example", ""));
        assert!(titles.len() <= 3, "pages come to an end");
    }
    assert_eq!(titles, ["Diabetes tipo 2", "Sugar", "Living with type 2 diabetes"]);
    for (query, total) in [
        ("language=es", 1),
        ("category=D003924&language=en", 2),
        ("category=http://hl7.org/fhir/sid/icd-10-cm|I10", 0),
        ("category=http://loinc.org|3187-2", 0),
        ("_lastUpdated=ge2026-11-02&_lastUpdated=lt2026-11-03", 3),
        ("_lastUpdated=lt2026-11-02", 0),
        ("_content=sugar", 1),
        ("_summary=count", 3),
        ("patient=17", 3),
    ] {
        let bundle = network.get(&format!("/fhir/DocumentReference?{query}")).await.json();
        assert_eq!(bundle["total"], total, "{query}: {bundle}");
    }
    let one = format!("/fhir/DocumentReference?_id={}", items[0].item);
    assert_eq!(network.get(&one).await.json()["entry"][0]["resource"]["id"], items[0].item.to_string());
    let form = Request::post("/fhir/DocumentReference/_search")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("language=es"))
        .expect("a request");
    assert_eq!(network.answer(form).await.json()["total"], 1);
}

#[tokio::test]
async fn what_goes_wrong_is_an_operation_outcome() {
    let (network, items) = with_items().await;
    network.withdraw(items[0].clone(), "Retracted by its journal.").await;
    let outcome = |answer: crate::support::Answer| -> (StatusCode, Value) {
        assert_eq!(answer.header(header::CONTENT_TYPE), FHIR);
        let body = answer.json();
        assert_eq!(body["resourceType"], "OperationOutcome");
        (answer.status, body["issue"][0]["code"].clone())
    };
    let gone = network.get(&format!("/fhir/DocumentReference/{}", items[0].item)).await;
    assert!(gone.text().contains("Retracted by its journal."));
    assert_eq!(outcome(gone), (StatusCode::GONE, "deleted".into()));
    assert_eq!(outcome(network.get("/fhir/DocumentReference/17").await), (StatusCode::NOT_FOUND, "not-found".into()));
    for (query, code) in
        [("date=never", "invalid"), ("_format=xml", "not-supported"), ("category:text=x", "not-supported")]
    {
        let answer = network.get(&format!("/fhir/DocumentReference?{query}")).await;
        assert_eq!(outcome(answer), (StatusCode::BAD_REQUEST, code.into()), "{query}");
    }
    let strict = Request::get("/fhir/DocumentReference?patient=17").header("prefer", "handling=strict");
    let strict = network.answer(strict.body(Body::empty()).expect("a request")).await;
    assert_eq!(outcome(strict), (StatusCode::BAD_REQUEST, "not-supported".into()));
    let read = network.get(&format!("/fhir/DocumentReference/{}", items[1].item)).await;
    assert_eq!((read.status, read.header(header::ETAG)), (StatusCode::OK, "W/\"1\""));
}
