//! `carewire demo`: the embedded network with sample organizations, on this machine only.
//!
//! The network is the real one; only its publishers are inside the command, on loopback ([`publisher`]), with texts of
//! the project's own ([`sample`]). [`narrate`] tells what happens, [`check`] compares what came out with what went in.

mod check;
mod narrate;
mod publisher;
mod sample;

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use carewire_fetch::IpNet;
use carewire_schemas::Slug;
use carewire_store::{NewOrganization, Proof, Standing, Store};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    cli::DemoArgs,
    commands::new_feed,
    config::{Config, Overrides},
    engine::{self, Parts, Stages},
};
use sample::Sample;

/// Runs the demo until Ctrl-C, or for the time asked for.
///
/// # Errors
/// When it cannot be started. Outputs that are not as they should be give an exit code of 1.
pub async fn run(args: DemoArgs, overrides: &Overrides) -> Result<ExitCode> {
    if overrides.data.is_some() || overrides.database.is_some() || overrides.kafka.is_some() {
        bail!(
            "the demo keeps nothing and works in a folder of its own; --data, --database and --kafka are for `carewire up`"
        );
    }
    let sample = Sample::bundled()?;
    // What happens last must have been polled and carried through before the outputs are checked.
    let enough = Duration::from_secs(sample.last_event() + 10);
    if let Some(run_for) = args.run_for
        && run_for < enough
    {
        bail!(
            "--for {}s is too short: the sample's last event comes after {} s; give {} s or more",
            run_for.as_secs(),
            sample.last_event(),
            enough.as_secs()
        );
    }
    let folder = Folder::make()?;
    let config = config(&folder)?;
    let address = args.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
    let listener = match engine::listen(address).await {
        Ok(listener) => listener,
        // The usual port is taken: for a demo any other is as good, unless one was asked for.
        Err(_) if args.listen.is_none() => engine::listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?,
        Err(error) => return Err(error),
    };
    let base = config.base_url(listener.local_addr()?);
    let client_config = config.fetch.clone();
    let stop = CancellationToken::new();
    engine::stop_on_signals(&stop)?;
    let publishers = CancellationToken::new();

    let started = Instant::now();
    let (opened, mut store) = tokio::sync::watch::channel::<Option<Store>>(None);
    let engine = tokio::spawn({
        let (stop, sample, publishers, base, json) =
            (stop.clone(), sample.clone(), publishers.clone(), base.clone(), args.json);
        async move {
            engine::run(config, Stages::ALL, listener, stop.clone(), async |parts: &Parts| {
                match register(parts, &sample, &publishers).await {
                    Ok(()) => {
                        if !json {
                            narrate::welcome(&base, &sample);
                        }
                        opened.send_replace(Some(parts.store.clone()));
                    }
                    Err(error) => {
                        tracing::error!(
                            error = format!("{error:#}"),
                            "the sample organizations could not be registered"
                        );
                        stop.cancel();
                    }
                }
            })
            .await
        }
    });
    let narrator = tokio::spawn({
        let (stop, json) = (stop.clone(), args.json);
        async move {
            let opened = store.wait_for(Option::is_some).await.ok().and_then(|store| store.clone());
            if let Some(store) = opened.filter(|_| !json) {
                narrate::follow(store, started, stop).await;
            }
        }
    });

    let report = match args.run_for {
        Some(run_for) => {
            tokio::select! {
                () = tokio::time::sleep(run_for.saturating_sub(started.elapsed())) => {}
                () = stop.cancelled() => {}
            }
            if stop.is_cancelled() { None } else { Some(check::outputs(&base, &client_config, &sample).await?) }
        }
        None => {
            stop.cancelled().await;
            None
        }
    };
    stop.cancel();
    let ended = engine.await?;
    narrator.await?;
    publishers.cancel();
    drop(folder);
    ended?;
    match report {
        Some(report) => {
            report.print(args.json)?;
            Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        None if args.run_for.is_some() => bail!("ended before its time: nothing was checked"),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// A folder that goes with the demo.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("carewire-demo-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("carewire: {} could not be removed: {error}", self.0.display());
        }
    }
}

/// Defaults, but quick and on loopback: the environment and files of a real network do not touch the demo.
fn config(folder: &Folder) -> Result<Config> {
    let mut config = Config { data: folder.0.clone(), ..Config::default() };
    let loopback: IpNet = "127.0.0.0/8".parse().context("a constant that is a range")?;
    config.fetch.allow = vec![loopback];
    config.fetch.contact = Some("https://carewire.example/demo".to_owned());
    config.fetch.min_host_pause = Duration::from_millis(20);
    config.ingest.default_interval = Duration::from_secs(2);
    config.ingest.min_interval = Duration::from_secs(1);
    config.ingest.max_interval = Duration::from_secs(3);
    Ok(config)
}

async fn register(parts: &Parts, sample: &Sample, publishers: &CancellationToken) -> Result<()> {
    for organization in &sample.organization {
        let published = publisher::organization(organization.clone(), publishers).await?;
        let (standing, proof) =
            if organization.applied { (Standing::Applied, Proof::None) } else { (Standing::Accepted, Proof::Vouched) };
        let made = parts
            .store
            .add_organization(NewOrganization {
                slug: slug(&organization.name)?,
                name: organization.name.clone(),
                site: Some(published.site),
                country: Some(organization.country.clone()),
                kind: Some(organization.kind.clone()),
                standing,
            })
            .await?;
        parts.store.add_feed(new_feed(&parts.config, made.id, &published.feed, proof)?).await?;
    }
    for channel in &sample.channel {
        let published = publisher::channel(channel.clone(), publishers).await?;
        let owner = slug(&channel.organization)?;
        let owner = parts.store.organization_by_slug(owner.as_str()).await?.context("a channel of nobody")?;
        let mut feed = new_feed(&parts.config, owner.id, &published.feed, Proof::Vouched)?;
        feed.kind = carewire_store::FeedKind::YoutubeChannel;
        parts.store.add_feed(feed).await?;
    }
    Ok(())
}

fn slug(name: &str) -> Result<Slug> {
    Slug::from_name(name).with_context(|| format!("no short name can be made of `{name}`"))
}

/// An address of the running demo.
fn address(base: &Url, path: &str) -> String {
    base.join(path).map_or_else(|_| path.to_owned(), |url| url.to_string())
}
