//! Counters of outgoing requests, in the default Prometheus registry.

use std::sync::LazyLock;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts};

use crate::{error::FetchError, message::Response};

const VALID: &str = "the metric's name and labels are constants and valid";

fn registered<C: prometheus::core::Collector + Clone + 'static>(collector: C) -> C {
    // A name registered twice would be a mistake of ours; the second one then counts unseen, which is no reason to stop.
    let _ = prometheus::register(Box::new(collector.clone()));
    collector
}

/// Outgoing requests by outcome: a status class (`2xx`), `304`, or the code of the error.
static REQUESTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let help = "Outgoing requests by outcome: a status class (`2xx`), `304`, or the code of the error.";
    let opts = Opts::new("carewire_fetch_requests_total", help);
    registered(IntCounterVec::new(opts, &["outcome"]).expect(VALID))
});

/// Bytes of response bodies as sent.
static WIRE_BYTES: LazyLock<IntCounter> = LazyLock::new(|| {
    let help = "Bytes of response bodies as sent.";
    registered(IntCounter::new("carewire_fetch_wire_bytes_total", help).expect(VALID))
});

/// Bytes of response bodies after their content encodings were undone.
static BODY_BYTES: LazyLock<IntCounter> = LazyLock::new(|| {
    let help = "Bytes of response bodies after their content encodings were undone.";
    registered(IntCounter::new("carewire_fetch_body_bytes_total", help).expect(VALID))
});

/// Response bodies with a problem, by its code.
static BODY_PROBLEMS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let opts = Opts::new("carewire_fetch_body_problems_total", "Response bodies with a problem, by its code.");
    registered(IntCounterVec::new(opts, &["problem"]).expect(VALID))
});

/// Time from sending a request to the end of its response, one hop.
static SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    let help = "Time from sending a request to the end of its response, one hop.";
    let opts = HistogramOpts::new("carewire_fetch_request_seconds", help)
        .buckets(vec![0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]);
    registered(Histogram::with_opts(opts).expect(VALID))
});

/// Counts one exchange.
pub(crate) fn count(result: &Result<Response, FetchError>) {
    let outcome = match result {
        Ok(response) => match response.status {
            304 => "304",
            100..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        },
        Err(error) => error.code(),
    };
    REQUESTS.with_label_values(&[outcome]).inc();
    if let Ok(response) = result {
        WIRE_BYTES.inc_by(response.wire_bytes);
        BODY_BYTES.inc_by(response.body.len() as u64);
        SECONDS.observe(response.elapsed.as_secs_f64());
        for problem in &response.problems {
            BODY_PROBLEMS.with_label_values(&[problem.code()]).inc();
        }
    }
}
