//! Metrics of HTTP, and the layer that takes them. The binary wraps the whole of its router with [`layer`], so that
//! feeds, hub and operation are counted as well as pages and API.

use std::{sync::LazyLock, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::StatusCode,
    middleware::Next,
    response::Response,
};
use prometheus::{HistogramVec, IntCounterVec, IntGauge, histogram_opts, opts};

/// Registers a metric; one that cannot be registered (its name is taken) still counts, unseen.
fn registered<M: prometheus::core::Collector + Clone + 'static>(metric: M) -> M {
    if let Err(error) = prometheus::register(Box::new(metric.clone())) {
        tracing::error!(%error, "metric not registered");
    }
    metric
}

/// Requests answered, by method, route pattern and class of status (`2xx` …).
pub static REQUESTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let options = opts!(
        "carewire_http_requests_total",
        "Requests answered, by method, route pattern and class of status (2xx …)."
    );
    registered(IntCounterVec::new(options, &["method", "route", "status"]).expect("fixed names are valid"))
});

/// Seconds from a request's head to its answer's head, by route pattern.
pub static SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    let options = histogram_opts!(
        "carewire_http_request_duration_seconds",
        "Seconds from a request's head to its answer's head, by route pattern.",
        vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]
    );
    registered(HistogramVec::new(options, &["route"]).expect("fixed names are valid"))
});

/// Requests being answered now.
pub static IN_FLIGHT: LazyLock<IntGauge> = LazyLock::new(|| {
    registered(
        IntGauge::new("carewire_http_requests_in_flight_count", "Requests being answered now.")
            .expect("fixed names are valid"),
    )
});

/// Takes the metrics of one request. Use it with [`axum::Router::layer`], where the route pattern is known:
/// `router.layer(axum::middleware::from_fn(metrics::layer))`. Requests without a route count as `none`.
pub async fn layer(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = method_name(request.method());
    let start = Instant::now();
    let guard = InFlight::new();
    let response = next.run(request).await;
    drop(guard);
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    REQUESTS.with_label_values(&[method, route, class(response.status())]).inc();
    SECONDS.with_label_values(&[route]).observe(start.elapsed().as_secs_f64());
    response
}

/// Counts down also when the client goes away and the request's future is dropped.
struct InFlight;

impl InFlight {
    fn new() -> Self {
        IN_FLIGHT.inc();
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        IN_FLIGHT.dec();
    }
}

/// A method is what a client writes; only known ones become label values.
fn method_name(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}
