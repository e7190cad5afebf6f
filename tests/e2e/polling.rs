//! Manners towards publishers: conditional requests, one at a time for each host, none before its time.

use std::time::Duration;

use crate::sandbox::{
    SOON, eventually,
    feeds::{self, Entry},
    network::{Network, Pair, QUICK},
    outputs,
    publisher::{Publisher, Reply},
    when,
};

fn feed(site: &str, name: &str) -> String {
    let seed = name.bytes().map(u64::from).sum::<u64>() + 40_000;
    let entry = Entry::new(
        name,
        &format!("{name} {}", feeds::words(seed, 4)),
        &format!("<p>{}</p>", feeds::words(seed + 1, 40)),
    );
    feeds::rss2(site, name, &[entry])
}

#[test]
fn publishers_are_asked_politely() {
    let settings = QUICK.replace("max_interval = \"3s\"", "max_interval = \"2h\"");
    let network = Network::new(&Pair::Embedded, &settings);
    let stage = network.start_ready("up");
    let conditional =
        Publisher::start(|asked| feeds::conditional(asked, "text/xml", feed("https://c.example", "conditional")));
    let dated = Publisher::start(|asked| match asked.header("if-modified-since") {
        Some("Mon, 02 Nov 2026 08:00:00 GMT") => Reply::status(304),
        _ => Reply::ok("text/xml", feed("https://d.example", "dated"))
            .with("last-modified", "Mon, 02 Nov 2026 08:00:00 GMT"),
    });
    let cached = Publisher::start(|_| {
        Reply::ok("text/xml", feed("https://m.example", "cached")).with("cache-control", "max-age=3600")
    });
    let busy = Publisher::start(|_| Reply::status(503).with("retry-after", "3600"));
    let gone = Publisher::start(|_| Reply::status(410));
    // Ten feeds at one slow host: never two requests at once.
    let shared = Publisher::start(|asked| {
        let name = asked.path.trim_start_matches('/').to_owned();
        Reply::ok("text/xml", feed("https://s.example", &name)).after(Duration::from_millis(30))
    });
    let moved_to = shared.url("/moved");
    let moved = Publisher::start(move |_| Reply::status(301).with("location", &moved_to));
    for (slug, publisher) in
        [("c", &conditional), ("d", &dated), ("m", &cached), ("b", &busy), ("g", &gone), ("r", &moved)]
    {
        network.publish(slug, &format!("Publisher {slug}"), &publisher.url("/feed"));
    }
    network.json(&["org", "add", "Shared", "--accept"]);
    for number in 0..10 {
        network.json(&["feed", "add", "shared", &shared.url(&format!("/s{number}")), "--vouch"]);
    }
    eventually("every publisher was asked, the quick ones several times", SOON, || {
        let quick = [&conditional, &dated].iter().all(|publisher| publisher.asked().len() >= 5);
        let slow = [&cached, &busy, &moved].iter().all(|publisher| !publisher.asked().is_empty());
        when(
            quick && slow && shared.asked().len() >= 25 && gone.asked().len() >= 2,
            format!("{} {}", conditional.asked().len(), shared.asked().len()),
        )
    });
    for publisher in [&conditional, &dated, &cached, &busy, &gone, &shared, &moved] {
        assert_eq!(publisher.most_in_flight(), 1, "{}", publisher.address());
    }
    let asked = shared.asked();
    let pauses = asked.windows(2).map(|pair| pair[1].at - pair[0].at);
    assert!(pauses.min().unwrap() >= Duration::from_millis(35), "the answer takes 30 ms, the pause 10 ms");
    assert!(conditional.asked()[1..].iter().all(|asked| asked.header("if-none-match").is_some()));
    assert!(dated.asked()[1..].iter().all(|asked| asked.header("if-modified-since").is_some()));
    // The validators are echoed exactly, and nothing is sent that the publisher did not give.
    assert!(dated.asked()[1..].iter().all(|asked| asked.header("if-none-match").is_none()));
    let agent = conditional.asked()[0].header("user-agent").unwrap_or_default().to_owned();
    assert!(agent.contains("Carewire"), "{agent}");
    assert!(conditional.asked()[0].header("accept-encoding").unwrap_or_default().contains("gzip"));

    // Nobody is asked before the time that they gave.
    let shown = network.feed(&cached.url("/feed"));
    assert_eq!(shown["next_reason"], "cache", "{shown}");
    let shown = network.feed(&busy.url("/feed"));
    assert_eq!((&shown["next_reason"], &shown["last_status"]), (&"retry-after".into(), &503.into()), "{shown}");
    assert!(shown["last_error"].as_str().unwrap().contains("service-unavailable"), "{shown}");
    eventually("the feed that is gone for good is not asked any more", SOON, || {
        let shown = network.feed(&gone.url("/feed"));
        when(shown["state"] == "gone", shown)
    });
    assert_eq!((cached.asked().len(), busy.asked().len()), (1, 1), "asked again before the time");

    let titles = outputs::titles(&stage, "/feeds/all.atom").unwrap();
    assert_eq!(titles.len(), 14, "{titles:?}");
    // By hand, at once.
    let before = conditional.asked().len();
    network.json(&["feed", "poll", &conditional.url("/feed")]);
    eventually("polled by hand", SOON, || when(conditional.asked().len() > before, "not yet"));
}
