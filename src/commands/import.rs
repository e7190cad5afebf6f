//! `carewire import opml`: registers the feeds of a list. Of a site without a feed's address the page is looked at for one.

use std::collections::HashMap;

use anyhow::{Result, bail};
use carewire_feeds::opml::{self, Subscription};
use carewire_schemas::{OrganizationId, Slug};
use carewire_store::{NewOrganization, Proof, Standing, Store, StoreError};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use url::Url;

use super::{answer, bytes_of, feeds, open_store, organizations, sites};
use crate::{cli::ImportCommand, config::Config};

/// What became of the list.
#[derive(Debug, Default, Serialize)]
struct Report {
    registered: usize,
    already_there: usize,
    organizations: usize,
    /// Feeds found on the pages of sites.
    discovered: Vec<sites::Found>,
    /// Lines that are no feed: what they are called and why not.
    refused: Vec<(String, String)>,
    problems: Vec<String>,
}

pub async fn run(config: Config, command: ImportCommand) -> Result<()> {
    let ImportCommand::Opml { file, trusted, no_discovery, json } = command;
    let mut parsed = opml::parse(&bytes_of(&file)?);
    if parsed.outlines.is_empty() {
        let why = parsed.problems.first().map(|problem| format!(": {}", problem.message)).unwrap_or_default();
        bail!("{file} holds no feeds{why}");
    }
    let store = open_store(&config).await?;
    let mut report = Report {
        problems: parsed
            .problems
            .iter()
            .map(|problem| format!("{}: {} ({})", problem.code, problem.message, problem.where_))
            .collect(),
        ..Report::default()
    };
    let sites = parsed.outlines.iter().filter(|outline| outline.xml_url.is_none()).count();
    if sites > 0 && !no_discovery {
        let bar = bar(json, sites, "sites looked at");
        let (discovered, refused) = sites::find_feeds(&store, &config.fetch, &mut parsed.outlines, &bar).await?;
        bar.finish_and_clear();
        report.discovered = discovered;
        report.refused.extend(refused);
    } else {
        let without = parsed.outlines.iter().filter(|outline| outline.xml_url.is_none());
        let names =
            without.map(|outline| outline.html_url.clone().or_else(|| outline.title.clone()).unwrap_or_default());
        report.refused.extend(names.map(|name| (name, "no xmlUrl: give the feed's own address".to_owned())));
    }
    parsed.outlines.retain(|outline| outline.xml_url.is_some());
    let bar = bar(json, parsed.outlines.len(), "feeds");
    let mut known: HashMap<String, OrganizationId> =
        organizations::all(&store).await?.into_iter().map(|found| (found.slug.as_str().to_owned(), found.id)).collect();
    for chunk in parsed.outlines.chunks(500) {
        register(&config, &store, chunk, trusted, &mut known, &mut report).await?;
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    answer(json, &report, || {
        let mut text = format!(
            "{} feeds registered under {} new organizations, {} were there already, {} refused",
            report.registered,
            report.organizations,
            report.already_there,
            report.refused.len()
        );
        for found in &report.discovered {
            let more = if found.of > 1 { format!(" (the first of {})", found.of) } else { String::new() };
            text.push_str(&format!("\nfound    {}: {}{more}", found.site, found.feed));
        }
        for (name, why) in &report.refused {
            text.push_str(&format!("\nrefused  {name}: {why}"));
        }
        for problem in &report.problems {
            text.push_str(&format!("\nproblem  {problem}"));
        }
        text
    })
}

/// A bar on a terminal; elsewhere, and beside JSON, none.
fn bar(json: bool, length: usize, of: &str) -> ProgressBar {
    let bar = if json { ProgressBar::hidden() } else { ProgressBar::new(length as u64) };
    if let Ok(style) = ProgressStyle::with_template(&format!("{{bar:40}} {{pos}}/{{len}} {of}, {{eta}} left")) {
        bar.set_style(style);
    }
    bar
}

async fn register(
    config: &Config,
    store: &Store,
    chunk: &[Subscription],
    trusted: bool,
    known: &mut HashMap<String, OrganizationId>,
    report: &mut Report,
) -> Result<()> {
    let (standing, proof) =
        if trusted { (Standing::Accepted, Proof::Vouched) } else { (Standing::Applied, Proof::None) };
    let mut new = Vec::new();
    let mut wanted = Vec::new();
    for outline in chunk {
        let Some(url) = &outline.xml_url else { continue };
        let (name, slug) = name_of(outline, url);
        if !known.contains_key(slug.as_str()) && !new.iter().any(|other: &NewOrganization| other.slug == slug) {
            let site = outline
                .html_url
                .clone()
                .filter(|site| Url::parse(site).is_ok_and(|site| matches!(site.scheme(), "http" | "https")));
            new.push(NewOrganization { slug: slug.clone(), name, site, country: None, kind: None, standing });
        }
        wanted.push((slug, outline, url));
    }
    let slugs: Vec<Slug> = new.iter().map(|organization| organization.slug.clone()).collect();
    for (slug, made) in slugs.iter().zip(store.add_organizations(new).await?) {
        let organization = match made {
            Ok(made) => {
                report.organizations += 1;
                made
            }
            // Another process was quicker.
            Err(StoreError::Conflict(_)) => organizations::by_slug(store, slug.as_str()).await?,
            Err(error) => return Err(error.into()),
        };
        known.insert(slug.as_str().to_owned(), organization.id);
    }
    let mut feeds = Vec::with_capacity(wanted.len());
    for (slug, outline, url) in wanted {
        let Some(&organization) = known.get(slug.as_str()) else { continue };
        match feeds::new_feed(config, organization, url, proof) {
            Ok(mut feed) => {
                feed.title.clone_from(&outline.title);
                feed.site_url.clone_from(&outline.html_url);
                feeds.push(feed);
            }
            Err(error) => report.refused.push((url.clone(), format!("{error:#}"))),
        }
    }
    let urls: Vec<String> = feeds.iter().map(|feed| feed.url.clone()).collect();
    for (url, made) in urls.into_iter().zip(store.add_feeds(feeds).await?) {
        match made {
            Ok(_) => report.registered += 1,
            Err(StoreError::Conflict(_)) => report.already_there += 1,
            Err(error) => report.refused.push((url, error.to_string())),
        }
    }
    Ok(())
}

/// What an outline's organization is called: by its title, else by its host.
fn name_of(outline: &Subscription, url: &str) -> (String, Slug) {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let name = outline
        .title
        .clone()
        .map(|title| title.trim().to_owned())
        .filter(|title| !title.is_empty())
        .unwrap_or_else(|| host.clone());
    let name: String = name.chars().take(200).collect();
    let slug = Slug::from_name(&name)
        .or_else(|| Slug::from_name(&host))
        .or_else(|| Slug::from_name(&format!("organization-{host}")));
    let slug = slug.unwrap_or_else(|| unreachable!("a slug can be made of ASCII letters"));
    (name, slug)
}
