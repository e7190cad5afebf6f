//! Which entry is which, and what happened to each: pure functions over what was read and what is known.

use std::collections::{HashMap, HashSet, hash_map::Entry as Slot};

use carewire_feeds::{DeletedEntry, Entry};
use carewire_schemas::{Change, EntryId, FeedId};
use carewire_store::{EntryPage, VideoFacts};
use xxhash_rust::xxh3::xxh3_64;

/// An entry with its id and the hash of what a reader would notice of it.
#[derive(Debug)]
pub(crate) struct Keyed {
    pub(crate) id: EntryId,
    pub(crate) hash: i64,
    /// Boxed: an entry has many fields, and these are sorted.
    pub(crate) entry: Box<Entry>,
    /// What is known of its page, where the entry is known and that was looked at.
    pub(crate) page: Option<Box<EntryPage>>,
    /// What its platform's API said of it, where it is a video and that was asked.
    pub(crate) video: Option<VideoFacts>,
}

/// The identity of an entry of which only the address is known, as [`Keyed::link`] has it.
pub(crate) fn link_of(address: &str) -> i64 {
    let entry = Entry { url: Some(address.to_owned()), ..Entry::default() };
    xxh3_64(entry.identity_without_id().key.as_bytes()).cast_signed()
}

impl Keyed {
    /// The identity that the entry has without its id (canonical link, else title and date), as the store keeps it.
    pub(crate) fn link(&self) -> i64 {
        xxh3_64(self.entry.identity_without_id().key.as_bytes()).cast_signed()
    }
}

/// What a document holds, by id: the oldest entry first, each id once.
#[derive(Debug, Default)]
pub(crate) struct Window {
    pub(crate) entries: Vec<Keyed>,
    /// Declared deleted, with the guid by which the feed named it.
    pub(crate) deleted: Vec<(EntryId, String)>,
    /// Ids that stood on several different entries.
    pub(crate) shared_ids: usize,
    /// Entries that stood in the document twice.
    pub(crate) repeated: usize,
}

impl Window {
    /// All ids, to be looked up in the store.
    pub(crate) fn ids(&self) -> Vec<EntryId> {
        self.entries.iter().map(|keyed| keyed.id).chain(self.deleted.iter().map(|(id, _)| *id)).collect()
    }
}

/// Gives every entry its id.
///
/// A guid that stands on several entries with different links identifies none of them; these go by link instead, so that
/// none is lost. What is told twice is taken once. An entry that is also declared deleted counts by the later of the two (RFC 6721 section 2).
pub(crate) fn identify(feed: FeedId, entries: Vec<Entry>, deleted: Vec<DeletedEntry>) -> Window {
    let mut window = Window::default();
    let shared = shared_guids(&entries);
    let mut places: HashMap<EntryId, usize> = HashMap::with_capacity(entries.len());
    // Feeds put the newest first; entries go out oldest first, so that what is newer gets the higher numbers.
    for entry in entries.into_iter().rev() {
        let identity = match &entry.id {
            Some(guid) if shared.contains(guid) => entry.identity_without_id(),
            _ => entry.identity(),
        };
        let id = EntryId::derive(feed, &identity.key);
        let keyed =
            Keyed { id, hash: entry.content_hash().cast_signed(), entry: Box::new(entry), page: None, video: None };
        match places.entry(id) {
            Slot::Vacant(place) => {
                place.insert(window.entries.len());
                window.entries.push(keyed);
            }
            // The one nearer to the document's head is the newer version.
            Slot::Occupied(place) => {
                window.repeated += 1;
                window.entries[*place.get()] = keyed;
            }
        }
    }
    window.shared_ids = shared.len();
    let mut gone_ids = HashSet::new();
    for gone in deleted {
        let id = EntryId::derive(feed, &gone.ref_);
        let edited = places.get(&id).map(|&place| &window.entries[place].entry);
        let lives_on = edited.is_some_and(|entry| entry.updated.or(entry.published) > gone.when && gone.when.is_some());
        if !lives_on && !gone.ref_.is_empty() && gone_ids.insert(id) {
            window.deleted.push((id, gone.ref_));
        }
    }
    window.entries.retain(|keyed| !gone_ids.contains(&keyed.id));
    if window.entries.iter().all(|keyed| keyed.entry.published.is_some()) {
        window.entries.sort_by_key(|keyed| keyed.entry.published);
    }
    window
}

/// Guids that stand on entries with different links.
fn shared_guids(entries: &[Entry]) -> HashSet<String> {
    let mut links: HashMap<&str, &Option<String>> = HashMap::with_capacity(entries.len());
    let mut shared = HashSet::new();
    for entry in entries {
        let Some(guid) = entry.id.as_deref().filter(|guid| !guid.is_empty()) else { continue };
        match links.get(guid) {
            Some(link) if **link != entry.url => {
                shared.insert(guid.to_owned());
            }
            Some(_) => {}
            None => {
                links.insert(guid, &entry.url);
            }
        }
    }
    shared
}

/// What happened to one entry.
#[derive(Debug)]
pub(crate) enum News {
    /// New, changed, or back after it was declared deleted.
    Entry(Change, Keyed),
    /// Declared deleted; the hash is that of its last revision.
    Deleted { id: EntryId, guid: String, hash: i64 },
}

/// What is news, given the hashes that are known: unchanged entries and deletions of what was never seen are none.
pub(crate) fn news(window: Window, known: &HashMap<EntryId, (i64, bool)>) -> Vec<News> {
    let entries = window.entries.into_iter().filter_map(|keyed| match known.get(&keyed.id) {
        None => Some(News::Entry(Change::New, keyed)),
        Some(&(hash, deleted)) if deleted || hash != keyed.hash => Some(News::Entry(Change::Changed, keyed)),
        Some(_) => None,
    });
    let deleted = window.deleted.into_iter().filter_map(|(id, guid)| match known.get(&id) {
        Some(&(hash, false)) => Some(News::Deleted { id, guid, hash }),
        _ => None,
    });
    entries.chain(deleted).collect()
}

#[cfg(test)]
mod tests {
    use carewire_feeds::Text;
    use proptest::prelude::*;

    use super::*;

    const FEED: FeedId = FeedId(uuid::Uuid::from_u128(1));

    fn entry(guid: &str, link: &str, title: &str) -> Entry {
        Entry {
            id: (!guid.is_empty()).then(|| guid.to_owned()),
            url: (!link.is_empty()).then(|| format!("https://example.org/{link}")),
            title: Some(Text { value: title.to_owned(), ..Text::default() }),
            ..Entry::default()
        }
    }

    fn gone(guid: &str, when: &str) -> DeletedEntry {
        DeletedEntry { ref_: guid.to_owned(), when: when.parse().ok(), ..DeletedEntry::default() }
    }

    fn told(news: &[News]) -> Vec<(&'static str, String)> {
        news.iter()
            .map(|news| match news {
                News::Entry(Change::New, keyed) => ("new", keyed.entry.title.clone().unwrap().value),
                News::Entry(_, keyed) => ("changed", keyed.entry.title.clone().unwrap().value),
                News::Deleted { guid, .. } => ("deleted", guid.clone()),
            })
            .collect()
    }

    fn known(window: &Window) -> HashMap<EntryId, (i64, bool)> {
        window.entries.iter().map(|keyed| (keyed.id, (keyed.hash, false))).collect()
    }

    #[test]
    fn new_changed_and_unchanged_are_told_apart() {
        let first = identify(FEED, vec![entry("b", "2", "B"), entry("a", "1", "A")], vec![]);
        let known = known(&first);
        assert_eq!(told(&news(first, &HashMap::new())), [("new", "A".into()), ("new", "B".into())], "oldest first");
        let second =
            identify(FEED, vec![entry("c", "3", "C"), entry("b", "2", "B, corrected"), entry("a", "1", "A")], vec![]);
        assert_eq!(told(&news(second, &known)), [("changed", "B, corrected".into()), ("new", "C".into())]);
        let dropped_out = identify(FEED, vec![entry("b", "2", "B")], vec![]);
        assert!(news(dropped_out, &known).is_empty(), "leaving the window is no deletion");
    }

    #[test]
    fn deletions_are_those_of_known_entries_and_a_return_is_a_change() {
        let known: HashMap<_, _> =
            [(EntryId::derive(FEED, "a"), (5, false)), (EntryId::derive(FEED, "z"), (6, true))].into();
        let when = "2026-11-23T20:00:00Z";
        let window = identify(
            FEED,
            vec![],
            vec![gone("a", when), gone("a", when), gone("x", when), gone("z", when), gone("", when)],
        );
        assert_eq!(told(&news(window, &known)), [("deleted", "a".into())]);
        let back = identify(FEED, vec![entry("z", "9", "Z")], vec![]);
        assert_eq!(told(&news(back, &known)), [("changed", "Z".into())]);

        let mut edited = entry("a", "1", "A");
        edited.updated = "2026-11-23T21:00:00Z".parse().ok();
        let both = identify(FEED, vec![edited.clone()], vec![gone("a", when)]);
        assert_eq!(told(&news(both, &known)), [("changed", "A".into())], "edited after it was deleted");
        let both = identify(FEED, vec![edited], vec![gone("a", "2026-11-23T22:00:00Z")]);
        assert_eq!(told(&news(both, &known)), [("deleted", "a".into())]);
    }

    #[test]
    fn a_guid_on_several_entries_loses_none_of_them() {
        let window =
            identify(FEED, vec![entry("site", "3", "C"), entry("site", "2", "B"), entry("a", "1", "A")], vec![]);
        assert_eq!((window.entries.len(), window.shared_ids, window.repeated), (3, 1, 0));
        let twice = identify(FEED, vec![entry("a", "1", "newer"), entry("a", "1", "older")], vec![]);
        assert_eq!((twice.entries.len(), twice.shared_ids, twice.repeated), (1, 0, 1));
        assert_eq!(told(&news(twice, &HashMap::new())), [("new", "newer".into())]);
    }

    #[test]
    fn dated_entries_come_in_order_of_time() {
        let dated = |guid: &str, date: &str| Entry { published: date.parse().ok(), ..entry(guid, guid, guid) };
        let window = identify(
            FEED,
            vec![
                dated("a", "2026-01-01T00:00:00Z"),
                dated("b", "2026-03-01T00:00:00Z"),
                dated("c", "2026-02-01T00:00:00Z"),
            ],
            vec![],
        );
        let order: Vec<String> = told(&news(window, &HashMap::new())).into_iter().map(|(_, title)| title).collect();
        assert_eq!(order, ["a", "c", "b"]);
    }

    proptest! {
        /// Reading the same document again is never news, whatever it holds.
        #[test]
        fn the_same_document_twice_is_no_news(rows in prop::collection::vec(("[a-c]?", "[1-3]?", "[A-B]"), 0..12)) {
            let entries: Vec<Entry> = rows.iter().map(|(guid, link, title)| entry(guid, link, title)).collect();
            let first = identify(FEED, entries.clone(), vec![]);
            let ids: HashSet<_> = first.ids().into_iter().collect();
            prop_assert_eq!(ids.len(), first.entries.len(), "each id once");
            let known = known(&first);
            prop_assert!(news(identify(FEED, entries, vec![]), &known).is_empty());
        }
    }
}
