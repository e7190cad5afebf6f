//! `carewire feed prove`.

use std::time::Duration;

use anyhow::{Result, bail};
use carewire_fetch::Client;
use carewire_ingest::{
    Errands,
    ownership::{Checker, Resolver},
};
use carewire_ownership::{Place, Way, mail, ways};
use carewire_store::{CodeAnswer, Feed, FeedKind, OwnershipFinding, OwnershipOutcome, OwnershipState, Store};
use serde_json::json;
use url::Url;

use super::answer;
use crate::config::Config;

/// Who is named in the audit log.
const ACTOR: &str = "command line";
/// A host that is being polled just now is waited for so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked for; nothing: a check of all places.
pub struct Ask {
    pub mail: Option<String>,
    pub code: Option<String>,
    pub looked: bool,
}

/// Does it, and says how the feed's proof stands.
pub async fn prove(config: &Config, store: &Store, feed: &Feed, ask: Ask, as_json: bool) -> Result<()> {
    let token = store.ownership_token(feed.organization).await?;
    let site = store.organization(feed.organization).await?.and_then(|one| Url::parse(&one.site?).ok());
    let url = Url::parse(&feed.url)?;
    let channel = feed.kind == FeedKind::YoutubeChannel;
    let times = config.ownership.times();
    if let Some(address) = ask.mail {
        if channel {
            bail!("a channel has no mail domain of its own");
        }
        let address = mail::check(&address, &feed.host)?;
        let text = |code: &str| {
            let subject = format!("Carewire: a code for {}", feed.url);
            let body = format!(
                "To prove that this feed is yours, give this code back. It holds for a day:\n\n  {code}\n\n  {}\n",
                feed.url
            );
            (subject, body)
        };
        store.mail_ownership_code(feed.id, &address, ACTOR, text).await?;
        return answer(as_json, &json!({"mailed": address}), || {
            format!("a code is mailed to {address}; give it back: carewire feed prove {} --code CODE", feed.id)
        });
    }
    if let Some(code) = ask.code {
        match store.use_ownership_code(feed.id, &code).await? {
            CodeAnswer::Right(address) => {
                store.ask_ownership(feed.id, ACTOR).await?;
                let message = "the code that was mailed was given back".to_owned();
                let finding =
                    OwnershipFinding { way: "mail".to_owned(), place: address.clone(), found: Some(true), message };
                let outcome = OwnershipOutcome::Proven { way: Way::Mail.as_str().to_owned(), place: address };
                store.ownership_checked(feed.id, &outcome, &[finding], times, ACTOR).await?;
            }
            CodeAnswer::Wrong(left) => bail!("this is not the code that was mailed; {left} more may be tried"),
            CodeAnswer::Over => bail!("no code holds: none was mailed, it is too old, or too many wrong ones came"),
        }
    } else if ask.looked {
        store.ownership_looked(feed.id, times, ACTOR).await?;
    } else {
        let before = store.ownership(feed.id).await?.and_then(|one| Way::named(&one.way?));
        store.ask_ownership(feed.id, ACTOR).await?;
        let errands = Errands::new(store.clone(), Client::new(&config.fetch)?, PATIENCE);
        let checker = Checker { errands, resolver: Resolver::new(config.ownership.dns) };
        let (outcome, findings) = checker.check(feed, site.as_ref(), &token, before).await;
        store.ownership_checked(feed.id, &outcome, &findings, times, ACTOR).await?;
    }
    let stands = store.ownership(feed.id).await?;
    let place = Place { feed: &url, channel, site: site.as_ref() };
    let ways = ways(&place, &token);
    answer(as_json, &json!({"token": token, "ownership": stands, "ways": ways}), || {
        let mut text = format!("{}\n", feed.url);
        let Some(stands) = &stands else { return text };
        text.push_str(&match (stands.state, &stands.way, &stands.place) {
            (OwnershipState::Proven, Some(way), Some(place)) => format!("proven by {way}: {place}"),
            (state, ..) => format!("{state}"),
        });
        if stands.state != OwnershipState::Proven {
            for finding in &stands.findings {
                text.push_str(&format!("\n  {:<11} {}: {}", finding.way, finding.place, finding.message));
            }
            text.push_str("\nto prove it, do one of these and run this again:");
            for one in &ways {
                text.push_str(&format!("\n  {:<11} {}: {}", one.way.as_str(), one.place, one.text));
            }
        }
        text
    })
}
