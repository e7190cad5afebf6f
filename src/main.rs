//! The Carewire binary: reads the command line and hands over to [`commands`].

mod cli;
mod commands;
mod config;
mod csv;
mod demo;
mod engine;
mod logging;
mod mail;
mod operation;

use std::process::ExitCode;

/// glibc's allocator keeps what threads freed (one arena each) and costs a tenth of the pipeline's time.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    logging::start(cli.log);
    // One TLS implementation for everything that speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("carewire: the runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("carewire: {error:#}");
            ExitCode::FAILURE
        }
    }
}
