//! Old content behind the real binary: pages of published items are looked at again, and readers see what was found.

use crate::sandbox::{
    SOON, eventually,
    feeds::{self, Entry},
    network::{Network, Pair, QUICK},
    outputs,
    publisher::{Publisher, Reply},
    when,
};

fn page(head: &str, text: &str) -> Reply {
    let page = format!(
        "<!doctype html><html><head><title>Page</title>{head}</head><body><main><p>{text}</p></main></body></html>"
    );
    Reply::ok("text/html; charset=utf-8", page)
}

#[test]
fn pages_that_go_move_and_are_reviewed_reach_the_readers() {
    // Days are seconds here.
    let settings = format!(
        "{QUICK}\n[ingest.recheck]\nevery = \"2s\"\ngone_after = \"1s\"\nper_minute = 100000\nhost_pause = \"0s\"\n"
    );
    let network = Network::new(&Pair::Embedded, &settings);
    let publisher = Publisher::fixed(Reply::status(503));
    let site = publisher.url("");
    let entries: Vec<Entry> = ["gone", "moved", "reviewed"]
        .into_iter()
        .enumerate()
        .map(|(n, name)| {
            Entry::new(name, &format!("About {name}"), &format!("<p>{}</p>", feeds::words(810_000 + n as u64, 50)))
        })
        .collect();
    let home = site.clone();
    publisher.now(move |asked| match asked.path.as_str() {
        "/feed" => feeds::conditional(asked, "text/xml", feeds::rss2(&home, "Old", &entries)),
        path if path.starts_with("/articles/gone") => Reply::status(410),
        path if path.starts_with("/articles/moved") => Reply::status(301).with("location", "/library/moved"),
        "/library/moved" => page("", "The same, elsewhere."),
        path if path.starts_with("/articles/reviewed") => page(
            r#"<script type="application/ld+json">{"@type":"MedicalWebPage","lastReviewed":"2025-05-12","reviewedBy":{"name":"Dr. Ada Ruiz"}}</script>"#,
            "Page last reviewed: 12 May 2025. Next review due: 12 May 2099.",
        ),
        "/sitemap.xml" => Reply::ok(
            "application/xml",
            format!("<urlset><url><loc>{home}/articles/reviewed</loc></url><url><loc>{home}/library/moved</loc></url></urlset>"),
        ),
        _ => Reply::status(404),
    });
    network.publish("old", "Old Pages", &publisher.url("/feed"));
    let up = network.start_ready("up");
    let withdrawn = eventually("the withdrawal", SOON, || {
        let lines = outputs::changes(&up);
        let gone = lines.iter().find(|line| line["state"] == "withdrawn").cloned();
        gone.ok_or(format!("{lines:?}"))
    });
    assert_eq!(withdrawn["value"]["withdrawn"]["reason"], "page gone");
    let id = withdrawn["item"].as_str().unwrap();
    let gone = up.get(&format!("/items/{id}"));
    assert!(gone.status == 410 && gone.body.contains("page gone"), "{}: {}", gone.status, gone.body);
    let named = |name: &str| outputs::curated(&up).into_iter().find(|item| item["title"] == format!("About {name}"));
    eventually("the new link", SOON, || {
        let item = named("moved").ok_or("not there")?;
        when(item["url"].as_str() == Some(&format!("{site}/library/moved")), &item)
    });
    let reviewed = eventually("the review", SOON, || {
        let item = named("reviewed").ok_or("not there")?;
        when(item["traits"]["reviewed"] == "2025-05-12T00:00:00Z", &item).map(|()| item)
    });
    assert_eq!(reviewed["traits"]["next_review"], "2099-05-12T00:00:00Z");
    let page = up.get(&format!("/items/{}", reviewed["id"].as_str().unwrap())).body;
    for words in ["Last reviewed ", "12 May 2025", "Dr. Ada Ruiz", "Next review ", "12 May 2099"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    // Once told, nothing is told again, and the page that is gone stays gone while the feed lists it.
    let (looks, numbers) = (publisher.asked().len(), outputs::sequence(&network).len());
    eventually("further looks", SOON, || when(publisher.asked().len() > looks + 6, publisher.asked().len()));
    assert_eq!(outputs::sequence(&network).len(), numbers);
    outputs::assert_no_gap(&network);
    // The site has a map as well: what it would give, without registering it.
    let map = publisher.url("/sitemap.xml");
    let preview = network.json(&["feed", "add", "old", &map, "--preview"]);
    assert_eq!((&preview["format"], &preview["of"]), (&"site map".into(), &2.into()), "{preview}");
    assert_eq!(preview["entries"][0]["reviewed"], "2025-05-12T00:00:00Z");
    assert!(preview["passed_over"][0]["reason"].as_str().unwrap().contains("does not say that it is an article"));
    let shown = network.cli(&["feed", "add", "old", &map, "--preview"]).out;
    assert!(shown.contains("nothing was registered") && shown.contains("/articles/reviewed"), "{shown}");
    assert_eq!(network.cli(&["feed", "show", &map]).code, Some(1), "it is not there");
    // What its entries came to, on the report card.
    let report = network.json(&["feed", "report", &publisher.url("/feed")]);
    let share = |name: &str| report["items"][name].as_f64().unwrap();
    assert_eq!(report["items"]["entries"], 2, "{report}");
    assert_eq!(share("condition") + share("topic") + share("neither"), 1.0, "{report}");
    let shown = network.cli(&["feed", "report", &publisher.url("/feed")]).out;
    assert!(shown.contains("% about neither, of 2 entries"), "{shown}");
    let (status, _) = up.stop();
    assert!(status.success());
}
