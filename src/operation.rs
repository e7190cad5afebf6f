//! `/healthz`, `/readyz` and `/metrics`: what an operator watches. They answer before anything else works.

use std::{
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use carewire_bus::{Bus, Health};
use carewire_store::Store;
use prometheus::{Encoder, IntGaugeVec, TextEncoder, register_int_gauge_vec};
use serde_json::json;
use tower::ServiceExt;

const DISTINCT: &str = "the metric's name is registered once";

/// Things that the network holds, by kind and state.
static HELD: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    register_int_gauge_vec!(
        "carewire_store_count",
        "What the network holds, by kind (organizations, feeds, items, entries, mail) and state.",
        &["kind", "state"]
    )
    .expect(DISTINCT)
});

/// What is ready in this process, and what it serves once it is. Cheap to clone.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Inner>);

#[derive(Default)]
struct Inner {
    stages: Mutex<Vec<Health>>,
    store: OnceLock<Store>,
    bus: OnceLock<Bus>,
    app: OnceLock<Router>,
}

impl Readiness {
    /// A stage of this process, which is not ready until it says so.
    #[must_use]
    pub fn stage(&self, name: &'static str) -> Health {
        let health = Health::new(name);
        self.0.stages.lock().unwrap_or_else(PoisonError::into_inner).push(health.clone());
        health
    }

    /// The database is open.
    pub fn opened(&self, store: &Store) {
        let _ = self.0.store.set(store.clone());
    }

    /// This process needs the bus: without it, it is not ready, even while its stages have nothing to do.
    pub fn needs(&self, bus: &Bus) {
        let _ = self.0.bus.set(bus.clone());
    }

    /// What is served beside `/healthz`, `/readyz` and `/metrics` from now on.
    pub fn serve(&self, app: Router) {
        let _ = self.0.app.set(app);
    }

    /// What is missing, by stage.
    async fn missing(&self) -> Vec<(&'static str, String)> {
        let mut missing: Vec<(&'static str, String)> = {
            let stages = self.0.stages.lock().unwrap_or_else(PoisonError::into_inner);
            stages.iter().filter_map(|health| health.trouble().map(|trouble| (health.stage(), trouble))).collect()
        };
        if let Some(store) = self.0.store.get() {
            match tokio::time::timeout(Duration::from_secs(2), store.ping()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => missing.push(("database", error.to_string())),
                Err(_) => missing.push(("database", "does not answer within 2 s".to_owned())),
            }
        }
        if let Some(bus) = self.0.bus.get()
            && let Err(error) = bus.ping().await
        {
            missing.push(("bus", error.to_string()));
        }
        if self.0.app.get().is_none() && missing.is_empty() {
            missing.push(("server", "starting".to_owned()));
        }
        missing
    }
}

/// The operation's routes, and behind them whatever is served.
pub fn router(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .fallback(served)
        .with_state(readiness)
}

async fn readyz(State(readiness): State<Readiness>) -> Response {
    let missing = readiness.missing().await;
    if missing.is_empty() {
        return axum::Json(json!({"ready": true})).into_response();
    }
    let missing: Vec<_> = missing.into_iter().map(|(stage, why)| json!({"stage": stage, "why": why})).collect();
    (StatusCode::SERVICE_UNAVAILABLE, axum::Json(json!({"ready": false, "missing": missing}))).into_response()
}

async fn metrics(State(readiness): State<Readiness>) -> Response {
    if let Some(store) = readiness.0.store.get()
        && let Ok(Ok(counts)) = tokio::time::timeout(Duration::from_secs(2), store.counts()).await
    {
        for (state, count) in &counts.organizations {
            HELD.with_label_values(&["organizations", state.as_str()]).set(*count);
        }
        for (state, count) in &counts.feeds {
            HELD.with_label_values(&["feeds", state.as_str()]).set(*count);
        }
        for (state, count) in &counts.items {
            HELD.with_label_values(&["items", state.as_str()]).set(*count);
        }
        HELD.with_label_values(&["entries", "known"]).set(counts.entries);
        HELD.with_label_values(&["mail", "unsent"]).set(counts.unsent_mail);
    }
    let mut text = Vec::new();
    let encoder = TextEncoder::new();
    match encoder.encode(&prometheus::gather(), &mut text) {
        Ok(()) => ([(header::CONTENT_TYPE, encoder.format_type().to_owned())], text).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("metrics cannot be written: {error}\n")).into_response()
        }
    }
}

async fn served(State(readiness): State<Readiness>, request: Request<Body>) -> Response {
    match readiness.0.app.get() {
        Some(app) => match app.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        None => {
            let problem = json!({
                "type": "about:blank",
                "title": "starting",
                "status": 503,
                "detail": "this process has just started and waits for its database; /readyz says what is missing",
            });
            let headers = [(header::CONTENT_TYPE, "application/problem+json"), (header::RETRY_AFTER, "2")];
            (StatusCode::SERVICE_UNAVAILABLE, headers, problem.to_string()).into_response()
        }
    }
}
