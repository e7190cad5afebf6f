//! `carewire feed add --preview`.

use std::time::Duration;

use anyhow::{Context, Result};
use carewire_fetch::Client;
use carewire_store::Store;
use carewire_visit::{LeaseGate, Preview, preview};
use url::Url;

use super::answer;
use crate::config::Config;

/// A host that is being polled just now is waited for so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Shows what would be read of an address.
pub async fn show(config: &Config, store: &Store, url: &str, json: bool) -> Result<()> {
    let url = Url::parse(url)?;
    let client = Client::new(&config.fetch)?;
    let gate = LeaseGate::take(store.clone(), &url, &config.fetch, PATIENCE).await?;
    let found = preview(&client, &gate, &url).await;
    gate.ended().await;
    gate.close().await;
    let found = found.with_context(|| format!("{url} cannot be fetched"))?;
    answer(json, &found, || describe(&found))
}

fn describe(found: &Preview) -> String {
    let what = found.format.as_deref().unwrap_or("neither a feed nor a site map");
    let mut out = format!("{}\n{what}, status {}", found.url, found.status);
    if let Some(title) = &found.title {
        out.push_str(&format!(" · {title}"));
    }
    out.push_str(&format!(" · {} of {}; nothing was registered", found.entries.len(), found.of));
    for entry in &found.entries {
        let date = entry.published.map_or_else(|| "no date".to_owned(), |date| date.strftime("%F").to_string());
        let made = if entry.title_made { "  (made from its text)" } else { "" };
        let text = if entry.text { "" } else { "  (no text)" };
        out.push_str(&format!(
            "\n{date:<10}  {}{made}{text}\n{:<10}  {}",
            entry.title.as_deref().unwrap_or("(no title)"),
            "",
            entry.url.as_deref().unwrap_or("-")
        ));
    }
    for one in &found.passed_over {
        out.push_str(&format!("\npassed over {}: {}", one.url, one.reason));
    }
    out
}
