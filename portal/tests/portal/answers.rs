//! What the API answers when all is well.

use axum::http::StatusCode;
use carewire_schemas::OutcomeState::{Curated, Held};
use carewire_store::{FreshnessTally, NewFinding, NewProposal, PollDone, ProposalReason};

use crate::support::{DIABETES, item, network, settled};

#[tokio::test]
async fn lists_and_single_things() {
    let network = network().await;
    let items = (1..=3).map(|n| item(&network, n, &format!("Type 2 diabetes, part {n}"), Curated));
    network.put(items.collect()).await;
    network.put(vec![item(&network, 9, "Waiting", Held)]).await;
    let curator = Some(network.tokens.curator.as_str());
    let operator = Some(network.tokens.operator.as_str());
    let feed = format!("/v1/feeds/{}", network.feed.id);
    let cases = [
        ("items", "/v1/items?limit=2", None),
        ("items_of_condition", "/v1/items?condition=icd10cm:E11&limit=1", None),
        ("items_by_words", "/v1/items?q=part+3", None),
        ("held", "/v1/items?state=held", curator),
        ("organizations", "/v1/organizations?limit=1", None),
        ("organization", "/v1/organizations/st-anne", None),
        ("feeds", "/v1/feeds", None),
        ("feed", &feed, None),
        ("tokens", "/v1/tokens", operator),
        ("status", "/v1/status", None),
    ];
    for (name, path, token) in cases {
        let answer = network.send("GET", path, token, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        let mut json = settled(answer.json());
        if name == "status" {
            // They move with each change of the vocabulary.
            json["conditions"] = 1.into();
            json["vocabulary"] = "[hash]".into();
        }
        insta::assert_json_snapshot!(name, json);
    }
}

#[tokio::test]
async fn pages_follow_one_another() {
    let network = network().await;
    network.put((1..=7).map(|n| item(&network, n, &format!("Diabetes {n}"), Curated)).collect()).await;
    for path in ["/v1/items?limit=3", "/v1/items?limit=3&condition=D003924", "/v1/items?limit=3&q=diabetes"] {
        let (mut next, mut titles) = (Some(path.to_owned()), Vec::new());
        while let Some(path) = next {
            let page = network.get(&path).await.json();
            let items = page["items"].as_array().expect("items").clone();
            titles.extend(items.iter().map(|item| item["title"].as_str().expect("a title").to_owned()));
            next = page["next"].as_str().map(|next| next.replace("https://care.example", ""));
            assert!(titles.len() <= 7, "{path}: {titles:?}");
        }
        titles.sort();
        titles.dedup();
        assert_eq!(titles.len(), 7, "{path}");
    }
    let first = network.get("/v1/organizations?limit=1").await.json();
    let next = first["next"].as_str().expect("a next").replace("https://care.example", "");
    let second = network.get(&next).await.json();
    assert_ne!(first["items"][0]["slug"], second["items"][0]["slug"]);
    assert!(second["next"].is_null());
}

#[tokio::test]
async fn a_condition_by_any_name_or_code() {
    let network = network().await;
    network.put(vec![item(&network, 1, "Type 2 diabetes", Curated)]).await;
    for code in ["D003924", "mesh:d003924", "icd10cm:E11.9"] {
        let answer = network.get(&format!("/v1/conditions/{code}")).await.json();
        assert_eq!(answer["code"], DIABETES, "{code}");
        assert_eq!((&answer["about"], &answer["mentioned"]), (&1.into(), &1.into()));
        assert_eq!(answer["feed"], "https://care.example/feeds/conditions/D003924.atom");
        for member in ["names", "parents", "xrefs", "tree_numbers"] {
            assert!(!answer[member].as_array().expect("a list").is_empty(), "{member}");
        }
    }
    let hits = network.get("/v1/conditions?name=heart+att&limit=3").await.json();
    assert!(hits["items"].as_array().expect("a list").iter().any(|hit| hit["code"] == "D009203"), "{hits}");
}

#[tokio::test]
async fn a_curators_decisions() {
    let network = network().await;
    let held = item(&network, 1, "Type 2 diabetes", Held);
    network.put(vec![held.clone()]).await;
    let (path, id) = (format!("/v1/items/{}", held.item), held.item);
    let decide = async |verdict: &str, version: Option<i64>| {
        let version = version.map(|version| format!(", \"expected_version\": {version}")).unwrap_or_default();
        let body = format!("{{\"item\": \"{id}\", \"verdict\": {verdict}, \"reason\": \"Checked.\"{version}}}");
        let answer = network.send("POST", "/v1/decisions", Some(&network.tokens.curator), Some(&body)).await;
        network.indexed().await;
        answer
    };
    let queue = network.send("GET", "/v1/items?state=held", Some(&network.tokens.curator), None).await.json();
    let version = queue["items"][0]["item_version"].as_i64().expect("a version");
    let stale = decide("{\"kind\": \"approve\"}", Some(version + 5)).await;
    insta::assert_json_snapshot!("stale_decision", settled(stale.json()));
    let approved = decide("{\"kind\": \"approve\"}", Some(version)).await;
    assert_eq!(approved.status, StatusCode::CREATED);
    insta::assert_json_snapshot!("decision", settled(approved.json()));
    let shown = network.get(&path).await;
    assert_eq!((shown.status, &shown.json()["title"]), (StatusCode::OK, &"Type 2 diabetes".into()));

    decide("{\"kind\": \"retag\", \"about\": [\"icd10cm:I21\"]}", None).await;
    let about = network.get("/v1/items?condition=D009203").await.json();
    assert_eq!(about["total"], 1, "{about}");
    assert_eq!(network.get("/v1/items?condition=D003924").await.json()["total"], 0);

    decide("{\"kind\": \"hide\"}", None).await;
    let gone = network.get(&path).await;
    assert_eq!(gone.status, StatusCode::GONE);
    insta::assert_json_snapshot!("withdrawn", settled(gone.json()));
    assert!(!network.get("/v1/items").await.text().contains("diabetes"));

    let all = network.send("GET", &format!("/v1/decisions?item={id}"), Some(&network.tokens.curator), None).await;
    assert_eq!(all.json()["items"].as_array().map(Vec::len), Some(3));
    let paged = network.send("GET", "/v1/decisions?limit=2", Some(&network.tokens.curator), None).await.json();
    assert!(paged["next"].as_str().expect("a next").ends_with("after=2"), "{paged}");

    let early = format!(
        "{{\"item\": \"{}\", \"verdict\": {{\"kind\": \"hide\"}}, \"reason\": \"Import.\"}}",
        uuid::Uuid::from_u128(5)
    );
    let early = network.send("POST", "/v1/decisions", Some(&network.tokens.curator), Some(&early)).await;
    assert_eq!((early.status, &early.json()["pending"]), (StatusCode::ACCEPTED, &true.into()));
}

#[tokio::test]
async fn organizations_feeds_and_tokens_are_written() {
    let network = network().await;
    let operator = Some(network.tokens.operator.as_str());
    let body = r#"{"name": "Clínica Ñandú", "country": "cl"}"#;
    let added = network.send("POST", "/v1/organizations", operator, Some(body)).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    let slug = added.json()["slug"].as_str().expect("a slug").to_owned();
    assert_eq!(added.header(http::header::LOCATION), format!("https://care.example/v1/organizations/{slug}"));
    let standing = format!("/v1/organizations/{slug}/standing");
    let accepted = network.send("POST", &standing, operator, Some(r#"{"standing": "accepted"}"#)).await.json();
    assert_eq!((&accepted["standing"], &accepted["country"]), (&"accepted".into(), &"CL".into()));
    let path = format!("/v1/organizations/{slug}");
    let emptied = network.send("PATCH", &path, operator, Some(r#"{"country": null}"#)).await.json();
    assert!(emptied["country"].is_null());

    let body = format!(r##"{{"organization": "{slug}", "url": "https://m.youtube.com/channel/UC1/videos#x"}}"##);
    let feed = network.send("POST", "/v1/feeds", operator, Some(&body)).await.json();
    assert_eq!((&feed["kind"], &feed["organization"]), (&"youtube-channel".into(), &slug.as_str().into()));
    assert_eq!(feed["url"], "https://www.youtube.com/feeds/videos.xml?channel_id=UC1");

    let body = format!(r#"{{"name": "nina", "role": "member", "organization": "{slug}"}}"#);
    let token = network.send("POST", "/v1/tokens", operator, Some(&body)).await;
    assert_eq!(token.header(http::header::CACHE_CONTROL), "no-store");
    let token = token.json();
    let secret = token["secret"].as_str().expect("a secret");
    let patch = async || network.send("PATCH", &path, Some(secret), Some(r#"{"kind": "clinic"}"#)).await.status;
    assert_eq!(patch().await, StatusCode::OK);
    let revoke = format!("/v1/tokens/{}", token["id"].as_str().expect("an id"));
    assert_eq!(network.send("DELETE", &revoke, operator, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(patch().await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_feed_shows_how_it_fares_and_its_owner_decides_what_is_proposed() {
    let network = network().await;
    let (member, stranger) = (Some(network.tokens.member.as_str()), Some(network.tokens.other_member.as_str()));
    let path = format!("/v1/feeds/{}", network.feed.id);
    let claim = network.store.claim_hosts(uuid::Uuid::new_v4(), 1, 1, std::time::Duration::from_secs(60)).await;
    let feed = claim.expect("a claim").remove(0).feeds.remove(0);
    let mut poll = PollDone::of(&feed, "2026-11-23T20:00:00Z".parse().expect("a time"));
    let proposal = |path: &str| NewProposal {
        url: format!("https://st-anne.example/{path}"),
        host: "st-anne.example".to_owned(),
        reason: ProposalReason::Page,
        title: None,
    };
    poll.proposals = vec![proposal("news.atom"), proposal("comments.atom")];
    poll.tally = FreshnessTally {
        entries: 2,
        timed: 2,
        in_target: 1,
        delay_ms: 90_000,
        schedule_ms: 60_000,
        queue_ms: 30_000,
        ..FreshnessTally::default()
    };
    poll.findings.begun = vec![NewFinding {
        code: "no-licence".to_owned(),
        severity: "note".to_owned(),
        message: "No licence".to_owned(),
    }];
    network.store.finish_polls(vec![poll]).await.expect("a write-back");

    let shown = network.send("GET", &path, None, None).await.json();
    assert_eq!(shown["proposals"].as_array().map(Vec::len), Some(0), "not everybody's business");
    assert_eq!(shown["fared"]["availability"], 1.0);
    assert_eq!((&shown["fared"]["in_target"], &shown["fared"]["mean_delay_s"]), (&0.5.into(), &45.0.into()));
    assert_eq!(shown["fared"]["owed"][0], serde_json::json!({"by": "schedule", "seconds": 30.0}));
    let shown = network.send("GET", &path, member, None).await.json();
    assert_eq!(shown["proposals"].as_array().map(Vec::len), Some(2));

    let report = network.send("GET", &format!("{path}/report"), None, None).await.json();
    assert_eq!(
        (&report["findings"][0]["code"], &report["weeks"][0]["fared"]["polls"]),
        (&"no-licence".into(), &1.into())
    );

    let decide = format!("{path}/proposals");
    let accept = r#"{"url": "https://st-anne.example/news.atom", "accept": true}"#;
    assert_eq!(network.send("POST", &decide, stranger, Some(accept)).await.status, StatusCode::FORBIDDEN);
    let dismiss = r#"{"url": "https://st-anne.example/comments.atom", "accept": false}"#;
    assert_eq!(network.send("POST", &decide, member, Some(dismiss)).await.status, StatusCode::OK);
    let moved = network.send("POST", &decide, member, Some(accept)).await.json();
    assert_eq!(
        (&moved["url"], &moved["next_poll"]["reason"]),
        (&"https://st-anne.example/news.atom".into(), &"moved".into())
    );
    let states: Vec<_> = moved["proposals"].as_array().expect("a list").iter().map(|p| &p["state"]).collect();
    assert!(states.contains(&&"accepted".into()) && states.contains(&&"dismissed".into()), "{states:?}");
    assert_eq!(network.send("POST", &decide, member, Some(accept)).await.status, StatusCode::NOT_FOUND);

    let target = |seconds: i64| format!(r#"{{"target_s": {seconds}}}"#);
    assert_eq!(network.send("PATCH", &path, member, Some(&target(5))).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    network.send("PATCH", &path, member, Some(&target(300))).await;
    assert_eq!(network.send("GET", &path, None, None).await.json()["target_s"], 300);
    network.send("PATCH", &path, member, Some(&target(0))).await;
    assert!(network.send("GET", &path, None, None).await.json()["target_s"].is_null());
}
