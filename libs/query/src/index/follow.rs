//! Feeding the index from the sequence.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use carewire_conditions::Vocabulary;
use carewire_schemas::{ChangeSeq, ItemId};
use carewire_store::{Changes, ItemState, Store, StoreError};
use tokio_util::sync::CancellationToken;

use super::{IndexChange, IndexError, IndexedItem, SearchIndex};

/// Changes read at once.
const BATCH: usize = 1_000;
/// Under load a commit takes so many changes …
const COMMIT_CHANGES: usize = 10_000;
/// … when built anew, so many (nobody waits for a single item) …
const COMMIT_REBUILD: usize = 20_000;
/// … and when it is quiet, commits are at least this far apart.
const COMMIT_PAUSE: Duration = Duration::from_millis(200);
/// Commits that take long are further apart: a commit and the merges behind it cost the same for ten items as for a
/// thousand. Feeds do not wait for it, they lay the newest changes over what the index says.
const COMMIT_SHARE: u32 = 15;
/// … but never further than this.
const COMMIT_PAUSE_MAX: Duration = Duration::from_secs(3);
/// A burst that has ended is committed sooner: after so long without news …
const QUIET: Duration = Duration::from_millis(250);
/// … and so long after the commit before.
const COMMIT_PAUSE_QUIET: Duration = Duration::from_secs(1);
/// Beyond this the item rows are read, each item once, instead of the log.
const REBUILD_BEYOND: ChangeSeq = 50_000;

/// What can go wrong in between; all of it is tried again.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the indexing task ended: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl SearchIndex {
    /// Keeps the index up to date until `stop`. Trouble with store or disk is logged once each time, and tried again with
    /// back-off from the last commit on.
    ///
    /// # Errors
    /// When the index can be neither written nor set back to its last commit: only opening it again helps.
    pub async fn follow(
        self: &Arc<Self>,
        store: &Store,
        vocabulary: &'static Vocabulary,
        stop: &CancellationToken,
    ) -> Result<(), IndexError> {
        let mut wait = Duration::from_millis(200);
        loop {
            let before = self.position();
            let result = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                result = follow_until_trouble(store, self, vocabulary) => result,
            };
            let Err(error) = result else { continue };
            if self.position() > before {
                wait = Duration::from_millis(200);
            }
            tracing::warn!(%error, again_in = ?wait, "the search index does not follow");
            if let Err(FollowError::Index(error)) = blocking(self, |index| index.rollback()).await {
                return Err(error);
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
            wait = (wait * 2).min(Duration::from_secs(10));
        }
    }
}

/// Where the follower stands between commits.
struct Progress {
    /// Taken in up to here.
    at: ChangeSeq,
    /// Changes taken in since the last commit.
    pending: usize,
    committed: Instant,
    /// How long to wait after that commit.
    pause: Duration,
}

async fn follow_until_trouble(
    store: &Store,
    index: &Arc<SearchIndex>,
    vocabulary: &'static Vocabulary,
) -> Result<(), FollowError> {
    let mut sequence = store.sequence();
    let last = store.last_seq().await?;
    let mut now =
        Progress { at: index.position(), pending: 0, committed: Instant::now() - COMMIT_PAUSE, pause: COMMIT_PAUSE };
    if now.at > last {
        tracing::warn!(index = now.at, store = last, "the search index is ahead of the store: building it anew");
        blocking(index, |index| index.clear()).await?;
        now.at = 0;
    }
    if last - now.at > REBUILD_BEYOND || (now.at == 0 && last > 0) {
        rebuild(store, index, vocabulary, &mut now).await?;
    }
    loop {
        let target = (*sequence.borrow_and_update()).max(last);
        while now.at < target {
            index.recent().advance(store, target).await?;
            let rows = match index.recent().between(now.at, target) {
                Some(rows) => rows,
                None => match store.changes(now.at, BATCH).await? {
                    Changes::Rows(rows) => rows.into_iter().map(Arc::new).collect(),
                    Changes::TooOld => {
                        rebuild(store, index, vocabulary, &mut now).await?;
                        continue;
                    }
                },
            };
            if rows.is_empty() {
                // Numbers without rows cannot be; were it so, waiting is right.
                break;
            }
            for rows in rows.chunks(BATCH) {
                take(store, index, vocabulary, rows, &mut now).await?;
                if now.pending >= COMMIT_CHANGES {
                    commit(index, &mut now).await?;
                }
            }
        }
        if now.pending > 0 && now.committed.elapsed() >= now.pause {
            commit(index, &mut now).await?;
        }
        let moved = sequence.changed();
        if now.pending > 0 {
            let left = now.pause.saturating_sub(now.committed.elapsed());
            let quiet = tokio::time::timeout(left.min(QUIET), moved).await.is_err();
            if quiet && now.committed.elapsed() >= COMMIT_PAUSE_QUIET {
                commit(index, &mut now).await?;
            }
        } else if moved.await.is_err() {
            // The store's watcher is gone, which only its end explains.
            return Err(StoreError::Unavailable("the store was closed".to_owned()).into());
        }
    }
}

/// Takes in a run of change rows: each item once, as it is now.
async fn take(
    store: &Store,
    index: &Arc<SearchIndex>,
    vocabulary: &'static Vocabulary,
    rows: &[Arc<carewire_store::ChangeRow>],
    now: &mut Progress,
) -> Result<(), FollowError> {
    // Whether anything of the item can be in the index: not if it was not public before its first change here.
    let mut known: HashMap<ItemId, bool> = HashMap::with_capacity(rows.len());
    for row in rows {
        known.entry(row.item).or_insert(row.before.is_some());
    }
    let mut wanted: Vec<ItemId> = known.keys().copied().collect();
    wanted.sort_unstable();
    let mut changes = Vec::with_capacity(wanted.len());
    for content in store.contents(&wanted).await? {
        let Some(was_known) = known.remove(&content.id) else { continue };
        changes.push(match (content.state, content.first) {
            (ItemState::Curated, Some(first)) => {
                let item = IndexedItem { id: content.id, first, content: content.content };
                if was_known { IndexChange::Put(item) } else { IndexChange::Add(item) }
            }
            _ => IndexChange::Remove(content.id),
        });
    }
    changes.extend(known.into_keys().map(IndexChange::Remove));
    now.pending += changes.len();
    blocking(index, move |index| index.apply(changes, vocabulary)).await?;
    if let Some(last) = rows.last() {
        now.at = last.seq;
    }
    Ok(())
}

/// Reads item rows in order of their last change from `now` on.
async fn rebuild(
    store: &Store,
    index: &Arc<SearchIndex>,
    vocabulary: &'static Vocabulary,
    now: &mut Progress,
) -> Result<(), FollowError> {
    let fresh = now.at == 0;
    let (started, mut items) = (Instant::now(), 0_usize);
    loop {
        let rows = store.items_by_seq(now.at, BATCH).await?;
        let Some(last) = rows.last().and_then(|row| row.seq) else { break };
        let mut changes = Vec::with_capacity(rows.len());
        for row in rows {
            changes.push(match (row.state, row.first) {
                (ItemState::Curated, Some(first)) => {
                    // An item changed while this reads comes a second time, by its new number.
                    let twice = !fresh || row.public_version > 1;
                    let item = IndexedItem { id: row.id, first, content: row.content };
                    if twice { IndexChange::Put(item) } else { IndexChange::Add(item) }
                }
                _ => IndexChange::Remove(row.id),
            });
        }
        items += changes.len();
        now.pending += changes.len();
        blocking(index, move |index| index.apply(changes, vocabulary)).await?;
        now.at = last;
        if now.pending >= COMMIT_REBUILD {
            commit(index, now).await?;
        }
    }
    commit(index, now).await?;
    tracing::info!(items, seconds = started.elapsed().as_secs_f32(), "search index built from the item rows");
    Ok(())
}

async fn commit(index: &Arc<SearchIndex>, now: &mut Progress) -> Result<(), FollowError> {
    let (at, began) = (now.at, Instant::now());
    blocking(index, move |index| index.commit(at)).await?;
    now.pause = (began.elapsed() * COMMIT_SHARE).clamp(COMMIT_PAUSE, COMMIT_PAUSE_MAX);
    (now.pending, now.committed) = (0, Instant::now());
    Ok(())
}

async fn blocking<T: Send + 'static>(
    index: &Arc<SearchIndex>,
    work: impl FnOnce(&SearchIndex) -> Result<T, IndexError> + Send + 'static,
) -> Result<T, FollowError> {
    let index = Arc::clone(index);
    Ok(tokio::task::spawn_blocking(move || work(&index)).await??)
}
