//! How a feed fares, as commands show it.

use anyhow::{Context, Result, bail};
use carewire_store::{Fared, Feed, FeedFinding, FeedItems, FeedWeek, Moving, Proposal, ProposalState, Store};
use serde::Serialize;

/// Weeks that `feed show` looks back.
const RECENT_WEEKS: usize = 4;
/// Weeks of a report.
const REPORT_WEEKS: usize = 26;
/// Entries of a report.
const REPORT_ENTRIES: usize = 500;

/// A feed and what stands beside its row.
#[derive(Serialize)]
pub struct Detail {
    /// The feed.
    #[serde(flatten)]
    pub feed: Feed,
    moving: Option<Moving>,
    proposals: Vec<Proposal>,
    fared: Fared,
}

impl Detail {
    pub async fn of(store: &Store, feed: Feed) -> Result<Self> {
        let fared = Fared::over(&store.feed_weeks(feed.id, RECENT_WEEKS).await?);
        let proposals = store.proposals(feed.id).await?;
        Ok(Self { moving: feed.memory.moving.clone(), feed, proposals, fared })
    }

    /// What follows the feed's own description.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(until) = self.feed.push_until {
            text.push_str(&format!("\npushed until  {until}"));
        }
        if let Some(seconds) = self.feed.target_s {
            text.push_str(&format!("\ntarget        {seconds} s after publication"));
        }
        text.push_str(&freshness(&self.fared));
        if let Some(moving) = &self.moving {
            text.push_str(&format!("\nmoving to     {} ({}, at {} polls)", moving.to, moving.sign, moving.polls));
        }
        for proposal in &self.proposals {
            let title = proposal.title.as_deref().map(|title| format!(" “{title}”")).unwrap_or_default();
            text.push_str(&format!(
                "\nproposal      {}{title} ({}, {})",
                proposal.url, proposal.reason, proposal.state
            ));
        }
        if self.proposals.iter().any(|proposal| proposal.state == ProposalState::Open) {
            text.push_str(&format!("\n              carewire feed accept-proposal {} ADDRESS", self.feed.id));
        }
        text
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

fn freshness(fared: &Fared) -> String {
    let mut text = format!(
        "\navailability  {} of {} polls\nin time       {} of new entries",
        percent(fared.availability),
        fared.polls,
        percent(fared.in_target)
    );
    if let Some(mean) = fared.mean_delay_s {
        let owed: Vec<String> = fared.owed.iter().map(|owed| format!("{} {:.0} s", owed.by, owed.seconds)).collect();
        text.push_str(&format!("\ndelay         {mean:.0} s on average: {}", owed.join(", ")));
    }
    text
}

fn tagged(items: &FeedItems) -> String {
    let mut text = format!(
        "\ntagged        {} about a condition, {} about a topic, {} about neither, of {} entries",
        percent(items.condition),
        percent(items.topic),
        percent(items.neither),
        items.entries
    );
    if items.easy.is_some() {
        let grade = items.grade.map(|grade| format!("; school grade {grade:.1} on average")).unwrap_or_default();
        text.push_str(&format!(
            "\nreading       {} easy, {} average, {} hard{grade}",
            percent(items.easy),
            percent(items.average),
            percent(items.hard)
        ));
    }
    text
}

/// A feed's report card.
#[derive(Serialize)]
pub struct Report {
    url: String,
    fared: Fared,
    items: FeedItems,
    findings: Vec<FeedFinding>,
    weeks: Vec<FeedWeek>,
}

impl Report {
    pub async fn of(store: &Store, feed: Feed) -> Result<Self> {
        let weeks = store.feed_weeks(feed.id, REPORT_WEEKS).await?;
        let findings = store.feed_findings(feed.id).await?;
        let items = store.feed_items(feed.id, REPORT_ENTRIES).await?;
        Ok(Self { url: feed.url, fared: Fared::over(&weeks), items, findings, weeks })
    }

    pub fn text(&self) -> String {
        let mut text = format!("{}{}{}", self.url, freshness(&self.fared), tagged(&self.items));
        for finding in &self.findings {
            let when = match finding.gone_at {
                None => format!("since {}", finding.first_at.strftime("%Y-%m-%d")),
                Some(gone) => format!("{} to {}", finding.first_at.strftime("%Y-%m-%d"), gone.strftime("%Y-%m-%d")),
            };
            text.push_str(&format!("\n{:<8} {:<28} {when}  {}", finding.severity, finding.code, finding.message));
        }
        for week in &self.weeks {
            let fared = Fared::over(std::slice::from_ref(week));
            text.push_str(&format!(
                "\nweek of {}  {:>6} polls  {:>8} answered  {:>5} new entries  {:>8} in time",
                week.from.strftime("%Y-%m-%d"),
                fared.polls,
                percent(fared.availability),
                fared.entries,
                percent(fared.in_target)
            ));
        }
        text
    }
}

/// Accepts or dismisses a proposal: the given one, or the only one that is open.
pub async fn decide(store: &Store, feed: &Feed, url: Option<String>, dismiss: bool) -> Result<String> {
    let mut open = store.proposals(feed.id).await?;
    open.retain(|proposal| proposal.state == ProposalState::Open);
    let url = match (url, open.as_slice()) {
        (Some(url), _) => url,
        (None, [one]) => one.url.clone(),
        (None, []) => bail!("nothing is proposed for {}", feed.url),
        (None, _) => bail!("several addresses are proposed; say which: `carewire feed show {}` lists them", feed.id),
    };
    match dismiss {
        true => store.dismiss_proposal(feed.id, &url).await,
        false => store.accept_proposal(feed.id, &url).await,
    }
    .with_context(|| format!("{url} of {}", feed.url))?;
    Ok(url)
}
