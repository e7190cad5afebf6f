//! The commands that need no network, wrong configuration, wrong requests, logs, and the demo.

use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::{
    feeds::{self, Entry},
    network::{Network, Pair, QUICK, command},
    publisher::{Publisher, Reply},
};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn parse_reads_files_pipes_and_addresses() {
    let entries = [Entry::new("one", "One & only", "<p>Text</p>"), Entry::new("two", "Two", "<p>More</p>")];
    let feed = feeds::rss2("https://site.example", "A feed", &entries);
    let piped = command(&["parse", "--json", "-"], &feed);
    assert_eq!(piped.code, Some(0), "{}", piped.err);
    let report = piped.json();
    assert_eq!(report["feed"]["title"], "A feed");
    assert_eq!(report["entries"][0]["title"], "One & only");
    assert_eq!(report["entries"][1]["id"], "two");
    assert_eq!(report["problems"], json!([]));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("feed.xml");
    std::fs::write(&file, &feed).unwrap();
    assert_eq!(command(&["parse", "--json", &file.display().to_string()], "").json(), report);

    // Over the network through the guarded client: loopback is refused unless it is allowed.
    let publisher = Publisher::fixed(Reply::ok("application/rss+xml", feed));
    let url = publisher.url("/feed.xml");
    let refused = command(&["parse", "--json", &url], "");
    assert_ne!(refused.code, Some(0));
    assert!(refused.err.contains("nothing may be fetched from"), "{}", refused.err);
    assert!(publisher.asked().is_empty());
    let allowed = Network::new(&Pair::Embedded, QUICK).cli(&["parse", "--json", &url]);
    assert_eq!(allowed.json()["entries"], report["entries"]);

    let broken = command(
        &["parse", "--json", "-"],
        "<rss><channel><title>T</title><item><title>A & B</title><guid>1</guid><item><title>C</title><guid>2</guid>",
    );
    assert_eq!(broken.code, Some(0));
    let broken = broken.json();
    assert_eq!(broken["entries"].as_array().unwrap().len(), 2, "{broken}");
    assert!(!broken["problems"].as_array().unwrap().is_empty());
    assert_ne!(command(&["parse", "--json", "-"], "no feed at all").code, Some(0));
    assert_ne!(command(&["parse", "--json", "/no/such/file"], "").code, Some(0));
}

#[test]
fn tag_answers_every_line_and_names_bad_ones() {
    let input = "{\"id\":1,\"title\":\"Heart attack survivors\",\"text\":\"No sign of a stroke.\"}\nnot json\n\n{\"id\":\"b\",\"title\":\"Azúcar alta\",\"text\":\"Vivir con diabetes tipo 2 en casa.\",\"language\":\"es\"}\n";
    let answer = command(&["tag", "--json"], input);
    assert_eq!(answer.code, Some(1), "a bad line is told by the exit code");
    assert!(answer.err.contains("line 2"), "{}", answer.err);
    let got = lines(&answer.out);
    assert_eq!(got.len(), 2);
    let code = |line: &Value, code: &str| {
        line["conditions"].as_array().unwrap().iter().find(|tag| tag["code"] == code).cloned()
    };
    let heart = code(&got[0], "D009203").unwrap_or_else(|| panic!("{}", got[0]));
    assert_eq!((&heart["role"], &heart["negated"]), (&json!("about"), &json!(false)));
    assert_eq!(heart["evidence"][0]["text"], "Heart attack");
    assert_eq!(code(&got[0], "D020521").unwrap()["negated"], true);
    assert_eq!((&got[1]["id"], &got[1]["language"]), (&json!("b"), &json!("es")));
    assert!(code(&got[1], "D003924").is_some(), "{}", got[1]);
}

#[test]
fn cluster_tells_copies_from_stories() {
    let text = feeds::words(1, 80);
    let records = [
        json!({"id": "a", "title": "New hip clinic", "text": text, "published": "2026-01-01T08:00:00Z", "publisher": "one"}),
        json!({"id": "b", "title": "Hip clinic opened", "text": text, "published": "2026-01-01T09:00:00Z", "publisher": "two"}),
        json!({"id": "c", "title": "Flu season begins early", "text": "Doctors in the north see more patients with influenza than in other years and ask people above sixty to be vaccinated before Christmas.", "published": "2026-01-01T10:00:00Z", "publisher": "three"}),
    ];
    let input: String = records.iter().map(|record| format!("{record}\n")).collect();
    let answer = command(&["cluster", "--json", "-"], &input);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let got = lines(&answer.out);
    let relations: Vec<_> =
        got.iter().map(|line| (line["id"].as_str().unwrap(), line["relation"].as_str().unwrap())).collect();
    assert_eq!(relations, [("a", "first"), ("b", "copy"), ("c", "first")]);
    assert_eq!(got[0]["story"], got[1]["story"]);
    assert_ne!(got[0]["story"], got[2]["story"]);
}

#[test]
fn wrong_configuration_names_the_key() {
    for (settings, named) in [
        ("listne = \"127.0.0.1:0\"", "listne"),
        ("[ingest]\nintervall = \"5m\"", "ingest.intervall"),
        ("[ingest]\nmin_interval = \"soon\"", "ingest.min_interval"),
        ("[ingest]\nmin_interval = \"2h\"", "ingest.default_interval"),
        ("[fetch]\nallow = [\"localhost\"]", "fetch.allow"),
        ("[fetch]\ntotal_timeout = \"0s\"", "fetch.total_timeout"),
        ("public_url = \"ftp://x\"", "public_url"),
        ("database = \"mysql://x\"", "database"),
        ("[bus]\npartitions = 0", "bus.partitions"),
        ("[mail]\nsmtp = \"smtp://localhost\"", "mail.from"),
    ] {
        let answer = Network::new(&Pair::Embedded, settings).cli(&["config"]);
        assert_eq!(answer.code, Some(1), "{settings}: {}", answer.out);
        assert!(answer.err.contains(named), "{settings}: {}", answer.err);
    }
    let answer = Network::new(&Pair::Embedded, "database = \"postgres://me:secret@db.example/x\"\n[mail]\nsmtp = \"smtp://u:secret@mail.example\"\nfrom = \"C <c@mail.example>\"").cli(&["config"]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    assert!(answer.out.contains("db.example") && !answer.out.contains("secret"), "{}", answer.out);
    let unknown = command(&["--config", "/no/such.toml", "config"], "");
    assert!(unknown.code == Some(1) && unknown.err.contains("/no/such.toml"), "{}", unknown.err);
}

#[test]
fn commands_say_what_is_wrong() {
    let network = Network::new(&Pair::Embedded, "");
    network.json(&["org", "add", "Heart Centre", "--accept", "--site", "https://heart.example", "--country", "at"]);
    network.json(&["feed", "add", "heart-centre", "https://heart.example/feed.xml#news", "--vouch"]);
    for (args, named) in [
        (&["org", "add", "Heart Centre"][..], "heart-centre"),
        (&["org", "add", "X", "--country", "Austria"], "--country"),
        (&["org", "add", "X", "--site", "nowhere"], "--site"),
        (&["org", "add", "X", "--slug", "Not A Slug"], "Not A Slug"),
        (&["org", "show", "nobody"], "nobody"),
        (&["org", "standing", "heart-centre", "loved"], "accepted, suspended"),
        (&["feed", "add", "heart-centre", "https://heart.example/feed.xml"], "heart.example"),
        (&["feed", "add", "heart-centre", "file:///etc/passwd"], "https or http"),
        (&["feed", "add", "heart-centre", "https://u:p@heart.example/"], "user name or password"),
        (&["feed", "show", "https://other.example/"], "other.example"),
        (&["token", "create", "t", "--role", "king"], "operator, curator or member"),
        (&["token", "create", "t", "--role", "member"], "--org"),
        (&["token", "revoke", "zzz"], "zzz"),
        (&["user", "add", "nobody", "--role", "curator"], "mail address"),
    ] {
        let answer = network.cli(args);
        assert_eq!(answer.code, Some(1), "{args:?}: {}", answer.out);
        assert!(answer.err.contains(named), "{args:?}: {}", answer.err);
    }
    let shown = network.json(&["org", "show", "heart-centre"]);
    assert_eq!(shown["organization"]["country"], "AT");
    assert_eq!(shown["feeds"][0]["url"], "https://heart.example/feed.xml");
    let made = network.json(&["token", "create", "laptop", "--role", "operator", "--days", "3"]);
    let id = made["token"]["id"].as_str().unwrap();
    network.json(&["token", "revoke", id]);
    let listed = network.json(&["token", "list"]);
    assert!(
        listed[0]["revoked_at"].is_string() && !listed.to_string().contains(made["secret"].as_str().unwrap()),
        "{listed}"
    );
    let user = network.json(&["user", "add", "anna@heart.example", "--role", "curator"]);
    assert!(user["password"].as_str().unwrap().len() >= 12);
    assert!(!user["user"].to_string().contains("argon2"), "{user}");
}

#[test]
fn wrong_requests_name_the_field() {
    let network = Network::new(&Pair::Embedded, QUICK);
    let operator =
        network.json(&["token", "create", "op", "--role", "operator"])["secret"].as_str().unwrap().to_owned();
    let stage = network.start_ready("up");
    let post = |path: &str, body: Value| stage.call("POST", path, &operator, Some(&body));
    for (got, status, named) in [
        (post("/v1/organizations", json!({"name": "X", "colour": "red"})), 422, "colour"),
        (post("/v1/organizations", json!({"name": ""})), 422, "name"),
        (post("/v1/organizations", json!({"name": "X", "country": "Austria"})), 422, "country"),
        (post("/v1/feeds", json!({"organization": "nobody", "url": "https://x.example/"})), 422, "organization"),
        (post("/v1/decisions", json!({"item": "zzz", "verdict": {"kind": "approve"}, "reason": "x"})), 422, "item"),
        (stage.get("/v1/items?limit=0"), 400, "limit"),
        (stage.get("/v1/items?colour=red"), 400, "colour"),
        (stage.get("/v1/changes?after=x"), 400, "after"),
        (stage.get("/feeds/search.atom?condition=ZZZ"), 400, "condition"),
    ] {
        assert_eq!(got.status, status, "{named}: {}", got.body);
        assert!(got.header("content-type").starts_with("application/problem+json"), "{named}: {:?}", got.headers);
        assert!(got.json().to_string().contains(named), "{named}: {}", got.body);
    }
    assert_eq!(post("/v1/organizations", json!({"name": "Made by API", "standing": "accepted"})).status, 201);
    let body = json!({"name": "Y"});
    assert_eq!(
        crate::sandbox::network::send("POST", &format!("{}/v1/organizations", stage.base), &[], Some(&body)).status,
        401
    );
    assert_eq!(stage.call("POST", "/v1/organizations", "wrong", Some(&body)).status, 401);
    let member = network.json(&["token", "create", "m", "--role", "member", "--org", "made-by-api"])["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(stage.call("POST", "/v1/organizations", &member, Some(&body)).status, 403);
    let document = stage.json("/openapi.json");
    assert!(document["paths"]["/v1/decisions"]["post"].is_object());
    assert_eq!(stage.get("/nowhere").status, 404);
    // Everything that was logged is JSON.
    let log = stage.log();
    assert!(lines(&log).iter().all(|line| line["level"].is_string() && line["timestamp"].is_string()), "{log}");
    let (status, took) = stage.stop();
    assert!(status.success() && took < Duration::from_secs(21), "{status} after {took:?}");
}

#[test]
fn the_demo_checks_itself() {
    let answer = command(&["demo", "--for", "40s", "--json", "--listen", "127.0.0.1:0"], "");
    let report = answer.json();
    assert!(answer.code == Some(0) && report["ok"] == true, "{report:#}\n{}", answer.err);
    let short = command(&["demo", "--for", "1s", "--json"], "");
    assert!(short.code == Some(1) && short.err.contains("too short"), "{}", short.err);
}

#[test]
fn check_tells_the_owner_what_is_wrong() {
    let entries = [Entry::new("one", "One", "<p>Text</p>")];
    let good = feeds::rss2("https://site.example", "A feed", &entries);
    let broken = good.replace("A feed", "A & B");
    let publisher = Publisher::start(move |asked| match asked.path.as_str() {
        "/broken.xml" => Reply::ok("text/html", broken.clone()),
        _ if asked.header("if-none-match") == Some("\"1\"") => Reply::status(304),
        _ => Reply::ok("application/rss+xml", good.clone()).with("etag", "\"1\""),
    });
    let network = Network::new(&Pair::Embedded, QUICK);
    let sound = network.cli(&["check", "--json", &publisher.url("/feed.xml")]);
    assert_eq!(sound.code, Some(0), "{}", sound.out);
    let codes = |answer: &Value| -> Vec<String> {
        answer["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap().to_owned()).collect()
    };
    assert!(codes(&sound.json()).contains(&"no-https".to_owned()), "{}", sound.out);
    assert!(!codes(&sound.json()).contains(&"no-validators".to_owned()), "{}", sound.out);
    assert_eq!(publisher.asked().len(), 2, "once, and once more with the validators");

    let wrong = network.cli(&["check", &publisher.url("/broken.xml")]);
    assert_eq!(wrong.code, Some(1), "an error is told by the exit code");
    for part in
        ["error    bare-ampersand", "mend     Write &amp; for &", "XML 1.0, 2.4", "content-type-wrong", "1 error"]
    {
        assert!(wrong.out.contains(part), "{part} is not in:\n{}", wrong.out);
    }
    let document = command(&["check", "--json", "-"], "no feed at all");
    assert_eq!(document.code, Some(1));
    assert!(codes(&document.json()).contains(&"not-a-feed".to_owned()), "{}", document.out);
    assert_eq!(document.json()["url"], Value::Null);
}

#[test]
fn lists_are_imported_and_exported() {
    let page = "<html><head><link rel='alternate' type='application/rss+xml' href='/found.xml'></head></html>";
    let publisher = Publisher::start(move |asked| match asked.path.as_str() {
        "/" => Reply::ok("text/html", page),
        "/bare" => Reply::ok("text/html", "<html><body>Hello</body></html>"),
        _ => Reply::status(404),
    });
    let (site, bare, none) = (publisher.url("/"), publisher.url("/bare"), publisher.url("/none"));
    // Nested, twice the same, sites only, a channel's page, no address, and cut off.
    let list = format!(
        "<opml version='2.0'><body><outline text='Heart'><outline text='Heart Centre' xmlUrl='https://heart.example/a&b' htmlUrl='https://heart.example/'/>\
         <outline text='Deeper'><outline text='Again' xmlUrl='https://heart.example/a&amp;b'/></outline></outline>\
         <outline text='Found' htmlUrl='{site}'/><outline text='Bare' htmlUrl='{bare}'/><outline text='None' htmlUrl='{none}'/>\
         <outline text='Talks' xmlUrl='https://www.youtube.com/channel/UCabcdefghijklmnopqrstuv'/>\
         <outline text='Wrong' xmlUrl='not an address'/><outline text='Cut' xmlUrl=\"https://cut.example/f\""
    );
    let network = Network::new(&Pair::Embedded, QUICK);
    let file = network.folder().join("list.opml");
    std::fs::write(&file, list).unwrap();
    let file = file.display().to_string();
    let report = network.json(&["import", "opml", &file, "--trusted"]);
    assert_eq!(report["registered"], 4, "{report}");
    assert_eq!(report["discovered"][0]["feed"], publisher.url("/found.xml"), "{report}");
    let refused = report["refused"].to_string();
    assert!(refused.contains("advertises no feed") && refused.contains("status 404"), "{report}");
    let problems = report["problems"].to_string();
    for code in ["duplicate-feed", "bad-url", "bare-ampersand", "outline-without-feed", "truncated"] {
        assert!(problems.contains(code), "{code}: {report}");
    }
    let again = network.json(&["import", "opml", &file, "--trusted", "--no-discovery"]);
    assert_eq!((&again["registered"], &again["already_there"]), (&json!(0), &json!(3)), "{again}");

    let out = network.folder().join("out.opml");
    let exported = network.cli(&["export", "opml", "--to", &out.display().to_string()]);
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    let text = std::fs::read_to_string(&out).unwrap();
    for part in [
        "https://heart.example/a&amp;b",
        "videos.xml?channel_id=UCabcdefghijklmnopqrstuv",
        "<outline text=\"Heart Centre\">",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let other = Network::new(&Pair::Embedded, QUICK);
    let taken = other.json(&["import", "opml", &out.display().to_string(), "--no-discovery"]);
    assert_eq!(
        (&taken["registered"], &taken["problems"]),
        (&json!(4), &json!([])),
        "what was written is read: {taken}"
    );
    let one = network.cli(&["export", "opml", "--org", "talks"]);
    assert!(one.out.contains("UCabc") && !one.out.contains("heart.example"), "{}", one.out);
}
