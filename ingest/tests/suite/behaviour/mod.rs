//! What a worker does with every answer a publisher may give, each case named by the section that it is about.
//!
//! All cases run at once against one real worker, each on a host of its own; a feed is polled by hand as often as its case says.

mod answers;
mod caching;
mod further;
mod stories;

use std::{collections::BTreeMap, time::Duration};

use carewire_schemas::{Change, EntryV1};
use carewire_store::{Feed, Proposal};

use crate::common::{
    Sandbox,
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
    plain(&["A"]).etag(etag)
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
    let all = futures::future::join_all(
        answers::CASES
            .iter()
            .chain(caching::CASES)
            .chain(further::CASES)
            .enumerate()
            .map(|(index, case)| run(index, case)),
    )
    .await;
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
