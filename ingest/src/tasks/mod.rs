//! Visits to publishers beside polling, each a task in the store that is done under the lease of its host.
//!
//! | file | what |
//! | --- | --- |
//! | `archive` | a page of a feed's archive (RFC 5005), then the page before it |
//! | `elsewhere` | the https address of a feed, or the one it says that it has moved to: is it the same feed? |
//! | `pages` | pages of a site map as entries, within robots.txt |
//! | `discover` | feeds that a site advertises or has in the usual places, proposed to the feed's owner |

pub(crate) mod archive;
pub(crate) mod discover;
mod elsewhere;
pub(crate) mod pages;

use std::{sync::Arc, time::Duration};

use carewire_bus::stage::BackOff;
use carewire_feeds::{Context, Parsed, parse};
use carewire_fetch::{FetchError, GateError, Request, Response};
use carewire_store::{Task, TaskKind};
use carewire_visit::{ACCEPT_FEEDS, LeaseGate};
use jiff::Timestamp;
use tokio::task::JoinSet;
use url::Url;

use crate::{metrics, schedule::after, worker::Shared};

/// How often due tasks are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// Tasks of one worker at a time: they are never urgent.
const AT_ONCE: usize = 16;
/// How long a busy host is waited for before the task is put off, and for how long it is then.
const PATIENCE: Duration = Duration::from_secs(2);
const BUSY: Duration = Duration::from_secs(10);
/// How long a task that failed waits for its next try; doubled each time.
const RETRY: Duration = Duration::from_secs(15 * 60);
const TRIES: i64 = 4;
/// The longest that one task may take; its claim lasts longer. What a killed worker held goes on after that.
fn longest(shared: &Shared) -> Duration {
    shared.config.lease * 3
}

/// What became of a task.
enum End {
    /// It is done, with success or for good without.
    Done(&'static str),
    /// It goes on later, as it is now.
    Later(Timestamp),
    /// It failed and may succeed later.
    Failed(String),
}

/// Does due tasks until the worker is to stop.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut under_way = JoinSet::new();
    let mut wait = BackOff::default();
    while !shared.stop.is_cancelled() {
        while under_way.try_join_next().is_some() {}
        let free = AT_ONCE.saturating_sub(under_way.len());
        match shared.store.claim_tasks(free, longest(&shared) + LOOK).await {
            Ok(tasks) => {
                wait = BackOff::default();
                for task in tasks {
                    under_way.spawn(one(shared.clone(), task));
                }
            }
            Err(error) => {
                tracing::debug!(%error, "tasks were not claimed");
                if wait.stopped(&shared.stop).await {
                    break;
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = shared.stop.cancelled() => {}
        }
    }
    // What is cut short is claimed again; nothing of it was noted.
    let rest = async { while under_way.join_next().await.is_some() {} };
    tokio::select! {
        () = rest => {}
        () = shared.abandon.cancelled() => {}
    }
}

async fn one(shared: Arc<Shared>, mut task: Task) {
    let work = async {
        match task.kind {
            TaskKind::Archive => archive::run(&shared, &mut task).await,
            TaskKind::Https | TaskKind::Move => elsewhere::run(&shared, &task).await,
            TaskKind::Discover => discover::run(&shared, &task).await,
            TaskKind::Pages => pages::run(&shared, &mut task).await,
        }
    };
    let end = tokio::select! {
        end = tokio::time::timeout(longest(&shared), work) => end.unwrap_or_else(|_| End::Failed("took too long".to_owned())),
        // Claimed again when this claim ends.
        () = shared.abandon.cancelled() => return,
    };
    let outcome = match &end {
        End::Done(outcome) => outcome,
        End::Later(_) => "later",
        End::Failed(_) => "failed",
    };
    metrics::TASKS.with_label_values(&[task.kind.as_str(), outcome]).inc();
    let due = match end {
        End::Done(_) => None,
        End::Later(due) => Some(due),
        End::Failed(error) => {
            tracing::debug!(feed = %task.feed, url = task.url, kind = %task.kind, error, "a visit failed");
            task.tries += 1;
            let wait = RETRY.saturating_mul(1 << task.tries.clamp(0, 10));
            (task.tries < TRIES).then(|| after(Timestamp::now(), wait))
        }
    };
    let written = shared
        .patiently(|| async {
            match due {
                None => shared.store.finish_task(&task).await,
                Some(due) => shared.store.put_off_task(&task, due).await,
            }
        })
        .await;
    if let Some(Err(error)) = written {
        tracing::warn!(%error, "the end of a visit was not noted; it comes again");
    }
}

/// Takes the lease of an address's host; the other side says when to try again.
async fn gate(shared: &Shared, url: &Url) -> Result<LeaseGate, End> {
    match LeaseGate::take(shared.store.clone(), url, shared.client.config(), PATIENCE).await {
        Ok(gate) => Ok(gate),
        Err(GateError::Busy { .. }) => Err(busy()),
        Err(error) => Err(End::Failed(error.to_string())),
    }
}

fn busy() -> End {
    End::Later(after(Timestamp::now(), BUSY.mul_f64(0.5 + fastrand::f64())))
}

/// Asks for a document under the gate; redirects are followed.
async fn ask(shared: &Shared, gate: &LeaseGate, url: Url) -> Result<Response, End> {
    let mut request = Request::get(url);
    request.accept = Some(ACCEPT_FEEDS);
    let answer = shared.client.follow(request, gate).await;
    gate.ended().await;
    match answer {
        Ok(response) => {
            // A host that sends us away is left alone by everybody, whoever heard it.
            crate::host::note_retry_after(shared, &response).await;
            Ok(response)
        }
        Err(FetchError::Gate(GateError::Busy { .. })) => Err(busy()),
        Err(error) if error.is_transient() => Err(End::Failed(error.to_string())),
        Err(error) => {
            tracing::debug!(%error, "a visit got no answer");
            Err(End::Done("no-answer"))
        }
    }
}

/// Reads a document on the blocking pool: nobody waits for it.
async fn read(response: &Response) -> Option<Parsed> {
    let (body, url) = (response.body.clone(), response.url.clone());
    let content_type = response.content_type().map(str::to_owned);
    let work =
        move || parse(&body, &Context { content_type: content_type.as_deref(), url: Some(&url), ..Context::default() });
    tokio::task::spawn_blocking(work).await.ok()
}
