//! Keeping subscriptions: hubs are asked, leases renewed, what nobody wants any more is left, silent hubs are noticed.

use std::time::Duration;

use carewire_bus::{Health, stage::BackOff};
use carewire_fetch::{Client, FetchError, GateError, HeaderValue, Request, Response, host_of, retry_after};
use carewire_store::{Store, StoreError, Subscription, SubscriptionState};
use jiff::Timestamp;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use url::{Url, form_urlencoded};

use super::{WebsubConfig, polled::random_text};
use crate::{errand::Errands, metrics, schedule};

/// What subscribing needs.
pub struct WebSub {
    /// Subscriptions, hosts.
    pub store: Store,
    /// The guarded HTTP client.
    pub client: Client,
    /// How hubs are subscribed to.
    pub config: WebsubConfig,
    /// The address under which hubs reach us; without it nothing is subscribed to.
    pub public_url: Option<Url>,
    /// Where the task says how it is.
    pub health: Health,
}

/// Requests to hubs at the same time; each host has its own lease besides.
const AT_ONCE: usize = 8;
/// A hub that does not verify our leaving so often is left all the same.
const LEAVE_TRIES: i64 = 5;
/// A hub that many feeds share is waited for so long.
const PATIENCE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
/// A hub's host that others use just now is asked a little later.
const BUSY: Duration = Duration::from_secs(30);
const BUSY_NAME: &str = "busy";

/// Keeps subscriptions until `stop`. Several workers share them.
///
/// # Errors
/// When the configuration is impossible. Trouble that passes is waited out and said in `health`.
pub async fn run(deps: WebSub, stop: CancellationToken) -> anyhow::Result<()> {
    deps.config.check()?;
    let Some(base) = deps.public_url.clone().filter(|_| deps.config.enabled) else {
        if deps.config.enabled {
            tracing::info!(
                "public_url is not set: hubs cannot reach this network, so feeds that have one are only polled"
            );
        }
        deps.health.well();
        stop.cancelled().await;
        return Ok(());
    };
    let errands = Errands::new(deps.store.clone(), deps.client.clone(), PATIENCE);
    let subscriber = Subscriber { base, errands, store: deps.store, config: deps.config };
    let mut activity = subscriber.store.activity();
    let mut wait = BackOff::default();
    let mut swept: Option<Instant> = None;
    while !stop.is_cancelled() {
        activity.mark_unchanged();
        let due = swept.is_none_or(|last| last.elapsed() >= subscriber.config.check);
        match subscriber.round(due).await {
            Ok(asked) => {
                deps.health.well();
                wait = BackOff::default();
                if due {
                    swept = Some(Instant::now());
                }
                if asked > 0 {
                    continue;
                }
            }
            Err(error) => {
                deps.health.waits(error.to_string());
                wait.stopped(&stop).await;
                continue;
            }
        }
        let pause = subscriber.pause(swept).await;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = activity.changed() => tokio::time::sleep(schedule::BREATH).await,
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

#[derive(Clone)]
struct Subscriber {
    store: Store,
    errands: Errands,
    config: WebsubConfig,
    base: Url,
}

impl Subscriber {
    /// Looks at what is due; answers how many hubs were asked.
    async fn round(&self, sweep: bool) -> Result<usize, StoreError> {
        if sweep {
            self.store.sweep_subscriptions().await?;
            for silent in self.store.silent_hubs(self.config.silent_after).await? {
                metrics::WEBSUB_SILENT.inc();
                tracing::warn!(feed = %silent.feed, hub = silent.hub, missed = silent.missed, "the hub stayed silent about new entries; the feed is polled as usual");
                self.fall_back(&silent, "it stayed silent about new entries", DAY).await?;
            }
            for (state, count) in self.store.subscription_counts().await? {
                metrics::WEBSUB_SUBSCRIPTIONS.with_label_values(&[state.as_str()]).set(count);
            }
        }
        if self.store.subscriptions_due().await?.is_none_or(|due| due > Timestamp::now()) {
            return Ok(0);
        }
        // Longer than any request may take, the wait for the hub's host included.
        let hold = self.errands.longest();
        let due = self.store.claim_subscriptions(AT_ONCE, hold).await?;
        let count = due.len();
        let mut tasks = JoinSet::new();
        for one in due {
            let this = self.clone();
            tasks.spawn(async move { this.ask(one).await });
        }
        while let Some(ended) = tasks.join_next().await {
            match ended {
                Ok(ended) => ended?,
                Err(error) => tracing::error!(%error, "asking a hub ended abnormally; it is asked again"),
            }
        }
        Ok(count)
    }

    /// How long there is nothing to do, as far as is known.
    async fn pause(&self, swept: Option<Instant>) -> Duration {
        let sweep = swept.map_or(Duration::ZERO, |last| self.config.check.saturating_sub(last.elapsed()));
        let due = match self.store.subscriptions_due().await {
            Ok(Some(due)) => Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default(),
            _ => sweep,
        };
        sweep.min(due).max(schedule::BREATH)
    }

    /// Asks a hub to begin, renew or end a subscription, and notes what it answered.
    async fn ask(&self, one: Subscription) -> Result<(), StoreError> {
        let leaving = one.state == SubscriptionState::Leaving;
        let mode = if leaving { "unsubscribe" } else { "subscribe" };
        // Accepted before, and never verified.
        let unverified = one.state == SubscriptionState::Asked && one.tries > 0 && one.error.is_none();
        if unverified && self.fall_back(&one, "it accepted and did not verify", self.config.retry).await? {
            return Ok(());
        }
        let answer = match self.request(&one, mode) {
            Ok(request) => self.errands.send(request).await,
            Err(error) => Err(error),
        };
        let outcome = self.judge(&one, &answer);
        metrics::WEBSUB_REQUESTS.with_label_values(&[mode, outcome.name]).inc();
        if let Some(error) = outcome.error.as_ref().filter(|_| outcome.name != BUSY_NAME) {
            tracing::info!(feed = %one.feed, hub = one.hub, mode, error, "the hub was asked in vain");
        }
        if let (Some(until), Some(host)) = (outcome.host_until, Url::parse(&one.hub).ok().as_ref().and_then(host_of)) {
            let reason = outcome.error.clone().unwrap_or_default();
            self.store.host_not_before(&host, until, &reason).await?;
        }
        if let Some(error) = &outcome.error
            && one.state == SubscriptionState::Asked
            && outcome.name != BUSY_NAME
            && self.fall_back(&one, error, outcome.wait).await?
        {
            return Ok(());
        }
        let state = match (leaving, outcome.denied) {
            (true, _) if one.tries + 1 >= LEAVE_TRIES => SubscriptionState::Left,
            (true, _) => SubscriptionState::Leaving,
            (false, true) => SubscriptionState::Denied,
            (false, false) => one.state,
        };
        // Where the hub verified meanwhile the row has moved on, and this changes nothing.
        self.store.subscription_asked(&one, state, outcome.error.as_deref(), outcome.wait).await.map(drop)
    }

    /// Turns to the feed's next hub, where it names one; whether it did.
    async fn fall_back(&self, one: &Subscription, why: &str, wait: Duration) -> Result<bool, StoreError> {
        if one.others.is_empty() {
            return Ok(false);
        }
        let next = self.store.fall_back(&one.token, why, (&random_text(), &random_text()), wait).await?;
        if let Some(next) = &next {
            tracing::info!(feed = %one.feed, hub = one.hub, next, why, "the feed's next hub is asked");
        }
        Ok(next.is_some())
    }

    /// Section 5.1: a form by POST.
    fn request(&self, one: &Subscription, mode: &str) -> Result<Request, FetchError> {
        let wrong = |url: &str, reason| FetchError::InvalidUrl { url: url.to_owned(), reason };
        let hub = Url::parse(&one.hub).map_err(|_| wrong(&one.hub, "the hub's address is no URL"))?;
        let path = format!("{}/websub/{}", self.base.path().trim_end_matches('/'), one.token);
        let mut callback = self.base.clone();
        callback.set_path(&path);
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("hub.callback", callback.as_str())
            .append_pair("hub.mode", mode)
            .append_pair("hub.topic", &one.topic)
            // Versions before 0.4 want to know how we are to be verified; others ignore it.
            .append_pair("hub.verify", "async");
        if mode == "subscribe" {
            // Over plain http a listener on the way learns the secret, but the callback's address as well: a signature still keeps
            // out whoever knows only that.
            form.append_pair("hub.secret", &one.secret)
                .append_pair("hub.lease_seconds", &self.config.lease.as_secs().to_string());
        }
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        Ok(Request::post(hub, content_type, form.finish().into()))
    }

    /// What an answer means, and when the hub is asked again if nothing more comes.
    fn judge(&self, one: &Subscription, answer: &Result<Response, FetchError>) -> Outcome {
        let tries = u32::try_from(one.tries).unwrap_or(u32::MAX).min(20);
        let back_off = self.config.retry.saturating_mul(1 << tries).min(DAY).mul_f64(0.75 + 0.5 * fastrand::f64());
        // A renewal that fails is tried again several times before the lease ends.
        let left =
            one.lease_until.map(|end| Duration::try_from(end.duration_since(Timestamp::now())).unwrap_or_default());
        let back_off = match left {
            Some(left) if one.state == SubscriptionState::Active => back_off.min((left / 4).max(self.config.retry)),
            _ => back_off,
        };
        let failed =
            |error: String| Outcome { name: "failed", error: Some(error), wait: back_off, ..Outcome::default() };
        match answer {
            Ok(response) if (200..300).contains(&response.status) => {
                Outcome { name: "accepted", wait: self.config.verify_within.max(back_off), ..Outcome::default() }
            }
            Ok(response) => {
                let text = String::from_utf8_lossy(&response.body);
                let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
                let error = format!("the hub answered {}: {text}", response.status);
                match response.status {
                    // Section 5.2: it will not have it.
                    400 | 401 | 403 | 404 | 405 | 410 | 422 => {
                        Outcome { name: "refused", denied: true, wait: back_off.max(DAY), ..failed(error) }
                    }
                    status => {
                        let now = Timestamp::now();
                        let asked = retry_after(&response.headers, now);
                        let wait = asked.map_or(back_off, |asked| asked.max(back_off));
                        let host_until =
                            asked.filter(|_| matches!(status, 429 | 503)).map(|wait| schedule::after(now, wait));
                        Outcome { wait, host_until, ..failed(error) }
                    }
                }
            }
            Err(FetchError::Gate(GateError::Busy { .. } | GateError::Lost { .. })) => {
                let error = Some("its host was busy".to_owned());
                Outcome { name: BUSY_NAME, error, wait: BUSY.mul_f64(0.5 + fastrand::f64()), ..Outcome::default() }
            }
            Err(error) => failed(format!("{}: {error}", error.code())),
        }
    }
}

/// What came of a request to a hub.
#[derive(Default)]
struct Outcome {
    name: &'static str,
    error: Option<String>,
    denied: bool,
    wait: Duration,
    /// The hub asked to be left alone until then.
    host_until: Option<Timestamp>,
}
