//! Search beside the items: facets, marks, suggestions, what was meant; in the API and on the page.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use carewire_schemas::OutcomeState::Curated;

use crate::support::{Network, item, network};

async fn with_items() -> Network {
    let network = network().await;
    let mut spanish = item(&network, 3, "Diabetes tipo 2", Curated);
    spanish.cleaned.language = Some("es".to_owned());
    let items = vec![
        item(&network, 1, "Walking with <b>diabetes</b>", Curated),
        item(&network, 2, "Insulin", Curated),
        spanish,
    ];
    network.put(items).await;
    network
}

#[tokio::test]
async fn answers_are_counted_and_marked_where_that_is_asked() {
    let network = with_items().await;
    let plain = network.get("/v1/items?q=walking").await.json();
    assert!(plain.get("facets").is_none() && plain["items"][0].get("highlight").is_none());
    let answer = network.get("/v1/items?q=walking&highlight=true&facets=true").await.json();
    let highlight = &answer["items"][0]["highlight"];
    assert_eq!(highlight["title"], "<mark>Walking</mark> with &lt;b&gt;diabetes&lt;/b&gt;");
    assert!(highlight["text"].as_str().is_some_and(|text| text.contains("<mark>Walking</mark>")), "{highlight}");
    let facets = network.get("/v1/items?facets=true&limit=1").await.json()["facets"].clone();
    assert_eq!(
        facets["language"][0],
        serde_json::json!({"value": "en", "label": "English", "count": 2, "more": false})
    );
    assert_eq!(facets["condition"][0]["label"], "Type 2 diabetes");
    assert_eq!(facets["organization"][0]["count"], 3);
    let wrong = network.get("/v1/items?facets=perhaps").await;
    assert_eq!((wrong.status, wrong.json()["errors"][0]["field"].clone()), (StatusCode::BAD_REQUEST, "facets".into()));
    assert_eq!(network.get("/v1/items?type=item&language=es").await.json()["total"], 1);
    assert_eq!(network.get("/v1/items?type=book").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn misspelt_words_are_answered_with_what_was_meant() {
    let network = with_items().await;
    let answer = network.get("/v1/items?q=insulim").await.json();
    assert_eq!((&answer["total"], &answer["did_you_mean"]), (&0.into(), &"insulin".into()));
    assert!(network.get("/v1/items?q=insulin").await.json().get("did_you_mean").is_none());
    let page = network.get("/search?q=insulim").await;
    assert!(
        page.text().contains("Did you mean") && page.text().contains("href=\"/search?q=insulin\""),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn conditions_are_suggested_while_somebody_types() {
    let network = with_items().await;
    let answer = network.get("/v1/suggest?q=t%C3%BDpe%202%20dia&limit=3").await.json();
    let first = &answer["suggestions"][0];
    assert_eq!((&first["code"], &first["items"]), (&"D003924".into(), &3.into()), "{answer}");
    assert_eq!(first["page"], "https://care.example/conditions/D003924");
    assert_eq!(network.get("/v1/suggest?q=").await.json()["suggestions"], serde_json::json!([]));
    assert_eq!(network.get("/v1/suggest?q=a&limit=99").await.status, StatusCode::BAD_REQUEST);
    let lay = network.get("/v1/suggest?q=heart%20att").await.json();
    assert_eq!(lay["suggestions"][0]["text"], "heart attack");
}

#[tokio::test]
async fn the_page_marks_and_narrows_without_a_script() {
    let network = with_items().await;
    let page = network.get("/search?q=diabetes").await;
    for text in ["<mark>diabetes</mark>", "href=\"/search?q=diabetes&amp;language=es\"", "Español"] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    assert!(!page.text().contains("Reading level"), "nothing is known of it");
    let narrowed = network.get("/search?q=diabetes&language=es").await;
    assert!(narrowed.text().contains("Diabetes tipo 2") || narrowed.text().contains("<mark>Diabetes</mark> tipo 2"));
    assert!(!narrowed.text().contains("Walking"));
    assert!(narrowed.text().contains("href=\"/search?q=diabetes\">Any</a>"));
}

#[tokio::test]
async fn pages_of_any_origin_may_read_what_is_public() {
    let network = with_items().await;
    let answer = network.get("/v1/items").await;
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    assert!(answer.header(header::ACCESS_CONTROL_EXPOSE_HEADERS).contains("etag, link"));
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "");
    let asks = |method: &str| {
        Request::options("/fhir/DocumentReference")
            .header(header::ORIGIN, "https://hospital.example")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, method)
            .body(Body::empty())
            .expect("a request")
    };
    let asked = network.answer(asks("GET")).await;
    assert_eq!(
        (asked.status, asked.header(header::ACCESS_CONTROL_ALLOW_METHODS)),
        (StatusCode::NO_CONTENT, "GET, HEAD")
    );
    assert!(!asked.header(header::ACCESS_CONTROL_ALLOW_HEADERS).contains("authorization"));
    assert_eq!(network.answer(asks("DELETE")).await.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "");
    assert_eq!(network.get("/").await.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "", "pages are not shared");
}
