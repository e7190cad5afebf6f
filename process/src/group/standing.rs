//! Changes of standing: an organization accepted, suspended, a feed proven. Its items are looked at again.

use std::collections::HashSet;

use carewire_schemas::{FeedId, ItemId};
use carewire_store::{GroupState, Store, StoreError};

use super::Standings;

/// Items that are looked at again at a time.
pub const PAGE: usize = 500;

/// Standings of all feeds in `state` and of `more`.
pub async fn standings(
    store: &Store,
    state: &GroupState,
    more: impl IntoIterator<Item = FeedId>,
) -> Result<Standings, StoreError> {
    let feeds: HashSet<FeedId> = state.sources.values().map(|source| source.feed).chain(more).collect();
    if feeds.is_empty() {
        return Ok(Standings::new());
    }
    let mut feeds: Vec<FeedId> = feeds.into_iter().collect();
    feeds.sort_unstable();
    store.standings(&feeds).await
}

/// The given items as the store knows them, with all their sources, put into `state`.
pub async fn fill(
    store: &Store,
    state: &mut GroupState,
    items: impl IntoIterator<Item = ItemId>,
) -> Result<(), StoreError> {
    let missing: HashSet<ItemId> = items.into_iter().filter(|item| !state.items.contains_key(item)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut missing: Vec<ItemId> = missing.into_iter().collect();
    missing.sort_unstable();
    let more = store.group_items(&missing).await?;
    state.sources.extend(more.sources);
    state.items.extend(more.items);
    Ok(())
}
