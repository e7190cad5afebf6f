//! An organization without a feed posts its items: they go the way of all items, up to what readers see.

use serde_json::json;

use crate::sandbox::{
    SOON, eventually,
    network::{Network, Pair, QUICK},
    outputs, when,
};

#[test]
fn items_are_posted_changed_and_taken_back() {
    let network = Network::new(&Pair::Embedded, QUICK);
    network.json(&["org", "add", "Diabetes Club", "--slug", "club", "--accept"]);
    network.json(&["org", "add", "Applicant", "--slug", "applicant"]);
    let token = |org: &str| {
        let made = network.json(&["token", "create", org, "--role", "member", "--org", org]);
        made["secret"].as_str().unwrap().to_owned()
    };
    let (club, applicant) = (token("club"), token("applicant"));
    let up = network.start_ready("up");
    let post = |token: &str, body: serde_json::Value| up.call("POST", "/v1/items", token, Some(&body));
    let item = |organization: &str, title: &str| {
        json!({"organization": organization, "id": "evening", "url": "https://club.example/evening", "title": title,
            "html": "<p>An open evening for people with <b>type 2 diabetes</b> and their families.</p><script>alert(1)</script>",
            "language": "en", "published": "2026-11-20T18:00:00Z", "authors": [{"name": "Ada"}], "categories": ["Events"]})
    };
    let answer = post(&club, item("club", "Open evening on type 2 diabetes"));
    assert_eq!(answer.status, 202, "{}", answer.body);
    let feed = answer.json()["feed"].as_str().unwrap().to_owned();
    assert_eq!(post(&applicant, item("applicant", "Waits for a curator")).status, 202);
    // Nobody posts in another's name, nor without a token.
    assert_eq!(post(&applicant, item("club", "Not ours")).status, 403);
    assert_eq!(post("cw_wrong", item("club", "Not ours")).status, 401);

    let shown = eventually("the item is curated", SOON, || {
        let found = up.json("/v1/items?organization=club");
        when(found["items"].as_array().is_some_and(|items| items.len() == 1), found)
            .map(|()| up.json("/v1/items?organization=club"))
    });
    let shown = &shown["items"][0];
    assert_eq!(
        (&shown["title"], &shown["url"]),
        (&"Open evening on type 2 diabetes".into(), &"https://club.example/evening".into())
    );
    assert!(!shown["html"].as_str().unwrap().contains("script"), "{shown}");
    assert!(shown["conditions"].as_array().unwrap().iter().any(|one| one["code"] == "D003924"), "{shown}");
    eventually("it is in the feed of its condition", SOON, || {
        let titles = outputs::titles(&up, "/feeds/conditions/D003924.atom");
        when(titles.as_ref().is_ok_and(|titles| *titles == ["Open evening on type 2 diabetes"]), format!("{titles:?}"))
    });

    assert_eq!(post(&club, item("club", "Open evening, moved to Friday")).status, 202);
    eventually("it changed", SOON, || {
        let found = up.json("/v1/items?organization=club");
        when(found["items"][0]["title"] == "Open evening, moved to Friday", found)
    });
    let id = shown["id"].as_str().unwrap().to_owned();
    let back = post(&club, json!({"organization": "club", "id": "evening", "withdraw": true}));
    assert_eq!(back.status, 202, "{}", back.body);
    eventually("it is withdrawn", SOON, || {
        let got = up.get(&format!("/v1/items/{id}"));
        when(got.status == 410, got.body)
    });
    assert_eq!(up.json("/v1/items?organization=applicant")["items"], json!([]), "it waits for a curator");

    // What is posted has a feed that shows how it fares; nobody polls it.
    let shown = up.call("GET", &format!("/v1/feeds/{feed}"), &club, None).json();
    assert_eq!((&shown["kind"], &shown["next_poll"], &shown["entries"]), (&"posted".into(), &json!(null), &1.into()));
    assert_eq!(up.call("POST", &format!("/v1/feeds/{feed}/poll"), &club, None).status, 422);
    network.json(&["feed", "poll", "--all"]);
    let (status, _) = up.stop();
    assert!(status.success());
}
