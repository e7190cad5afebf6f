//! Feeds: what is registered, and how each of them fares.

use std::{collections::HashSet, time::Duration};

use carewire_schemas::{FeedId, OrganizationId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::{
    Result, Store, StoreError,
    counts::Tallies,
    db::{LIST, Row, Tx, args, later, transaction},
    memory::FeedMemory,
    named::named_enum,
};

named_enum! {
    /// What a registered address is.
    FeedKind {
        /// A feed in RSS, Atom or JSON.
        Feed = "feed",
        /// A channel's feed on YouTube.
        YoutubeChannel = "youtube-channel",
        /// A site map, whose pages are read as entries.
        Sitemap = "sitemap",
        /// What its organization posts itself; it is never polled.
        Posted = "posted",
    }
}

named_enum! {
    /// Whether a feed is polled.
    FeedState {
        /// It is.
        Active = "active",
        /// Not for now.
        Paused = "paused",
        /// Its publisher has ended it (410, or failures for long).
        Gone = "gone",
    }
}

named_enum! {
    /// What shows that a feed is its organization's own.
    Proof {
        /// Nothing yet.
        None = "none",
        /// A check of ours.
        Proven = "proven",
        /// The operator's word.
        Vouched = "vouched",
    }
}

/// Something wrong with a feed, as found at its last poll.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeedProblem {
    /// Stable name, kebab-case.
    pub code: String,
    /// In words.
    pub message: String,
    /// Where: an entry, a line, a header.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub where_: Option<String>,
    /// How often.
    #[serde(default)]
    pub count: u32,
}

/// A registered feed or channel.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Feed {
    /// Its id.
    pub id: FeedId,
    /// Whose it is said to be.
    pub organization: OrganizationId,
    /// Where it is polled; unique.
    pub url: String,
    /// What it is.
    pub kind: FeedKind,
    /// Its title, as it says itself (or was registered with).
    pub title: Option<String>,
    /// The site it belongs to.
    pub site_url: Option<String>,
    /// Its host: name or address, without port.
    pub host: String,
    /// Whether it is polled.
    pub state: FeedState,
    /// What shows that it is its organization's own.
    pub proof: Proof,
    /// Raised with each claim; the version of what is read in that turn.
    pub turn: i64,
    /// `ETag` of the last body, as sent.
    pub etag: Option<String>,
    /// `Last-Modified` of the last body, as sent.
    pub last_modified: Option<String>,
    /// Hash of the last body.
    pub body_hash: Option<i64>,
    /// The address that gave `etag` and `last_modified`, where it is not `url` (which redirected to it).
    pub validators_url: Option<String>,
    /// When it is due. In a claim: when it was due.
    pub next_poll: Timestamp,
    /// Why then; `hand` when somebody asked for it. In a claim: as it was before the claim.
    pub next_reason: String,
    /// Seconds between polls for now.
    pub interval_s: i64,
    /// Failures in a row.
    pub failures: i64,
    /// When it was last polled.
    pub last_poll: Option<Timestamp>,
    /// When a poll last succeeded (304 included).
    pub last_success: Option<Timestamp>,
    /// HTTP status of the last answer.
    pub last_status: Option<i32>,
    /// What went wrong at the last poll.
    pub last_error: Option<String>,
    /// Entries known.
    pub entries: i64,
    /// Problems found at the last poll that read a body.
    pub problems: Vec<FeedProblem>,
    /// Format, such as `rss-2.0`.
    pub format: Option<String>,
    /// Language (BCP 47).
    pub language: Option<String>,
    /// Its WebSub hub.
    pub hub: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Until when a push subscription stands for polling: until then it is polled rarely, as a safety net.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push_until: Option<Timestamp>,
    /// How many seconds after its publication an entry should be seen; the configured target where none is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_s: Option<i64>,
    /// What polling remembers of it.
    #[serde(skip)]
    pub memory: FeedMemory,
}

/// What a feed is registered with.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NewFeed {
    /// Whose it is.
    pub organization: OrganizationId,
    /// Where it is.
    pub url: String,
    /// What it is.
    pub kind: FeedKind,
    /// Title, where known beforehand.
    pub title: Option<String>,
    /// Site, where known beforehand.
    pub site_url: Option<String>,
    /// Host of `url`: name or address, without port.
    pub host: String,
    /// What shows that it is the organization's own.
    pub proof: Proof,
    /// Seconds between polls to begin with.
    pub interval_s: i64,
}

/// Which feeds.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct FeedFilter {
    /// Of this organization.
    pub organization: Option<OrganizationId>,
    /// In this state.
    pub state: Option<FeedState>,
}

macro_rules! feed_columns {
    () => {
        "id, organization, url, kind, title, site_url, host, state, proof, turn, etag, last_modified, body_hash, \
         next_poll, next_reason, interval_s, failures, last_poll, last_success, last_status, last_error, entries, \
         format, language, hub, created_at, problems, validators_url, push_until, target_s, memory"
    };
}
pub(crate) use feed_columns;

pub(crate) fn feed_row(row: &Row) -> Result<Feed> {
    Ok(Feed {
        id: FeedId(row.uuid(0)?),
        organization: OrganizationId(row.uuid(1)?),
        url: row.text(2)?,
        kind: row.named(3)?,
        title: row.opt_text(4)?,
        site_url: row.opt_text(5)?,
        host: row.text(6)?,
        state: row.named(7)?,
        proof: row.named(8)?,
        turn: row.int(9)?,
        etag: row.opt_text(10)?,
        last_modified: row.opt_text(11)?,
        body_hash: row.opt_int(12)?,
        next_poll: row.time(13)?,
        next_reason: row.text(14)?,
        interval_s: row.int(15)?,
        failures: row.int(16)?,
        last_poll: row.opt_time(17)?,
        last_success: row.opt_time(18)?,
        last_status: row.opt_int(19)?.and_then(|status| i32::try_from(status).ok()),
        last_error: row.opt_text(20)?,
        entries: row.int(21)?,
        format: row.opt_text(22)?,
        language: row.opt_text(23)?,
        hub: row.opt_text(24)?,
        created_at: row.time(25)?,
        problems: row.json(26)?,
        validators_url: row.opt_text(27)?,
        push_until: row.opt_time(28)?,
        target_s: row.opt_int(29)?,
        memory: row.json(30)?,
    })
}

fn conflict(url: &str) -> StoreError {
    StoreError::Conflict(format!("feed {url}"))
}

impl Store {
    /// Locks a feed and, before it (claims lock in that order), its host, which is due at `due` where that is given.
    async fn lock_feed(tx: &mut Tx, id: FeedId, due: Option<Timestamp>) -> Result<(String, FeedState)> {
        let not_found = || StoreError::NotFound(format!("feed {id}"));
        let row = tx.fetch_opt("SELECT host FROM feeds WHERE id = $1", args![id.0]).await?;
        let host = row.ok_or_else(not_found)?.text(0)?;
        if let Some(due) = due {
            Self::hosts_due(tx, std::iter::once((host.clone(), due))).await?;
        }
        let mut sql = tx.sql("SELECT state FROM feeds WHERE id = ");
        sql.bind(id.0).for_update();
        let state = tx.rows(sql).await?.first().ok_or_else(not_found)?.named(0)?;
        Ok((host, state))
    }

    /// Registers a feed; it is due at once.
    ///
    /// # Errors
    /// `Conflict` when the address is registered, `NotFound` when the organization is not there.
    pub async fn add_feed(&self, new: NewFeed) -> Result<Feed> {
        let url = new.url.clone();
        let id = match self.add_feeds(vec![new]).await?.pop() {
            Some(result) => result?,
            None => return Err(StoreError::Conflict(format!("feed {url}"))),
        };
        self.feed(id).await?.ok_or_else(|| StoreError::NotFound(format!("feed {id}")))
    }

    /// Registers many; each result stands at the place of its feed (`Conflict` for an address that is registered or
    /// stands in the list before).
    ///
    /// # Errors
    /// When the database fails as a whole.
    pub async fn add_feeds(&self, new: Vec<NewFeed>) -> Result<Vec<Result<FeedId>>> {
        let added: Vec<Result<FeedId>> = transaction!(self, |tx| {
            let now = tx.now().await?;
            let mut known = HashSet::new();
            let organizations: HashSet<Uuid> = new.iter().map(|feed| feed.organization.0).collect();
            for ids in organizations.into_iter().collect::<Vec<_>>().chunks(LIST) {
                let mut sql = tx.sql("SELECT id FROM organizations WHERE id");
                sql.ids(ids);
                for row in tx.rows(sql).await? {
                    known.insert(row.uuid(0)?);
                }
            }
            let mut urls = HashSet::new();
            let chosen: Vec<Result<FeedId>> = new
                .iter()
                .map(|feed| {
                    if !known.contains(&feed.organization.0) {
                        Err(StoreError::NotFound(format!("organization {}", feed.organization)))
                    } else if urls.insert(&feed.url) {
                        Ok(FeedId::random())
                    } else {
                        Err(conflict(&feed.url))
                    }
                })
                .collect();
            let hosts = new.iter().zip(&chosen).filter(|(_, id)| id.is_ok()).map(|(feed, _)| (feed.host.clone(), now));
            Self::hosts_due(&mut tx, hosts).await?;
            let values = new.iter().zip(&chosen).filter_map(|(feed, id)| {
                let id = id.as_ref().ok()?;
                Some(args![
                    id.0,
                    feed.organization.0,
                    &*feed.url,
                    feed.kind.as_str(),
                    feed.title.clone(),
                    feed.site_url.clone(),
                    &*feed.host,
                    FeedState::Active.as_str(),
                    feed.proof.as_str(),
                    now,
                    "new",
                    feed.interval_s,
                    now
                ])
            });
            let inserted = tx
                .insert_returning(
                    "INSERT INTO feeds (id, organization, url, kind, title, site_url, host, state, proof, next_poll, \
                     next_reason, interval_s, created_at)",
                    13,
                    " ON CONFLICT (url) DO NOTHING RETURNING id",
                    values.flatten().collect(),
                )
                .await?;
            let inserted: HashSet<Uuid> = inserted.iter().map(|row| row.uuid(0)).collect::<Result<_>>()?;
            let mut tallies = Tallies::default();
            tallies.add("feeds:active", i64::try_from(inserted.len()).unwrap_or(i64::MAX));
            tallies.write(&mut tx).await?;
            Self::note_activity(&mut tx).await?;
            Ok(chosen
                .into_iter()
                .zip(&new)
                .map(|(id, feed)| {
                    id.and_then(|id| if inserted.contains(&id.0) { Ok(id) } else { Err(conflict(&feed.url)) })
                })
                .collect())
        })?;
        self.inner.signals.stir();
        Ok(added)
    }

    /// The feed with that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed(&self, id: FeedId) -> Result<Option<Feed>> {
        let sql = concat!("SELECT ", feed_columns!(), " FROM feeds WHERE id = $1");
        self.inner.db.fetch_opt(sql, args![id.0]).await?.as_ref().map(feed_row).transpose()
    }

    /// The feed with that address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_by_url(&self, url: &str) -> Result<Option<Feed>> {
        let sql = concat!("SELECT ", feed_columns!(), " FROM feeds WHERE url = $1");
        self.inner.db.fetch_opt(sql, args![url]).await?.as_ref().map(feed_row).transpose()
    }

    /// Feeds in order of id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feeds(&self, filter: &FeedFilter, after: Option<FeedId>, limit: usize) -> Result<Vec<Feed>> {
        let mut sql = self.inner.db.sql(concat!("SELECT ", feed_columns!(), " FROM feeds WHERE id > "));
        sql.bind(after.map_or(Uuid::nil(), |id| id.0));
        if let Some(organization) = filter.organization {
            sql.push(" AND organization = ").bind(organization.0);
        }
        if let Some(state) = filter.state {
            sql.push(" AND state = ").bind(state.as_str());
        }
        sql.push(" ORDER BY id LIMIT ").bind(limit);
        self.inner.db.rows(sql).await?.iter().map(feed_row).collect()
    }

    /// Changes whether a feed is polled; one that becomes active is due at once.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_feed_state(&self, id: FeedId, state: FeedState) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let (_, before) = Self::lock_feed(&mut tx, id, (state == FeedState::Active).then_some(now)).await?;
            if before == state {
                return Ok(());
            }
            let active = state == FeedState::Active;
            tx.execute(
                "UPDATE feeds SET state = $2, \
                 next_poll = CASE WHEN $3 = 1 AND kind <> 'posted' THEN $4 ELSE next_poll END, \
                 next_reason = CASE WHEN $3 = 1 AND kind <> 'posted' THEN 'resumed' ELSE next_reason END, \
                 failures = CASE WHEN $3 = 1 THEN 0 ELSE failures END WHERE id = $1",
                args![id.0, state.as_str(), active, now],
            )
            .await?;
            let mut tallies = Tallies::default();
            tallies.add(format!("feeds:{before}"), -1);
            tallies.add(format!("feeds:{state}"), 1);
            tallies.write(&mut tx).await?;
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    /// Changes what shows that a feed is its organization's own, and notes that for the grouping worker in the same
    /// transaction.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_proof(&self, id: FeedId, proof: Proof) -> Result<()> {
        transaction!(self, |tx| {
            let sql = "UPDATE feeds SET proof = $2 WHERE id = $1 AND proof <> $2 RETURNING organization";
            if let Some(row) = tx.fetch_opt(sql, args![id.0, proof.as_str()]).await? {
                return Self::note_standing_change(&mut tx, OrganizationId(row.uuid(0)?)).await;
            }
            match tx.fetch_opt("SELECT 1 FROM feeds WHERE id = $1", args![id.0]).await? {
                Some(_) => Ok(()),
                None => Err(StoreError::NotFound(format!("feed {id}"))),
            }
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    /// Makes a feed due at once, with `next_reason` = `hand`. Asked for while it is being polled, it is polled again.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when the feed is not active, or is no address but what is posted.
    pub async fn poll_now(&self, id: FeedId) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let (_, state) = Self::lock_feed(&mut tx, id, Some(now)).await?;
            if state != FeedState::Active {
                return Err(StoreError::Invalid(format!("the feed is {state}, only an active feed is polled")));
            }
            // When it is being polled just now, the write-back of that poll leaves the reason and the time as they are.
            let sql = "UPDATE feeds SET next_reason = 'hand', next_poll = $2 WHERE id = $1 AND kind <> 'posted'";
            if tx.execute(sql, args![id.0, now]).await? == 0 {
                return Err(StoreError::Invalid("what is posted is not polled".to_owned()));
            }
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    /// Says until when a push subscription stands for polling the feed; `None` that there is none any more, which makes
    /// the feed due by its interval again.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_push(&self, id: FeedId, until: Option<Timestamp>) -> Result<()> {
        transaction!(self, |tx| { Self::push_in(&mut tx, id, until).await })?;
        self.inner.signals.stir();
        Ok(())
    }

    /// [`Store::set_push`] within a transaction.
    pub(crate) async fn push_in(tx: &mut Tx, id: FeedId, until: Option<Timestamp>) -> Result<()> {
        let now = tx.now().await?;
        let sql = "SELECT next_poll, interval_s, push_until FROM feeds WHERE id = $1";
        let row = tx.fetch_opt(sql, args![id.0]).await?;
        let row = row.ok_or_else(|| StoreError::NotFound(format!("feed {id}")))?;
        if row.opt_time(2)? == until {
            return Ok(());
        }
        let by_interval = later(now, Duration::from_secs(row.int(1)?.try_into().unwrap_or_default()));
        let sooner = until.is_none() && row.time(0)? > by_interval;
        Self::lock_feed(tx, id, sooner.then_some(by_interval)).await?;
        tx.execute("UPDATE feeds SET push_until = $2 WHERE id = $1", args![id.0, until]).await?;
        if sooner {
            let sql = "UPDATE feeds SET next_poll = $2, next_reason = 'interval' \
                       WHERE id = $1 AND next_poll > $2 AND next_reason NOT LIKE 'claimed %'";
            tx.execute(sql, args![id.0, by_interval]).await?;
        }
        Self::note_activity(tx).await
    }

    /// Sets how many seconds after its publication an entry of the feed should be seen; `None` for the configured target.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_target(&self, id: FeedId, seconds: Option<i64>) -> Result<()> {
        transaction!(self, |tx| {
            match tx.execute("UPDATE feeds SET target_s = $2 WHERE id = $1", args![id.0, seconds]).await? {
                0 => Err(StoreError::NotFound(format!("feed {id}"))),
                _ => Ok(()),
            }
        })
    }

    /// How many feeds are in each state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_counts(&self) -> Result<Vec<(FeedState, i64)>> {
        Ok(self.counts().await?.feeds.into_iter().collect())
    }
}
