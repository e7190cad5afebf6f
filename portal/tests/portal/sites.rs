//! The network on other sites and in search engines: channels, embedding, oEmbed, copies, sitemaps, structured data.

use axum::http::{StatusCode, header};
use carewire_schemas::OutcomeState::Curated;
use serde_json::Value;

use crate::support::{item, network};

#[tokio::test]
async fn channels_are_looked_after_by_members_and_curators() {
    let network = network().await;
    network.put(vec![item(&network, 1, "Living with diabetes", Curated)]).await;
    let (member, other, curator) = (&network.tokens.member, &network.tokens.other_member, &network.tokens.curator);
    let body = r#"{"title": "Zucker & Sie", "query": "language=EN&condition=icd10cm:E11.9&sort=newest",
        "description": "About it", "picture": "https://st-anne.example/p.png"}"#;
    let made = network.send("POST", "/v1/channels", Some(member), Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let channel = made.json();
    assert_eq!(channel["slug"], "zucker-sie");
    assert_eq!(channel["query"], "condition=D003924&language=en", "the question in canonical form");
    assert_eq!(channel["organization"], "st-anne");
    assert_eq!(made.header(header::LOCATION), "https://care.example/v1/channels/zucker-sie");
    assert_eq!(network.send("POST", "/v1/channels", Some(member), Some(body)).await.status, StatusCode::CONFLICT);
    let path = "/v1/channels/zucker-sie";
    let patch = r#"{"title": "Sugar", "picture": null}"#;
    assert_eq!(network.send("PATCH", path, Some(other), Some(patch)).await.status, StatusCode::FORBIDDEN);
    let changed = network.send("PATCH", path, Some(member), Some(patch)).await.json();
    assert_eq!((&changed["title"], &changed["picture"]), (&"Sugar".into(), &Value::Null));
    let own = r#"{"slug": "network", "title": "The network's", "query": "q=insulin"}"#;
    assert_eq!(
        network.send("POST", "/v1/channels", Some(curator), Some(own)).await.json()["organization"],
        Value::Null
    );
    let theirs = r#"{"title": "X", "query": "q=x", "organization": "kidney-society"}"#;
    assert_eq!(network.send("POST", "/v1/channels", Some(member), Some(theirs)).await.status, StatusCode::FORBIDDEN);
    let refused = network.send("PATCH", "/v1/channels/network", Some(member), Some(patch)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for (wrong, field) in [
        (r#"{"title": "X", "query": "colour=red"}"#, "query"),
        (r#"{"title": "X", "query": ""}"#, "query"),
        (r#"{"title": "X", "query": "q=a&sort=relevance"}"#, "query"),
        (r#"{"title": " ", "query": "q=x"}"#, "title"),
        (r#"{"title": "X", "query": "q=x", "picture": "javascript:x"}"#, "picture"),
    ] {
        let answer = network.send("POST", "/v1/channels", Some(member), Some(wrong)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        let errors = answer.json()["errors"].clone();
        assert!(errors.as_array().expect("errors").iter().any(|error| error["field"] == field), "{wrong}: {errors}");
    }
    let listed = network.get("/v1/channels").await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(network.get("/v1/channels?organization=st-anne").await.json()["items"][0]["slug"], "zucker-sie");
    let page = network.get("/channels/zucker-sie").await;
    for text in ["Sugar", "Living with diabetes", "/feeds/channels/zucker-sie.atom", "St. Anne &lt;Hospital&gt;"] {
        assert!(page.text().contains(text), "{text}");
    }
    assert!(network.get("/channels").await.text().contains("/channels/network"));
    assert_eq!(network.send("DELETE", path, Some(other), None).await.status, StatusCode::FORBIDDEN);
    assert_eq!(network.send("DELETE", path, Some(member), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(network.get("/channels/zucker-sie").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_what_is_embedded_may_stand_in_a_frame() {
    let network = network().await;
    let kept = item(&network, 1, "Sugar <b>&", Curated);
    let gone = item(&network, 2, "Old", Curated);
    network.put(vec![kept.clone(), gone.clone()]).await;
    network.withdraw(gone.clone(), "Retracted.").await;
    let list = network.get("/embed/list?condition=D003924&count=3&heading=Sugar&accent=c00").await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(list.text().contains("Sugar &lt;b&gt;&amp;") && !list.text().contains("<script"));
    assert!(list.text().contains("href=\"https://care.example/embed/style.css?accent=c00\""));
    for answer in [&list, &network.get(&format!("/embed/items/{}", kept.item)).await] {
        assert!(answer.header(header::CONTENT_SECURITY_POLICY).contains("frame-ancestors *"));
        assert!(answer.header(header::CONTENT_SECURITY_POLICY).contains("default-src 'none'"));
        assert_eq!(answer.header(header::X_FRAME_OPTIONS), "");
        assert_eq!(answer.header(header::SET_COOKIE), "");
    }
    for path in
        ["/", "/search", "/conditions/D003924", "/application?mainSearchCriteria.v.c=E11", "/v1/items", "/nothing"]
    {
        let answer = network.get(path).await;
        assert!(answer.header(header::CONTENT_SECURITY_POLICY).contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header(header::X_FRAME_OPTIONS), "DENY", "{path}");
    }
    let withdrawn = network.get(&format!("/embed/items/{}", gone.item)).await;
    assert_eq!(withdrawn.status, StatusCode::GONE);
    assert!(withdrawn.text().contains("Retracted."));
    for wrong in ["count=99", "accent=red;}", "colour=c00", "condition=nonsense", "channel=none"] {
        let answer = network.get(&format!("/embed/list?{wrong}")).await;
        assert!(answer.status.is_client_error(), "{wrong}");
    }
    let style = network.get("/embed/style.css?accent=c00").await;
    assert!(style.text().ends_with(":root { --accent: #c00; }\n"));
    let script = network.get("/embed/carewire-list-1.js").await;
    assert_eq!(script.header(header::CONTENT_TYPE), "text/javascript; charset=utf-8");
    assert_eq!(script.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    assert!(script.header(header::CACHE_CONTROL).contains("immutable"));
    assert_eq!(network.get("/embed/other.js").await.status, StatusCode::NOT_FOUND);
    let page = network.get("/conditions/D003924").await;
    assert!(
        page.text().contains("&lt;iframe src=&quot;https://care.example/embed/list?condition=D003924"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("integrity=&quot;sha384-"));
}

#[tokio::test]
async fn an_item_says_how_to_show_it_elsewhere() {
    let network = network().await;
    let kept = item(&network, 1, "Sugar", Curated);
    network.put(vec![kept.clone()]).await;
    let page = network.get(&format!("/items/{}", kept.item)).await;
    let address = format!("https://care.example/items/{}", kept.item);
    let encoded: String = url::form_urlencoded::byte_serialize(address.as_bytes()).collect();
    assert!(page.text().contains(&format!("href=\"https://care.example/oembed?url={encoded}\"")), "{}", page.text());
    let answer = network.get(&format!("/oembed?url={encoded}&maxwidth=300")).await;
    let json = answer.json();
    assert_eq!((&json["version"], &json["type"], &json["width"]), (&"1.0".into(), &"rich".into(), &300.into()));
    assert!(
        json["html"].as_str().is_some_and(|html| html.starts_with("<iframe src=\"https://care.example/embed/items/"))
    );
    for (query, status) in [
        ("url=https://other.example/items/1", 404),
        ("url=https://care.example/items/00000000-0000-0000-0000-000000000000", 404),
        ("", 400),
        ("url=x&format=xml", 400),
    ] {
        assert_eq!(network.get(&format!("/oembed?{query}")).await.status.as_u16(), status, "{query}");
    }
    network.withdraw(kept, "Retracted.").await;
    assert_eq!(network.get(&format!("/oembed?url={encoded}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_text_may_be_copied_where_its_licence_says_so() {
    let network = network().await;
    let (mut free, closed) = (item(&network, 1, "Free & open", Curated), item(&network, 2, "Closed", Curated));
    free.cleaned.licence = Some("https://creativecommons.org/licenses/by-nd/4.0/".to_owned());
    network.put(vec![free.clone(), closed.clone()]).await;
    let path = format!("/items/{}/republish", free.item);
    assert!(network.get(&format!("/items/{}", free.item)).await.text().contains(&format!("href=\"{path}\"")));
    let page = network.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    for text in [
        "CC BY-ND 4.0",
        "Do not change, shorten or translate it.",
        "rel=&quot;canonical&quot;",
        "was published by St. Anne &amp;lt;Hospital&amp;gt;",
        "<a href=\"https://st-anne.example/1\" rel=\"canonical\">original</a>",
    ] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    assert!(!page.text().contains("tracker.example/p.png\" alt"), "no picture is loaded");
    let refused = network.get(&format!("/items/{}/republish", closed.item)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(!network.get(&format!("/items/{}", closed.item)).await.text().contains("/republish"));
    network.withdraw(free, "Retracted.").await;
    assert_eq!(network.get(&path).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn search_engines_find_what_is_there() {
    let network = network().await;
    let kept = item(&network, 1, "Ends </script><script>alert(1)</script> & so on", Curated);
    network.put(vec![kept.clone()]).await;
    let robots = network.get("/robots.txt").await;
    assert!(
        robots.text().contains("Sitemap: https://care.example/sitemap.xml")
            && robots.text().contains("Disallow: /search\n")
    );
    let index = network.get("/sitemap.xml").await;
    assert!(index.text().contains("<loc>https://care.example/sitemaps/items-0.xml</loc>"), "{}", index.text());
    let items = network.get("/sitemaps/items-0.xml").await;
    assert!(items.text().contains(&format!("<loc>https://care.example/items/{}</loc>", kept.item)));
    assert!(items.text().contains("<lastmod>2026-11-02T08:00:00Z</lastmod>"), "{}", items.text());
    let pages = network.get("/sitemaps/pages.xml").await;
    for path in ["conditions/D003924", "organizations/st-anne"] {
        assert!(pages.text().contains(&format!("<loc>https://care.example/{path}</loc>")), "{path}");
    }
    for path in
        ["/sitemaps/items-x.xml", "/sitemaps/items--1.xml", "/sitemaps/items-9223372036854775807.xml", "/sitemaps/a"]
    {
        assert_eq!(network.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let data = |html: &str| -> Value {
        let start = html.find("<script type=\"application/ld+json\">").expect("data") + 35;
        let end = start + html[start..].find("</script>").expect("an end");
        serde_json::from_str(&html[start..end]).expect("JSON")
    };
    let page = network.get(&format!("/items/{}", kept.item)).await;
    assert_eq!(page.text().matches("</script>").count(), 1, "a title cannot end the element");
    let found = data(page.text());
    assert_eq!((&found["@type"], &found["name"]), (&"MedicalWebPage".into(), &kept.cleaned.title.as_str().into()));
    assert_eq!(found["about"][0]["code"][0]["codeValue"], "D003924");
    let condition = data(network.get("/conditions/D003924").await.text());
    let codes = condition["about"]["code"].as_array().expect("codes").clone();
    assert!(codes.iter().any(|code| code["codingSystem"] == "ICD-10-CM" && code["codeValue"] == "E11"), "{codes:?}");
}
