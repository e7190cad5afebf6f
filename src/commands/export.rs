//! `carewire export opml`: the registered feeds as a list that readers and other networks take in.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result};
use carewire_feeds::opml::{self, Subscription};
use carewire_store::FeedState;

use super::{feeds, open_store, organizations, print};
use crate::{cli::ExportCommand, config::Config};

/// Writes the list to a file or to standard output.
pub async fn run(config: Config, command: ExportCommand) -> Result<()> {
    let ExportCommand::Opml { org, to } = command;
    let store = open_store(&config).await?;
    let only = match &org {
        Some(slug) => Some(organizations::by_slug(&store, slug).await?.id),
        None => None,
    };
    let names: HashMap<_, _> =
        organizations::all(&store).await?.into_iter().map(|found| (found.id, found.name)).collect();
    let mut list: Vec<Subscription> = feeds::all(&store, only)
        .await?
        .into_iter()
        // What has ended is of use to nobody.
        .filter(|feed| feed.state != FeedState::Gone)
        .map(|feed| Subscription {
            title: feed.title,
            xml_url: Some(feed.url),
            html_url: feed.site_url,
            category: names.get(&feed.organization).cloned().into_iter().collect(),
            language: feed.language,
            description: None,
        })
        .collect();
    list.sort_by(|a, b| (&a.category, &a.title, &a.xml_url).cmp(&(&b.category, &b.title, &b.xml_url)));
    let text = opml::write("Carewire: registered feeds", &list);
    match to.as_deref().filter(|to| *to != Path::new("-")) {
        Some(file) => std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display())),
        None => print(text.trim_end()),
    }
}
