//! Ends of polls, many in one transaction: what costs is the transaction, not the feed.

use std::time::Duration;

use carewire_bus::{Health, stage::BackOff};
use carewire_store::{PollDone, Store};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::metrics;

/// How long the first end of a batch waits for others; short beside a second, long beside a fetch on a good day.
const LINGER: Duration = Duration::from_millis(15);

/// Writes what comes until all senders are gone, or until `abandon` in an outage; what is not written then comes again.
pub(crate) async fn run(
    store: Store,
    mut ends: mpsc::Receiver<PollDone>,
    most: usize,
    health: Health,
    abandon: CancellationToken,
) {
    let mut batch = Vec::with_capacity(most);
    while let Some(first) = ends.recv().await {
        batch.push(first);
        // A timeout means that nobody else came, a zero that nobody is left.
        let _ =
            timeout(LINGER, async { while batch.len() < most && ends.recv_many(&mut batch, most).await > 0 {} }).await;
        if !write(&store, std::mem::take(&mut batch), &health, &abandon).await {
            return;
        }
    }
}

/// Writes a batch, through outages; false when it was abandoned.
async fn write(store: &Store, batch: Vec<PollDone>, health: &Health, abandon: &CancellationToken) -> bool {
    let mut wait = BackOff::default();
    let mut waited = false;
    loop {
        match store.finish_polls(batch.clone()).await {
            Ok(written) => {
                if waited {
                    health.well();
                }
                let stale = written.iter().filter(|written| !**written).count();
                metrics::STALE.inc_by(stale as u64);
                return true;
            }
            Err(error) if error.is_transient() => {
                waited = true;
                health.waits(error.to_string());
                if wait.stopped(abandon).await {
                    return false;
                }
            }
            Err(error) if batch.len() == 1 => {
                let feed = batch.first().map(|done| done.feed);
                tracing::error!(?feed, %error, "the end of a poll was not written; the feed comes again");
                return true;
            }
            // One of them is at fault; the others must not suffer for it.
            Err(_) => {
                for done in batch {
                    if !Box::pin(write(store, vec![done], health, abandon)).await {
                        return false;
                    }
                }
                return true;
            }
        }
    }
}
