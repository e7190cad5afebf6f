//! The thread: feeds of every format in, every output out, and what happens to an item reaches all of them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::sandbox::{
    SOON, eventually,
    feeds::{self, Entry},
    network::{Network, Pair, QUICK, Stage},
    outputs,
    publisher::{Publisher, Reply},
    when,
};

const COPIED: &str = "<p>People with type 2 diabetes who walk for half an hour after dinner keep their blood sugar lower through the night, \
    a team of nurses and physiotherapists reports. Forty neighbours from three villages joined the walking group last spring and wore a sensor \
    on the arm for six weeks. Those who walked at least five evenings needed fewer tablets by the end, slept better and wanted to go on. \
    The hospital now offers the group every Tuesday and Thursday at six in the evening, free of charge, starting from the main entrance.</p>";

/// The publishers of the scenario; what they publish can be changed while everything runs.
pub struct Sites {
    atom: Arc<Mutex<(Vec<Entry>, Vec<Entry>)>>,
    rss: Arc<Mutex<Vec<Entry>>>,
    all: Vec<(&'static str, &'static str, Publisher, &'static str)>,
}

fn one(entry: Entry, make: impl Fn(&str, &[Entry]) -> String + Send + Sync + 'static, mime: &'static str) -> Publisher {
    let publisher = Publisher::fixed(Reply::status(503));
    let site = publisher.url("");
    publisher.now(move |asked| feeds::conditional(asked, mime, make(&site, std::slice::from_ref(&entry))));
    publisher
}

impl Sites {
    /// Seven publishers, each with another format.
    pub fn start() -> Self {
        let mut walk = Entry::new("walk", "Evening walks help with type 2 diabetes", COPIED);
        walk.published = feeds::hours_ago(30);
        let asthma = Entry::new(
            "asthma",
            "Asthma plans for school",
            "<p>Every child with asthma needs a plan that the school knows. Ask the nurse.</p>",
        );
        let rss = Arc::new(Mutex::new(vec![walk, asthma]));
        let heart = Entry::new(
            "heart",
            "After a heart attack: first steps",
            "<p>Going home after a heart attack raises many questions about work, driving and sport.</p>",
        );
        let recalled = Entry::new(
            "recall",
            "Stroke tablets: new dosage table",
            "<p>A table of dosages for people who had a stroke, by weight and by age.</p>",
        );
        let atom = Arc::new(Mutex::new((vec![heart, recalled], Vec::new())));

        let hospital = Publisher::fixed(Reply::status(503));
        let (site, held) = (hospital.url(""), rss.clone());
        hospital.now(move |asked| {
            feeds::conditional(
                asked,
                "application/rss+xml",
                feeds::rss2(&site, "St. Anne Hospital", &held.lock().unwrap()),
            )
        });
        let centre = Publisher::fixed(Reply::status(503));
        let (site, held) = (centre.url(""), atom.clone());
        centre.now(move |_| {
            let (entries, deleted) = &*held.lock().unwrap();
            let deleted: Vec<&Entry> = deleted.iter().collect();
            Reply::ok("application/atom+xml", feeds::atom(&site, "Heart Centre", entries, &deleted))
        });
        let copy = Entry::new("walk-copy", "Walking after dinner", COPIED);
        let rdf = Entry::new(
            "migraine",
            "Migraine diary to print",
            "<p>A diary shows what sets off a migraine and what helps.</p>",
        );
        let old = Entry::new(
            "flu",
            "Flu clinics open on Monday",
            "<p>The flu vaccine is offered in all three clinics from Monday.</p>",
        );
        let video = Entry::new(
            "Ab3dE_gh-Jk",
            "Physiotherapy for arthritis of the knee",
            "Ten gentle exercises for people with osteoarthritis of the knee.",
        );
        let held = Entry::new(
            "held",
            "Epilepsy first aid in three steps",
            "<p>Stay with the person, time the seizure, keep the airway free.</p>",
        );
        let all = vec![
            ("st-anne", "St. Anne Hospital", hospital, "/feed.xml"),
            ("heart-centre", "Heart Centre", centre, "/atom"),
            (
                "union",
                "Diabetes Union",
                one(copy, |site, e| feeds::json(site, "Diabetes Union", e), "application/feed+json"),
                "/feed.json",
            ),
            (
                "headache",
                "Headache Society",
                one(rdf, |site, e| feeds::rss1(site, "Headache Society", e), "application/rdf+xml"),
                "/rdf",
            ),
            (
                "county",
                "County Health",
                one(old, |site, e| feeds::rss091(site, "County Health", e), "text/xml"),
                "/news.rss",
            ),
            (
                "joints",
                "Joint Institute",
                one(video, |_, e| feeds::youtube("UCabcdefghijklmnopqrstuv", "Joint Institute", e), "text/xml"),
                "/feeds/videos.xml?channel_id=UCabcdefghijklmnopqrstuv",
            ),
            (
                "applicant",
                "Applicant Clinic",
                one(held, |site, e| feeds::rss2(site, "Applicant Clinic", e), "text/xml"),
                "/feed.xml",
            ),
        ];
        Self { atom, rss, all }
    }

    /// Registers them; the applicant is not accepted.
    pub fn register(&self, network: &Network) {
        for (slug, name, publisher, path) in &self.all {
            if *slug == "applicant" {
                network.json(&["org", "add", name, "--slug", slug]);
                network.json(&["feed", "add", slug, &publisher.url(path)]);
            } else {
                network.publish(slug, name, &publisher.url(path));
            }
        }
    }
}

fn titles(list: &[&str]) -> Vec<String> {
    let mut list: Vec<String> = list.iter().map(|title| (*title).to_owned()).collect();
    list.sort();
    list
}

fn wait_for(stage: &Stage, path: &str, expected: &[String]) {
    eventually(&format!("{path} shows {expected:?}"), SOON, || {
        let got = outputs::titles(stage, path)?;
        when(got == expected, format!("{got:?}"))
    });
}

/// The item of that title in `/v1/items`.
fn item(stage: &Stage, title: &str) -> Value {
    eventually(&format!("`{title}` is in /v1/items"), SOON, || {
        let page = stage.json("/v1/items?limit=100");
        let found = page["items"].as_array().unwrap().iter().find(|item| item["title"] == title).cloned();
        found.ok_or_else(|| page.to_string())
    })
}

/// The whole scenario on a network that is empty and runs; `stage` serves its outputs.
pub fn scenario(network: &Network, stage: &Stage, sites: &Sites) {
    sites.register(network);
    let mut all = titles(&[
        "Evening walks help with type 2 diabetes",
        "Asthma plans for school",
        "After a heart attack: first steps",
        "Stroke tablets: new dosage table",
        "Migraine diary to print",
        "Flu clinics open on Monday",
        "Physiotherapy for arthritis of the knee",
    ]);
    for path in ["/feeds/all.atom", "/feeds/all.rss", "/feeds/all.json"] {
        wait_for(stage, path, &all);
    }
    assert_eq!(outputs::atom_titles_by_another_reader(&stage.get("/feeds/all.atom").body), all);
    assert_eq!(outputs::rss_titles_by_another_reader(&stage.get("/feeds/all.rss").body), all);
    conditions_and_copies(stage);
    held(network, stage);
    let before = outputs::changes(stage).len();
    assert_eq!(before, 7);

    changed(stage, sites, &mut all);
    withdrawn(stage, sites, &mut all);
    decided(network, stage, &all);
    topic(network, stage);
    outputs::assert_no_gap(network);
}

fn conditions_and_copies(stage: &Stage) {
    // Diabetes mellitus, above type 2; myocardial infarction by its lay name; ICD-10-CM below what is there.
    wait_for(stage, "/feeds/conditions/D003920.atom", &titles(&["Evening walks help with type 2 diabetes"]));
    wait_for(stage, "/feeds/conditions/icd10cm:E11.9.rss", &titles(&["Evening walks help with type 2 diabetes"]));
    wait_for(stage, "/feeds/conditions/D009203.json", &titles(&["After a heart attack: first steps"]));
    wait_for(stage, "/feeds/search.atom?q=heart+attack", &titles(&["After a heart attack: first steps"]));
    wait_for(stage, "/feeds/organizations/county.atom", &titles(&["Flu clinics open on Monday"]));
    // The copy is one item with its origin, and stands in both organizations' feeds.
    let walk = item(stage, "Evening walks help with type 2 diabetes");
    let sources: Vec<&str> = walk["sources"].as_array().unwrap().iter().map(|s| s["slug"].as_str().unwrap()).collect();
    assert_eq!(sources, ["st-anne", "union"], "{walk}");
    wait_for(stage, "/feeds/organizations/union.atom", &titles(&["Evening walks help with type 2 diabetes"]));
    let video = item(stage, "Physiotherapy for arthritis of the knee");
    assert_eq!(video["video"]["id"], "Ab3dE_gh-Jk", "{video}");
    assert!(stage.get("/opml").body.contains("/feeds/all.atom"));
    let page = stage.get("/");
    assert!(page.status == 200 && page.body.contains("Asthma plans for school"), "{}", page.body);
    // Unchanged answers 304 to who has it.
    let first = stage.get("/feeds/all.atom");
    let again = stage_conditional(stage, "/feeds/all.atom", first.header("etag"));
    assert_eq!(again, 304);
}

fn stage_conditional(stage: &Stage, path: &str, etag: &str) -> u16 {
    crate::sandbox::network::send("GET", &format!("{}{path}", stage.base), &[("if-none-match", etag)], None).status
}

/// What is held waits for a curator, seen by nobody else.
fn held(network: &Network, stage: &Stage) {
    let token =
        network.json(&["token", "create", "curating", "--role", "curator"])["secret"].as_str().unwrap().to_owned();
    let waiting = eventually("the applicant's entry waits", SOON, || {
        let got = stage.call("GET", "/v1/items?state=held", &token, None);
        if got.status == 200 && got.body.contains("Epilepsy first aid") { Ok(got) } else { Err(got.body) }
    });
    assert!(waiting.body.contains("organization-not-accepted"), "{}", waiting.body);
    assert!(!stage.get("/feeds/all.atom").body.contains("Epilepsy"));
}

/// An entry is corrected by its publisher: everywhere the new text, nowhere the old, under the same id.
fn changed(stage: &Stage, sites: &Sites, all: &mut [String]) {
    let before = item(stage, "Asthma plans for school");
    let etag = stage.get("/feeds/all.atom").header("etag").to_owned();
    {
        let mut entries = sites.rss.lock().unwrap();
        entries[1].title = "Asthma plans for school and sport".to_owned();
        entries[1].html =
            "<p>Correction: every child with asthma needs a plan that school and sports club know.</p>".to_owned();
    }
    for title in all.iter_mut().filter(|title| *title == "Asthma plans for school") {
        *title = "Asthma plans for school and sport".to_owned();
    }
    all.sort();
    for path in ["/feeds/all.atom", "/feeds/all.rss", "/feeds/all.json"] {
        wait_for(stage, path, all);
        let body = stage.get(path).body;
        assert!(body.contains("sports club") && !body.contains("Ask the nurse"), "{path}: {body}");
    }
    wait_for(stage, "/feeds/conditions/D001249.atom", &titles(&["Asthma plans for school and sport"]));
    wait_for(stage, "/feeds/search.rss?q=asthma", &titles(&["Asthma plans for school and sport"]));
    let after = item(stage, "Asthma plans for school and sport");
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["first"], before["first"]);
    assert!(after["seq"].as_i64() > before["seq"].as_i64());
    assert_eq!(stage_conditional(stage, "/feeds/all.atom", &etag), 200);
}

/// An entry that its publisher declares deleted leaves every feed and leaves a withdrawal.
fn withdrawn(stage: &Stage, sites: &Sites, all: &mut Vec<String>) {
    let gone = item(stage, "Stroke tablets: new dosage table");
    let id = gone["id"].as_str().unwrap().to_owned();
    let updated = outputs::feed(stage, "/feeds/all.atom").unwrap().feed.updated;
    {
        let mut held = sites.atom.lock().unwrap();
        let entry = held.0.pop().unwrap();
        held.1.push(entry);
    }
    all.retain(|title| !title.starts_with("Stroke"));
    for path in ["/feeds/all.atom", "/feeds/all.rss", "/feeds/all.json"] {
        wait_for(stage, path, all);
    }
    let after = outputs::feed(stage, "/feeds/all.atom").unwrap();
    assert!(after.feed.updated > updated, "{:?} {updated:?}", after.feed.updated);
    let report = carewire_feeds::report(&after).to_string();
    assert!(report.contains(&format!("urn:uuid:{id}")), "no deleted-entry of {id}: {report}");
    assert_eq!(
        outputs::titles(stage, "/feeds/organizations/heart-centre.rss").unwrap(),
        titles(&["After a heart attack: first steps"])
    );
    wait_for(stage, "/feeds/search.atom?q=dosage", &[]);
    assert_eq!(stage.get(&format!("/v1/items/{id}")).status, 410);
    assert_eq!(stage.get(&format!("/items/{id}")).status, 410);
    let last = outputs::changes(stage).pop().unwrap();
    assert_eq!((&last["state"], &last["item"]), (&json!("withdrawn"), &json!(id)), "{last}");
}

/// A curator hides an item and takes it back.
fn decided(network: &Network, stage: &Stage, all: &[String]) {
    let token =
        network.json(&["token", "create", "deciding", "--role", "curator"])["secret"].as_str().unwrap().to_owned();
    let flu = item(stage, "Flu clinics open on Monday");
    let decide = |verdict: &str| {
        let body = json!({"item": flu["id"], "verdict": {"kind": verdict}, "reason": "for a test"});
        let got = stage.call("POST", "/v1/decisions", &token, Some(&body));
        assert_eq!(got.status, 201, "{}", got.body);
    };
    decide("hide");
    let without: Vec<String> = all.iter().filter(|title| !title.starts_with("Flu")).cloned().collect();
    for path in ["/feeds/all.atom", "/feeds/all.rss", "/feeds/all.json"] {
        wait_for(stage, path, &without);
    }
    decide("undo");
    wait_for(stage, "/feeds/all.atom", all);
}

/// `carewire.curated` says the same as the change log.
fn topic(network: &Network, stage: &Stage) {
    eventually("carewire.curated has the last state of every item", SOON, || {
        let expected: BTreeSet<(String, String)> = outputs::changes(stage)
            .iter()
            .map(|line| (line["item"].as_str().unwrap().to_owned(), line["state"].as_str().unwrap().to_owned()))
            .collect();
        let got: BTreeSet<(String, String)> = outputs::curated_topic(network)
            .into_iter()
            .map(|(key, value)| (key, value["state"].as_str().unwrap_or("(null)").to_owned()))
            .collect();
        when(got == expected, format!("{got:?} instead of {expected:?}"))
    });
}

#[test]
fn every_format_reaches_every_output() {
    let network = Network::new(&Pair::Embedded, QUICK);
    let sites = Sites::start();
    let stage = network.start_ready("up");
    scenario(&network, &stage, &sites);
    let (status, took) = stage.stop();
    assert!(status.success() && took.as_secs() < 21, "{status} after {took:?}");
}
