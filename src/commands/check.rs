//! `carewire check`: what is wrong with a feed, for its owner.

use std::{process::ExitCode, time::Duration};

use anyhow::{Result, anyhow};
use carewire_feeds::lint::{Finding, Severity};
use carewire_fetch::{Client, GateError};
use carewire_visit::{Check, LeaseGate, PauseGate, check};
use jiff::Timestamp;
use url::Url;

use super::{answer, bytes_of, open_store};
use crate::{config::Config, engine::STORE_FILE};

/// How long a check waits for the host's lease: a poll under way ends sooner.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends with 1 where there is a finding of severity error.
pub async fn run(config: &Config, source: &str, json: bool) -> Result<ExitCode> {
    let found = match Url::parse(source) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => visited(config, &url).await?,
        _ => {
            let bytes = bytes_of(source)?;
            let parsed = carewire_feeds::parse(&bytes, &carewire_feeds::Context::default());
            Check::of_document(&parsed, Timestamp::now())
        }
    };
    answer(json, &found, || describe(&found, source))?;
    Ok(if found.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Under the host's lease where this machine has a network; the pause between requests is kept in any case.
async fn visited(config: &Config, url: &Url) -> Result<Check> {
    let client = Client::new(&config.fetch)?;
    let explained = |error: GateError| match error {
        GateError::Failed { .. } => anyhow!(error),
        _ => anyhow!("{error}: the network is asking this host, or the host wants to be left alone; try again later"),
    };
    if config.database.is_none() && !config.in_data(STORE_FILE).exists() {
        let gate = PauseGate::new(config.fetch.min_host_pause);
        return check(&client, &gate, url).await.map_err(explained);
    }
    let store = open_store(config).await?;
    let gate = LeaseGate::take(store, url, &config.fetch, PATIENCE).await.map_err(explained)?;
    let found = check(&client, &gate, url).await;
    gate.ended().await;
    gate.close().await;
    found.map_err(explained)
}

/// The findings for people.
fn describe(check: &Check, source: &str) -> String {
    let mut out = source.to_owned();
    if let Some(answered) = check.answered.as_ref().filter(|answered| answered.as_str() != source) {
        out.push_str(&format!("\nanswered by {answered}"));
    }
    match &check.feed {
        Some(feed) => {
            let title = feed.title.as_deref().unwrap_or("(no title)");
            let newest =
                feed.newest.map_or_else(String::new, |newest| format!(", the newest of {}", newest.strftime("%F")));
            let entries = if feed.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", feed.entries) };
            out.push_str(&format!("\n{} in {} · {title} · {entries}{newest}", feed.format, feed.encoding));
        }
        None => out.push_str("\nno feed"),
    }
    for feed in &check.advertised {
        out.push_str(&format!(
            "\nadvertised: {}{}",
            feed.url,
            feed.title.as_ref().map(|t| format!(" · {t}")).unwrap_or_default()
        ));
    }
    for finding in &check.findings {
        out.push_str(&format!("\n\n{}", paragraph(finding)));
    }
    let count = |severity, one: &str| match check.count(severity) {
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    };
    out.push_str(&format!(
        "\n\n{}, {}, {}",
        count(Severity::Error, "error"),
        count(Severity::Warning, "warning"),
        count(Severity::Note, "note")
    ));
    out
}

fn paragraph(finding: &Finding) -> String {
    let rule = finding.rule;
    let times = if finding.count > 1 { format!(" ({} times)", finding.count) } else { String::new() };
    let mut out = format!("{:<8} {}: {}{times}", rule.severity.name(), rule.code, rule.title);
    let mut line = |head: &str, text: &str| out.push_str(&format!("\n         {head}{text}"));
    line("found    ", &finding.detail);
    if !finding.places.is_empty() {
        let more = if finding.count as usize > finding.places.len() { ", …" } else { "" };
        line("where    ", &format!("{}{more}", finding.places.join(", ")));
    }
    line("means    ", rule.effect);
    line("mend     ", rule.mend);
    line("see      ", &format!("{} · {}", rule.spec, rule.link));
    out
}
