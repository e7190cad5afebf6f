//! Which topics a change concerns: the change log is read once, by one worker, for all of them.

use std::collections::HashMap;

use carewire_query::Query;
use carewire_schemas::ChangeSeq;
use carewire_store::{Lease, PushKind, PushTopic};

use super::{metrics, parcel::Source};
use crate::{feeds::topic::Topic, matching};

/// The cursor's name.
pub const CURSOR: &str = "push";
/// Changes read at once.
const BATCH: usize = 500;

/// How far the log was looked at, and what is followed.
pub struct Dispatcher {
    at: ChangeSeq,
    queries: HashMap<(PushKind, String), Option<Query>>,
}

/// The question of a topic; none where it cannot be read (any more).
fn query(topic: &PushTopic, source: Source<'_>) -> Option<Query> {
    let read = match topic.kind {
        PushKind::Hub => Topic::read(&topic.topic, source.vocabulary).map(|topic| topic.query()).map_err(|p| p.detail),
        PushKind::Webhook => {
            let pairs = url::form_urlencoded::parse(topic.topic.as_bytes());
            Query::from_pairs(pairs, source.vocabulary).map_err(|error| error.to_string())
        }
    };
    read.inspect_err(|why| tracing::warn!(topic = topic.topic, why, "a topic cannot be read and is not delivered")).ok()
}

impl Dispatcher {
    /// Goes on at `at`.
    pub fn new(at: ChangeSeq) -> Self {
        Self { at, queries: HashMap::new() }
    }

    /// Looks at the next changes, up to `known`; whether there may be more.
    ///
    /// # Errors
    /// When the store fails or the lease is lost.
    pub async fn advance(
        &mut self,
        source: Source<'_>,
        known: ChangeSeq,
        lease: &Lease,
    ) -> carewire_store::Result<bool> {
        let topics = source.store.push_topics().await?;
        let mut touched: HashMap<(PushKind, String), ChangeSeq> = HashMap::new();
        let mut queries = HashMap::with_capacity(topics.len());
        for topic in topics {
            let key = (topic.kind, topic.topic.clone());
            let query = match self.queries.remove(&key) {
                Some(query) => query,
                None => {
                    // What was looked at before this topic was known may concern it: who is behind is to be looked after.
                    touched.insert(key.clone(), self.at);
                    query(&topic, source)
                }
            };
            queries.insert(key, query);
        }
        self.queries = queries;
        let (mut upto, mut more) = (self.at, false);
        if self.queries.is_empty() {
            upto = known.max(self.at);
        } else if self.at < known {
            let changes = matching::read(source.store, self.at, BATCH).await?;
            more = changes.len() == BATCH;
            for change in &changes {
                upto = change.row.seq;
                for (key, query) in &self.queries {
                    if query.as_ref().is_some_and(|query| change.to(query, source.vocabulary).is_some()) {
                        touched.insert(key.clone(), upto);
                    }
                }
            }
        }
        metrics::LAG.set((known - upto).max(0));
        if upto > self.at || !touched.is_empty() {
            let touched = touched.into_iter().map(|((kind, topic), last)| PushTopic { kind, topic, last });
            let touched: Vec<_> = touched.collect();
            source.store.push_touched(&touched, (CURSOR, upto), lease).await?;
            self.at = upto;
        }
        Ok(more)
    }
}
