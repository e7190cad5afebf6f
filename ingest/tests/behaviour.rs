//! What a worker does with every answer a publisher may give, each case named by the section that it is about.
//!
//! All cases run at once against one real worker, each on a host of its own; a feed is polled by hand as often as its case says.

mod common;

use std::{collections::BTreeMap, time::Duration};

use carewire_schemas::{Change, EntryV1};
use carewire_store::{Feed, FeedState, Proposal, ProposalReason};
use common::{
    Sandbox, eventually,
    publisher::{Asked, Page, item, rss},
};

/// The addresses of one case.
struct Base {
    host: u8,
    here: String,
    other: String,
}

impl Base {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.here)
    }

    /// The same path on another host.
    fn elsewhere(&self, path: &str) -> String {
        format!("{}{path}", self.other)
    }
}

/// What came of a case.
struct Seen {
    base: Base,
    feed: Feed,
    asked: Vec<Asked>,
    events: Vec<EntryV1>,
    proposals: Vec<Proposal>,
}

impl Seen {
    /// Values of a header in the requests for a path.
    fn sent(&self, path: &str, header: &str) -> Vec<Option<String>> {
        let of = |asked: &&Asked| asked.path.ends_with(path);
        let value = |asked: &Asked| Some(String::from_utf8(asked.headers.get(header)?.as_bytes().to_vec()).unwrap());
        self.asked.iter().filter(of).map(value).collect()
    }

    fn count(&self, path: &str) -> usize {
        self.asked.iter().filter(|asked| asked.path.ends_with(path)).count()
    }

    fn error(&self) -> &str {
        self.feed.last_error.as_deref().unwrap_or_default().split(':').next().unwrap_or_default()
    }

    /// Minutes from the last poll to the next.
    fn wait(&self) -> i64 {
        self.feed.next_poll.duration_since(self.feed.last_poll.unwrap()).as_secs() / 60
    }

    fn told(&self) -> BTreeMap<Change2, usize> {
        let mut told = BTreeMap::new();
        for event in &self.events {
            *told.entry(Change2::from(event.change)).or_default() += 1;
        }
        told
    }
}

/// [`Change`] in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change2 {
    New,
    Changed,
    Deleted,
}

impl From<Change> for Change2 {
    fn from(change: Change) -> Self {
        match change {
            Change::New => Change2::New,
            Change::Changed => Change2::Changed,
            Change::Deleted => Change2::Deleted,
        }
    }
}

/// What the paths of a case answer in turn.
type Script = Vec<(&'static str, Vec<Page>)>;

struct Case {
    name: &'static str,
    script: fn(&Base) -> Script,
    polls: usize,
    check: fn(&Seen),
}

fn feed(etag: &str) -> Page {
    Page::feed(rss(&[item("a", "A", 1)])).etag(etag)
}

fn plain(titles: &[&str]) -> Page {
    Page::feed(rss(&titles.iter().map(|title| item(title, title, 1)).collect::<Vec<_>>()))
}

fn redirect(status: u16, to: String) -> Page {
    Page::status(status).header("location", &to)
}

fn with(page: &Page, tag: &str) -> Page {
    let body = String::from_utf8(page.body.clone()).unwrap();
    Page { body: body.replace("<language>", &format!("{tag}<language>")).into_bytes(), ..page.clone() }
}

const CASES: &[Case] = &[
    Case {
        name: "RFC 9110, 8.8.3: a weak entity tag is echoed byte for byte",
        script: |_| vec![("/f", vec![feed("W/\"1 é\"")])],
        polls: 2,
        check: |seen| {
            let sent: Vec<_> = seen.asked.iter().map(|asked| asked.headers.get("if-none-match").cloned()).collect();
            assert_eq!(sent[0], None);
            assert_eq!(sent[1].as_ref().unwrap().as_bytes(), "W/\"1 é\"".as_bytes());
            assert_eq!(seen.feed.last_status, Some(304));
        },
    },
    Case {
        name: "RFC 9110, 8.8.3: the suffix that a compressing server adds stays",
        script: |_| vec![("/f", vec![feed("\"abc-gzip\"")])],
        polls: 3,
        check: |seen| {
            let tag = || Some("\"abc-gzip\"".to_owned());
            assert_eq!(seen.sent("/f", "if-none-match"), [None, tag(), tag()]);
        },
    },
    Case {
        name: "RFC 9110, 13.1.3: Last-Modified is echoed as it was written, odd or not, beside the tag",
        script: |_| vec![("/f", vec![feed("\"1\"").header("last-modified", "Mon, 23 Nov 26 20:00 +0000")])],
        polls: 2,
        check: |seen| {
            assert_eq!(seen.sent("/f", "if-modified-since"), [None, Some("Mon, 23 Nov 26 20:00 +0000".to_owned())]);
            assert_eq!(seen.sent("/f", "if-none-match")[1].as_deref(), Some("\"1\""));
        },
    },
    Case {
        name: "RFC 9110, 8.8: validators are never invented",
        script: |_| vec![("/f", vec![plain(&["A"]).header("date", "Mon, 23 Nov 2026 20:00:00 GMT")])],
        polls: 2,
        check: |seen| {
            assert_eq!(seen.sent("/f", "if-none-match"), [None, None]);
            assert_eq!(seen.sent("/f", "if-modified-since"), [None, None]);
        },
    },
    Case {
        name: "RFC 9110, 8.8: a new representation's validators replace the old, one that has none ends them",
        script: |_| vec![("/f", vec![feed("\"1\""), plain(&["A", "B"]).etag("\"2\""), plain(&["A", "B", "C"])])],
        polls: 4,
        check: |seen| {
            let tag = |n: u8| Some(format!("\"{n}\""));
            assert_eq!(seen.sent("/f", "if-none-match"), [None, tag(1), tag(2), None]);
            assert_eq!(seen.told(), [(Change2::New, 3)].into());
        },
    },
    Case {
        name: "RFC 9110, 6.1: validators of a body that did not come whole are not kept",
        script: |_| {
            let whole = feed("\"1\"");
            let cut = whole.body.len() - 20;
            vec![("/f", vec![Page { cut: Some(cut), ..whole.clone() }, whole])]
        },
        polls: 2,
        check: |seen| {
            assert_eq!(seen.sent("/f", "if-none-match"), [None, None]);
            assert_eq!(seen.told(), [(Change2::New, 1)].into());
        },
    },
    Case {
        name: "a 200 with the body of before is unchanged, whatever its validators",
        script: |_| vec![("/f", vec![feed("\"1\""), feed("\"2\""), feed("\"3\"")])],
        polls: 3,
        check: |seen| {
            assert_eq!(seen.told(), [(Change2::New, 1)].into());
            assert_eq!(seen.feed.etag.as_deref(), Some("\"3\""));
        },
    },
    Case {
        name: "RFC 9110, 15.4.2: a 301 seen once moves nothing",
        script: |base| {
            vec![("/f", vec![redirect(301, base.url("/new")), plain(&["A"])]), ("/new", vec![plain(&["A"])])]
        },
        polls: 3,
        check: |seen| {
            assert_eq!(seen.feed.url, seen.base.url("/f"));
            assert_eq!(seen.feed.memory.moving, None, "what came between ends it");
        },
    },
    Case {
        name: "RFC 9110, 15.4.2: a 301 seen three times moves the feed",
        script: |base| {
            let moved = redirect(301, base.elsewhere("/new"));
            vec![("/f", vec![plain(&["A"]), moved]), ("/new", vec![feed("\"n\"")])]
        },
        polls: 5,
        check: |seen| {
            assert_eq!(seen.feed.url, seen.base.elsewhere("/new"));
            assert_eq!(seen.feed.host, format!("127.0.0.{}", seen.base.host + 120));
            assert_eq!(seen.count("/f"), 4, "the old address is asked no more");
            let sent = seen.sent("/new", "if-none-match");
            assert_eq!(sent, [None, Some("\"n\"".into()), Some("\"n\"".into()), Some("\"n\"".into())]);
            assert_eq!(seen.told(), [(Change2::New, 1)].into(), "and nothing came twice");
        },
    },
    Case {
        name: "RFC 9110, 15.4.9: so does a 308, at its permanent head",
        script: |base| {
            let to = redirect(302, base.url("/today"));
            vec![("/f", vec![redirect(308, base.url("/new"))]), ("/new", vec![to]), ("/today", vec![plain(&["A"])])]
        },
        polls: 3,
        check: |seen| assert_eq!(seen.feed.url, seen.base.url("/new")),
    },
    Case {
        name: "RFC 9110, 15.4.3: a 302 never does",
        script: |base| vec![("/f", vec![redirect(302, base.url("/new"))]), ("/new", vec![plain(&["A"])])],
        polls: 5,
        check: |seen| assert_eq!((seen.feed.url.clone(), seen.feed.entries), (seen.base.url("/f"), 1)),
    },
    Case {
        name: "RFC 9110, 15.4.4: nor a 303",
        script: |base| vec![("/f", vec![redirect(303, base.url("/new"))]), ("/new", vec![plain(&["A"])])],
        polls: 5,
        check: |seen| assert_eq!((seen.feed.url.clone(), seen.feed.entries), (seen.base.url("/f"), 1)),
    },
    Case {
        name: "RFC 9110, 15.4.8: nor a 307",
        script: |base| vec![("/f", vec![redirect(307, base.url("/new"))]), ("/new", vec![plain(&["A"])])],
        polls: 5,
        check: |seen| assert_eq!((seen.feed.url.clone(), seen.feed.entries), (seen.base.url("/f"), 1)),
    },
    Case {
        name: "a move to something else is proposed, not followed",
        script: |base| {
            let moved = redirect(301, base.elsewhere("/parked"));
            vec![("/f", vec![plain(&["A", "B"]), moved]), ("/parked", vec![plain(&["Buy this domain"])])]
        },
        polls: 5,
        check: |seen| {
            assert_eq!(seen.feed.url, seen.base.url("/f"));
            let proposed: Vec<_> = seen.proposals.iter().map(|p| (p.url.clone(), p.reason)).collect();
            assert_eq!(proposed, [(seen.base.elsewhere("/parked"), ProposalReason::Redirect)]);
        },
    },
    Case {
        name: "RFC 9110, 15.4: a loop of redirects ends at once",
        script: |base| vec![("/f", vec![redirect(301, base.url("/g"))]), ("/g", vec![redirect(301, base.url("/f"))])],
        polls: 1,
        check: |seen| assert_eq!((seen.error(), seen.asked.len()), ("redirect-loop", 2)),
    },
    Case {
        name: "RFC 9110, 15.4: a chain has an end",
        script: |base| {
            let hop = |n: u8| vec![redirect(302, base.url(&format!("/h{n}")))];
            vec![
                ("/f", hop(1)),
                ("/h1", hop(2)),
                ("/h2", hop(3)),
                ("/h3", hop(4)),
                ("/h4", hop(5)),
                ("/h5", hop(6)),
                ("/h6", hop(7)),
            ]
        },
        polls: 1,
        check: |seen| assert_eq!((seen.error(), seen.asked.len()), ("too-many-redirects", 6)),
    },
    Case {
        name: "RFC 9110, 15.5.5: a 404 never ends a feed by itself",
        script: |_| vec![("/f", vec![plain(&["A"]), Page::status(404)])],
        polls: 7,
        check: |seen| {
            assert_eq!((seen.feed.state, seen.feed.failures, seen.error()), (FeedState::Active, 6, "not-found"))
        },
    },
    Case {
        name: "RFC 9110, 15.5.11: a 410 said once ends nothing",
        script: |_| vec![("/f", vec![plain(&["A"]), Page::status(410), plain(&["A", "B"]), Page::status(410)])],
        polls: 4,
        check: |seen| {
            assert_eq!(seen.feed.state, FeedState::Active, "an answer in between began it anew");
            assert!(seen.feed.memory.gone_since.is_some());
        },
    },
    Case {
        name: "RFC 9110, 10.2.3: Retry-After in seconds",
        script: |_| vec![("/f", vec![Page::status(503).header("retry-after", "7200")])],
        polls: 1,
        check: |seen| {
            assert_eq!(seen.feed.next_reason, "retry-after");
            assert!((120..=123).contains(&seen.wait()), "{}", seen.wait());
        },
    },
    Case {
        name: "RFC 9110, 10.2.3: Retry-After as a date",
        script: |_| {
            let date = (jiff::Timestamp::now() + Duration::from_secs(3 * 3600)).strftime("%a, %d %b %Y %H:%M:%S GMT");
            vec![("/f", vec![Page::status(429).header("retry-after", &date.to_string())])]
        },
        polls: 1,
        check: |seen| {
            assert_eq!(seen.feed.next_reason, "retry-after");
            assert!((179..=183).contains(&seen.wait()), "{}", seen.wait());
        },
    },
    Case {
        name: "RFC 9111, 5.2.2.1 and 5.1: max-age less Age",
        script: |_| vec![("/f", vec![feed("\"1\"").header("cache-control", "max-age=10800").header("age", "3600")])],
        polls: 1,
        check: |seen| {
            assert_eq!(seen.feed.next_reason, "cache");
            assert!((120..=126).contains(&seen.wait()), "{}", seen.wait());
        },
    },
    Case {
        name: "RFC 9111, 5.3: Expires",
        script: |_| {
            let date = (jiff::Timestamp::now() + Duration::from_secs(5 * 3600)).strftime("%a, %d %b %Y %H:%M:%S GMT");
            vec![("/f", vec![feed("\"1\"").header("expires", &date.to_string())])]
        },
        polls: 1,
        check: |seen| {
            assert_eq!(seen.feed.next_reason, "cache");
            assert!((299..=306).contains(&seen.wait()), "{}", seen.wait());
        },
    },
    Case {
        name: "RFC 9111, 4.3.4: a 304's freshness counts",
        script: |_| vec![("/f", vec![feed("\"1\"").header("cache-control", "max-age=10800")])],
        polls: 2,
        check: |seen| assert_eq!((seen.feed.last_status, seen.feed.next_reason.as_str()), (Some(304), "cache")),
    },
    Case {
        name: "RSS 2.0, ttl: holds after a 304",
        script: |_| vec![("/f", vec![with(&feed("\"1\""), "<ttl>300</ttl>")])],
        polls: 2,
        check: |seen| {
            assert_eq!(seen.feed.last_status, Some(304));
            assert!((300..=331).contains(&seen.wait()), "{}", seen.wait());
        },
    },
    Case {
        name: "RSS 2.0, skipHours: hold after a 304",
        script: |_| {
            let hours: String =
                (0..24).filter(|hour| *hour != (now_hour() + 5) % 24).map(|h| format!("<hour>{h}</hour>")).collect();
            vec![("/f", vec![with(&feed("\"1\""), &format!("<skipHours>{hours}</skipHours>"))])]
        },
        polls: 2,
        check: |seen| {
            assert_eq!((seen.feed.last_status, seen.feed.next_reason.as_str()), (Some(304), "skip"));
            assert!((240..=300).contains(&seen.wait()), "{}", seen.wait());
        },
    },
    Case {
        name: "RSS 1.0 syndication: updatePeriod",
        script: |_| {
            let tag =
                "<sy:updatePeriod xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\">daily</sy:updatePeriod>";
            vec![("/f", vec![with(&feed("\"1\""), tag)])]
        },
        polls: 1,
        check: |seen| assert_eq!((seen.feed.next_reason.as_str(), seen.feed.interval_s), ("update-period", 6 * 3600)),
    },
    Case {
        name: "nothing is sent that was not asked for: cookies, referrers, queries, icons",
        script: |base| {
            let cookie = redirect(302, base.elsewhere("/new")).header("set-cookie", "id=1; Path=/");
            vec![("/f", vec![cookie]), ("/new", vec![feed("\"1\"").header("set-cookie", "id=2")])]
        },
        polls: 3,
        check: |seen| {
            assert_eq!(seen.asked.len(), 6, "the feed's addresses and nothing else: {:?}", seen.asked);
            for asked in &seen.asked {
                for header in ["cookie", "referer", "origin", "from"] {
                    assert!(!asked.headers.contains_key(header), "{header}: {asked:?}");
                }
                assert_eq!(asked.query, None);
                let agent = asked.headers["user-agent"].to_str().unwrap();
                assert_eq!(agent, "Carewire/0.1 (+https://network.example/about; 12 subscribers)");
            }
        },
    },
    Case {
        name: "RFC 6721: what the feed declares deleted is deleted",
        script: |_| {
            let gone = "<at:deleted-entry ref=\"a\" when=\"2026-11-23T05:00:00Z\"/>".to_owned();
            vec![("/f", vec![feed("\"1\""), Page::feed(rss(&[gone]))])]
        },
        polls: 2,
        check: |seen| assert_eq!(seen.told(), [(Change2::New, 1), (Change2::Deleted, 1)].into()),
    },
    Case {
        name: "RSS 2.0, guid: all guids change, and nothing is news",
        script: |_| {
            let page = |prefix: &str, titles: &[&str]| {
                let rows: Vec<_> =
                    titles.iter().map(|t| item(t, t, 1).replace("false\">", &format!("false\">{prefix}"))).collect();
                Page::feed(rss(&rows))
            };
            let titles = ["A", "B", "C", "D"];
            vec![("/f", vec![page("", &titles), page("x-", &titles), page("y-", &["E", "A", "B", "C"])])]
        },
        polls: 3,
        check: |seen| {
            assert_eq!(seen.told(), [(Change2::New, 5)].into(), "four at first, and the one that is new");
            assert!(seen.feed.memory.unstable_ids);
            assert!(seen.feed.problems.iter().any(|problem| problem.code == "changing-id"), "{:?}", seen.feed.problems);
        },
    },
    Case {
        name: "an entry that left the window and comes back is not new",
        script: |_| vec![("/f", vec![plain(&["A", "B"]), plain(&["B"]), plain(&["A", "B"])])],
        polls: 3,
        check: |seen| assert_eq!(seen.told(), [(Change2::New, 2)].into()),
    },
    Case {
        name: "a first poll is history, what comes later is news",
        script: |_| vec![("/f", vec![plain(&["A", "B"]), plain(&["C", "A", "B"])])],
        polls: 2,
        check: |seen| {
            let history = |title: &str| {
                let of = |event: &&EntryV1| event.content.title.as_ref().is_some_and(|text| text.value == title);
                seen.events.iter().find(of).map(|event| event.history)
            };
            assert_eq!([history("A"), history("B"), history("C")], [Some(true), Some(true), Some(false)]);
        },
    },
    Case {
        name: "HTML, 4.6.7: a page in place of a feed: what it advertises is proposed",
        script: |_| {
            let page = "<!doctype html><html><head><link rel=alternate type=\"application/rss+xml\" href=\"/real\" title=News>\
                        <link rel=feed href=\"/other\"></head><body>Hi</body></html>";
            vec![("/f", vec![Page::feed(page).header("content-type", "text/html")])]
        },
        polls: 1,
        check: |seen| {
            let proposed: Vec<_> =
                seen.proposals.iter().map(|p| (p.url.rsplit('/').next().unwrap(), p.reason)).collect();
            assert_eq!(proposed.len(), 2, "{proposed:?}");
            assert!(
                proposed.contains(&("real", ProposalReason::Page))
                    && proposed.contains(&("other", ProposalReason::Page))
            );
            assert_eq!(seen.error(), "not-a-feed");
        },
    },
];

fn now_hour() -> i64 {
    jiff::Timestamp::now().as_second().rem_euclid(86_400) / 3600
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_by_its_section() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.move_after = Duration::ZERO;
    sandbox.config.gone_after = Duration::ZERO;
    sandbox.fetch.contact = Some("https://network.example/about".to_owned());
    sandbox.fetch.subscribers = 12;
    let worker = sandbox.worker();
    let run = |index: usize, case: &'static Case| {
        let sandbox = &sandbox;
        async move {
            let host = u8::try_from(index).unwrap() + 2;
            let base = Base {
                host,
                here: sandbox.publisher.url(host, &format!("/{index}")),
                other: sandbox.publisher.url(host + 120, &format!("/{index}")),
            };
            for (path, pages) in (case.script)(&base) {
                sandbox.publisher.script(&format!("/{index}{path}"), pages);
            }
            let id = sandbox.add(host, &format!("/{index}/f")).await;
            sandbox.polled(id).await;
            for _ in 1..case.polls {
                sandbox.poll(id).await;
            }
            let prefix = format!("/{index}/");
            let asked = sandbox.publisher.log().into_iter().filter(|asked| asked.path.starts_with(&prefix)).collect();
            let (feed, proposals) = (sandbox.feed(id).await, sandbox.store.proposals(id).await.unwrap());
            (case, Seen { base, feed, asked, events: sandbox.events(id).await, proposals })
        }
    };
    let all = futures::future::join_all(CASES.iter().enumerate().map(|(index, case)| run(index, case))).await;
    worker.end().await;
    let mut wrong = Vec::new();
    for (case, seen) in all {
        eprintln!("{}", case.name);
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (case.check)(&seen))).is_err() {
            wrong.push(case.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_document_that_names_its_new_address_is_followed_there_when_it_is_the_same_feed() {
    let mut sandbox = Sandbox::new().await;
    (sandbox.config.move_after, sandbox.config.move_polls) = (Duration::ZERO, 2);
    let moved = |path: &str| {
        let tag = format!(
            "<itunes:new-feed-url xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\">{path}</itunes:new-feed-url>"
        );
        with(&plain(&["A", "B"]), &tag)
    };
    let own = |path: &str| {
        with(
            &plain(&["A", "B"]),
            &format!("<a:link xmlns:a=\"http://www.w3.org/2005/Atom\" rel=\"self\" href=\"{path}\"/>"),
        )
    };
    let publisher = &sandbox.publisher;
    let url = |host, path: &str| publisher.url(host, path);
    publisher.set("/podcast", moved(&url(21, "/podcast-new")));
    publisher.set("/podcast-new", plain(&["B", "C"]));
    publisher.set("/liar", moved(&url(22, "/other")));
    publisher.set("/other", plain(&["X", "Y"]));
    publisher.set("/self", own(&url(3, "/canonical")));
    publisher.set("/canonical", own(&url(3, "/canonical")));
    publisher.set("/mirror", own(&url(24, "/source")));
    publisher.set("/source", plain(&["A", "B"]));
    let podcast = sandbox.add(1, "/podcast").await;
    let liar = sandbox.add(2, "/liar").await;
    let own = sandbox.add(3, "/self").await;
    let mirror = sandbox.add(4, "/mirror").await;
    let worker = sandbox.worker();
    for id in [podcast, liar, own, mirror] {
        sandbox.polled(id).await;
        sandbox.poll(id).await;
    }
    for (id, to) in [(podcast, url(21, "/podcast-new")), (own, url(3, "/canonical"))] {
        let feed = eventually("the move", || async {
            let feed = sandbox.feed(id).await;
            (feed.url == to && feed.last_status == Some(200) && feed.next_reason != "moved").then_some(feed)
        })
        .await;
        assert_eq!(feed.last_error, None);
    }
    eventually("the look at the other feed", || async { (!publisher.asked("/other").is_empty()).then_some(()) }).await;
    let stays = sandbox.poll(liar).await;
    assert_eq!(
        (stays.url.as_str(), stays.entries),
        (url(2, "/liar").as_str(), 2),
        "another feed's address moves nothing"
    );
    assert_eq!(publisher.asked("/other").len(), 1, "and is not looked at again");
    let proposed = sandbox.store.proposals(mirror).await.unwrap();
    assert_eq!((proposed[0].url.clone(), proposed[0].reason), (url(24, "/source"), ProposalReason::NamesItself));
    assert!(publisher.asked("/source").is_empty(), "another host's address is for the owner to accept");
    let told: Vec<_> = sandbox.events(podcast).await.into_iter().map(|event| event.change).collect();
    assert_eq!(told, [Change::New; 3], "A and B, then C");
    worker.end().await;
}

#[tokio::test]
async fn archives_are_walked_once_as_history_and_go_on_after_a_stop() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.archive_pages = 3;
    let link =
        |rel: &str, to: &str| format!("<a:link xmlns:a=\"http://www.w3.org/2005/Atom\" rel=\"{rel}\" href=\"{to}\"/>");
    let publisher = &sandbox.publisher;
    let url = |path: &str| publisher.url(1, path);
    publisher.set("/feed", with(&plain(&["E", "D"]), &link("prev-archive", &url("/3"))));
    // The archive has an older revision of D, which is left alone.
    let old = item("D", "D as it was", 1);
    publisher.set("/3", with(&Page::feed(rss(&[old, item("C", "C", 1)])), &link("prev-archive", &url("/2"))));
    publisher.script("/2", vec![Page::status(404), with(&plain(&["B"]), &link("prev-archive", &url("/1")))]);
    publisher.set("/1", with(&plain(&["A"]), &link("prev-archive", &url("/0"))));
    publisher.set("/0", plain(&["Z"]));
    // A paged feed whose last page leads back to its first.
    publisher.set("/paged", with(&plain(&["P2"]), &link("next", &url("/page2"))));
    publisher.set("/page2", with(&plain(&["P1"]), &link("next", &url("/page2"))));
    let paged = sandbox.add(1, "/paged").await;
    let worker = sandbox.worker();
    sandbox.polled(paged).await;
    eventually("both pages", || async { (sandbox.feed(paged).await.entries == 2).then_some(()) }).await;
    worker.end().await;

    publisher.set("/2", with(&plain(&["B"]), &link("prev-archive", &url("/1"))));
    let id = sandbox.add(1, "/feed").await;
    let worker = sandbox.worker();
    eventually("the first page", || async { (sandbox.feed(id).await.entries >= 3).then_some(()) }).await;
    worker.end().await;
    // What was cut short is claimed again when its claim ends; here by hand.
    let worker = sandbox.worker();
    eventually("the limit", || async { (sandbox.feed(id).await.entries >= 5).then_some(()) }).await;
    eventually("the walk's end", || async { sandbox.store.next_task().await.unwrap().is_none().then_some(()) }).await;
    sandbox.poll(id).await;
    worker.end().await;
    let events = sandbox.events(id).await;
    let mut told: Vec<_> =
        events.iter().map(|e| (e.content.title.clone().unwrap().value, e.history, e.change)).collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = ["A", "B", "C", "D", "E"].map(|title| (title.to_owned(), true, Change::New));
    assert_eq!(told, expected, "each once, as history; not more pages than configured");
    assert_eq!((publisher.asked("/3").len(), publisher.asked("/1").len(), publisher.asked("/0").len()), (1, 1, 0));
    assert_eq!(publisher.asked("/page2").len(), 1, "a circle ends");
    assert!(publisher.log().iter().all(|asked| asked.at_once == 1), "under the host's lease");
}

#[tokio::test]
async fn a_dead_feed_whose_site_has_another_one_gets_it_proposed_and_accepted() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.gone_after = Duration::ZERO;
    let publisher = &sandbox.publisher;
    let page = |head: &str| Page::feed(format!("<!doctype html><html><head>{head}</head><body>Welcome</body></html>"));
    publisher.set("/ended", Page::status(410));
    publisher.set(
        "/",
        page("<link rel=alternate type='application/atom+xml' href='/news.atom' title='All news'>")
            .header("content-type", "text/html"),
    );
    publisher.set("/news.atom", plain(&["A"]));
    // A page that advertises nothing, on a site with a feed in a usual place.
    publisher.set("/start", page("").header("content-type", "text/html"));
    publisher.set("/atom.xml", plain(&["B"]));
    let ended = sandbox.add(1, "/ended").await;
    let start = sandbox.add(2, "/start").await;
    let worker = sandbox.worker();
    sandbox.polled(ended).await;
    sandbox.polled(start).await;
    sandbox.store.poll_now(ended).await.unwrap();
    let first = |id| {
        let store = &sandbox.store;
        move || async move { store.proposals(id).await.unwrap().into_iter().next() }
    };
    let found = eventually("a proposal for the ended feed", first(ended)).await;
    assert_eq!((found.reason, found.title.as_deref()), (ProposalReason::Site, Some("All news")));
    let usual = eventually("a proposal for the page", first(start)).await;
    assert_eq!((usual.reason, usual.url), (ProposalReason::UsualPath, publisher.url(2, "/atom.xml")));
    assert_eq!(sandbox.feed(ended).await.state, FeedState::Gone);

    sandbox.store.accept_proposal(ended, &found.url).await.unwrap();
    let feed = eventually("the poll of the accepted address", || async {
        let feed = sandbox.feed(ended).await;
        (feed.entries == 1).then_some(feed)
    })
    .await;
    assert_eq!((feed.state, feed.url), (FeedState::Active, publisher.url(1, "/news.atom")));
    worker.end().await;
}

#[tokio::test]
async fn weeks_and_findings_tell_how_a_feed_fared_and_who_owes_its_delays() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.freshness_target = Duration::from_secs(600);
    let dated = |title: &str, minutes: u64| {
        let date = (jiff::Timestamp::now() - Duration::from_secs(60 * minutes))
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string();
        item(title, title, 1).replace("Mon, 23 Nov 2026 01:00:00 GMT", &date)
    };
    let publisher = &sandbox.publisher;
    let old = dated("Old", 3000);
    publisher.set("/feed", Page::feed(rss(std::slice::from_ref(&old)).replace("<language>", "<x&y/><language>")));
    let id = sandbox.add(1, "/feed").await;
    let worker = sandbox.worker();
    sandbox.polled(id).await;
    // One that was dated an hour before it was shown, one just now; the first poll was history.
    publisher.set("/feed", Page::feed(rss(&[dated("Now", 0), dated("Late", 60), old])));
    sandbox.poll(id).await;
    publisher.set("/feed", Page::status(500));
    sandbox.poll(id).await;
    let weeks = sandbox.store.feed_weeks(id, 4).await.unwrap();
    let week = weeks[0];
    assert_eq!((week.polls, week.failed, week.entries, week.timed, week.in_target), (3, 1, 2, 2, 1));
    assert!((3_590_000..3_700_000).contains(&week.publisher_ms), "{week:?}");
    assert!(week.hub_ms == 0 && week.delay_ms >= week.publisher_ms, "{week:?}");
    let findings = sandbox.store.feed_findings(id).await.unwrap();
    let open: Vec<_> = findings.iter().filter(|f| f.gone_at.is_none()).map(|f| f.code.as_str()).collect();
    assert_eq!(open, ["failed-server-error"]);
    assert!(
        findings.iter().any(|finding| finding.gone_at.is_some()),
        "the first document's problem has ended: {findings:?}"
    );
    worker.end().await;
}

#[tokio::test]
async fn a_feed_that_is_pushed_is_polled_rarely() {
    let sandbox = Sandbox::new().await;
    sandbox.publisher.set("/feed", feed("\"1\""));
    let id = sandbox.add(1, "/feed").await;
    let worker = sandbox.worker();
    sandbox.polled(id).await;
    let until = jiff::Timestamp::now() + Duration::from_secs(10 * 86_400);
    sandbox.store.set_push(id, Some(until)).await.unwrap();
    let feed = sandbox.poll(id).await;
    let wait = feed.next_poll.duration_since(feed.last_poll.unwrap()).as_secs();
    assert_eq!(feed.next_reason, "push");
    assert!((6 * 3600..7 * 3600).contains(&wait), "{wait}");
    sandbox.store.set_push(id, None).await.unwrap();
    let feed = sandbox.feed(id).await;
    assert!(feed.next_poll <= jiff::Timestamp::now() + Duration::from_secs(1801), "the safety net is no longer enough");
    worker.end().await;
}
