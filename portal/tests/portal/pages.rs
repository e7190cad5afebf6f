//! Pages: what they show, and that they run nothing and load nothing from elsewhere.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use carewire_schemas::OutcomeState::Curated;

use crate::support::{Network, item, network};

async fn with_items() -> (Network, String, String) {
    let network = network().await;
    let (kept, mut taken_back) =
        (item(&network, 1, "Type 2 diabetes <b>&", Curated), item(&network, 2, "Old", Curated));
    taken_back.cleaned.conditions.clear();
    network.put(vec![kept.clone(), taken_back.clone()]).await;
    let paths = (format!("/items/{}", kept.item), format!("/items/{}", taken_back.item));
    network.withdraw(taken_back, "Retracted by its journal.").await;
    (network, paths.0, paths.1)
}

#[tokio::test]
async fn pages_show_what_is_there() {
    let (network, kept, taken_back) = with_items().await;
    let cases: &[(&str, u16, &[&str])] = &[
        (
            "/",
            200,
            &[
                "Type 2 diabetes &lt;b&gt;&amp;",
                "St. Anne &lt;Hospital&gt;",
                "/feeds/all.atom",
                "State of the network",
                "/feeds/conditions/D003924.rss",
            ],
        ),
        (
            "/search?q=diabetes",
            200,
            &["Type 2 <mark>diabetes</mark> &lt;b&gt;&amp;", "/feeds/search.atom?q=diabetes", "/conditions/D003920"],
        ),
        ("/search?q=nothingatall", 200, &["Nothing was found"]),
        ("/search?kind=odd", 200, &["must be one of article, news, patient-story"]),
        ("/search?q=%3Cscript%3Ealert(1)%3C/script%3E", 200, &["&lt;script&gt;"]),
        (
            "/conditions/D003924",
            200,
            &["Type 2 diabetes &lt;b&gt;&amp;", "/feeds/conditions/D003924.atom", "ICD-10-CM"],
        ),
        ("/conditions/nonsense", 404, &["No condition has this code"]),
        ("/organizations", 200, &["Kidney Society", "/feeds/organizations/st-anne.atom"]),
        ("/organizations/st-anne", 200, &["St. Anne news", "vouched for by the operator", "Type 2 diabetes"]),
        ("/organizations/nobody", 404, &["nobody"]),
        (&kept, 200, &["<q>type 2 diabetes</q>", "A chart</a>", "https://st-anne.example/1"]),
        (&taken_back, 410, &["Retracted by its journal."]),
        ("/items/nonsense", 404, &["no item"]),
        ("/docs", 200, &["/v1/items/{id}", "stale-version"]),
    ];
    for (path, status, texts) in cases {
        let answer = network.get(path).await;
        assert_eq!(answer.status.as_u16(), *status, "{path}");
        assert_eq!(answer.header(header::CONTENT_TYPE), "text/html; charset=utf-8", "{path}");
        for text in *texts {
            assert!(answer.text().contains(text), "{path} does not show {text}");
        }
        assert!(!answer.text().contains("Old<"), "{path} shows what was withdrawn");
        check_page(path, &answer);
    }
}

fn check_page(path: &str, answer: &crate::support::Answer) {
    // Data for search engines is no script: nothing runs it.
    let html = &answer.text().replace("<script type=\"application/ld+json\">", "<data>");
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{path}: {policy}");
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
    assert_eq!(answer.header(header::REFERRER_POLICY), "no-referrer", "{path}");
    for forbidden in
        ["<script", " style=", "<img", "<iframe", "javascript:", " onclick", "@import", "tracker.example/p.png\" alt"]
    {
        assert!(!html.contains(forbidden), "{path} has {forbidden}");
    }
    for tag in html.split('<').filter(|tag| tag.starts_with("link ")) {
        let address = tag.split("href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let own = address.starts_with('/') || address.starts_with("https://care.example/") || address == "data:,";
        assert!(own, "{path} loads {address}");
    }
    // The description of the API is one page.
    let limit = if path == "/docs" { 200 } else { 100 };
    assert!(html.len() < limit * 1024, "{path} has {} bytes", html.len());
}

#[tokio::test]
async fn addresses_lead_on() {
    let network = network().await;
    for (from, to) in [
        ("/conditions/icd10cm:E11.9", "/conditions/D003924"),
        ("/conditions/mesh:D003924?after=f3", "/conditions/D003924?after=f3"),
    ] {
        let answer = network.get(from).await;
        assert_eq!((answer.status, answer.header(header::LOCATION)), (StatusCode::PERMANENT_REDIRECT, to), "{from}");
    }
    let html = network.get("/").await;
    let css = html.text().split('"').find(|part| part.starts_with("/assets/")).expect("a stylesheet").to_owned();
    let file = network.get(&css).await;
    assert_eq!((file.status, file.header(header::CONTENT_TYPE)), (StatusCode::OK, "text/css; charset=utf-8"));
    assert!(file.header(header::CACHE_CONTROL).contains("immutable"));
    assert!(!file.text().contains("url("), "the stylesheet loads nothing");
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_askers_form() {
    let network = network().await;
    let ask = |accept: &'static str| {
        Request::get("/nowhere").header(header::ACCEPT, accept).body(Body::empty()).expect("a request")
    };
    let page = network.answer(ask("text/html,*/*")).await;
    assert_eq!((page.status, page.header(header::CONTENT_TYPE)), (StatusCode::NOT_FOUND, "text/html; charset=utf-8"));
    let problem = network.answer(ask("application/json")).await;
    assert_eq!(
        (problem.status, problem.header(header::CONTENT_TYPE)),
        (StatusCode::NOT_FOUND, "application/problem+json")
    );
    let head = network.send("HEAD", "/", None, None).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
}
