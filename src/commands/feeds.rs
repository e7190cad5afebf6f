//! `carewire feed …`.

use anyhow::{Context, Result, bail};
use carewire_fetch::host_of;
use carewire_schemas::{FeedId, OrganizationId};
use carewire_store::{Feed, FeedFilter, FeedKind, FeedState, NewFeed, Proof, Store};
use url::Url;

use super::{answer, feed_report, open_store, organizations, ownership, preview};
use crate::{cli::FeedCommand, config::Config};

pub async fn run(config: Config, command: FeedCommand) -> Result<()> {
    let store = open_store(&config).await?;
    match command {
        FeedCommand::Add { org, url, preview: true, json, .. } => {
            let organization = organizations::by_slug(&store, &org).await?;
            let url = new_feed(&config, organization.id, &url, Proof::None)?.url;
            preview::show(&config, &store, &url, json).await
        }
        FeedCommand::Add { org, url, vouch, json, .. } => {
            let organization = organizations::by_slug(&store, &org).await?;
            let proof = if vouch { Proof::Vouched } else { Proof::None };
            let new = new_feed(&config, organization.id, &url, proof)?;
            let feed = store.add_feed(new).await?;
            answer(json, &feed, || {
                let hint = if vouch {
                    ""
                } else {
                    "\nits items wait for a curator: --vouch says that it is the organization's own"
                };
                format!("added {}{hint}", line(&feed))
            })
        }
        FeedCommand::List { org, json } => {
            let organization = match &org {
                Some(slug) => Some(organizations::by_slug(&store, slug).await?.id),
                None => None,
            };
            let feeds = all(&store, organization).await?;
            answer(json, &feeds, || {
                if feeds.is_empty() {
                    "no feeds yet".to_owned()
                } else {
                    feeds.iter().map(line).collect::<Vec<_>>().join("\n")
                }
            })
        }
        FeedCommand::Show { feed, json } => {
            let feed = find(&store, &feed).await?;
            let detail = feed_report::Detail::of(&store, feed).await?;
            answer(json, &detail, || format!("{}{}", describe(&detail.feed), detail.text()))
        }
        FeedCommand::Report { feed, json } => {
            let feed = find(&store, &feed).await?;
            let report = feed_report::Report::of(&store, feed).await?;
            answer(json, &report, || report.text())
        }
        FeedCommand::AcceptProposal { feed, url, dismiss, json } => {
            let feed = find(&store, &feed).await?;
            let url = feed_report::decide(&store, &feed, url, dismiss).await?;
            let feed = store.feed(feed.id).await?.unwrap_or(feed);
            let done = if dismiss { "will not be proposed again" } else { "the feed is polled there now" };
            answer(json, &feed, || format!("{url}: {done}"))
        }
        FeedCommand::Target { feed, time, json } => {
            let feed = find(&store, &feed).await?;
            let seconds = match time.as_str() {
                "none" => None,
                time => Some(crate::cli::duration(time).map_err(anyhow::Error::msg)?.as_secs()),
            };
            if seconds.is_some_and(|seconds| !(60..=604_800).contains(&seconds)) {
                bail!("a target is from 1m to 7d, or none");
            }
            store.set_target(feed.id, seconds.and_then(|seconds| i64::try_from(seconds).ok())).await?;
            let feed = store.feed(feed.id).await?.unwrap_or(feed);
            let target = seconds.map_or("the network's own".to_owned(), |seconds| format!("{seconds} s"));
            answer(json, &feed, || format!("{}: the target is {target}", feed.url))
        }
        FeedCommand::Prove { feed, mail, code, looked, json } => {
            let feed = find(&store, &feed).await?;
            let ask = ownership::Ask { mail, code, looked };
            ownership::prove(&config, &store, &feed, ask, json).await
        }
        FeedCommand::Held { json } => {
            let held = store.held_feeds(1000).await?;
            answer(json, &held, || {
                if held.is_empty() {
                    return "no feed is held".to_owned();
                }
                let line = |one: &carewire_store::HeldFeed| {
                    format!(
                        "{}  {}  {}\n  since {}: {}",
                        one.feed, one.organization, one.url, one.hold.since, one.hold.why
                    )
                };
                held.iter().map(line).collect::<Vec<_>>().join("\n")
            })
        }
        FeedCommand::Release { feed, keep_held, json } => {
            let feed = find(&store, &feed).await?;
            let ended = store.release_feed(feed.id, keep_held).await?;
            let what = if keep_held { "kept" } else { "released" };
            super::note(&store, "release-feed", format!("feed/{}", feed.id), what).await?;
            answer(json, &serde_json::json!({"feed": feed.id, "holds": ended, "kept": keep_held}), || {
                match (ended, keep_held) {
                    (0, _) => format!("{} was not held", feed.url),
                    (_, true) => format!(
                        "{}: what comes from now on is taken; what came meanwhile waits for a curator",
                        feed.url
                    ),
                    (_, false) => format!("{}: what came meanwhile is judged anew", feed.url),
                }
            })
        }
        FeedCommand::Poll { feed: None, json, .. } => {
            let feeds = all(&store, None).await?;
            let is_polled = |feed: &&Feed| feed.state == FeedState::Active && feed.kind != FeedKind::Posted;
            let active: Vec<_> = feeds.iter().filter(is_polled).collect();
            for feed in &active {
                store.poll_now(feed.id).await?;
            }
            answer(json, &serde_json::json!({"feeds": active.len()}), || {
                format!("{} feeds will be polled at once", active.len())
            })
        }
        FeedCommand::Poll { feed: Some(feed), json, .. } => {
            let feed = find(&store, &feed).await?;
            store.poll_now(feed.id).await?;
            let feed = store.feed(feed.id).await?.unwrap_or(feed);
            answer(json, &feed, || format!("will be polled at once: {}", feed.url))
        }
    }
}

/// A feed to be registered, with its address checked. Addresses of YouTube channels become those of their feeds.
pub fn new_feed(config: &Config, organization: OrganizationId, url: &str, proof: Proof) -> Result<NewFeed> {
    let mut url = Url::parse(url.trim())
        .with_context(|| format!("`{url}` is no address; give one as https://example.org/feed.xml"))?;
    if !matches!(url.scheme(), "http" | "https") {
        bail!("`{url}`: feeds are fetched over https or http only");
    }
    if !url.username().is_empty() || url.password().is_some() {
        bail!(
            "`{}` holds a user name or password, which would be kept and shown: give the address without",
            url.host_str().unwrap_or_default()
        );
    }
    url.set_fragment(None);
    let mut kind = FeedKind::Feed;
    if let Some(feed) = carewire_feeds::youtube::feed_url(&url) {
        url = feed;
        kind = FeedKind::YoutubeChannel;
    }
    let host = host_of(&url).context("the address has no host")?;
    Ok(NewFeed {
        organization,
        url: url.to_string(),
        kind,
        title: None,
        site_url: None,
        host,
        proof,
        interval_s: i64::try_from(config.ingest.default_interval.as_secs()).unwrap_or(1800),
    })
}

async fn find(store: &Store, feed: &str) -> Result<Feed> {
    let found = match feed.parse::<FeedId>() {
        Ok(id) => store.feed(id).await?,
        Err(_) => store.feed_by_url(feed).await?,
    };
    found.with_context(|| format!("there is no feed `{feed}`; `carewire feed list` shows all"))
}

/// All feeds, or those of one organization.
pub async fn all(store: &Store, organization: Option<OrganizationId>) -> Result<Vec<Feed>> {
    let filter = FeedFilter { organization, state: None };
    let mut all: Vec<Feed> = Vec::new();
    loop {
        let page = store.feeds(&filter, all.last().map(|last| last.id), 1000).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// One line about a feed.
pub fn line(feed: &Feed) -> String {
    format!(
        "{}  {:<7} {:<8} {:>5} entries  next {}  {}{}",
        feed.id,
        feed.state.as_str(),
        feed.proof.as_str(),
        feed.entries,
        feed.next_poll.strftime("%m-%d %H:%M:%SZ"),
        feed.url,
        feed.last_error.as_deref().map(|error| format!("  ! {error}")).unwrap_or_default()
    )
}

fn describe(feed: &Feed) -> String {
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let time = |time: &Option<jiff::Timestamp>| time.map_or_else(|| "never".to_owned(), |time| time.to_string());
    let mut text = format!(
        "{}\n{}\ntitle         {}\nstate         {} · {}\nformat        {}\nentries       {}\nlast poll     {}\nlast success  {}\nlast status   {}\nlast error    {}\nfailures      {}\nnext poll     {} ({})",
        feed.url,
        feed.id,
        or(&feed.title),
        feed.state.as_str(),
        feed.proof.as_str(),
        or(&feed.format),
        feed.entries,
        time(&feed.last_poll),
        time(&feed.last_success),
        feed.last_status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
        or(&feed.last_error),
        feed.failures,
        feed.next_poll,
        feed.next_reason,
    );
    for problem in &feed.problems {
        let place = problem.where_.as_deref().map(|place| format!(" ({place})")).unwrap_or_default();
        text.push_str(&format!("\nproblem       {}: {}{place}", problem.code, problem.message));
    }
    text
}
