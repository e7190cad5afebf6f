//! The HTTP server: one listener, limits on slow clients, an end that lets answers in hand finish.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use axum::{Router, extract::ConnectInfo};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::stall::Stalled;
use crate::operation::{self, Readiness};

/// A client must have sent its request's head by then (slow-header attacks).
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// A client that takes nothing of its answer for so long is cut: a stream's goes on elsewhere with `Last-Event-ID`.
const STALL: Duration = Duration::from_secs(30);
/// Answers in hand when the server stops may take this long.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until `stop`.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, readiness: Readiness, stop: CancellationToken) -> Result<()> {
    let app: Router = operation::router(readiness);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).pipeline_flush(true);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(100);
    let graceful = GracefulShutdown::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or the peer gave up: neither is a reason to stop serving others.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let _ = stream.set_nodelay(true);
        let app = app.clone();
        let service = tower::service_fn(move |mut request: axum::http::Request<Incoming>| {
            request.extensions_mut().insert::<ConnectInfo<SocketAddr>>(ConnectInfo(peer));
            app.clone().oneshot(request)
        });
        let io = TokioIo::new(Stalled::new(stream, STALL));
        let connection = builder.serve_connection_with_upgrades(io, TowerToHyperService::new(service));
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, error, "connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::info!("some answers were cut off at the end");
    }
    Ok(())
}
