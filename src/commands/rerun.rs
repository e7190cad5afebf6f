//! `carewire reclassify` and `carewire replay`.

use std::{io::IsTerminal, sync::Arc};

use anyhow::{Result, bail};
use carewire_process::{
    Policy,
    rerun::{self, Done, Report, Rerun},
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{answer, open_store};
use crate::{config::Config, engine};

/// Conditions that are listed for people; JSON has all.
const LISTED: usize = 25;

/// Says what `reclassify` would change.
pub async fn preview(config: Config, json: bool) -> Result<()> {
    let policy = Arc::new(Policy::new(config.policy.clone())?);
    let store = open_store(&config).await?;
    let stop = stopping()?;
    let report = rerun::preview(&store, &policy, &stop, tell("looked at")).await?;
    if stop.is_cancelled() {
        bail!("stopped after {} entries", report.entries);
    }
    answer(json, &report, || text(&report))
}

/// Tags all that the store keeps anew.
pub async fn reclassify(config: Config, rate: u32, json: bool) -> Result<()> {
    let rerun = open(&config, rate).await?;
    let done = rerun::reclassify(&rerun, &stopping()?, tell("produced")).await?;
    said(json, &done)
}

/// Tags anew what came since then.
pub async fn replay(config: Config, since: Timestamp, rate: u32, json: bool) -> Result<()> {
    let rerun = open(&config, rate).await?;
    let done = rerun::replay(&rerun, since, &stopping()?, tell("produced")).await?;
    said(json, &done)
}

async fn open(config: &Config, rate: u32) -> Result<Rerun> {
    Ok(Rerun { store: open_store(config).await?, bus: engine::open_bus(config).await?, rate })
}

fn stopping() -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    engine::stop_on_signals(&stop)?;
    Ok(stop)
}

/// Progress for somebody who looks on.
fn tell(what: &'static str) -> impl FnMut(u64) {
    let shown = std::io::stderr().is_terminal();
    let mut told = 0;
    move |entries| {
        if shown && entries >= told + 1000 {
            told = entries;
            eprintln!("{entries} entries {what}");
        }
    }
}

fn said(json: bool, done: &Done) -> Result<()> {
    answer(json, done, || {
        let Done { run, entries, deleted, unreadable, stopped } = done;
        let end = if *stopped { "stopped: what was produced holds, the rest is as before" } else { "done" };
        format!(
            "run {run}: {entries} entries produced to carewire.tagged, {deleted} of them or beside them deleted, {unreadable} not readable\n{end}; `process` takes them in, and curators' decisions stay"
        )
    })
}

fn text(report: &Report) -> String {
    let Report { entries, passed_over, items, changed, by_what, conditions, outcomes } = report;
    let mut text = format!("{entries} entries ({passed_over} passed over), {items} items: {changed} would change");
    for (what, count) in by_what {
        text.push_str(&format!("\n  {what:<12} {count}"));
    }
    for (change, one) in outcomes {
        text.push_str(&format!("\n\n{change}: {}", one.items));
        one.examples.iter().for_each(|example| text.push_str(&format!("\n  {}  {}", example.item, example.title)));
    }
    let mut most: Vec<_> = conditions.iter().collect();
    most.sort_by_key(|(_, change)| std::cmp::Reverse(change.gained + change.lost));
    for (code, change) in most.iter().take(LISTED) {
        text.push_str(&format!("\n\n{} ({code}): +{} −{}", change.name, change.gained, change.lost));
        change.examples.iter().for_each(|example| text.push_str(&format!("\n  {}  {}", example.item, example.title)));
    }
    if most.len() > LISTED {
        text.push_str(&format!("\n\n… and {} more conditions; --json shows all", most.len() - LISTED));
    }
    text.push_str("\n\nnothing was changed; `carewire reclassify` does it, and curators' decisions stay");
    text
}
