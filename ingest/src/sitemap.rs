//! A site map in place of a feed: which of its pages are new or changed. The pages themselves are read by a task.
//!
//! What a news or video map says of a page is a whole entry; of other pages the page itself is asked, under the host's lease, within its
//! robots.txt, a few at a time. The map's first reading is history: the newest pages only, the others are noted as seen.

use std::collections::HashMap;

use carewire_feeds::sitemap::{Page, Sitemap, SitemapKind};
use carewire_fetch::{Response, cache_lifetime, host_of};
use carewire_store::{Feed, FeedKind, FeedMeta, FeedProblem, NewTask, PollDone, TaskKind, Validators};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    findings, outcome,
    schedule::{interval, next_poll},
    worker::Shared,
};

/// Pages of a map that are read at its first reading, and of one that changed altogether.
const MOST_PAGES: usize = 100;
/// Maps of an index that are read: the newest.
const MOST_MAPS: usize = 5;

/// A page to be read, with the change that its map stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Due {
    pub(crate) url: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) modified: Option<Timestamp>,
}

/// What a task of pages has to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Work {
    /// Further maps.
    pub(crate) maps: Vec<String>,
    /// Pages.
    pub(crate) pages: Vec<Due>,
    /// Whether this is history.
    pub(crate) history: bool,
}

/// The hash by which a page is remembered.
pub(crate) fn page_hash(url: &str) -> i64 {
    xxh3_64(carewire_feeds::canonical_url(url).as_deref().unwrap_or(url).as_bytes()).cast_signed()
}

/// Pages that are new, or changed since they were looked at, the newest first; and those beyond the limit.
pub(crate) fn fresh(map: &Sitemap, known: &HashMap<i64, Option<Timestamp>>) -> (Vec<Due>, Vec<Due>) {
    let is_fresh = |page: &&Page| match known.get(&page_hash(&page.url)) {
        None => true,
        Some(seen) => page.modified.is_some() && page.modified > *seen,
    };
    let due = |page: &Page| Due { url: page.url.clone(), modified: page.modified };
    let mut all: Vec<Due> = map.pages.iter().filter(is_fresh).map(due).collect();
    all.sort_by_key(|due| std::cmp::Reverse(due.modified));
    let rest = all.split_off(all.len().min(MOST_PAGES));
    (all, rest)
}

/// The newest maps of an index, at the host of the index only.
fn maps(index: &Sitemap, host: &str) -> Vec<String> {
    let at_host = |page: &&Page| url::Url::parse(&page.url).ok().as_ref().and_then(host_of).as_deref() == Some(host);
    let mut maps: Vec<&Page> = index.pages.iter().filter(at_host).collect();
    maps.sort_by_key(|page| std::cmp::Reverse(page.modified));
    maps.into_iter().take(MOST_MAPS).map(|page| page.url.clone()).collect()
}

/// Whether a body that is no feed may be a site map.
pub(crate) fn looks_like_one(body: &[u8]) -> bool {
    let head = &body[..body.len().min(2048)];
    let has = |name: &[u8]| head.windows(name.len()).any(|window| window.eq_ignore_ascii_case(name));
    has(b"<urlset") || has(b"<sitemapindex")
}

/// The write-back of a map that was read, with the task that reads its pages. `None` where the store was not waited for.
pub(crate) async fn read(
    shared: &Shared,
    feed: &Feed,
    response: &Response,
    map: Sitemap,
    hash: i64,
    now: Timestamp,
) -> Option<PollDone> {
    let config = &shared.config;
    let first = feed.last_success.is_none();
    let mut work = Work { history: first, ..Work::default() };
    if map.kind == SitemapKind::Index {
        work.maps = maps(&map, &feed.host);
    } else {
        let known = shared.patiently(|| shared.store.site_pages(feed.id)).await?.ok()?;
        let (pages, rest) = fresh(&map, &known);
        work.pages = pages;
        if first {
            let seen: Vec<_> = rest.iter().map(|due| (page_hash(&due.url), due.modified)).collect();
            shared.patiently(|| shared.store.note_site_pages(feed.id, &seen)).await?.ok()?;
        }
    }
    // The rhythm of a map is that of its pages' changes.
    let entries: Vec<_> = map.pages.iter().map(Page::entry).collect();
    let document = carewire_feeds::Feed::default();
    let fresh_for = cache_lifetime(&response.headers, now).lifetime;
    let mut memory = feed.memory.clone();
    memory.gone_since = None;
    let problem = |p: &carewire_feeds::Problem| FeedProblem {
        code: p.code.to_owned(),
        message: p.message.clone(),
        where_: (!p.where_.is_empty()).then(|| p.where_.clone()),
        count: 1,
    };
    let problems: Vec<FeedProblem> = map.problems.iter().take(50).map(problem).collect();
    let findings = findings::after_reading(&mut memory, problems.iter().map(findings::problem).collect());
    let every = interval(config, &document, &entries, now);
    let next = next_poll(config, now, every, &outcome::holds(feed, &memory, fresh_for), fastrand::f64());
    let validators = match response.complete {
        true => outcome::validators(response, Some(hash)),
        false => Validators::default(),
    };
    let mut done = PollDone {
        status: Some(i32::from(response.status)),
        validators: Some(validators),
        meta: FeedMeta {
            format: Some("sitemap".to_owned()),
            kind: Some(FeedKind::Sitemap),
            site_url: response.url.join("/").ok().map(String::from),
            ..FeedMeta::default()
        },
        problems: Some(problems),
        memory: (memory != feed.memory).then_some(memory),
        findings,
        ..outcome::blank(feed, now, next)
    };
    if !work.maps.is_empty() || !work.pages.is_empty() {
        // A task of each reading: what a later reading finds must not be lost in one that is still under way.
        let url = format!("{}#{}", feed.url, feed.turn);
        let payload = serde_json::to_string(&work).unwrap_or_default();
        let host = feed.host.clone();
        done.tasks.push(NewTask { kind: TaskKind::Pages, feed: feed.id, url, host, due: now, payload });
    }
    Some(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(url: &str, modified: Option<&str>) -> Page {
        Page {
            url: url.to_owned(),
            modified: modified.map(|day| format!("{day}T00:00:00Z").parse().unwrap()),
            ..Page::default()
        }
    }

    #[test]
    fn new_and_changed_pages_are_due_newest_first() {
        let day = |text: &str| Some(format!("{text}T00:00:00Z").parse().unwrap());
        let known: HashMap<i64, Option<Timestamp>> = [
            (page_hash("https://a.example/same"), day("2026-11-01")),
            (page_hash("https://a.example/changed"), day("2026-11-01")),
            (page_hash("https://a.example/undated"), None),
            (page_hash("https://a.example/now-dated"), None),
        ]
        .into();
        let map = Sitemap {
            kind: SitemapKind::Pages,
            pages: vec![
                page("https://a.example/same", Some("2026-11-01")),
                page("https://a.example/changed", Some("2026-11-05")),
                page("https://a.example/undated", None),
                page("https://a.example/now-dated", Some("2026-11-02")),
                page("https://a.example/new", Some("2026-11-09")),
            ],
            ..Sitemap::default()
        };
        let (due, rest) = fresh(&map, &known);
        let names: Vec<_> = due.iter().map(|due| due.url.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["new", "changed", "now-dated"]);
        assert!(rest.is_empty());
        let many = (0..250).map(|n| page(&format!("https://a.example/{n}"), None)).collect();
        let (due, rest) = fresh(&Sitemap { pages: many, ..Sitemap::default() }, &known);
        assert_eq!((due.len(), rest.len()), (MOST_PAGES, 150));
    }

    #[test]
    fn an_index_leads_to_maps_of_its_own_host() {
        let index = Sitemap {
            kind: SitemapKind::Index,
            pages: vec![
                page("https://a.example/old.xml", Some("2025-01-01")),
                page("https://b.example/x.xml", None),
                page("https://a.example/new.xml", Some("2026-01-01")),
            ],
            ..Sitemap::default()
        };
        assert_eq!(maps(&index, "a.example"), ["https://a.example/new.xml", "https://a.example/old.xml"]);
    }
}
