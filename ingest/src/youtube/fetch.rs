//! The task beside polling: gaps are filled, the API is asked of videos, videos are looked for.

use std::{collections::HashMap, time::Duration};

use carewire_bus::{Bus, Health, stage::BackOff};
use carewire_fetch::{Client, FetchError, HeaderValue, Request, Response};
use carewire_schemas::EntryId;
use carewire_store::{ChannelGap, ChannelVideo, Store, StoreError, VideoFacts};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::watch::{self, WINDOW};
use super::{
    YoutubeConfig,
    api::{PlaylistItem, PlaylistPage, VideoList, uploads},
    document,
};
use crate::{
    again::{Again, Told},
    errand::Errands,
    metrics,
    ownership::channel_of,
    schedule,
};

/// What the task needs.
pub struct Youtube {
    /// Channels, videos, gaps.
    pub store: Store,
    /// Where entries that are told again go.
    pub bus: Bus,
    /// The guarded HTTP client.
    pub client: Client,
    /// How YouTube is asked.
    pub config: YoutubeConfig,
    /// Where the task says how it is.
    pub health: Health,
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// A broadcast that has not ended is asked for again so soon.
const LIVE: Duration = HOUR;
/// Videos of one request.
const AT_ONCE: usize = 50;
/// Pages of 50 that a gap is followed back at most.
const PAGES: usize = 20;
/// So few videos may all be unknown to the API at once and be believed to be gone.
const FEW: usize = 3;
/// Videos looked for before other work is looked at.
const LOOKS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_secs(5);

/// Why the API gave no answer.
enum Refused {
    /// There is no key, or today's budget is used up.
    NotAsked,
    /// It failed; later.
    Failed(String),
}

impl Youtube {
    /// Works until `stop`. Several workers share it.
    ///
    /// # Errors
    /// When the configuration is impossible. Trouble that passes is waited out and said in `health`.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        self.config.check()?;
        let errands = Errands::new(self.store.clone(), self.client.clone(), PATIENCE);
        let mut activity = self.store.activity();
        let mut wait = BackOff::default();
        while !stop.is_cancelled() {
            activity.mark_unchanged();
            match self.round(&errands).await {
                Ok(false) => {}
                Ok(true) => continue,
                Err(error) => {
                    self.health.waits(error.to_string());
                    wait.stopped(&stop).await;
                    continue;
                }
            }
            self.health.well();
            wait = BackOff::default();
            tokio::select! {
                () = tokio::time::sleep(LOOK.min(self.config.refresh)) => {}
                _ = activity.changed() => tokio::time::sleep(10 * schedule::BREATH).await,
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    /// Does some of what is due; whether there was something.
    async fn round(&self, errands: &Errands) -> Result<bool, StoreError> {
        let mut worked = false;
        if self.config.api_key.is_some()
            && let Some(gap) = self.store.claim_gap(HOUR).await?
        {
            self.fill(errands, gap).await?;
            worked = true;
        }
        let due = self.store.claim_videos(false, AT_ONCE, HOUR).await?;
        if !due.is_empty() {
            self.ask(errands, &due).await?;
            worked = true;
        }
        for one in self.store.claim_videos(true, LOOKS, HOUR).await? {
            self.look(errands, &one).await?;
            worked = true;
        }
        Ok(worked)
    }

    /// Asks the API, within the day's budget; the key goes in a header, which no log and no redirect shows.
    async fn api<T: DeserializeOwned>(
        &self,
        errands: &Errands,
        method: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, Refused> {
        let failed = |error: String| Refused::Failed(error);
        let Some(key) = &self.config.api_key else { return Err(Refused::NotAsked) };
        let taken =
            self.store.take_quota(1, self.config.daily_quota).await.map_err(|error| failed(error.to_string()))?;
        if !taken {
            metrics::YOUTUBE_REQUESTS.with_label_values(&["over-quota"]).inc();
            return Err(Refused::NotAsked);
        }
        let mut url = self.config.api_url.join(method).map_err(|error| failed(error.to_string()))?;
        url.query_pairs_mut().extend_pairs(parameters);
        let mut request = Request::get(url);
        let mut value = HeaderValue::from_str(&key.0).map_err(|_| failed("youtube.api_key is no key".to_owned()))?;
        value.set_sensitive(true);
        request.headers.insert("x-goog-api-key", value);
        let answer = errands.send(request).await;
        let answer = answer.map_err(|error| error.to_string()).and_then(|response| match response.status {
            200 => serde_json::from_slice(&response.body).map_err(|error| error.to_string()),
            status => Err(format!("the API answered {status}")),
        });
        metrics::YOUTUBE_REQUESTS.with_label_values(&[if answer.is_ok() { "answered" } else { "failed" }]).inc();
        answer.map_err(failed)
    }

    /// Follows the uploads back until something known comes, and has what is new read.
    async fn fill(&self, errands: &Errands, gap: ChannelGap) -> Result<(), StoreError> {
        let Some(feed) = self.store.feed(gap.feed).await? else { return Ok(()) };
        let channel = Url::parse(&feed.url).ok().as_ref().and_then(channel_of);
        let Some(playlist) = channel.as_deref().and_then(uploads) else {
            return self.store.fill_channel(gap.feed, None, Some(0)).await;
        };
        let (mut missing, mut page_token): (Vec<PlaylistItem>, Option<String>) = (Vec::new(), None);
        let mut met = 0;
        for _ in 0..PAGES {
            let mut parameters =
                vec![("part", "snippet,contentDetails"), ("maxResults", "50"), ("playlistId", &*playlist)];
            if let Some(token) = &page_token {
                parameters.push(("pageToken", token));
            }
            let page: PlaylistPage = match self.api(errands, "playlistItems", &parameters).await {
                Ok(page) => page,
                Err(Refused::NotAsked) => return Ok(()),
                Err(Refused::Failed(error)) => {
                    tracing::warn!(feed = %gap.feed, error, tries = gap.tries, "a channel's gap was not filled; it is tried again");
                    return Ok(());
                }
            };
            let ids: Vec<EntryId> = page
                .items
                .iter()
                .map(|item| EntryId::derive(gap.feed, &document::guid(&item.content_details.video_id)))
                .collect();
            let known = self.store.known_entries(gap.feed, &ids).await?;
            // The window of the poll that found the gap is known as well: only what was known before it ends the search.
            for (item, id) in page.items.into_iter().zip(ids) {
                match known.get(&id) {
                    None if !item.is_public() => {}
                    None => missing.push(item),
                    Some(_) => met += 1,
                }
            }
            page_token = page.next_page_token;
            if (met > WINDOW && !missing.is_empty()) || page_token.is_none() {
                break;
            }
        }
        let count = missing.len();
        let document = (count > 0).then(|| document::of_items(&missing).into_bytes());
        metrics::YOUTUBE_FILLED.inc_by(count as u64);
        self.store.fill_channel(gap.feed, document, Some(count)).await
    }

    /// Asks the API of videos; what it cannot say any more in time is erased, as its terms want.
    async fn ask(&self, errands: &Errands, due: &[ChannelVideo]) -> Result<(), StoreError> {
        let ids: Vec<&str> = due.iter().map(|one| one.video.as_str()).collect();
        let list = ids.join(",");
        let answer: Result<VideoList, Refused> = match self.config.api_key {
            Some(_) => self.api(errands, "videos", &[("part", "snippet,contentDetails"), ("id", &list)]).await,
            None => Err(Refused::NotAsked),
        };
        if let Err(Refused::Failed(error)) = &answer {
            tracing::warn!(error, "YouTube's API was asked in vain");
        }
        let found: Option<HashMap<String, VideoFacts>> =
            answer.ok().map(|list| list.items.into_iter().map(|item| (item.id.clone(), item.facts())).collect());
        let found = found.filter(|found| is_believable(found.len(), due.len()));
        let producer = self.bus.producer();
        for one in due {
            let said = found.as_ref().map(|found| found.get(&one.video));
            if said == Some(None) && self.is_withdrawn(one).await? {
                continue;
            }
            let age =
                one.fetched_at.map(|at| Duration::try_from(Timestamp::now().duration_since(at)).unwrap_or_default());
            let old = age.is_some_and(|age| age >= self.config.erase);
            let (facts, next) = match said {
                Some(Some(facts)) if matches!(facts.live.as_deref(), Some("live" | "upcoming")) => (Some(facts), LIVE),
                Some(Some(facts)) => (Some(facts), self.config.refresh),
                // The API does not know it any more; what it said is erased, and it is asked again.
                Some(None) => (None, self.config.gone_after),
                None if old => (None, DAY.min(self.config.erase)),
                None => {
                    // Without a key nobody asks again soon; with one, when the budget or the API is there again.
                    let next = if self.config.api_key.is_some() { HOUR.min(self.config.erase / 8) } else { DAY };
                    match one.fetched_at {
                        Some(_) => self.store.video_soon(one, next).await?,
                        None => self.store.video_fetched(one, None, next).await?,
                    }
                    continue;
                }
            };
            let said_nothing = said == Some(None);
            let said = facts.cloned().unwrap_or_default();
            let again = Again { store: &self.store, producer: &producer, feed: one.feed, entry: one.entry };
            let told =
                again.tell(false, |content| content.video.as_mut().is_some_and(|video| watch::put(&said, video)));
            match told.await? {
                Told::Done if said_nothing => self.store.video_missing(one, next).await?,
                Told::Done => self.store.video_fetched(one, facts, next).await?,
                // Claimed for an hour: soon, so that what waits for a poll's end need not wait so long.
                Told::Later => self.store.video_soon(one, LOOK).await?,
            }
        }
        Ok(())
    }

    /// Withdraws a video that the API did not know a while ago either: it was removed, or made private. Whether it did.
    async fn is_withdrawn(&self, one: &ChannelVideo) -> Result<bool, StoreError> {
        let since =
            one.missing_at.map(|at| Duration::try_from(Timestamp::now().duration_since(at)).unwrap_or_default());
        if since.is_none_or(|since| since < self.config.gone_after) {
            return Ok(false);
        }
        self.withdraw(one).await?;
        self.store.video_missing(one, self.config.refresh).await?;
        Ok(true)
    }

    async fn withdraw(&self, one: &ChannelVideo) -> Result<(), StoreError> {
        let document = document::of_removal(&one.video, Timestamp::now());
        self.store.fill_channel(one.feed, Some(document.into_bytes()), None).await?;
        tracing::info!(feed = %one.feed, video = one.video, "a video is gone: withdrawn");
        self.store.video_looked(one, true, None).await
    }

    /// Looks whether a video is still there: it is gone when neither its oEmbed form nor its picture is, twice and a while apart. A 401
    /// says only that it may not be embedded, and what fails says nothing.
    async fn look(&self, errands: &Errands, one: &ChannelVideo) -> Result<(), StoreError> {
        let watch = format!("https://www.youtube.com/watch?v={}", one.video);
        let oembed = self.config.site_url.join("oembed").map(|mut url| {
            url.query_pairs_mut().append_pair("format", "json").append_pair("url", &watch);
            url
        });
        let picture = self.config.thumbnail_url.join(&format!("vi/{}/hqdefault.jpg", one.video));
        let (Ok(oembed), Ok(picture)) = (oembed, picture) else { return Ok(()) };
        let gone = match status(errands.send(Request::get(oembed)).await) {
            Some(404) => status(errands.send(Request::get(picture)).await).map(|status| status == 404),
            Some(200..=299 | 401) => Some(false),
            _ => None,
        };
        let outcome = match gone {
            None => "unknown",
            Some(false) => "there",
            Some(true) => "missing",
        };
        metrics::YOUTUBE_LOOKS.with_label_values(&[outcome]).inc();
        let since = one.gone_at.map(|at| Duration::try_from(Timestamp::now().duration_since(at)).unwrap_or_default());
        match (gone, since) {
            (None, _) => self.store.video_soon_looked(one, self.config.gone_after.min(DAY)).await,
            (Some(false), _) => self.store.video_looked(one, false, Some(self.config.look)).await,
            (Some(true), Some(since)) if since >= self.config.gone_after => self.withdraw(one).await,
            (Some(true), _) => self.store.video_looked(one, true, Some(self.config.gone_after)).await,
        }
    }
}

/// An answer that knows none of several videos is more likely wrong than all of them gone.
fn is_believable(found: usize, asked: usize) -> bool {
    found > 0 || asked <= FEW
}

fn status(answer: Result<Response, FetchError>) -> Option<u16> {
    answer.ok().map(|response| response.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_answer_about_many_is_not_believed() {
        for (found, asked, believed) in
            [(1, 50, true), (50, 50, true), (0, 1, true), (0, 3, true), (0, 4, false), (0, 50, false)]
        {
            assert_eq!(is_believable(found, asked), believed, "{found} of {asked}");
        }
    }
}
