//! The commands: one file for each group, and what they share.

mod accounts;
mod backup;
mod check;
mod dead_letters;
mod explain;
mod export;
mod feed_report;
mod feeds;
mod import;
mod organizations;
mod ownership;
mod preview;
mod read;
mod rerun;
mod retractions;
mod sites;

pub use feeds::new_feed;

use std::{
    io::{Read, Write},
    process::ExitCode,
};

use anyhow::{Context, Result};
use carewire_store::{AuditEntry, Store};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Cli, Command, ListenArgs},
    config::Config,
    demo,
    engine::{self, Parts, Stages},
};

/// Runs what the command line says.
///
/// # Errors
/// When it fails; the text is for the person at the terminal.
pub async fn run(cli: Cli) -> Result<ExitCode> {
    let json_log = cli.log == crate::cli::LogFormat::Json;
    let load = || -> Result<Config> {
        let config = Config::load(&cli.overrides)?;
        config.conditions.install()?;
        Ok(config)
    };
    match cli.command {
        Command::Demo(args) => return demo::run(args, &cli.overrides).await,
        Command::Up(args) => stages(load()?, Stages::ALL, &args, json_log).await?,
        Command::Ingest(args) => stages(load()?, Stages::INGEST, &args, json_log).await?,
        Command::Process(args) => stages(load()?, Stages::PROCESS, &args, json_log).await?,
        Command::Publish(args) => stages(load()?, Stages::PUBLISH, &args, json_log).await?,
        Command::Serve(args) => stages(load()?, Stages::SERVE, &args, json_log).await?,
        Command::Org(command) => organizations::run(load()?, command).await?,
        Command::Feed(command) => feeds::run(load()?, command).await?,
        Command::Export(command) => export::run(load()?, command).await?,
        Command::Import(command) => import::run(load()?, command).await?,
        Command::Token(command) => accounts::token(load()?, command).await?,
        Command::User(command) => accounts::user(load()?, command).await?,
        Command::Explain { item, json } => explain::run(load()?, item, json).await?,
        Command::Reclassify { dry_run: true, json, .. } => rerun::preview(load()?, json).await?,
        Command::Reclassify { rate, json, .. } => rerun::reclassify(load()?, rate, json).await?,
        Command::Replay { since, rate, json } => rerun::replay(load()?, since, rate, json).await?,
        Command::DeadLetters(command) => dead_letters::run(load()?, command).await?,
        Command::Retractions(command) => retractions::run(load()?, command).await?,
        Command::Config => print!("{}", load()?.to_toml()?),
        Command::Backup { to, json } => backup::backup(load()?, &to, json).await?,
        Command::Restore { from, json } => backup::restore(&load()?, &from, json).await?,
        Command::Parse { source, json } => return read::parse(&load()?, &source, json).await,
        Command::Check { source, json } => return check::run(&load()?, &source, json).await,
        Command::Tag { source, json: _ } => {
            load()?;
            return read::tag(&source);
        }
        Command::Cluster { source, json: _ } => return read::cluster(&source),
    }
    Ok(ExitCode::SUCCESS)
}

async fn stages(config: Config, stages: Stages, args: &ListenArgs, json_log: bool) -> Result<()> {
    let listener = engine::listen(args.listen.or(config.listen).unwrap_or(stages.default_listen())).await?;
    let address = listener.local_addr()?;
    engine::warn_about_public_url(&config, address);
    let stop = CancellationToken::new();
    engine::stop_on_signals(&stop)?;
    let people = stages == Stages::ALL && !json_log;
    tracing::info!(%address, "listening");
    engine::run(config, stages, listener, stop, async |parts: &Parts| {
        if people {
            welcome(parts, address).await;
        }
    })
    .await
}

/// What `up` says to whoever started it.
async fn welcome(parts: &Parts, address: std::net::SocketAddr) {
    println!("Carewire listens on {}", parts.config.base_url(address));
    if parts.config.database.is_none() {
        println!("Everything is kept in {}", parts.config.data.display());
    }
    let none = parts.store.organizations(None, 1, None).await.is_ok_and(|known| known.is_empty());
    if none {
        let data = match (&parts.config.database, &parts.config.data) {
            (Some(_), _) => String::new(),
            (None, data) if *data == Config::default().data => String::new(),
            (None, data) => format!(" --data {}", data.display()),
        };
        println!(
            "\nThere is no organization yet. In another terminal:\n\
             \x20 carewire{data} org add \"Heart Centre\" --site https://heart.example --accept\n\
             \x20 carewire{data} feed add heart-centre https://heart.example/feed.xml --vouch\n\
             or bring a list: carewire{data} import opml FILE --trusted\n\
             For the API: carewire{data} token create laptop --role operator\n"
        );
    }
    if parts.config.mail.smtp.is_none() {
        println!("No mail server is configured: what would be mailed is shown in the log.");
    }
    println!("Ctrl-C ends it; what was accepted is kept.");
}

/// The store alone, for commands that work beside a running network.
async fn open_store(config: &Config) -> Result<Store> {
    engine::open_store(config).await
}

/// Notes in the audit log what the operator did at the command line.
async fn note(store: &Store, action: &str, subject: String, detail: &str) -> Result<()> {
    let (actor, action, detail) = ("command line".to_owned(), action.to_owned(), detail.to_owned());
    Ok(store.audit(AuditEntry { actor, action, subject, detail }).await?)
}

/// Prints `value` as JSON where that was asked for, else `text`.
fn answer<T: Serialize>(json: bool, value: &T, text: impl FnOnce() -> String) -> Result<()> {
    print(&if json { serde_json::to_string_pretty(value)? } else { text() })
}

/// Prints a text with a line end.
fn print(text: &str) -> Result<()> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        // The reader of our pipe has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// The bytes of a file, or of standard input for `-`.
fn bytes_of(source: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if source == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes).context("standard input cannot be read")?;
    } else {
        bytes = std::fs::read(source).with_context(|| format!("{source} cannot be read"))?;
    }
    Ok(bytes)
}
