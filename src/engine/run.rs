//! Running stages side by side until they are to stop.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use carewire_conditions::Vocabulary;
use carewire_fetch::Client;
use carewire_ingest::{
    Ingest,
    ownership::{self, Owners},
    websub::{self, WebSub},
    youtube::Youtube,
};
use carewire_portal::PortalState;
use carewire_process::{GroupDeps, TagDeps};
use carewire_publish::{
    feeds::FeedsState,
    hub,
    push::{self, Push},
    streams::{self, Streams},
};
use carewire_query::SearchIndex;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Parts, server};
use crate::{config::Config, mail, operation::Readiness};

/// Which stages a process runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stages {
    ingest: bool,
    process: bool,
    publish: bool,
    serve: bool,
}

impl Stages {
    const NONE: Self = Self { ingest: false, process: false, publish: false, serve: false };
    /// Everything in one process.
    pub const ALL: Self = Self { ingest: true, process: true, publish: true, serve: true };
    /// Polling.
    pub const INGEST: Self = Self { ingest: true, ..Self::NONE };
    /// Tagging and grouping.
    pub const PROCESS: Self = Self { process: true, ..Self::NONE };
    /// Database, change log and relays.
    pub const PUBLISH: Self = Self { publish: true, ..Self::NONE };
    /// API, pages and feeds.
    pub const SERVE: Self = Self { serve: true, ..Self::NONE };

    /// Where a process with these stages listens when nobody says otherwise.
    #[must_use]
    pub fn default_listen(self) -> SocketAddr {
        let port = match self {
            Self::INGEST => 8081,
            Self::PROCESS => 8082,
            Self::PUBLISH => 8083,
            _ => 8080,
        };
        ([127, 0, 0, 1], port).into()
    }
}

/// After a stop signal, this long for what is in hand.
const DRAIN: Duration = Duration::from_secs(20);

/// Runs `stages` until `stop`. `/healthz`, `/readyz` and `/metrics` answer from the first moment; `opened` is called when
/// database and bus are open.
///
/// # Errors
/// When a stage cannot go on; the others are stopped first.
pub async fn run(
    config: Config,
    stages: Stages,
    listener: TcpListener,
    stop: CancellationToken,
    opened: impl AsyncFnOnce(&Parts),
) -> Result<()> {
    let address = listener.local_addr()?;
    let readiness = Readiness::default();
    let server = tokio::spawn(server::serve(listener, readiness.clone(), stop.clone()));
    let outcome = run_stages(config, stages, address, &readiness, &stop, opened).await;
    stop.cancel();
    if let Err(error) = server.await? {
        tracing::warn!(%error, "the server did not end well");
    }
    outcome
}

async fn run_stages(
    config: Config,
    stages: Stages,
    address: SocketAddr,
    readiness: &Readiness,
    stop: &CancellationToken,
    opened: impl AsyncFnOnce(&Parts),
) -> Result<()> {
    let store_health = readiness.stage("database");
    let Some(parts) = Parts::open(config, stop, &store_health).await? else { return Ok(()) };
    readiness.opened(&parts.store);
    opened(&parts).await;
    let mut tasks: JoinSet<Result<&'static str>> = JoinSet::new();
    if stages.serve {
        serve(&parts, address, readiness, stop, &mut tasks).await?;
    } else {
        readiness.serve(axum::Router::new());
    }
    let bus_health = readiness.stage("bus");
    if (stages.ingest || stages.process || stages.publish) && !parts.topics(stop, &bus_health).await? {
        return drain(tasks).await;
    }
    bus_health.well();
    if stages.ingest || stages.process || stages.publish {
        readiness.needs(&parts.bus);
    }
    if stages.publish {
        publish(&parts, address, readiness, stop, &mut tasks)?;
    }
    if stages.process {
        process(&parts, readiness, stop, &mut tasks);
    }
    if stages.ingest {
        ingest(&parts, readiness, stop, &mut tasks)?;
    }
    tokio::select! {
        () = stop.cancelled() => {}
        Some(ended) = tasks.join_next() => {
            if !stop.is_cancelled() {
                stop.cancel();
                let ended = ended.map_err(anyhow::Error::from).and_then(|ended| ended);
                drain(tasks).await?;
                return Err(match ended {
                    Ok(name) => anyhow!("stage {name} ended by itself"),
                    Err(error) => error,
                });
            }
        }
    }
    drain(tasks).await
}

async fn drain(mut tasks: JoinSet<Result<&'static str>>) -> Result<()> {
    let all = async {
        let mut first = Ok(());
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended.map_err(anyhow::Error::from).and_then(|ended| ended)
                && first.is_ok()
            {
                first = Err(error);
            }
        }
        first
    };
    match tokio::time::timeout(DRAIN, all).await {
        Ok(first) => first,
        Err(_) => {
            tracing::warn!("not everything ended within {DRAIN:?}; what was not acknowledged comes again");
            Ok(())
        }
    }
}

async fn serve(
    parts: &Parts,
    address: SocketAddr,
    readiness: &Readiness,
    stop: &CancellationToken,
    tasks: &mut JoinSet<Result<&'static str>>,
) -> Result<()> {
    let index =
        Arc::new(SearchIndex::open(Some(&parts.config.in_data("index"))).context("the search index cannot be opened")?);
    let public_url = parts.config.base_url(address);
    let vocabulary = Vocabulary::bundled();
    let feeds = carewire_publish::feeds::router(FeedsState::new(
        parts.store.clone(),
        index.clone(),
        vocabulary,
        public_url.clone(),
    ));
    let portal = carewire_portal::router(
        PortalState::new(
            parts.store.clone(),
            Client::new(&parts.config.fetch)?,
            index.clone(),
            vocabulary,
            &public_url,
            parts.config.trusted_proxies.clone(),
            "Carewire",
        )
        .with_ownership(parts.config.ownership.times()),
    );
    let counted = axum::middleware::from_fn(carewire_portal::metrics::layer);
    let proxies = parts.config.trusted_proxies.clone();
    let streams = Streams::new(
        parts.store.clone(),
        index.clone(),
        vocabulary,
        parts.config.streams.clone(),
        move |peer| proxies.iter().any(|proxy| proxy.contains(peer)),
        stop.clone(),
    );
    let hub = hub::router(parts.store.clone(), vocabulary, base(&public_url), parts.config.hub.clone());
    let callbacks = websub::router(parts.store.clone(), parts.config.websub.clone());
    let served = portal.merge(feeds).merge(callbacks).merge(streams::router(streams.clone())).merge(hub);
    readiness.serve(served.layer(counted));
    let health = readiness.stage("streams");
    tasks.spawn(async move {
        streams.run(&health).await;
        Ok("streams")
    });
    let health = readiness.stage("search");
    let (store, stop) = (parts.store.clone(), stop.clone());
    tasks.spawn(async move {
        health.well();
        index.follow(&store, vocabulary, &stop).await.context("stage search")?;
        Ok("search")
    });
    Ok(())
}

/// An address with a slash at its end.
fn base(url: &url::Url) -> String {
    let mut base = url.to_string();
    if !base.ends_with('/') {
        base.push('/');
    }
    base
}

fn publish(
    parts: &Parts,
    address: SocketAddr,
    readiness: &Readiness,
    stop: &CancellationToken,
    tasks: &mut JoinSet<Result<&'static str>>,
) -> Result<()> {
    let (health, p, token) = (readiness.stage("sink"), parts.clone(), stop.clone());
    tasks.spawn(async move {
        carewire_publish::sink::run(&p.bus, &p.store, Vocabulary::bundled(), &health, &token)
            .await
            .context("stage sink")?;
        Ok("sink")
    });
    let (health, p, token) = (readiness.stage("relay"), parts.clone(), stop.clone());
    tasks.spawn(async move {
        carewire_publish::relay::run(&p.bus, &p.store, &health, &token).await.context("stage relay")?;
        Ok("relay")
    });
    let (p, token) = (parts.clone(), stop.clone());
    tasks.spawn(async move {
        mail::run(&p.config, &p.store, &token).await.context("mail")?;
        Ok("mail")
    });
    let deliveries = Push {
        store: parts.store.clone(),
        client: push::client(&parts.config.fetch, &parts.config.push)?,
        vocabulary: Vocabulary::bundled(),
        base: base(&parts.config.base_url(address)).into(),
        config: Arc::new(parts.config.push.clone()),
    };
    let (health, token) = (readiness.stage("push"), stop.clone());
    tasks.spawn(async move {
        deliveries.run(&health, &token).await.context("stage push")?;
        Ok("push")
    });
    Ok(())
}

fn process(parts: &Parts, readiness: &Readiness, stop: &CancellationToken, tasks: &mut JoinSet<Result<&'static str>>) {
    let (health, bus, token) = (readiness.stage("tag"), parts.bus.clone(), stop.clone());
    tasks.spawn(async move {
        carewire_process::run_tag(TagDeps { bus, threads: 0, health }, token).await.context("stage tag")?;
        Ok("tag")
    });
    let (health, p, token) = (readiness.stage("group"), parts.clone(), stop.clone());
    tasks.spawn(async move {
        carewire_process::run_group(GroupDeps { bus: p.bus, store: p.store, health }, token)
            .await
            .context("stage group")?;
        Ok("group")
    });
}

fn ingest(
    parts: &Parts,
    readiness: &Readiness,
    stop: &CancellationToken,
    tasks: &mut JoinSet<Result<&'static str>>,
) -> Result<()> {
    let health = readiness.stage("ingest");
    let client = Client::new(&parts.config.fetch)?;
    let deps = Ingest {
        store: parts.store.clone(),
        bus: parts.bus.clone(),
        client: client.clone(),
        config: parts.config.ingest.clone(),
        health,
    };
    let owners = Owners {
        store: parts.store.clone(),
        client: client.clone(),
        config: parts.config.ownership.clone(),
        health: readiness.stage("ownership"),
    };
    let token = stop.clone();
    tasks.spawn(async move {
        ownership::run(owners, token).await.context("stage ownership")?;
        Ok("ownership")
    });
    let youtube = Youtube {
        store: parts.store.clone(),
        bus: parts.bus.clone(),
        client: client.clone(),
        config: parts.config.youtube.clone(),
        health: readiness.stage("youtube"),
    };
    let token = stop.clone();
    tasks.spawn(async move {
        youtube.run(token).await.context("stage youtube")?;
        Ok("youtube")
    });
    let subscriber = WebSub {
        store: parts.store.clone(),
        client,
        config: parts.config.websub.clone(),
        public_url: parts.config.public_url.clone(),
        health: readiness.stage("websub"),
    };
    let token = stop.clone();
    tasks.spawn(async move {
        websub::run(subscriber, token).await.context("stage websub")?;
        Ok("websub")
    });
    let token = stop.clone();
    tasks.spawn(async move {
        carewire_ingest::run(deps, token).await.context("stage ingest")?;
        Ok("ingest")
    });
    Ok(())
}
