//! Logs: to standard error, for people or as JSON lines; `RUST_LOG` filters.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::cli::LogFormat;

/// Starts logging. Standard output stays free for answers.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,rdkafka=error,librdkafka=error,tantivy=warn,sqlx=warn,hyper=warn"));
    let registry = tracing_subscriber::registry().with(filter);
    let stderr = std::io::stderr;
    let started = match format {
        LogFormat::Json => registry.with(fmt::layer().json().flatten_event(true).with_writer(stderr)).try_init(),
        LogFormat::Text => {
            let colour = std::io::stderr().is_terminal();
            registry.with(fmt::layer().with_ansi(colour).with_target(false).with_writer(stderr)).try_init()
        }
    };
    if let Err(error) = started {
        eprintln!("carewire: logging could not be started: {error}");
    }
}
