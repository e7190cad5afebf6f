//! Validators, bodies, redirects.

use carewire_store::ProposalReason;

use super::{Case, Change2, feed, plain, redirect};
use crate::common::publisher::Page;

pub(super) const CASES: &[Case] = &[
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
];
