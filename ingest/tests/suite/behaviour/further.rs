//! What lies beside the straight way: answers that nobody asked for, ends, limits of what a server may ask, documents that refer.

use carewire_store::FeedState;
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::{Case, Change2, feed, plain, redirect, with};
use crate::common::publisher::Page;

const SY: &str = "xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\"";

/// Twenty titles.
fn many() -> Vec<String> {
    (0..20).map(|n| format!("E{n}")).collect()
}

fn whole() -> Page {
    let titles = many();
    plain(&titles.iter().map(String::as_str).collect::<Vec<_>>())
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "RFC 9110, 15.4.5: a 304 that nobody asked for is no answer, and no first poll",
        script: |_| vec![("/f", vec![Page::status(304), plain(&["A"])])],
        polls: 2,
        check: |seen| {
            assert_eq!(seen.sent("/f", "if-none-match"), [None, None]);
            assert_eq!(seen.events.iter().map(|event| event.history).collect::<Vec<_>>(), [true]);
        },
    },
    Case {
        name: "RFC 9110, 15.4.5: and it is a failure that says so",
        script: |_| vec![("/f", vec![Page::status(304)])],
        polls: 2,
        check: |seen| {
            assert_eq!((seen.error(), seen.feed.failures), ("not-modified-unasked", 2));
            assert_eq!((seen.feed.last_success, seen.feed.state), (None, FeedState::Active));
        },
    },
    Case {
        name: "RFC 9110, 6.1: what a first poll was cut short of is history all the same",
        script: |_| {
            let cut = Page { cut: Some(whole().body.len() / 2), ..whole() };
            let mut titles = many();
            titles.push("N".to_owned());
            let later = plain(&titles.iter().map(String::as_str).collect::<Vec<_>>());
            vec![("/f", vec![cut, whole(), later])]
        },
        polls: 3,
        check: |seen| {
            // The entry in which the cut fell comes again when it is whole.
            assert_eq!(seen.told(), [(Change2::New, 21), (Change2::Changed, 1)].into());
            let news: Vec<_> = seen.events.iter().filter(|event| !event.history).collect();
            let titles: Vec<_> = news.iter().filter_map(|event| event.content.title.as_ref()).collect();
            assert_eq!(titles.iter().map(|title| &*title.value).collect::<Vec<_>>(), ["N"]);
        },
    },
    Case {
        name: "RFC 9110, 15.5.11: a 410 said again ends the feed",
        script: |_| vec![("/f", vec![Page::status(410)])],
        polls: 2,
        check: |seen| assert_eq!((seen.feed.state, seen.error()), (FeedState::Gone, "gone")),
    },
    Case {
        name: "RFC 9110, 15.5.2: a 401 is a failure, and no credentials are made up",
        script: |_| vec![("/f", vec![Page::status(401).header("www-authenticate", "Basic realm=\"x\"")])],
        polls: 2,
        check: |seen| {
            assert_eq!((seen.error(), seen.feed.state), ("forbidden-by-server", FeedState::Active));
            assert_eq!(seen.sent("/f", "authorization"), [None, None]);
        },
    },
    Case {
        name: "RFC 9110, 15.6.4: a 503 that names no time leaves the host alone for a while",
        script: |_| vec![("/f", vec![Page::status(503)])],
        polls: 1,
        check: |seen| {
            assert_eq!((seen.error(), seen.feed.failures), ("service-unavailable", 1));
            assert!(seen.wait() >= 5, "{}", seen.wait());
        },
    },
    Case {
        name: "RFC 9110, 10.2.3: a Retry-After of a year counts a day",
        script: |_| vec![("/f", vec![Page::status(503).header("retry-after", "31536000")])],
        polls: 1,
        check: |seen| {
            assert_eq!(seen.feed.next_reason, "retry-after");
            assert!((24 * 60..=24 * 60 + 3).contains(&seen.wait()), "{}", seen.wait());
        },
    },
    Case {
        name: "RFC 9110, 10.2.2: a Location is relative to the address that redirects",
        script: |_| vec![("/f", vec![redirect(302, "f/today".to_owned())]), ("/f/today", vec![feed("\"t\"")])],
        polls: 2,
        check: |seen| {
            assert_eq!((seen.feed.last_status, seen.feed.entries), (Some(304), 1));
            assert_eq!(seen.sent("/f/today", "if-none-match"), [None, Some("\"t\"".to_owned())]);
        },
    },
    Case {
        name: "RFC 9111, 4.2: freshness below the interval shortens nothing",
        script: |_| vec![("/f", vec![feed("\"1\"").header("cache-control", "max-age=60")])],
        polls: 1,
        check: |seen| {
            assert_ne!(seen.feed.next_reason, "cache");
            assert!(seen.wait() >= 30, "{}", seen.wait());
        },
    },
    Case {
        name: "RFC 9111, 5.2.2.5: no-store keeps nobody from asking conditionally, nor does it make haste",
        script: |_| vec![("/f", vec![feed("\"1\"").header("cache-control", "no-store")])],
        polls: 2,
        check: |seen| {
            assert_eq!(seen.sent("/f", "if-none-match"), [None, Some("\"1\"".to_owned())]);
            assert_ne!(seen.feed.next_reason, "cache");
            assert!(seen.wait() >= 30, "{}", seen.wait());
        },
    },
    Case {
        name: "RFC 9111, 5.2.2.4: no-cache ends what max-age says",
        script: |_| vec![("/f", vec![feed("\"1\"").header("cache-control", "max-age=10800, no-cache")])],
        polls: 1,
        check: |seen| assert_ne!(seen.feed.next_reason, "cache"),
    },
    Case {
        name: "RFC 9111, 5.3: Expires of 0 is stale already",
        script: |_| vec![("/f", vec![feed("\"1\"").header("expires", "0")])],
        polls: 1,
        check: |seen| {
            assert_ne!(seen.feed.next_reason, "cache");
            assert!(seen.wait() >= 30, "{}", seen.wait());
        },
    },
    Case {
        name: "RFC 9111, 5.2.2.1 and 5.3: max-age goes before Expires",
        script: |_| {
            let headers = feed("\"1\"").header("cache-control", "max-age=7200").header("expires", "0");
            vec![("/f", vec![headers])]
        },
        polls: 1,
        check: |seen| {
            assert_eq!(seen.feed.next_reason, "cache");
            assert!((120..=126).contains(&seen.wait()), "{}", seen.wait());
        },
    },
    Case {
        name: "RSS 2.0, skipDays: hold after a 304",
        script: |_| {
            let today = Timestamp::now().to_zoned_datetime(TimeZone::UTC).date();
            // All days but the one three days from now.
            let days: String = (0..7)
                .filter(|days| *days != 3)
                .map(|days| format!("<day>{}</day>", today.saturating_add(days.days()).strftime("%A")))
                .collect();
            vec![("/f", vec![with(&feed("\"1\""), &format!("<skipDays>{days}</skipDays>"))])]
        },
        polls: 2,
        check: |seen| {
            assert_eq!((seen.feed.last_status, seen.feed.next_reason.as_str()), (Some(304), "skip"));
            assert!((47 * 60..=72 * 60).contains(&seen.wait()), "{}", seen.wait());
        },
    },
    Case {
        name: "RSS 1.0 syndication: updateFrequency divides the period",
        script: |_| {
            let tags =
                format!("<sy:updatePeriod {SY}>daily</sy:updatePeriod><sy:updateFrequency {SY}>8</sy:updateFrequency>");
            vec![("/f", vec![with(&feed("\"1\""), &tags)])]
        },
        polls: 1,
        check: |seen| assert_eq!((seen.feed.next_reason.as_str(), seen.feed.interval_s), ("update-period", 3 * 3600)),
    },
    Case {
        name: "XML Base, 4: links are relative to xml:base, from within outwards",
        script: |_| {
            let body = "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:base=\"https://clinic.example/news/\"><title>T</title><id>urn:f</id>\
                        <entry xml:base=\"2026/\"><id>urn:1</id><title>One</title><link href=\"one\"/></entry>\
                        <entry><id>urn:2</id><title>Two</title><link href=\"/two\"/></entry></feed>";
            vec![("/f", vec![Page::feed(body)])]
        },
        polls: 1,
        check: |seen| {
            let mut urls: Vec<_> = seen.events.iter().filter_map(|event| event.content.url.clone()).collect();
            urls.sort();
            assert_eq!(urls, ["https://clinic.example/news/2026/one", "https://clinic.example/two"]);
        },
    },
    Case {
        name: "RFC 4287, 4.2.7.2: rel=self that names another host moves nothing by itself",
        script: |base| {
            let to = base.elsewhere("/copy");
            let tag = format!("<a:link xmlns:a=\"http://www.w3.org/2005/Atom\" rel=\"self\" href=\"{to}\"/>");
            vec![("/f", vec![with(&plain(&["A"]), &tag)]), ("/copy", vec![plain(&["A"])])]
        },
        polls: 4,
        check: |seen| {
            assert_eq!((seen.feed.url.clone(), seen.count("/copy")), (seen.base.url("/f"), 0));
            assert_eq!(seen.proposals.len(), 1, "its owner is asked");
        },
    },
];
