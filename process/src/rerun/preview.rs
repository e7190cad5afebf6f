//! What a run would change: the real code, on a grouper of its own that writes nothing.

use std::{collections::HashSet, sync::Arc};

use carewire_schemas::{EntryId, FeedId, TraceParent};
use carewire_store::Store;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{PAGE, Report, RerunError, blocking, kept, other};
use crate::{
    group::{Grouper, Prepared, stored_item},
    policy::Policy,
};

/// Goes over all entries that the store keeps and says what [`super::reclassify`] would change of the items, under the code, the
/// vocabulary and these rules of now. Changes nothing.
///
/// # Errors
/// When the store fails, or what it holds cannot be read.
pub async fn preview(
    store: &Store,
    policy: &Arc<Policy>,
    stop: &CancellationToken,
    mut progress: impl FnMut(u64),
) -> Result<Report, RerunError> {
    let mut report = Report::default();
    let mut after = None;
    while !stop.is_cancelled() {
        let page = store.entries_for_rerun(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.row.feed, last.row.entry));
        let entries: Vec<EntryId> = page.iter().filter(|one| !one.row.deleted).map(|one| one.row.entry).collect();
        let state = store.group_state(&entries, &[]).await?;
        let known: HashSet<EntryId> = entries.into_iter().filter(|entry| state.sources.contains_key(entry)).collect();
        let feeds: HashSet<FeedId> = state.sources.values().map(|source| source.feed).collect();
        let standings = store.standings(&feeds.into_iter().collect::<Vec<_>>()).await?;
        let read = page.len() as u64;
        let policy = policy.clone();
        report = blocking(move || -> Result<Report, String> {
            let batch: Vec<Prepared> = page
                .iter()
                .filter(|one| known.contains(&one.row.entry))
                .filter_map(|one| kept(one, u32::MAX))
                .map(|tagged| Prepared::under(&policy, tagged, TraceParent::new()))
                .collect();
            report.passed_over += read - batch.len() as u64;
            if batch.is_empty() {
                return Ok(report);
            }
            let mut grouper = Grouper::under(policy).map_err(|error| error.to_string())?;
            grouper.at(Timestamp::now());
            let step = grouper.step(batch, state.clone(), &standings).map_err(|error| error.to_string())?;
            for (item, _) in &step.items {
                if let Some(stored) = stored_item(&state, item.item).map_err(|error| error.to_string())? {
                    report.count(&stored, item);
                }
            }
            Ok(report)
        })
        .await?
        .map_err(other)?;
        report.entries += read;
        progress(report.entries);
    }
    Ok(report)
}
