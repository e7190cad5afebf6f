//! Leases and pauses of one job, as the HTTP client asks for them at every request.

use std::{collections::HashMap, sync::Arc, time::Duration};

use carewire_fetch::{FetchConfig, GateError, HostGate, host_of};
use carewire_store::{HostLease, Store, StoreError};
use jiff::Timestamp;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, sleep_until},
};
use url::Url;
use uuid::Uuid;

/// A lease that the database gave or confirmed so short a time ago need not be asked for again. Shorter than the usual pause between two
/// requests to a host, so that each is asked for beforehand; where the pause is shorter, several requests share one answer.
const CONFIRMED: Duration = Duration::from_millis(200);
/// How long a redirect waits for the lease of its host; two tasks that wait for each other's host both give up then.
const ENTER_PATIENCE: Duration = Duration::from_secs(5);
const ENTER_RETRY: Duration = Duration::from_millis(200);

/// What a host's policy has before somebody sets one; then the pause of `[fetch]` holds.
pub const UNSET_PAUSE: Duration = Duration::from_millis(250);

/// The gate of one job on a host: holds the lease that it was claimed with, takes those of hosts that redirects lead to, and keeps
/// the pause between two requests to each of them.
pub struct LeaseGate {
    store: Store,
    owner: Uuid,
    lease: Duration,
    /// The longest time that one request may take: a lease that ends sooner is lengthened first.
    request: Duration,
    pause: Duration,
    state: Mutex<State>,
}

struct State {
    /// Leases by host, the task's own among them.
    held: HashMap<Arc<str>, Held>,
    own: Arc<str>,
    /// The host that a request is under way to.
    busy: Option<Arc<str>>,
}

struct Held {
    lease: HostLease,
    /// Since when it has run, on our clock: before the database gave it, so we never think it longer than it is.
    since: Instant,
    confirmed: Confirmed,
    /// When the last request ended.
    last: Option<Instant>,
}

/// When the database last confirmed a lease, by two clocks: the monotonic one may stand still while the machine sleeps, the other
/// may be set.
#[derive(Clone, Copy)]
struct Confirmed {
    at: Instant,
    wall: Timestamp,
}

impl Confirmed {
    fn now() -> Confirmed {
        Confirmed { at: Instant::now(), wall: Timestamp::now() }
    }

    /// Whether it is too long ago by either clock.
    ///
    /// In between the database need not be asked: it gives a lease to nobody else before its end, and that end is counted here from
    /// before the lease was given.
    fn is_stale(self) -> bool {
        let wall = Timestamp::now().duration_since(self.wall).unsigned_abs();
        self.at.elapsed() > CONFIRMED || wall > CONFIRMED
    }
}

impl LeaseGate {
    /// The gate of a task that holds `lease`, taken not before `since`.
    pub fn new(
        store: Store,
        owner: Uuid,
        lease: HostLease,
        since: Instant,
        duration: Duration,
        request: Duration,
        pause: Duration,
    ) -> LeaseGate {
        let own: Arc<str> = canonical(&lease.host).into();
        let held = Held { lease, since, confirmed: Confirmed { at: since, wall: Timestamp::now() }, last: None };
        let state = State { held: HashMap::from([(own.clone(), held)]), own, busy: None };
        LeaseGate { store, owner, lease: duration, request, pause, state: Mutex::new(state) }
    }

    /// Takes a lease of `url`'s host for a job of its own, such as a check that somebody asked for; waits for it up to `patience`.
    ///
    /// # Errors
    /// [`GateError::Busy`] where the host is being asked by somebody else, or asked to be left alone; [`GateError::Failed`] where
    /// the store failed or `url` has no host.
    pub async fn take(
        store: Store,
        url: &Url,
        config: &FetchConfig,
        patience: Duration,
    ) -> Result<LeaseGate, GateError> {
        let none = || GateError::Failed { host: String::new(), message: format!("{url} has no host") };
        let host = host_of(url).ok_or_else(none)?;
        // Longer than a request may take, so that it need not be renewed before the first.
        let duration = config.total_timeout * 2 + CONFIRMED;
        let owner = Uuid::new_v4();
        let end = Instant::now() + patience;
        loop {
            let since = Instant::now();
            let taken = store.acquire_host(&host, owner, duration).await;
            if let Some(lease) = taken.map_err(|error| failed(&host, &error))? {
                let policy = store.host(&host).await.map_err(|error| failed(&host, &error))?;
                let pause = policy.map_or(UNSET_PAUSE, |policy| millis(policy.pause_ms));
                let pause = if pause == UNSET_PAUSE { config.min_host_pause } else { pause };
                return Ok(LeaseGate::new(store, owner, lease, since, duration, config.total_timeout, pause));
            }
            if Instant::now() >= end {
                return Err(GateError::Busy { host, retry_in: None });
            }
            sleep(ENTER_RETRY).await;
        }
    }

    /// Notes that the request under way has ended: the pause begins.
    pub async fn ended(&self) {
        let mut state = self.state.lock().await;
        note_end(&mut state);
    }

    /// Whether the task's own lease has not been found lost.
    pub async fn holds_own(&self) -> bool {
        let state = self.state.lock().await;
        state.held.contains_key(&state.own)
    }

    /// Waits out the pauses and gives all leases back, those of other hosts and the task's own. What the database does not take ends by itself.
    pub async fn close(self) {
        let mut state = self.state.into_inner();
        note_end(&mut state);
        for held in state.held.into_values() {
            if let Some(last) = held.last {
                sleep_until(last + self.pause).await;
            }
            if let Err(error) = self.store.release_host(&held.lease).await {
                tracing::debug!(host = held.lease.host, %error, "the lease was not given back; it ends by itself");
            }
        }
    }

    /// Gives the leases of other hosts back whose pause is over, so that nobody waits for them longer than needed.
    pub async fn leave_others(&self) {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        let own = state.own.clone();
        let done: Vec<Arc<str>> = state
            .held
            .iter()
            .filter(|(host, held)| **host != own && held.last.is_none_or(|last| last + self.pause <= now))
            .map(|(host, _)| host.clone())
            .collect();
        for host in done {
            if let Some(held) = state.held.remove(&host)
                && let Err(error) = self.store.release_host(&held.lease).await
            {
                tracing::debug!(host = held.lease.host, %error, "the lease was not given back; it ends by itself");
            }
        }
    }
}

/// A host as the HTTP client names it: stores may hold one with brackets or a final dot.
fn canonical(host: &str) -> String {
    let url = Url::parse(&format!("http://{host}/"));
    url.ok().as_ref().and_then(host_of).unwrap_or_else(|| host.to_owned())
}

fn note_end(state: &mut State) {
    if let Some(host) = state.busy.take()
        && let Some(held) = state.held.get_mut(&host)
    {
        held.last = Some(Instant::now());
    }
}

fn millis(pause: i64) -> Duration {
    Duration::from_millis(u64::try_from(pause).unwrap_or_default())
}

fn failed(host: &str, error: &StoreError) -> GateError {
    GateError::Failed { host: host.to_owned(), message: error.to_string() }
}

impl HostGate for LeaseGate {
    async fn enter(&self, host: &str) -> Result<(), GateError> {
        let mut state = self.state.lock().await;
        note_end(&mut state);
        if state.held.contains_key(host) {
            return Ok(());
        }
        let patience = Instant::now() + ENTER_PATIENCE;
        loop {
            let since = Instant::now();
            let taken = self.store.acquire_host(host, self.owner, self.lease).await;
            if let Some(lease) = taken.map_err(|error| failed(host, &error))? {
                state.held.insert(host.into(), Held { lease, since, confirmed: Confirmed::now(), last: None });
                return Ok(());
            }
            if Instant::now() >= patience {
                return Err(GateError::Busy { host: host.to_owned(), retry_in: None });
            }
            sleep(ENTER_RETRY).await;
        }
    }

    async fn may_send(&self, host: &str) -> Result<(), GateError> {
        let mut state = self.state.lock().await;
        note_end(&mut state);
        let lost = || GateError::Lost { host: host.to_owned() };
        let held = state.held.get_mut(host).ok_or_else(lost)?;
        if let Some(last) = held.last {
            sleep_until(last + self.pause).await;
        }
        let now = Instant::now();
        let ends_soon = now + self.request >= held.since + self.lease;
        if ends_soon || held.confirmed.is_stale() {
            let alive = match ends_soon {
                true => self.store.renew_host_lease(&mut held.lease, self.lease).await.map(|()| true),
                false => self.store.lease_alive(&held.lease).await,
            };
            match alive {
                Ok(true) if ends_soon => (held.since, held.confirmed) = (now, Confirmed::now()),
                Ok(true) => held.confirmed = Confirmed::now(),
                Ok(false) | Err(StoreError::LeaseLost(_)) => {
                    state.held.remove(host);
                    return Err(lost());
                }
                Err(error) => return Err(failed(host, &error)),
            }
        }
        state.busy = Some(host.into());
        Ok(())
    }
}
