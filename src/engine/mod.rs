//! The one place where the parts are put together: store, bus, client and stages, for one process.
//!
//! `up` runs all stages in one process; `ingest`, `process`, `publish` and `serve` run them apart, many of each.

mod parts;
mod run;
mod server;
mod stall;

pub use parts::{BUS_FILE, GROUPS_WITH_EFFECTS, Parts, STORE_FILE, open_bus, open_store};
pub use run::{Stages, run};

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// Listens on `address`.
///
/// # Errors
/// When the address is taken or not ours; the text says what to do.
pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} cannot be listened on; choose another with --listen ADDRESS"))
}

/// Links would be wrong for everybody else when we are reached from outside under an unknown address.
pub fn warn_about_public_url(config: &Config, listening: SocketAddr) {
    if config.public_url.is_none() && !listening.ip().is_loopback() {
        tracing::warn!(
            %listening,
            "public_url is not set: links, ids and hub topics would name the listening address; set it to the address under which this network is reached"
        );
    }
}

/// SIGINT and SIGTERM cancel `stop`; a second one ends the process at once.
///
/// # Errors
/// When the handlers cannot be put in place.
pub fn stop_on_signals(stop: &CancellationToken) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = stop.clone();
    tokio::spawn(async move {
        for round in 0.. {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if round > 0 {
                tracing::warn!("ended at once by a second signal");
                std::process::exit(130);
            }
            tracing::info!("stopping: what is in hand is finished first");
            stop.cancel();
        }
    });
    Ok(())
}
