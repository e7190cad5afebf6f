//! Deliveries: one queue, one retry policy and one set of metrics for all who want to be told.
//!
//! One worker at a time, by lease. It reads the change log once for all topics ([`dispatch`]), claims who is behind, makes
//! one body for all who are equally far ([`parcel`]), sends with bounds on everything ([`hosts`], [`send`]), and writes
//! what came of it many at once. What is durable is a number for each topic and one for each subscriber, so a crash in the
//! middle of ten thousand deliveries loses none; those begun and not noted are counted as possibly sent twice.
//!
//! It has a reader and a pace of its own: neither the sink nor the feeds wait for it.

mod config;
mod dispatch;
mod hosts;
pub mod metrics;
mod parcel;
mod send;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use carewire_bus::{
    Health,
    stage::{BackOff, StageError},
};
use carewire_conditions::Vocabulary;
use carewire_fetch::Client;
use carewire_schemas::ChangeSeq;
use carewire_store::{
    HubRequest, Leading, Lease, PushClaim, PushDone, PushOutcome, PushSubscription, PushTopic, Store, StoreError,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{hub, sink::trouble};
pub use config::PushConfig;
use dispatch::Dispatcher;
use hosts::Hosts;
use parcel::{Parcel, Source};

const LEASE: &str = "push";
const LEASE_TTL: Duration = Duration::from_secs(10);
/// Even without news it is looked whether somebody's next try has come.
const LOOK: Duration = Duration::from_millis(500);
/// How often leases are looked at, and requests whose next try has come.
const SWEEP: Duration = Duration::from_secs(5);
/// What ended is written when so many have, or after so long.
const WRITTEN: (usize, Duration) = (256, Duration::from_millis(20));
/// Requests to the hub taken up at once.
const VERIFIED: usize = 64;
/// Bodies kept for those who come later in the same round.
const PARCELS: usize = 64;
/// How long what is under way may take when the worker is to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// Claims that are limited by their hosts are made anew at most so often.
const LIMITED: Duration = Duration::from_millis(100);

/// What deliveries are made with.
#[derive(Clone)]
pub struct Push {
    /// The database.
    pub store: Store,
    /// Sends; made by [`client`].
    pub client: Client,
    /// The vocabulary.
    pub vocabulary: &'static Vocabulary,
    /// The network's address with a slash at its end.
    pub base: Arc<str>,
    /// How.
    pub config: Arc<PushConfig>,
}

/// The guarded client with the limits of deliveries: subscribers answer soon and say little.
///
/// # Errors
/// When the configuration is wrong.
pub fn client(fetch: &carewire_fetch::FetchConfig, config: &PushConfig) -> Result<Client, carewire_fetch::ConfigError> {
    let fetch = carewire_fetch::FetchConfig {
        max_body: 1 << 20,
        connect_timeout: config.timeout.min(fetch.connect_timeout),
        header_timeout: config.timeout,
        idle_timeout: config.timeout,
        total_timeout: config.timeout,
        ..fetch.clone()
    };
    Client::with_idle(&fetch, config.concurrency)
}

/// What came of a piece of work.
enum Ended {
    Delivery { host: String, done: PushDone },
    Verification { host: String },
}

/// The worker while it has the lease.
struct Worker<'a> {
    push: &'a Push,
    lease: &'a Lease,
    hosts: Hosts,
    work: JoinSet<Ended>,
    done: Vec<PushDone>,
    /// When the oldest of `done` ended.
    since: Instant,
    parcels: HashMap<(String, ChangeSeq, ChangeSeq), Parcel>,
}

impl Push {
    /// Delivers until `stop`: active while this process holds the lease, stand-by otherwise.
    ///
    /// # Errors
    /// When the database refuses for good.
    pub async fn run(&self, health: &Health, stop: &CancellationToken) -> Result<(), StageError> {
        let owner = Uuid::now_v7();
        let mut wait = BackOff::default();
        while !stop.is_cancelled() {
            let turn = match Leading::acquire(&self.store, LEASE, owner, LEASE_TTL).await {
                Ok(Some(leading)) => {
                    let turn = self.lead(&leading, health, stop).await;
                    leading.release().await;
                    turn
                }
                Ok(None) => {
                    // A stand-by is ready: it would take over by itself.
                    health.well();
                    tokio::select! {
                        () = tokio::time::sleep(LEASE_TTL / 3) => {}
                        () = stop.cancelled() => {}
                    }
                    continue;
                }
                Err(error) => Err(error),
            };
            match turn.map_err(trouble) {
                Ok(()) => wait = BackOff::default(),
                Err(StageError::Transient(why)) => {
                    health.waits(why);
                    wait.stopped(stop).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn source(&self) -> Source<'_> {
        Source { store: &self.store, vocabulary: self.vocabulary, base: &self.base }
    }

    async fn lead(&self, leading: &Leading, health: &Health, stop: &CancellationToken) -> Result<(), StoreError> {
        let lease = leading.lease();
        let repeats = self.store.push_interrupted(lease).await?;
        if repeats > 0 {
            metrics::REPEATS.inc_by(repeats);
            tracing::warn!(deliveries = repeats, "deliveries were cut off; they are made again and may come twice");
        }
        let mut dispatcher = Dispatcher::new(self.store.cursor(dispatch::CURSOR).await?);
        let mut worker = Worker {
            push: self,
            lease,
            hosts: Hosts::default(),
            work: JoinSet::new(),
            done: Vec::new(),
            since: Instant::now(),
            parcels: HashMap::new(),
        };
        let (mut sequence, mut activity) = (self.store.sequence(), self.store.activity());
        let (mut swept, mut claimed) = (None::<Instant>, None::<Instant>);
        let (mut fresh, mut more) = (true, false);
        health.well();
        while !stop.is_cancelled() && !leading.lost().is_cancelled() {
            let known = *sequence.borrow_and_update();
            if fresh || more {
                activity.mark_unchanged();
                more = dispatcher.advance(self.source(), known, lease).await?;
                more |= worker.verify().await?;
            }
            if swept.is_none_or(|at| at.elapsed() >= SWEEP) {
                self.sweep().await?;
                more |= worker.verify().await?;
                swept = Some(Instant::now());
            }
            let room = self.config.concurrency.saturating_mul(2).saturating_sub(worker.work.len());
            let due = claimed.is_none_or(|at| at.elapsed() >= LIMITED);
            let mut full = false;
            if room > 0 && (fresh || due) {
                full = worker.claim(room).await?;
                claimed = if full { None } else { Some(Instant::now()) };
            }
            worker.write(false).await?;
            fresh = false;
            let pause = match (more || full, worker.done.is_empty(), worker.work.is_empty()) {
                (true, ..) if worker.work.len() < self.config.concurrency => Duration::ZERO,
                (_, false, _) => WRITTEN.1,
                (_, true, false) => LIMITED,
                _ => LOOK,
            };
            tokio::select! {
                Some(ended) = worker.work.join_next(), if !worker.work.is_empty() => worker.ended(ended)?,
                changed = sequence.changed() => match changed { Ok(()) => fresh = true, Err(_) => break },
                changed = activity.changed() => match changed { Ok(()) => fresh = true, Err(_) => break },
                () = tokio::time::sleep(pause) => {}
                () = leading.lost().cancelled() => {}
                () = stop.cancelled() => {}
            }
            while let Some(ended) = worker.work.try_join_next() {
                worker.ended(ended)?;
            }
            health.well();
        }
        worker.drain(leading).await
    }

    async fn sweep(&self) -> Result<(), StoreError> {
        let gone = self.store.push_sweep().await?;
        if gone > 0 {
            tracing::debug!(subscribers = gone, "leases are over");
        }
        metrics::SUBSCRIPTIONS.reset();
        for (kind, state, count) in self.store.push_counts().await? {
            metrics::SUBSCRIPTIONS.with_label_values(&[kind.as_str(), state.as_str()]).set(count);
        }
        Ok(())
    }
}

impl Worker<'_> {
    /// Begins deliveries, at most `room`; whether there may be more at once.
    async fn claim(&mut self, room: usize) -> Result<bool, StoreError> {
        let (push, config) = (self.push, &self.push.config);
        let per_host = if config.host_concurrency == 0 { room } else { config.host_concurrency };
        let mut room = room;
        for topic in push.store.push_behind().await? {
            let busy = self.hosts.busy(config);
            let claim = PushClaim { topic: &topic, limit: room, per_host, busy: &busy };
            let followers = push.store.push_claim(&claim, self.lease).await?;
            room -= followers.len().min(room);
            for follower in followers {
                self.begin(&topic, follower).await?;
            }
            if room == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn begin(&mut self, topic: &PushTopic, to: PushSubscription) -> Result<(), StoreError> {
        let push = self.push;
        let key = (topic.topic.clone(), to.cursor, topic.last);
        if !self.parcels.contains_key(&key) {
            if self.parcels.len() >= PARCELS {
                self.parcels.clear();
            }
            match parcel::of_hub(push.source(), topic, to.cursor).await {
                Ok(parcel) => drop(self.parcels.insert(key.clone(), parcel)),
                Err(problem) => {
                    let error = format!("the feed cannot be made: {}", problem.detail);
                    let outcome = PushOutcome::Failed { error, wait: push.config.wait(to.tries, None), end: false };
                    self.note(PushDone { id: to.id, cursor: to.cursor, outcome });
                    return Ok(());
                }
            }
        }
        let Some(parcel) = self.parcels.get(&key).cloned() else { return Ok(()) };
        if parcel.body.is_none() {
            let outcome = PushOutcome::Taken { messages: 0, pause: Duration::ZERO };
            self.note(PushDone { id: to.id, cursor: parcel.upto, outcome });
            return Ok(());
        }
        let turn = self.hosts.enter(&to.host, &push.config);
        let (client, config, base) = (push.client.clone(), Arc::clone(&push.config), Arc::clone(&push.base));
        self.work.spawn(async move {
            turn.come().await;
            let host = to.host.clone();
            Ended::Delivery { host, done: send::deliver(client, config, base, to, parcel).await }
        });
        Ok(())
    }

    /// Asks subscribers whether they meant what they asked of the hub.
    /// Whether there may be more.
    async fn verify(&mut self) -> Result<bool, StoreError> {
        let push = self.push;
        if self.work.len() >= push.config.concurrency {
            return Ok(true);
        }
        let hold = push.config.timeout * 2 + Duration::from_secs(10);
        let requests = push.store.claim_hub_requests(VERIFIED, hold).await?;
        let more = requests.len() == VERIFIED;
        for request in requests {
            let (host, push) = (request.asked.host.clone(), push.clone());
            let turn = self.hosts.enter(&host, &push.config);
            self.work.spawn(async move {
                turn.come().await;
                verified(&push, request).await;
                Ended::Verification { host }
            });
        }
        Ok(more)
    }

    fn note(&mut self, done: PushDone) {
        if self.done.is_empty() {
            self.since = Instant::now();
        }
        self.done.push(done);
    }

    fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Result<(), StoreError> {
        match ended {
            Ok(Ended::Delivery { host, done }) => {
                self.hosts.leave(&host);
                self.note(done);
                Ok(())
            }
            Ok(Ended::Verification { host }) => {
                self.hosts.leave(&host);
                Ok(())
            }
            // What it had begun is freed when the lease is taken anew.
            Err(error) => Err(StoreError::Unavailable(format!("a delivery's task ended: {error}"))),
        }
    }

    /// Writes what ended, when it is time or at once.
    async fn write(&mut self, now: bool) -> Result<(), StoreError> {
        let due = now || self.done.len() >= WRITTEN.0 || self.since.elapsed() >= WRITTEN.1;
        if self.done.is_empty() || !due {
            return Ok(());
        }
        self.push.store.push_done(&self.done, self.lease).await?;
        self.done.clear();
        Ok(())
    }

    /// Lets what is under way end, and notes it.
    async fn drain(mut self, leading: &Leading) -> Result<(), StoreError> {
        let end = tokio::time::Instant::now() + DRAIN;
        while let Ok(Some(ended)) = tokio::time::timeout_at(end, self.work.join_next()).await {
            self.ended(ended)?;
        }
        if leading.lost().is_cancelled() {
            return Ok(());
        }
        self.write(true).await
    }
}

/// Verifies a request and writes what came of it.
async fn verified(push: &Push, request: HubRequest) {
    let mode = if request.asked.subscribe { "subscribe" } else { "unsubscribe" };
    let (outcome, written) = match hub::verify::ask(&push.client, &request.asked).await {
        hub::verify::Answer::Confirmed => ("confirmed", push.store.hub_verified(&request).await.map(drop)),
        hub::verify::Answer::Refused => ("refused", push.store.hub_unverified(request.id, None).await),
        hub::verify::Answer::Failed if request.tries < hub::verify::TRIES => {
            let retry = push.config.wait(request.tries, None);
            ("failed", push.store.hub_unverified(request.id, Some(retry)).await)
        }
        hub::verify::Answer::Failed => ("failed", push.store.hub_unverified(request.id, None).await),
    };
    metrics::VERIFICATIONS.with_label_values(&[mode, outcome]).inc();
    if let Err(error) = written {
        // Its next try comes when the claim's time is over.
        tracing::warn!(%error, "what came of a verification could not be written");
    }
}
