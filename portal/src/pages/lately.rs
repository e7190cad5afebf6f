//! What the network was about lately, out of the change log: kept for some seconds, since every visit asks.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use carewire_schemas::{ConditionCode, ItemId};
use carewire_store::Changes;
use jiff::Timestamp;

use crate::{problem::Problem, state::PortalState};

/// How long an answer is good for.
const KEPT: Duration = Duration::from_secs(15);
/// How long while there is hardly anything: what comes in should be seen at once.
const KEPT_AT_FIRST: Duration = Duration::from_secs(1);
/// How many changes are looked at.
const CHANGES: i64 = 2_000;
/// How many conditions are shown.
const SHOWN: usize = 12;

/// What the newest changes tell.
#[derive(Default)]
pub(crate) struct Summary {
    /// The conditions that most of the changed items are about, with how many items.
    pub conditions: Vec<(ConditionCode, usize)>,
    /// When the public state last changed.
    pub last_change: Option<Timestamp>,
}

/// The last summary and when it was made.
#[derive(Default)]
pub(crate) struct Lately {
    kept: Mutex<Option<(Instant, Arc<Summary>)>>,
}

impl Lately {
    /// The summary, at most [`KEPT`] old.
    pub(crate) async fn get(&self, state: &PortalState) -> Result<Arc<Summary>, Problem> {
        if let Some((made, summary)) = &*self.kept.lock().unwrap_or_else(PoisonError::into_inner)
            && made.elapsed() < if summary.conditions.len() < SHOWN { KEPT_AT_FIRST } else { KEPT }
        {
            return Ok(Arc::clone(summary));
        }
        let summary = Arc::new(make(state).await?);
        let made = (Instant::now(), Arc::clone(&summary));
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
        Ok(summary)
    }
}

async fn make(state: &PortalState) -> Result<Summary, Problem> {
    let store = state.store();
    let after = (store.last_seq().await? - CHANGES).max(0);
    let limit = usize::try_from(CHANGES).unwrap_or_default();
    let Changes::Rows(rows) = store.changes(after, limit).await? else {
        return Ok(Summary::default());
    };
    let last_change = rows.last().and_then(|row| Timestamp::from_millisecond(row.at).ok());
    let mut seen: HashSet<ItemId> = HashSet::new();
    let mut counts: HashMap<ConditionCode, usize> = HashMap::new();
    for row in rows.into_iter().rev() {
        if seen.insert(row.item) {
            for code in row.after.into_iter().flat_map(|fields| fields.about) {
                *counts.entry(code).or_default() += 1;
            }
        }
    }
    let mut conditions = counts.into_iter().collect::<Vec<_>>();
    conditions.sort_by(|(code_a, count_a), (code_b, count_b)| count_b.cmp(count_a).then_with(|| code_a.cmp(code_b)));
    conditions.truncate(SHOWN);
    Ok(Summary { conditions, last_change })
}
