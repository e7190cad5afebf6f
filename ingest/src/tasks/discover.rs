//! Feeds of a site, for one whose address answers a web page or nothing any more: what the site advertises, else what stands in
//! the usual places. They are proposed to the feed's owner; nobody but the owner knows whether it is the same.

use carewire_feeds::discover::{self, Discovered};
use carewire_fetch::host_of;
use carewire_store::{NewProposal, ProposalReason, Task};
use carewire_visit::LeaseGate;
use url::Url;

use super::{End, ask, gate, read};
use crate::worker::Shared;

/// Where content management systems put feeds.
const USUAL: [&str; 7] = ["/feed/", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/rss", "/feed.json"];
/// Feeds proposed at a time.
const MOST: usize = 10;

/// Advertised feeds as proposals, without the feed's own address.
pub(crate) fn proposals(found: Vec<Discovered>, own: &str, reason: ProposalReason) -> Vec<NewProposal> {
    let proposal = |found: Discovered| {
        let host = host_of(&found.url)?;
        let title = found.title.map(|title| title.chars().take(300).collect());
        let url = String::from(found.url);
        (url != own).then_some(NewProposal { url, host, reason, title })
    };
    found.into_iter().filter_map(proposal).take(MOST).collect()
}

pub(super) async fn run(shared: &Shared, task: &Task) -> End {
    let Some(Ok(Some(feed))) = shared.patiently(|| shared.store.feed(task.feed)).await else {
        return End::Done("no-feed");
    };
    let Ok(site) = Url::parse(&task.url) else { return End::Done("no-address") };
    let gate = match gate(shared, &site).await {
        Ok(gate) => gate,
        Err(end) => return end,
    };
    let found = look(shared, &gate, &site, &feed.url, task.payload.contains("\"dead\"")).await;
    gate.close().await;
    match found {
        Err(end) => end,
        Ok(found) if found.is_empty() => End::Done("nothing"),
        Ok(found) => match shared.patiently(|| shared.store.propose(feed.id, &found)).await {
            Some(Ok(())) => End::Done("proposed"),
            _ => End::Failed("the proposals were not noted".to_owned()),
        },
    }
}

async fn look(shared: &Shared, gate: &LeaseGate, site: &Url, own: &str, dead: bool) -> Result<Vec<NewProposal>, End> {
    // Of a page that was read by the poll it is known already that it advertises nothing.
    if dead {
        let response = ask(shared, gate, site.clone()).await?;
        if (200..300).contains(&response.status) {
            let page = String::from_utf8_lossy(&response.body).into_owned();
            let found = proposals(discover::links(&page, &response.url), own, ProposalReason::Site);
            if !found.is_empty() {
                return Ok(found);
            }
        }
    }
    for path in USUAL {
        let Ok(url) = site.join(path) else { continue };
        if url.as_str() == own {
            continue;
        }
        let response = match ask(shared, gate, url).await {
            Ok(response) => response,
            // One that does not answer does not rule out the next.
            Err(End::Done(_)) => continue,
            Err(end) => return Err(end),
        };
        if matches!(response.status, 429 | 503) {
            return Err(End::Failed(format!("the server answered {}", response.status)));
        }
        if !(200..300).contains(&response.status) {
            continue;
        }
        let is_feed = read(&response).await.is_some_and(|parsed| parsed.format.is_feed());
        if let (true, Some(host)) = (is_feed && response.url.as_str() != own, host_of(&response.url)) {
            let (url, reason) = (response.url.to_string(), ProposalReason::UsualPath);
            return Ok(vec![NewProposal { url, host, reason, title: None }]);
        }
    }
    Ok(Vec::new())
}
