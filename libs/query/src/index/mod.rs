//! Full text: one Tantivy index per serving process, fed from the sequence.
//!
//! The index holds no text, only what finds it: ids, and `first` for the order. It remembers in each commit up to which
//! change it has come; what it misses it takes from the change log ([`SearchIndex::follow`]), or from the item rows where the log
//! no longer reaches back or the index was made by another version of schema or words. It serves all the while;
//! [`SearchIndex::position`] says how far it is.

mod document;
mod facets;
mod follow;
mod postings;
mod schema;
mod search;
#[cfg(test)]
mod tests;
mod words;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use arc_swap::ArcSwap;
use carewire_conditions::Vocabulary;
use carewire_schemas::{ChangeSeq, ConditionCode, ItemId};
use rustc_hash::FxHashMap;
use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, Term,
    indexer::{IndexWriterOptions, LogMergePolicy, UserOperation},
};
use tokio::sync::watch;

use crate::{recent::Recent, spelling::Spoken};
pub use document::IndexedItem;
pub use facets::{COUNTED, Facet, FacetKind, Facets};
use schema::Fields;
pub use search::{Ask, Cursor, CursorError, Hit, Hits, MAX_OFFSET};

/// Memory of the writer's arena, in bytes.
const WRITER_MEMORY: usize = 24_000_000;

/// What can go wrong with the index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Tantivy's own.
    #[error("search index: {0}")]
    Tantivy(#[from] tantivy::TantivyError),
    /// The folder cannot be made or cleared.
    #[error("search index folder {path}: {error}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// The search index of a process.
pub struct SearchIndex {
    writer: Mutex<IndexWriter>,
    reader: IndexReader,
    fields: Fields,
    snapshot: ArcSwap<Snapshot>,
    position: watch::Sender<ChangeSeq>,
    recent: Recent,
    /// Codes by their keys as facets.
    codes: OnceLock<FxHashMap<u64, ConditionCode>>,
    /// The words of the vocabulary, for what is misspelt.
    spoken: OnceLock<Spoken>,
}

/// A state of the index that can be searched.
struct Snapshot {
    searcher: Searcher,
    position: ChangeSeq,
}

/// A change to be applied.
#[derive(Clone, Debug)]
pub enum IndexChange {
    /// Put an item in, in place of what is there of it.
    Put(IndexedItem),
    /// Put an item in of which nothing is there.
    Add(IndexedItem),
    /// Take an item out.
    Remove(ItemId),
}

impl SearchIndex {
    /// Opens the index in a folder of its own below `dir`, or in memory. An index of another version, or one that
    /// cannot be read, is thrown away: [`SearchIndex::follow`] builds it anew. Where another process has the folder, the index is
    /// kept in memory.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(dir: Option<&Path>) -> Result<Self, IndexError> {
        let Some(dir) = dir else { return Self::start(in_memory()) };
        let version = schema::version();
        let folder = dir.join(&version);
        forget_others(dir, &version);
        let failed = |error| IndexError::Folder { path: folder.clone(), error };
        let opened = fs::create_dir_all(&folder).map_err(failed).and_then(|()| in_folder(&folder));
        let opened = opened.and_then(Self::start);
        match opened {
            Ok(index) => Ok(index),
            Err(IndexError::Tantivy(tantivy::TantivyError::LockFailure(..))) => {
                tracing::warn!(folder = %folder.display(), "another process has the search index: keeping an own one in memory");
                Self::start(in_memory())
            }
            Err(IndexError::Tantivy(error)) => {
                tracing::warn!(folder = %folder.display(), %error, "the search index cannot be read: building it anew");
                set_aside(&folder).map_err(failed)?;
                fs::create_dir_all(&folder).map_err(failed)?;
                Self::start(in_folder(&folder)?)
            }
            Err(error) => Err(error),
        }
    }

    fn start(index: Index) -> Result<Self, IndexError> {
        let (_, fields) = schema::schema();
        schema::register(&index);
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .memory_budget_per_thread(WRITER_MEMORY)
            .num_merge_threads(1)
            .build();
        let writer: IndexWriter = index.writer_with_options(options)?;
        let mut merges = LogMergePolicy::default();
        // Beyond this a merge would take seconds and double the index's size for a while.
        merges.set_max_docs_before_merge(2_000_000);
        merges.set_del_docs_ratio_before_merge(0.3);
        writer.set_merge_policy(Box::new(merges));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let position = index.load_metas()?.payload.and_then(|text| text.parse().ok()).unwrap_or(0);
        let snapshot = ArcSwap::from_pointee(Snapshot { searcher: reader.searcher(), position });
        Ok(Self {
            writer: Mutex::new(writer),
            reader,
            fields,
            snapshot,
            position: watch::Sender::new(position),
            recent: Recent::default(),
            codes: OnceLock::new(),
            spoken: OnceLock::new(),
        })
    }

    /// Up to which change searches see the items.
    #[must_use]
    pub fn position(&self) -> ChangeSeq {
        *self.position.borrow()
    }

    /// Moves with each commit.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<ChangeSeq> {
        self.position.subscribe()
    }

    /// The newest change rows in memory.
    #[must_use]
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// How many items are in the index.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.snapshot().searcher.num_docs()
    }

    /// Whether no item is in the index.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    fn writer(&self) -> MutexGuard<'_, IndexWriter> {
        // A panic while holding it left at most changes that the next commit carries or the next start repeats.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes changes in; they can be found after [`SearchIndex::commit`]. An item that cannot be read is left out with
    /// a warning. Blocks.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn apply(&self, changes: Vec<IndexChange>, vocabulary: &Vocabulary) -> Result<(), IndexError> {
        let mut operations = Vec::with_capacity(changes.len() * 2);
        let mut scratch = String::new();
        let delete = |id: ItemId| UserOperation::Delete(Term::from_field_bytes(self.fields.id, id.0.as_bytes()));
        for change in changes {
            let item = match change {
                IndexChange::Remove(id) => {
                    operations.push(delete(id));
                    continue;
                }
                IndexChange::Put(item) => {
                    operations.push(delete(item.id));
                    item
                }
                IndexChange::Add(item) => item,
            };
            match document::document(&item, &self.fields, vocabulary, &mut scratch) {
                Ok(document) => operations.push(UserOperation::Add(document)),
                Err(error) => tracing::warn!(item = %item.id, %error, "an item cannot be read and is not searchable"),
            }
        }
        crate::metrics::INDEXED.inc_by(operations.len() as u64);
        self.writer().run(operations)?;
        Ok(())
    }

    /// Makes what was taken in searchable and durable, as the state up to `position`. Blocks.
    ///
    /// # Errors
    /// When the index cannot be written; what was taken in since the last commit is forgotten then.
    pub fn commit(&self, position: ChangeSeq) -> Result<(), IndexError> {
        let _timer = crate::metrics::COMMIT_SECONDS.start_timer();
        let mut writer = self.writer();
        let commit = |writer: &mut IndexWriter| {
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&position.to_string());
            prepared.commit()
        };
        if let Err(error) = commit(&mut writer) {
            writer.rollback()?;
            return Err(error.into());
        }
        self.reader.reload()?;
        self.snapshot.store(Arc::new(Snapshot { searcher: self.reader.searcher(), position }));
        drop(writer);
        self.position.send_replace(position);
        crate::metrics::POSITION.set(position);
        Ok(())
    }

    /// Empties the index. Blocks.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn clear(&self) -> Result<(), IndexError> {
        self.writer().delete_all_documents()?;
        self.commit(0)
    }

    /// Forgets what was taken in since the last commit. Blocks.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn rollback(&self) -> Result<(), IndexError> {
        self.writer().rollback()?;
        Ok(())
    }
}

fn in_memory() -> Index {
    Index::create_in_ram(schema::schema().0)
}

fn in_folder(folder: &Path) -> Result<Index, IndexError> {
    let directory = tantivy::directory::MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
    Ok(Index::open_or_create(directory, schema::schema().0)?)
}

/// Moves a folder out of the way at once, whatever still stands in it; removed now or at the next start.
fn set_aside(folder: &Path) -> std::io::Result<()> {
    let aside = folder.with_extension("broken");
    if aside.exists() {
        fs::remove_dir_all(&aside)?;
    }
    fs::rename(folder, &aside)?;
    if let Err(error) = fs::remove_dir_all(&aside) {
        tracing::warn!(folder = %aside.display(), %error, "cannot remove a broken search index");
    }
    Ok(())
}

/// Removes indexes of other versions; what cannot be removed stays.
fn forget_others(dir: &Path, version: &str) {
    let Ok(folders) = fs::read_dir(dir) else { return };
    for folder in folders.flatten() {
        let name = folder.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with('v') && name.contains('-') && name != version);
        if ours && let Err(error) = fs::remove_dir_all(folder.path()) {
            tracing::warn!(folder = %folder.path().display(), %error, "cannot remove an old search index");
        }
    }
}
