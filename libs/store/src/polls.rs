//! What comes back from polls: write-backs of many feeds in one transaction.

use std::collections::{BTreeSet, HashMap, HashSet};

use carewire_schemas::{EntryId, FeedId};
use jiff::Timestamp;

use uuid::Uuid;

use crate::{
    Feed, FeedKind, FeedMemory, FeedProblem, FeedState, FindingsChange, FreshnessTally, NewProposal, NewTask,
    PageAddress, Result, Store, StoreError,
    counts::Tallies,
    db::{LIST, Tx, args, later, transaction},
};

/// What is stored of a feed that was polled.
struct Polled {
    host: String,
    url: String,
    state: FeedState,
    entries: i64,
}

/// Where feeds move to: address and host.
type Moves = HashMap<FeedId, (String, String)>;

/// By what a feed's next poll can be answered shortly.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Validators {
    /// `ETag`, as sent.
    pub etag: Option<String>,
    /// `Last-Modified`, as sent.
    pub last_modified: Option<String>,
    /// Hash of the body.
    pub body_hash: Option<i64>,
    /// The address that gave the first two, where it is not the feed's own (which redirected to it).
    pub url: Option<String>,
}

/// What a feed says of itself; `None` leaves a field as it is.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct FeedMeta {
    /// Title.
    pub title: Option<String>,
    /// Site.
    pub site_url: Option<String>,
    /// Language.
    pub language: Option<String>,
    /// Format.
    pub format: Option<String>,
    /// WebSub hub.
    pub hub: Option<String>,
    /// What it turned out to be.
    pub kind: Option<FeedKind>,
}

/// An entry as it is to be remembered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryWrite {
    /// The entry.
    pub entry: EntryId,
    /// Hash of its content.
    pub hash: i64,
    /// Its version: the feed's turn.
    pub version: i64,
    /// Declared deleted.
    pub deleted: bool,
    /// The raw revision, compressed (zstd). Empty: none is kept, and the one there is stays.
    pub revision: Vec<u8>,
    /// Hash of the identity that it has without its id; `None` keeps what is there.
    pub link: Option<i64>,
    /// Its page, which is looked at again now and then; `None` keeps what is there.
    pub page: Option<PageAddress>,
}

/// The end of one claimed feed.
#[derive(Clone, PartialEq, Debug)]
pub struct PollDone {
    /// The feed.
    pub feed: FeedId,
    /// The turn it was claimed in; when the feed has a newer one, nothing is written.
    pub turn: i64,
    /// When it was polled.
    pub at: Timestamp,
    /// Whether the poll succeeded (304 included).
    pub ok: bool,
    /// It was delivered by a hub or found beside the feed: its entries count, no poll does.
    pub delivered: bool,
    /// HTTP status of the answer.
    pub status: Option<i32>,
    /// What went wrong.
    pub error: Option<String>,
    /// What the next request may be made conditional on; `None` keeps what is there.
    pub validators: Option<Validators>,
    /// When it is due next (not taken when somebody asked for a poll meanwhile).
    pub next_poll: Timestamp,
    /// Why then.
    pub next_reason: String,
    /// Seconds between polls from now on.
    pub interval_s: i64,
    /// Failures in a row.
    pub failures: i64,
    /// What the feed says of itself.
    pub meta: FeedMeta,
    /// Problems found; `None` keeps what is there (304).
    pub problems: Option<Vec<FeedProblem>>,
    /// Where it moved to for good, with the host (name or address without port) of that address. Not taken when
    /// another feed is registered there.
    pub new_url: Option<(String, String)>,
    /// A new state.
    pub state: Option<FeedState>,
    /// Entries new, changed or deleted.
    pub entries: Vec<EntryWrite>,
    /// What polling is to remember; `None` keeps what is there.
    pub memory: Option<FeedMemory>,
    /// Addresses to propose to its owner.
    pub proposals: Vec<NewProposal>,
    /// What is to be asked for besides.
    pub tasks: Vec<NewTask>,
    /// How soon its new entries were seen.
    pub tally: FreshnessTally,
    /// What began and what ended to be wrong with it.
    pub findings: FindingsChange,
}

impl PollDone {
    /// The end of a poll that went well and found nothing: due again after the feed's interval.
    #[must_use]
    pub fn of(feed: &Feed, at: Timestamp) -> Self {
        let interval = std::time::Duration::from_secs(u64::try_from(feed.interval_s).unwrap_or_default());
        Self {
            feed: feed.id,
            turn: feed.turn,
            at,
            delivered: false,
            ok: true,
            status: None,
            error: None,
            validators: None,
            next_poll: later(at, interval),
            next_reason: "interval".to_owned(),
            interval_s: feed.interval_s,
            failures: 0,
            meta: FeedMeta::default(),
            problems: None,
            new_url: None,
            state: None,
            entries: Vec::new(),
            memory: None,
            proposals: Vec::new(),
            tasks: Vec::new(),
            tally: FreshnessTally::default(),
            findings: FindingsChange::default(),
        }
    }
}

impl Store {
    async fn polled(tx: &mut Tx, done: &[PollDone]) -> Result<HashMap<FeedId, Polled>> {
        let ids: Vec<Uuid> = done.iter().map(|poll| poll.feed.0).collect();
        let mut polled = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(LIST) {
            let mut sql = tx.sql("SELECT id, host, url, state, entries FROM feeds WHERE id");
            sql.ids(ids);
            for row in tx.rows(sql).await? {
                let feed = Polled { host: row.text(1)?, url: row.text(2)?, state: row.named(3)?, entries: row.int(4)? };
                polled.insert(FeedId(row.uuid(0)?), feed);
            }
        }
        Ok(polled)
    }

    /// Moves to addresses where no other feed is.
    async fn free_moves(tx: &mut Tx, done: &[PollDone], known: &HashMap<FeedId, Polled>) -> Result<Moves> {
        let mut moves = Moves::new();
        let mut targets = HashSet::new();
        for poll in done {
            if let (Some((url, host)), Some(known)) = (&poll.new_url, known.get(&poll.feed))
                && *url != known.url
                && targets.insert(url.clone())
            {
                moves.insert(poll.feed, (url.clone(), host.clone()));
            }
        }
        for urls in targets.into_iter().collect::<Vec<_>>().chunks(LIST) {
            let mut sql = tx.sql("SELECT url FROM feeds WHERE url");
            sql.texts(urls);
            for row in tx.rows(sql).await? {
                let taken = row.text(0)?;
                moves.retain(|_, (url, _)| *url != taken);
            }
        }
        Ok(moves)
    }

    /// Writes the feeds whose turn is still the one polled, and says which.
    async fn write_polls(tx: &mut Tx, done: &[PollDone], moves: &Moves) -> Result<HashSet<FeedId>> {
        let mut values = Vec::with_capacity(done.len() * 26);
        let mut seen = HashSet::new();
        for poll in done {
            if !seen.insert(poll.feed) {
                return Err(StoreError::Invalid(format!("feed {} stands twice in one write-back", poll.feed)));
            }
            let problems = poll.problems.as_ref().map(serde_json::to_string).transpose();
            let validators = poll.validators.clone().unwrap_or_default();
            let memory = poll.memory.as_ref().map(serde_json::to_string).transpose();
            let (url, host) = moves.get(&poll.feed).cloned().unzip();
            values.append(&mut args![
                poll.feed.0,
                poll.turn,
                poll.at,
                poll.ok,
                poll.status,
                poll.error.clone(),
                poll.validators.is_some(),
                validators.etag,
                validators.last_modified,
                validators.body_hash,
                poll.next_poll,
                &*poll.next_reason,
                poll.interval_s,
                poll.failures,
                poll.meta.title.clone(),
                poll.meta.site_url.clone(),
                poll.meta.language.clone(),
                poll.meta.format.clone(),
                poll.meta.hub.clone(),
                poll.meta.kind.map(FeedKind::as_str),
                problems.map_err(StoreError::unreadable)?,
                url,
                host,
                poll.state.map(FeedState::as_str),
                validators.url,
                memory.map_err(StoreError::unreadable)?
            ]);
        }
        // Asked for by hand meanwhile: the time stays, and so the feed is polled again.
        let written = tx
            .insert_returning(
                "UPDATE feeds SET last_poll = v.column3, \
                 last_success = CASE WHEN v.column4 = 1 THEN v.column3 ELSE last_success END, \
                 last_status = v.column5, last_error = v.column6, \
                 etag = CASE WHEN v.column7 = 1 THEN v.column8 ELSE etag END, \
                 last_modified = CASE WHEN v.column7 = 1 THEN v.column9 ELSE last_modified END, \
                 body_hash = CASE WHEN v.column7 = 1 THEN v.column10 ELSE body_hash END, \
                 validators_url = CASE WHEN v.column7 = 1 THEN v.column25 ELSE validators_url END, \
                 next_poll = CASE WHEN next_reason = 'hand' THEN next_poll ELSE v.column11 END, \
                 next_reason = CASE WHEN next_reason = 'hand' THEN next_reason ELSE v.column12 END, \
                 interval_s = v.column13, failures = v.column14, title = COALESCE(v.column15, title), \
                 site_url = COALESCE(v.column16, site_url), language = COALESCE(v.column17, language), \
                 format = COALESCE(v.column18, format), hub = COALESCE(v.column19, hub), \
                 kind = COALESCE(v.column20, kind), problems = COALESCE(v.column21, problems), \
                 url = COALESCE(v.column22, url), host = COALESCE(v.column23, host), \
                 state = COALESCE(v.column24, state), memory = COALESCE(v.column26, memory) FROM (",
                26,
                ") AS v WHERE feeds.id = v.column1 AND feeds.turn = v.column2 RETURNING feeds.id",
                values,
            )
            .await?;
        written.iter().map(|row| Ok(FeedId(row.uuid(0)?))).collect()
    }

    /// Writes the entries of the feeds applied; answers how many were not known before.
    async fn write_entries(
        tx: &mut Tx,
        done: &[PollDone],
        applied: &HashSet<FeedId>,
        known: &HashMap<FeedId, Polled>,
    ) -> Result<i64> {
        let of = |poll: &&PollDone| applied.contains(&poll.feed) && !poll.entries.is_empty();
        let all: Vec<_> = done.iter().filter(of).map(|poll| (poll.feed, &*poll.entries)).collect();
        Self::write_entries_of(tx, &all, |feed| known.get(&feed).map_or(0, |feed| feed.entries)).await
    }

    /// Writes entries of feeds, of which `before` says how many entries they had; answers how many were not known before.
    async fn write_entries_of(
        tx: &mut Tx,
        all: &[(FeedId, &[EntryWrite])],
        before: impl Fn(FeedId) -> i64,
    ) -> Result<i64> {
        let (mut rows, mut revisions, mut pages) = (Vec::new(), Vec::new(), Vec::new());
        let (mut feeds, mut hosts, mut first_look) = (Vec::new(), BTreeSet::new(), None);
        for (feed, entries) in all {
            feeds.push(feed.0);
            // One statement cannot write a row twice: the last of equal ids counts.
            let mut seen = HashSet::with_capacity(entries.len());
            for entry in entries.iter().rev().filter(|entry| seen.insert(entry.entry)) {
                rows.append(&mut args![feed.0, entry.entry.0, entry.hash, entry.version, entry.deleted, entry.link]);
                if !entry.revision.is_empty() {
                    revisions.append(&mut args![entry.entry.0, entry.revision.clone()]);
                }
                if let Some(PageAddress { url, host, first_look: look }) = &entry.page {
                    pages.append(&mut args![entry.entry.0, feed.0, &**host, &**url, *look]);
                    first_look = Some(first_look.map_or(*look, |first: Timestamp| first.min(*look)));
                    hosts.insert(host.clone());
                }
            }
        }
        tx.insert(
            "INSERT INTO entries (feed, id, hash, version, deleted, link)",
            6,
            " ON CONFLICT (feed, id) DO UPDATE SET hash = excluded.hash, version = excluded.version, \
             deleted = excluded.deleted, link = COALESCE(excluded.link, entries.link) \
             WHERE excluded.version >= entries.version",
            rows,
        )
        .await?;
        tx.insert(
            "INSERT INTO revisions (entry, data)",
            2,
            " ON CONFLICT (entry) DO UPDATE SET data = excluded.data",
            revisions,
        )
        .await?;
        Self::write_pages(tx, hosts.into_iter().collect(), pages, first_look).await?;
        let mut added = 0;
        for ids in feeds.chunks(LIST) {
            let mut sql =
                tx.sql("UPDATE feeds SET entries = (SELECT COUNT(*) FROM entries e WHERE e.feed = feeds.id) WHERE id");
            sql.ids(ids).push(" RETURNING id, entries");
            for row in tx.rows(sql).await? {
                added += row.int(1)? - before(FeedId(row.uuid(0)?));
            }
        }
        Ok(added)
    }

    /// Remembers entries that came otherwise than by a claimed poll (an archive): what is known in a newer version stays.
    ///
    /// # Errors
    /// When the database fails; `NotFound`.
    pub async fn add_entries(&self, feed: FeedId, entries: Vec<EntryWrite>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        transaction!(self, |tx| {
            let mut sql = tx.sql("SELECT entries FROM feeds WHERE id = ");
            sql.bind(feed.0).for_update();
            let row = tx.rows(sql).await?.into_iter().next();
            let before = row.ok_or_else(|| StoreError::NotFound(format!("feed {feed}")))?.int(0)?;
            let added = Self::write_entries_of(&mut tx, &[(feed, &entries)], |_| before).await?;
            let mut tallies = Tallies::default();
            tallies.add("entries", added);
            tallies.write(&mut tx).await
        })
    }

    /// Writes back the ends of many polls in one transaction. `false` stands where the feed has a newer turn:
    /// nothing of that poll was written.
    ///
    /// # Errors
    /// When the database fails; nothing is written then.
    pub async fn finish_polls(&self, done: Vec<PollDone>) -> Result<Vec<bool>> {
        if done.is_empty() {
            return Ok(Vec::new());
        }
        let (applied, stir) = transaction!(self, |tx| {
            let known = Self::polled(&mut tx, &done).await?;
            let moves = Self::free_moves(&mut tx, &done, &known).await?;
            Self::hosts_due(&mut tx, moves.values().map(|(_, host)| (host.clone(), Timestamp::MAX))).await?;
            let hosts = known.values().map(|feed| &feed.host).chain(moves.values().map(|(_, host)| host));
            let hosts: BTreeSet<String> = hosts.cloned().collect();
            Self::lock_hosts(&mut tx, &hosts).await?;
            let applied = Self::write_polls(&mut tx, &done, &moves).await?;
            let mut tallies = Tallies::default();
            for poll in done.iter().filter(|poll| applied.contains(&poll.feed)) {
                if let (Some(state), Some(known)) = (poll.state, known.get(&poll.feed)) {
                    tallies.add(format!("feeds:{}", known.state), -1);
                    tallies.add(format!("feeds:{state}"), 1);
                }
            }
            Self::recompute_due(&mut tx, &hosts.into_iter().collect::<Vec<_>>()).await?;
            let added = Self::write_entries(&mut tx, &done, &applied, &known).await?;
            Self::write_weeks(&mut tx, &done, &applied).await?;
            Self::write_findings(&mut tx, &done, &applied).await?;
            let (mut proposals, mut tasks) = (Vec::new(), Vec::new());
            for poll in done.iter().filter(|poll| applied.contains(&poll.feed)) {
                proposals.extend(poll.proposals.iter().map(|proposal| (poll.feed, proposal)));
                tasks.extend(&poll.tasks);
            }
            Self::write_proposals(&mut tx, &proposals).await?;
            Self::write_tasks(&mut tx, &tasks).await?;
            tallies.add("entries", added);
            tallies.write(&mut tx).await?;
            let answers: Vec<bool> = done.iter().map(|poll| applied.contains(&poll.feed)).collect();
            Ok((answers, !moves.is_empty()))
        })?;
        if stir {
            self.inner.signals.stir();
        }
        Ok(applied)
    }
}
