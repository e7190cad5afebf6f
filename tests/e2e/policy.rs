//! Policy on the real binary: a hacked feed, an embargo, the brake, rights, retracted studies, running again, explanations.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::sandbox::{
    SOON, eventually,
    feeds::{self, Entry},
    network::{Network, Pair, QUICK, Stage},
    outputs,
    publisher::{Publisher, Reply},
    servers::Servers,
    when,
};

/// A publisher whose entries can be changed.
struct Site {
    publisher: Publisher,
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl Site {
    fn of(title: &'static str, entries: Vec<Entry>) -> Self {
        let publisher = Publisher::fixed(Reply::status(503));
        let (site, entries) = (publisher.url(""), Arc::new(Mutex::new(entries)));
        let held = entries.clone();
        publisher.now(move |asked| {
            let entries = held.lock().unwrap();
            feeds::conditional(asked, "application/rss+xml", feeds::rss2(&site, title, &entries))
        });
        Self { publisher, entries }
    }

    fn url(&self) -> String {
        self.publisher.url("/feed.xml")
    }

    fn add(&self, more: impl IntoIterator<Item = Entry>) {
        self.entries.lock().unwrap().splice(0..0, more);
    }
}

fn about(id: &str, words: &str) -> Entry {
    Entry::new(
        id,
        &format!("Asthma and {words}"),
        &format!("<p>What people with asthma should know of {words}, by our nurses.</p>"),
    )
}

/// Titles of `/feeds/all.atom`.
fn all(stage: &Stage) -> Vec<String> {
    outputs::titles(stage, "/feeds/all.atom").unwrap_or_default()
}

fn shows(stage: &Stage, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
    eventually(what, SOON, || {
        let titles = all(stage);
        when(wanted(&titles), format!("{titles:?}\n{}", stage.get("/v1/status").body)).map(|()| titles.clone())
    })
}

fn held(stage: &Stage, token: &str) -> Vec<(String, String)> {
    let page = stage.call("GET", "/v1/items?state=held&limit=100", token, None).json();
    let items = page["items"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    items.iter().map(|item| (text(&item["content"]["title"]), text(&item["rule"]))).collect()
}

/// The whole scenario on a network that is empty and runs.
pub fn scenario(network: &Network, stage: &Stage) {
    let token =
        network.json(&["token", "create", "curating", "--role", "curator"])["secret"].as_str().unwrap().to_owned();
    let words = [
        "school", "sport", "dust", "pollen", "winter", "travel", "cooking", "pets", "sleep", "smoke", "stairs",
        "swimming",
    ];
    let clinic = Site::of("Clinic", words.iter().map(|word| about(word, word)).collect());
    let study = "<p>The trial (doi: 10.1000/Walk.2026) of walking for people with asthma was published.</p>";
    let league = Site::of("League", vec![Entry::new("walk", "A trial of walking with asthma", study)]);
    network.publish("clinic", "Clinic", &clinic.url());
    network.publish("league", "League", &league.url());
    network.json(&["org", "trust", "clinic", "core"]);
    shows(stage, "13 items", |titles| titles.len() == 13);
    eventually("trust can be asked for", SOON, || {
        let found = outputs::titles(stage, "/feeds/search.atom?min_trust=trusted")?;
        when(found.len() == 12, format!("{found:?}"))
    });
    embargo(stage, &clinic, &token);
    hacked(network, stage, &clinic, &token);
    retracted(network, stage);
    rights(network, stage);
    brake(network, stage);
    again(network, stage);
    explained(network, stage, &token);
    letters(network);
    outputs::assert_no_gap(network);
}

fn embargo(stage: &Stage, clinic: &Site, token: &str) {
    let mut ahead = about("ahead", "embargoes");
    ahead.published = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_secs(8)).unwrap().to_string();
    clinic.add([ahead]);
    eventually("it waits for its time", SOON, || {
        let held = held(stage, token);
        when(held.iter().any(|(_, rule)| rule == "embargo"), format!("{held:?}"))
    });
    assert!(!all(stage).iter().any(|title| title.contains("embargoes")));
    shows(stage, "it is released by itself", |titles| titles.iter().any(|title| title == "Asthma and embargoes"));
}

/// A member of the highest tier is hacked: nothing of it comes out; a curator lets through what is good.
fn hacked(network: &Network, stage: &Stage, clinic: &Site, token: &str) {
    let before = outputs::changes(stage).len();
    let spam = (0..100).map(|n| {
        let mut entry = Entry::new(
            &format!("spin{n}"),
            &format!("Casino bonus {n}"),
            &format!("<p>Free spins at <a href=\"https://spins{n}.example/\">our casino</a> {n}.</p>"),
        );
        entry.published = feeds::hours_ago(0);
        entry
    });
    clinic.add(spam);
    let found = eventually("the feed is held", SOON, || {
        let found = network.json(&["feed", "held"]);
        when(found.as_array().is_some_and(|list| list.len() == 1), &found).map(|()| found.clone())
    });
    assert_eq!(found[0]["organization"], "clinic", "{found}");
    assert!(found[0]["why"].as_str().unwrap().contains("never did"), "{found}");
    eventually("all of it waits", SOON, || {
        let held = held(stage, token);
        when(
            held.len() == 100 && held.iter().all(|(_, rule)| rule == "break-of-habit"),
            format!("{}: {:?}", held.len(), held.first()),
        )
    });
    assert_eq!(outputs::changes(stage).len(), before, "nothing was ever out");
    clinic.entries.lock().unwrap().retain(|entry| !entry.id.starts_with("spin"));
    let id = found[0]["feed"].as_str().unwrap();
    let got = stage.call(
        "POST",
        &format!("/v1/feeds/{id}/release"),
        token,
        Some(&json!({"keep_held": true, "reason": "mended"})),
    );
    assert_eq!((got.status, got.json()["holds"].as_i64()), (200, Some(1)), "{}", got.body);
    assert_eq!(network.json(&["feed", "held"]), json!([]));
    clinic.add([about("after", "what came after")]);
    let titles = shows(stage, "what comes after it", |titles| titles.iter().any(|title| title.contains("came after")));
    assert!(!titles.iter().any(|title| title.contains("Casino")), "{titles:?}");
}

/// A study is retracted: what speaks of it says so, though it is old.
fn retracted(network: &Network, stage: &Stage) {
    let list = network.folder().join("retractions.csv");
    let text = "Record ID,OriginalPaperDOI,OriginalPaperPubMedID,RetractionDate,RetractionDOI,RetractionNature,Reason\n\
        1,10.1000/walk.2026,0,10/30/2026 0:00,10.1000/notice,Retraction,+Data;\n";
    std::fs::write(&list, text).unwrap();
    let done = network.json(&["retractions", "import", list.to_str().unwrap()]);
    assert_eq!((&done["items"], &done["changed"]), (&json!(1), &json!(1)), "{done}");
    eventually("the feed says that it was retracted", SOON, || {
        let body = stage.get("/feeds/all.atom").body;
        when(body.contains("retraction of a study that this speaks of"), &body)
    });
    let again = network.json(&["retractions", "import", list.to_str().unwrap()]);
    assert_eq!(again["changed"], json!(0), "{again}");
}

fn rights(network: &Network, stage: &Stage) {
    let text = "by our nurses";
    assert!(stage.get("/feeds/organizations/clinic.atom").body.contains(text));
    network.json(&["org", "rights", "clinic", "link"]);
    eventually("titles and links only", SOON, || {
        let body = stage.get("/feeds/organizations/clinic.atom").body;
        when(!body.contains(text) && body.contains("Asthma and winter"), &body)
    });
    network.json(&["org", "rights", "clinic", "full"]);
    eventually("the full text again", SOON, || {
        let body = stage.get("/feeds/organizations/clinic.atom").body;
        when(body.matches(text).count() >= 14, &body)
    });
}

fn brake(network: &Network, stage: &Stage) {
    let whole = all(stage).len();
    let since = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_hours(1)).unwrap().to_string();
    network.json(&["org", "suspend", "clinic", "--withdraw-since", &since]);
    shows(stage, "what came since is withdrawn", |titles| titles.len() == 1);
    network.json(&["org", "suspend", "clinic", "--undo"]);
    shows(stage, "all is back", |titles| titles.len() == whole);
    network.json(&["org", "suspend", "clinic", "--withdraw-since", "2099-01-01"]);
    let known = network.json(&["org", "show", "clinic"]);
    assert_eq!(known["organization"]["standing"], "suspended", "{known}");
    network.json(&["org", "suspend", "clinic", "--undo"]);
    shows(stage, "all is back", |titles| titles.len() == whole);
}

/// Running again with the same vocabulary and rules changes nothing that anybody sees.
fn again(network: &Network, stage: &Stage) {
    let report = network.json(&["reclassify", "--dry-run"]);
    assert_eq!(report["changed"], json!(0), "{report}");
    assert!(report["entries"].as_u64().unwrap() >= 115, "{report}");
    // What another vocabulary and other rules would change, shown before they hold.
    let (config, overlay) = (network.folder().join("network.toml"), network.folder().join("overlay.toml"));
    std::fs::write(&overlay, "version = \"1\"\n[[name]]\nname = \"dust\"\ncode = \"D003920\"\nkind = \"name\"\n")
        .unwrap();
    let rule = "[[policy.rules]]\nname = \"no-swimming\"\noutcome = \"hold\"\nwords = [\"swimming\"]\n";
    std::fs::write(&config, format!("{QUICK}\n[conditions]\noverlay = {overlay:?}\n{rule}")).unwrap();
    let report = network.json(&["reclassify", "--dry-run"]);
    std::fs::write(&config, QUICK).unwrap();
    assert_eq!(report["conditions"]["D003920"]["gained"], json!(1), "{report}");
    assert_eq!(
        report["outcomes"]["curated by accepted-organization → held by no-swimming"]["items"],
        json!(1),
        "{report}"
    );
    assert_eq!((&report["by_what"]["outcome"], &report["changed"]), (&json!(1), &json!(2)), "{report}");
    let item = stage.json("/v1/items?q=winter")["items"][0].clone();
    let run = |step: &Value| {
        step["steps"].as_array().unwrap().iter().find(|step| step["step"] == "language").cloned().unwrap()["data"]["pipeline"]["run"].clone()
    };
    let id = item["id"].as_str().unwrap();
    assert_eq!(run(&network.json(&["explain", id])), json!(0));
    let done = network.json(&["reclassify", "--rate", "100000"]);
    assert_eq!((&done["run"], &done["stopped"]), (&json!(1), &json!(false)), "{done}");
    eventually("the run reaches the item", SOON, || {
        let explained = network.json(&["explain", id]);
        when(run(&explained) == json!(1), explained)
    });
    assert_eq!(stage.json(&format!("/v1/items/{id}"))["seq"], item["seq"], "nobody sees a difference");
    let replayed = network.json(&["replay", "--since", "1h"]);
    assert!(replayed["run"] == json!(2) && replayed["entries"].as_u64().unwrap() >= 115, "{replayed}");
    assert_eq!(outputs::titles(stage, "/feeds/search.atom?q=casino"), Ok(Vec::new()));
}

fn explained(network: &Network, stage: &Stage, token: &str) {
    let item = stage.json("/v1/items?q=walking")["items"][0].clone();
    let path = format!("/v1/items/{}/explanation", item["id"].as_str().unwrap());
    assert_eq!(stage.get(&path).status, 401);
    let explained = stage.call("GET", &path, token, None).json();
    let steps: Vec<&str> =
        explained["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    for step in ["entry", "feed", "language", "kind", "conditions", "story", "rules", "retraction", "published"] {
        assert!(steps.contains(&step), "{step}: {explained}");
    }
    let text = network.cli(&["explain", item["id"].as_str().unwrap()]);
    assert!(text.out.contains("curated by accepted-organization") && text.out.contains("“asthma”"), "{}", text.out);
    let member = network.json(&["token", "create", "other", "--role", "member", "--org", "clinic"]);
    let got = stage.call("GET", &path, member["secret"].as_str().unwrap(), None);
    assert_eq!(got.status, 403, "{}", got.body);
}

/// A record that nobody can read is put aside, shown, and sent again.
fn letters(network: &Network) {
    outputs::put_raw(network, "carewire.entries", "broken", b"{no json");
    let letter = eventually("it is put aside", SOON, || {
        let list = network.json(&["dead-letters", "list"]);
        when(list.as_array().is_some_and(|list| list.len() == 1), &list).map(|()| list[0].clone())
    });
    assert_eq!((&letter["stage"], &letter["key"]), (&json!("tag"), &json!("broken")), "{letter}");
    let id = letter["id"].as_str().unwrap();
    let shown = network.cli(&["dead-letters", "show", id]);
    assert!(shown.out.contains("{no json"), "{}", shown.out);
    assert_eq!(network.json(&["dead-letters", "retry", id])["sent"], json!([id]));
    eventually("it comes back, for it is still broken", SOON, || {
        let list = network.json(&["dead-letters", "list"]);
        let ids: Vec<&Value> = list.as_array().unwrap().iter().map(|one| &one["id"]).collect();
        when(ids.len() == 1 && ids[0] != &letter["id"], &list)
    });
    assert_eq!(network.json(&["dead-letters", "list", "--all"]).as_array().unwrap().len(), 2);
}

#[test]
fn policy_holds_releases_withdraws_and_explains() {
    let network = Network::new(&Pair::Embedded, QUICK);
    let stage = network.start_ready("up");
    scenario(&network, &stage);
    stage.stop();
}

#[test]
fn the_same_on_postgresql_and_kafka() {
    let Some(servers) = Servers::start() else { return };
    let network = Network::new(servers.pair(), QUICK);
    let stage = network.start_ready("up");
    scenario(&network, &stage);
    stage.stop();
}
