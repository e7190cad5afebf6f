//! Ends, pauses, freshness, and what the document says.

use std::time::Duration;

use carewire_schemas::EntryV1;
use carewire_store::{FeedState, ProposalReason};

use super::{Case, Change2, feed, now_hour, plain, redirect, with};
use crate::common::publisher::{Page, item, rss};

pub(super) const CASES: &[Case] = &[
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
            let gone = "<at:deleted-entry ref=\"A\" when=\"2099-11-23T05:00:00Z\"/>".to_owned();
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
