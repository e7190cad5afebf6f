//! Proofs that are due: asked for, or to be looked at again.

use std::time::Duration;

use carewire_bus::{Health, stage::BackOff};
use carewire_fetch::Client;
use carewire_ownership::Way;
use carewire_store::{Ownership, OwnershipOutcome, OwnershipState, Store, StoreError};
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Checker, OwnershipConfig, Resolver};
use crate::{errand::Errands, metrics, schedule};

/// What checking needs.
pub struct Owners {
    /// Proofs, feeds, hosts.
    pub store: Store,
    /// The guarded HTTP client.
    pub client: Client,
    /// How proofs are kept.
    pub config: OwnershipConfig,
    /// Where the task says how it is.
    pub health: Health,
}

/// Feeds checked at the same time.
const AT_ONCE: usize = 4;
/// Places of one feed, each a request with its wait.
const PLACES: u32 = 8;
/// A busy host is waited for so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// What other processes asked for is noticed by then.
const LOOK: Duration = Duration::from_secs(5);
/// Who is named in the audit log.
const ACTOR: &str = "ownership check";

/// Checks what is due until `stop`. Several workers share it.
///
/// # Errors
/// When the configuration is impossible. Trouble that passes is waited out and said in `health`.
pub async fn run(deps: Owners, stop: CancellationToken) -> anyhow::Result<()> {
    deps.config.check()?;
    let errands = Errands::new(deps.store.clone(), deps.client, PATIENCE);
    let checker = Checker { errands, resolver: Resolver::new(deps.config.dns) };
    let mut activity = deps.store.activity();
    let mut wait = BackOff::default();
    while !stop.is_cancelled() {
        activity.mark_unchanged();
        match round(&deps.store, &checker, &deps.config).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => {
                deps.health.waits(error.to_string());
                wait.stopped(&stop).await;
                continue;
            }
        }
        deps.health.well();
        wait = BackOff::default();
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = activity.changed() => tokio::time::sleep(schedule::BREATH).await,
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

/// Checks some feeds; answers how many.
async fn round(store: &Store, checker: &Checker, config: &OwnershipConfig) -> Result<usize, StoreError> {
    if store.ownership_due().await?.is_none() {
        return Ok(0);
    }
    store.moved_ownership().await?;
    if store.ownership_due().await?.is_none_or(|due| due > Timestamp::now()) {
        return Ok(0);
    }
    let due = store.claim_ownership(AT_ONCE, checker.errands.longest() * PLACES).await?;
    let count = due.len();
    let mut tasks = JoinSet::new();
    for one in due {
        let (store, checker, config) = (store.clone(), checker.clone(), config.clone());
        tasks.spawn(async move { check(&store, &checker, &config, &one).await });
    }
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(ended) => ended?,
            Err(error) => tracing::error!(%error, "a check of ownership ended abnormally; it comes again"),
        }
    }
    Ok(count)
}

async fn check(store: &Store, checker: &Checker, config: &OwnershipConfig, one: &Ownership) -> Result<(), StoreError> {
    let Some(feed) = store.feed(one.feed).await? else { return Ok(()) };
    let token = store.ownership_token(feed.organization).await?;
    let organization = store.organization(feed.organization).await?;
    let site = organization.and_then(|organization| Url::parse(&organization.site?).ok());
    // A curator's look stands on the link from the home page.
    let before =
        one.way.as_deref().and_then(Way::named).map(|way| if way == Way::Curator { Way::LinkBack } else { way });
    let (outcome, findings) = match before {
        // Proven by mail: nothing to look at, it holds its time.
        Some(Way::Mail) => checker.check(&feed, site.as_ref(), &token, None).await,
        before => checker.check(&feed, site.as_ref(), &token, before).await,
    };
    let name = match outcome {
        OwnershipOutcome::Proven { .. } => "proven",
        OwnershipOutcome::Linked { .. } => "linked",
        OwnershipOutcome::Nothing => "nothing",
        OwnershipOutcome::Unreachable => "unreachable",
    };
    metrics::OWNERSHIP_CHECKS.with_label_values(&[name]).inc();
    let state = store.ownership_checked(feed.id, &outcome, &findings, config.times(), ACTOR).await?;
    if state == OwnershipState::Lost && one.state == OwnershipState::Proven {
        metrics::OWNERSHIP_LOST.inc();
        tracing::warn!(feed = %feed.id, url = feed.url, "the proof of ownership is not there any more");
    }
    if one.state == OwnershipState::Lost && state == OwnershipState::Failed {
        tracing::warn!(feed = %feed.id, url = feed.url, "the proof of ownership did not come back; the feed counts as unproven");
    }
    Ok(())
}
