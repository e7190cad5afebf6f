//! Deltas (RFC 3229, with the `feed` instance manipulation that readers use): who sends `A-IM: feed` and the entity tag of a
//! state that is remembered gets 226 and a feed of what is new or changed since, instead of all of it.
//!
//! A state is remembered as the versions of the items that it held. A client whose state is forgotten (or that asked
//! another process) gets the whole feed, as RFC 3229 allows at any time.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{body::Body, response::Response};
use carewire_schemas::ItemId;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    FeedsState,
    address::{Address, Part},
    build::As,
    cache::{Rendered, Slot},
    respond::bare_tags,
};

/// States of one feed that are remembered: some minutes of a busy one, days of a quiet one.
const REMEMBERED: usize = 8;

/// The items of a state with their versions.
type Versions = Arc<HashSet<(ItemId, i64)>>;

/// Older states of one feed.
#[derive(Default)]
pub(super) struct States {
    kept: Mutex<VecDeque<(String, Versions)>>,
}

impl States {
    /// Remembers a state that is about to be replaced.
    pub fn keep(&self, state: &Rendered) {
        let tag = state.identity.etag.to_str().unwrap_or_default().trim_matches('"').to_owned();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if state.versions.is_empty() || kept.iter().any(|(known, _)| *known == tag) {
            return;
        }
        if kept.len() >= REMEMBERED {
            kept.pop_front();
        }
        kept.push_back((tag, Arc::new(state.versions.iter().copied().collect())));
    }

    /// The newest remembered state among the entity tags that a client sent, with its tag.
    fn find(&self, tags: &[u8]) -> Option<(String, Versions)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().find(|(tag, _)| bare_tags(tags).any(|sent| sent == tag.as_bytes())).cloned()
    }
}

impl FeedsState {
    /// What is new to the client, where it asks for that and its state is remembered.
    pub(super) async fn delta(&self, slot: &Slot, current: &Rendered, asked: &HeaderMap) -> Option<Response> {
        let manipulations = asked.get("a-im")?.to_str().ok()?;
        let wanted = |one: &str| one.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("feed"));
        if !manipulations.split(',').any(wanted) {
            return None;
        }
        let Address::Feed(address) = &slot.address else { return None };
        if address.part != Part::Newest {
            return None;
        }
        let tags = asked.get(header::IF_NONE_MATCH)?.as_bytes();
        // Who has the current state is told so by 304.
        let own = current.identity.etag.to_str().ok()?.trim_matches('"').to_owned();
        if bare_tags(tags).any(|sent| sent == own.as_bytes()) {
            return None;
        }
        let (tag, known) = slot.states.find(tags)?;
        let built = self.build(address, As::Delta(&known)).await.ok()?;
        let mut headers = current.identity.headers.clone();
        // What was built now may be newer than what the tag stands for: then the whole is the safer answer.
        let same = built.versions == current.versions;
        if !same {
            return None;
        }
        headers.insert("im", HeaderValue::from_static("feed"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, im"));
        headers.insert("delta-base", HeaderValue::from_str(&format!("\"{tag}\"")).ok()?);
        headers.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding, a-im, if-none-match"));
        let mut response = Response::new(Body::from(built.body));
        *response.status_mut() = StatusCode::IM_USED;
        *response.headers_mut() = headers;
        Some(response)
    }
}
