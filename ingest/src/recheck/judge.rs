//! What an answer says of a page, and what follows from it. Pure.
//!
//! A page that is missing once may be a slip of a server, and a network that believed it would take good advice away from those
//! who need it. So it must be found missing (404 or 410) twice, a week apart; what else goes wrong counts for nothing.

use std::time::Duration;

use carewire_feeds::Entry;
use carewire_fetch::{FetchError, Response};
use carewire_schemas::{Content, Person};
use carewire_store::{EntryPage, PageFacts, PageState};
use jiff::Timestamp;
use url::Url;

use super::RecheckConfig;
use crate::{event, moves::permanent_target};

/// A page that has been missing for so long is not looked for any more.
const FORGOTTEN: Duration = Duration::from_secs(180 * 86_400);

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is there; where it redirects to for good, if it does.
    There(Option<Moved>),
    /// It is not: 404 or 410.
    Missing,
    /// Nothing: the host was not reached, or would not say.
    Unknown,
}

/// Where a page redirects to for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) to: Url,
    /// No other entry of the feed is there, or led there.
    pub(super) alone: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing, or to tell what changed.
    Stands,
    /// It was found missing, and must be found so again.
    Missed,
    /// It is gone.
    Gone,
    /// It was gone and is there again.
    Back,
}

/// Reads an answer to a request for `url`.
pub(super) fn seen(url: &Url, answer: &Result<Response, FetchError>) -> Seen {
    match answer {
        Ok(response) if (200..300).contains(&response.status) || response.status == 304 => {
            Seen::There(moved(url, response).map(|to| Moved { to, alone: true }))
        }
        Ok(response) if matches!(response.status, 404 | 410) => Seen::Missing,
        Ok(_) | Err(_) => Seen::Unknown,
    }
}

/// Where redirects lead, all of them for good. Sites send what they took away to their start page: that is no new place of it.
fn moved(url: &Url, response: &Response) -> Option<Url> {
    let mut to = permanent_target(&response.hops)?.clone();
    let mut end = response.url.clone();
    to.set_fragment(None);
    end.set_fragment(None);
    let is_start = to.path() == "/" && to.query().is_none();
    (to == end && !is_start && to[..url::Position::AfterQuery] != url[..url::Position::AfterQuery]).then_some(to)
}

/// What follows for a page, which is brought up to date, and after how long it is looked at again.
pub(super) fn judge(
    page: &mut EntryPage,
    seen: &Seen,
    now: Timestamp,
    config: &RecheckConfig,
) -> (Verdict, Option<Duration>) {
    let since = |then: Timestamp| Duration::try_from(now.duration_since(then)).unwrap_or_default();
    let left = |then: Timestamp| Some(config.gone_after.saturating_sub(since(then)).max(config.gone_after / 100));
    match seen {
        Seen::Unknown => (Verdict::Stands, Some(config.gone_after)),
        Seen::Missing => {
            (page.moved_to, page.moved_since) = (None, None);
            let Some(first) = page.gone_since else {
                page.gone_since = Some(now);
                return (Verdict::Missed, Some(config.gone_after));
            };
            match page.state {
                PageState::Gone if since(first) > FORGOTTEN => (Verdict::Stands, None),
                PageState::Gone => (Verdict::Stands, Some(config.every)),
                _ if since(first) >= config.gone_after => (Verdict::Gone, Some(config.every)),
                _ => (Verdict::Missed, left(first)),
            }
        }
        Seen::There(moved) => {
            let back = page.state == PageState::Gone;
            (page.state, page.gone_since) = (PageState::Watched, None);
            let mut next = config.every;
            match moved.as_ref().map(|moved| (moved.to.as_str(), moved.alone)) {
                None => (page.moved_to, page.moved_since, page.address) = (None, None, None),
                // Where many of a feed lead is a page about something else, or about nothing. It is noted for the others' sake.
                Some((to, false)) => {
                    (page.moved_to, page.moved_since, page.address) = (Some(to.to_owned()), Some(now), None);
                }
                Some((to, true)) if page.address.as_deref() == Some(to) => {}
                Some((to, true)) => match page.moved_since.filter(|_| page.moved_to.as_deref() == Some(to)) {
                    Some(first) if since(first) >= config.gone_after => page.address = Some(to.to_owned()),
                    Some(first) => next = left(first).unwrap_or(next),
                    None => {
                        (page.moved_to, page.moved_since) = (Some(to.to_owned()), Some(now));
                        next = config.gone_after;
                    }
                },
            }
            (if back { Verdict::Back } else { Verdict::Stands }, Some(next))
        }
    }
}

/// Whether so many of a feed's pages are missing at once that the site is more likely broken than its pages taken away.
pub(super) fn is_held(config: &RecheckConfig, looked: i64, missing: i64) -> bool {
    missing > i64::from(config.hold_least) && missing as f64 > config.hold_share * looked as f64
}

/// What a page says of its review.
pub(super) fn facts(entry: &Entry) -> PageFacts {
    let reviewed = entry.review();
    let by: Vec<Person> = entry.reviewed_by.iter().filter_map(event::person).take(20).collect();
    PageFacts { reviewed: reviewed.last, next_review: reviewed.next, reviewed_by: by }
}

/// Puts what is known of its page into an entry that its feed tells: the feed's link becomes the one that the page moved to, the later
/// of two reviews holds.
pub(super) fn apply(page: &EntryPage, content: &mut Content) {
    if let Some(address) = page.address.as_ref().filter(|_| content.url.as_deref() == Some(&*page.url)) {
        content.url = Some(address.clone());
    }
    // Of an older review not even the date of the next holds.
    if page.facts.reviewed >= content.reviewed {
        renew(&page.facts, content);
    }
}

/// Puts what a page said just now into the last revision of its entry; whether that changed it.
pub(super) fn update(page: &EntryPage, content: &mut Content) -> bool {
    let before = (content.url.clone(), content.reviewed, content.next_review, content.reviewed_by.clone());
    content.url = Some(page.address.as_ref().unwrap_or(&page.url).clone());
    renew(&page.facts, content);
    before != (content.url.clone(), content.reviewed, content.next_review, content.reviewed_by.clone())
}

/// What the page says holds; where it says nothing, what is there stays.
fn renew(facts: &PageFacts, content: &mut Content) {
    content.reviewed = facts.reviewed.or(content.reviewed);
    content.next_review = facts.next_review.or(content.next_review);
    if !facts.reviewed_by.is_empty() {
        content.reviewed_by.clone_from(&facts.reviewed_by);
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn page() -> EntryPage {
        EntryPage::new(
            carewire_schemas::EntryId(uuid::Uuid::nil()),
            carewire_schemas::FeedId(uuid::Uuid::nil()),
            "https://a.example/page",
        )
    }

    fn at(day: i64) -> Timestamp {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * day)
    }

    fn there(to: Option<(&str, bool)>) -> Seen {
        Seen::There(to.map(|(to, alone)| Moved { to: to.parse().unwrap(), alone }))
    }

    /// Looks on days, and what came of the last of them: verdict, days until the next look.
    #[test]
    fn a_page_is_gone_when_it_is_missing_twice_a_week_apart() {
        use Seen::{Missing, Unknown};
        use Verdict::{Gone, Missed, Stands};
        let here = || there(None);
        for (looks, verdict, next) in [
            (vec![(0, here())], Stands, 30),
            (vec![(0, Missing)], Missed, 7),
            (vec![(0, Missing), (3, Missing)], Missed, 4),
            (vec![(0, Missing), (7, Missing)], Gone, 30),
            (vec![(0, Missing), (7, Unknown)], Stands, 7),
            (vec![(0, Unknown), (7, Unknown), (14, Missing)], Missed, 7),
            (vec![(0, Missing), (7, Unknown), (14, Missing)], Gone, 30),
            (vec![(0, Missing), (7, here()), (14, Missing)], Missed, 7),
        ] {
            let (mut page, config) = (page(), RecheckConfig::default());
            let mut last = None;
            for (day, seen) in &looks {
                last = Some(judge(&mut page, seen, at(*day), &config));
            }
            assert_eq!(last, Some((verdict, Some(DAY * next))), "{looks:?}");
        }
    }

    #[test]
    fn what_is_gone_is_looked_for_half_a_year_and_may_come_back() {
        let config = RecheckConfig::default();
        let mut page = page();
        (page.state, page.gone_since) = (PageState::Gone, Some(at(0)));
        assert_eq!(judge(&mut page, &Seen::Missing, at(100), &config), (Verdict::Stands, Some(30 * DAY)));
        assert_eq!(judge(&mut page.clone(), &Seen::Missing, at(181), &config), (Verdict::Stands, None));
        assert_eq!(judge(&mut page, &there(None), at(181), &config), (Verdict::Back, Some(30 * DAY)));
        assert_eq!((page.state, page.gone_since), (PageState::Watched, None));
    }

    #[test]
    fn a_move_is_believed_when_it_is_seen_twice_a_week_apart_and_nothing_else_is_there() {
        let (new, other) = ("https://a.example/new", "https://a.example/other");
        for (looks, address) in [
            (vec![(0, Some((new, true)))], None),
            (vec![(0, Some((new, true))), (3, Some((new, true)))], None),
            (vec![(0, Some((new, true))), (7, Some((new, true)))], Some(new)),
            (vec![(0, Some((new, true))), (7, Some((other, true)))], None),
            (vec![(0, Some((new, true))), (7, None), (14, Some((new, true)))], None),
            (vec![(0, Some((new, true))), (7, Some((new, false))), (14, Some((new, false)))], None),
            (vec![(0, Some((new, true))), (7, Some((new, true))), (37, Some((new, true)))], Some(new)),
            (vec![(0, Some((new, true))), (7, Some((new, true))), (37, None)], None),
        ] {
            let (mut page, config) = (page(), RecheckConfig::default());
            for (day, to) in &looks {
                judge(&mut page, &there(*to), at(*day), &config);
            }
            assert_eq!(page.address.as_deref(), address, "{looks:?}");
        }
    }

    #[test]
    fn few_missing_pages_are_believed_and_many_are_not() {
        let config = RecheckConfig::default();
        for (looked, missing, held) in [(1, 1, false), (3, 3, false), (4, 4, true), (100, 20, false), (100, 21, true)] {
            assert_eq!(is_held(&config, looked, missing), held, "{missing} of {looked}");
        }
    }

    #[test]
    fn the_later_review_holds_and_the_moved_link_replaces_only_the_feeds_own() {
        let mut known = page();
        known.address = Some("https://a.example/new".to_owned());
        known.facts = PageFacts { reviewed: Some(at(10)), next_review: Some(at(900)), reviewed_by: Vec::new() };
        for (url, reviewed, address, holds, next) in [
            ("https://a.example/page", None, "https://a.example/new", Some(at(10)), Some(at(900))),
            ("https://a.example/page", Some(at(5)), "https://a.example/new", Some(at(10)), Some(at(900))),
            ("https://a.example/else", Some(at(20)), "https://a.example/else", Some(at(20)), None),
        ] {
            let mut content = Content { url: Some(url.to_owned()), reviewed, ..Content::default() };
            apply(&known, &mut content);
            assert_eq!((content.url.as_deref(), content.reviewed, content.next_review), (Some(address), holds, next));
        }
        let mut content = Content { url: Some("https://a.example/page".to_owned()), ..Content::default() };
        assert!(update(&known, &mut content) && !update(&known, &mut content), "told once");
    }
}
