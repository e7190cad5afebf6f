//! What publishers do wrong, one in each feed: the good entries arrive, the problem is named, nobody else is slowed.

use std::{io::Write, time::Duration};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::sandbox::{
    SOON, eventually,
    feeds::{self, Entry},
    network::{Network, Pair, QUICK},
    outputs,
    publisher::{Ending, Publisher, Reply},
    when,
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn entries(name: &str, count: usize) -> Vec<Entry> {
    let seed =
        name.bytes().fold(11_u64, |sum, byte| sum.wrapping_mul(131).wrapping_add(u64::from(byte))) % 1_000_000_000;
    (0..count as u64)
        .map(|number| {
            let text = feeds::words(seed + number, 50);
            Entry::new(
                &format!("{name}-{number}"),
                &format!("{name} {number} {}", feeds::words(seed + number + 70_000, 3)),
                &format!("<p>{text}</p>"),
            )
        })
        .collect()
}

fn rss(name: &str, count: usize) -> String {
    feeds::rss2("https://publisher.example", name, &entries(name, count))
}

/// A publisher that does something wrong.
struct Bad {
    name: &'static str,
    /// What it answers.
    reply: Reply,
    /// How many of its entries must arrive.
    arrive: usize,
    /// The code that the feed's page must name, as the last error's or a problem's; empty where there is none.
    code: &'static str,
}

fn all() -> Vec<Bad> {
    let xml = "application/rss+xml";
    let bad = |name, reply, arrive, code| Bad { name, reply, arrive, code };
    let whole = |name: &str| rss(name, 6);
    let cut = whole("cutoff");
    let (half, length) = (cut.find("cutoff-3").unwrap(), cut.len());
    let broken = whole("broken").replace("</title>", "</titel>").replace("<p>", "<p>AT&T <b>");
    let latin: Vec<u8> = whole("lying").replace("lying 0", "lying caf\u{e9} 0").chars().map(|c| c as u8).collect();
    let bare = "<rss version=\"2.0\"><channel><title>Bare</title><item><title>bare without id or date</title><description>Only a title and this text of its own.</description></item>\
                <item><title>bare and another</title><description>Another text that stands alone.</description></item></channel></rss>";
    let mut future = entries("future", 2);
    future[0].published = "2031-05-05T00:00:00Z".to_owned();
    let future = feeds::rss2("https://publisher.example", "future", &future);
    let script = feeds::rss2(
        "https://publisher.example",
        "script",
        &[Entry::new(
            "script-0",
            "script in the text",
            "<p onclick=\"steal()\">Wash your hands.</p><script>alert(1)</script><iframe src=\"https://evil.example\"></iframe><a href=\"javascript:steal()\">x</a>",
        )],
    );
    let undated = whole("undated");
    let dates: Vec<&str> = undated.split("<pubDate>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    let undated = dates.iter().fold(undated.clone(), |text, date| text.replace(date, "soon after the holidays"));
    vec![
        bad("toolarge", Reply::ok(xml, rss("toolarge", 20_000)), 0, "body-too-large"),
        bad("slowhead", Reply::ok(xml, whole("slowhead")).after(Duration::from_secs(5)), 0, "timeout"),
        bad("drip", Reply::ok(xml, whole("drip")).ending(Ending::Drip(40, Duration::from_millis(250))), 0, "timeout"),
        bad("cutoff", Reply::ok(xml, cut).ending(Ending::CutAfter(half)), 3, "body-cut-off"),
        bad(
            "lyinglength",
            Reply::ok(xml, whole("lyinglength"))
                .with("content-length", &(length * 9).to_string())
                .ending(Ending::CutAfter(usize::MAX)),
            6,
            "body-cut-off",
        ),
        bad("page", Reply::ok("text/html", "<!doctype html><title>Sorry</title><p>We moved."), 0, "not-a-feed"),
        bad("picture", Reply::ok("image/png", vec![0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3]), 0, "not-a-feed"),
        bad("wrongtype", Reply::ok("text/html; charset=utf-8", whole("wrongtype")), 6, ""),
        bad("bomb", Reply::ok(xml, gzip(&vec![b' '; 3_900_000])).with("content-encoding", "gzip"), 0, "zip-bomb"),
        bad("nogzip", Reply::ok(xml, whole("nogzip")).with("content-encoding", "gzip"), 6, "not-encoded-as-declared"),
        bad("broken", Reply::ok(xml, broken), 6, "unclosed-element"),
        bad("lying", Reply::ok("application/rss+xml; charset=utf-8", latin), 6, "encoding|invalid-bytes"),
        bad("bare", Reply::ok(xml, bare), 2, "entry-without-id"),
        bad("future", Reply::ok(xml, future), 2, ""),
        bad("undated", Reply::ok(xml, undated), 6, "bad-date"),
        bad("script", Reply::ok(xml, script), 1, ""),
        bad(
            "entities",
            Reply::ok(
                xml,
                format!(
                    "<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\"><!ENTITY x SYSTEM \"file:///etc/passwd\">]>{}",
                    whole("entities").split_once("?>").unwrap().1.replace("<p>", "<p>&d;&d;&x;")
                ),
            ),
            6,
            "",
        ),
        bad("notfound", Reply::status(404), 0, "not-found"),
        bad("garbage", Reply::ok(xml, vec![0xff; 3000]), 0, "not-a-feed"),
        bad("circle", Reply::status(302).with("location", "/feed"), 0, "redirect"),
        bad(
            "inside",
            Reply::status(302).with("location", "http://169.254.169.254/latest/meta-data"),
            0,
            "forbidden-address",
        ),
    ]
}

/// Whether one of the codes (`a|b`) is named.
fn named(shown: &Value, codes: &str) -> bool {
    codes.split('|').any(|code| named_one(shown, code))
}

fn named_one(shown: &Value, code: &str) -> bool {
    shown["last_error"].as_str().is_some_and(|error| error.contains(code))
        || shown["problems"]
            .as_array()
            .is_some_and(|list| list.iter().any(|problem| problem["code"].as_str().unwrap().contains(code)))
}

#[test]
fn what_publishers_do_wrong_is_named_and_harms_nobody_else() {
    let network = Network::new(&Pair::Embedded, QUICK);
    let stage = network.start_ready("up");
    let bad: Vec<(Bad, Publisher)> = all()
        .into_iter()
        .map(|bad| {
            let publisher = Publisher::fixed(bad.reply.clone());
            (bad, publisher)
        })
        .collect();
    for (bad, publisher) in &bad {
        network.publish(bad.name, bad.name, &publisher.url("/feed"));
    }
    // Registered behind all the bad ones, and not slowed by them.
    let good = Publisher::fixed(Reply::ok("application/rss+xml", rss("good", 3)));
    network.publish("good", "good", &good.url("/feed"));
    eventually("the good feed's entries arrive", Duration::from_secs(20), || {
        let got = outputs::curated(&stage)
            .iter()
            .filter(|item| item["title"].as_str().unwrap_or_default().starts_with("good"))
            .count();
        when(got == 3, got)
    });
    let arrived =
        |name: &str| outputs::curated(&stage).iter().filter(|item| item["sources"][0]["slug"] == name).count();
    let mut wrong = Vec::new();
    for (bad, publisher) in &bad {
        let url = publisher.url("/feed");
        let what = format!("{}: {} entries, code `{}`", bad.name, bad.arrive, bad.code);
        let deadline = std::time::Instant::now() + Duration::from_secs(25);
        loop {
            let (shown, got) = (network.feed(&url), arrived(bad.name));
            let polled = shown["last_poll"].is_string();
            if polled && got >= bad.arrive && (bad.code.is_empty() || named(&shown, bad.code)) {
                break;
            }
            if std::time::Instant::now() > deadline {
                wrong.push(format!("{what}: {got} entries, {} {}", shown["last_error"], shown["problems"]));
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));

    let metrics = stage.get("/metrics").body;
    for line in [
        "carewire_ingest_failures_total{code=\"zip-bomb\"}",
        "carewire_ingest_failures_total{code=\"body-too-large\"}",
        "carewire_ingest_problems_total{code=",
    ] {
        assert!(metrics.contains(line), "{line} is not in the metrics");
    }
    contents(&network, &stage);
    stage.ready(SOON);
}

fn contents(network: &Network, stage: &crate::sandbox::network::Stage) {
    let items = outputs::curated(stage);
    let of = |slug: &str| items.iter().filter(|item| item["sources"][0]["slug"] == slug).collect::<Vec<_>>();
    let script = of("script")[0].to_string();
    assert!(
        script.contains("Wash your hands")
            && !["alert(", "onclick", "iframe", "javascript:"].iter().any(|bad| script.contains(bad)),
        "{script}"
    );
    let now = jiff::Timestamp::now();
    for item in &items {
        let published: jiff::Timestamp = item["published"].as_str().unwrap().parse().unwrap();
        assert!(
            published <= now.checked_add(jiff::SignedDuration::from_mins(10)).unwrap(),
            "a date in the future: {item}"
        );
    }
    assert!(of("lying").iter().any(|item| item["title"].as_str().unwrap().contains("caf\u{e9}")), "{:?}", of("lying"));
    assert!(!of("entities").iter().any(|item| item.to_string().contains("root:")));
    // The page of such feeds says what is wrong with them, in words.
    let list = network.json(&["feed", "list"]);
    assert_eq!(list.as_array().unwrap().len(), all().len() + 1);
}

/// Many entries in one feed: all of them arrive, while a small feed beside it is not slowed.
#[test]
fn a_feed_of_twenty_thousand_entries_slows_nobody() {
    const MANY: usize = 20_000;
    let settings = QUICK
        .replace("max_body = 4000000", "max_body = 100000000")
        .replace("default_interval = \"1s\"", "default_interval = \"2m\"")
        .replace("max_interval = \"3s\"", "max_interval = \"1h\"");
    let network = Network::new(&Pair::Embedded, &settings);
    let stage = network.start_ready("up");
    let mut body = String::from("<rss version=\"2.0\"><channel><title>Many</title>");
    for number in 0..MANY {
        body.push_str(&format!(
            "<item><title>many {number} {}</title><guid isPermaLink=\"false\">m{number}</guid></item>",
            feeds::words(number as u64, 6)
        ));
    }
    body.push_str("</channel></rss>");
    let many = Publisher::fixed(Reply::ok("application/rss+xml", body));
    network.publish("many", "Many", &many.url("/feed"));
    eventually("the big feed is asked", SOON, || when(!many.asked().is_empty(), "not yet"));
    let small = Publisher::fixed(Reply::ok("application/rss+xml", rss("small", 3)));
    network.publish("small", "Small", &small.url("/feed"));
    eventually("the small feed's entries are read", Duration::from_secs(20), || {
        let shown = network.feed(&small.url("/feed"));
        when(shown["entries"] == 3, shown)
    });
    eventually("the big feed's entries are read", Duration::from_secs(90), || {
        let shown = network.feed(&many.url("/feed"));
        when(shown["entries"].as_u64().unwrap_or(0) >= MANY as u64 || named(&shown, "too-many-entries"), shown)
    });
    let shown = network.feed(&many.url("/feed"));
    let read = shown["entries"].as_u64().unwrap();
    // Titles alone: some may be told apart by a word only and are copies then.
    eventually("what was read is in the output", Duration::from_secs(150), || {
        let count = stage.metric("carewire_store_count{kind=\"items\",state=\"curated\"}") as u64;
        when(count >= read * 9 / 10, format!("{count} of {read}"))
    });
}
