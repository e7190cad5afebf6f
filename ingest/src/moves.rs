//! Feeds that move: what says so, when it is believed, and what is done then.
//!
//! A single 301 may be a slip of somebody's server, and an address that once changed hands would take a feed with it. So a move is
//! followed only when it was seen at several polls over a day or more, and the new address gave the same feed. Redirects by 302, 303
//! and 307 say that the address stays (RFC 9110, 15.4).

use carewire_feeds::Feed as Document;
use carewire_fetch::{Hop, Response, host_of};
use carewire_store::{Feed, MoveSign, Moving, NewFinding, NewProposal, NewTask, PollDone, ProposalReason, TaskKind};
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::{config::IngestConfig, metrics, outcome::remember, worker::Shared};

/// How long a move that was not followed is not looked at again.
const AGAIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Where permanent redirects at the head of a chain lead; what follows a temporary one is only where the feed is today.
pub(crate) fn permanent_target(hops: &[Hop]) -> Option<&Url> {
    hops.iter().take_while(|hop| matches!(hop.status, 301 | 308)).last().map(|hop| &hop.to)
}

/// What an answer says of a move. `document` is what was read of it; none after a 304, which leaves what the document said before.
fn sign(feed: &Feed, hops: &[Hop], document: Option<&Document>) -> Option<(MoveSign, Url)> {
    let address = Url::parse(&feed.url).ok()?;
    if let Some(to) = permanent_target(hops) {
        return is_elsewhere(&address, to).then(|| (MoveSign::Redirect, without_fragment(to)));
    }
    let Some(document) = document else {
        let before = feed.memory.moving.as_ref().filter(|moving| moving.sign != MoveSign::Redirect)?;
        return Some((before.sign, Url::parse(&before.to).ok()?));
    };
    let named = |text: &Option<String>, sign| {
        let to = Url::parse(text.as_deref()?.trim()).ok()?;
        // A document cannot take a feed back to plain http; that only the https address itself can say.
        let downgrade = address.scheme() == "https" && to.scheme() == "http";
        let usable = matches!(to.scheme(), "http" | "https") && host_of(&to).is_some() && to.username().is_empty();
        (usable && !downgrade && is_elsewhere(&address, &to)).then(|| (sign, without_fragment(&to)))
    };
    named(&document.new_feed_url, MoveSign::NewFeedUrl).or_else(|| named(&document.self_url, MoveSign::SelfUrl))
}

fn is_elsewhere(from: &Url, to: &Url) -> bool {
    from[..url::Position::AfterQuery] != to[..url::Position::AfterQuery]
}

fn without_fragment(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    url
}

/// What is known of a move after one more answer; `same` says whether this answer came as the feed that was known before.
fn observe(known: Option<&Moving>, seen: Option<(MoveSign, String)>, same: bool, now: Timestamp) -> Option<Moving> {
    let (sign, to) = seen?;
    let fresh = |to| Moving { to, sign, since: now, polls: 1, same, refused: false };
    match known {
        Some(known) if known.to == to && known.sign == sign => {
            if known.refused && now.duration_since(known.since) > AGAIN {
                return Some(fresh(to));
            }
            // Whether it is the same feed was told at the first sight: by now the new address's entries are known in any case.
            Some(Moving { polls: known.polls.saturating_add(1), ..known.clone() })
        }
        _ => Some(fresh(to)),
    }
}

fn is_ripe(moving: &Moving, config: &IngestConfig, now: Timestamp) -> bool {
    let seen_for = now.duration_since(moving.since);
    !moving.refused
        && moving.polls >= config.move_polls
        && seen_for >= SignedDuration::try_from(config.move_after).unwrap_or(SignedDuration::MAX)
}

/// Whether two hosts are of one site as far as names tell: equal, or one below the other (`www.`).
fn near(a: &str, b: &str) -> bool {
    let below = |a: &str, b: &str| a.strip_suffix(b).is_some_and(|rest| rest.ends_with('.'));
    a == b || below(a, b) || below(b, a)
}

/// Notes what a successful answer says of a move, and follows it when it is certain.
pub(crate) async fn follow(
    shared: &Shared,
    feed: &Feed,
    response: &Response,
    document: Option<&Document>,
    same: bool,
    done: &mut PollDone,
) {
    let now = done.at;
    let seen = sign(feed, &response.hops, document);
    if seen.is_none() && feed.memory.moving.is_none() {
        return;
    }
    let seen = seen.map(|(sign, to)| (sign, to.to_string()));
    let moving = observe(feed.memory.moving.as_ref(), seen, same, now);
    remember(feed, done, |memory| memory.moving.clone_from(&moving));
    let Some(moving) = moving.filter(|moving| is_ripe(moving, &shared.config, now)) else { return };
    let Some(host) = Url::parse(&moving.to).ok().as_ref().and_then(host_of) else { return };
    let refuse = |done: &mut PollDone| {
        remember(feed, done, |memory| memory.moving = Some(Moving { refused: true, ..moving.clone() }));
    };
    let propose = |reason| NewProposal { url: moving.to.clone(), host: host.clone(), reason, title: None };
    match moving.sign {
        MoveSign::Redirect if moving.same => match shared.patiently(|| shared.store.feed_by_url(&moving.to)).await {
            Some(Ok(None)) => {
                tracing::info!(feed = %feed.id, from = feed.url, to = moving.to, "the feed has moved for good");
                metrics::MOVES.with_label_values(&[moving.sign.as_str()]).inc();
                done.new_url = Some((moving.to.clone(), host));
                remember(feed, done, |memory| memory.moving = None);
            }
            Some(Ok(Some(_))) => {
                let code = "moved-to-registered".to_owned();
                let message = format!("redirects for good to {}, where another feed is registered", moving.to);
                done.findings.begun.push(NewFinding { code, severity: "warning".to_owned(), message });
                refuse(done);
            }
            // The next answer will say the same.
            Some(Err(_)) | None => {}
        },
        MoveSign::Redirect => {
            done.proposals.push(propose(ProposalReason::Redirect));
            refuse(done);
        }
        MoveSign::SelfUrl if !near(&feed.host, &host) => {
            done.proposals.push(propose(ProposalReason::NamesItself));
            refuse(done);
        }
        MoveSign::NewFeedUrl | MoveSign::SelfUrl => {
            // Only looking there tells whether it is the same feed; that is a visit of its own.
            let url = moving.to.clone();
            let payload = serde_json::json!({ "sign": moving.sign.as_str() }).to_string();
            done.tasks.push(NewTask { kind: TaskKind::Move, feed: feed.id, url, host, due: now, payload });
            refuse(done);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(from: &str, to: &str, status: u16) -> Hop {
        Hop { from: from.parse().unwrap(), to: to.parse().unwrap(), status }
    }

    #[test]
    fn only_the_permanent_head_of_a_chain_is_a_move() {
        let (a, b, c) = ("https://a.example/", "https://b.example/", "https://c.example/");
        for (hops, to) in [
            (vec![], None),
            (vec![hop(a, b, 301)], Some(b)),
            (vec![hop(a, b, 308)], Some(b)),
            (vec![hop(a, b, 302)], None),
            (vec![hop(a, b, 303)], None),
            (vec![hop(a, b, 307)], None),
            (vec![hop(a, b, 301), hop(b, c, 308)], Some(c)),
            (vec![hop(a, b, 301), hop(b, c, 302)], Some(b)),
            (vec![hop(a, b, 302), hop(b, c, 301)], None),
        ] {
            assert_eq!(permanent_target(&hops).map(Url::as_str), to, "{hops:?}");
        }
    }

    #[test]
    fn a_move_is_ripe_after_several_polls_over_a_day() {
        let config = IngestConfig::default();
        let start: Timestamp = "2026-11-23T20:00:00Z".parse().unwrap();
        let hours = |n| start + SignedDuration::from_hours(n);
        let seen = || Some((MoveSign::Redirect, "https://b.example/".to_owned()));
        let one = observe(None, seen(), true, start).unwrap();
        assert!(!is_ripe(&one, &config, hours(48)), "seen once");
        let two = observe(Some(&one), seen(), false, hours(1)).unwrap();
        let three = observe(Some(&two), seen(), false, hours(2)).unwrap();
        assert_eq!((three.polls, three.since, three.same), (3, start, true));
        assert!(!is_ripe(&three, &config, hours(2)), "for two hours only");
        assert!(is_ripe(&three, &config, hours(24)));
        assert!(!is_ripe(&Moving { refused: true, ..three.clone() }, &config, hours(24)));
        // Anything else begins anew.
        assert_eq!(observe(Some(&three), None, true, hours(3)), None);
        let other = Some((MoveSign::Redirect, "https://c.example/".to_owned()));
        assert_eq!(observe(Some(&three), other, false, hours(3)).map(|m| (m.polls, m.same)), Some((1, false)));
        let refused = Moving { refused: true, ..three };
        assert_eq!(observe(Some(&refused), seen(), true, hours(24 * 20)).map(|m| m.refused), Some(true));
        assert_eq!(
            observe(Some(&refused), seen(), true, hours(24 * 31)).map(|m| (m.refused, m.polls)),
            Some((false, 1))
        );
    }

    #[test]
    fn hosts_of_one_site_by_their_names() {
        for (a, b, are) in [
            ("example.org", "example.org", true),
            ("example.org", "www.example.org", true),
            ("feeds.example.org", "example.org", true),
            ("example.org", "anexample.org", false),
            ("example.org", "example.com", false),
        ] {
            assert_eq!(near(a, b), are, "{a} {b}");
        }
    }
}
