//! The claiming loop, and what all tasks of a worker share.

use std::{future::Future, sync::Arc, time::Duration};

use anyhow::Context as _;
use carewire_bus::{Bus, Health, Producer, stage::BackOff};
use carewire_fetch::Client;
use carewire_store::{PollDone, Store, StoreError};
use jiff::Timestamp;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    audience, config::IngestConfig, host::poll_host, metrics, recheck, robots::KnownRobots, schedule::BREATH, tasks,
    websub::pings, write_back,
};

/// What an ingest worker needs.
pub struct Ingest {
    /// Feeds, hosts, entries.
    pub store: Store,
    /// Where entries go: `carewire.entries`.
    pub bus: Bus,
    /// The guarded HTTP client.
    pub client: Client,
    /// How feeds are polled.
    pub config: IngestConfig,
    /// Where the stage says how it is.
    pub health: Health,
}

/// Other processes' leases end and feeds come due without a word; so often it is looked for at least.
const LOOK: Duration = Duration::from_secs(1);

/// What the tasks of one worker share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) producer: Producer,
    pub(crate) client: Client,
    pub(crate) config: IngestConfig,
    pub(crate) health: Health,
    pub(crate) owner: Uuid,
    /// Tasks that read bodies.
    pub(crate) readers: TaskTracker,
    /// Bodies read at the same time.
    pub(crate) turns: Semaphore,
    /// For how many subscribers feeds are fetched.
    pub(crate) audience: audience::Audience,
    /// What sites let robots read.
    pub(crate) robots: KnownRobots,
    /// Memory for bodies, in KiB.
    memory: Arc<Semaphore>,
    ends: mpsc::Sender<PollDone>,
    /// No new requests.
    pub(crate) stop: CancellationToken,
    /// The time for an orderly end is over.
    pub(crate) abandon: CancellationToken,
}

impl Shared {
    /// Hands the end of a poll to the write-back; waits while that is behind.
    pub(crate) async fn end(&self, done: PollDone) {
        // An error means that the write-back was abandoned: the feed comes again.
        let _ = self.ends.send(done).await;
    }

    /// Room in memory for a body; waits for it. A body larger than all room takes all of it.
    pub(crate) async fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kibibytes = (bytes / 1024 + 1).min(self.config.body_memory / 1024);
        let kibibytes = u32::try_from(kibibytes).unwrap_or(u32::MAX);
        self.memory.clone().acquire_many_owned(kibibytes).await.ok()
    }

    /// The number of subscribers that a poll states.
    pub(crate) fn subscribers(&self) -> Option<u64> {
        self.audience.told(self.client.config().subscribers)
    }

    /// Asks the store through outages; `None` where that was abandoned.
    pub(crate) async fn patiently<T, F>(&self, mut ask: impl FnMut() -> F) -> Option<Result<T, StoreError>>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut wait = BackOff::default();
        let mut waited = false;
        loop {
            match ask().await {
                Err(error) if error.is_transient() => {
                    waited = true;
                    self.health.waits(error.to_string());
                    if wait.stopped(&self.abandon).await {
                        return None;
                    }
                }
                other => {
                    if waited {
                        self.health.well();
                    }
                    return Some(other);
                }
            }
        }
    }
}

/// Polls due feeds until `stop`, then finishes what is under way for up to [`IngestConfig::drain`].
///
/// What is cut short then is neither lost nor told twice: nothing of it was written, so its feeds come again.
///
/// # Errors
/// When the configuration is impossible. Trouble that passes is waited out and said in `health`.
pub async fn run(deps: Ingest, stop: CancellationToken) -> anyhow::Result<()> {
    let Ingest { store, bus, client, config, health } = deps;
    config.check()?;
    let request = client.config().total_timeout;
    anyhow::ensure!(
        config.lease > request + Duration::from_secs(1),
        "ingest.lease ({:?}) must be longer than fetch.total_timeout ({request:?}) by more than a second",
        config.lease
    );
    let (ends, written) = mpsc::channel(4 * config.write_batch);
    let abandon = CancellationToken::new();
    let writer = write_back::run(store.clone(), written, config.write_batch, health.clone(), abandon.clone());
    let writer = tokio::spawn(writer);
    let shared = Arc::new(Shared {
        store,
        producer: bus.producer(),
        client,
        health,
        owner: Uuid::new_v4(),
        readers: TaskTracker::new(),
        turns: Semaphore::new(config.readers),
        audience: audience::Audience::default(),
        robots: KnownRobots::default(),
        memory: Arc::new(Semaphore::new(config.body_memory / 1024)),
        ends,
        stop,
        abandon,
        config,
    });
    let mut hosts = JoinSet::new();
    shared.readers.spawn(pings::run(shared.clone()));
    set_policies(&shared).await;
    audience::count(&shared).await;
    shared.readers.spawn(audience::run(shared.clone()));
    shared.readers.spawn(tasks::run(shared.clone()));
    shared.readers.spawn(recheck::run(shared.clone()));
    claim_until_stop(&shared, &mut hosts).await;
    drain(shared, hosts, writer).await
}

/// Writes the configured policies of known hosts to the store, where every worker finds them.
async fn set_policies(shared: &Shared) {
    for (host, policy) in &shared.config.hosts {
        let set = || shared.store.set_host_policy(host, policy.concurrency, policy.pause);
        tokio::select! {
            set = shared.patiently(set) => if let Some(Err(error)) = set {
                tracing::warn!(host, %error, "the host's policy was not set");
            },
            () = shared.stop.cancelled() => return,
        }
    }
}

async fn claim_until_stop(shared: &Arc<Shared>, hosts: &mut JoinSet<()>) {
    let config = &shared.config;
    let mut activity = shared.store.activity();
    let mut wait = BackOff::default();
    // Said once and after trouble of this loop only: the other tasks speak for themselves.
    let mut trouble = true;
    // Hosts under way have more that is due: the end of one is a reason to claim again.
    let mut backlog = false;
    while !shared.stop.is_cancelled() {
        while let Some(ended) = hosts.try_join_next() {
            note_end(ended);
        }
        metrics::HOSTS.set(i64::try_from(hosts.len()).unwrap_or(i64::MAX));
        let free = config.concurrency.saturating_sub(hosts.len());
        if free > 0 {
            activity.mark_unchanged();
            let since = Instant::now();
            match shared.store.claim_hosts(shared.owner, free, config.feeds_per_host, config.lease).await {
                Ok(claims) => {
                    if std::mem::take(&mut trouble) {
                        shared.health.well();
                        wait = BackOff::default();
                    }
                    let full = claims.iter().any(|claim| claim.feeds.len() >= config.feeds_per_host);
                    let all = claims.len() == free;
                    backlog = full || all || (backlog && !hosts.is_empty());
                    for claim in claims {
                        hosts.spawn(poll_host(shared.clone(), claim, since));
                    }
                    if full && !all {
                        // A host may have further leases for what it has further.
                        continue;
                    }
                }
                Err(error) => {
                    // Not transient is not final either: a claim changes nothing when it fails.
                    trouble = true;
                    shared.health.waits(error.to_string());
                    if wait.stopped(&shared.stop).await {
                        return;
                    }
                    continue;
                }
            }
        }
        let look = Instant::now() + if free > 0 { until_due(shared).await } else { LOOK };
        // Several hosts that end together make one claim.
        tokio::time::sleep(if backlog { BREATH / 4 } else { BREATH }).await;
        tokio::select! {
            Some(ended) = hosts.join_next(), if !hosts.is_empty() && (backlog || free == 0) => note_end(ended),
            _ = activity.changed(), if free > 0 => {}
            () = tokio::time::sleep_until(look) => {}
            () = shared.stop.cancelled() => {}
        }
    }
}

/// How long there is nothing to claim, as far as is known.
async fn until_due(shared: &Shared) -> Duration {
    match shared.store.next_due().await {
        Ok(Some(due)) => {
            Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default().clamp(BREATH, LOOK)
        }
        _ => LOOK,
    }
}

fn note_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "the task of a host ended abnormally; its lease ends by itself");
    }
}

/// Lets what is under way end, within the configured time.
async fn drain(shared: Arc<Shared>, mut hosts: JoinSet<()>, writer: tokio::task::JoinHandle<()>) -> anyhow::Result<()> {
    let end = Instant::now() + shared.config.drain;
    let orderly = async {
        while let Some(ended) = hosts.join_next().await {
            note_end(ended);
        }
        shared.readers.close();
        shared.readers.wait().await;
    };
    if timeout_at(end, orderly).await.is_err() {
        tracing::warn!("not everything under way ended in time; what was cut short comes again");
        hosts.abort_all();
        shared.abandon.cancel();
        shared.readers.close();
        // Tasks see the token at their next wait; a short while is enough for that.
        let _ = timeout_at(Instant::now() + LOOK, shared.readers.wait()).await;
    }
    metrics::HOSTS.set(0);
    let abandon = shared.abandon.clone();
    // The write-back ends when the last sender is gone.
    drop(shared);
    let mut writer = writer;
    match timeout_at(end.max(Instant::now() + LOOK), &mut writer).await {
        Ok(ended) => ended.context("the write-back ended abnormally"),
        Err(_) => {
            abandon.cancel();
            writer.abort();
            Ok(())
        }
    }
}
